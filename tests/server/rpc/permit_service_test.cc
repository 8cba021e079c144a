// Permits over gRPC: given once for a request, denied with reasons, handed to nodes, revoked; who
// may what, and what strangers and nodes are told.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/status_codec.h"
#include "core/access/access_token.h"
#include "core/evidence/permit_bundle.h"
#include "core/evidence/revocation_list.h"
#include "dml/v1/content.grpc.pb.h"
#include "dml/v1/permit.grpc.pb.h"
#include "tests/server/support/service_parts.h"
#include "tests/support/permit_world.h"

namespace dml {
namespace {

using testing::Bearers;
using testing::PermitWorld;
using testing::TestLibrary;
using Stub = v1::PermitService::Stub;

class PermitServiceTest : public ::testing::Test {
 protected:
  PermitServiceTest() {
    ServiceContext context = parts_.context();
    // The same key as the world's, which the trust root names.
    context.permit_key = std::shared_ptr<const Signer>(std::shared_ptr<void>(), &world_.permit_key);
    service_ = MakePermitService(context);
    content_ = MakeContentService(context);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    builder.RegisterService(content_.get());
    server_ = builder.BuildAndStart();
    channel_ = server_->InProcessChannel({});
    stub_ = v1::PermitService::NewStub(channel_);
    digest_ = world_.Ready(world_.release);
  }

  void Be(const std::string& role, const std::string& scope) {
    bearer_ = bearers_.Add({{role, scope}});
  }
  void Dress(grpc::ClientContext& context) const {
    context.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  }
  template <typename Request, typename Response>
  std::string Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response* response) {
    grpc::ClientContext context;
    Dress(context);
    response->Clear();
    return std::string(Reason(FromGrpcStatus((stub_.get()->*method)(&context, request, response))));
  }
  v1::IssuePermitRequest Request(const std::string& request_id = "") const {
    v1::IssuePermitRequest request;
    request.set_release("releases/payments/versions/1.0.0");
    request.set_environment("environments/production/eu");
    request.set_request_id(request_id);
    return request;
  }
  std::string Issue(const v1::IssuePermitRequest& request) {
    return Call(&Stub::IssuePermit, request, &issued_);
  }
  std::string Bundle(const std::string& name, std::string* text) {
    v1::GetPermitBundleRequest request;
    request.set_name(name);
    grpc::ClientContext context;
    Dress(context);
    const auto stream = stub_->GetPermitBundle(&context, request);
    v1::GetPermitBundleResponse part;
    while (stream->Read(&part)) *text += part.data();
    return std::string(Reason(FromGrpcStatus(stream->Finish())));
  }
  std::string Get(const std::string& name) {
    v1::GetPermitRequest request;
    request.set_name(name);
    return Call(&Stub::GetPermit, request, &got_);
  }
  std::string Revoke(const std::string& name) {
    v1::RevokePermitRequest request;
    request.set_name(name);
    request.set_reason("it loses data");
    v1::RevokePermitResponse response;
    return Call(&Stub::RevokePermit, request, &response);
  }
  std::string Use(const std::string& name, const std::string& node) {
    v1::UsePermitRequest request;
    request.set_name(name);
    request.set_node(node);
    v1::UsePermitResponse response;
    return Call(&Stub::UsePermit, request, &response);
  }
  size_t Listed(const std::string& node = "", bool only_valid = false) {
    v1::ListPermitsRequest request;
    request.set_environment("environments/production/eu");
    request.set_node(node);
    request.set_only_valid(only_valid);
    v1::ListPermitsResponse response;
    EXPECT_EQ(Call(&Stub::ListPermits, request, &response), "");
    return static_cast<size_t>(response.permits_size());
  }

