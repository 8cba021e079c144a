// Measures of what waits, of decisions, and of licenses.
#include <algorithm>
#include <map>

#include "core/gate/policy.h"
#include "core/license/entitlement_ledger.h"
#include "core/measures/measuring.h"
#include "core/rules/permits.h"

namespace dml::measuring {
namespace {

using enum DeploymentEvent;

constexpr char kNoInventories[] = "nodes have signed no inventories";

// Plays an entry on a ledger; what the ledger refuses was refused then, too.
class Player {
 public:
  Player(EntitlementLedger& ledger, Timestamp time) : ledger_(ledger), time_(time) {}
  absl::Status operator()(const EntitlementGranted& p) const {
    return ledger_.Grant(p.terms, time_);
  }
  absl::Status operator()(const EntitlementAmended& p) const {
    return ledger_.Amend(p.terms, time_);
  }
  absl::Status operator()(const SeatsReserved& p) const {
    return ledger_.Reserve(p.id, p.items, p.environment, p.ttl, time_).status();
  }
  absl::Status operator()(const LeaseCommitted& p) const {
    return ledger_.Commit(p.lease, p.duration, time_);
  }
  absl::Status operator()(const LeaseExtended& p) const {
    return ledger_.Extend(p.lease, p.duration, time_);
  }
  absl::Status operator()(const LeaseReleased& p) const {
    return p.forced ? ledger_.ForceRelease(p.lease, time_) : ledger_.Release(p.lease, time_);
  }
  absl::Status operator()(const PermitRevoked& p) const {
    return ledger_.Return(ReservationIdOf(p.id), ReturnWhich::kUntaken, time_);
  }
  absl::Status operator()(const LeaseBorrowed& p) const {
    return ledger_.Borrow(p.id, p.item, p.environment, p.duration, time_).status();
  }
  template <typename Payload>
  absl::Status operator()(const Payload&) const {
    return absl::OkStatus();
  }

