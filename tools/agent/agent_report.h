// What dml-agent prints of an agent's state, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/agent/engine.h"

namespace dml::agent {

/// Members keep the order in which they are set.
using ReportJson = nlohmann::ordered_json;

ReportJson StateJson(const AgentState& state);
std::string StateText(const AgentState& state);

ReportJson OutcomeJson(const StageReport& report);
std::string OutcomeText(const StageReport& report);

ReportJson VerdictJson(const PermitVerdict& verdict);
std::string VerdictText(const PermitVerdict& verdict);

ReportJson VerifiedJson(const std::vector<VerifiedItem>& items);
std::string VerifiedText(const std::vector<VerifiedItem>& items);

ReportJson FaultJson(const absl::Status& status);

}  // namespace dml::agent
