// The families of a policy that judge a release as a whole: approvals, size, scope, frequency,
// timing, risk, vulnerabilities and override. docs/formats.md ("Policy") has their members.
//
// A family is a list of rules, each for an environment and what is below it, and for types of
// releases. Of those that hold for a release in a place exactly one applies: of the most specific
// environment, and there one that names types before one that does not. Values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/gate/time_window.h"
#include "core/release/release.h"

namespace dml {

inline constexpr size_t kMaxFamilyRules = 64;  // In each family.
inline constexpr std::chrono::hours kMaxOverride{24};

/// Where a rule holds.
struct RuleScope {
  std::string environment;         // It, and what is below it; "": everywhere.
  std::vector<ReleaseType> types;  // Ascending, distinct; empty: all.
  bool operator==(const RuleScope&) const = default;
};

/// Who must say yes. Different persons with different keys, always: nobody approves for two.
struct ApprovalRule {
  uint32_t approvers = 1;                 // 1 to 16.
  bool separate_publishers = true;        // Whoever published an item does not count.
  bool separate_testers = true;           // Nor whoever attested a test.
  bool separate_deployers = true;         // Nor whoever asks for the permit.
  std::chrono::hours valid_for{24 * 30};  // After it was given.
};

struct SizeRule {
  std::optional<uint64_t> items;
  std::optional<uint64_t> changes;
  std::optional<uint64_t> bytes;  // Of the files of all items but those removed.
  std::optional<uint64_t> nodes;
};

struct ScopeRule {
  /// Deployed there before, for so long, and not halted or backed out since.
  struct After {
    std::string environment;
    std::chrono::hours soak{0};
  };
  std::vector<std::string> packages;   // Patterns that items must match; empty: any.
  std::vector<ReleaseAction> actions;  // Ascending, distinct; empty: all.
  std::optional<After> after;
  std::optional<uint32_t> rollouts;  // At the same time in the environment, this one among them.
  bool demands_authorized_changes = true;  // Of each item.
};

struct FrequencyRule {
  struct AtMost {
    uint32_t releases = 1;
    std::chrono::hours within{24};
  };
  std::chrono::hours between{0};  // Starts of two releases.
  std::vector<AtMost> at_most;
};

/// What of a release that has begun when its window ends.
enum class InFlightAction { kFinish, kHalt };

struct TimingRule {
  struct Once {
    TimeSpan span;
    std::string reason;
  };
  Zone zone;
  std::vector<WeeklyWindow> weekly;  // With `once`: when it may go; both empty: any time.
  std::vector<Once> once;
  std::vector<Once> freezes;  // When it may not, whatever the windows say.
  InFlightAction in_flight = InFlightAction::kFinish;
};

struct RiskRule {
  uint32_t highest = 0;                // That needs nobody's acceptance.
  std::optional<uint32_t> accepted;    // That needs one; none: nothing above `highest`.
  std::vector<std::string> acceptors;  // Principal ids that may accept it.
};

/// As of CVSS 3.1's qualitative scale.
enum class VulnerabilitySeverity { kNone, kLow, kMedium, kHigh, kCritical };

struct VulnerabilityRule {
  VulnerabilitySeverity highest = VulnerabilitySeverity::kNone;  // That is acceptable.
  std::chrono::hours fix_within{0};  // A worse one is, too, so long after it was published.
};

struct OverrideRule {
  std::vector<std::string> rules;  // Patterns of findings' rules, see IsOverridable().
  uint32_t approvers = 1;          // Other persons than who asks for it.
  std::chrono::hours longest = kMaxOverride;
};

template <typename Rule>
struct ScopedRule {
  RuleScope scope;
  Rule rule;
};
template <typename Rule>
using Family = std::vector<ScopedRule<Rule>>;

struct ReleaseRules {
  Family<ApprovalRule> approvals;
  Family<SizeRule> size;
  Family<ScopeRule> scope;
  Family<FrequencyRule> frequency;
  Family<TimingRule> timing;
  Family<RiskRule> risk;
  Family<VulnerabilityRule> vulnerabilities;
  Family<OverrideRule> override_rules;
};

/// How specific a rule's scope is in a place; 0 where it does not hold there.
size_t Specificity(const RuleScope& scope, std::string_view environment, ReleaseType type);
/// Whether there is a place in which both hold and neither is more specific.
bool Contradict(const RuleScope& a, const RuleScope& b);

/// The one rule that applies, or null where none holds. The family has no two that contradict.
template <typename Rule>
const Rule* RuleFor(const Family<Rule>& family, std::string_view environment, ReleaseType type) {
  const Rule* out = nullptr;
  size_t best = 0;
  for (const ScopedRule<Rule>& scoped : family) {
    const size_t specificity = Specificity(scoped.scope, environment, type);
    if (specificity <= best) continue;
    best = specificity;
    out = &scoped.rule;
  }
  return out;
}

/// Whether findings of the rule may be overridden at all: nothing that says that bytes are those of
/// the library, published, signed and not withdrawn, and nothing about approvals or overrides.
bool IsOverridable(std::string_view rule);

}  // namespace dml
