#include "core/gate/policy_licenses.h"

#include <array>
#include <map>
#include <set>

#include "core/base/strict_json.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("POLICY_INVALID");
constexpr size_t kMaxPatternBytes = 512;
constexpr size_t kMaxWordBytes = 128;  // Of an id, category or obligation.

absl::Status AsPolicyError(const absl::Status& status) {
  return status.ok() ? status : InvalidArgument(kInvalid, "{}", Message(status));
}

absl::StatusOr<LicenseProvision> ReadProvision(const json& value) {
  DML_ASSIGN_OR_RETURN(std::string word, JsonText(value, kMaxWordBytes, kInvalid));
  if (auto provision = ParseLicenseProvision(word)) return *provision;
  return InvalidArgument(kInvalid, "'{}' must be INTERNAL, SERVICE or DISTRIBUTED", Excerpt(word));
}

absl::StatusOr<LicenseCombination> ReadCombination(const json& value) {
  DML_ASSIGN_OR_RETURN(std::string word, JsonText(value, kMaxWordBytes, kInvalid));
  if (auto combination = ParseLicenseCombination(word)) return *combination;
  return InvalidArgument(kInvalid, "'{}' must be SEPARATE, LINKED_DYNAMIC, LINKED_STATIC or MERGED",
                         Excerpt(word));
}

absl::StatusOr<bool> ReadBool(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return InvalidArgument(kInvalid, "must be true or false, not {}", JsonTypeName(value));
}

template <typename T>
absl::Status Take(absl::StatusOr<T> value, auto& out) {
  if (value.ok()) out = *std::move(value);
  return value.status();
}

template <typename T>
absl::Status Append(absl::StatusOr<T> value, std::vector<T>& out) {
  if (value.ok()) out.push_back(*std::move(value));
  return value.status();
}

absl::Status ReadCondition(const json& value, LicenseCondition& when) {
  ObjectReader in(value, kInvalid);
  in.ForEach("provisions", 3,
             [&](const json& item) { return Append(ReadProvision(item), when.provisions); });
  in.ForEach("combinations", 4,
             [&](const json& item) { return Append(ReadCombination(item), when.combinations); });
  in.Read("modified", [&](const json& item) { return Take(ReadBool(item), when.modified); });
  return in.Finish();
}

// A list of one outcome, "allow" and the like.
struct OutcomeList {
  std::string_view key;
  LicenseOutcome outcome;
};
constexpr std::array<OutcomeList, 3> kLists = {{{"allow", LicenseOutcome::kAllow},
                                                {"deny", LicenseOutcome::kDeny},
                                                {"review", LicenseOutcome::kReview}}};

class LicensesReader {
 public:
  LicensesReader(const LicenseList& list, const LicenseProperties* properties, Policy& policy)
      : list_(list), properties_(properties), policy_(policy) {}

  absl::Status Read(const json& value) {
    ObjectReader in(value, kInvalid);
    for (const OutcomeList& list : kLists) ReadList(list, in);
    in.ForEach("rules", kMaxLicenseRules, [&](const json& item) { return ReadRule(item); });
    in.ForEach("contexts", kMaxPolicyPatterns, [&](const json& item) { return ReadContext(item); });
    in.ForEach("waivers", kMaxLicenseWaivers, [&](const json& item) { return ReadWaiver(item); });
    DML_RETURN_IF_ERROR(in.Finish());
    absl::StatusOr<LicensePolicy> licenses =
        LicensePolicy::Create(policy_.digest.ToString(), std::move(rules_), list_, properties_);
    if (!licenses.ok()) return AsPolicyError(licenses.status());
    policy_.licenses = *std::move(licenses);
    absl::StatusOr<LicenseWaivers> waivers = LicenseWaivers::Create(std::move(waivers_), list_);
    if (!waivers.ok()) return AsPolicyError(waivers.status());
    policy_.waivers = *std::move(waivers);
    return absl::OkStatus();
  }

 private:
  // Each pattern is tried alone first, so that the error has its line.
  absl::Status TryRule(LicenseRule rule) const {
    return AsPolicyError(LicensePolicy::Create("", {std::move(rule)}, list_, properties_).status());
  }

  void ReadList(const OutcomeList& outcome, ObjectReader& in) {
    LicenseRule rule{.id = std::string(outcome.key), .outcome = outcome.outcome};
    in.ForEach(outcome.key, kMaxPolicyPatterns, [&](const json& item) -> absl::Status {
      DML_ASSIGN_OR_RETURN(std::string pattern, JsonText(item, kMaxPatternBytes, kInvalid));
      if (auto [first, is_new] = listed_.emplace(AsciiLower(pattern), outcome.key); !is_new) {
        return InvalidArgument(kInvalid, "'{}' is in '{}' already; keep it in one list only",
                               Excerpt(pattern), first->second);
      }
      rule.licenses.push_back(pattern);
      return TryRule({.id = rule.id, .outcome = rule.outcome, .licenses = {pattern}});
    });
    if (!rule.licenses.empty()) rules_.push_back(std::move(rule));
  }

