// License policy: which licenses may be used, and the verdict on an expression.
//
// A policy is an ordered list of rules; each gives one outcome to the licenses that it names:
//   "MIT", "GPL-2.0-or-later", "Apache-2.0+"      a listed license
//   "GPL-2.0-only WITH Classpath-exception-2.0"   with exactly this exception or AdditionRef
//   "LicenseRef-acme", "DocumentRef-x:LicenseRef-y"  a reference of one's own
//   "LicenseRef-acme-*"                           every reference that starts so, without WITH
//   "NONE", "NOASSERTION"                         the whole value; only for kReview and kDeny
// A rule without WITH says nothing about a license with an exception. A rule may also name
// categories of the properties data (properties.h), and so all licenses that have one of them, and
// a condition: in another context it names nothing.
//
// The outcome of one license is the worst of all rules that name it, in whatever order they stand.
// "GPL-2.0" and "GPL-2.0-only" are one license, so are "GPL-2.0+" and "GPL-2.0-or-later". Where no
// rule names an or-later license itself, its licensee may choose the version, so that it gets the
// best outcome among the versions of the family from its own on, each "only" or "or later":
// allowing GPL-3.0-only allows GPL-2.0-or-later, though GPL-2.0-only be denied; allowing
// LGPL-3.0-only does not allow LGPL-2.1-only. A license that no rule names is kReview: unknown is
// never allowed.
//
// A waiver in force makes a license that is kReview or kDeny kAllowWithObligations. The verdict is
// one walk over the tree: OR takes its best operand, AND its worst. A tie in an OR goes to the
// operand whose last license comes first in the policy (waived ones last), then to the lesser text.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/license/context.h"
#include "core/license/expression.h"
#include "core/license/license_list.h"
#include "core/license/properties.h"
#include "core/license/waiver.h"

namespace dml {

/// From best to worst.
enum class LicenseOutcome { kAllow, kAllowWithObligations, kReview, kDeny };
std::string_view LicenseOutcomeName(LicenseOutcome outcome);  // "ALLOW", ..., "DENY".

struct LicenseRule {
  std::string id;  // For findings, e.g. "permissive".
  LicenseOutcome outcome = LicenseOutcome::kReview;
  std::vector<std::string> licenses{};     // Patterns as above.
  std::vector<std::string> obligations{};  // Only for kAllowWithObligations, e.g. "notice".
  std::vector<std::string> categories{};   // E.g. "permissive", "property:network-clause".
  LicenseCondition when{};
};

inline constexpr size_t kMaxLicenseRules = 1024;
inline constexpr size_t kMaxLicensePatterns = 16384;  // Of all rules together.
inline constexpr size_t kMaxLicenseGlobs = 256;

/// An immutable set of rules, indexed by license. Safe to read from any thread.
class LicensePolicy {
 public:
  /// INVALID_ARGUMENT (LICENSE_POLICY_INVALID) naming the rule: an id that is empty or used twice,
  /// a pattern of another form or that is not on `list`, a license or category that another rule
  /// gives the same outcome in some context, a category that `properties` does not have (without
  /// them: any), NONE or NOASSERTION allowed, obligations on another outcome than
  /// kAllowWithObligations, more than the limits above. What is needed of `properties` is kept.
  static absl::StatusOr<LicensePolicy> Create(std::string version, std::vector<LicenseRule> rules,
                                              const LicenseList& list,
                                              const LicenseProperties* properties = nullptr);

  const std::string& version() const { return version_; }
  /// Of the properties data that the rules' categories go by, "" where no rule names one.
  const std::string& properties_version() const { return properties_version_; }
  const std::vector<LicenseRule>& rules() const { return rules_; }

  /// A pattern or category of a rule. `order` counts both over the policy, from 0.
  struct Match {
    size_t order = 0;
    size_t rule = 0;
    std::string pattern;
  };

  /// Every pattern and category that names this version with this addition in this context, in
  /// policy order; globs count where it is a `reference`.
  std::vector<Match> Find(const LicenseVersion& version, const std::string& addition,
                          bool reference, const LicenseContext& context = {}) const;
  /// Every pattern that is this "NONE" or "NOASSERTION", in policy order.
  std::vector<Match> FindWhole(std::string_view value) const;

 private:
  using Key = std::pair<LicenseVersion, std::string>;

  absl::Status AddMatch(const Match& match, std::vector<Match>& matches) const;
  absl::Status AddPattern(const std::string& pattern, size_t rule, const LicenseList& list);
  absl::Status AddCategory(const std::string& category, size_t rule,
                           const LicenseProperties* properties);
  absl::StatusOr<Match> NextMatch(const std::string& pattern, size_t rule);

  std::string version_;
  std::string properties_version_;
  std::vector<LicenseRule> rules_;
  size_t pattern_count_ = 0;
  std::map<Key, std::vector<Match>> exact_;
  std::vector<std::pair<std::string, Match>> globs_;  // Prefix; in policy order.
  std::map<std::string, std::vector<Match>, std::less<>> whole_;
  std::map<std::string, std::vector<Match>, std::less<>> by_category_;
  std::map<Key, std::set<std::string>> categories_;  // Empty where no rule names one.
};

/// Why one license of an expression has its outcome.
struct LicenseReason {
  std::string leaf;  // Canonical text.
  LicenseOutcome outcome = LicenseOutcome::kReview;
  LicenseOutcome policy_outcome = LicenseOutcome::kReview;  // Without waivers.
  std::string rule;     // The rule that decided, "" where none names the license.
  std::string pattern;  // What that rule names: the license, a later version of it, or a glob.
  std::vector<std::string> other_rules;      // The other rules that name it, in policy order.
  std::string waiver;                        // That made it better, "" where none did.
  std::vector<std::string> expired_waivers;  // That would have, were they in force.
  std::string deprecated;                    // The id, where the list has it as deprecated.
  bool chosen = false;                       // Whether it is part of the branch taken.
  std::string explanation;
};

struct LicenseVerdict {
  LicenseOutcome outcome = LicenseOutcome::kReview;
  std::string chosen;  // The branch taken: the licenses that apply together, joined by AND.
  std::vector<std::string> obligations;  // Of every rule that names a license of that branch.
  std::vector<LicenseReason> reasons;    // One for each leaf, in the order of the text.
  std::string policy_version;
  std::string list_version;
  std::string properties_version;  // "" where the policy goes by no category.
  LicenseContext context;
  size_t steps = 0;  // Operands looked at; at most three times the number of leaves.
};

/// Where and when licenses are judged. Without a package no waiver applies.
struct LicenseCircumstances {
  LicenseContext context{};
  std::string package{};  // "namespace/name"
  Timestamp time{};
  const LicenseWaivers* waivers = nullptr;  // Must outlive the call.
};

/// Never fails; time and memory are linear in the expression (times its depth for texts). NONE and
/// NOASSERTION are kReview, with a reason of their own, unless the policy denies them.
LicenseVerdict EvaluateLicense(const LicenseExpression& expression, const LicensePolicy& policy,
                               const LicenseList& list,
                               const LicenseCircumstances& circumstances = {});

}  // namespace dml