 private:
  EntitlementLedger& ledger_;
  const Timestamp time_;
};

}  // namespace

void PeriodMeasures::MeasureApprovals() {
  Durations waiting;
  for (const auto& [digest, release] : history_.releases()) {
    if (ReleaseOf(digest) == nullptr || release.sealed >= until_) continue;
    if (release.withdrawn.has_value() && *release.withdrawn < until_) continue;
    for (const std::string& place : release.environments) {
      if (!Concerns(place)) continue;
      const bool is_approved =
          std::ranges::any_of(history_.deployments(), [&, &digest = digest](const auto& item) {
            const DeploymentHistory& deployment = item.second;
            const std::optional<Timestamp> approved = deployment.First(kApprove);
            return deployment.release == digest &&
                   CoversEnvironment(place, deployment.environment) && approved.has_value() &&
                   *approved < until_;
          });
      if (!is_approved) waiting.push_back(std::min(until_, history_.end()) - release.sealed);
    }
  }
  AddDuration("approvals-waiting", std::move(waiting));
}

void PeriodMeasures::MeasureLateness() {
  uint64_t late = 0;
  uint64_t all = 0;
  for (const auto& [digest, release] : history_.releases()) {
    if (ReleaseOf(digest) == nullptr || !release.window.has_value()) continue;
    const Timestamp due = release.window->until;
    // What is still to come is not late.
    if (!IsIn(due) || due > history_.end()) continue;
    if (release.withdrawn.has_value() && *release.withdrawn < due) continue;
    for (const std::string& place : release.environments) {
      if (!Concerns(place)) continue;
      ++all;
      const bool is_there =
          std::ranges::any_of(history_.deployments(), [&, &digest = digest](const auto& item) {
            const DeploymentHistory& deployment = item.second;
            const std::optional<Timestamp> finished = deployment.First(kFinish);
            return deployment.release == digest &&
                   CoversEnvironment(place, deployment.environment) && finished.has_value() &&
                   *finished <= due;
          });
      if (!is_there) ++late;
    }
  }
  AddShare("releases-late", late, all);
}

void PeriodMeasures::MeasurePermits() {
  uint64_t issued = 0;
  uint64_t denied = 0;
  uint64_t expired = 0;
  uint64_t revoked = 0;
  std::map<std::string, uint64_t> rules;
  for (const PermitHistory& permit : history_.permits()) {
    // One for a set that is no release belongs to no service.
    const bool is_asked = Concerns(permit.environment) &&
                          (question_.service.empty() || ReleaseOf(permit.release) != nullptr);
    if (!is_asked) continue;
    if (IsIn(permit.time)) {
      ++(permit.allowed ? issued : denied);
      for (const std::string& rule : permit.rules) ++rules[rule];
    }
    if (IsIn(permit.revoked)) ++revoked;
    const bool has_expired = permit.allowed && !permit.revoked.has_value() &&
                             IsIn(permit.expires) && permit.expires <= history_.end();
    if (!has_expired) continue;
    const auto found = history_.deployments().find({permit.environment, permit.release});
    const std::optional<Timestamp> started =
        found == history_.deployments().end() ? std::nullopt : found->second.First(kStart);
    if (!started.has_value() || *started >= permit.expires) ++expired;
  }
  AddCount("permits", denied, "denied");
  AddCount("permits", expired, "expired");
  AddCount("permits", issued, "issued");
  AddCount("permits", revoked, "revoked");
  for (const auto& [rule, count] : rules) AddCount("permits", count, "denied by " + rule);
  const auto failures =
      std::ranges::count_if(history_.node_failures(), [&](const NodeFailure& failure) {
        return IsIn(failure.time) && Concerns(failure.release, failure.environment);
      });
  AddCount("node-failures", static_cast<uint64_t>(failures));
}

void PeriodMeasures::MeasureFindings() {
  uint64_t open = 0;
  for (const DeploymentHistory* deployment : Deployments()) {
    const DeploymentMoment* last = nullptr;
    for (const DeploymentMoment& moment : deployment->moments) {
      if (moment.time < until_ && moment.event != kApprove && moment.event != kLapse) {
        last = &moment;
      }
    }
    const bool is_let_go = last != nullptr && last->event != kBackOut && last->event != kPermitEnd;
    if (!is_let_go) continue;
    uint64_t found = 0;
    for (const auto& [time, count] : deployment->findings) {
      if (time < until_) found = count;
    }
    open += found;
  }
  AddCount("findings-open", open);
}

void PeriodMeasures::MeasureQuarantine() {
  if (!question_.environment.empty() || !question_.sees_library) {
    constexpr char kWhy[] = "packages in quarantine belong to no environment";
    AddUnknown("quarantine-age", kWhy);
    AddUnknown("quarantine-time", kWhy);
    return;
  }
  Durations waiting;
  Durations decided;
  for (const QuarantineHistory& one : history_.quarantines()) {
    if (!question_.service.empty() && !MatchesPattern(question_.service, one.package)) continue;
    const bool waits = one.since < until_ && (!one.until.has_value() || *one.until >= until_);
    if (waits) waiting.push_back(std::min(until_, history_.end()) - one.since);
    if (IsIn(one.until)) decided.push_back(*one.until - one.since);
  }
  AddDuration("quarantine-age", std::move(waiting));
  AddDuration("quarantine-time", std::move(decided));
}

void PeriodMeasures::MeasureLicenses() {
  if (!question_.service.empty()) {
    return AddUnknown("license-position", "entitlements are for products, not for services");
  }
  EntitlementLedger ledger;
  Timestamp now = std::min(until_ - std::chrono::microseconds(1), history_.end());
  for (const auto& [time, payload] : history_.seats()) {
    if (time >= until_) break;
    if (const absl::Status status = std::visit(Player(ledger, time), payload); !status.ok()) {
      return AddUnknown("license-position", std::string(Message(status)));
    }
    now = std::max(now, time);
  }
  if (const absl::Status status = ledger.Advance(now); !status.ok()) {
    return AddUnknown("license-position", std::string(Message(status)));
  }
  struct Sum {
    uint64_t entitled = 0, reserved = 0, in_use = 0, unused = 0;
  };
  std::map<std::string, Sum> products;
  for (const auto& [id, terms] : ledger.entitlements()) {
    const bool is_asked =
        terms.environments.empty()
            ? question_.environment.empty() && question_.sees_library
            : std::ranges::any_of(terms.environments,
                                  [&](const std::string& place) { return Concerns(place); });
    const auto position = ledger.Position(id);
    if (!is_asked || !terms.InForce(now) || !position.ok()) continue;
    Sum& sum = products[terms.product];
    sum.entitled += position->entitled;
    sum.reserved += position->reserved;
    sum.in_use += position->in_use + position->borrowed;
    sum.unused += position->unused;
  }
  if (products.empty()) AddCount("license-position", 0);
  for (const auto& [product, sum] : products) {
    AddCount("license-position", sum.entitled, product + ": entitled");
    AddCount("license-position", sum.in_use, product + ": in use");
    AddCount("license-position", sum.reserved, product + ": reserved");
    AddCount("license-position", sum.unused, product + ": unused");
  }
}

std::vector<Measure> PeriodMeasures::Run() {
  MeasureFailures();
  MeasureIncidents();
  MeasureLicenses();
  AddUnknown("nodes-library-only", kNoInventories);
  MeasureCompliance();
  MeasureOverrides();
  MeasureFlow();
  MeasureRecovery();
  MeasureBackOuts();
  MeasureApprovals();
  MeasureLateness();
  MeasureSize();
  MeasurePermits();
  MeasureFindings();
  AddUnknown("unauthorized-digests", kNoInventories);
  AddUnknown("unauthorized-reversions", kNoInventories);
  MeasureQuarantine();
  AddUnknown("inventory-age", kNoInventories);
  // As they are defined, then by part.
  const auto place = [](const Measure& measure) {
    return FindMeasureDefinition(measure.id) - MeasureDefinitions().data();
  };
  std::ranges::sort(out_, [&](const Measure& a, const Measure& b) {
    return std::pair(place(a), a.part) < std::pair(place(b), b.part);
  });
  return std::move(out_);
}

}  // namespace dml::measuring
