#include "tools/dml/rollout_json.h"

#include "tools/dml/records.h"

namespace dml {
namespace {

Json WaveJson(const RolloutPlan& plan, const RolloutProgress::Parts& progress, size_t i) {
  Json out = {{"labels", LabelsJson(plan.waves[i].nodes)}, {"percent", plan.waves[i].percent}};
  Json stages = Json::object();
  for (size_t stage = 0; stage < kNodeStages; ++stage) {
    stages[std::string(NodeStageName(static_cast<NodeStage>(stage + 1)))] =
        progress.waves[i][stage];
  }
  out["nodes"] = std::move(stages);
  return out;
}

}  // namespace

Json ToJson(const RolloutDetails& rollout) {
  const RolloutRecord& record = rollout.record;
  const RolloutProgress::Parts& progress = record.progress;
  Json waves = Json::array();
  for (size_t i = 0; i < progress.waves.size(); ++i) {
    waves.push_back(WaveJson(progress.plan, progress, i));
  }
  return {
      {"release", fmt::format("{}@{}", rollout.release.name, rollout.release.version)},
      {"digest", record.release.ToString()},
      {"environment", record.environment},
      {"permit", record.permit},
      {"state", DeploymentStateName(progress.state)},
      {"paused", progress.paused},
      {"backsOut", progress.backs_out},
      {"reason", progress.reason},
      {"wave", progress.wave},
      {"waves", std::move(waves)},
      {"plan",
       {{"soakSeconds", progress.plan.soak.count()},
        {"confirmedPercent", progress.plan.confirmed_percent},
        {"failedPercent", progress.plan.failed_percent},
        {"backsOut", progress.plan.backs_out}}},
      {"baseline", record.baseline == Digest() ? Json(nullptr) : Json(record.baseline.ToString())},
      {"confirmedSince",
       progress.through.has_value() ? Json(FormatTime(*progress.through)) : Json(nullptr)},
      {"started", FormatTime(record.started)},
      {"updated", FormatTime(record.time)},
      {"etag", record.Etag()},
      {"author", record.author}};
}

std::string StateWords(const RolloutRecord& record) {
  return fmt::format("{}{}{}", DeploymentStateName(record.progress.state),
                     record.progress.paused ? ", paused" : "",
                     record.progress.backs_out && record.progress.state == DeploymentState::kHalted
                         ? ", nodes go back"
                         : "");
}

std::string CountWords(const RolloutRecord& record) {
  std::string out;
  const auto progress = RolloutProgress::Restore(record.progress);
  if (!progress.ok()) return out;
  for (const auto& [stage, count] : progress->CountsByStage()) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, NodeStageName(stage));
  }
  return out;
}

void AddStatus(const RolloutDetails& rollout, Text& text) {
  const RolloutRecord& record = rollout.record;
  text.Fields(
      {{"release", fmt::format("{}@{}", rollout.release.name, rollout.release.version)},
       {"environment", record.environment},
       {"state", StateWords(record)},
       {"why", record.progress.reason},
       {"wave", fmt::format("{} of {}", record.progress.wave + 1, record.progress.waves.size())},
       {"nodes", CountWords(record)},
       {"before", record.baseline == Digest() ? "nothing" : record.baseline.ToString()},
       {"started", FormatTime(record.started)},
       {"etag", record.Etag()}});
}

}  // namespace dml
