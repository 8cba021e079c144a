#include "core/gate/evaluate.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content:
  allowedNamespaces: [acme, debian]
  deniedPackages: ["acme/evil-*"]
signatures:
  threshold: 2
licenses:
  allow: [MIT]
  deny: [SSPL-1.0]
)";

Digest Key(std::string_view name) { return Sha256(name); }

// One environment with a policy, specs that outlive the input, and items added one by one.
class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest() : policy_(*ParsePolicy(kPolicy)) {
    input_.environment = "production/eu";
    input_.policy = &policy_;
  }

  // A published item signed by ann and bob, under MIT.
  GateItem& Add(std::string_view package, std::string_view version = "1.0.0") {
    auto spec = std::make_unique<PackageSpec>();
    spec->package = *PackageName::Parse(package);
    spec->version = *Version::Parse(VersionScheme::kSemver, version);
    spec->declared_license = "MIT";
    GateItem item{.name = {spec->package, std::string(version), {}},
                  .state = ItemState::kPublished,
                  .spec = spec.get(),
                  .signatures = {{Key("a"), "ann"}, {Key("b"), "bob"}}};
    specs_.push_back(std::move(spec));
    input_.items.push_back(std::move(item));
    return input_.items.back();
  }
  PackageSpec& last_spec() { return *specs_.back(); }

  void Require(std::string_view name, std::string_view vers) {
    last_spec().requires_all.push_back(
        {{{RelationKind::kPackage, std::string(name), *VersionRange::ParseVers(vers)}},
         RelationScope::kNode,
         "Depends: line"});
  }

  GateResult Evaluate() { return EvaluateSet(input_); }
  std::vector<std::string> Rules() {
    std::vector<std::string> rules;
    for (const Finding& finding : Evaluate().findings) rules.push_back(finding.rule);
    return rules;
  }
  // The only finding, about the item added last.
  Finding Only() {
    GateResult result = Evaluate();
    EXPECT_EQ(result.decision, Decision::kDeny);
    EXPECT_EQ(result.findings.size(), 1u);
    if (result.findings.empty()) return {};
    EXPECT_EQ(result.findings[0].subject, input_.items.back().name.ResourceName());
    EXPECT_EQ(result.findings[0].severity, Severity::kError);
    EXPECT_FALSE(result.findings[0].remedy.empty());
    return result.findings[0];
  }

  Policy policy_;
  GateInput input_;
  std::vector<std::unique_ptr<PackageSpec>> specs_;
};

TEST_F(EvaluateTest, AllowsWhatMeetsEveryRule) {
  Add("acme/app");
  Require("acme/base", "vers:semver/>=1.0.0");
  Add("acme/base", "1.5.0");
  GateResult result = Evaluate();
  EXPECT_EQ(result.decision, Decision::kAllow);
  EXPECT_THAT(result.findings, IsEmpty());
}

// A missing policy denies, and what needs no policy is told all the same.
TEST_F(EvaluateTest, NoPolicyDenies) {
  input_.policy = nullptr;
  Add("other/app");
  GateResult result = Evaluate();
  EXPECT_EQ(result.decision, Decision::kDeny);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].rule, "policy.missing");
  EXPECT_EQ(result.findings[0].subject, "environments/production/eu");
  EXPECT_THAT(result.findings[0].remedy, HasSubstr("dml policy init"));
  input_.items.back().state = ItemState::kWithdrawn;
  EXPECT_THAT(Rules(), ElementsAre("content.withdrawn", "policy.missing"));
}

TEST_F(EvaluateTest, TheDefaultPolicyValueDenies) {
  Policy empty;
  input_.policy = &empty;
  Add("acme/app");
  EXPECT_THAT(Rules(), ElementsAre("content.namespace", "license.review", "signature.threshold"));
}

TEST_F(EvaluateTest, NothingToDecideOnDenies) {
  EXPECT_THAT(Rules(), ElementsAre("content.empty"));
  EXPECT_EQ(Evaluate().decision, Decision::kDeny);
}

