// Keys of the rows of permits; see view_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "storage/views/view_keys.h"

namespace dml::view_keys {

inline std::string Permit(std::string_view id) { return Start(Row::kPermit).String(id).Build(); }
/// Decisions on a release in an environment, by when they expire.
inline KeyBuilder PermitOfPrefix(const Digest& release, std::string_view environment) {
  return Start(Row::kPermitOf).String(release.raw()).String(environment);
}
inline std::string PermitOf(const Digest& release, std::string_view environment,
                            uint64_t expires_micros, std::string_view id) {
  return PermitOfPrefix(release, environment).U64(expires_micros).String(id).Build();
}
/// Decisions in an environment, by when they expire; times before 1970 are none.
inline KeyBuilder PermitInPrefix(std::string_view environment) {
  return Start(Row::kPermitIn).String(environment);
}
inline std::string PermitIn(std::string_view environment, uint64_t expires_micros,
                            std::string_view id) {
  return PermitInPrefix(environment).U64(expires_micros).String(id).Build();
}
/// Nodes that have begun to act on a permit.
inline KeyBuilder PermitUsePrefix(std::string_view id) { return Start(Row::kPermitUse).String(id); }
inline std::string PermitUse(std::string_view id, std::string_view node) {
  return PermitUsePrefix(id).String(node).Build();
}
/// Revoked permits, by when they expire.
inline std::string RevokedPermit(uint64_t expires_micros, std::string_view id) {
  return Start(Row::kRevokedPermit).U64(expires_micros).String(id).Build();
}
/// How many permits were ever revoked.
inline std::string RevocationCount() { return Start(Row::kRevocationCount).Build(); }

}  // namespace dml::view_keys
