#include "core/gate/release_rules.h"

#include <algorithm>

namespace dml {

size_t Specificity(const RuleScope& scope, std::string_view environment, ReleaseType type) {
  if (!scope.environment.empty() && !CoversEnvironment(scope.environment, environment)) return 0;
  if (!scope.types.empty() && !std::ranges::binary_search(scope.types, type)) return 0;
  const size_t depth = scope.environment.empty()
                           ? 0
                           : 1 + static_cast<size_t>(std::ranges::count(scope.environment, '/'));
  return 1 + 2 * depth + (scope.types.empty() ? 0 : 1);
}

bool Contradict(const RuleScope& a, const RuleScope& b) {
  if (a.environment != b.environment || a.types.empty() != b.types.empty()) return false;
  return a.types.empty() || std::ranges::any_of(a.types, [&](ReleaseType type) {
           return std::ranges::binary_search(b.types, type);
         });
}

bool IsOverridable(std::string_view rule) {
  constexpr std::string_view kFamilies[] = {"compatibility.", "frequency.",    "license.",
                                            "risk.",          "scope.",        "size.",
                                            "timing.",        "vulnerability."};
  return std::ranges::any_of(kFamilies,
                             [&](std::string_view family) { return rule.starts_with(family); });
}

}  // namespace dml