TEST_F(EvaluateTest, ContentRules) {
  Add("acme/app").state = ItemState::kNotFound;
  input_.items.back().spec = nullptr;
  EXPECT_EQ(Only().rule, "content.not-found");
  input_.items.back().state = ItemState::kPublished;
  EXPECT_EQ(Only().rule, "content.not-found") << "published, but its spec is not there";

  input_.items.clear();
  Add("acme/app").state = ItemState::kWithdrawn;
  EXPECT_EQ(Only().rule, "content.withdrawn");
  input_.items.back().withdrawal_reason = "loses data";
  EXPECT_THAT(Only().message, HasSubstr("loses data"));

  input_.items.clear();
  Add("acme2/app");
  EXPECT_EQ(Only().rule, "content.namespace");
  input_.items.clear();
  Add("acme/evil-app");
  EXPECT_EQ(Only().rule, "content.denied");
  EXPECT_THAT(Only().message, HasSubstr("acme/evil-*"));
}

// attack 4: k signatures of one key or of one person are one. attack 7: none is none.
TEST_F(EvaluateTest, ThresholdCountsDistinctPersons) {
  GateItem& item = Add("acme/app");
  using Signatures = std::vector<PublisherSignature>;
  for (const Signatures& too_few : {
           Signatures{},
           Signatures{{Key("a"), "ann"}},
           Signatures{{Key("a"), "ann"}, {Key("a"), "ann"}, {Key("a"), "ann"}},
           Signatures{{Key("a"), "ann"}, {Key("a2"), "ann"}, {Key("a3"), "ann"}},
           Signatures{{Key("a"), "ann"}, {Key("a"), "bob"}},
           Signatures{{Key("a"), "ann"}, {Key("a"), "bob"}, {Key("c"), "cid"}},
           Signatures{{Key("a"), ""}, {Key("b"), ""}},
           Signatures{{Key("a"), "ann"}, {Key("b"), ""}},
       }) {
    item.signatures = too_few;
    EXPECT_EQ(Only().rule, "signature.threshold");
  }
  item.signatures = {{Key("a"), "ann"}};
  EXPECT_THAT(Only().message, HasSubstr("1 of the 2"));
  EXPECT_THAT(Only().remedy, HasSubstr("1 more publisher sign"));
  item.signatures = {{Key("a"), "ann"}, {Key("a2"), "ann"}, {Key("b"), "bob"}};
  EXPECT_EQ(Evaluate().decision, Decision::kAllow);
}

TEST_F(EvaluateTest, TellsThatAKeyWasRevoked) {
  GateItem& item = Add("acme/app");
  item.signatures = {{Key("a"), "ann"}};
  EXPECT_THAT(Only().message, ::testing::Not(HasSubstr("revoked")));
  item.revoked_keys = {Key("b"), Key("b")};
  EXPECT_THAT(Only().message, HasSubstr("1 of the 2"));
  EXPECT_THAT(Only().message, HasSubstr("; its key " + Key("b").ToString() + " was revoked"));
  const Finding once = Only();
  item.revoked_keys = {Key("b"), Key("c"), Key("d"), Key("e"), Key("f"), Key("g")};
  EXPECT_THAT(Only().message, HasSubstr(" and 2 more were revoked"));
  const Finding many = Only();
  std::reverse(item.revoked_keys.begin(), item.revoked_keys.end());
  EXPECT_EQ(Only(), many) << "depends on the order of the input";
  EXPECT_NE(once.message, many.message);
  item.signatures.push_back({Key("h"), "hal"});
  EXPECT_EQ(Evaluate().decision, Decision::kAllow) << "revoked keys do not take votes away";
}

// What clients would refuse by the trust root, the gate does not allow, whatever its policy asks.
TEST_F(EvaluateTest, DeniesWhatTheTrustRootDoesNotLetBePublished) {
  policy_.signature_threshold = 1;
  GateItem& item = Add("acme/app");
  item.signatures = {{Key("a"), "ann"}};
  EXPECT_EQ(Evaluate().decision, Decision::kAllow);
  item.trust_fault = "1 of 2 different holders of the role publisher have signed";
  item.revoked_keys = {Key("b")};
  EXPECT_EQ(Only().rule, "signature.trust");
  EXPECT_THAT(Only().message, HasSubstr("1 of 2 different holders"));
  EXPECT_THAT(Only().message, HasSubstr("was revoked"));
  item.signatures.clear();
  EXPECT_EQ(Only().rule, "signature.threshold") << "nobody at all is one finding";
}

