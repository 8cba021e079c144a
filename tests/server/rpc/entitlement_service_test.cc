// Entitlements and leases over gRPC: who may do what, where, and what the answers say.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/status_codec.h"
#include "core/access/access_token.h"
#include "core/evidence/entitlement_claim.h"
#include "dml/v1/entitlement.grpc.pb.h"
#include "tests/server/support/service_parts.h"

namespace dml {
namespace {

using testing::Bearers;
using testing::TestLibrary;
using Stub = v1::EntitlementService::Stub;

class EntitlementServiceTest : public ::testing::Test {
 protected:
  EntitlementServiceTest() {
    for (const char* name : {"production", "production/eu", "test"}) {
      EXPECT_TRUE(library_.Commit(EnvironmentCreated{name, "", {}}).ok());
    }
    EXPECT_TRUE(library_
                    .Commit(MediaRegistered{"acme/contract",
                                            MediaKind::kDocument,
                                            "t",
                                            "vault",
                                            "pat",
                                            1,
                                            Sha256("contract"),
                                            {}})
                    .ok());
    library_.Register(contracts_, "cora", "entitlement", "*");
    service_ = MakeEntitlementService(parts_.context());
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::EntitlementService::NewStub(server_->InProcessChannel({}));
  }

  void Be(std::vector<AccessGrant> grants) { bearer_ = bearers_.Add(std::move(grants)); }
  std::string principal() const { return "token:" + bearer_.id; }

  // The reason of the error, "" for success.
  template <typename Request, typename Response>
  std::string Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response* response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    response->Clear();
    const grpc::Status status = (stub_.get()->*method)(&context, request, response);
    return Reason(FromGrpcStatus(status));
  }

