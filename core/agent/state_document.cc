#include "core/agent/state_document.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/package/document_members.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("AGENT_STATE_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.agent-state/v1"};
constexpr size_t kMaxDecisions = 64 * 1024;
constexpr size_t kMaxRetired = kMaxSetItems * (kMaxKeptSets + 2);
constexpr size_t kMaxHandlerName = 64;
constexpr size_t kMaxMessage = 2048;

template <typename T>
std::vector<std::string_view> Names(std::string_view (*name)(T), T last) {
  std::vector<std::string_view> out;
  for (int i = 1; i <= static_cast<int>(last); ++i) out.push_back(name(static_cast<T>(i)));
  return out;
}

absl::StatusOr<SetItem> ReadItem(const json& value) {
  ObjectReader in(value, kInvalid);
  SetItem out;
  out.variant = document::ReadVariant(in, "variant");
  in.ReadRequired("manifest", [&](const json& blob) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.manifest, document::ReadBlobRef(blob, kInvalid));
    return absl::OkStatus();
  });
  in.Read("configuration", [&](const json& blob) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.configuration, document::ReadBlobRef(blob, kInvalid));
    return absl::OkStatus();
  });
  out.handler = document::ReadText(in, "handler", kMaxHandlerName, kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

json ItemJson(const SetItem& item) {
  json out = {{"variant", item.variant.ResourceName()},
              {"manifest", document::BlobRefJson(item.manifest)},
              {"handler", item.handler}};
  if (item.configuration.has_value()) {
    out["configuration"] = document::BlobRefJson(*item.configuration);
  }
  return out;
}

absl::Status CheckItems(const std::vector<SetItem>& items) {
  for (size_t i = 1; i < items.size(); ++i) {
    if (items[i - 1].variant.package < items[i].variant.package) continue;
    return InvalidArgument(kInvalid, "must be in ascending order of packages, none twice");
  }
  return absl::OkStatus();
}

absl::StatusOr<DeploymentSet> ReadSet(const json& value) {
  ObjectReader in(value, kInvalid);
  DeploymentSet out;
  out.generation = in.Unsigned("generation", 1, document::kMaxNumber);
  out.permit = document::ReadText(in, "permit", document::kMaxNameBytes, kInvalid);
  out.release = document::ReadText(in, "release", document::kMaxNameBytes, kInvalid);
  out.release_digest = document::ReadDigest(in, "releaseDigest");
  out.log_index = in.Unsigned("logIndex", 0, document::kMaxNumber);
  out.expires = document::ReadTime(in, "expires", kInvalid);
  out.back_out = in.StringOr("backOut", document::kMaxNameBytes, "");
  in.ForEach("items", kMaxSetItems, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(item));
    return absl::OkStatus();
  });
  in.Check("items", CheckItems(out.items));
  for (const std::string& name : in.Strings("changed", kMaxSetItems, document::kMaxNameBytes)) {
    absl::StatusOr<PackageName> package = PackageName::Parse(name);
    in.Check("changed", package.status());
    if (package.ok()) out.changed.push_back(*std::move(package));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

json SetJson(const DeploymentSet& set) {
  json items = json::array();
  for (const SetItem& item : set.items) items.push_back(ItemJson(item));
  json changed = json::array();
  for (const PackageName& package : set.changed) changed.push_back(package.ToString());
  json out = {{"generation", set.generation}, {"permit", set.permit},
              {"release", set.release},       {"releaseDigest", set.release_digest.ToString()},
              {"logIndex", set.log_index},    {"expires", FormatTime(set.expires)},
              {"items", std::move(items)},    {"changed", std::move(changed)}};
  if (!set.back_out.empty()) out["backOut"] = set.back_out;
  return out;
}

absl::StatusOr<StageReport> ReadReport(const json& value) {
  static const auto kStages = Names(&NodeStageName, NodeStage::kBackedOut);
  ObjectReader in(value, kInvalid);
  StageReport out;
  out.sequence = in.Unsigned("sequence", 1, document::kMaxNumber);
  out.permit = in.String("permit", document::kMaxNameBytes);
  out.release = in.StringOr("release", document::kMaxNameBytes, "");
  out.stage = static_cast<NodeStage>(in.Word("stage", kStages) + 1);
  out.reason = in.StringOr("reason", document::kMaxNameBytes, "");
  out.message = in.StringOr("message", kMaxMessage, "");
  out.time = document::ReadTime(in, "time", kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

json ReportJson(const StageReport& report) {
  json out = {{"sequence", report.sequence},
              {"permit", report.permit},
              {"stage", NodeStageName(report.stage)},
              {"time", FormatTime(report.time)}};
  if (!report.release.empty()) out["release"] = report.release;
  if (!report.reason.empty()) out["reason"] = report.reason;
  if (!report.message.empty()) out["message"] = report.message;
  return out;
}

absl::Status ReadDecision(const json& value, AgentState& out) {
  ObjectReader in(value, kInvalid);
  const std::string package = in.String("package", document::kMaxNameBytes);
  in.Check("package", PackageName::Parse(package).status());
  const uint64_t index = in.Unsigned("logIndex", 0, document::kMaxNumber);
  DML_RETURN_IF_ERROR(in.Finish());
  if (out.decisions.emplace(package, index).second) return absl::OkStatus();
  return InvalidArgument(kInvalid, "package {} is there twice", package);
}

void ReadOptionalSet(ObjectReader& in, std::string_view key, std::optional<DeploymentSet>& out) {
  in.Read(key, [&](const json& value) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out, ReadSet(value));
    return absl::OkStatus();
  });
}

absl::StatusOr<AgentState> ReadState(const json& value) {
  static const auto kPhaseNames = Names(&AgentPhaseName, AgentPhase::kRollingBack);
  ObjectReader in(value, kInvalid);
  AgentState out;
  in.Word("schema", kSchema);
  out.environment = document::ReadEnvironment(in, "environment");
  out.node = in.String("node", document::kMaxNameBytes);
  in.Check("node", ValidateNodeName(out.node));
  out.phase = static_cast<AgentPhase>(in.Word("phase", kPhaseNames) + 1);
  out.attempts = static_cast<uint32_t>(in.Unsigned("attempts", 0, UINT32_MAX));
  ReadOptionalSet(in, "active", out.active);
  ReadOptionalSet(in, "pending", out.pending);
  in.ForEach("previous", kMaxKeptSets, [&](const json& set) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.previous.emplace_back(), ReadSet(set));
    return absl::OkStatus();
  });
  in.ForEach("retired", kMaxRetired, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.retired.emplace_back(), ReadItem(item));
    return absl::OkStatus();
  });
  in.ForEach("decisions", kMaxDecisions, [&](const json& item) { return ReadDecision(item, out); });
  out.generation = in.Unsigned("generation", 0, document::kMaxNumber);
  out.log_time = document::ReadTime(in, "logTime", kInvalid);
  in.Read("last", [&](const json& report) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.last, ReadReport(report));
    return absl::OkStatus();
  });
  in.ForEach("reports", kMaxStageReports, [&](const json& report) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.reports.emplace_back(), ReadReport(report));
    return absl::OkStatus();
  });
  out.next_sequence = in.Unsigned("nextSequence", 1, document::kMaxNumber);
  if ((out.phase == AgentPhase::kIdle) == out.pending.has_value()) {
    in.Check("pending", InvalidArgument(kInvalid, "is there exactly while the phase is not IDLE"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

json StateJson(const AgentState& state) {
  json previous = json::array(), retired = json::array(), decisions = json::array();
  json reports = json::array();
  for (const DeploymentSet& set : state.previous) previous.push_back(SetJson(set));
  for (const SetItem& item : state.retired) retired.push_back(ItemJson(item));
  for (const auto& [package, index] : state.decisions) {
    decisions.push_back({{"package", package}, {"logIndex", index}});
  }
  for (const StageReport& report : state.reports) reports.push_back(ReportJson(report));
  json out = {{"schema", kSchema[0]},
              {"environment", state.environment},
              {"node", state.node},
              {"phase", AgentPhaseName(state.phase)},
              {"attempts", state.attempts},
              {"previous", std::move(previous)},
              {"retired", std::move(retired)},
              {"decisions", std::move(decisions)},
              {"generation", state.generation},
              {"logTime", FormatTime(state.log_time)},
              {"reports", std::move(reports)},
              {"nextSequence", state.next_sequence}};
  if (state.active.has_value()) out["active"] = SetJson(*state.active);
  if (state.pending.has_value()) out["pending"] = SetJson(*state.pending);
  if (state.last.has_value()) out["last"] = ReportJson(*state.last);
  return out;
}

}  // namespace

absl::StatusOr<AgentState> ParseAgentState(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxAgentStateBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "agent state");
  absl::StatusOr<AgentState> state = ReadState(*document);
  if (!state.ok()) return LocateError(state.status(), "agent state");
  return state;
}

absl::StatusOr<std::string> FormatAgentState(const AgentState& state) {
  std::string out = document::WriteDocument(StateJson(state));
  DML_RETURN_IF_ERROR(ParseAgentState(out).status());
  return out;
}

}  // namespace dml