// attack T5: clients would refuse everything, and so does the gate.
TEST_F(EvaluateTest, DeniesEverythingByARootThatHasExpired) {
  Add("acme/app").signatures = {{Key("a"), "ann"}, {Key("b"), "bob"}};
  EXPECT_EQ(Evaluate().decision, Decision::kAllow);
  input_.root_fault = "trust root 3 expired on 2027-01-01T00:00:00Z";
  EXPECT_THAT(Rules(), ElementsAre("trust.root-expired"));
  EXPECT_EQ(Evaluate().decision, Decision::kDeny);
  EXPECT_THAT(Evaluate().findings[0].remedy, HasSubstr("dml root renew"));
}

// attack 8: a zero that got past the parser still demands a signature.
TEST_F(EvaluateTest, ThresholdZeroIsOne) {
  policy_.signature_threshold = 0;
  Add("acme/app").signatures.clear();
  EXPECT_EQ(Only().rule, "signature.threshold");
}

TEST_F(EvaluateTest, LicenseRules) {
  Add("acme/app");
  for (auto [license, rule] : {std::pair{"SSPL-1.0", "license.denied"},
                               {"MIT AND SSPL-1.0", "license.denied"},
                               {"ISC", "license.review"},
                               {"LicenseRef-x", "license.review"},
                               {"NOASSERTION", "license.review"},
                               {"NONE", "license.review"},
                               {"", "license.review"},
                               {"Unheard-Of", "license.review"},
                               {"MIT AND ISC", "license.review"}}) {
    last_spec().declared_license = license;
    EXPECT_EQ(Only().rule, rule) << license;
  }
  EXPECT_THAT(Only().message, HasSubstr("ISC"));
  EXPECT_THAT(Only().remedy, HasSubstr("licenses.allow"));
  last_spec().declared_license = "NOASSERTION";
  EXPECT_THAT(Only().remedy, HasSubstr("declares it")) << "no policy may allow NOASSERTION";
  last_spec().declared_license = "MIT OR SSPL-1.0";
  EXPECT_EQ(Evaluate().decision, Decision::kAllow);
  EXPECT_THAT(Rules(), ElementsAre("license.chosen", "license.denied"));
  for (const Finding& finding : Evaluate().findings) {
    EXPECT_EQ(finding.severity, Severity::kInfo) << "the branch that is not taken is told only";
  }
}

// Rules with conditions go by the context that the policy gives the package where it is to go.
TEST_F(EvaluateTest, LicensesAreJudgedInTheirContext) {
  policy_ = *ParsePolicy(std::string(kPolicy) + R"(
  rules:
    - {id: inside, outcome: ALLOW_WITH_OBLIGATIONS, licenses: [GPL-2.0-only],
       obligations: [notice], when: {provisions: [INTERNAL]}}
  contexts:
    - {environment: production/eu, package: "acme/tool-*", provision: INTERNAL}
    - {environment: staging, provision: INTERNAL}
)");
  auto decide = [&](const char* environment, const char* package) {
    input_.environment = environment;
    input_.items.clear();
    Add(package);
    last_spec().declared_license = "GPL-2.0-only";
    return Evaluate().decision;
  };
  EXPECT_EQ(decide("production/eu", "acme/app"), Decision::kDeny);
  EXPECT_THAT(Rules(), ElementsAre("license.review"));
  EXPECT_EQ(decide("production/eu", "acme/tool-a"), Decision::kAllow);
  EXPECT_EQ(decide("production/eu/site-1", "acme/tool-a"), Decision::kAllow);
  EXPECT_EQ(decide("production/europe", "acme/tool-a"), Decision::kDeny);
  EXPECT_EQ(decide("staging", "acme/app"), Decision::kAllow);
}

