// Questions about nodes and what they run.
#include <optional>

#include "client/calls.h"
#include "client/compatibility.h"
#include "core/wire/api_compatibility.h"
#include "dml/v1/compatibility.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::CompatibilityService::Stub;

constexpr int kFindingsPage = 1000;
constexpr int kStepsPage = 10'000;
constexpr int kMaxAnswers = 5;
constexpr auto kIndexOf = [](const auto& response) { return response.index(); };

template <typename Request>
void AddNodes(const std::vector<NodeDescription>& nodes, Request& request) {
  for (const NodeDescription& node : nodes) wire::To(node, request.add_nodes());
}

EnvironmentFinding ReadFinding(const v1::EnvironmentFinding& in) {
  return {wire::From(in.finding()),
          in.node(),
          in.nodes(),
          in.source(),
          {in.signers().begin(), in.signers().end()},
          in.before()};
}

absl::Status AnswerChanged() {
  return Aborted(ErrorReason("ANSWER_CHANGED"),
                 "the library changed while its answer was being read, {} times; ask again",
                 kMaxAnswers);
}

// One page onto what has come. False where it is of another answer.
template <typename Response>
absl::StatusOr<bool> AddPage(const Response& response, EnvironmentReport& out) {
  if (out.index != response.index()) return false;
  for (const v1::EnvironmentFinding& finding : response.violations()) {
    out.violations.push_back(ReadFinding(finding));
  }
  const bool more = !response.next_page_token().empty();
  if (out.violations.size() > response.violation_count() ||
      (more && response.violations().empty()) ||
      (!more && out.violations.size() != response.violation_count())) {
    return BadAnswer(fmt::format("{} violations were announced, {} came",
                                 response.violation_count(), out.violations.size()));
  }
  return true;
}

// All pages of one answer; nullopt where the library changed between two of them.
template <typename Request, typename Response>
absl::StatusOr<std::optional<EnvironmentReport>> FetchOnce(
    Connection& connection,
    grpc::Status (Calls::*method)(grpc::ClientContext*, const Request&, Response*),
    Request request) {
  std::optional<EnvironmentReport> out;
  request.set_page_size(kFindingsPage);
  do {
    DML_ASSIGN_OR_RETURN(const Response response, Ask(connection, method, request, kIndexOf));
    if (!out.has_value()) {
      out.emplace();
      DML_ASSIGN_OR_RETURN(out->verdict, Answered(wire::From(response.outcome())));
      out->index = response.index();
    }
    DML_ASSIGN_OR_RETURN(const bool same, AddPage(response, *out));
    if (!same) return std::optional<EnvironmentReport>();
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

template <typename Request, typename Response>
absl::StatusOr<EnvironmentReport> FetchReport(Connection& connection,
                                              grpc::Status (Calls::*method)(grpc::ClientContext*,
                                                                            const Request&,
                                                                            Response*),
                                              const Request& request) {
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(std::optional<EnvironmentReport> report,
                         FetchOnce(connection, method, request));
    if (report.has_value()) return *std::move(report);
  }
  return AnswerChanged();
}

absl::StatusOr<std::optional<UpgradeAnswer>> FetchPlan(Connection& connection,
                                                       v1::PlanUpgradeOrderRequest request) {
  std::optional<UpgradeAnswer> out;
  request.set_page_size(kStepsPage);
  do {
    DML_ASSIGN_OR_RETURN(const v1::PlanUpgradeOrderResponse response,
                         Ask(connection, &Calls::PlanUpgradeOrder, request, kIndexOf));
    if (!out.has_value()) {
      out.emplace();
      DML_ASSIGN_OR_RETURN(out->outcome, Answered(wire::From(response.outcome())));
      for (const v1::EnvironmentFinding& reason : response.reasons()) {
        out->reasons.push_back(ReadFinding(reason));
      }
      out->minimal = response.minimal();
      out->waves = response.wave_count();
      out->search_steps = response.search_steps();
      out->index = response.index();
    } else if (out->index != response.index()) {
      return std::optional<UpgradeAnswer>();
    }
    for (const v1::UpgradeStep& step : response.steps()) {
      out->steps.push_back({step.wave(), step.node(), step.count(), step.no_return()});
    }
    const bool more = !response.next_page_token().empty();
    if (more ? response.steps().empty() : out->steps.size() != response.step_count()) {
      return BadAnswer(fmt::format("{} steps were announced, {} came", response.step_count(),
                                   out->steps.size()));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

}  // namespace

absl::StatusOr<EnvironmentReport> CompatibilityClient::CheckEnvironment(
    const std::vector<NodeDescription>& nodes, const std::vector<VariantName>& install,
    const std::vector<std::string>& install_on) {
  v1::CheckEnvironmentRequest request;
  AddNodes(nodes, request);
  for (const VariantName& name : install) request.add_install(name.ResourceName());
  for (const std::string& node : install_on) request.add_install_on(node);
  return FetchReport(client_.connection(), &Calls::CheckEnvironment, request);
}

absl::StatusOr<EnvironmentReport> CompatibilityClient::WhatBreaksIf(
    const std::vector<NodeDescription>& nodes, const std::vector<std::string>& remove,
    const std::vector<VariantName>& upgrade) {
  v1::WhatBreaksIfRequest request;
  AddNodes(nodes, request);
  for (const std::string& name : remove) request.add_remove(name);
  for (const VariantName& name : upgrade) request.add_upgrade(name.ResourceName());
  return FetchReport(client_.connection(), &Calls::WhatBreaksIf, request);
}

absl::StatusOr<UpgradeAnswer> CompatibilityClient::PlanUpgradeOrder(
    const std::vector<NodeDescription>& nodes, const std::vector<VariantName>& upgrade,
    uint64_t max_steps) {
  v1::PlanUpgradeOrderRequest request;
  AddNodes(nodes, request);
  for (const VariantName& name : upgrade) request.add_upgrade(name.ResourceName());
  request.set_max_steps(max_steps);
  for (int i = 0; i < kMaxAnswers; ++i) {
    DML_ASSIGN_OR_RETURN(std::optional<UpgradeAnswer> answer,
                         FetchPlan(client_.connection(), request));
    if (answer.has_value()) return *std::move(answer);
  }
  return AnswerChanged();
}

}  // namespace dml
