// Questions about the gate's decisions on releases: what if it were otherwise, and why. Functions
// without state; any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/library/release_decision.h"

namespace dml {

/// What would be otherwise; nothing that is not set.
struct Otherwise {
  std::string document;  // Of the release: as sealed, or a draft.
  std::string policy;
  std::optional<Timestamp> time;
};

struct Difference {
  ReleaseDecision before;
  ReleaseDecision after;
  std::vector<Finding> gone;  // By the findings' order.
  std::vector<Finding> added;
};

/// The decision on a release as it is, and otherwise. For another document its approvals and
/// evidence are none, and it counts as if it were sealed. The errors of EvaluateReleaseGate, of
/// ParseReleaseDraft (field "document") and ParsePolicy (field "policy").
absl::StatusOr<Difference> CompareDecisions(const Reader& state, TrustCache& trust,
                                            PolicyCache& policies, const ReleaseQuestion& question,
                                            const Otherwise& otherwise);

struct Explanation {
  Finding finding;
  std::string rule_says;
  std::vector<std::pair<std::string, std::string>> facts;  // What it was judged by.
  std::vector<std::string> changes;                        // Each of which would change it.
  std::optional<Timestamp> gone_by;  // When waiting alone does; none within a year and more.
  uint64_t other_errors = 0;
  uint64_t index = 0;
};

/// How far into the future waiting is looked at: by the minute, then by the hour.
inline constexpr std::chrono::hours kExplainedByMinute{24 * 8};
inline constexpr std::chrono::hours kExplainedByHour{24 * 400};

/// What one finding on a release rests on; `subject` empty: the first of the rule. `logged`: those
/// of a decision that was logged, of which one may not be found any more, or is of the permit.
/// NOT_FOUND (FINDING_NOT_FOUND) where there is none such, naming those that there are.
absl::StatusOr<Explanation> ExplainFinding(const Reader& state, TrustCache& trust,
                                           PolicyCache& policies, const ReleaseQuestion& question,
                                           std::string_view rule, std::string_view subject,
                                           const std::vector<Finding>& logged = {});

}  // namespace dml