  static Entitlement Terms(const std::string& id, const std::vector<std::string>& environments) {
    Entitlement terms;
    terms.id = id;
    terms.product = "database";
    terms.vendor = "DB Inc.";
    terms.quantity = 10;
    terms.start = FromMicros(1'700'000'000'000'000);
    terms.expiry = FromMicros(4'000'000'000'000'000);
    terms.environments = environments;
    terms.contract_digest = Sha256("contract").ToString();
    terms.max_borrowed = 2;
    terms.max_borrow_duration = std::chrono::hours(1);
    return terms;
  }
  static std::string SignedBy(const PrivateKey& key, const Entitlement& terms, uint64_t revision) {
    const Signer* keys[] = {&key};
    const std::string statement = FormatEntitlementClaim({terms, revision}).value();
    return FormatEnvelope(SignEnvelope(kInTotoPayloadType, statement, keys).value());
  }
  v1::GrantEntitlementRequest GrantRequest(const std::string& id,
                                           const std::vector<std::string>& environments) {
    v1::GrantEntitlementRequest request;
    request.set_envelope(SignedBy(contracts_, Terms(id, environments), 1));
    return request;
  }
  std::string Grant(const std::string& id, const std::vector<std::string>& environments) {
    v1::GrantEntitlementResponse response;
    return Call(&Stub::GrantEntitlement, GrantRequest(id, environments), &response);
  }

  std::string Reserve(const std::string& request_id, const std::string& environment,
                      const std::string& holder, uint64_t seats, const std::string& of = "db") {
    v1::ReserveSeatsRequest request;
    request.set_environment("environments/" + environment);
    v1::SeatRequest& item = *request.add_items();
    item.set_entitlement("entitlements/" + of);
    item.set_holder(holder);
    item.set_seats(seats);
    request.mutable_ttl()->set_seconds(3600);
    request.set_request_id(request_id);
    return Call(&Stub::ReserveSeats, request, &reserved_);
  }
  std::string CommitLease(const std::string& name) {
    v1::CommitLeaseRequest request;
    request.set_name(name);
    request.mutable_duration()->set_seconds(7200);
    v1::CommitLeaseResponse response;
    return Call(&Stub::CommitLease, request, &response);
  }
  std::string Release(const std::string& name, const std::string& force_reason = "") {
    v1::ReleaseLeaseRequest request;
    request.set_name(name);
    request.set_force(!force_reason.empty());
    request.set_reason(force_reason);
    v1::ReleaseLeaseResponse response;
    return Call(&Stub::ReleaseLease, request, &response);
  }
  v1::SeatPosition Position(const std::string& id) {
    v1::GetEntitlementRequest request;
    request.set_name("entitlements/" + id);
    v1::GetEntitlementResponse response;
    EXPECT_EQ(Call(&Stub::GetEntitlement, request, &response), "");
    return response.entitlement().position();
  }

  PrivateKey contracts_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  testing::ServiceParts parts_;
  TestLibrary& library_ = parts_.library;
  Bearers& bearers_ = parts_.bearers;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
  AccessToken bearer_ = bearers_.Add({{"admin", ""}});
  v1::ReserveSeatsResponse reserved_;
};

TEST_F(EntitlementServiceTest, SeatsAreReservedTakenAndGivenBack) {
  ASSERT_EQ(Grant("db", {"production"}), "");
  ASSERT_EQ(Reserve("r-1", "production", "web-1", 4), "");
  ASSERT_EQ(reserved_.leases_size(), 1);
  EXPECT_EQ(reserved_.leases(0).name(), "leases/r-1/0");
  EXPECT_EQ(reserved_.leases(0).state(), v1::Lease::STATE_RESERVED);
  EXPECT_FALSE(reserved_.receipt().replayed());
  ASSERT_EQ(Reserve("r-1", "production", "web-1", 4), "");
  EXPECT_TRUE(reserved_.receipt().replayed());
  EXPECT_EQ(reserved_.leases(0).name(), "leases/r-1/0") << "the same lease";
  EXPECT_EQ(Reserve("r-1", "production", "web-1", 5), "REQUEST_ID_REUSED");
  EXPECT_EQ(Reserve("r-2", "production", "web-2", 7), "SEATS_EXHAUSTED");
  EXPECT_EQ(Reserve("", "production", "web-2", 1), "REQUEST_ID_REQUIRED");

  EXPECT_EQ(CommitLease("leases/r-1/0"), "");
  EXPECT_EQ(CommitLease("leases/r-1/0"), "LEASE_ALREADY_COMMITTED");
  EXPECT_EQ(CommitLease("leases/r-1/1"), "LEASE_NOT_FOUND");
  EXPECT_EQ(CommitLease("lease"), "NAME_INVALID");
  EXPECT_EQ(Position("db").in_use(), 4u);
  v1::ExtendLeaseRequest extend;
  extend.set_name("leases/r-1/0");
  v1::ExtendLeaseResponse extended;
  EXPECT_EQ(Call(&Stub::ExtendLease, extend, &extended), "SEATS_INVALID") << "for no time at all";
  extend.mutable_duration()->set_seconds(int64_t{1} << 60);
  EXPECT_EQ(Call(&Stub::ExtendLease, extend, &extended), "DURATION_INVALID");
  extend.mutable_duration()->set_seconds(9999);
  EXPECT_EQ(Call(&Stub::ExtendLease, extend, &extended), "");
  EXPECT_EQ(Release("leases/r-1/0"), "");
  EXPECT_EQ(Release("leases/r-1/0"), "LEASE_ENDED");
  const v1::SeatPosition position = Position("db");
  EXPECT_EQ(position.in_use(), 0u);
  EXPECT_EQ(position.high_water(), 4u);
  EXPECT_EQ(position.unused(), 10u);
}

TEST_F(EntitlementServiceTest, ADryRunAndACheckWriteNothing) {
  v1::GrantEntitlementRequest dry = GrantRequest("db", {"production"});
  dry.set_validate_only(true);
  v1::GrantEntitlementResponse granted;
  EXPECT_EQ(Call(&Stub::GrantEntitlement, dry, &granted), "");
  EXPECT_FALSE(granted.has_entitlement());
  ASSERT_EQ(Grant("db", {"production"}), "");
  const uint64_t size = JournalView(*library_->Read()).Size().value();
  v1::CheckSeatsRequest request;
  request.set_environment("environments/production");
  v1::SeatRequest& item = *request.add_items();
  item.set_entitlement("entitlements/db");
  item.set_holder("web-1");
  item.set_seats(10);
  v1::CheckSeatsResponse response;
  EXPECT_EQ(Call(&Stub::CheckSeats, request, &response), "");
  EXPECT_TRUE(response.available());
  request.mutable_items(0)->set_seats(11);
  EXPECT_EQ(Call(&Stub::CheckSeats, request, &response), "");
  EXPECT_FALSE(response.available());
  EXPECT_EQ(response.reason(), "SEATS_EXHAUSTED");
  request.mutable_items(0)->set_seats(0);
  EXPECT_EQ(Call(&Stub::CheckSeats, request, &response), "SEATS_INVALID");
  request.mutable_items(0)->set_seats(1);
  request.mutable_items(0)->set_entitlement("entitlements/none");
  EXPECT_EQ(Call(&Stub::CheckSeats, request, &response), "ENTITLEMENT_NOT_FOUND");
  EXPECT_EQ(JournalView(*library_->Read()).Size().value(), size);
}

TEST_F(EntitlementServiceTest, ANodeActsOnItsOwnLeasesAlone) {
  ASSERT_EQ(Grant("db", {}), "");
  const AccessToken admin = bearer_;
  Be({{"node", "environments/production"}});
  const AccessToken node = bearer_;
  const std::string holder = principal();
  bearer_ = admin;
  ASSERT_EQ(Reserve("own", "production", holder, 1), "");
  ASSERT_EQ(Reserve("other", "production", "web-2", 1), "");
  ASSERT_EQ(Reserve("elsewhere", "test", holder, 1), "");
  bearer_ = node;
  EXPECT_EQ(Reserve("r", "production", holder, 1), "ROLE_REQUIRED");
  EXPECT_EQ(CommitLease("leases/own/0"), "");
  EXPECT_EQ(CommitLease("leases/other/0"), "LEASE_NOT_YOURS");
  EXPECT_EQ(CommitLease("leases/elsewhere/0"), "LEASE_NOT_YOURS");
  EXPECT_EQ(Release("leases/own/0", "mine"), "LEASE_NOT_YOURS") << "it may not force";
  EXPECT_EQ(Release("leases/own/0"), "");
  // The name that follows /principals/ is of certificates alone.
  Be({{"deployer", "environments/test"}, {"node", "environments/production"}});
  EXPECT_EQ(Release("leases/other/0"), "LEASE_NOT_YOURS") << "a deployer elsewhere";
  EXPECT_EQ(Release("leases/elsewhere/0", "gone"), "LEASE_NOT_YOURS");
  EXPECT_EQ(Release("leases/elsewhere/0"), "");
  Be({{"license-manager", "environments/production"}});
  EXPECT_EQ(Release("leases/other/0", "the node burnt"), "");
}

TEST_F(EntitlementServiceTest, AScopeIsOfEnvironmentsAndWhatIsBelowThem) {
  Be({{"license-manager", "environments/production"}, {"deployer", "environments/production"}});
  EXPECT_EQ(Grant("everywhere", {}), "ROLE_REQUIRED");
  EXPECT_EQ(Grant("both", {"production", "test"}), "ROLE_REQUIRED");
  ASSERT_EQ(Grant("db", {"production/eu"}), "");
  const AccessToken manager = bearer_;
  Be({{"admin", ""}});
  ASSERT_EQ(Grant("secret", {"test"}), "");
  ASSERT_EQ(Grant("all", {}), "");
  ASSERT_EQ(Reserve("r-1", "test", "web-1", 1, "secret"), "");
  bearer_ = manager;
  EXPECT_EQ(Reserve("r-2", "production/eu", "web-1", 1), "");
  EXPECT_EQ(Reserve("r-3", "test", "web-1", 1, "secret"), "ROLE_REQUIRED");
  // Missing and forbidden look alike.
  EXPECT_EQ(Reserve("r-3", "production/eu", "web-1", 1, "secret"), "ROLE_REQUIRED");
  EXPECT_EQ(Reserve("r-3", "production/eu", "web-1", 1, "none"), "ROLE_REQUIRED");
  v1::GetEntitlementRequest get;
  v1::GetEntitlementResponse got;
  for (const char* name : {"entitlements/secret", "entitlements/none"}) {
    get.set_name(name);
    EXPECT_EQ(Call(&Stub::GetEntitlement, get, &got), "ROLE_REQUIRED") << name;
  }
  v1::AmendEntitlementRequest amend;
  amend.set_envelope(SignedBy(contracts_, Terms("secret", {"production"}), 2));
  v1::AmendEntitlementResponse amended;
  EXPECT_EQ(Call(&Stub::AmendEntitlement, amend, &amended), "ROLE_REQUIRED");
  v1::ListEntitlementsResponse entitlements;
  ASSERT_EQ(Call(&Stub::ListEntitlements, v1::ListEntitlementsRequest(), &entitlements), "");
  ASSERT_EQ(entitlements.entitlements_size(), 2);
  EXPECT_EQ(entitlements.entitlements(0).name(), "entitlements/all");
  EXPECT_EQ(entitlements.entitlements(1).position().reserved(), 1u);
  v1::ListLeasesResponse leases;
  ASSERT_EQ(Call(&Stub::ListLeases, v1::ListLeasesRequest(), &leases), "");
  ASSERT_EQ(leases.leases_size(), 1);
  EXPECT_EQ(leases.leases(0).name(), "leases/r-2/0");
  v1::GetLicensePositionResponse positions;
  ASSERT_EQ(Call(&Stub::GetLicensePosition, v1::GetLicensePositionRequest(), &positions), "");
  ASSERT_EQ(positions.positions_size(), 1);
  EXPECT_EQ(positions.positions(0).position().entitled(), 20u);
}

TEST_F(EntitlementServiceTest, TermsAreReplacedUnderTheirEtag) {
  ASSERT_EQ(Grant("db", {"production"}), "");
  Entitlement terms = Terms("db", {"production"});
  terms.quantity = 20;
  v1::AmendEntitlementRequest request;
  request.set_envelope(SignedBy(contracts_, terms, 2));
  v1::AmendEntitlementResponse response;
  EXPECT_EQ(Call(&Stub::AmendEntitlement, request, &response), "ETAG_MISMATCH");
  v1::GetEntitlementRequest get;
  get.set_name("entitlements/db");
  v1::GetEntitlementResponse got;
  ASSERT_EQ(Call(&Stub::GetEntitlement, get, &got), "");
  EXPECT_EQ(got.entitlement().revision(), 1u);
  request.set_etag(got.entitlement().etag());
  EXPECT_EQ(Call(&Stub::AmendEntitlement, request, &response), "");
  EXPECT_EQ(response.entitlement().position().entitled(), 20u);
  EXPECT_EQ(response.entitlement().granted_index(), got.entitlement().granted_index());
  EXPECT_EQ(response.entitlement().revision(), 2u);
  EXPECT_EQ(response.entitlement().envelope().digest(), Sha256(request.envelope()).ToString());
}

// A license manager who enters, or brings back, terms that nobody signed who may.
TEST_F(EntitlementServiceTest, TermsCountBySignaturesNotByWhoEntersThem) {
  v1::GrantEntitlementRequest request;
  v1::GrantEntitlementResponse response;
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "ENTITLEMENT_NOT_SIGNED");
  const PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  request.set_envelope(SignedBy(stranger, Terms("db", {"production"}), 1));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "THRESHOLD_NOT_MET");
  const PrivateKey publisher = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.Register(publisher, "pia", "publisher", "*");
  request.set_envelope(SignedBy(publisher, Terms("db", {"production"}), 1));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "THRESHOLD_NOT_MET");
  request.set_envelope(std::string(kMaxEntitlementEnvelopeBytes + 1, ' '));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "ENTITLEMENT_INVALID");
  const Signer* keys[] = {&contracts_};
  request.set_envelope(FormatEnvelope(
      SignEnvelope(
          kInTotoPayloadType,
          FormatStatement({{{"db", Sha256("contract")}}, "https://dml.dev/release/v1", "{}"})
              .value(),
          keys)
          .value()));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "PREDICATE_UNEXPECTED");
  const std::string other = SignedBy(contracts_, Terms("db", {"production"}), 1);
  const std::string more = SignedBy(contracts_, Terms("db2", {"production"}), 1);
  // The payload of one with the signatures of another.
  const DsseEnvelope forged{std::string(kInTotoPayloadType), ParseEnvelope(more)->payload,
                            ParseEnvelope(other)->signatures};
  request.set_envelope(FormatEnvelope(forged));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "THRESHOLD_NOT_MET");

  ASSERT_EQ(Grant("db", {"production"}), "");
  v1::AmendEntitlementRequest amend;
  v1::AmendEntitlementResponse amended;
  amend.set_envelope(other);  // Once more, after better terms.
  v1::GetEntitlementRequest get;
  get.set_name("entitlements/db");
  v1::GetEntitlementResponse got;
  ASSERT_EQ(Call(&Stub::GetEntitlement, get, &got), "");
  amend.set_etag(got.entitlement().etag());
  EXPECT_EQ(Call(&Stub::AmendEntitlement, amend, &amended), "ENTITLEMENT_REVISION_UNEXPECTED");
  amend.set_envelope("");
  EXPECT_EQ(Call(&Stub::AmendEntitlement, amend, &amended), "ENTITLEMENT_NOT_SIGNED");
}

