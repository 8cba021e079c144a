// EvaluateLicenseSet over gRPC: along dependencies, against an outbound license, in contexts.
#include <gmock/gmock.h>

#include "tests/server/support/license_world.h"
#include "tests/support/deployed_releases.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SpecBuilder;
using testing::Target;

class LicenseSetsTest : public testing::LicenseWorld {
 protected:
  void LoadMatrix() {
    Load(LicenseDataKind::kMatrix,
         testing::MatrixOf({"MIT", "GPL-2.0-only", "Apache-2.0"},
                           [](const std::string& outbound, const std::string& inbound) {
                             if (inbound == "MIT") return "Yes";
                             return outbound == "GPL-2.0-only" ? "Unknown" : "No";
                           }));
  }
  // app (MIT) uses lib (GPL-2.0-only) on its node, and a service (GPL-2.0-only) elsewhere.
  void PublishSet() {
    app_ =
        Publish(SpecBuilder("acme/app", "1.0")
                    .Requires({Target("acme/lib")})
                    .Requires({Target(RelationKind::kService, "mail")}, RelationScope::kEnvironment)
                    .Build(),
                "MIT");
    lib_ = Publish("acme/lib", "GPL-2.0-only");
    mail_ =
        Publish(SpecBuilder("acme/mail", "1.0").Provides(RelationKind::kService, "mail").Build(),
                "GPL-2.0-only");
  }
  v1::EvaluateLicenseSetRequest Ask(const std::vector<std::string>& variants) {
    v1::EvaluateLicenseSetRequest request;
    for (const std::string& name : variants) request.add_variants(name);
    return request;
  }
  // The reason of the error, "" for success; the answer is in response_.
  std::string Evaluate(const v1::EvaluateLicenseSetRequest& request) {
    return Call(&Stub::EvaluateLicenseSet, request, response_);
  }
  // "OUTCOME inbound in outbound" of each finding.
  std::vector<std::string> Conflicts() {
    std::vector<std::string> out;
    for (const auto& item : response_.findings()) {
      if (!item.has_conflict()) continue;
      const auto& conflict = item.conflict();
      auto name = [](const std::string& text) {
        return text.empty() ? std::string("whole") : VariantName::Parse(text)->package.name;
      };
      out.push_back(fmt::format(
          "{} {} in {}", conflict.outcome() == v1::LICENSE_OUTCOME_DENY ? "DENY" : "REVIEW",
          name(conflict.inbound_variant()), name(conflict.outbound_variant())));
    }
    return out;
  }

  std::string app_, lib_, mail_;
  v1::EvaluateLicenseSetResponse response_;
};

TEST_F(LicenseSetsTest, DependenciesAreJudgedInTheirDirectionAndContext) {
  PublishSet();
  EXPECT_EQ(Evaluate(Ask({app_, lib_, mail_})), "LICENSE_MATRIX_MISSING");
  LoadMatrix();
  ASSERT_EQ(Evaluate(Ask({app_, lib_, mail_, lib_})), "");
  EXPECT_EQ(response_.outcome(), v1::LICENSE_OUTCOME_DENY);
  EXPECT_EQ(response_.pair_count(), 2u) << "each variant once";
  EXPECT_THAT(Conflicts(), ElementsAre("DENY lib in app", "REVIEW mail in app"));
  const auto& denied = response_.findings(0);
  EXPECT_EQ(denied.finding().rule(), "license.incompatible");
  EXPECT_EQ(denied.conflict().outbound(), "MIT");
  EXPECT_EQ(denied.conflict().inbound(), "GPL-2.0-only");
  EXPECT_EQ(denied.conflict().explanation(), "GPL-2.0-only in MIT");
  EXPECT_EQ(denied.conflict().matrix_version(), "data of T");
  EXPECT_EQ(response_.findings(1).conflict().context().combination(),
            v1::LICENSE_COMBINATION_SEPARATE);
  // The library alone has no dependency, and the other direction is allowed.
  ASSERT_EQ(Evaluate(Ask({lib_, mail_})), "");
  EXPECT_EQ(response_.outcome(), v1::LICENSE_OUTCOME_ALLOW);
  EXPECT_THAT(response_.findings(), IsEmpty());
}

