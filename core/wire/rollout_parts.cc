// Entries and records of rollouts, overrides and re-evaluations <-> their stored bytes.
#include "core/wire/entry.h"
#include "core/wire/entry_parts.h"
#include "core/wire/stored.h"
#include "dml/journal/v1/record.pb.h"

namespace dml::wire {
namespace {

using wire::From;  // Of core/wire/entry_parts.h and stored.h, beside those here.
using wire::To;

// An enum's number, of 1 to `last`.
template <typename Enum>
absl::Status Number(uint32_t number, Enum last, std::string_view what, Enum& out) {
  if (number < 1 || number > static_cast<uint32_t>(last)) {
    return DataLoss(kEntryInvalid, "{} {} is none that this version knows: upgrade the program",
                    what, number);
  }
  out = static_cast<Enum>(number);
  return absl::OkStatus();
}

void To(const RolloutPlan& plan, pb::RolloutPlan* out) {
  for (const RolloutWave& wave : plan.waves) {
    pb::RolloutWave* item = out->add_waves();
    To(wave.nodes, item->mutable_nodes());
    item->set_percent(wave.percent);
  }
  out->set_confirmed_percent(plan.confirmed_percent);
  out->set_soak_seconds(plan.soak.count());
  out->set_failed_percent(plan.failed_percent);
  out->set_backs_out(plan.backs_out);
}

absl::StatusOr<RolloutPlan> From(const pb::RolloutPlan& in) {
  RolloutPlan out;
  for (const pb::RolloutWave& wave : in.waves()) {
    out.waves.push_back({From(wave.nodes()), wave.percent()});
  }
  out.confirmed_percent = in.confirmed_percent();
  out.soak = std::chrono::seconds(in.soak_seconds());
  out.failed_percent = in.failed_percent();
  out.backs_out = in.backs_out();
  if (const absl::Status status = ValidateRolloutPlan(out); !status.ok()) {
    return DataLoss(kEntryInvalid, "{}", Message(status));
  }
  return out;
}

// Empty bytes for none, which is the digest of zeros.
std::string OptionalDigest(const Digest& digest) {
  return digest == Digest() ? std::string() : std::string(digest.raw());
}
absl::StatusOr<Digest> OptionalDigestFrom(const std::string& raw) {
  if (raw.empty()) return Digest();
  return DigestFrom(raw);
}

absl::StatusOr<RolloutStarted> Get(const pb::RolloutStarted& m) {
  RolloutStarted out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  out.environment = m.environment();
  out.permit = m.permit();
  DML_ASSIGN_OR_RETURN(out.plan, From(m.plan()));
  DML_ASSIGN_OR_RETURN(out.nodes, From(m.nodes()));
  DML_ASSIGN_OR_RETURN(out.baseline, OptionalDigestFrom(m.baseline_sha256()));
  return out;
}

absl::StatusOr<NodeReported> Get(const pb::NodeReported& m) {
  NodeReported out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  out.environment = m.environment();
  out.node = m.node();
  DML_RETURN_IF_ERROR(Number(m.stage(), NodeStage::kBackedOut, "stage", out.stage));
  out.reason = m.reason();
  if (m.has_report()) {
    DML_ASSIGN_OR_RETURN(out.report, From(m.report()));
  }
  return out;
}

absl::StatusOr<RolloutSteered> Get(const pb::RolloutSteered& m) {
  RolloutSteered out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  out.environment = m.environment();
  DML_RETURN_IF_ERROR(Number(m.action(), RolloutAction::kTick, "action", out.action));
  out.reason = m.reason();
  out.replaces_etag = m.replaces_etag();
  return out;
}

absl::StatusOr<ReleaseOverridden> Get(const pb::ReleaseOverridden& m) {
  ReleaseOverridden out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  out.environment = m.environment();
  DML_ASSIGN_OR_RETURN(out.envelope, From(m.envelope()));
  DML_ASSIGN_OR_RETURN(out.requester, DigestFrom(m.requester_sha256()));
  out.rules.assign(m.rules().begin(), m.rules().end());
  out.reason = m.reason();
  out.expires = FromMicros(m.expires_micros());
  return out;
}

absl::StatusOr<ReleaseReevaluated> From(const pb::ReleaseReevaluated& m) {
  ReleaseReevaluated out;
  DML_ASSIGN_OR_RETURN(out.release, DigestFrom(m.release_sha256()));
  out.environment = m.environment();
  out.journal_size = m.journal_size();
  out.findings = m.findings();
  out.new_findings = m.new_findings();
  DML_ASSIGN_OR_RETURN(out.report, From(m.report()));
  return out;
}

void To(const ReleaseReevaluated& p, pb::ReleaseReevaluated* m) {
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  m->set_journal_size(p.journal_size);
  m->set_findings(p.findings);
  m->set_new_findings(p.new_findings);
  To(p.report, m->mutable_report());
}

// The part of a row that is how far a rollout has come.
void PutProgress(const RolloutProgress::Parts& p, pb::RolloutRecord& m) {
  To(p.plan, m.mutable_plan());
  for (const RolloutProgress::Counts& counts : p.waves) {
    auto* wave = m.add_waves();
    for (const uint64_t count : counts) wave->add_nodes(count);
  }
  m.set_wave(static_cast<uint32_t>(p.wave));
  if (p.through.has_value()) m.set_through_micros(ToMicros(*p.through));
  m.set_state(static_cast<uint32_t>(p.state));
  m.set_paused(p.paused);
  m.set_backs_out(p.backs_out);
  m.set_reason(p.reason);
  m.set_now_micros(ToMicros(p.now));
}

absl::StatusOr<RolloutProgress::Parts> GetProgress(const pb::RolloutRecord& m) {
  RolloutProgress::Parts out;
  DML_ASSIGN_OR_RETURN(out.plan, From(m.plan()));
  for (const auto& wave : m.waves()) {
    if (wave.nodes_size() != static_cast<int>(kNodeStages)) {
      return DataLoss(kRecordInvalid, "a wave has {} stages", wave.nodes_size());
    }
    std::ranges::copy(wave.nodes(), out.waves.emplace_back().begin());
  }
  out.wave = m.wave();
  if (m.has_through_micros()) out.through = FromMicros(m.through_micros());
  DML_RETURN_IF_ERROR(
      Number(m.state(), DeploymentState::kReviewed, "state of a rollout", out.state));
  out.paused = m.paused();
  out.backs_out = m.backs_out();
  out.reason = m.reason();
  out.now = FromMicros(m.now_micros());
  const auto is_good = RolloutProgress::Restore(out);
  if (!is_good.ok()) return DataLoss(kRecordInvalid, "{}", Message(is_good.status()));
  return out;
}

}  // namespace

void Put(const RolloutStarted& p, pb::Entry& out) {
  auto* m = out.mutable_rollout_started();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  m->set_permit(p.permit);
  To(p.plan, m->mutable_plan());
  To(p.nodes, m->mutable_nodes());
  m->set_baseline_sha256(OptionalDigest(p.baseline));
}
void Put(const NodeReported& p, pb::Entry& out) {
  auto* m = out.mutable_node_reported();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  m->set_node(p.node);
  m->set_stage(static_cast<uint32_t>(p.stage));
  m->set_reason(p.reason);
  if (p.report.size > 0) To(p.report, m->mutable_report());
}
void Put(const RolloutSteered& p, pb::Entry& out) {
  auto* m = out.mutable_rollout_steered();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  m->set_action(static_cast<uint32_t>(p.action));
  m->set_reason(p.reason);
  m->set_replaces_etag(p.replaces_etag);
}
void Put(const ReleaseOverridden& p, pb::Entry& out) {
  auto* m = out.mutable_release_overridden();
  m->set_release_sha256(std::string(p.release.raw()));
  m->set_environment(p.environment);
  To(p.envelope, m->mutable_envelope());
  m->set_requester_sha256(std::string(p.requester.raw()));
  for (const std::string& rule : p.rules) m->add_rules(rule);
  m->set_reason(p.reason);
  m->set_expires_micros(ToMicros(p.expires));
}
void Put(const ReleaseReevaluated& p, pb::Entry& out) { To(p, out.mutable_release_reevaluated()); }

absl::StatusOr<EntryPayload> GetRolloutPayload(const pb::Entry& in) {
  switch (in.payload_case()) {
    case pb::Entry::kRolloutStarted:
      return Get(in.rollout_started());
    case pb::Entry::kNodeReported:
      return Get(in.node_reported());
    case pb::Entry::kRolloutSteered:
      return Get(in.rollout_steered());
    case pb::Entry::kReleaseOverridden:
      return Get(in.release_overridden());
    case pb::Entry::kReleaseReevaluated:
      return From(in.release_reevaluated());
    default:
      return UnknownPayload(in);
  }
}

std::string Encode(const RolloutRecord& r) {
  pb::RolloutRecord m;
  m.set_release_sha256(std::string(r.release.raw()));
  m.set_environment(r.environment);
  m.set_permit(r.permit);
  To(r.nodes, m.mutable_nodes());
  m.set_baseline_sha256(OptionalDigest(r.baseline));
  PutProgress(r.progress, m);
  m.set_started_micros(ToMicros(r.started));
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<RolloutRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::RolloutRecord>(bytes));
  RolloutRecord r;
  DML_ASSIGN_OR_RETURN(r.release, DigestFrom(m.release_sha256()));
  r.environment = m.environment();
  r.permit = m.permit();
  DML_ASSIGN_OR_RETURN(r.nodes, From(m.nodes()));
  DML_ASSIGN_OR_RETURN(r.baseline, OptionalDigestFrom(m.baseline_sha256()));
  DML_ASSIGN_OR_RETURN(r.progress, GetProgress(m));
  r.started = FromMicros(m.started_micros());
  GetWhen(m, r);
  return r;
}

