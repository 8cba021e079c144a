#include "core/journal/reference_entries.h"

#include "core/crypto/sha256.h"
#include "core/package/references.h"

namespace dml {

BlobRef PublishedReference::manifest() const {
  const std::string bytes = FormatReferenceManifest(spec);
  return {Sha256(bytes), bytes.size()};
}

}  // namespace dml
