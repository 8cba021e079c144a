#include "core/measures/history.h"

#include <algorithm>

#include "core/rules/permits.h"
#include "core/rules/rollouts.h"

namespace dml {

std::optional<Timestamp> DeploymentHistory::First(DeploymentEvent event) const {
  const auto found = std::ranges::find(moments, event, &DeploymentMoment::event);
  if (found == moments.end()) return std::nullopt;
  return found->time;
}

// What each kind of entry adds.
struct History::Fold {
  History& out;
  const ReadBlob& read;
  const Timestamp time;

  absl::Status Broken(std::string_view what) const {
    return DataLoss(ErrorReason("JOURNAL_INCONSISTENT"), "entry {} names {}", out.size_, what);
  }

  DeploymentHistory& DeploymentOf(const Digest& release, const std::string& environment) const {
    DeploymentHistory& found = out.deployments_[{environment, release}];
    found.release = release;
    found.environment = environment;
    return found;
  }
  void Happens(const Digest& release, const std::string& environment, DeploymentEvent event,
               std::string reason = "") const {
    DeploymentHistory& deployment = DeploymentOf(release, environment);
    deployment.moments.push_back({event, time, std::move(reason)});
    if (event == DeploymentEvent::kStart) NotePolicy(deployment);
  }

  // How large the policy in force there let it be.
  void NotePolicy(DeploymentHistory& deployment) const {
    const auto release = out.releases_.find(deployment.release);
    if (release == out.releases_.end()) return;
    for (std::string place = deployment.environment;;) {
      if (const auto found = out.policies_.find(place); found != out.policies_.end()) {
        deployment.policy_known = found->second.has_value();
        if (!deployment.policy_known) return;
        const SizeRule* rule =
            RuleFor(found->second->size, deployment.environment, release->second.type);
        if (rule != nullptr) deployment.most_items = rule->items;
        return;
      }
      const size_t slash = place.rfind('/');
      if (slash == std::string::npos) return;
      place.resize(slash);
    }
  }

  absl::Status operator()(const PolicySet& p) const {
    DML_ASSIGN_OR_RETURN(const std::string text, read(p.document));
    // By the list that comes with the program: a policy that names other licenses is not known.
    absl::StatusOr<Policy> policy = ParsePolicy(text);
    out.policies_[p.environment] =
        policy.ok() ? std::optional(std::move(policy->release_rules)) : std::nullopt;
    return absl::OkStatus();
  }
  absl::Status operator()(const VersionPublished& p) const {
    out.published_.emplace(p.variant.ResourceName(), time);
    if (p.admission == AdmissionState::kQuarantined) Quarantine(p.variant);
    return absl::OkStatus();
  }
  void Quarantine(const VariantName& variant) const {
    if (!out.waiting_.emplace(variant.ResourceName(), out.quarantines_.size()).second) return;
    out.quarantines_.push_back({variant.package.ToString(), time, std::nullopt});
  }
  absl::Status operator()(const AdmissionDecided& p) const {
    if (p.admission == AdmissionState::kQuarantined) {
      Quarantine(p.variant);
      return absl::OkStatus();
    }
    const auto found = out.waiting_.find(p.variant.ResourceName());
    if (found == out.waiting_.end()) return absl::OkStatus();
    out.quarantines_[found->second].until = time;
    out.waiting_.erase(found);
    return absl::OkStatus();
  }

