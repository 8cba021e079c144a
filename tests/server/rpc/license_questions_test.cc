// FindPackagesByLicense over gRPC: who sees what, and questions that mean nothing.
#include <gmock/gmock.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "client/status_codec.h"
#include "core/access/access_token.h"
#include "core/evidence/claims.h"
#include "dml/v1/license.grpc.pb.h"
#include "tests/server/support/service_parts.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::Bearers;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SpecBuilder;
using testing::TestLibrary;
using Request = v1::FindPackagesByLicenseRequest;

constexpr std::string_view kProperties = R"(categories:
  - {name: copyleft}
  - {name: permissive}
  - {name: "property:distribute-source-code"}
categorizations:
  - {id: GPL-2.0-only, categories: [copyleft, "property:distribute-source-code"]}
  - {id: MPL-2.0, categories: [copyleft]}
  - {id: MIT, categories: [permissive]}
)";

class LicenseQuestionsTest : public ::testing::Test {
 protected:
  LicenseQuestionsTest() {
    EXPECT_TRUE(library_.Commit(NamespaceCreated{"other", "", {}}).ok());
    Publish("acme/gpl", "GPL-2.0 OR MIT");
    Publish("acme/mit", "MIT");
    Publish("acme/mpl", "MPL-2.0 AND MIT");
    Publish("acme/odd", "LicenseRef-odd");
    Publish("acme/open", "NOASSERTION");
    Publish("other/gpl", "GPL-2.0-only");
    service_ = MakeLicenseService(parts_.context());
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::LicenseService::NewStub(server_->InProcessChannel({}));
  }

  void Publish(const std::string& package, const std::string& license) {
    PackageSpec spec = SpecBuilder(package, "1.0").Build();
    spec.declared_license = license;
    EXPECT_TRUE(library_.Publish(spec).ok()) << package;
  }

  void LoadProperties() {
    const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
    library_.Register(key, "lea", "license-data", "*");
    const std::string content(kProperties);
    LicenseDataSet set{LicenseDataKind::kProperties, 1, "props", {}, {}};
    const std::string envelope =
        testing::Envelope(key, Sha256(content), kLicenseDataPredicate,
                          R"({"kind":"properties","version":"props","revision":1})");
    set.envelope = {Sha256(envelope), envelope.size()};
    set.content = {Sha256(content), content.size()};
    const auto receipt = library_.Commit(set, {envelope, content});
    ASSERT_TRUE(receipt.ok()) << receipt.status();
  }

