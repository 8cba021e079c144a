#include "tools/agent/agent_report.h"

#include "core/base/text.h"

namespace dml::agent {
namespace {

constexpr size_t kMaxLine = 2048;

ReportJson ItemJson(const SetItem& item) {
  ReportJson out = {{"variant", item.variant.ResourceName()},
                    {"manifest", item.manifest.digest.ToString()},
                    {"handler", item.handler}};
  if (item.configuration.has_value()) {
    out["configuration"] = item.configuration->digest.ToString();
  }
  return out;
}

ReportJson SetJson(const DeploymentSet& set) {
  ReportJson out = {{"generation", set.generation},
                    {"release", set.release},
                    {"releaseDigest", set.release_digest.ToString()},
                    {"permit", set.permit},
                    {"expires", FormatTime(set.expires)},
                    {"items", ReportJson::array()}};
  for (const SetItem& item : set.items) out["items"].push_back(ItemJson(item));
  return out;
}

std::string SetLine(const DeploymentSet& set) {
  return fmt::format("{} ({} packages, generation {}, permit {})", set.release, set.items.size(),
                     set.generation, set.permit);
}

std::string Field(std::string_view name, std::string_view value) {
  return fmt::format("{:<12} {}\n", name, Excerpt(value, kMaxLine));
}

}  // namespace

ReportJson OutcomeJson(const StageReport& report) {
  ReportJson out = {{"permit", report.permit},
                    {"stage", NodeStageName(report.stage)},
                    {"time", FormatTime(report.time)}};
  if (!report.reason.empty()) out["reason"] = report.reason;
  if (!report.message.empty()) out["message"] = report.message;
  return out;
}

std::string OutcomeText(const StageReport& report) {
  std::string out = fmt::format("{} by permit {} at {}", NodeStageName(report.stage), report.permit,
                                FormatTime(report.time));
  if (!report.reason.empty()) out += fmt::format(": {}: {}", report.reason, report.message);
  return Excerpt(out, kMaxLine);
}

ReportJson StateJson(const AgentState& state) {
  ReportJson out = {{"environment", state.environment},
                    {"node", state.node},
                    {"phase", AgentPhaseName(state.phase)},
                    {"attempts", state.attempts}};
  if (state.active.has_value()) out["active"] = SetJson(*state.active);
  if (state.pending.has_value()) out["pending"] = SetJson(*state.pending);
  out["kept"] = ReportJson::array();
  for (const DeploymentSet& set : state.previous) out["kept"].push_back(SetJson(set));
  if (state.last.has_value()) out["last"] = OutcomeJson(*state.last);
  out["reports"] = ReportJson::array();
  for (const StageReport& report : state.reports) out["reports"].push_back(OutcomeJson(report));
  return out;
}

std::string StateText(const AgentState& state) {
  std::string out = Field("node", state.node) + Field("environment", state.environment) +
                    Field("phase", AgentPhaseName(state.phase));
  out += Field("active", state.active.has_value() ? SetLine(*state.active) : "nothing");
  if (state.active.has_value()) {
    for (const SetItem& item : state.active->items) {
      out += fmt::format("  {} {} {} by {}\n", item.variant.package.ToString(),
                         item.variant.version, item.variant.platform.VariantId(), item.handler);
    }
  }
  if (state.pending.has_value()) out += Field("pending", SetLine(*state.pending));
  for (const DeploymentSet& set : state.previous) out += Field("kept", SetLine(set));
  if (state.last.has_value()) out += Field("last", OutcomeText(*state.last));
  return out;
}

ReportJson VerdictJson(const PermitVerdict& verdict) {
  ReportJson out = {{"accepted", verdict.status.ok()}, {"steps", ReportJson::array()}};
  if (!verdict.status.ok()) out["reason"] = Reason(verdict.status);
  for (const VerificationStep& step : verdict.steps) {
    out["steps"].push_back({{"what", step.what}, {"passed", step.passed}, {"detail", step.detail}});
  }
  return out;
}

std::string VerdictText(const PermitVerdict& verdict) {
  std::string out;
  for (const VerificationStep& step : verdict.steps) {
    out += fmt::format("{:<4} {:<15} {}\n", step.passed ? "ok" : "NOT", step.what,
                       Excerpt(step.detail, kMaxLine));
  }
  return out;
}

ReportJson VerifiedJson(const std::vector<VerifiedItem>& items) {
  ReportJson out = ReportJson::object();
  bool is_intact = true;
  ReportJson list = ReportJson::array();
  for (const VerifiedItem& item : items) {
    ReportJson one = ItemJson(item.item);
    one["intact"] = item.differences.empty();
    one["differences"] = item.differences;
    is_intact = is_intact && item.differences.empty();
    list.push_back(std::move(one));
  }
  out["intact"] = is_intact;
  out["items"] = std::move(list);
  return out;
}

std::string VerifiedText(const std::vector<VerifiedItem>& items) {
  std::string out;
  for (const VerifiedItem& item : items) {
    out += fmt::format("{:<7} {} {}\n", item.differences.empty() ? "intact" : "CHANGED",
                       item.item.variant.package.ToString(), item.item.variant.version);
    for (const std::string& line : item.differences) out += "  " + Excerpt(line, kMaxLine) + "\n";
  }
  return items.empty() ? "nothing of the library runs here\n" : out;
}

ReportJson FaultJson(const absl::Status& status) {
  ReportJson fields = ReportJson::array();
  for (const FieldViolation& violation : FieldViolations(status)) {
    fields.push_back({{"field", violation.field}, {"description", violation.description}});
  }
  return {{"error",
           {{"reason", Reason(status)},
            {"message", std::string(Message(status))},
            {"fields", std::move(fields)}}}};
}

}  // namespace dml::agent
