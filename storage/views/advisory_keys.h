// Keys of the rows of advisories; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "storage/views/view_keys.h"

namespace dml::view_keys {

/// By id, then revision: the last one counts.
inline KeyBuilder AdvisoryPrefix(std::string_view id) { return Start(Row::kAdvisory).String(id); }
inline std::string Advisory(std::string_view id, uint64_t revision) {
  return AdvisoryPrefix(id).U64(revision).Build();
}
/// Of a package, by id; those that are withdrawn are not there.
inline KeyBuilder AdvisoryOfPrefix(const PackageName& package) {
  return PackagePrefix(Row::kAdvisoryOf, package);
}
inline std::string AdvisoryOf(const PackageName& package, std::string_view id) {
  return AdvisoryOfPrefix(package).String(id).Build();
}

}  // namespace dml::view_keys