  absl::Status ReadRule(const json& value) {
    constexpr std::array<std::string_view, 4> kOutcomes = {"ALLOW", "ALLOW_WITH_OBLIGATIONS",
                                                           "REVIEW", "DENY"};
    ObjectReader in(value, kInvalid);
    LicenseRule rule;
    rule.id = in.String("id", kMaxWordBytes);
    rule.outcome = static_cast<LicenseOutcome>(in.Word("outcome", kOutcomes));
    auto patterns = [&](std::string_view key, std::vector<std::string>& out, auto single) {
      in.ForEach(key, kMaxPolicyPatterns, [&](const json& item) -> absl::Status {
        DML_ASSIGN_OR_RETURN(std::string text, JsonText(item, kMaxPatternBytes, kInvalid));
        out.push_back(text);
        return TryRule(single(std::move(text)));
      });
    };
    patterns("licenses", rule.licenses, [&](std::string text) {
      return LicenseRule{.id = "rule", .outcome = rule.outcome, .licenses = {std::move(text)}};
    });
    patterns("categories", rule.categories, [&](std::string text) {
      return LicenseRule{.id = "rule", .outcome = rule.outcome, .categories = {std::move(text)}};
    });
    rule.obligations = in.Strings("obligations", kMaxLicenseCategories, kMaxWordBytes);
    in.Read("when", [&](const json& item) { return ReadCondition(item, rule.when); });
    in.Check("id", CheckId(rule.id));
    if (rule.licenses.empty() && rule.categories.empty()) {
      in.Check("licenses", InvalidArgument(kInvalid,
                                           "the rule names neither licenses nor "
                                           "categories"));
    }
    DML_RETURN_IF_ERROR(in.Finish());
    rules_.push_back(rule);
    return TryRule(std::move(rule));
  }

  absl::Status CheckId(const std::string& id) {
    for (const OutcomeList& list : kLists) {
      if (id == list.key) {
        return InvalidArgument(kInvalid, "'{}' is the name of a list; name the rule otherwise", id);
      }
    }
    if (HasControlCharacters(id)) return InvalidArgument(kInvalid, "has control characters");
    if (!ids_.insert(id).second) {
      return InvalidArgument(kInvalid, "two rules have the id '{}'", Excerpt(id));
    }
    return absl::OkStatus();
  }

  absl::Status ReadContext(const json& value) {
    ObjectReader in(value, kInvalid);
    LicenseScope scope;
    scope.environment = in.StringOr("environment", kMaxPatternBytes, "");
    scope.package = in.StringOr("package", kMaxPatternBytes, "");
    in.Read("provision",
            [&](const json& item) { return Take(ReadProvision(item), scope.context.provision); });
    in.Read("combination", [&](const json& item) {
      return Take(ReadCombination(item), scope.context.combination);
    });
    in.Read("modified",
            [&](const json& item) { return Take(ReadBool(item), scope.context.modified); });
    if (in.Has("environment")) {
      in.Check("environment", AsPolicyError(ValidateEnvironmentName(scope.environment)));
    }
    if (in.Has("package")) {
      in.Check("package", AsPolicyError(ValidatePackagePattern(scope.package)));
    }
    DML_RETURN_IF_ERROR(in.Finish());
    policy_.license_scopes.push_back(std::move(scope));
    return absl::OkStatus();
  }

  absl::Status ReadWaiver(const json& value) {
    ObjectReader in(value, kInvalid);
    LicenseWaiver waiver;
    waiver.id = in.String("id", kMaxWaiverTextBytes);
    waiver.license = in.String("license", kMaxPatternBytes);
    waiver.package = in.String("package", kMaxPatternBytes);
    waiver.reason = in.String("reason", kMaxWaiverTextBytes);
    waiver.author = in.String("author", kMaxWaiverTextBytes);
    const std::string expires = in.String("expires", kMaxWordBytes);
    in.Read("when", [&](const json& item) { return ReadCondition(item, waiver.when); });
    in.Check("package", AsPolicyError(ValidatePackagePattern(waiver.package)));
    if (auto time = ParseTime(expires); time.has_value()) {
      waiver.expires = *time;
    } else {
      in.Check("expires", InvalidArgument(kInvalid, "'{}' is no time such as 2027-06-30T00:00:00Z",
                                          Excerpt(expires)));
    }
    DML_RETURN_IF_ERROR(in.Finish());
    waivers_.push_back(waiver);
    return AsPolicyError(LicenseWaivers::Create({std::move(waiver)}, list_).status());
  }

  const LicenseList& list_;
  const LicenseProperties* properties_;
  Policy& policy_;
  std::vector<LicenseRule> rules_;
  std::vector<LicenseWaiver> waivers_;
  std::map<std::string, std::string_view> listed_;  // The list that names a pattern.
  std::set<std::string> ids_;                       // Of rules.
};

}  // namespace

absl::Status ReadPolicyLicenses(const json& value, const LicenseList& list,
                                const LicenseProperties* properties, Policy& policy) {
  return LicensesReader(list, properties, policy).Read(value);
}

}  // namespace dml
