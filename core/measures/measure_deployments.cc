// Measures of how deployments went.
#include <algorithm>
#include <map>

#include "core/gate/policy.h"
#include "core/measures/measuring.h"

namespace dml::measuring {
namespace {

using std::chrono::seconds;
using enum DeploymentEvent;

// Its first outcome.
std::optional<Timestamp> OutcomeAt(const DeploymentHistory& deployment) {
  std::optional<Timestamp> out = FailedAt(deployment);
  const std::optional<Timestamp> finished = deployment.First(kFinish);
  if (finished.has_value() && (!out.has_value() || *finished < *out)) out = finished;
  return out;
}

}  // namespace

std::optional<Timestamp> FailedAt(const DeploymentHistory& deployment) {
  for (const DeploymentMoment& moment : deployment.moments) {
    if (moment.event == kHalt || moment.event == kBackOut) return moment.time;
  }
  return std::nullopt;
}

bool PeriodMeasures::Concerns(std::string_view environment) const {
  const bool is_asked =
      question_.environment.empty() || CoversEnvironment(question_.environment, environment);
  return is_asked && (!question_.sees || question_.sees(environment));
}

const ReleaseHistory* PeriodMeasures::ReleaseOf(const Digest& release) const {
  const auto found = history_.releases().find(release);
  if (found == history_.releases().end()) return nullptr;
  const bool is_asked =
      question_.service.empty() ||
      std::ranges::any_of(found->second.services, [&](const std::string& service) {
        return MatchesPattern(question_.service, service);
      });
  return is_asked ? &found->second : nullptr;
}

std::vector<const DeploymentHistory*> PeriodMeasures::Deployments() const {
  std::vector<const DeploymentHistory*> out;
  for (const auto& [key, deployment] : history_.deployments()) {
    if (Concerns(deployment.release, deployment.environment)) out.push_back(&deployment);
  }
  return out;
}

void PeriodMeasures::AddCount(std::string_view id, uint64_t count, std::string part) {
  out_.push_back({.id = std::string(id), .part = std::move(part), .count = count});
}

void PeriodMeasures::AddShare(std::string_view id, uint64_t count, uint64_t total) {
  out_.push_back({.id = std::string(id), .count = count, .total = total});
}

void PeriodMeasures::AddDuration(std::string_view id, Durations durations) {
  Measure measure{.id = std::string(id), .count = durations.size()};
  if (!durations.empty()) {
    std::ranges::sort(durations);
    measure.median = std::chrono::floor<seconds>(durations[(durations.size() - 1) / 2]);
    measure.longest = std::chrono::floor<seconds>(durations.back());
  }
  out_.push_back(std::move(measure));
}

void PeriodMeasures::AddUnknown(std::string_view id, std::string reason) {
  out_.push_back({.id = std::string(id), .unknown_reason = std::move(reason)});
}

void PeriodMeasures::MeasureFailures() {
  uint64_t failed = 0;
  uint64_t all = 0;
  for (const DeploymentHistory* deployment : Deployments()) {
    if (!IsIn(OutcomeAt(*deployment))) continue;
    ++all;
    if (FailedAt(*deployment).has_value()) ++failed;
  }
  AddShare("change-fail-rate", failed, all);
}

void PeriodMeasures::MeasureIncidents() {
  struct Standing {
    std::optional<Timestamp> deployed;
    bool has_incident = false;
  };
  std::map<Digest, Standing> releases;
  for (const DeploymentHistory* deployment : Deployments()) {
    Standing& standing = releases[deployment->release];
    const std::optional<Timestamp> finished = deployment->First(kFinish);
    if (finished.has_value()) {
      standing.deployed = std::min(*finished, standing.deployed.value_or(*finished));
    }
    const bool is_found = std::ranges::any_of(deployment->findings,
                                              [](const auto& found) { return found.second > 0; });
    if (is_found || FailedAt(*deployment).has_value()) standing.has_incident = true;
  }
  uint64_t good = 0;
  uint64_t all = 0;
  for (const auto& [release, standing] : releases) {
    if (!IsIn(standing.deployed)) continue;
    ++all;
    if (!standing.has_incident) ++good;
  }
  AddShare("releases-without-incident", good, all);
}

void PeriodMeasures::MeasureCompliance() {
  uint64_t good = 0;
  uint64_t all = 0;
  for (const DeploymentHistory* deployment : Deployments()) {
    const std::optional<Timestamp> started = deployment->First(kStart);
    if (!IsIn(started)) continue;
    ++all;
    const std::optional<Timestamp> permitted = deployment->First(kPermit);
    const bool is_overridden =
        std::ranges::any_of(history_.overrides(), [&](const OverrideHistory& made) {
          return made.release == deployment->release &&
                 made.environment == deployment->environment && made.time <= *started &&
                 *started < made.expires;
        });
    if (permitted.has_value() && *permitted <= *started && !is_overridden) ++good;
  }
  AddShare("policy-compliance", good, all);
}

void PeriodMeasures::MeasureOverrides() {
  uint64_t reviewed = 0;
  uint64_t all = 0;
  for (const OverrideHistory& made : history_.overrides()) {
    if (!IsIn(made.time) || !Concerns(made.release, made.environment)) continue;
    ++all;
    const auto found = history_.deployments().find({made.environment, made.release});
    if (found == history_.deployments().end()) continue;
    const std::optional<Timestamp> review = found->second.First(kReview);
    if (review.has_value() && *review >= made.time) ++reviewed;
  }
  AddShare("overrides", reviewed, all);
}

void PeriodMeasures::MeasureFlow() {
  Durations lead;
  uint64_t finished = 0;
  uint64_t rework = 0;
  uint64_t items = 0;
  for (const DeploymentHistory* deployment : Deployments()) {
    const std::optional<Timestamp> at = deployment->First(kFinish);
    if (!IsIn(at)) continue;
    const ReleaseHistory& release = *ReleaseOf(deployment->release);
    ++finished;
    items += release.items;
    if (release.type == ReleaseType::kEmergency) ++rework;
    for (const Timestamp published : release.published) lead.push_back(*at - published);
  }
  AddDuration("change-lead-time", std::move(lead));
  const auto length = std::chrono::ceil<std::chrono::days>(until_ - from_);
  out_.push_back({.id = "deployment-frequency",
                  .count = finished,
                  .total = static_cast<uint64_t>(length.count())});
  AddShare("rework-rate", rework, finished);
  AddShare("items-per-deployment", items, finished);
}

// The first of: all back, deployed after all, or something else that works in its place.
std::optional<Timestamp> PeriodMeasures::RecoveredAt(const DeploymentHistory& deployment,
                                                     Timestamp failed) const {
  std::optional<Timestamp> out;
  const auto take = [&](Timestamp time) {
    if (time >= failed && (!out.has_value() || time < *out)) out = time;
  };
  for (const DeploymentMoment& moment : deployment.moments) {
    if (moment.event == kBackOut || moment.event == kFinish) take(moment.time);
  }
  const ReleaseHistory& release = *ReleaseOf(deployment.release);
  const auto first = history_.deployments().lower_bound({deployment.environment, Digest()});
  for (auto at = first; at != history_.deployments().end(); ++at) {
    const DeploymentHistory& other = at->second;
    if (other.environment != deployment.environment) break;
    const auto found = history_.releases().find(other.release);
    if (other.release == deployment.release || found == history_.releases().end()) continue;
    const bool shares = std::ranges::any_of(found->second.services, [&](const std::string& name) {
      return release.services.contains(name);
    });
    if (!shares) continue;
    for (const DeploymentMoment& moment : other.moments) {
      if (moment.event == kFinish) take(moment.time);
    }
  }
  return out;
}

void PeriodMeasures::MeasureRecovery() {
  Durations times;
  uint64_t open = 0;
  for (const DeploymentHistory* deployment : Deployments()) {
    const std::optional<Timestamp> failed = FailedAt(*deployment);
    if (!IsIn(failed)) continue;
    const std::optional<Timestamp> recovered = RecoveredAt(*deployment, *failed);
    if (recovered.has_value()) times.push_back(*recovered - *failed);
    if (!recovered.has_value()) ++open;
  }
  AddDuration("recovery-time", std::move(times));
  AddCount("recovery-open", open);
}

void PeriodMeasures::MeasureBackOuts() {
  std::map<std::string, uint64_t> reasons;
  for (const DeploymentHistory* deployment : Deployments()) {
    for (const DeploymentMoment& moment : deployment->moments) {
      if (moment.event == kBackOut && IsIn(moment.time)) ++reasons[moment.reason];
    }
  }
  if (reasons.empty()) AddCount("back-outs", 0);
  for (const auto& [reason, count] : reasons) AddCount("back-outs", count, reason);
}

void PeriodMeasures::MeasureSize() {
  uint64_t over = 0;
  uint64_t all = 0;
  uint64_t unread = 0;
  for (const DeploymentHistory* deployment : Deployments()) {
    if (!IsIn(deployment->First(kStart))) continue;
    ++all;
    if (!deployment->policy_known) ++unread;
    const bool is_over = deployment->most_items.has_value() &&
                         ReleaseOf(deployment->release)->items > *deployment->most_items;
    if (is_over) ++over;
  }
  if (unread == 0) return AddShare("size-over-policy", over, all);
  AddUnknown("size-over-policy",
             fmt::format("the policies of {} deployments name licenses that this program does not "
                         "know",
                         unread));
}

}  // namespace dml::measuring
