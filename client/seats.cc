#include "client/seats.h"

#include "client/calls.h"
#include "core/evidence/entitlement_claim.h"
#include "core/wire/api_seats.h"
#include "dml/v1/entitlement.grpc.pb.h"

namespace dml {
namespace {

using std::chrono::microseconds;
using Calls = v1::EntitlementService::Stub;

constexpr auto kReadLease = [](const auto& item) { return wire::From(item); };

absl::StatusOr<EntitlementStanding> ReadStanding(const v1::Entitlement& in) {
  DML_ASSIGN_OR_RETURN(EntitlementRecord record, Answered(wire::From(in)));
  if (in.etag() != record.Etag()) return BadAnswer("an entitlement's etag is another");
  return EntitlementStanding{std::move(record), wire::From(in.position())};
}

absl::StatusOr<ProductPosition> ReadPosition(const v1::ProductPosition& in) {
  ProductPosition out;
  out.product = in.product();
  DML_ASSIGN_OR_RETURN(out.metric, wire::From(in.metric()));
  out.entitlements = in.entitlements();
  out.position = wire::From(in.position());
  out.next_expiry = wire::From(in.next_expire_time());
  for (const std::string& name : in.expiring_soon()) {
    DML_ASSIGN_OR_RETURN(std::string id, wire::ParseResource(name, "entitlements"));
    out.expiring_soon.push_back(std::move(id));
  }
  return out;
}

// With validate_only there is nothing to read.
template <typename Done>
absl::StatusOr<Committed<EntitlementStanding>> CommittedStanding(Done done) {
  Committed<EntitlementStanding> out;
  out.commit = std::move(done.commit);
  if (!done.response.has_entitlement()) return out;
  DML_ASSIGN_OR_RETURN(out.value, ReadStanding(done.response.entitlement()));
  return out;
}

template <typename Done>
absl::StatusOr<Committed<LeaseRecord>> CommittedLease(Done done) {
  DML_ASSIGN_OR_RETURN(LeaseRecord record, Answered(wire::From(done.response.lease())));
  return Committed<LeaseRecord>{std::move(record), std::move(done.commit)};
}

v1::ReleaseLeaseRequest ReleaseRequest(const std::string& lease) {
  v1::ReleaseLeaseRequest request;
  request.set_name(wire::LeaseResource(lease));
  return request;
}

}  // namespace

absl::StatusOr<std::string> SignEntitlement(const Entitlement& terms, uint64_t revision,
                                            std::span<const Signer* const> keys) {
  DML_ASSIGN_OR_RETURN(const std::string statement, FormatEntitlementClaim({terms, revision}));
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(kInTotoPayloadType, statement, keys));
  return FormatEnvelope(envelope);
}

absl::StatusOr<Committed<EntitlementStanding>> SeatClient::Grant(const std::string& envelope,
                                                                 const MutationOptions& options) {
  v1::GrantEntitlementRequest request;
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<EntitlementGranted>(client_.connection(), &Calls::GrantEntitlement,
                                                  std::move(request), options));
  return CommittedStanding(std::move(done));
}

absl::StatusOr<Committed<EntitlementStanding>> SeatClient::Amend(const std::string& envelope,
                                                                 const std::string& etag,
                                                                 const MutationOptions& options) {
  v1::AmendEntitlementRequest request;
  request.set_envelope(envelope);
  request.set_etag(etag);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<EntitlementAmended>(client_.connection(), &Calls::AmendEntitlement,
                                                  std::move(request), options));
  return CommittedStanding(std::move(done));
}

absl::StatusOr<EntitlementStanding> SeatClient::Get(const std::string& id) {
  v1::GetEntitlementRequest request;
  request.set_name(wire::EntitlementResource(id));
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::GetEntitlement, request));
  return ReadStanding(response.entitlement());
}

absl::StatusOr<ListPage<EntitlementStanding>> SeatClient::List(const ListOptions& options) {
  v1::ListEntitlementsRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListEntitlements, request));
  return ReadPageBy<EntitlementStanding>(response.entitlements(), response.next_page_token(),
                                         ReadStanding);
}

absl::StatusOr<SeatsAnswer> SeatClient::Check(const std::string& environment,
                                              const std::vector<SeatRequest>& items) {
  v1::CheckSeatsRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  for (const SeatRequest& item : items) wire::To(item, request.add_items());
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::CheckSeats, request));
  return SeatsAnswer{response.available(), response.reason(), response.message()};
}

