// The checks of EvaluateRelease, family by family; each adds its findings. Internal to core/gate.
#pragma once

#include <string>
#include <vector>

#include "core/gate/evaluate_release.h"

namespace dml::gate {

/// What the checks share.
struct ReleaseCheck {
  const ReleaseInput& in;
  std::string subject;      // Of the release.
  std::string environment;  // Its resource name.
  std::vector<Finding>& out;

  void Add(std::string_view rule, Severity severity, std::string_view subject, std::string message,
           std::string remedy) const;
  /// An error on the release.
  void Deny(std::string_view rule, std::string message, std::string remedy) const;
};

void CheckSize(const ReleaseCheck& check);
void CheckScope(const ReleaseCheck& check);
void CheckFrequency(const ReleaseCheck& check);
void CheckTiming(const ReleaseCheck& check);
void CheckRisk(const ReleaseCheck& check, const RiskScore& risk);
void CheckVulnerabilities(const ReleaseCheck& check);
/// `bound`: digest of the findings that an approval must have seen.
void CheckApprovals(const ReleaseCheck& check, const Digest& bound);
/// Makes warnings of errors that somebody overrides.
void ApplyOverrides(const ReleaseCheck& check);

}  // namespace dml::gate
