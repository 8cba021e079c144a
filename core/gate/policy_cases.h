// Cases that a team keeps beside its policy: what would be decided on such a release, there and
// then. docs/formats.md ("Policy cases") has the grammar. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/gate/evaluate_release.h"
#include "core/gate/policy.h"

namespace dml {

inline constexpr std::string_view kPolicyCasesSchema = "dml.policy-cases/v1";
inline constexpr size_t kMaxPolicyCasesBytes = 4 << 20;
inline constexpr size_t kMaxPolicyCases = 10'000;

/// A release as a case tells of it, with what else the decision is made on.
struct PolicyCase {
  struct Package {
    VariantName variant;
    ReleaseAction action = ReleaseAction::kInstall;
    std::string from;     // Version that an upgrade takes the place of.
    std::string license;  // As declared.
    ItemState state = ItemState::kPublished;
    std::vector<std::string> publishers;
    ContentFacts facts{};
  };
  std::string name;
  int line = 0;  // In the document.
  std::string environment;
  Timestamp time;
  ReleaseType type = ReleaseType::kMinor;
  std::vector<Package> packages;
  std::vector<std::string> approvers;  // Who have seen what is found.
  std::string deployer;
  bool is_authorized = true;  // Its change.
  bool is_in_flight = false;
  std::optional<uint64_t> bytes;
  std::optional<uint64_t> nodes;
  std::optional<RiskAcceptance> risk;
  std::vector<DeploymentFact> deployments;
  std::optional<std::vector<VulnerabilityFact>> vulnerabilities;
  Decision expected = Decision::kDeny;
  std::vector<std::string> expected_rules;  // Of all errors, ascending, distinct.
};

/// Reads {"schema", "cases": [...]}, YAML or JSON. INVALID_ARGUMENT (POLICY_CASES_INVALID) with the
/// line and the path.
absl::StatusOr<std::vector<PolicyCase>> ParsePolicyCases(std::string_view text);

struct PolicyCaseOutcome {
  bool passed = false;
  Decision decision = Decision::kDeny;
  std::vector<Finding> findings;
  std::vector<std::string> rules;  // Of the errors, ascending, distinct.
};

/// Judges the case by the policy, licenses by the list.
PolicyCaseOutcome RunPolicyCase(const PolicyCase& one, const Policy& policy,
                                const LicenseList& list = BundledLicenseList());

/// The JSON Schema of such documents.
nlohmann::ordered_json PolicyCasesJsonSchema();

}  // namespace dml
