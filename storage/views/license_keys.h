// Keys of the rows of licenses; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "core/license/data_set.h"
#include "core/license/license_terms.h"
#include "storage/views/view_keys.h"

namespace dml::view_keys {

/// What a row of licenses is found by.
/// kEveryName: no variants, but each name that any license of a variant ever had; rows stay.
enum class LicenseFacet : uint8_t { kName = 1, kLicense = 2, kPart = 3, kEveryName = 4 };

inline KeyBuilder LicenseFacetPrefix(LicenseFacet facet) {
  return Start(Row::kLicense).U8(static_cast<uint8_t>(facet));
}
/// The part of a key that names what is found, after the facet.
inline KeyBuilder LicenseGroup(std::string_view name) { return KeyBuilder().String(name); }
inline KeyBuilder LicenseGroup(const LicenseKey& license) {
  return KeyBuilder()
      .String(license.first.base)
      .U8(license.first.or_later ? 1 : 0)
      .String(license.second);
}
inline KeyBuilder LicenseGroup(const Digest& part) { return KeyBuilder().String(part.raw()); }

template <typename Group>
std::string License(LicenseFacet facet, const Group& group, const VariantName& name) {
  return LicenseFacetPrefix(facet).Build() + LicenseGroup(group)
                                                 .String(name.package.ns)
                                                 .String(name.package.name)
                                                 .String(name.version)
                                                 .String(name.platform.VariantId())
                                                 .Build();
}
inline std::string EveryLicenseName(std::string_view name) {
  return LicenseFacetPrefix(LicenseFacet::kEveryName).String(name).Build();
}
/// By kind, then revision: the last one is in force.
inline KeyBuilder LicenseDataPrefix(LicenseDataKind kind) {
  return Start(Row::kLicenseData).U8(static_cast<uint8_t>(kind));
}
inline std::string LicenseData(LicenseDataKind kind, uint64_t revision) {
  return LicenseDataPrefix(kind).U64(revision).Build();
}

}  // namespace dml::view_keys
