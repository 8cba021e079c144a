// Releases over gRPC: who may do what, where, and what strangers are told.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/status_codec.h"
#include "core/access/access_token.h"
#include "core/evidence/claims.h"
#include "core/release/release.h"
#include "dml/v1/release.grpc.pb.h"
#include "storage/views/library_view.h"
#include "tests/server/support/service_parts.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::Bearers;
using testing::SpecBuilder;
using testing::TestLibrary;
using Stub = v1::ReleaseService::Stub;

class ReleaseServiceTest : public ::testing::Test {
 protected:
  ReleaseServiceTest() {
    for (const char* name : {"production", "production/eu", "test"}) {
      EXPECT_TRUE(library_.Commit(EnvironmentCreated{name, "", {}}).ok());
    }
    library_.Register(rita_, "rita", "release", "*");
    library_.Register(amy_, "amy", "approver", "*");
    const PackageSpec spec = SpecBuilder("acme/api", "1.0.0").Build();
    EXPECT_TRUE(library_.Publish(spec).ok());
    Release release;
    release.name = "payments";
    release.version = "1.0.0";
    release.environments = {"production"};
    ReleaseItem item;
    item.variant = testing::NameOf(spec);
    item.manifest = LibraryView(*library_->Read()).FindVariant(item.variant)->value().manifest;
    release.items = {item};
    document_ = FormatRelease(release).value();
    service_ = MakeReleaseService(parts_.context());
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::ReleaseService::NewStub(server_->InProcessChannel({}));
  }

  void Be(const std::string& role, const std::string& scope) {
    bearer_ = bearers_.Add({{role, scope}});
  }
  // The reason of the error, "" for success.
  template <typename Request, typename Response>
  std::string Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response* response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    response->Clear();
    return Reason(FromGrpcStatus((stub_.get()->*method)(&context, request, response)));
  }
  std::string Seal(const std::string& request_id = "", bool validate_only = false) {
    v1::SealReleaseRequest request;
    request.set_document(document_);
    request.set_envelope(testing::Envelope(rita_, Sha256(document_), kReleasePredicate,
                                           FormatReleaseClaim({"payments", "1.0.0"})));
    request.set_request_id(request_id);
    request.set_validate_only(validate_only);
    return Call(&Stub::SealRelease, request, &sealed_);
  }
  std::string Get(const std::string& version, const std::string& environment = "") {
    v1::GetReleaseRequest request;
    request.set_name("releases/payments/versions/" + version);
    request.set_environment(environment);
    return Call(&Stub::GetRelease, request, &got_);
  }
  std::string Approve(const std::string& environment) {
    v1::ApproveReleaseRequest request;
    request.set_name("releases/payments/versions/1.0.0");
    request.set_envelope(testing::Envelope(
        amy_, Sha256(document_), kApprovalPredicate,
        FormatApprovalClaim({environment, Sha256("f"), *ParseTime("2036-01-01T00:00:00Z")})));
    v1::ApproveReleaseResponse response;
    return Call(&Stub::ApproveRelease, request, &response);
  }
  std::string Evaluate(const std::string& environment, int64_t seconds = 0) {
    v1::EvaluateReleaseRequest request;
    request.set_name("releases/payments/versions/1.0.0");
    request.set_environment(environment);
    if (seconds != 0) request.mutable_time()->set_seconds(seconds);
    return Call(&Stub::EvaluateRelease, request, &answer_);
  }
  std::string Record(v1::RecordDeploymentRequest::Event event) {
    v1::RecordDeploymentRequest request;
    request.set_name("releases/payments/versions/1.0.0");
    request.set_environment("environments/production");
    request.set_event(event);
    request.set_reason("why");
    v1::RecordDeploymentResponse response;
    return Call(&Stub::RecordDeployment, request, &response);
  }
  std::string Withdraw(const std::string& etag) {
    v1::WithdrawReleaseRequest request;
    request.set_name("releases/payments/versions/1.0.0");
    request.set_reason("why");
    request.set_etag(etag);
    v1::WithdrawReleaseResponse response;
    return Call(&Stub::WithdrawRelease, request, &response);
  }

  const PrivateKey rita_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey amy_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  testing::ServiceParts parts_;
  TestLibrary& library_ = parts_.library;
  Bearers& bearers_ = parts_.bearers;
  std::string document_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
  AccessToken bearer_ = bearers_.Add({{"admin", ""}});
  v1::SealReleaseResponse sealed_;
  v1::GetReleaseResponse got_;
  v1::EvaluateReleaseResponse answer_;
};