std::string Encode(const RolloutNodeRecord& r) {
  pb::RolloutNodeRecord m;
  m.set_node(r.node);
  m.set_wave(static_cast<uint32_t>(r.progress.wave));
  m.set_stage(static_cast<uint32_t>(r.progress.stage));
  m.set_reason(r.reason);
  if (r.report.size > 0) To(r.report, m.mutable_report());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<RolloutNodeRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::RolloutNodeRecord>(bytes));
  RolloutNodeRecord r;
  r.node = m.node();
  r.progress.wave = m.wave();
  DML_RETURN_IF_ERROR(
      Number(m.stage(), NodeStage::kBackedOut, "stage of a node", r.progress.stage));
  r.reason = m.reason();
  if (m.has_report()) {
    DML_ASSIGN_OR_RETURN(r.report, From(m.report()));
  }
  GetWhen(m, r);
  return r;
}

std::string Encode(const ReevaluationRecord& r) {
  pb::ReevaluationRecord m;
  To(r.found, m.mutable_found());
  SetWhen(r, m);
  return SerializeDeterministically(m);
}

template <>
absl::StatusOr<ReevaluationRecord> Decode(std::string_view bytes) {
  DML_ASSIGN_OR_RETURN(auto m, ParseRow<pb::ReevaluationRecord>(bytes));
  ReevaluationRecord r;
  DML_ASSIGN_OR_RETURN(r.found, From(m.found()));
  GetWhen(m, r);
  return r;
}

}  // namespace dml::wire
