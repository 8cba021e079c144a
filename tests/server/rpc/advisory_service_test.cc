// Advisories over gRPC, and what the questions say of them.
#include <gmock/gmock.h>

#include "core/compat/advisory.h"
#include "dml/v1/advisory.grpc.pb.h"
#include "tests/server/support/compatibility_fixture.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SpecBuilder;
using Advisories = v1::AdvisoryService::Stub;

class AdvisoryServiceTest : public testing::CompatibilityServiceFixture {
 protected:
  AdvisoryServiceTest() : advisory_service_(MakeAdvisoryService(context_)) {
    library_.Register(sue_, "sue", "advisory", "*");
    grpc::ServerBuilder builder;
    builder.RegisterService(advisory_service_.get());
    advisory_server_ = builder.BuildAndStart();
    advisories_ = v1::AdvisoryService::NewStub(advisory_server_->InProcessChannel({}));
    Publish(SpecBuilder("acme/lib", "1").Build());
  }

  std::string Sealed(const std::string& id, uint64_t revision, const std::string& package,
                     const std::string& withdrawn = "") const {
    Advisory advisory;
    advisory.id = id;
    advisory.revision = revision;
    advisory.authority = "security";
    advisory.affects = {{PackageName::Parse(package).value(), VersionRange::All()}};
    advisory.text = "leaks";
    advisory.withdrawn = withdrawn;
    const Signer* keys[] = {&sue_};
    return FormatEnvelope(
        SignEnvelope(kAdvisoryPayloadType, FormatAdvisory(advisory), keys).value());
  }
  template <typename Request, typename Response>
  std::string Ask(grpc::Status (Advisories::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                  const Request& request, Response& response) {
    grpc::ClientContext call;
    Prepare(call);
    response.Clear();
    return Reason(FromGrpcStatus((advisories_.get()->*method)(&call, request, &response)));
  }
  std::string Set(const std::string& envelope, bool validate_only = false) {
    v1::SetAdvisoryRequest request;
    request.set_envelope(envelope);
    request.set_validate_only(validate_only);
    return Ask(&Advisories::SetAdvisory, request, set_);
  }
  std::string Withdraw(const std::string& envelope) {
    v1::WithdrawAdvisoryRequest request;
    request.set_envelope(envelope);
    v1::WithdrawAdvisoryResponse response;
    return Ask(&Advisories::WithdrawAdvisory, request, response);
  }
  std::string Get(const std::string& name) {
    v1::GetAdvisoryRequest request;
    request.set_name(name);
    return Ask(&Advisories::GetAdvisory, request, got_);
  }
  std::string List(const std::string& package = "", int page_size = 0,
                   const std::string& page_token = "") {
    v1::ListAdvisoriesRequest request;
    request.set_package(package);
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    return Ask(&Advisories::ListAdvisories, request, listed_);
  }
  std::vector<std::string> Listed() const {
    std::vector<std::string> out;
    for (const v1::Advisory& item : listed_.advisories()) out.push_back(item.name());
    return out;
  }

  const PrivateKey sue_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::unique_ptr<grpc::Service> advisory_service_;
  std::unique_ptr<grpc::Server> advisory_server_;
  std::unique_ptr<Advisories> advisories_;
  v1::SetAdvisoryResponse set_;
  v1::GetAdvisoryResponse got_;
  v1::ListAdvisoriesResponse listed_;
};

TEST_F(AdvisoryServiceTest, AreSetShownListedAndWithdrawn) {
  const std::string envelope = Sealed("A-1", 1, "acme/lib");
  ASSERT_EQ(Set(envelope, true), "");
  EXPECT_EQ(Get("advisories/A-1"), "ADVISORY_NOT_FOUND") << "it was only judged";
  ASSERT_EQ(Set(envelope), "");
  EXPECT_EQ(set_.advisory().name(), "advisories/A-1");
  EXPECT_EQ(set_.advisory().index(), set_.receipt().index());
  ASSERT_EQ(Get("advisories/A-1"), "");
  EXPECT_EQ(got_.advisory().envelope(), envelope);
  EXPECT_THAT(got_.advisory().packages(), ElementsAre("packages/acme/lib"));
  EXPECT_THAT(got_.advisory().key_ids(), ElementsAre(sue_.public_key().id().ToString()));
  EXPECT_EQ(Set(envelope), "ADVISORY_EXISTS");
  EXPECT_EQ(Set(Sealed("A-1", 2, "acme/lib", "wrong")), "ADVISORY_WITHDRAWN");
  EXPECT_EQ(Withdraw(Sealed("A-1", 2, "acme/lib")), "ADVISORY_NOT_WITHDRAWN");
  EXPECT_EQ(Withdraw(Sealed("A-1", 2, "acme/lib", "wrong")), "");
  ASSERT_EQ(List(), "");
  ASSERT_EQ(listed_.advisories_size(), 1);
  EXPECT_TRUE(listed_.advisories(0).withdrawn());
  ASSERT_EQ(List("packages/acme/lib"), "");
  EXPECT_EQ(listed_.advisories_size(), 0);
}

TEST_F(AdvisoryServiceTest, ListsComeInPages) {
  for (const char* id : {"A-3", "A-1", "A-2"}) ASSERT_EQ(Set(Sealed(id, 1, "acme/lib")), "");
  ASSERT_EQ(List("", 2), "");
  EXPECT_THAT(Listed(), ElementsAre("advisories/A-1", "advisories/A-2"));
  ASSERT_EQ(List("", 2, listed_.next_page_token()), "");
  EXPECT_THAT(Listed(), ElementsAre("advisories/A-3"));
  EXPECT_EQ(listed_.next_page_token(), "");
  ASSERT_EQ(List("packages/acme/lib", 2), "");
  EXPECT_THAT(Listed(), ElementsAre("advisories/A-1", "advisories/A-2"));
  EXPECT_EQ(List("acme/lib"), "NAME_INVALID");
  EXPECT_EQ(List("", -1), "PAGE_SIZE_INVALID");
  EXPECT_EQ(Get("A-1"), "NAME_INVALID");
}

TEST_F(AdvisoryServiceTest, BadEnvelopesAreRefused) {
  EXPECT_EQ(Set("{}"), "ENVELOPE_INVALID");
  EXPECT_EQ(Set(std::string((1 << 20) + 1, ' ')), "ENVELOPE_INVALID");
  const Signer* keys[] = {&sue_};
  EXPECT_EQ(Set(FormatEnvelope(SignEnvelope(kAdvisoryPayloadType, "{}", keys).value())),
            "ADVISORY_INVALID");
}

// attack 43
TEST_F(AdvisoryServiceTest, OthersSeeAndSetThoseOfTheirNamespaces) {
  ASSERT_EQ(Set(Sealed("A-1", 1, "acme/lib")), "");
  ASSERT_EQ(Set(Sealed("B-1", 1, "other/tls")), "");
  Be({{"publisher", "namespaces/acme"}});
  ASSERT_EQ(List(), "");
  EXPECT_THAT(Listed(), ElementsAre("advisories/A-1"));
  EXPECT_EQ(Get("advisories/B-1"), "ADVISORY_NOT_FOUND") << "as for one that is not there";
  EXPECT_EQ(List("packages/other/tls"), "ROLE_REQUIRED");
  EXPECT_EQ(Set(Sealed("B-1", 2, "other/tls")), "ROLE_REQUIRED");
  EXPECT_EQ(Set(Sealed("A-1", 2, "acme/lib")), "");
  Be({{"reader", ""}});
  EXPECT_EQ(Set(Sealed("A-1", 3, "acme/lib")), "ROLE_REQUIRED");
  EXPECT_EQ(Withdraw(Sealed("A-1", 3, "acme/lib", "wrong")), "ROLE_REQUIRED");
  Be({{"node", ""}});
  EXPECT_EQ(Get("advisories/A-1"), "ROLE_REQUIRED");
  EXPECT_EQ(List(), "ROLE_REQUIRED");
}

TEST_F(AdvisoryServiceTest, CountInEveryQuestion) {
  ASSERT_EQ(Set(Sealed("A-1", 1, "acme/lib")), "");
  const std::string variant = "packages/acme/lib/versions/1/variants/any";
  v1::CheckSetRequest set;
  set.add_variants(variant);
  v1::CheckSetResponse set_checked;
  ASSERT_EQ(Call(&Stub::CheckSet, set, set_checked), "");
  ASSERT_EQ(set_checked.violations_size(), 1);
  EXPECT_EQ(set_checked.violations(0).rule(), "compatibility.denied");

  v1::CheckEnvironmentRequest check;
  check.add_nodes()->set_name("a");
  check.mutable_nodes(0)->add_runs(variant);
  v1::CheckEnvironmentResponse checked;
  ASSERT_EQ(Call(&Stub::CheckEnvironment, check, checked), "");
  ASSERT_EQ(checked.violations_size(), 1);
  EXPECT_THAT(checked.violations(0).signers(), ElementsAre("sue")) << "not the publisher";

  v1::ResolveRequest resolve;
  resolve.mutable_problem()->add_wanted()->set_name("acme/lib");
  v1::ResolveResponse resolved;
  ASSERT_EQ(Call(&Stub::Resolve, resolve, resolved), "");
  EXPECT_EQ(resolved.outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  EXPECT_THAT(resolved.reasons(), Contains(HasSubstr("advisory A-1 of security, signed by sue")));

  v1::PlanUpgradeOrderRequest plan;
  plan.add_nodes()->set_name("a");
  plan.mutable_nodes(0)->add_target(variant);
  v1::PlanUpgradeOrderResponse planned;
  ASSERT_EQ(Call(&Stub::PlanUpgradeOrder, plan, planned), "");
  EXPECT_EQ(planned.outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  ASSERT_EQ(planned.reasons_size(), 1);
  EXPECT_EQ(planned.reasons(0).finding().rule(), "compatibility.denied");
}

}  // namespace
}  // namespace dml
