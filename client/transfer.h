// Bytes in and out of a library: publishing files, downloading and verifying variants.
//
// Memory is flat whatever the size (client/local_content.h says what looking for local content
// takes). Every transfer resumes: an upload asks which chunks are missing, a download fetches those
// that its part file does not have. All digests are checked here; a file has its final name only
// once its whole digest was right and it is synced.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/crypto/keys.h"
#include "core/evidence/verification_step.h"
#include "core/package/manifest.h"
#include "core/package/package_spec.h"

namespace dml {

/// Called now and then, on the calling thread.
struct TransferProgress {
  uint64_t bytes_done = 0;  // Of raw content, what was there already included.
  uint64_t bytes_total = 0;
  uint64_t bytes_sent = 0;  // Over the wire (downloads: received).
};
using ProgressFn = std::function<void(const TransferProgress&)>;

struct LocalFile {
  std::filesystem::path path;  // Where it lies.
  std::string name;            // What it is called in the package (ValidateFilePath).
  std::string media_type = "application/octet-stream";
};

struct PublishInput {
  std::string spec_json;  // The package spec's exact bytes.
  std::vector<LocalFile> files;
  /// Publisher keys; none where the envelopes hold the publication, signed elsewhere
  /// (client/publication_draft.h).
  std::vector<const Signer*> keys;
  std::vector<std::string> extra_envelopes;  // Further attestations about the same manifest.
};

/// A change that is made once however often it is asked for. Where it was made before, nothing was
/// done, and `commit` is of the entry that made it.
template <typename T>
struct CommittedOnce : Committed<T> {
  bool done_before = false;
};

/// Uploads what is missing, then publishes with a signed publication attestation. Where exactly
/// this was published before (and not withdrawn: ALREADY_EXISTS, VERSION_EXISTS), the variant of
/// then; `input.keys` and `extra_envelopes` add nothing to its attestations.
absl::StatusOr<CommittedOnce<VariantRecord>> PublishPackage(Client& client,
                                                            const PublishInput& input,
                                                            const ProgressFn& progress,
                                                            const MutationOptions& options = {});

/// Signs the publication of a variant that the library holds with further publisher keys (at least
/// one), and attaches that to it. Keys that signed it before are left out; where all did, the first
/// of their attestations. The variant's documents are checked as by VerifyVariant, its signatures
/// are not: VARIANT_NOT_VERIFIED, nothing was signed.
absl::StatusOr<CommittedOnce<AttestationRecord>> SignVariant(Client& client,
                                                             const VariantName& name,
                                                             std::span<const Signer* const> keys);

/// Sends one file's missing chunks and assembles its blob in the namespace.
absl::StatusOr<BlobRef> UploadFile(Client& client, const std::string& ns,
                                   const std::filesystem::path& file, const ProgressFn& progress);

struct DownloadResult {
  VariantDetails details;
  Manifest manifest;
  std::vector<std::filesystem::path> files;
  uint64_t fetched_bytes = 0;  // Of frames: what had to come over the wire.
};

struct DownloadOptions {
  /// Replace files of the same name with other content; what they hold counts as local.
  bool overwrite = false;
  /// Fetch a variant that was withdrawn too.
  bool allow_withdrawn = false;
  /// Files and folders with content that may be in the variant too, such as an earlier version:
  /// they are read and cut as the library cuts, and only the chunks that are not in them are
  /// fetched. What is not there or cannot be read is skipped; nothing in them is trusted.
  std::vector<std::filesystem::path> local;
  /// Connections for each file of more than `channel_bytes`: 1 to kMaxDownloadChannels.
  int channels = 1;
  uint64_t channel_bytes = 64 << 20;
  /// The id of a permit that names the variant, for who may read it by nothing else.
  std::string permit{};
};

inline constexpr int kMaxDownloadChannels = 16;

/// Fetches all files of a variant into `directory` (made where missing), and verifies everything
/// that VerifyVariant does. ALREADY_EXISTS (FILE_EXISTS), before anything is fetched, for a file
/// of the same name with other content; FAILED_PRECONDITION (VARIANT_WITHDRAWN), likewise;
/// INVALID_ARGUMENT (DOWNLOAD_OPTIONS_INVALID).
absl::StatusOr<DownloadResult> DownloadVariant(Client& client, const VariantName& name,
                                               const std::filesystem::path& directory,
                                               const DownloadOptions& options,
                                               const ProgressFn& progress);

struct VerificationReport {
  bool passed = false;                  // All steps.
  std::vector<VerificationStep> steps;  // In the order made.
  /// Whether bytes of the files were looked at, or there are none; else `passed` is of the
  /// documents, signatures and the log alone.
  bool files_checked = false;
};

struct VerifyOptions {
  /// A folder that must hold exactly the variant's files; "": none is looked at.
  std::filesystem::path directory;
  /// Read every file from the library, too. Nothing is written.
  bool content = false;
  ProgressFn progress;  // Of that reading.
};

/// Is the variant in the library, intact and signed? Manifest and spec digests, the publication's
/// signature by keys of the library that may publish in the namespace, the publish entry's
/// inclusion in the log; and of the files what the options say, each a step.
absl::StatusOr<VerificationReport> VerifyVariant(Client& client, const VariantName& name,
                                                 const VerifyOptions& options);

}  // namespace dml