TEST_F(EntitlementServiceTest, ADelegatedKeySignsForTheProductsOfItsNamespace) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.Register(key, "nia", "entitlement", "acme");
  Entitlement terms = Terms("db", {"production"});
  v1::GrantEntitlementRequest request;
  v1::GrantEntitlementResponse response;
  request.set_envelope(SignedBy(key, terms, 1));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "THRESHOLD_NOT_MET");
  terms.product = "acme/db";
  request.set_envelope(SignedBy(key, terms, 1));
  EXPECT_EQ(Call(&Stub::GrantEntitlement, request, &response), "");
}

TEST_F(EntitlementServiceTest, ALoanSaysWhatItIsOf) {
  ASSERT_EQ(Grant("db", {"production"}), "");
  v1::BorrowLeaseRequest request;
  request.set_environment("environments/production");
  request.mutable_item()->set_entitlement("entitlements/db");
  request.mutable_item()->set_holder("ship-7");
  request.mutable_item()->set_seats(2);
  request.mutable_duration()->set_seconds(3600);
  request.set_request_id("loan");
  v1::BorrowLeaseResponse response;
  ASSERT_EQ(Call(&Stub::BorrowLease, request, &response), "");
  EXPECT_EQ(response.lease().name(), "leases/loan/0");
  EXPECT_EQ(response.lease().state(), v1::Lease::STATE_BORROWED);
  EXPECT_EQ(response.entitlement().contract(), Sha256("contract").ToString());
  EXPECT_NE(response.receipt().checkpoint(), "");
  request.set_request_id("another");
  EXPECT_EQ(Call(&Stub::BorrowLease, request, &response), "BORROW_LIMIT");
}

