#include "tools/agent/follow.h"

#include <vector>

namespace dml::agent {
namespace {

absl::Status TellAll(Engine& engine, LibraryDesire& desire) {
  const std::vector<StageReport> reports = engine.state().reports;
  for (const StageReport& report : reports) {
    DML_RETURN_IF_ERROR(desire.Tell(report));
    DML_RETURN_IF_ERROR(engine.Told(report.sequence));
  }
  return absl::OkStatus();
}

absl::Status RunAndTell(Engine& engine, LibraryDesire& desire) {
  DML_ASSIGN_OR_RETURN(const RunResult run, engine.Run());
  DML_RETURN_IF_ERROR(TellAll(engine, desire));
  return run.waiting;
}

absl::Status Refuse(const LibraryDesire::Permit& permit, const absl::Status& why,
                    LibraryDesire& desire, const std::function<void(std::string_view)>& log) {
  // A clock can be set; whatever else is wrong with a bundle stays so.
  if (Reason(why) == "CLOCK_BEHIND") return why;
  if (log) log(fmt::format("permit {} is refused: {}", permit.id, Message(why)));
  desire.Refuse(permit.id);
  StageReport report;
  report.permit = permit.id;
  report.release = permit.release;
  report.stage = NodeStage::kFailed;
  report.reason = Reason(why);
  report.message = std::string(Message(why)).substr(0, 512);
  return desire.Tell(report);
}

}  // namespace

absl::Status FollowLibrary(Engine& engine, LibraryDesire& desire,
                           const std::function<void(std::string_view)>& log) {
  DML_RETURN_IF_ERROR(TellAll(engine, desire));
  DML_ASSIGN_OR_RETURN(const bool gives_up, desire.GivesUp(engine.state()));
  if (gives_up) {
    DML_RETURN_IF_ERROR(engine.Undo(engine.state().active->permit, "its rollout is backed out"));
    DML_RETURN_IF_ERROR(RunAndTell(engine, desire));
  }
  DML_ASSIGN_OR_RETURN(const auto permit, desire.Next(engine.state(), engine.memory()));
  if (!permit.has_value()) return absl::OkStatus();
  const PermitVerdict verdict = engine.Judge(permit->bundle);
  if (!verdict.status.ok()) return Refuse(*permit, verdict.status, desire, log);
  DML_RETURN_IF_ERROR(desire.Use(permit->id, engine.state()));
  const absl::Status accepted = engine.Accept(permit->bundle).status();
  if (!accepted.ok()) return Refuse(*permit, accepted, desire, log);
  return RunAndTell(engine, desire);
}

}  // namespace dml::agent
