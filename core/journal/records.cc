#include "core/journal/records.h"

#include <algorithm>

namespace dml {

bool KeyCovers(const KeyRecord& key, std::string_view role, std::string_view ns) {
  if (key.revoked) return false;
  if (std::find(key.roles.begin(), key.roles.end(), role) == key.roles.end()) return false;
  return std::any_of(key.namespaces.begin(), key.namespaces.end(),
                     [&](const std::string& pattern) { return pattern == "*" || pattern == ns; });
}

bool KeyCovers(const KeyRecord& key, std::string_view ns) {
  return std::any_of(std::begin(kSigningRoles), std::end(kSigningRoles),
                     [&](std::string_view role) { return KeyCovers(key, role, ns); });
}

std::string RetentionRecord::Etag() const { return index == 0 ? "" : fmt::format("{}", index); }

std::string PolicyRecord::Etag() const {
  return fmt::format("{}-{}", revision, document.digest.hex().substr(0, 16));
}

}  // namespace dml