  testing::ServiceParts parts_;
  TestLibrary& library_ = parts_.library;
  Bearers& bearers_ = parts_.bearers;
  PermitWorld world_{library_};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Service> content_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Stub> stub_;
  AccessToken bearer_ = bearers_.Add({{"admin", ""}});
  Digest digest_;
  v1::IssuePermitResponse issued_;
  v1::GetPermitResponse got_;
};

TEST_F(PermitServiceTest, ARetryGetsTheSamePermit) {
  ASSERT_EQ(Issue(Request("r-1")), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_ALLOW);
  EXPECT_EQ(issued_.permit().state(), v1::Permit::STATE_OPEN);
  EXPECT_FALSE(issued_.receipt().replayed());
  const std::string name = issued_.permit().name();
  // Time goes on, and the default times with it.
  library_.Wait(std::chrono::hours(1));
  ASSERT_EQ(Issue(Request("r-1")), "");
  EXPECT_EQ(issued_.permit().name(), name);
  EXPECT_TRUE(issued_.receipt().replayed());
  v1::IssuePermitRequest other = Request("r-1");
  other.add_nodes("web-1");
  EXPECT_EQ(Issue(other), "REQUEST_ID_REUSED");
  std::string text;
  ASSERT_EQ(Bundle(name, &text), "");
  const auto bundle = ParsePermitBundle(text);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(world_.Verify(*bundle, world_.NodeMemory("web-1")), "") << world_.last_verdict;
}

TEST_F(PermitServiceTest, ADenialIsAnAnswerThatIsKept) {
  ASSERT_EQ(world_.SetPolicy("production", std::string(testing::kPermitPolicy), nullptr, false),
            "");
  ASSERT_EQ(Issue(Request("r-1")), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_DENY);
  EXPECT_EQ(issued_.permit().state(), v1::Permit::STATE_DENIED);
  ASSERT_EQ(Get(issued_.permit().name()), "");
  EXPECT_EQ(got_.finding_count(), issued_.finding_count());
  EXPECT_TRUE(got_.statement().empty());
  std::string text;
  EXPECT_EQ(Bundle(issued_.permit().name(), &text), "PERMIT_DENIED");
  // The same once more is the same denial, though it would be allowed by now.
  ASSERT_EQ(world_.SetPolicy("production", std::string(testing::kPermitPolicy)), "");
  ASSERT_EQ(Issue(Request("r-1")), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_DENY);
  ASSERT_EQ(Issue(Request("r-2")), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_ALLOW);
}

TEST_F(PermitServiceTest, WhatIsOnlyTriedWritesNothing) {
  const uint64_t size = JournalView(*library_->Read()).Size().value();
  v1::IssuePermitRequest request = Request("r-1");
  request.set_validate_only(true);
  ASSERT_EQ(Issue(request), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_ALLOW);
  EXPECT_FALSE(issued_.has_receipt());
  EXPECT_EQ(JournalView(*library_->Read()).Size().value(), size);
  EXPECT_EQ(Get(issued_.permit().name()), "PERMIT_NOT_FOUND");
}

TEST_F(PermitServiceTest, BadRequestsSayWhat) {
  v1::IssuePermitRequest request = Request();
  request.set_release("payments");
  EXPECT_EQ(Issue(request), "NAME_INVALID");
  request = Request();
  request.set_release("releases/none/versions/1.0.0");
  EXPECT_EQ(Issue(request), "RELEASE_NOT_FOUND");
  request = Request();
  request.set_environment("production");
  EXPECT_EQ(Issue(request), "NAME_INVALID");
  request = Request();
  request.mutable_expire_time()->set_seconds(1);
  EXPECT_EQ(Issue(request), "PERMIT_INVALID");
  request = Request();
  request.mutable_expire_time()->set_seconds(int64_t{1} << 50);
  EXPECT_EQ(Issue(request), "TIME_INVALID");
  request = Request();
  request.add_nodes("web-9");
  EXPECT_EQ(Issue(request), "NODE_NOT_FOUND");
  request = Request();
  request.add_seats()->set_entitlement("db");
  EXPECT_EQ(Issue(request), "NAME_INVALID");
  EXPECT_EQ(Get("permits/1"), "PERMIT_INVALID");
  EXPECT_EQ(Get("permits/9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11"), "PERMIT_NOT_FOUND");
}

TEST_F(PermitServiceTest, ALibraryWithoutAKeyOfTheRootGivesNone) {
  ServiceContext context = parts_.context();
  const auto without = MakePermitService(context);
  context.permit_key = std::make_shared<PrivateKey>(PrivateKey::Generate(KeyAlgorithm::kEd25519));
  const auto stranger = MakePermitService(context);
  for (const auto& [service, reason] : {std::pair(without.get(), "PERMIT_KEY_MISSING"),
                                        std::pair(stranger.get(), "PERMIT_KEY_NOT_IN_ROOT")}) {
    grpc::ServerBuilder builder;
    builder.RegisterService(service);
    const auto server = builder.BuildAndStart();
    const auto stub = v1::PermitService::NewStub(server->InProcessChannel({}));
    grpc::ClientContext call;
    Dress(call);
    v1::IssuePermitResponse response;
    EXPECT_EQ(Reason(FromGrpcStatus(stub->IssuePermit(&call, Request(), &response))), reason);
  }
}

TEST_F(PermitServiceTest, EachAsksInItsOwnEnvironments) {
  Be("deployer", "environments/production");
  ASSERT_EQ(Issue(Request()), "");
  const std::string name = issued_.permit().name();
  Be("deployer", "environments/staging");
  EXPECT_EQ(Issue(Request()), "ROLE_REQUIRED");
  EXPECT_EQ(Get(name), "ROLE_REQUIRED") << "as if it were not there";
  EXPECT_EQ(Get("permits/9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11"), "ROLE_REQUIRED");
  EXPECT_EQ(Revoke(name), "ROLE_REQUIRED");
  Be("reader", "environments/production");
  EXPECT_EQ(Get(name), "");
  EXPECT_EQ(Revoke(name), "ROLE_REQUIRED");
  EXPECT_EQ(Issue(Request()), "ROLE_REQUIRED");
  Be("approver", "environments/production/eu");
  EXPECT_EQ(Revoke(name), "");
  EXPECT_EQ(Revoke(name), "PERMIT_REVOKED");
}

TEST_F(PermitServiceTest, ANodeSeesAndUsesWhatIsForIt) {
  v1::IssuePermitRequest request = Request();
  request.add_nodes("web-1");
  ASSERT_EQ(Issue(request), "");
  const std::string named = issued_.permit().name();
  ASSERT_EQ(Issue(Request()), "");
  const std::string for_all = issued_.permit().name();
  EXPECT_EQ(Listed(), 2u);
  EXPECT_EQ(Listed("web-2", true), 1u);
  EXPECT_EQ(Listed("web-1", true), 2u);
  // A token is a node of another name.
  Be("node", "environments/production/eu");
  EXPECT_EQ(Listed(), 1u) << "that for all";
  EXPECT_EQ(Get(named), "ROLE_REQUIRED");
  std::string text;
  EXPECT_EQ(Bundle(named, &text), "ROLE_REQUIRED");
  EXPECT_EQ(Bundle(for_all, &text), "");
  EXPECT_EQ(Use(for_all, "web-1"), "NODE_UNEXPECTED") << "nobody acts for another node";
  EXPECT_EQ(Revoke(for_all), "ROLE_REQUIRED");
  Be("deployer", "environments/production/eu");
  EXPECT_EQ(Use(for_all, "web-1"), "");
  EXPECT_EQ(Use(for_all, "web-1"), "PERMIT_USED");
}

// The gate stands where bytes are handed out: a machine fetches what an open permit names.
TEST_F(PermitServiceTest, ContentIsReadByAPermitAlone) {
  const std::string variant = world_.release.items[0].variant.ResourceName();
  world_.PublishPackage("acme/other", "1.0.0");
  ASSERT_EQ(Issue(Request()), "");
  const std::string permit = issued_.permit().name();
  const auto content = v1::ContentService::NewStub(channel_);
  const auto read = [&](const std::string& name, const std::string& by) {
    v1::GetBlobChunksRequest request;
    request.set_name(name);
    request.set_digest(Sha256("no such file").ToString());
    request.set_permit(by);
    v1::GetBlobChunksResponse response;
    grpc::ClientContext context;
    Dress(context);
    return std::string(
        Reason(FromGrpcStatus(content->GetBlobChunks(&context, request, &response))));
  };
  const std::string other = "packages/acme/other/versions/1.0.0/variants/any";
  for (const char* scope : {"environments/production/eu", ""}) {
    Be("node", scope);
    EXPECT_EQ(read(variant, ""), "PERMIT_REQUIRED") << scope;
    EXPECT_EQ(read(variant, permit), "BLOB_NOT_FOUND") << "it may look";
    EXPECT_EQ(read(other, permit), "PERMIT_REQUIRED") << "the permit does not name it";
    EXPECT_EQ(read(variant, "permits/9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11"), "PERMIT_REQUIRED");
    EXPECT_EQ(read(variant, "permits/1"), "PERMIT_INVALID");
  }
  Be("node", "environments/staging");
  EXPECT_EQ(read(variant, permit), "PERMIT_REQUIRED") << "it is no node there";
  Be("deployer", "environments/production");
  EXPECT_EQ(read(variant, permit), "BLOB_NOT_FOUND");
  Be("reader", "environments/production");
  EXPECT_EQ(read(variant, permit), "PERMIT_REQUIRED") << "readers read namespaces";
  Be("reader", "namespaces/acme");
  EXPECT_EQ(read(variant, ""), "BLOB_NOT_FOUND");
  Be("admin", "");
  ASSERT_EQ(Revoke(permit), "");
  Be("node", "environments/production/eu");
  EXPECT_EQ(read(variant, permit), "PERMIT_REQUIRED") << "it is revoked";
}

TEST_F(PermitServiceTest, DocumentsAreThoseOfTheRelease) {
  ASSERT_EQ(Issue(Request()), "");
  v1::ReadPermitDocumentRequest request;
  request.set_name(issued_.permit().name());
  request.set_digest(world_.release.items[0].manifest.digest.ToString());
  v1::ReadPermitDocumentResponse response;
  ASSERT_EQ(Call(&Stub::ReadPermitDocument, request, &response), "");
  EXPECT_EQ(Sha256(response.data()), world_.release.items[0].manifest.digest);
  // Another metadata blob, which is there.
  request.set_digest(digest_.ToString());
  EXPECT_EQ(Call(&Stub::ReadPermitDocument, request, &response), "DOCUMENT_NOT_FOUND");
}

TEST_F(PermitServiceTest, ThePermitToGoBackByIsGivenAtTheSameTime) {
  Release next = world_.MakeRelease("payments", "1.1.0", {"acme/api"});
  next.back_out = digest_;
  world_.Ready(next);
  v1::IssuePermitRequest request = Request("r-9");
  request.set_release("releases/payments/versions/1.1.0");
  ASSERT_EQ(Issue(request), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_ALLOW);
  ASSERT_TRUE(issued_.has_back_out());
  const std::string back = issued_.back_out().name();
  EXPECT_EQ(issued_.permit().back_out(), back);
  EXPECT_TRUE(issued_.back_out().is_back_out());
  EXPECT_EQ(issued_.back_out().release(), "releases/payments/versions/1.0.0");
  std::string text;
  ASSERT_EQ(Bundle(back, &text), "");
  EXPECT_EQ(world_.Verify(ParsePermitBundle(text).value(), world_.NodeMemory("web-1")), "")
      << world_.last_verdict;
  ASSERT_EQ(Issue(request), "");
  EXPECT_EQ(issued_.back_out().name(), back) << "a retry gives no third permit";
  EXPECT_EQ(Listed(), 2u);

  // One that may not go back is not to go at all.
  const auto record = *LibraryView(*library_->Read()).FindRelease(digest_);
  ASSERT_TRUE(library_.Commit(ReleaseWithdrawn{digest_, "bad", record->Etag()}).ok());
  request.set_request_id("r-10");
  ASSERT_EQ(Issue(request), "");
  EXPECT_EQ(issued_.decision(), v1::DECISION_DENY);
  ASSERT_EQ(issued_.permit().errors_size(), 1);
  EXPECT_EQ(issued_.permit().errors(0).rule(), "permit.back-out");
}

TEST_F(PermitServiceTest, TheListOfRevokedPermitsIsSignedAndNumbered) {
  v1::GetRevocationListResponse list;
  ASSERT_EQ(Call(&Stub::GetRevocationList, v1::GetRevocationListRequest(), &list), "");
  EXPECT_EQ(list.number(), 0u);
  ASSERT_EQ(Issue(Request()), "");
  ASSERT_EQ(Revoke(issued_.permit().name()), "");
  Be("node", "environments/staging");
  ASSERT_EQ(Call(&Stub::GetRevocationList, v1::GetRevocationListRequest(), &list), "");
  EXPECT_EQ(list.number(), 1u);
  const auto opened = OpenRevocationList(list.envelope(), *library_.Domain());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ("permits/" + opened->permits.at(0).id, issued_.permit().name());
}

}  // namespace
}  // namespace dml