TEST_F(EvaluateTest, WaiversAreForOnePlaceAndATime) {
  policy_ = *ParsePolicy(std::string(kPolicy) + R"(
  waivers:
    - {id: legal-17, license: SSPL-1.0, package: "acme/db-*", reason: replaced soon, author: ann,
       expires: "2026-06-01T00:00:00Z"}
)");
  Add("acme/db-a");
  last_spec().declared_license = "SSPL-1.0";
  input_.time = *ParseTime("2026-05-31T23:59:59Z");
  const GateResult waived = Evaluate();
  EXPECT_EQ(waived.decision, Decision::kAllow);
  ASSERT_EQ(waived.findings.size(), 1u) << "a waiver that was used is told";
  EXPECT_EQ(waived.findings[0].rule, "license.waived");
  EXPECT_EQ(waived.findings[0].severity, Severity::kWarning);
  EXPECT_THAT(waived.findings[0].message, HasSubstr("'legal-17' of ann"));
  input_.time = *ParseTime("2026-06-01T00:00:00Z");
  EXPECT_EQ(Evaluate().decision, Decision::kDeny);
  EXPECT_THAT(Rules(), ElementsAre("license.denied", "license.waiver-expired"));
  input_.items.clear();
  input_.time = {};
  Add("acme/app");
  last_spec().declared_license = "SSPL-1.0";
  EXPECT_THAT(Rules(), ElementsAre("license.denied"));
}

TEST_F(EvaluateTest, CompatibilityRules) {
  Add("acme/app");
  Require("acme/base", "vers:semver/>=2.0.0");
  Finding missing = Only();
  EXPECT_EQ(missing.rule, "compatibility.requirement-missing");
  EXPECT_THAT(missing.message, HasSubstr("Depends: line"));
  PackageSpec& app = last_spec();
  Add("acme/base", "1.5.0");
  EXPECT_THAT(Rules(), ElementsAre("compatibility.wrong-version"));
  EXPECT_THAT(Evaluate().findings[0].message, HasSubstr("1.5.0"));
  app.requires_all.clear();
  app.conflicts = {{{RelationKind::kPackage, "acme/base", VersionRange::All()}}};
  EXPECT_THAT(Rules(), ElementsAre("compatibility.conflict"));
  app.conflicts.swap(app.breaks);
  EXPECT_THAT(Rules(), ElementsAre("compatibility.breaks"));
  app.breaks.clear();
  Add("acme/base", "1.6.0");
  EXPECT_THAT(Rules(), ElementsAre("compatibility.two-versions"));
}

TEST_F(EvaluateTest, NotProvenIsWhatThePolicySays) {
  Add("acme/app");
  Require("acme/base", "vers:deb/>=2");
  Add("acme/base", "2.0.0");
  EXPECT_THAT(Rules(), ElementsAre("compatibility.not-proven"));
  EXPECT_EQ(Evaluate().decision, Decision::kDeny) << "unknown is never allowed";
  policy_.on_not_proven = NotProvenAction::kWarn;
  GateResult result = Evaluate();
  EXPECT_EQ(result.decision, Decision::kAllow);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].severity, Severity::kWarning);
  input_.policy = nullptr;
  EXPECT_EQ(Evaluate().findings[0].severity, Severity::kError);
}

TEST_F(EvaluateTest, TellsEveryReasonInOneStableOrder) {
  Add("other/app").signatures.clear();
  last_spec().declared_license = "SSPL-1.0";
  input_.items.back().state = ItemState::kWithdrawn;
  Require("acme/none", "vers:semver/*");
  last_spec().conflicts = {{{RelationKind::kPackage, "acme/evil-x", VersionRange::All()}}};
  Add("acme/evil-x").signatures.clear();
  Add("acme/gone").state = ItemState::kNotFound;
  input_.items.back().spec = nullptr;
  GateResult first = Evaluate();
  std::vector<std::string> rules;
  for (const Finding& finding : first.findings) rules.push_back(finding.rule);
  EXPECT_THAT(rules, ElementsAre("compatibility.conflict", "compatibility.requirement-missing",
                                 "content.denied", "content.namespace", "content.not-found",
                                 "content.withdrawn", "license.denied", "signature.threshold",
                                 "signature.threshold"));
  unsigned seed = 20240615;
  std::mt19937 random(seed);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(input_.items.begin(), input_.items.end(), random);
    EXPECT_EQ(Evaluate().findings, first.findings) << "seed " << seed;
  }
  for (size_t i = 0; i < 3; ++i) input_.items.push_back(GateItem(input_.items[i]));
  EXPECT_EQ(Evaluate().findings, first.findings) << "naming items twice changes nothing";
}

TEST(DecisionTest, Names) {
  EXPECT_EQ(DecisionName(Decision::kAllow), "ALLOW");
  EXPECT_EQ(DecisionName(Decision::kDeny), "DENY");
  EXPECT_EQ(GateResult{}.decision, Decision::kDeny);
}

}  // namespace
}  // namespace dml
