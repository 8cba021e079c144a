// Keys of the rows of licenses; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "core/license/data_set.h"
#include "storage/views/view_keys.h"

namespace dml::view_keys {

inline KeyBuilder LicensePrefix(std::string_view license) {
  return Start(Row::kLicense).String(license);
}
inline std::string License(std::string_view license, const VariantName& name) {
  return LicensePrefix(license)
      .String(name.package.ns)
      .String(name.package.name)
      .String(name.version)
      .String(name.platform.VariantId())
      .Build();
}
/// By kind, then revision: the last one is in force.
inline KeyBuilder LicenseDataPrefix(LicenseDataKind kind) {
  return Start(Row::kLicenseData).U8(static_cast<uint8_t>(kind));
}
inline std::string LicenseData(LicenseDataKind kind, uint64_t revision) {
  return LicenseDataPrefix(kind).U64(revision).Build();
}

}  // namespace dml::view_keys