  // The packages found, or the error's reason alone.
  std::vector<std::string> Find(Request request) {
    std::vector<std::string> out;
    request.set_page_size(2);
    do {
      grpc::ClientContext context;
      context.AddMetadata("authorization", "Bearer " + FormatAccessToken(bearer_));
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
      v1::FindPackagesByLicenseResponse response;
      const grpc::Status status = stub_->FindPackagesByLicense(&context, request, &response);
      if (!status.ok()) return {std::string(Reason(FromGrpcStatus(status)))};
      for (const auto& match : response.matches()) {
        const auto name = VariantName::Parse(match.variant());
        out.push_back(name.ok() ? name->package.ToString() : match.variant());
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return out;
  }
  std::vector<std::string> License(const std::string& value) {
    Request request;
    request.set_license(value);
    return Find(request);
  }
  std::vector<std::string> Category(const std::string& value) {
    Request request;
    request.set_category(value);
    return Find(request);
  }
  std::vector<std::string> Obligation(const std::string& value, v1::LicenseProvision provision) {
    Request request;
    request.set_obligation(value);
    request.mutable_context()->set_provision(provision);
    return Find(request);
  }
  std::vector<std::string> Part(const std::string& value) {
    Request request;
    request.set_part(value);
    return Find(request);
  }

  testing::ServiceParts parts_;
  TestLibrary& library_ = parts_.library;
  Bearers& bearers_ = parts_.bearers;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::LicenseService::Stub> stub_;
  AccessToken bearer_ = bearers_.Add({{"reader", ""}});
};

TEST_F(LicenseQuestionsTest, ByNameAndPartInAnyCaseAndOrder) {
  EXPECT_THAT(License("mit"), ElementsAre("acme/gpl", "acme/mit", "acme/mpl"));
  EXPECT_THAT(License("LicenseRef-odd"), ElementsAre("acme/odd"));
  EXPECT_THAT(License("NOASSERTION"), ElementsAre("acme/open"));
  EXPECT_THAT(Part("mit or gpl-2.0-only"), ElementsAre("acme/gpl"));
  EXPECT_THAT(Part("GPL-2.0"), ElementsAre("acme/gpl", "other/gpl"));
  Request unknown;
  unknown.set_unknown(true);
  EXPECT_THAT(Find(unknown), ElementsAre("acme/open"));
}

TEST_F(LicenseQuestionsTest, ByCategoryAndObligationOfThePropertiesInForce) {
  EXPECT_THAT(Category("copyleft"), ElementsAre("LICENSE_PROPERTIES_MISSING"));
  LoadProperties();
  EXPECT_THAT(Category("copyleft"), ElementsAre("acme/gpl", "other/gpl", "acme/mpl"));
  EXPECT_THAT(Category("permissive"), ElementsAre("acme/gpl", "acme/mit", "acme/mpl"));
  EXPECT_THAT(Obligation("source-offer", v1::LICENSE_PROVISION_DISTRIBUTED),
              ElementsAre("acme/gpl", "other/gpl"));
  EXPECT_THAT(Obligation("source-offer", v1::LICENSE_PROVISION_INTERNAL), IsEmpty());
  EXPECT_THAT(Obligation("unknown", v1::LICENSE_PROVISION_DISTRIBUTED),
              ElementsAre("acme/odd", "acme/open"));
}

TEST_F(LicenseQuestionsTest, ACallerFindsWhatItMaySee) {
  bearer_ = bearers_.Add({{"reader", "namespaces/other"}});
  EXPECT_THAT(License("GPL-2.0-only"), ElementsAre("other/gpl"));
  EXPECT_THAT(License("MIT"), IsEmpty());
  bearer_ = bearers_.Add({{"node", ""}});
  EXPECT_THAT(License("MIT"), ElementsAre("ROLE_REQUIRED"));
}

TEST_F(LicenseQuestionsTest, QuestionsThatMeanNothingAreRefused) {
  LoadProperties();
  EXPECT_THAT(Find(Request()), ElementsAre("LICENSE_QUESTION_INVALID"));
  Request both;
  both.set_license("MIT");
  both.set_unknown(true);
  EXPECT_THAT(Find(both), ElementsAre("LICENSE_QUESTION_INVALID"));
  Request context;
  context.set_category("copyleft");
  context.mutable_context()->set_provision(v1::LICENSE_PROVISION_INTERNAL);
  EXPECT_THAT(Find(context), ElementsAre("LICENSE_QUESTION_INVALID"));
  EXPECT_THAT(License("MIT-like"), ElementsAre("LICENSE_UNKNOWN"));
  EXPECT_THAT(License("LicenseRef-" + std::string(100'000, 'x')), ElementsAre("LICENSE_UNKNOWN"));
  EXPECT_THAT(Category("fancy"), ElementsAre("LICENSE_CATEGORY_UNKNOWN"));
  EXPECT_THAT(Obligation("dance", v1::LICENSE_PROVISION_INTERNAL),
              ElementsAre("LICENSE_OBLIGATION_UNKNOWN"));
  EXPECT_THAT(Obligation("notice", static_cast<v1::LicenseProvision>(77)),
              ElementsAre("LICENSE_CONTEXT_UNKNOWN"));
  EXPECT_THAT(Part("MIT OR"), ElementsAre("LICENSE_EXPRESSION_INVALID"));
  Request token;
  token.set_license("MIT");
  token.set_page_token("bm90IG91cnM");
  EXPECT_THAT(Find(token), ElementsAre("PAGE_TOKEN_INVALID"));
}

}  // namespace
}  // namespace dml