TEST_F(LicenseSetsTest, EveryPartIsJudgedAgainstTheOutboundLicense) {
  PublishSet();
  LoadMatrix();
  auto request = Ask({app_, mail_});
  request.set_outbound("apache-2.0");
  ASSERT_EQ(Evaluate(request), "");
  EXPECT_THAT(Conflicts(), ElementsAre("REVIEW mail in app", "DENY mail in whole"));
  request.set_outbound("GPL-2.0-only");
  ASSERT_EQ(Evaluate(request), "");
  EXPECT_THAT(Conflicts(), ElementsAre("REVIEW mail in app"));
  request.mutable_context()->set_combination(v1::LICENSE_COMBINATION_SEPARATE);
  request.set_outbound("Apache-2.0");
  ASSERT_EQ(Evaluate(request), "");
  EXPECT_THAT(Conflicts(), ElementsAre("REVIEW mail in app", "REVIEW mail in whole"));
}

TEST_F(LicenseSetsTest, ThePolicyChoosesTheBranchAndSaysTheContext) {
  const std::string app =
      Publish(SpecBuilder("acme/app", "1.0").Requires({Target("acme/lib")}).Build(), "Apache-2.0");
  const std::string lib = Publish("acme/lib", "GPL-2.0-only OR MIT");
  LoadMatrix();
  SetPolicy("production", R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses:
  allow: [GPL-2.0-only, Apache-2.0]
  contexts: [{environment: production, combination: LINKED_DYNAMIC}]
)");
  ASSERT_EQ(Evaluate(Ask({app, lib})), "");
  EXPECT_EQ(response_.outcome(), v1::LICENSE_OUTCOME_ALLOW) << "MIT may be taken";
  auto request = Ask({app, lib});
  request.set_environment("environments/production");
  ASSERT_EQ(Evaluate(request), "");
  EXPECT_THAT(Conflicts(), ElementsAre("REVIEW lib in app")) << "the policy takes GPL-2.0-only";
  EXPECT_EQ(response_.findings(0).conflict().context().combination(),
            v1::LICENSE_COMBINATION_LINKED_DYNAMIC);
  EXPECT_EQ(response_.policy_revision(), 1u);
}

