// Reading an OCI image layout that a stranger may have made.
//
// Everything is found by digest, read through SafeDirectory (no link leads out of the folder), and
// checked each time it is read, so that what was verified is what is used.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/file_io.h"
#include "core/evidence/log_proof.h"
#include "tools/oci/inventory.h"
#include "tools/oci/layout_format.h"
#include "tools/oci/patch_format.h"

namespace dml {

/// A variant's manifest and what the layout has to say about it.
struct LayoutVariant {
  BlobRef manifest;
  std::vector<BlobRef> envelopes;  // DSSE, in the order of index.json, each once.
  BlobRef log_proof;
  std::optional<BlobRef> left_out;
  std::optional<BlobRef> patch;
};

/// All documents of a variant, each with its digest checked.
struct VariantDocuments {
  VariantName name;  // As the package spec says.
  Manifest manifest;
  std::string manifest_json;
  std::string spec_json;
  std::vector<std::string> envelopes;
  LogProof log_proof;
  std::optional<LeftOut> left_out;
  std::set<BlobRef> patched;  // Files that come as a patch.
};

/// A layout in a folder. Immutable; the folder must stay as it is, or errors say that it did not.
///
/// Errors: INVALID_ARGUMENT (LAYOUT_INVALID; LAYOUT_TYPE_UNKNOWN for a media type or artifact type
/// that has no meaning here); RESOURCE_EXHAUSTED (LAYOUT_TOO_LARGE) for documents above their
/// limits; DATA_LOSS (LAYOUT_BLOB_MISSING, LAYOUT_BLOB_DAMAGED), FAILED_PRECONDITION
/// (LAYOUT_EVIDENCE_MISSING) for a variant without an attestation or proof; those of the documents'
/// own readers, and of client/file_io.h.
class LayoutReader {
 public:
  /// Reads index.json and every manifest that it names.
  static absl::StatusOr<LayoutReader> Open(const std::filesystem::path& folder);

  /// In the order of index.json.
  const std::vector<LayoutVariant>& variants() const { return variants_; }

  /// Reads and checks a variant's documents: they belong together, and the log entry publishes
  /// this manifest and spec under this name. Signatures are the caller's to check.
  absl::StatusOr<VariantDocuments> Load(const LayoutVariant& variant) const;

  /// A blob's bytes; at most `max_bytes`.
  absl::StatusOr<std::string> ReadBlob(const BlobRef& blob, uint64_t max_bytes) const;
  /// That a blob is there and sound; memory is flat.
  absl::Status CheckBlob(const BlobRef& blob) const;
  std::filesystem::path BlobPath(const Digest& digest) const;
  /// A patch, with its header read. Its bytes are checked by CheckBlob alone.
  absl::StatusOr<PatchReader> OpenPatch(const BlobRef& blob) const;

 private:
  explicit LayoutReader(SafeDirectory folder) : folder_(std::move(folder)) {}

  absl::StatusOr<std::string> ReadDocument(std::string_view name, uint64_t max_bytes) const;
  absl::StatusOr<FileDescriptor> OpenBlob(const BlobRef& blob) const;
  absl::Status ReadManifests(const ImageIndex& index);
  absl::Status ReadVersionIndexes(const ImageIndex& index) const;
  absl::Status AddEvidence(const Artifact& artifact, LayoutVariant& variant) const;

  SafeDirectory folder_;
  std::vector<LayoutVariant> variants_;
};

}  // namespace dml
