// Rollouts over gRPC: who may start, steer and report, and what a watch tells.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "client/status_codec.h"
#include "core/access/access_token.h"
#include "dml/v1/measures.grpc.pb.h"
#include "dml/v1/rollout.grpc.pb.h"
#include "storage/library/reevaluation.h"
#include "tests/server/support/service_parts.h"
#include "tests/support/release_world.h"

namespace dml {
namespace {

using testing::Bearers;
using testing::ReleaseWorld;
using Stub = v1::RolloutService::Stub;
using Measures = v1::MeasuresService::Stub;

constexpr char kRelease[] = "releases/payments/versions/1.0.0";
constexpr char kPlace[] = "environments/production/eu";

class RolloutServiceTest : public ::testing::Test {
 protected:
  RolloutServiceTest() {
    release_ = world_.Seal("1.0.0");
    world_.Approve(release_);
    permit_ = world_.Permit(release_);
    services_.push_back(MakeRolloutService(parts_.context()));
    services_.push_back(MakeMeasuresService(parts_.context()));
    grpc::ServerBuilder builder;
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::RolloutService::NewStub(server_->InProcessChannel({}));
    measures_ = v1::MeasuresService::NewStub(server_->InProcessChannel({}));
  }

  void Be(const std::string& role, const std::string& scope) {
    bearer_ = parts_.bearers.Add({{role, scope}});
  }
  void Introduce(grpc::ClientContext& context) const {
    context.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  }
  // The reason of the error, "" for success.
  template <typename Service, typename Request, typename Response>
  std::string Call(const std::unique_ptr<Service>& stub,
                   grpc::Status (Service::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response& response) {
    grpc::ClientContext context;
    Introduce(context);
    response.Clear();
    return Reason(FromGrpcStatus((stub.get()->*method)(&context, request, &response)));
  }
  std::string Start(const std::string& request_id = "", bool validate_only = false) {
    v1::StartRolloutRequest request;
    request.set_release(kRelease);
    request.set_environment(kPlace);
    request.set_permit(permit_);
    request.mutable_plan()->add_waves()->set_percent(25);
    request.mutable_plan()->add_waves()->set_percent(100);
    request.mutable_plan()->set_confirmed_percent(100);
    request.set_request_id(request_id);
    request.set_validate_only(validate_only);
    return Call(stub_, &Stub::StartRollout, request, started_);
  }
  std::string Report(const std::string& node, v1::RolloutNode::Stage stage) {
    v1::ReportNodeRequest request;
    request.set_release(kRelease);
    request.set_environment(kPlace);
    request.set_node(node);
    request.set_stage(stage);
    request.set_reason("says so");
    return Call(stub_, &Stub::ReportNode, request, reported_);
  }
  std::string Get() {
    v1::GetRolloutRequest request;
    request.set_release(kRelease);
    request.set_environment(kPlace);
    return Call(stub_, &Stub::GetRollout, request, got_);
  }
  std::string Pause() {
    v1::PauseRolloutRequest request;
    request.set_release(kRelease);
    request.set_environment(kPlace);
    request.set_etag(Get().empty() ? got_.rollout().etag() : "");
    v1::PauseRolloutResponse response;
    return Call(stub_, &Stub::PauseRollout, request, response);
  }
  std::string Abort(const std::string& reason, const std::string& etag) {
    v1::AbortRolloutRequest request;
    request.set_release(kRelease);
    request.set_environment(kPlace);
    request.set_reason(reason);
    request.set_etag(etag);
    v1::AbortRolloutResponse response;
    return Call(stub_, &Stub::AbortRollout, request, response);
  }
  std::string Measure(const std::string& environment, const std::string& service = "") {
    v1::GetMeasuresRequest request;
    request.set_environment(environment);
    request.set_service(service);
    return Call(measures_, &Measures::GetMeasures, request, measured_);
  }
  uint64_t Counted(const std::string& id, const std::string& part) const {
    for (const v1::Measure& measure : measured_.periods(0).measures()) {
      if (measure.id() == id && measure.part() == part) return measure.count();
    }
    return 999;
  }

  testing::ServiceParts parts_;
  ReleaseWorld world_{parts_.library};
  Digest release_;
  std::string permit_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
  std::unique_ptr<Measures> measures_;
  AccessToken bearer_ = parts_.bearers.Add({{"admin", ""}});
  v1::StartRolloutResponse started_;
  v1::ReportNodeResponse reported_;
  v1::GetRolloutResponse got_;
  v1::GetMeasuresResponse measured_;
};

TEST_F(RolloutServiceTest, IsStartedOnceAndARetryIsAnswered) {
  EXPECT_EQ(Start("r-0", true), "");
  EXPECT_EQ(Get(), "ROLLOUT_NOT_FOUND") << "it would have been";
  ASSERT_EQ(Start("r-1"), "");
  ASSERT_EQ(Start("r-1"), "");
  EXPECT_TRUE(started_.receipt().replayed());
  EXPECT_EQ(Start("r-2"), "ROLLOUT_EXISTS");
  ASSERT_EQ(Get(), "");
  EXPECT_EQ(got_.rollout().state(), v1::Rollout::STATE_ROLLING_OUT);
  EXPECT_EQ(got_.rollout().waves(0).pending(), 1u);
  EXPECT_EQ(got_.rollout().waves(1).pending(), 3u);
  v1::ListRolloutsResponse listed;
  ASSERT_EQ(Call(stub_, &Stub::ListRollouts, v1::ListRolloutsRequest(), listed), "");
  EXPECT_EQ(listed.rollouts_size(), 1);
  v1::ListRolloutNodesRequest request;
  request.set_release(kRelease);
  request.set_environment(kPlace);
  v1::ListRolloutNodesResponse nodes;
  ASSERT_EQ(Call(stub_, &Stub::ListRolloutNodes, request, nodes), "");
  ASSERT_EQ(nodes.nodes_size(), 4);
  EXPECT_TRUE(nodes.nodes(0).wanted());
  EXPECT_FALSE(nodes.nodes(1).wanted());
}

TEST_F(RolloutServiceTest, EachActNeedsItsRoleWhereItActs) {
  Be("reader", "");
  EXPECT_EQ(Start(), "ROLE_REQUIRED");
  Be("deployer", "environments/staging");
  EXPECT_EQ(Start(), "ROLE_REQUIRED");
  EXPECT_EQ(Get(), "ROLE_REQUIRED") << "missing and forbidden look alike";
  Be("deployer", "environments/production");
  ASSERT_EQ(Start(), "");
  Be("reader", "environments/staging");
  EXPECT_EQ(Get(), "ROLE_REQUIRED");
  v1::ListRolloutsResponse listed;
  ASSERT_EQ(Call(stub_, &Stub::ListRollouts, v1::ListRolloutsRequest(), listed), "");
  EXPECT_EQ(listed.rollouts_size(), 0);
  Be("reader", "environments/production");
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(Pause(), "ROLE_REQUIRED");
  Be("release-manager", "environments/production");
  EXPECT_EQ(Pause(), "");
  EXPECT_EQ(Abort("why", "0"), "ETAG_MISMATCH");
  EXPECT_EQ(Abort("", got_.rollout().etag()), "REASON_REQUIRED");
}

// attack: a machine that reports for another.
TEST_F(RolloutServiceTest, AMachineReportsForItselfAlone) {
  ASSERT_EQ(Start(), "");
  const std::string node = "environments/production/eu/nodes/web-1";
  Be("node", "environments/production");
  EXPECT_EQ(Report(node, v1::RolloutNode::STAGE_STAGED), "NODE_NOT_YOURS");
  Be("node", "environments/staging");
  EXPECT_EQ(Report(node, v1::RolloutNode::STAGE_STAGED), "ROLE_REQUIRED");
  Be("reader", "");
  EXPECT_EQ(Report(node, v1::RolloutNode::STAGE_STAGED), "ROLE_REQUIRED");
  Be("deployer", "environments/production/eu");
  EXPECT_EQ(Report(node, v1::RolloutNode::STAGE_UNSPECIFIED), "STAGE_INVALID");
  EXPECT_EQ(Report("web-1", v1::RolloutNode::STAGE_STAGED), "NAME_INVALID");
  ASSERT_EQ(Report(node, v1::RolloutNode::STAGE_STAGED), "");
  EXPECT_EQ(reported_.node().stage(), v1::RolloutNode::STAGE_STAGED);
  EXPECT_EQ(reported_.rollout().waves(0).staged(), 1u);
}

TEST_F(RolloutServiceTest, AWatchTellsEachChangeAndEndsWithTheRollout) {
  ASSERT_EQ(Start(), "");
  grpc::ClientContext context;
  Introduce(context);
  v1::WatchRolloutRequest request;
  request.set_release(kRelease);
  request.set_environment(kPlace);
  const auto stream = stub_->WatchRollout(&context, request);
  v1::WatchRolloutResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.rollout().state(), v1::Rollout::STATE_ROLLING_OUT);
  ASSERT_EQ(Report("environments/production/eu/nodes/web-1", v1::RolloutNode::STAGE_STAGED), "");
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.rollout().waves(0).staged(), 1u);
  ASSERT_EQ(Report("environments/production/eu/nodes/web-1", v1::RolloutNode::STAGE_FAILED), "");
  ASSERT_EQ(Report("environments/production/eu/nodes/web-1", v1::RolloutNode::STAGE_BACKED_OUT),
            "");
  v1::Rollout::State last = v1::Rollout::STATE_UNSPECIFIED;
  while (stream->Read(&message)) last = message.rollout().state();
  EXPECT_EQ(last, v1::Rollout::STATE_BACKED_OUT);
  EXPECT_EQ(Reason(FromGrpcStatus(stream->Finish())), "");
}

TEST_F(RolloutServiceTest, MeasuresAreOfWhatTheCallerSees) {
  ASSERT_EQ(Start(), "");
  ASSERT_EQ(Measure(""), "");
  EXPECT_EQ(Counted("permits", "issued"), 1u);
  EXPECT_EQ(measured_.index(), parts_.library->checkpoint()->checkpoint.size);
  ASSERT_EQ(Measure("environments/production", "acme/*"), "");
  EXPECT_EQ(Counted("permits", "issued"), 1u);
  EXPECT_EQ(Measure("production"), "NAME_INVALID");
  EXPECT_EQ(Measure("", "no package"), "SERVICE_INVALID");
  Be("reader", "environments/staging");
  EXPECT_EQ(Measure("environments/production"), "ROLE_REQUIRED");
  ASSERT_EQ(Measure(""), "");
  EXPECT_EQ(Counted("permits", "issued"), 0u);
  v1::ListMeasureDefinitionsResponse definitions;
  ASSERT_EQ(Call(measures_, &Measures::ListMeasureDefinitions, v1::ListMeasureDefinitionsRequest(),
                 definitions),
            "");
  EXPECT_EQ(definitions.definitions_size(), static_cast<int>(MeasureDefinitions().size()));
}

TEST_F(RolloutServiceTest, FindingsAreListedWhereTheyAreSeen) {
  TrustCache trust;
  PolicyCache policies;
  Reevaluator reevaluator(*parts_.library, trust, policies, "dmld");
  ASSERT_EQ(*reevaluator.Run(), 1u) << "there is no policy";
  v1::ListFindingsResponse listed;
  ASSERT_EQ(Call(measures_, &Measures::ListFindings, v1::ListFindingsRequest(), listed), "");
  ASSERT_EQ(listed.releases_size(), 1);
  EXPECT_EQ(listed.releases(0).release(), kRelease);
  EXPECT_EQ(listed.releases(0).environment(), kPlace);
  EXPECT_EQ(listed.releases(0).findings(0).rule(), "policy.missing");
  Be("reader", "environments/staging");
  ASSERT_EQ(Call(measures_, &Measures::ListFindings, v1::ListFindingsRequest(), listed), "");
  EXPECT_EQ(listed.releases_size(), 0);
  v1::ListFindingsRequest request;
  request.set_environment(kPlace);
  EXPECT_EQ(Call(measures_, &Measures::ListFindings, request, listed), "ROLE_REQUIRED");
}

}  // namespace
}  // namespace dml
