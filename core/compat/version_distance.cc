#include "core/compat/version_distance.h"

#include <array>
#include <charconv>

namespace dml {
namespace {

/// Major, minor and patch. semver's numbers are at most 2^53-1 (core/version).
std::array<int64_t, 3> PartsOf(const Version& version) {
  std::array<int64_t, 3> parts{};
  const char* at = version.text().data();
  const char* end = at + version.text().size();
  for (int64_t& part : parts) {
    at = std::from_chars(at, end, part).ptr;
    if (at != end && *at == '.') ++at;
  }
  return parts;
}

}  // namespace

bool HasVersionUnits(const Version& version) {
  return version.scheme() == VersionScheme::kSemver && !version.empty();
}

std::optional<int64_t> VersionDistance(const Version& a, const Version& b, VersionUnit unit) {
  if (!HasVersionUnits(a) || !HasVersionUnits(b)) return std::nullopt;
  const std::array<int64_t, 3> from = PartsOf(a);
  const std::array<int64_t, 3> to = PartsOf(b);
  const auto at = static_cast<size_t>(unit);
  for (size_t i = 0; i < at; ++i) {
    if (from[i] != to[i]) return std::nullopt;
  }
  return to[at] - from[at];
}

bool SkipsNoUnit(const Version& a, const Version& b, VersionUnit unit) {
  if (!HasVersionUnits(a) || !HasVersionUnits(b)) return false;
  const std::array<int64_t, 3> from = PartsOf(a);
  const std::array<int64_t, 3> to = PartsOf(b);
  const auto at = static_cast<size_t>(unit);
  for (size_t i = 0; i <= at; ++i) {
    if (to[i] == from[i]) continue;
    if (to[i] != from[i] + 1) return false;
    for (size_t lower = i + 1; lower <= at; ++lower) {
      if (to[lower] != 0) return false;
    }
    return true;
  }
  return true;
}

}  // namespace dml
