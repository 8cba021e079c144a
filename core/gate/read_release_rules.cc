#include "core/gate/read_release_rules.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/gate/policy.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("POLICY_INVALID");

absl::Status Invalid(std::string_view field, const absl::Status& status) {
  return status.ok() ? status : AtField(InvalidArgument(kInvalid, "{}", Message(status)), field);
}

// What a member holds, the shape of the document having been checked.
uint64_t NumberOr(const json& value, const char* key, uint64_t fallback) {
  return value.value(key, fallback);
}
std::optional<uint64_t> Number(const json& value, const char* key) {
  if (!value.contains(key)) return std::nullopt;
  return value[key].get<uint64_t>();
}
std::chrono::hours HoursOr(const json& value, const char* key, uint64_t fallback) {
  return std::chrono::hours(NumberOr(value, key, fallback));
}

// Where in the words of a type the word stands; the shape lets no other pass.
template <typename Enum, size_t kCount>
Enum WordOf(const json& word, Enum first, const std::array<std::string_view, kCount>& words) {
  const auto at = std::ranges::find(words, word.get_ref<const std::string&>());
  return static_cast<Enum>(static_cast<int>(first) + (at - words.begin()));
}

constexpr std::array<std::string_view, 4> kTypes = {"MAJOR", "MINOR", "PATCH", "EMERGENCY"};
constexpr std::array<std::string_view, 4> kActions = {"INSTALL", "UPGRADE", "REMOVE", "CONFIGURE"};
constexpr std::array<std::string_view, 7> kDays = {"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                                   "FRIDAY", "SATURDAY", "SUNDAY"};
constexpr std::array<std::string_view, 5> kSeverities = {"NONE", "LOW", "MEDIUM", "HIGH",
                                                         "CRITICAL"};
constexpr std::array<std::string_view, 2> kInFlight = {"FINISH", "HALT"};

// A list of words as a set.
template <typename Enum, size_t kCount>
absl::StatusOr<std::vector<Enum>> WordsOf(const json& value, const char* key, Enum first,
                                          const std::array<std::string_view, kCount>& words) {
  std::vector<Enum> out;
  if (!value.contains(key)) return out;
  for (const json& word : value[key]) out.push_back(WordOf(word, first, words));
  std::ranges::sort(out);
  if (std::ranges::adjacent_find(out) == out.end()) return out;
  return AtField(InvalidArgument(kInvalid, "names one twice"), key);
}

absl::StatusOr<RuleScope> ReadScope(const json& value) {
  RuleScope out;
  out.environment = value.value("environment", "");
  if (value.contains("environment")) {
    DML_RETURN_IF_ERROR(Invalid("environment", ValidateEnvironmentName(out.environment)));
  }
  DML_ASSIGN_OR_RETURN(out.types, WordsOf(value, "types", ReleaseType::kMajor, kTypes));
  return out;
}

absl::Status Read(const json& value, ApprovalRule& out) {
  out.approvers = static_cast<uint32_t>(NumberOr(value, "approvers", out.approvers));
  out.separate_publishers = value.value("separatePublishers", out.separate_publishers);
  out.separate_testers = value.value("separateTesters", out.separate_testers);
  out.separate_deployers = value.value("separateDeployers", out.separate_deployers);
  out.valid_for = HoursOr(value, "validHours", static_cast<uint64_t>(out.valid_for.count()));
  return absl::OkStatus();
}

absl::Status Read(const json& value, SizeRule& out) {
  out.items = Number(value, "items");
  out.changes = Number(value, "changes");
  out.bytes = Number(value, "bytes");
  out.nodes = Number(value, "nodes");
  return absl::OkStatus();
}

absl::Status Read(const json& value, ScopeRule& out) {
  if (value.contains("packages")) {
    for (size_t i = 0; i < value["packages"].size(); ++i) {
      out.packages.push_back(value["packages"][i].get<std::string>());
      DML_RETURN_IF_ERROR(
          AtField(ValidatePackagePattern(out.packages.back()), fmt::format("packages[{}]", i)));
    }
  }
  DML_ASSIGN_OR_RETURN(out.actions, WordsOf(value, "actions", ReleaseAction::kInstall, kActions));
  if (value.contains("after")) {
    const json& after = value["after"];
    out.after = {after["environment"].get<std::string>(), HoursOr(after, "soakHours", 0)};
    DML_RETURN_IF_ERROR(
        Invalid("after.environment", ValidateEnvironmentName(out.after->environment)));
  }
  if (const auto rollouts = Number(value, "rollouts")) {
    out.rollouts = static_cast<uint32_t>(*rollouts);
  }
  out.demands_authorized_changes = value.value("authorizedChanges", out.demands_authorized_changes);
  return absl::OkStatus();
}

absl::Status Read(const json& value, FrequencyRule& out) {
  out.between = HoursOr(value, "betweenHours", 0);
  if (!value.contains("atMost")) return absl::OkStatus();
  for (const json& item : value["atMost"]) {
    out.at_most.push_back(
        {static_cast<uint32_t>(item["releases"].get<uint64_t>()), HoursOr(item, "withinHours", 1)});
  }
  return absl::OkStatus();
}

absl::StatusOr<WeeklyWindow> ReadWeekly(const json& value) {
  WeeklyWindow out;
  DML_ASSIGN_OR_RETURN(out.days, WordsOf(value, "days", Weekday::kMonday, kDays));
  const auto wall = [&](const char* key, int least, int most, WallMinutes& minutes) {
    const std::string text = value[key].get<std::string>();
    const std::optional<WallMinutes> read = ParseWallTime(text);
    if (!read.has_value() || *read < least || *read > most) {
      return AtField(InvalidArgument(kInvalid, "'{}' is no time of day from {} to {}",
                                     Excerpt(text), FormatWallTime(least), FormatWallTime(most)),
                     key);
    }
    minutes = *read;
    return absl::OkStatus();
  };
  DML_RETURN_IF_ERROR(wall("from", 0, 24 * 60 - 1, out.from));
  DML_RETURN_IF_ERROR(wall("until", 1, 24 * 60, out.until));
  return out;
}

absl::StatusOr<TimingRule::Once> ReadOnce(const json& value, const Zone& zone) {
  TimingRule::Once out;
  const auto moment = [&](const char* key, bool second, Timestamp& time) {
    const std::string text = value[key].get<std::string>();
    const std::optional<Timestamp> read = ParseWallDateTime(text, zone, second);
    if (!read.has_value()) {
      return AtField(
          InvalidArgument(kInvalid, "'{}' is no time on the wall, such as 2027-03-28T22:00:00",
                          Excerpt(text)),
          key);
    }
    time = *read;
    return absl::OkStatus();
  };
  DML_RETURN_IF_ERROR(moment("from", false, out.span.from));
  DML_RETURN_IF_ERROR(moment("until", true, out.span.until));
  if (out.span.until <= out.span.from) {
    return AtField(InvalidArgument(kInvalid, "is not after 'from'"), "until");
  }
  out.reason = value.value("reason", "");
  if (!HasControlCharacters(out.reason)) return out;
  return AtField(InvalidArgument(kInvalid, "holds a control character"), "reason");
}

// Reads each element of a list, if it is there, with `read`.
template <typename T, typename ReadFn>
absl::Status ReadEach(const json& value, const char* key, ReadFn read, std::vector<T>& out) {
  if (!value.contains(key)) return absl::OkStatus();
  for (size_t i = 0; i < value[key].size(); ++i) {
    absl::StatusOr<T> item = read(value[key][i]);
    if (!item.ok()) return AtField(item.status(), fmt::format("{}[{}]", key, i));
    out.push_back(*std::move(item));
  }
  return absl::OkStatus();
}

absl::Status Read(const json& value, TimingRule& out) {
  absl::StatusOr<Zone> zone = Zone::Load(value["zone"].get<std::string>());
  DML_RETURN_IF_ERROR(Invalid("zone", zone.status()));
  out.zone = *std::move(zone);
  const auto once = [&](const json& item) { return ReadOnce(item, out.zone); };
  DML_RETURN_IF_ERROR(ReadEach(value, "weekly", ReadWeekly, out.weekly));
  DML_RETURN_IF_ERROR(ReadEach(value, "once", once, out.once));
  DML_RETURN_IF_ERROR(ReadEach(value, "freezes", once, out.freezes));
  if (value.contains("inFlight")) {
    out.in_flight = WordOf(value["inFlight"], InFlightAction::kFinish, kInFlight);
  }
  return absl::OkStatus();
}

absl::Status Read(const json& value, RiskRule& out) {
  out.highest = static_cast<uint32_t>(value["highest"].get<uint64_t>());
  if (const auto accepted = Number(value, "accepted")) {
    out.accepted = static_cast<uint32_t>(*accepted);
  }
  if (value.contains("acceptors")) {
    out.acceptors = value["acceptors"].get<std::vector<std::string>>();
  }
  if (out.accepted.has_value() && *out.accepted <= out.highest) {
    return AtField(InvalidArgument(kInvalid, "is not above 'highest', which needs nobody"),
                   "accepted");
  }
  if (out.accepted.has_value() == !out.acceptors.empty()) return absl::OkStatus();
  return AtField(InvalidArgument(kInvalid, "goes with 'accepted': say both, or neither"),
                 "acceptors");
}

absl::Status Read(const json& value, VulnerabilityRule& out) {
  out.highest = WordOf(value["highest"], VulnerabilitySeverity::kNone, kSeverities);
  out.fix_within = HoursOr(value, "fixWithinHours", 0);
  return absl::OkStatus();
}

absl::Status Read(const json& value, OverrideRule& out) {
  for (size_t i = 0; i < value["rules"].size(); ++i) {
    const std::string pattern = value["rules"][i].get<std::string>();
    // "timing.*" as well as "timing.freeze"; "*" would be everything.
    if (!IsOverridable(pattern)) {
      return AtField(InvalidArgument(kInvalid,
                                     "'{}' is nothing that may be overridden: compatibility, "
                                     "frequency, license, risk, scope, size, timing and "
                                     "vulnerability are, such as timing.*",
                                     Excerpt(pattern)),
                     fmt::format("rules[{}]", i));
    }
    out.rules.push_back(pattern);
  }
  out.approvers = static_cast<uint32_t>(NumberOr(value, "approvers", out.approvers));
  out.longest = HoursOr(value, "longestHours", static_cast<uint64_t>(out.longest.count()));
  return absl::OkStatus();
}

template <typename Rule>
absl::Status ReadFamily(const json& policy, const char* key, Family<Rule>& out) {
  const auto read = [&](const json& value) -> absl::StatusOr<ScopedRule<Rule>> {
    ScopedRule<Rule> rule;
    DML_ASSIGN_OR_RETURN(rule.scope, ReadScope(value));
    for (size_t i = 0; i < out.size(); ++i) {
      if (!Contradict(out[i].scope, rule.scope)) continue;
      return InvalidArgument(kInvalid,
                             "{}[{}] holds in the same place for the same releases: name another "
                             "environment or other types in one of them",
                             key, i);
    }
    DML_RETURN_IF_ERROR(Read(value, rule.rule));
    return rule;
  };
  return ReadEach(policy, key, read, out);
}

}  // namespace

absl::StatusOr<ReleaseRules> ReadReleaseRules(const json& policy) {
  ReleaseRules out;
  DML_RETURN_IF_ERROR(ReadFamily(policy, "approvals", out.approvals));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "size", out.size));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "scope", out.scope));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "frequency", out.frequency));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "timing", out.timing));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "risk", out.risk));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "vulnerabilities", out.vulnerabilities));
  DML_RETURN_IF_ERROR(ReadFamily(policy, "override", out.override_rules));
  return out;
}

}  // namespace dml
