// The components of an SBOM as references, for planning (core/package/references.h).
//
// A component with a package URL and a version becomes a reference of the package that it means,
// with the license that was observed; what it depends on becomes its requirements, of exactly these
// versions. What it contains is in it, and nothing that must be around: it is no relation.
// A dependency on what is no package here is a requirement that nothing meets.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/license/sbom.h"
#include "core/version/version.h"
#include "tools/import/purl_names.h"

namespace dml {

struct SbomReferences {
  size_t components = 0;
  /// Package specs of kind REFERENCE as documents, by variant; a batch has one scheme.
  std::map<VersionScheme, std::vector<std::string>> specs;
  std::vector<std::string> unmapped;  // One line each.
};

/// `format` is what the document must be. The errors of ReadSbom; INVALID_ARGUMENT (SBOM_INVALID)
/// for the other format.
absl::StatusOr<SbomReferences> ReadSbomReferences(std::string_view text, SbomFormat format,
                                                  const NamespaceMap& map);

}  // namespace dml
