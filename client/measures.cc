#include "client/measures.h"

#include "client/calls.h"
#include "core/wire/api_measures.h"
#include "dml/v1/measures.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::MeasuresService::Stub;

absl::StatusOr<ReleaseFindings> ReadFindings(const v1::ReleaseFindings& in) {
  ReleaseFindings out;
  out.release = in.release();
  DML_ASSIGN_OR_RETURN(out.environment, wire::ParseResource(in.environment(), "environments"));
  for (const v1::Finding& finding : in.findings()) out.findings.push_back(wire::From(finding));
  out.new_findings = in.new_findings();
  out.journal_size = in.journal_size();
  out.index = in.index();
  out.time = wire::From(in.time());
  return out;
}

}  // namespace

absl::StatusOr<MeasuresReport> MeasuresClient::Get(const MeasuresRequest& question) {
  v1::GetMeasuresRequest request;
  if (!question.environment.empty()) {
    request.set_environment(wire::EnvironmentResource(question.environment));
  }
  request.set_service(question.service);
  if (question.from.has_value()) wire::To(*question.from, request.mutable_from());
  if (question.until.has_value()) wire::To(*question.until, request.mutable_until());
  request.set_by(static_cast<v1::GetMeasuresRequest::By>(static_cast<int>(question.by) - 1));
  DML_ASSIGN_OR_RETURN(const auto response,
                       Ask(client_.connection(), &Calls::GetMeasures, request,
                           [](const v1::GetMeasuresResponse& in) { return in.index(); }));
  MeasuresReport out;
  for (const v1::MeasurePeriod& period : response.periods()) {
    DML_ASSIGN_OR_RETURN(out.periods.emplace_back(), Answered(wire::From(period)));
  }
  out.index = response.index();
  out.time = wire::From(response.time());
  return out;
}

absl::StatusOr<ListPage<ReleaseFindings>> MeasuresClient::Findings(const std::string& environment,
                                                                   const ListOptions& options) {
  v1::ListFindingsRequest request;
  if (!environment.empty()) request.set_environment(wire::EnvironmentResource(environment));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListFindings, request));
  return ReadPageBy<ReleaseFindings>(response.releases(), response.next_page_token(),
                                     [](const auto& item) { return ReadFindings(item); });
}

}  // namespace dml
