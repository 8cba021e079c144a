#include "client/licenses.h"

#include "client/calls.h"
#include "core/wire/api_licenses.h"
#include "dml/v1/license.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::LicenseService::Stub;

absl::StatusOr<LicenseDataDocument> ReadDocument(const v1::LicenseData& in) {
  DML_ASSIGN_OR_RETURN(LicenseDataRecord record, Answered(wire::From(in)));
  return LicenseDataDocument{std::move(record), in.envelope()};
}

}  // namespace

absl::StatusOr<Committed<LicenseDataLoaded>> LicenseClient::SetData(
    const std::string& envelope, const std::string& content, const MutationOptions& options) {
  v1::SetLicenseDataRequest request;
  request.set_envelope(envelope);
  request.set_content(content);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<LicenseDataSet>(client_.connection(), &Calls::SetLicenseData,
                                              std::move(request), options));
  Committed<LicenseDataLoaded> out;
  DML_ASSIGN_OR_RETURN(out.value.record, Answered(wire::From(done.response.data())));
  out.value.changes.assign(done.response.changes().begin(), done.response.changes().end());
  out.commit = std::move(done.commit);
  return out;
}

absl::StatusOr<ListPage<LicenseDataDocument>> LicenseClient::ListData(
    std::optional<LicenseDataKind> kind, const ListOptions& options) {
  v1::ListLicenseDataRequest request;
  if (kind.has_value()) request.set_kind(wire::ToApi(*kind));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListLicenseData, request));
  return ReadPageBy<LicenseDataDocument>(response.data(), response.next_page_token(), ReadDocument);
}

absl::StatusOr<ListPage<LicenseUse>> LicenseClient::Find(const LicenseQuestion& question,
                                                         const ListOptions& options) {
  v1::FindPackagesByLicenseRequest request;
  request.set_license(question.license);
  request.set_category(question.category);
  request.set_obligation(question.obligation);
  request.set_part(question.part);
  request.set_unknown(question.unknown);
  if (question.context.has_value()) wire::To(*question.context, request.mutable_context());
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response,
                       client_.connection().Call(&Calls::FindPackagesByLicense, request));
  return ReadPageBy<LicenseUse>(
      response.matches(), response.next_page_token(),
      [](const v1::FindPackagesByLicenseResponse::Match& match) -> absl::StatusOr<LicenseUse> {
        DML_ASSIGN_OR_RETURN(VariantName name, VariantName::Parse(match.variant()));
        return LicenseUse{std::move(name), match.declared_license()};
      });
}

absl::StatusOr<LicenseComparison> LicenseClient::Compare(const std::string& outbound,
                                                         const std::string& inbound,
                                                         const LicenseContext& context) {
  v1::CompareLicensesRequest request;
  request.set_outbound(outbound);
  request.set_inbound(inbound);
  wire::To(context, request.mutable_context());
  DML_ASSIGN_OR_RETURN(
      auto response, Ask(client_.connection(), &Calls::CompareLicenses, request,
                         [](const v1::CompareLicensesResponse& answer) { return answer.index(); }));
  LicenseComparison out;
  DML_ASSIGN_OR_RETURN(out.outcome, Answered(wire::From(response.outcome())));
  out.outbound = response.outbound();
  out.inbound = response.inbound();
  DML_ASSIGN_OR_RETURN(out.context, Answered(wire::From(response.context())));
  out.explanation = response.explanation();
  out.source = response.matrix_version();
  out.list_version = response.license_list_version();
  return out;
}

}  // namespace dml
