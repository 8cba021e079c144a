// Bytes in and out of a library: publishing files, downloading and verifying variants.
//
// Memory is flat whatever the size. Every transfer resumes: an upload asks which chunks are
// missing, a download goes on after the whole chunks of a ".part" file. All digests are checked
// here; a file has its final name only once its whole digest was right and it is synced.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/crypto/keys.h"
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
  std::vector<const PrivateKey*> keys;       // At least one publisher key.
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
absl::StatusOr<CommittedOnce<AttestationRecord>> SignVariant(
    Client& client, const VariantName& name, std::span<const PrivateKey* const> keys);

/// Sends one file's missing chunks and assembles its blob in the namespace.
absl::StatusOr<BlobRef> UploadFile(Client& client, const std::string& ns,
                                   const std::filesystem::path& file, const ProgressFn& progress);

struct DownloadResult {
  VariantDetails details;
  Manifest manifest;
  std::vector<std::filesystem::path> files;
};

/// Fetches all files of a variant into `directory` (made where missing; a file of the same name
/// with other content is ALREADY_EXISTS, FILE_EXISTS, unless `overwrite`), and verifies everything
/// that VerifyVariant does.
absl::StatusOr<DownloadResult> DownloadVariant(Client& client, const VariantName& name,
                                               const std::filesystem::path& directory,
                                               bool overwrite, const ProgressFn& progress);

/// One check of a verification, in the order made.
struct VerificationStep {
  std::string what;
  bool passed = false;
  std::string detail;
};

struct VerificationReport {
  bool passed = false;  // All steps.
  std::vector<VerificationStep> steps;
};

/// Is the variant in the library, intact and signed? Manifest and spec digests, the publication's
/// signature by keys of the library that may publish in the namespace, the publish entry's
/// inclusion in the log; and, where `directory` is not empty, that the files there are exactly the
/// manifest's.
absl::StatusOr<VerificationReport> VerifyVariant(Client& client, const VariantName& name,
                                                 const std::filesystem::path& directory);

}  // namespace dml
