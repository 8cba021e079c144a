// OCI image layouts that come as one tar file.
#pragma once

#include <filesystem>

#include "core/base/status.h"

namespace dml {

/// Unpacks a layout's tar file into an empty folder, as a stream. Only what a layout consists of is
/// let in: the regular files oci-layout, index.json and blobs/sha256/<hex>, each once, and their
/// folders. Every blob is checked against its name as it is written. Compressed and sparse archives
/// are refused, so that nothing unpacks to more than the file's size.
///
/// INVALID_ARGUMENT (LAYOUT_INVALID): another entry, a link, a name twice, no tar archive, or cut
/// short; RESOURCE_EXHAUSTED (LAYOUT_TOO_LARGE): too many entries, or index.json above its limit;
/// DATA_LOSS (LAYOUT_BLOB_DAMAGED); IoError's. The folder's content means nothing then.
absl::Status UnpackLayout(const std::filesystem::path& tar, const std::filesystem::path& folder);

}  // namespace dml
