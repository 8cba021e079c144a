// Entitlements and leases. Who may what is in seat_access.h.
#include <span>

#include "core/wire/api_seats.h"
#include "dml/v1/entitlement.grpc.pb.h"
#include "server/rpc/license_position.h"
#include "server/rpc/seat_access.h"
#include "server/rpc/service_util.h"
#include "storage/library/entitlements.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

absl::StatusOr<std::vector<SeatRequest>> ReadItems(
    const google::protobuf::RepeatedPtrField<v1::SeatRequest>& in) {
  if (static_cast<size_t>(in.size()) > kMaxSeatItems) {
    return AtField(InvalidArgument(ErrorReason("SEATS_INVALID"), "a request asks for 1 to {} items",
                                   kMaxSeatItems),
                   "items");
  }
  std::vector<SeatRequest> out;
  for (const v1::SeatRequest& item : in) {
    absl::StatusOr<SeatRequest> read = wire::From(item);
    if (!read.ok()) return AtField(read.status(), fmt::format("items[{}]", out.size()));
    out.push_back(*std::move(read));
  }
  return out;
}

absl::StatusOr<std::string> ReadEnvironment(const std::string& name) {
  absl::StatusOr<std::string> environment = wire::ParseResource(name, "environments");
  if (!environment.ok()) return AtField(environment.status(), "environment");
  return environment;
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (!request_id.empty()) return absl::OkStatus();
  return AtField(InvalidArgument(ErrorReason("REQUEST_ID_REQUIRED"),
                                 "leases are named by their request id: give one, a UUID"),
                 "request_id");
}

absl::StatusOr<LeaseRecord> FindLease(const Reader& state, const std::string& id, Timestamp now) {
  DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindLease(id));
  if (!found.has_value() || found->lease.ForgottenAt(now)) {
    return NotFound(ErrorReason("LEASE_NOT_FOUND"), "no lease '{}'", id);
  }
  found->lease = found->lease.AsOf(now);
  return *std::move(found);
}

