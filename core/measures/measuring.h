// The measures of one period. Internal to core/measures.
#pragma once

#include <string>
#include <vector>

#include "core/measures/measures.h"

namespace dml::measuring {

class PeriodMeasures {
 public:
  PeriodMeasures(const History& history, const MeasuresQuestion& question, Timestamp from,
                 Timestamp until)
      : history_(history), question_(question), from_(from), until_(until) {}

  std::vector<Measure> Run();

 private:
  using Durations = std::vector<std::chrono::microseconds>;

  bool IsIn(Timestamp time) const { return from_ <= time && time < until_; }
  bool IsIn(std::optional<Timestamp> time) const { return time.has_value() && IsIn(*time); }
  bool Concerns(std::string_view environment) const;
  /// Null where the release is not asked about.
  const ReleaseHistory* ReleaseOf(const Digest& release) const;
  bool Concerns(const Digest& release, std::string_view environment) const {
    return Concerns(environment) && ReleaseOf(release) != nullptr;
  }
  /// Of the deployments that are asked about.
  std::vector<const DeploymentHistory*> Deployments() const;

  void AddCount(std::string_view id, uint64_t count, std::string part = "");
  void AddShare(std::string_view id, uint64_t count, uint64_t total);
  void AddDuration(std::string_view id, Durations durations);
  void AddUnknown(std::string_view id, std::string reason);

  // measure_deployments.cc
  void MeasureFailures();
  void MeasureIncidents();
  void MeasureCompliance();
  void MeasureOverrides();
  void MeasureFlow();
  void MeasureRecovery();
  void MeasureBackOuts();
  void MeasureSize();
  // measure_waiting.cc
  void MeasureApprovals();
  void MeasureLateness();
  void MeasurePermits();
  void MeasureFindings();
  void MeasureQuarantine();
  void MeasureLicenses();

  std::optional<Timestamp> RecoveredAt(const DeploymentHistory& deployment, Timestamp failed) const;

  const History& history_;
  const MeasuresQuestion& question_;
  const Timestamp from_;
  const Timestamp until_;
  std::vector<Measure> out_;
};

/// When a deployment was first halted or backed out; none: never.
std::optional<Timestamp> FailedAt(const DeploymentHistory& deployment);

}  // namespace dml::measuring
