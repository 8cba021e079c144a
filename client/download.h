// Fetching the files of a variant. Internal to client/; see client/transfer.h.
#pragma once

#include "client/connection.h"
#include "client/file_io.h"
#include "client/upload.h"
#include "core/package/manifest.h"

namespace dml {

/// Names of files that are not whole yet start so; no file of a package may.
inline constexpr std::string_view kPartPrefix = ".dml-part-";

/// Refuses the names that no file of a package may have: INVALID_ARGUMENT (PATH_INVALID,
/// PATH_RESERVED).
absl::Status CheckFileName(std::string_view name);

/// Fetches files into `directory`, those that are not there yet. Each has its name only when it is
/// whole, right and synced; until then its bytes are in a ".dml-part-*" file beside it, of which a
/// later call takes every chunk that is right.
/// DATA_LOSS (CHUNK_DIGEST_MISMATCH, BLOB_DIGEST_MISMATCH) for other bytes than the manifest names;
/// ALREADY_EXISTS (FILE_EXISTS), before anything is fetched; FAILED_PRECONDITION (DOWNLOAD_BUSY)
/// where another process fetches the same file.
absl::Status FetchFiles(Connection& connection, const VariantName& variant,
                        const std::vector<ManifestFile>& files, const SafeDirectory& directory,
                        const DownloadOptions& options, ProgressReporter& progress);

}  // namespace dml
