#include "core/license/policy.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("LICENSE_POLICY_INVALID");

bool Allows(LicenseOutcome outcome) { return outcome < LicenseOutcome::kReview; }

// "[DocumentRef-x:]LicenseRef-y" with an idstring y that may be empty.
bool IsReferencePrefix(const std::string& prefix, const LicenseList& list) {
  auto expression = LicenseExpression::Parse(prefix + "x", list);
  return expression.ok() && expression->leaves().size() == 1 && !expression->leaves()[0].listed &&
         expression->leaves()[0].id == prefix + "x";
}

absl::Status CheckRule(const LicenseRule& rule, std::set<std::string>& ids) {
  if (rule.id.empty()) return InvalidArgument(kInvalid, "a rule has no id");
  if (!ids.insert(rule.id).second) {
    return InvalidArgument(kInvalid, "two rules have the id '{}'", rule.id);
  }
  if (!rule.obligations.empty() && rule.outcome != LicenseOutcome::kAllowWithObligations) {
    return InvalidArgument(kInvalid, "rule '{}' has obligations but is {}; use {}", rule.id,
                           LicenseOutcomeName(rule.outcome),
                           LicenseOutcomeName(LicenseOutcome::kAllowWithObligations));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view LicenseOutcomeName(LicenseOutcome outcome) {
  switch (outcome) {
    case LicenseOutcome::kAllow:
      return "ALLOW";
    case LicenseOutcome::kAllowWithObligations:
      return "ALLOW_WITH_OBLIGATIONS";
    case LicenseOutcome::kReview:
      return "REVIEW";
    case LicenseOutcome::kDeny:
      return "DENY";
  }
  return "REVIEW";
}

absl::StatusOr<LicensePolicy> LicensePolicy::Create(std::string version,
                                                    std::vector<LicenseRule> rules,
                                                    const LicenseList& list,
                                                    const LicenseProperties* properties) {
  if (rules.size() > kMaxLicenseRules) {
    return InvalidArgument(kInvalid, "{} license rules; at most {}", rules.size(),
                           kMaxLicenseRules);
  }
  LicensePolicy policy;
  policy.version_ = std::move(version);
  policy.rules_ = std::move(rules);
  std::set<std::string> ids;
  for (size_t i = 0; i < policy.rules_.size(); ++i) {
    DML_RETURN_IF_ERROR(CheckRule(policy.rules_[i], ids));
    for (const std::string& pattern : policy.rules_[i].licenses) {
      DML_RETURN_IF_ERROR(policy.AddPattern(pattern, i, list));
    }
    for (const std::string& category : policy.rules_[i].categories) {
      DML_RETURN_IF_ERROR(policy.AddCategory(category, i, properties));
    }
  }
  if (!policy.by_category_.empty()) {
    policy.properties_version_ = properties->version();
    policy.categories_ = properties->licenses();
  }
  return policy;
}

// One pattern for each outcome in a context keeps the matches of a license few.
absl::Status LicensePolicy::AddMatch(const Match& match, std::vector<Match>& matches) const {
  for (const Match& other : matches) {
    if (other.rule == match.rule) return absl::OkStatus();
    if (rules_[other.rule].outcome == rules_[match.rule].outcome &&
        rules_[other.rule].when.Overlaps(rules_[match.rule].when)) {
      return InvalidArgument(kInvalid, "rule '{}': '{}' got {} from rule '{}' already",
                             rules_[match.rule].id, match.pattern,
                             LicenseOutcomeName(rules_[match.rule].outcome), rules_[other.rule].id);
    }
  }
  matches.push_back(match);
  return absl::OkStatus();
}

absl::StatusOr<LicensePolicy::Match> LicensePolicy::NextMatch(const std::string& pattern,
                                                              size_t rule) {
  if (pattern_count_ == kMaxLicensePatterns) {
    return InvalidArgument(kInvalid, "rule '{}': more than {} licenses in the policy",
                           rules_[rule].id, kMaxLicensePatterns);
  }
  return Match{pattern_count_++, rule, pattern};
}

absl::Status LicensePolicy::AddCategory(const std::string& category, size_t rule,
                                        const LicenseProperties* properties) {
  if (properties == nullptr || !properties->categories().contains(category)) {
    return InvalidArgument(kInvalid, "rule '{}': category '{}' is not in the properties data ({})",
                           rules_[rule].id, Excerpt(category),
                           properties == nullptr ? "none is loaded" : properties->version());
  }
  DML_ASSIGN_OR_RETURN(const Match match, NextMatch(category, rule));
  return AddMatch(match, by_category_[category]);
}

absl::Status LicensePolicy::AddPattern(const std::string& pattern, size_t rule,
                                       const LicenseList& list) {
  const LicenseRule& owner = rules_[rule];
  DML_ASSIGN_OR_RETURN(const Match match, NextMatch(pattern, rule));
  if (pattern.ends_with('*')) {
    std::string prefix = pattern.substr(0, pattern.size() - 1);
    if (!IsReferencePrefix(prefix, list) || globs_.size() == kMaxLicenseGlobs) {
      return InvalidArgument(kInvalid,
                             "rule '{}': '{}' must be LicenseRef-...*, and at most {} of these",
                             owner.id, pattern, kMaxLicenseGlobs);
    }
    globs_.emplace_back(std::move(prefix), match);
    return absl::OkStatus();
  }
  absl::StatusOr<LicenseExpression> expression = LicenseExpression::Parse(pattern, list);
  if (!expression.ok()) {
    return InvalidArgument(kInvalid, "rule '{}': license '{}': {}", owner.id, pattern,
                           Message(expression.status()));
  }
  if (expression->is_none() || expression->is_no_assertion()) {
    if (Allows(owner.outcome)) {
      return InvalidArgument(kInvalid,
                             "rule '{}' allows {}; unknown is never allowed, use {} or {}",
                             owner.id, pattern, LicenseOutcomeName(LicenseOutcome::kReview),
                             LicenseOutcomeName(LicenseOutcome::kDeny));
    }
    return AddMatch(match, whole_[expression->ToString()]);
  }
  if (expression->leaves().size() != 1) {
    return InvalidArgument(kInvalid, "rule '{}': '{}' must be one license, without AND and OR",
                           owner.id, pattern);
  }
  const LicenseLeaf& leaf = expression->leaves()[0];
  return AddMatch(match, exact_[{leaf.version(), leaf.addition}]);
}

std::vector<LicensePolicy::Match> LicensePolicy::Find(const LicenseVersion& version,
                                                      const std::string& addition, bool reference,
                                                      const LicenseContext& context) const {
  std::vector<Match> matches;
  auto add = [&](const Match& match) {
    if (rules_[match.rule].when.Holds(context)) matches.push_back(match);
  };
  const Key key(version, addition);
  if (auto it = exact_.find(key); it != exact_.end()) std::ranges::for_each(it->second, add);
  if (auto it = categories_.find(key); it != categories_.end()) {
    for (const std::string& category : it->second) {
      auto named = by_category_.find(category);
      if (named != by_category_.end()) std::ranges::for_each(named->second, add);
    }
  }
  if (reference && addition.empty()) {
    for (const auto& [prefix, match] : globs_) {
      if (version.base.starts_with(prefix)) add(match);
    }
  }
  std::ranges::sort(matches, {}, &Match::order);
  return matches;
}

std::vector<LicensePolicy::Match> LicensePolicy::FindWhole(std::string_view value) const {
  auto it = whole_.find(value);
  return it == whole_.end() ? std::vector<Match>() : it->second;
}

}  // namespace dml
