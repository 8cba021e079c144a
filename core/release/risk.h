// How risky a release is: a number from facts, each with its weight, so that a policy can set a
// bound and a person can see where the number comes from. Whole numbers only. What is not known
// counts as the worse. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/release/release.h"

namespace dml {

/// What is counted. The document alone tells those of RiskFactsOf(); the rest is of the library.
struct RiskFacts {
  uint64_t installs = 0;
  uint64_t upgrades = 0;
  uint64_t removals = 0;
  uint64_t configurations = 0;
  uint64_t major_jumps = 0;         // Upgrades across a major version, or of unknown distance.
  uint64_t downgrades = 0;          // Upgrades to an older version.
  uint64_t unauthorized_items = 0;  // That no authorized change is carried out by.
  uint64_t high_risk_changes = 0;   // Or of unknown risk.
  uint64_t medium_risk_changes = 0;
  uint64_t emergencies = 0;       // 1 for a release of type EMERGENCY.
  uint64_t missing_evidence = 0;  // Predicate types that the release requires and has not.
  uint64_t nodes = 0;             // That it touches.
  uint64_t past_failures = 0;     // Of the same packages there: halted or backed out.
  bool operator==(const RiskFacts&) const = default;
};

/// How one fact counts: `points` for each started `per`, at most `most`.
struct RiskWeight {
  std::string_view fact;  // "upgrades", ...
  uint64_t RiskFacts::* count;
  uint32_t per;
  uint32_t points;
  uint32_t most;
};
/// One line a fact, in the order of RiskFacts.
std::span<const RiskWeight> RiskWeights();

struct RiskPart {
  std::string fact;
  uint64_t count = 0;
  uint32_t points = 0;
  bool operator==(const RiskPart&) const = default;
};

/// The sum of the parts, which are those that count anything, in the order of the weights.
struct RiskScore {
  uint32_t total = 0;  // At most kMaxRiskScore.
  std::vector<RiskPart> parts;
};
RiskScore ScoreRisk(const RiskFacts& facts);
/// "25: upgrades 5 (2), emergencies 20 (1)"; "0" where nothing counts.
std::string DescribeRisk(const RiskScore& score);

/// Counts what a release document tells: all but missing_evidence, nodes and past_failures. The
/// distance of two versions is known where both read as semver.
RiskFacts RiskFactsOf(const Release& release);

}  // namespace dml
