// Licenses of things that are used together: against each other, against what the whole goes out
// under, and what they oblige to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/license/compatibility.h"
#include "core/license/properties.h"

namespace dml {

inline constexpr size_t kMaxSetComponents = 100'000;
inline constexpr size_t kMaxSetEdges = 500'000;

struct LicensedComponent {
  std::string name;
  LicenseExpression license;  // As taken: the branch chosen, where one was.
};

/// Component `from` has component `to` in it or uses it, in this way; indexes.
struct LicensedEdge {
  uint32_t from = 0;
  uint32_t to = 0;
  LicenseContext context{};
};

/// What the whole goes out under, and how its components are in it.
struct SetOutbound {
  LicenseExpression license;
  LicenseContext context{};
};

struct LicenseConflict {
  std::string outbound;  // A component, or "" for the whole.
  std::string inbound;   // A component.
  LicenseComparison verdict;
};

struct SetCompatibility {
  LicenseOutcome outcome = LicenseOutcome::kAllow;  // The worst of all pairs.
  std::vector<LicenseConflict> conflicts;  // Pairs that are not allowed: edges first, in order.
  size_t pairs = 0;                        // Looked at.
  std::string matrix_version;
  std::string list_version;

  /// "license.incompatible" (error) and "license.compatibility-unknown" (warning), by pair.
  std::vector<Finding> Findings() const;
};

/// Each edge is judged by itself, so cycles do no harm. INVALID_ARGUMENT (LICENSE_SET_INVALID)
/// beyond the limits, or for an edge to no component.
absl::StatusOr<SetCompatibility> CheckLicenseSet(std::span<const LicensedComponent> components,
                                                 std::span<const LicensedEdge> edges,
                                                 const std::optional<SetOutbound>& outbound,
                                                 const CompatibilityMatrix& matrix,
                                                 const LicenseList& list);

/// One obligation (properties.h), and who brings it.
struct SetObligation {
  std::string word;
  std::string text;
  std::vector<std::string> licenses;    // Canonical texts, sorted.
  std::vector<std::string> components;  // Names, in the order given, each once.
};

/// All obligations of a set in a context, in the order of AllLicenseObligations(). Of an OR that is
/// still open every operand counts, as any of them may be taken. What the data does not know is
/// "unknown", never nothing.
std::vector<SetObligation> CollectObligations(std::span<const LicensedComponent> components,
                                              const LicenseContext& context,
                                              const LicenseProperties& properties);

}  // namespace dml
