// Variants from an OCI image layout that dml export oci wrote, into a library.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/transfer.h"

namespace dml {

struct OciImportOptions {
  std::filesystem::path from;  // The layout: a folder, or a tar file.
  /// Where a tar file is unpacked, and patches are made whole; "": beside it, or in the system's
  /// folder for temporary files where nothing may be written there. Emptied at the end.
  std::filesystem::path work_dir;
  /// The key of the log that the variants come from; absent: who signed its checkpoints is not
  /// checked, only that they contain the publications.
  std::optional<PublicKey> source_log_key;
  /// Attestations that no key of the library vouches for are left out instead of refused. A
  /// publication that it does vouch for is needed all the same.
  bool leave_out_untrusted = false;
};

struct ImportedVariant {
  enum class Result { kPublished, kPresent, kWithdrawn };
  VariantName name;
  Digest manifest;
  Result result = Result::kPublished;  // kPresent: just this was there. kWithdrawn: it was once.
  size_t attestations_added = 0;
  size_t attestations_left_out = 0;
  std::string source_log;     // Its origin, as its checkpoint says,
  uint64_t source_index = 0;  // and the entry that published the variant there.
};

struct OciImport {
  std::vector<ImportedVariant> variants;  // In the layout's order.
  size_t files_uploaded = 0;
  size_t files_patched = 0;  // Of them: made from a patch.
  bool source_log_checked = false;
};

/// Verifies everything that the layout holds; then sends the files that are missing, asks the
/// library whether it would take each variant, and only then publishes them, with the bytes and
/// envelopes that were exported. Until then nothing that anyone could see has changed; doing it
/// again is harmless.
///
/// Errors of LayoutReader and UnpackLayout; DATA_LOSS (VARIANT_NOT_VERIFIED) for signatures and
/// bindings that do not hold; ALREADY_EXISTS (VERSION_EXISTS) where other content has a variant's
/// name; FAILED_PRECONDITION (LAYOUT_BLOB_LEFT_OUT) where the library does not have what the
/// exporter's inventory said; those of the client.
absl::StatusOr<OciImport> ImportOci(Client& client, const OciImportOptions& options,
                                    const ProgressFn& progress);

}  // namespace dml
