#include "tools/import/purl_names.h"

#include "core/base/text.h"

namespace dml {
namespace {

// A part of a package's name in the library, as the importers of packages write it.
std::string PartOf(const Purl& purl) {
  if (purl.type != "npm" || purl.ns.empty()) return purl.name;
  return purl.ns.substr(purl.ns.starts_with('@') ? 1 : 0) + "+" + purl.name;
}

}  // namespace

absl::StatusOr<PackageName> PackageOfPurl(const Purl& purl, const NamespaceMap& map,
                                          std::vector<std::string> keys) {
  if (!purl.ns.empty()) keys.push_back(purl.type + "/" + purl.ns);
  keys.push_back(purl.type);
  std::string ns = map.fallback;
  for (const std::string& key : keys) {
    const auto found = map.namespaces.find(key);
    if (found == map.namespaces.end()) continue;
    ns = found->second;
    break;
  }
  if (ns.empty()) {
    return NotFound(ErrorReason("NAMESPACE_NOT_MAPPED"), "no namespace is given for {}",
                    Excerpt(keys.front()));
  }
  return PackageName::Parse(ns + "/" + PartOf(purl));
}

}  // namespace dml