TEST_F(EntitlementServiceTest, ListsComeInPages) {
  ASSERT_EQ(Grant("db", {"production"}), "");
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(Reserve(fmt::format("r-{}", i), "production", fmt::format("web-{}", i % 2), 1), "");
  }
  ASSERT_EQ(Release("leases/r-2/0"), "");
  std::vector<std::string> names;
  v1::ListLeasesRequest request;
  request.set_entitlement("entitlements/db");
  request.set_holder("web-0");
  request.set_show_ended(true);
  request.set_page_size(2);
  v1::ListLeasesResponse response;
  do {
    ASSERT_EQ(Call(&Stub::ListLeases, request, &response), "");
    for (const v1::Lease& lease : response.leases()) names.push_back(lease.name());
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty());
  EXPECT_EQ(names, (std::vector<std::string>{"leases/r-0/0", "leases/r-2/0", "leases/r-4/0"}));
  request.set_page_token("nonsense!");
  EXPECT_EQ(Call(&Stub::ListLeases, request, &response), "PAGE_TOKEN_INVALID");
  request.set_page_token("");
  request.set_show_ended(false);
  ASSERT_EQ(Call(&Stub::ListLeases, request, &response), "");
  EXPECT_EQ(response.leases_size(), 2);
}

}  // namespace
}  // namespace dml
