#include "client/advisories.h"

#include "client/calls.h"
#include "core/compat/advisory_envelope.h"
#include "core/wire/api_advisories.h"
#include "dml/v1/advisory.grpc.pb.h"

namespace dml {
namespace {

using Calls = v1::AdvisoryService::Stub;

absl::StatusOr<AdvisoryDocument> ReadDocument(const v1::Advisory& in) {
  AdvisoryDocument out;
  DML_ASSIGN_OR_RETURN(out.record, wire::From(in));
  DML_ASSIGN_OR_RETURN(AdvisoryEnvelope opened, OpenAdvisory(in.envelope()));
  out.envelope = in.envelope();
  out.advisory = std::move(opened.advisory);
  return out;
}

template <typename Request, typename Method>
absl::StatusOr<Committed<AdvisoryDocument>> Enter(Connection& connection, Method method,
                                                  const std::string& envelope,
                                                  const MutationOptions& options) {
  Request request;
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<AdvisorySet>(connection, method, std::move(request), options));
  Committed<AdvisoryDocument> out;
  DML_ASSIGN_OR_RETURN(out.value, Answered(ReadDocument(done.response.advisory())));
  out.commit = std::move(done.commit);
  return out;
}

}  // namespace

absl::StatusOr<Committed<AdvisoryDocument>> AdvisoryClient::Set(const std::string& envelope,
                                                                const MutationOptions& options) {
  return Enter<v1::SetAdvisoryRequest>(client_.connection(), &Calls::SetAdvisory, envelope,
                                       options);
}

absl::StatusOr<Committed<AdvisoryDocument>> AdvisoryClient::Withdraw(
    const std::string& envelope, const MutationOptions& options) {
  return Enter<v1::WithdrawAdvisoryRequest>(client_.connection(), &Calls::WithdrawAdvisory,
                                            envelope, options);
}

absl::StatusOr<AdvisoryDocument> AdvisoryClient::Get(const std::string& id) {
  v1::GetAdvisoryRequest request;
  request.set_name(wire::AdvisoryResource(id));
  DML_ASSIGN_OR_RETURN(const auto response,
                       client_.connection().Call(&Calls::GetAdvisory, request));
  return Answered(ReadDocument(response.advisory()));
}

absl::StatusOr<ListPage<AdvisoryDocument>> AdvisoryClient::List(
    const std::optional<PackageName>& package, const ListOptions& options) {
  v1::ListAdvisoriesRequest request;
  if (package.has_value()) request.set_package(package->ResourceName());
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(const auto response,
                       client_.connection().Call(&Calls::ListAdvisories, request));
  return ReadPageBy<AdvisoryDocument>(response.advisories(), response.next_page_token(),
                                      ReadDocument);
}

}  // namespace dml
