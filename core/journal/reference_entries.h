// Entries about references: versions of which the library has the package spec, and no files. See
// core/journal/entry.h.
#pragma once

#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/package/names.h"
#include "core/version/version.h"

namespace dml {

struct PublishedReference {
  VariantName variant;
  BlobRef spec;  // Metadata blob.
  /// Metadata blob: the manifest that follows from the spec, see FormatReferenceManifest().
  BlobRef manifest() const;
  bool operator==(const PublishedReference&) const = default;
};

/// References of one namespace out of one signed batch; what was there already is left out.
struct ReferencesPublished {
  std::string ns;
  VersionScheme scheme = VersionScheme::kSemver;  // Of all of them.
  std::vector<PublishedReference> references;     // Ascending, distinct.
  BlobRef envelope;             // Metadata blob: the signed batch (core/package/references.h).
  std::vector<Digest> key_ids;  // Of good signatures by who may publish all of them; ascending.
  bool operator==(const ReferencesPublished&) const = default;
};

}  // namespace dml
