// Variants of a library as an OCI image layout, evidence included: what crosses an air gap.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/transfer.h"
#include "tools/oci/inventory.h"

namespace dml {

struct OciExportOptions {
  std::vector<VariantName> variants;
  std::filesystem::path to;  // See LayoutWriter.
  /// What the receiving library has: that is left out.
  std::optional<Inventory> since;
  Digest since_digest;  // Of the inventory document.
};

struct ExportedVariant {
  VariantName name;
  Digest manifest;
  bool left_out = false;  // Wholly: the receiving library has just this variant.
  size_t files = 0;
  size_t files_left_out = 0;
  size_t files_patched = 0;  // Of which the layout has what differs from the receiver's.
  size_t attestations = 0;
};

struct OciExport {
  std::vector<ExportedVariant> variants;  // In the order of their names.
  uint64_t blob_bytes = 0;                // Of everything that was written.
};

/// Writes the layout of docs/formats.md ("OCI layout"). Every variant is verified as by
/// VerifyVariant, every file on its way; on an error nothing is left behind.
///
/// FAILED_PRECONDITION: VARIANT_WITHDRAWN, as nobody behind the gap would learn of it;
/// VARIANT_CONFLICT where `since` has other content under a variant's name. RESOURCE_EXHAUSTED
/// (LAYOUT_TOO_LARGE) for more than an index.json may list. DATA_LOSS (VARIANT_NOT_VERIFIED).
/// Errors of LayoutWriter, DownloadVariant and the client.
absl::StatusOr<OciExport> ExportOci(Client& client, const OciExportOptions& options,
                                    const ProgressFn& progress);

}  // namespace dml
