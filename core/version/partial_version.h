// Versions of which parts may be left out, as the ranges of npm and cargo are written.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/version/version.h"

namespace dml {

/// Major, minor, patch.
using VersionTriple = std::array<uint64_t, 3>;

/// "1", "1.x", "1.2.3-rc.1": up to three numbers or wildcards (x, X, *).
struct PartialVersion {
  enum class Part : uint8_t { kAbsent, kWildcard, kNumber };
  std::array<Part, 3> parts = {Part::kAbsent, Part::kAbsent, Part::kAbsent};
  VersionTriple numbers = {0, 0, 0};
  std::string prerelease;  // Without the '-'.

  bool Has(size_t i) const { return parts[i] == Part::kNumber; }
  bool IsFull() const { return Has(2); }
  /// How many numbers there are before the first wildcard or the end.
  size_t count() const { return Has(0) + Has(1) + Has(2); }
  /// Whether a number stands behind a wildcard, as in "1.x.3".
  bool NumberAfterWildcard() const {
    return (!Has(0) && (Has(1) || Has(2))) || (!Has(1) && Has(2));
  }
};

/// Reads from `at` on, which it moves behind what it read. Build metadata is passed over.
/// VERSION_RANGE_INVALID with the position, `scheme` naming the notation.
absl::StatusOr<PartialVersion> ReadPartialVersion(std::string_view scheme, std::string_view text,
                                                  uint64_t max_number, size_t& at);

/// The least triple behind all that share the first `count` numbers; none where there is no greater
/// number. `count` 0: none.
std::optional<VersionTriple> NextTriple(const VersionTriple& triple, size_t count,
                                        uint64_t max_number);

/// A version of a scheme of the semver family. VERSION_RANGE_INVALID for a bad prerelease.
absl::StatusOr<Version> MakeTripleVersion(VersionScheme scheme, const VersionTriple& triple,
                                          std::string_view prerelease = "");

}  // namespace dml
