// References: versions that the library knows the package specs of, without their files, such as
// those of an archive's index. They are there for planning; nothing lets them be deployed.
//
// They come in batches, each vouched for by one signature: a strict JSON document, the payload of a
// DSSE envelope of type kReferenceBatchPayloadType; an unknown or repeated member is an error with
// its path:
//   {"schema": "dml.references/v1", "namespace": "debian", "source": "Packages of bookworm/main",
//    "specs": ["sha256:<64 hex>", ...]}
// `specs` are the digests of 1 to kMaxReferenceBatch package specs of kind REFERENCE, none twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"

namespace dml {

inline constexpr std::string_view kReferenceBatchSchema = "dml.references/v1";
inline constexpr std::string_view kReferenceBatchPayloadType =
    "application/vnd.dml.references.v1+json";
/// What a variant's list of attestations calls the batch that it came in.
inline constexpr std::string_view kReferencesPredicate = "https://dml.dev/references/v1";
inline constexpr size_t kMaxReferenceBatch = 500;
inline constexpr size_t kMaxReferenceBatchBytes = 64 << 10;

struct ReferenceBatch {
  std::string ns;
  std::string source;  // Where they come from, one line for people.
  std::vector<Digest> specs;
  bool operator==(const ReferenceBatch&) const = default;
};

/// INVALID_ARGUMENT (REFERENCES_INVALID, or NAME_INVALID, DIGEST_INVALID) with the member's path.
absl::StatusOr<ReferenceBatch> ParseReferenceBatch(std::string_view json);
/// The document, compact.
std::string FormatReferenceBatch(const ReferenceBatch& batch);

/// The manifest of a reference: it names the spec alone, and so follows from it. These bytes never
/// change for a spec, as their digest is what the variant is bound to.
std::string FormatReferenceManifest(const BlobRef& spec);

}  // namespace dml