absl::StatusOr<Committed<std::vector<LeaseRecord>>> SeatClient::Reserve(
    const std::string& environment, const std::vector<SeatRequest>& items, microseconds ttl,
    const MutationOptions& options) {
  v1::ReserveSeatsRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  for (const SeatRequest& item : items) wire::To(item, request.add_items());
  wire::To(ttl, request.mutable_ttl());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<SeatsReserved>(client_.connection(), &Calls::ReserveSeats,
                                                        std::move(request), options));
  DML_ASSIGN_OR_RETURN(auto page, ReadPageBy<LeaseRecord>(done.response.leases(), "", kReadLease));
  if (!options.validate_only && page.items.size() != items.size()) {
    return BadAnswer("another number of leases than was asked for");
  }
  return Committed<std::vector<LeaseRecord>>{std::move(page.items), std::move(done.commit)};
}

absl::StatusOr<Committed<LeaseRecord>> SeatClient::CommitLease(const std::string& lease,
                                                               microseconds duration,
                                                               const MutationOptions& options) {
  v1::CommitLeaseRequest request;
  request.set_name(wire::LeaseResource(lease));
  wire::To(duration, request.mutable_duration());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<LeaseCommitted>(client_.connection(), &Calls::CommitLease,
                                                         std::move(request), options));
  return CommittedLease(std::move(done));
}

absl::StatusOr<Committed<LeaseRecord>> SeatClient::Extend(const std::string& lease,
                                                          microseconds duration,
                                                          const MutationOptions& options) {
  v1::ExtendLeaseRequest request;
  request.set_name(wire::LeaseResource(lease));
  wire::To(duration, request.mutable_duration());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<LeaseExtended>(client_.connection(), &Calls::ExtendLease,
                                                        std::move(request), options));
  return CommittedLease(std::move(done));
}

absl::StatusOr<Committed<LeaseRecord>> SeatClient::Release(const std::string& lease,
                                                           const MutationOptions& options) {
  DML_ASSIGN_OR_RETURN(auto done, Mutate<LeaseReleased>(client_.connection(), &Calls::ReleaseLease,
                                                        ReleaseRequest(lease), options));
  return CommittedLease(std::move(done));
}

absl::StatusOr<Committed<LeaseRecord>> SeatClient::ForceRelease(const std::string& lease,
                                                                const std::string& reason,
                                                                const MutationOptions& options) {
  v1::ReleaseLeaseRequest request = ReleaseRequest(lease);
  request.set_force(true);
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<LeaseReleased>(client_.connection(), &Calls::ReleaseLease,
                                                        std::move(request), options));
  return CommittedLease(std::move(done));
}

absl::StatusOr<Committed<BorrowedLease>> SeatClient::Borrow(const std::string& environment,
                                                            const SeatRequest& item,
                                                            microseconds duration,
                                                            const MutationOptions& options) {
  v1::BorrowLeaseRequest request;
  request.set_environment(wire::EnvironmentResource(environment));
  wire::To(item, request.mutable_item());
  wire::To(duration, request.mutable_duration());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<LeaseBorrowed>(client_.connection(), &Calls::BorrowLease,
                                                        std::move(request), options));
  Committed<BorrowedLease> out;
  out.commit = std::move(done.commit);
  if (options.validate_only) return out;
  DML_ASSIGN_OR_RETURN(out.value.lease, Answered(wire::From(done.response.lease())));
  DML_ASSIGN_OR_RETURN(out.value.entitlement, ReadStanding(done.response.entitlement()));
  return out;
}

absl::StatusOr<ListPage<LeaseRecord>> SeatClient::ListLeases(const LeaseFilter& filter,
                                                             const ListOptions& options) {
  v1::ListLeasesRequest request;
  if (!filter.entitlement.empty()) {
    request.set_entitlement(wire::EntitlementResource(filter.entitlement));
  }
  if (!filter.environment.empty()) {
    request.set_environment(wire::EnvironmentResource(filter.environment));
  }
  request.set_holder(filter.holder);
  request.set_show_ended(filter.show_ended);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, client_.connection().Call(&Calls::ListLeases, request));
  return ReadPageBy<LeaseRecord>(response.leases(), response.next_page_token(), kReadLease);
}

absl::StatusOr<ListPage<ProductPosition>> SeatClient::GetPosition(const std::string& product,
                                                                  microseconds expiring_within,
                                                                  const ListOptions& options) {
  v1::GetLicensePositionRequest request;
  request.set_product(product);
  wire::To(expiring_within, request.mutable_expiring_within());
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response,
                       client_.connection().Call(&Calls::GetLicensePosition, request));
  return ReadPageBy<ProductPosition>(response.positions(), response.next_page_token(),
                                     ReadPosition);
}

}  // namespace dml