TEST_F(LicenseSetsTest, AReleaseAndWhatIsDeployedAreSetsToo) {
  PublishSet();
  LoadMatrix();
  SetPolicy("production", R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
)");
  testing::DeployedReleases releases(library());
  const Digest shop = releases.Seal(
      "shop", "1.0.0", "production",
      {releases.Item(*VariantName::Parse(app_)), releases.Item(*VariantName::Parse(lib_)),
       releases.Item(*VariantName::Parse(mail_), ReleaseAction::kRemove)});
  v1::EvaluateLicenseSetRequest request;
  request.set_release("releases/shop/versions/1.0.0");
  ASSERT_EQ(Evaluate(request), "");
  EXPECT_EQ(response_.variant_count(), 2u) << "what it removes is not in it";
  EXPECT_THAT(Conflicts(), ElementsAre("DENY lib in app"));
  EXPECT_EQ(response_.policy_outcome(), v1::LICENSE_OUTCOME_UNSPECIFIED);
  // With the verdicts of a policy on each.
  request.set_environment("environments/production");
  ASSERT_EQ(Evaluate(request), "");
  EXPECT_EQ(response_.policy_outcome(), v1::LICENSE_OUTCOME_REVIEW)
      << "nobody allowed GPL-2.0-only";
  bool told = false;
  for (const auto& item : response_.findings()) {
    told |= item.finding().rule() == "license.review" && item.finding().subject() == lib_;
  }
  EXPECT_TRUE(told);

  v1::EvaluateLicenseSetRequest deployed;
  deployed.set_deployed(true);
  EXPECT_EQ(Evaluate(deployed), "SET_EMPTY") << "where";
  deployed.set_environment("environments/production");
  EXPECT_EQ(Evaluate(deployed), "NOTHING_DEPLOYED");
  releases.Deploy(shop, "production");
  ASSERT_EQ(Evaluate(deployed), "");
  EXPECT_EQ(response_.variant_count(), 2u);
  EXPECT_THAT(Conflicts(), ElementsAre("DENY lib in app"));

  deployed.set_release("releases/shop/versions/1.0.0");
  EXPECT_EQ(Evaluate(deployed), "SET_AMBIGUOUS");
  request.add_variants(app_);
  EXPECT_EQ(Evaluate(request), "SET_AMBIGUOUS");
  request.clear_variants();
  request.set_release("releases/shop/versions/2.0.0");
  EXPECT_EQ(Evaluate(request), "RELEASE_NOT_FOUND");
  request.set_release("shop@1.0.0");
  EXPECT_EQ(Evaluate(request), "NAME_INVALID");
  // Missing and forbidden look alike.
  Be({{"reader", "namespaces/other"}});
  request.clear_environment();
  for (const char* name : {"releases/shop/versions/1.0.0", "releases/shop/versions/2.0.0"}) {
    request.set_release(name);
    EXPECT_EQ(Evaluate(request), "ROLE_REQUIRED") << name;
  }
}

TEST_F(LicenseSetsTest, FindingsArePaged) {
  PublishSet();
  LoadMatrix();
  auto request = Ask({app_, lib_, mail_});
  request.set_outbound("Apache-2.0");
  request.set_page_size(1);
  std::vector<std::string> all;
  do {
    ASSERT_EQ(Evaluate(request), "");
    ASSERT_EQ(response_.findings_size(), 1);
    EXPECT_EQ(response_.finding_count(), 4u);
    all.push_back(Conflicts().front());
    request.set_page_token(response_.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(all, ElementsAre("DENY lib in app", "REVIEW mail in app", "DENY lib in whole",
                               "DENY mail in whole"));
}

TEST_F(LicenseSetsTest, RefusesWhatItCannotJudgeAndWhatTheCallerMayNotSee) {
  PublishSet();
  LoadMatrix();
  EXPECT_EQ(Evaluate(Ask({})), "SET_EMPTY");
  EXPECT_EQ(Evaluate(Ask(std::vector<std::string>(4097, app_))), "SET_TOO_LARGE");
  EXPECT_EQ(Evaluate(Ask({"acme/app"})), "NAME_INVALID");
  EXPECT_EQ(Evaluate(Ask({testing::NameOf(SpecBuilder("acme/no", "1.0").Build()).ResourceName()})),
            "VARIANT_NOT_FOUND");
  auto request = Ask({app_});
  request.set_outbound("MIT AND");
  EXPECT_EQ(Evaluate(request), "LICENSE_EXPRESSION_INVALID");
  request.set_outbound("");
  request.set_environment("environments/none");
  EXPECT_EQ(Evaluate(request), "ENVIRONMENT_NOT_FOUND");
  Be({{"reader", "namespaces/other"}});
  EXPECT_EQ(Evaluate(Ask({app_})), "ROLE_REQUIRED");
  EXPECT_EQ(Evaluate(Ask({testing::NameOf(SpecBuilder("acme/no", "1.0").Build()).ResourceName()})),
            "ROLE_REQUIRED");
  Be({{"reader", "namespaces/acme"}});
  EXPECT_EQ(Evaluate(Ask({lib_})), "");
  EXPECT_EQ(Evaluate(request), "ROLE_REQUIRED") << "the environment is not the caller's";
}

}  // namespace
}  // namespace dml
