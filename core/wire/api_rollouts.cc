#include "core/wire/api_rollouts.h"

#include <charconv>
#include <tuple>

#include "core/wire/api_releases.h"

namespace dml::wire {
namespace {

absl::Status BadEnum(int number, std::string_view field) {
  return AtField(
      InvalidArgument(ErrorReason("ENUM_UNKNOWN"), "{} {} is none that is known", field, number),
      field);
}

absl::StatusOr<std::string> EnvironmentAt(const std::string& resource) {
  absl::StatusOr<std::string> name = ParseResource(resource, "environments");
  if (!name.ok()) return AtField(name.status(), "environment");
  return name;
}

void PutWave(const RolloutProgress::Counts& counts, v1::Rollout::WaveProgress* out) {
  out->set_pending(counts[0]);
  out->set_staged(counts[1]);
  out->set_installed(counts[2]);
  out->set_active(counts[3]);
  out->set_confirmed(counts[4]);
  out->set_failed(counts[5]);
  out->set_backed_out(counts[6]);
}

RolloutProgress::Counts GetWave(const v1::Rollout::WaveProgress& in) {
  return {in.pending(),   in.staged(), in.installed(), in.active(),
          in.confirmed(), in.failed(), in.backed_out()};
}

void PutProgress(const RolloutProgress::Parts& progress, v1::Rollout* out) {
  To(progress.plan, out->mutable_plan());
  out->set_state(static_cast<v1::Rollout::State>(progress.state));
  out->set_paused(progress.paused);
  out->set_backs_out(progress.backs_out);
  out->set_reason(progress.reason);
  out->set_wave(static_cast<uint32_t>(progress.wave));
  for (const RolloutProgress::Counts& counts : progress.waves) PutWave(counts, out->add_waves());
  if (progress.through.has_value()) To(*progress.through, out->mutable_through_time());
}

absl::StatusOr<RolloutProgress::Parts> GetProgress(const v1::Rollout& in) {
  RolloutProgress::Parts out;
  DML_ASSIGN_OR_RETURN(out.plan, From(in.plan()));
  out.state = static_cast<DeploymentState>(in.state());
  out.paused = in.paused();
  out.backs_out = in.backs_out();
  out.reason = in.reason();
  out.wave = in.wave();
  for (const auto& wave : in.waves()) out.waves.push_back(GetWave(wave));
  if (in.has_through_time()) out.through = From(in.through_time());
  out.now = From(in.update_time());
  DML_ASSIGN_OR_RETURN(const RolloutProgress good, RolloutProgress::Restore(std::move(out)));
  return good.parts();
}

}  // namespace

void To(const RolloutPlan& plan, v1::RolloutPlan* out) {
  for (const RolloutWave& wave : plan.waves) {
    v1::RolloutWave* item = out->add_waves();
    To(wave.nodes, item->mutable_nodes());
    item->set_percent(wave.percent);
  }
  out->set_confirmed_percent(plan.confirmed_percent);
  out->mutable_soak()->set_seconds(plan.soak.count());
  out->set_failed_percent(plan.failed_percent);
  out->set_stays(!plan.backs_out);
}

absl::StatusOr<RolloutPlan> From(const v1::RolloutPlan& in) {
  RolloutPlan out;
  for (const v1::RolloutWave& wave : in.waves()) {
    out.waves.push_back({From(wave.nodes()), wave.percent()});
  }
  out.confirmed_percent = in.confirmed_percent();
  out.soak = std::chrono::seconds(in.soak().seconds());
  out.failed_percent = in.failed_percent();
  out.backs_out = !in.stays();
  absl::Status status = ValidateRolloutPlan(out);
  if (status.ok() && in.soak().nanos() != 0) {
    status = InvalidArgument(ErrorReason("ROLLOUT_INVALID"), "a wave soaks for whole seconds");
  }
  if (!status.ok()) return AtField(status, "plan");
  return out;
}

void To(const NamedRollout& rollout, v1::Rollout* out) {
  const RolloutRecord& record = rollout.record;
  out->set_release(ReleaseResource(rollout.name, rollout.version));
  out->set_environment(EnvironmentResource(record.environment));
  out->set_permit(record.permit);
  PutProgress(record.progress, out);
  if (record.baseline != Digest()) out->set_baseline(record.baseline.ToString());
  To(record.started, out->mutable_start_time());
  out->set_etag(record.Etag());
  out->set_index(record.index);
  To(record.time, out->mutable_update_time());
  out->set_author(record.author);
  out->set_release_digest(record.release.ToString());
}

absl::StatusOr<NamedRollout> From(const v1::Rollout& in) {
  NamedRollout out;
  DML_ASSIGN_OR_RETURN(std::tie(out.name, out.version), ParseReleaseResource(in.release()));
  DML_ASSIGN_OR_RETURN(out.record.release, Digest::Parse(in.release_digest()));
  DML_ASSIGN_OR_RETURN(out.record.environment, EnvironmentAt(in.environment()));
  out.record.permit = in.permit();
  DML_ASSIGN_OR_RETURN(out.record.progress, GetProgress(in));
  if (!in.baseline().empty()) {
    DML_ASSIGN_OR_RETURN(out.record.baseline, Digest::Parse(in.baseline()));
  }
  out.record.started = From(in.start_time());
  out.record.index = in.index();
  out.record.time = From(in.update_time());
  out.record.author = in.author();
  return out;
}

void To(const RolloutNodeRecord& node, const RolloutRecord& rollout, v1::RolloutNode* out) {
  out->set_node(node.node);
  out->set_wave(static_cast<uint32_t>(node.progress.wave));
  out->set_stage(static_cast<v1::RolloutNode::Stage>(node.progress.stage));
  const auto progress = RolloutProgress::Restore(rollout.progress);
  out->set_wanted(progress.ok() && progress->Wants(node.progress));
  out->set_reason(node.reason);
  if (node.report.size > 0) To(node.report, out->mutable_report());
  if (node.index == 0) return;
  out->set_index(node.index);
  To(node.time, out->mutable_report_time());
  out->set_author(node.author);
}

absl::StatusOr<WantedNode> From(const v1::RolloutNode& in) {
  WantedNode out;
  out.record.node = in.node();
  out.record.progress.wave = in.wave();
  if (in.stage() < v1::RolloutNode::STAGE_PENDING ||
      in.stage() > v1::RolloutNode::STAGE_BACKED_OUT) {
    return BadEnum(in.stage(), "stage");
  }
  out.record.progress.stage = static_cast<NodeStage>(in.stage());
  out.wanted = in.wanted();
  out.record.reason = in.reason();
  if (in.has_report()) {
    DML_ASSIGN_OR_RETURN(out.record.report, From(in.report()));
  }
  out.record.index = in.index();
  if (in.has_report_time()) out.record.time = From(in.report_time());
  out.record.author = in.author();
  return out;
}

}  // namespace dml::wire