TEST_F(ReleaseServiceTest, ARetryIsAnsweredWithTheFirstOutcome) {
  EXPECT_EQ(Seal("r-0", true), "") << "it would be sealed";
  EXPECT_EQ(Get("1.0.0"), "RELEASE_NOT_FOUND");
  ASSERT_EQ(Seal("r-1"), "");
  EXPECT_FALSE(sealed_.receipt().replayed());
  const uint64_t index = sealed_.receipt().index();
  ASSERT_EQ(Seal("r-1"), "");
  EXPECT_TRUE(sealed_.receipt().replayed());
  EXPECT_EQ(sealed_.receipt().index(), index);
  EXPECT_EQ(Seal("r-2"), "RELEASE_EXISTS");
  ASSERT_EQ(Get("1.0.0"), "");
  EXPECT_EQ(got_.document(), document_);
  EXPECT_EQ(got_.release().state(), v1::Release::STATE_SEALED);
}

// attack: a stranger cannot tell missing from forbidden.
TEST_F(ReleaseServiceTest, PermissionComesBeforeExistence) {
  ASSERT_EQ(Seal(), "");
  Be("reader", "environments/test");
  for (const char* version : {"1.0.0", "9.9.9"}) {
    EXPECT_EQ(Get(version), "ROLE_REQUIRED") << version;
    EXPECT_EQ(Get(version, "environments/production"), "ROLE_REQUIRED") << version;
  }
  EXPECT_EQ(Get("1.0.0", "environments/test"), "ROLE_REQUIRED") << "it does not go there";
  v1::ListReleasesResponse list;
  EXPECT_EQ(Call(&Stub::ListReleases, v1::ListReleasesRequest(), &list), "");
  EXPECT_EQ(list.releases_size(), 0);
  Be("reader", "environments/production");
  EXPECT_EQ(Get("1.0.0"), "");
  EXPECT_EQ(Call(&Stub::ListReleases, v1::ListReleasesRequest(), &list), "");
  EXPECT_EQ(list.releases_size(), 1);
  Be("reader", "environments/production/eu");
  EXPECT_EQ(Get("1.0.0", "environments/production/eu"), "");
  EXPECT_EQ(Evaluate("environments/production/eu"), "");
  EXPECT_EQ(Evaluate("environments/production"), "ROLE_REQUIRED");
}

TEST_F(ReleaseServiceTest, EachActNeedsItsRoleWhereItActs) {
  Be("reader", "");
  EXPECT_EQ(Seal(), "ROLE_REQUIRED");
  Be("release-manager", "environments/production/eu");
  EXPECT_EQ(Seal(), "ROLE_REQUIRED") << "it goes to all of production";
  Be("release-manager", "environments/production");
  ASSERT_EQ(Seal(), "");
  EXPECT_EQ(Approve("production"), "ROLE_REQUIRED");
  Be("approver", "environments/production/eu");
  EXPECT_EQ(Approve("production"), "ROLE_REQUIRED");
  Be("approver", "environments/production");
  EXPECT_EQ(Approve("test"), "ROLE_REQUIRED");
  EXPECT_EQ(Approve("production"), "");
  EXPECT_EQ(Record(v1::RecordDeploymentRequest::EVENT_START), "ROLE_REQUIRED");
  EXPECT_EQ(Withdraw(""), "ROLE_REQUIRED");
  Be("deployer", "environments/production");
  EXPECT_EQ(Record(v1::RecordDeploymentRequest::EVENT_UNSPECIFIED), "EVENT_INVALID");
  EXPECT_EQ(Record(v1::RecordDeploymentRequest::EVENT_START), "ETAG_MISMATCH");
  Be("release-manager", "environments/production");
  EXPECT_EQ(Withdraw("0"), "ETAG_MISMATCH");
}

TEST_F(ReleaseServiceTest, AnswersForTheTimeAskedAbout) {
  ASSERT_EQ(Seal(), "");
  ASSERT_EQ(Evaluate("environments/production", 1'800'000'000), "");
  EXPECT_EQ(answer_.decision(), v1::DECISION_DENY);
  EXPECT_EQ(answer_.time().seconds(), 1'800'000'000);
  EXPECT_EQ(answer_.document_digest(), Sha256(document_).ToString());
  const std::string digest = answer_.findings_digest();
  ASSERT_EQ(Evaluate("environments/production", 1'800'000'000), "");
  EXPECT_EQ(answer_.findings_digest(), digest) << "the same question, the same answer";
  EXPECT_EQ(Evaluate("environments/production", int64_t{1} << 60), "TIME_INVALID");
  EXPECT_EQ(Evaluate("environments/nowhere"), "ENVIRONMENT_NOT_FOUND");
  EXPECT_EQ(Evaluate("production"), "NAME_INVALID");
}

}  // namespace
}  // namespace dml