class EntitlementServiceImpl final : public v1::EntitlementService::Service {
 public:
  explicit EntitlementServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status GrantEntitlement(grpc::ServerContext* context,
                                const v1::GrantEntitlementRequest* request,
                                v1::GrantEntitlementResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EntitlementService/GrantEntitlement",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const Entitlement terms,
                                         ClaimedTerms(request->envelope()));
                    DML_RETURN_IF_ERROR(MayManage(caller, terms));
                    return Enter(caller, *request, *response, terms.id, std::nullopt);
                  });
  }

  grpc::Status AmendEntitlement(grpc::ServerContext* context,
                                const v1::AmendEntitlementRequest* request,
                                v1::AmendEntitlementResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/AmendEntitlement",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const Entitlement terms, ClaimedTerms(request->envelope()));
          DML_RETURN_IF_ERROR(MayManage(caller, terms));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(EntitlementRecord before, Find(*snapshot, caller, terms.id));
          DML_RETURN_IF_ERROR(MayManage(caller, before.terms));
          return Enter(caller, *request, *response, terms.id, request->etag());
        });
  }

  grpc::Status GetEntitlement(grpc::ServerContext* context,
                              const v1::GetEntitlementRequest* request,
                              v1::GetEntitlementResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EntitlementService/GetEntitlement",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string id,
                                         wire::ParseResource(request->name(), "entitlements"));
                    auto snapshot = context_.library.Read();
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(EntitlementRecord record, Find(*snapshot, caller, id));
                    return FillFrom(*snapshot, record, response->mutable_entitlement());
                  });
  }

  grpc::Status ListEntitlements(grpc::ServerContext* context,
                                const v1::ListEntitlementsRequest* request,
                                v1::ListEntitlementsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/ListEntitlements",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(PageRequest page,
                               ReadPage(request->page_size(), request->page_token()));
          auto snapshot = context_.library.Read();
          caller.WillSeeEach();
          DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Entitlements(
                                               page, [&](const EntitlementRecord& record) {
                                                 return SeesEntitlement(caller, record.terms);
                                               }));
          for (const EntitlementRecord& record : found.items) {
            DML_RETURN_IF_ERROR(FillFrom(*snapshot, record, response->add_entitlements()));
          }
          response->set_next_page_token(PageToken(found.next_key));
          return absl::OkStatus();
        });
  }

  grpc::Status CheckSeats(grpc::ServerContext* context, const v1::CheckSeatsRequest* request,
                          v1::CheckSeatsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/CheckSeats",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(std::string environment, ReadEnvironment(request->environment()));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
          DML_ASSIGN_OR_RETURN(std::vector<SeatRequest> items, ReadItems(request->items()));
          auto snapshot = context_.library.Read();
          DML_RETURN_IF_ERROR(CheckSees(*snapshot, caller, items));
          DML_ASSIGN_OR_RETURN(Timestamp now, context_.library.TimeOf(*snapshot));
          const absl::Status status = CheckSeatsAt(items, environment, LibraryView(*snapshot), now);
          response->set_available(status.ok());
          if (status.ok()) return status;
          // What no other state would change is the caller's mistake, not an answer.
          if (absl::IsInvalidArgument(status) || absl::IsDataLoss(status) ||
              absl::IsNotFound(status)) {
            return status;
          }
          response->set_reason(std::string(Reason(status)));
          response->set_message(std::string(Message(status)));
          return absl::OkStatus();
        });
  }

  grpc::Status ReserveSeats(grpc::ServerContext* context, const v1::ReserveSeatsRequest* request,
                            v1::ReserveSeatsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/ReserveSeats",
        [&](const Caller& caller) -> absl::Status {
          SeatsReserved reserve;
          DML_ASSIGN_OR_RETURN(reserve.environment, ReadEnvironment(request->environment()));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(reserve.environment));
          DML_RETURN_IF_ERROR(CheckRequestId(request->request_id()));
          reserve.id = request->request_id();
          DML_ASSIGN_OR_RETURN(reserve.ttl, wire::From(request->ttl(), "ttl"));
          DML_ASSIGN_OR_RETURN(reserve.items, ReadItems(request->items()));
          DML_RETURN_IF_ERROR(CheckSees(*context_.library.Read(), caller, reserve.items));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response, reserve));
          if (request->validate_only()) return absl::OkStatus();
          for (size_t i = 0; i < reserve.items.size(); ++i) {
            DML_RETURN_IF_ERROR(FillLease(LeaseId(reserve.id, i), response->add_leases()));
          }
          return absl::OkStatus();
        });
  }

  grpc::Status CommitLease(grpc::ServerContext* context, const v1::CommitLeaseRequest* request,
                           v1::CommitLeaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/CommitLease",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(std::string id, MayAct(caller, request->name()));
          DML_ASSIGN_OR_RETURN(auto duration, wire::From(request->duration(), "duration"));
          DML_RETURN_IF_ERROR(
              Answer(context_, caller, *request, *response, LeaseCommitted{id, duration}));
          return FillLease(id, response->mutable_lease());
        });
  }

  grpc::Status ExtendLease(grpc::ServerContext* context, const v1::ExtendLeaseRequest* request,
                           v1::ExtendLeaseResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EntitlementService/ExtendLease",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string id, MayAct(caller, request->name()));
                    DML_ASSIGN_OR_RETURN(auto duration,
                                         wire::From(request->duration(), "duration"));
                    DML_RETURN_IF_ERROR(
                        Answer(context_, caller, *request, *response, LeaseExtended{id, duration}));
                    return FillLease(id, response->mutable_lease());
                  });
  }

  grpc::Status ReleaseLease(grpc::ServerContext* context, const v1::ReleaseLeaseRequest* request,
                            v1::ReleaseLeaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/ReleaseLease",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(std::string id, MayAct(caller, request->name(), request->force()));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response,
                                     LeaseReleased{id, request->force(), request->reason()}));
          return FillLease(id, response->mutable_lease());
        });
  }

  grpc::Status BorrowLease(grpc::ServerContext* context, const v1::BorrowLeaseRequest* request,
                           v1::BorrowLeaseResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.EntitlementService/BorrowLease",
        [&](const Caller& caller) -> absl::Status {
          LeaseBorrowed borrow;
          DML_ASSIGN_OR_RETURN(borrow.environment, ReadEnvironment(request->environment()));
          DML_RETURN_IF_ERROR(caller.MayInEnvironment(borrow.environment));
          DML_RETURN_IF_ERROR(CheckRequestId(request->request_id()));
          borrow.id = request->request_id();
          DML_ASSIGN_OR_RETURN(borrow.duration, wire::From(request->duration(), "duration"));
          absl::StatusOr<SeatRequest> item = wire::From(request->item());
          if (!item.ok()) return AtField(item.status(), "item");
          borrow.item = *item;
          DML_RETURN_IF_ERROR(CheckSees(*context_.library.Read(), caller, {&borrow.item, 1}));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response, borrow));
          if (request->validate_only()) return absl::OkStatus();
          DML_RETURN_IF_ERROR(FillLease(LeaseId(borrow.id, 0), response->mutable_lease()));
          return Fill(item->entitlement, response->mutable_entitlement());
        });
  }

  grpc::Status ListLeases(grpc::ServerContext* context, const v1::ListLeasesRequest* request,
                          v1::ListLeasesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EntitlementService/ListLeases",
                  [&](const Caller& caller) { return ListLeases(caller, *request, *response); });
  }

  grpc::Status GetLicensePosition(grpc::ServerContext* context,
                                  const v1::GetLicensePositionRequest* request,
                                  v1::GetLicensePositionResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.EntitlementService/GetLicensePosition",
                  [&](const Caller& caller) -> absl::Status {
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(Timestamp now, context_.library.TimeOf(*snapshot));
                    return FillLicensePosition(*snapshot, now, caller, *request, *response);
                  });
  }

 private:
  // Grants, or amends what is at that etag, by the claim of a request; fills in the answer.
  template <typename Request, typename Response>
  absl::Status Enter(const Caller& caller, const Request& request, Response& response,
                     const std::string& id, const std::optional<std::string>& replaces_etag) const {
    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
      auto snapshot = context_.library.Read();
      DML_ASSIGN_OR_RETURN(auto trust, context_.trust.Get(*snapshot, WallClockNow()));
      DML_ASSIGN_OR_RETURN(Command command, PrepareEntitlement(*snapshot, *trust,
                                                               request.envelope(), replaces_etag));
      DML_ASSIGN_OR_RETURN(Receipt receipt, CommitAs(context_, caller, request.request_id(),
                                                     request.validate_only(), std::move(command)));
      To(receipt, response.mutable_receipt());
      return absl::OkStatus();
    }));
    if (request.validate_only()) return absl::OkStatus();
    return Fill(id, response.mutable_entitlement());
  }

  absl::Status ListLeases(const Caller& caller, const v1::ListLeasesRequest& request,
                          v1::ListLeasesResponse& response) const {
    std::string entitlement;
    std::string environment;
    if (!request.entitlement().empty()) {
      DML_ASSIGN_OR_RETURN(entitlement, wire::ParseResource(request.entitlement(), "entitlements"));
    }
    if (!request.environment().empty()) {
      DML_ASSIGN_OR_RETURN(environment, ReadEnvironment(request.environment()));
    }
    DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(Timestamp now, context_.library.TimeOf(*snapshot));
    caller.WillSeeEach();
    auto wanted = [&](const LeaseRecord& record) {
      const Lease& lease = record.lease;
      const bool ended = lease.AsOf(now).state == LeaseState::kEnded;
      return !lease.ForgottenAt(now) && (request.show_ended() || !ended) &&
             (environment.empty() || lease.environment == environment) &&
             (request.holder().empty() || lease.holder == request.holder()) &&
             caller.Sees("environments/" + lease.environment);
    };
    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Leases(entitlement, page, wanted));
    for (LeaseRecord& record : found.items) {
      record.lease = record.lease.AsOf(now);
      wire::To(record, response.add_leases());
    }
    response.set_next_page_token(PageToken(found.next_key));
    return absl::OkStatus();
  }

  // The id of a lease that the caller may act on.
  absl::StatusOr<std::string> MayAct(const Caller& caller, const std::string& name,
                                     bool force = false) const {
    DML_ASSIGN_OR_RETURN(std::string id, wire::ParseResource(name, "leases"));
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(Timestamp now, context_.library.TimeOf(*snapshot));
    caller.WillSeeEach();
    DML_ASSIGN_OR_RETURN(LeaseRecord record, FindLease(*snapshot, id, now));
    const std::string& environment = record.lease.environment;
    const RoleSet forcing = {Role::kLicenseManager, Role::kAdmin};
    if (HasRoleIn(caller, force ? forcing : forcing | RoleSet{Role::kDeployer}, environment)) {
      return id;
    }
    if (!force && HasRoleIn(caller, {Role::kNode}, environment) && Holds(caller, record.lease)) {
      return id;
    }
    return PermissionDenied(ErrorReason("LEASE_NOT_YOURS"),
                            "{} may not {} lease '{}': it is of {} in {}", caller.principal(),
                            force ? "take back" : "act on", id, record.lease.holder, environment);
  }

  // NOT_FOUND only for whoever may know what is not there.
  static absl::StatusOr<EntitlementRecord> Find(const Reader& state, const Caller& caller,
                                                const std::string& id) {
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindEntitlement(id));
    if (found.has_value() && SeesEntitlement(caller, found->terms)) return *std::move(found);
    DML_RETURN_IF_ERROR(caller.MayIn(""));
    return NotFound(ErrorReason("ENTITLEMENT_NOT_FOUND"), "no entitlement '{}'", id);
  }

  // For items of entitlements that the caller is not shown, missing and forbidden look alike.
  static absl::Status CheckSees(const Reader& state, const Caller& caller,
                                std::span<const SeatRequest> items) {
    if (caller.SeesAll()) return absl::OkStatus();
    for (const SeatRequest& item : items) {
      DML_RETURN_IF_ERROR(Find(state, caller, item.entitlement).status());
    }
    return absl::OkStatus();
  }

  absl::Status FillFrom(const Reader& state, const EntitlementRecord& record,
                        v1::Entitlement* out) const {
    DML_ASSIGN_OR_RETURN(Timestamp now, context_.library.TimeOf(state));
    wire::To(record, out);
    DML_ASSIGN_OR_RETURN(SeatPosition position,
                         PositionAt(record.terms.id, LibraryView(state), now));
    wire::To(position, out->mutable_position());
    return absl::OkStatus();
  }
  absl::Status Fill(const std::string& id, v1::Entitlement* out) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(*snapshot).FindEntitlement(id));
    if (!found.has_value()) {
      return NotFound(ErrorReason("ENTITLEMENT_NOT_FOUND"), "no entitlement '{}'", id);
    }
    return FillFrom(*snapshot, *found, out);
  }
  absl::Status FillLease(const std::string& id, v1::Lease* out) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(Timestamp now, context_.library.TimeOf(*snapshot));
    DML_ASSIGN_OR_RETURN(LeaseRecord record, FindLease(*snapshot, id, now));
    wire::To(record, out);
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEntitlementService(const ServiceContext& context) {
  return std::make_unique<EntitlementServiceImpl>(context);
}

}  // namespace dml