  absl::Status operator()(const ReleaseSealed& p) const {
    DML_ASSIGN_OR_RETURN(const std::string text, read(p.document));
    DML_ASSIGN_OR_RETURN(const Release release, ParseRelease(text));
    ReleaseHistory& history = out.releases_[p.document.digest];
    history.name = p.name;
    history.version = p.version;
    history.type = release.type;
    history.environments = p.environments;
    history.items = release.items.size();
    history.window = release.window;
    history.sealed = time;
    for (const ReleaseItem& item : release.items) {
      history.services.insert(item.variant.package.ToString());
      if (item.action == ReleaseAction::kRemove) continue;
      const auto found = out.published_.find(item.variant.ResourceName());
      if (found == out.published_.end()) return Broken("a variant that is not published");
      history.published.push_back(found->second);
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const ReleaseApproved& p) const {
    Happens(p.release, p.environment, DeploymentEvent::kApprove);
    return absl::OkStatus();
  }
  absl::Status operator()(const ReleaseWithdrawn& p) const {
    out.releases_[p.release].withdrawn = time;
    return absl::OkStatus();
  }
  absl::Status operator()(const ReleaseMoved& p) const {
    Happens(p.release, p.environment, p.event, p.reason);
    return absl::OkStatus();
  }
  absl::Status operator()(const PermitDecided& p) const {
    if (!p.seats.empty()) out.seats_.emplace_back(time, ReservationOf(p, time));
    if (p.is_back_out) return absl::OkStatus();  // Given along with another.
    PermitHistory permit{p.release, p.environment, p.allowed, time, p.expires};
    for (const RuleCount& error : p.errors) permit.rules.push_back(error.rule);
    if (p.allowed) {
      out.permit_ids_.emplace(p.id, out.permits_.size());
      if (out.releases_.contains(p.release)) {
        Happens(p.release, p.environment, DeploymentEvent::kPermit);
      }
    }
    out.permits_.push_back(std::move(permit));
    return absl::OkStatus();
  }
  absl::Status operator()(const PermitRevoked& p) const {
    out.seats_.emplace_back(time, p);
    const auto found = out.permit_ids_.find(p.id);
    if (found != out.permit_ids_.end()) out.permits_[found->second].revoked = time;
    return absl::OkStatus();
  }
  // The first node that acts on a permit begins, unless a rollout has begun before.
  absl::Status operator()(const PermitUsed& p) const {
    const auto found = out.permit_ids_.find(p.id);
    if (found == out.permit_ids_.end()) return absl::OkStatus();
    const PermitHistory& permit = out.permits_[found->second];
    const auto deployment = out.deployments_.find({permit.environment, permit.release});
    const bool has_begun = deployment != out.deployments_.end() &&
                           deployment->second.First(DeploymentEvent::kStart).has_value();
    if (!has_begun && out.releases_.contains(permit.release)) {
      Happens(permit.release, permit.environment, DeploymentEvent::kStart);
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const ReleaseOverridden& p) const {
    out.overrides_.push_back({p.release, p.environment, time, p.expires});
    return absl::OkStatus();
  }
  absl::Status operator()(const ReleaseReevaluated& p) const {
    DeploymentOf(p.release, p.environment).findings.emplace_back(time, p.findings);
    return absl::OkStatus();
  }

  absl::Status operator()(const RolloutStarted& p) const {
    DML_ASSIGN_OR_RETURN(const std::string text, read(p.nodes));
    DML_ASSIGN_OR_RETURN(const std::vector<RolloutPlace> places,
                         ParseRolloutPlaces(text, p.plan.waves.size()));
    out.rollouts_.insert_or_assign(DeploymentKey{p.environment, p.release},
                                   Rollout::StartPlaced(p.plan, places, time));
    if (!DeploymentOf(p.release, p.environment).First(DeploymentEvent::kStart).has_value()) {
      Happens(p.release, p.environment, DeploymentEvent::kStart);
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const NodeReported& p) const {
    if (p.stage == NodeStage::kFailed) {
      out.node_failures_.push_back({p.release, p.environment, time});
    }
    return Moves(p.release, p.environment, [&](Track& track) -> absl::Status {
      if (auto* rollout = std::get_if<Rollout>(&track))
        return rollout->Report(p.node, p.stage, time);
      auto& deployed = std::get<Deployed>(track);
      if (p.stage == NodeStage::kBackedOut && deployed.nodes > 0) --deployed.nodes;
      return absl::OkStatus();
    });
  }
  absl::Status operator()(const RolloutSteered& p) const {
    return Moves(p.release, p.environment, [&](Track& track) -> absl::Status {
      auto* rollout = std::get_if<Rollout>(&track);
      switch (p.action) {
        case RolloutAction::kPause:
          return rollout != nullptr ? rollout->Pause() : absl::OkStatus();
        case RolloutAction::kResume:
          return rollout != nullptr ? rollout->Resume(time) : absl::OkStatus();
        case RolloutAction::kAbort:
          return rollout != nullptr ? rollout->Halt(p.reason) : absl::OkStatus();
        case RolloutAction::kBackOut:
          if (rollout != nullptr) return rollout->BackOut(p.reason);
          std::get<Deployed>(track).backs_out = true;
          std::get<Deployed>(track).reason = p.reason;
          return absl::OkStatus();
        case RolloutAction::kTick:
          if (rollout != nullptr) rollout->Tick(time);
          break;
      }
      return absl::OkStatus();
    });
  }

  static DeploymentState StateOf(const Track& track) {
    if (const auto* rollout = std::get_if<Rollout>(&track)) return rollout->state();
    const auto& deployed = std::get<Deployed>(track);
    if (!deployed.backs_out) return DeploymentState::kDeployed;
    return deployed.nodes == 0 ? DeploymentState::kBackedOut : DeploymentState::kHalted;
  }

  template <typename Move>
  absl::Status Moves(const Digest& release, const std::string& environment,
                     const Move& move) const {
    const auto found = out.rollouts_.find({environment, release});
    if (found == out.rollouts_.end()) return Broken("a rollout that has not begun");
    Track& track = found->second;
    const DeploymentState before = StateOf(track);
    if (const absl::Status status = move(track); !status.ok()) return Broken(Message(status));
    const DeploymentState after = StateOf(track);
    if (const auto event = EventOf(before, after); event.has_value()) {
      const auto* rollout = std::get_if<Rollout>(&track);
      Happens(release, environment, *event,
              rollout != nullptr ? rollout->reason() : std::get<Deployed>(track).reason);
    }
    if (after == DeploymentState::kBackedOut) out.rollouts_.erase(found);
    if (after == DeploymentState::kDeployed) Shrink(track);
    return absl::OkStatus();
  }
  static void Shrink(Track& track) {
    const auto* rollout = std::get_if<Rollout>(&track);
    if (rollout == nullptr) return;
    uint64_t nodes = 0;
    for (const auto& [stage, count] : rollout->Counts()) {
      if (stage != NodeStage::kPending && stage != NodeStage::kBackedOut) nodes += count;
    }
    track = Deployed{nodes};
  }

  // Entries about seats are kept as they are; others say nothing about releases.
  template <typename Payload>
  absl::Status operator()(const Payload& p) const {
    constexpr bool is_of_seats =
        std::is_same_v<Payload, EntitlementGranted> ||
        std::is_same_v<Payload, EntitlementAmended> || std::is_same_v<Payload, SeatsReserved> ||
        std::is_same_v<Payload, LeaseCommitted> || std::is_same_v<Payload, LeaseExtended> ||
        std::is_same_v<Payload, LeaseReleased> || std::is_same_v<Payload, LeaseBorrowed>;
    if constexpr (is_of_seats) out.seats_.emplace_back(time, p);
    return absl::OkStatus();
  }
};

absl::Status History::Add(const Entry& entry, const ReadBlob& read) {
  if (entry.index != size_) {
    return DataLoss(ErrorReason("JOURNAL_INCONSISTENT"), "entry {} follows {} entries", entry.index,
                    size_);
  }
  if (size_ == 0) begin_ = entry.time;
  DML_RETURN_IF_ERROR(std::visit(Fold{*this, read, entry.time}, entry.payload));
  end_ = entry.time;
  ++size_;
  return absl::OkStatus();
}

}  // namespace dml
