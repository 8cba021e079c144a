// What EvidenceCache reads of attestations, and what the gate makes of it.
#include "storage/library/license_evidence.h"

#include <gmock/gmock.h>

#include "core/evidence/claims.h"
#include "storage/library/decision.h"
#include "storage/library/preparation.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::Contains;
using testing::Envelope;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testing::SpecBuilder;
using testing::TestLibrary;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT, Zlib], deny: [GPL-3.0-only]}
)";

// A CycloneDX document about one component under these licenses (JSON).
std::string Bom(std::string_view licenses) {
  return fmt::format(
      R"({{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{{"component":
         {{"name":"app","bom-ref":"app","licenses":{}}}}}}})",
      licenses);
}

class LicenseEvidenceTest : public ::testing::Test {
 protected:
  LicenseEvidenceTest() {
    PackageSpec spec = SpecBuilder("acme/app", "1.0").Build();
    spec.declared_license = "MIT";
    EXPECT_TRUE(library_.Publish(spec).ok());
    name_ = testing::NameOf(spec);
    library_.Register(lawyer_, "lea", "license-data", "*");
    EXPECT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
    const std::string policy(kPolicy);
    EXPECT_TRUE(
        library_.Commit(PolicySet{"production", {Sha256(policy), policy.size()}, ""}, {policy})
            .ok());
  }

  VariantRecord Record() {
    return LibraryView(*library_->Read()).FindVariant(name_).value().value();
  }
  // The error's reason, "" where it was attached.
  std::string Attach(const PrivateKey& key, std::string_view type, const std::string& predicate) {
    auto command = PrepareAttach(*library_->Read(), *library_.Domain(), BundledLicenseList(), name_,
                                 Envelope(key, Record().manifest.digest, type, predicate));
    if (!command.ok()) return std::string(Reason(command.status()));
    command->author = "tester";
    return std::string(Reason(library_->Commit(*std::move(command)).status()));
  }
  std::string Observe(const std::string& bom) {
    return Attach(library_.publisher(), kCycloneDxPredicate, bom);
  }
  std::string Conclude(const std::string& license, const PrivateKey& key) {
    return Attach(key, kLicenseConclusionPredicate,
                  FormatLicenseConclusion({license, "looked at it"}));
  }
  LicenseEvidence Read() {
    const auto state = library_->Read();
    return cache_.Get(*state, library_.Domain().get(), list_, Record()).value();
  }
  // "DENY: license.denied license.chosen ..." of the gate.
  std::vector<std::string> Gate(Decision expected) {
    const auto state = library_->Read();
    const auto decision =
        EvaluateGate(*state, trust_, policies_, std::span(&name_, 1), "production");
    EXPECT_TRUE(decision.ok()) << decision.status();
    EXPECT_EQ(decision->result.decision, expected);
    std::vector<std::string> rules;
    for (const Finding& finding : decision->result.findings) rules.push_back(finding.rule);
    return rules;
  }

  TestLibrary library_;
  PrivateKey lawyer_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  VariantName name_;
  TrustCache trust_;
  PolicyCache policies_;
  EvidenceCache cache_;
  std::shared_ptr<const LicenseList> list_ =
      std::make_shared<const LicenseList>(BundledLicenseList());
};

TEST_F(LicenseEvidenceTest, AgreementAllowsAndSaysNothing) {
  EXPECT_THAT(Read().observed, IsEmpty());
  EXPECT_THAT(Gate(Decision::kAllow), IsEmpty());
  ASSERT_EQ(Observe(Bom(R"([{"license":{"id":"MIT"}}])")), "");
  const LicenseEvidence evidence = Read();
  ASSERT_THAT(evidence.observed, SizeIs(1));
  EXPECT_THAT(evidence.observed[0].source, HasSubstr("attestation sha256:"));
  EXPECT_EQ(evidence.observed[0].expression.ToString(), "MIT");
  EXPECT_EQ(Read().observed, evidence.observed) << "from memory";
  EXPECT_THAT(Gate(Decision::kAllow), IsEmpty());
}

TEST_F(LicenseEvidenceTest, AnUndeclaredLicenseCountsUntilAPersonConcludes) {
  ASSERT_EQ(Observe(Bom(R"([{"expression":"MIT AND GPL-3.0-only"}])")), "");
  auto rules = Gate(Decision::kDeny);
  EXPECT_THAT(rules, Contains("license.denied"));
  EXPECT_THAT(rules, Contains("license.observed-undeclared"));
  EXPECT_EQ(Conclude("MIT", library_.publisher()), "SIGNATURE_MISSING");
  ASSERT_EQ(Conclude("mit", lawyer_), "");
  rules = Gate(Decision::kAllow);
  EXPECT_THAT(rules, Contains("license.concluded"));
  EXPECT_THAT(rules, Contains("license.observed-undeclared"));
  const LicenseEvidence evidence = Read();
  ASSERT_TRUE(evidence.concluded.has_value());
  EXPECT_EQ(evidence.concluded->expression.ToString(), "MIT");
  EXPECT_EQ(evidence.concluded->author, "lea");
  ASSERT_EQ(Conclude("GPL-3.0-only", lawyer_), "");
  EXPECT_EQ(Read().concluded->expression.ToString(), "GPL-3.0-only") << "the newest";
  EXPECT_THAT(Gate(Decision::kDeny), Contains("license.denied"));
}

TEST_F(LicenseEvidenceTest, AConclusionCountsOnlyByWhoeverHasTheRoleNow) {
  ASSERT_EQ(Conclude("GPL-3.0-only", lawyer_), "");
  EXPECT_TRUE(Read().concluded.has_value());
  const auto state = library_->Read();
  EXPECT_FALSE(cache_.Get(*state, nullptr, list_, Record())->concluded.has_value());
  ASSERT_TRUE(library_.Commit(KeyRevoked{lawyer_.public_key().id(), "lost"}).ok());
  EXPECT_FALSE(Read().concluded.has_value());
}

TEST_F(LicenseEvidenceTest, WhatCannotBeReadIsUnderReview) {
  const std::string cyclic =
      R"({"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a","bom-ref":"a"},
         {"name":"b","bom-ref":"b"}],"dependencies":[{"ref":"a","dependsOn":["b"]},
         {"ref":"b","dependsOn":["a"]}]})";
  ASSERT_EQ(Observe(cyclic), "");
  LicenseEvidence evidence = Read();
  ASSERT_THAT(evidence.observed, SizeIs(1));
  EXPECT_THAT(evidence.observed[0].fault, HasSubstr("a -> b"));
  auto rules = Gate(Decision::kDeny);
  EXPECT_THAT(rules, Contains("license.observation-unread"));
  EXPECT_THAT(rules, Contains("license.review"));
  EXPECT_THAT(rules, Not(Contains("license.denied")));
}

TEST_F(LicenseEvidenceTest, TooManySbomsAreNotRead) {
  for (size_t i = 0; i <= kMaxSbomsOfVariant; ++i) {
    ASSERT_EQ(Observe(Bom(fmt::format(R"([{{"license":{{"id":"MIT"}}}}],"version":"{}")", i))), "");
  }
  const LicenseEvidence evidence = Read();
  ASSERT_THAT(evidence.observed, SizeIs(1));
  EXPECT_THAT(evidence.observed[0].fault, HasSubstr("more than 32"));
  EXPECT_THAT(Gate(Decision::kDeny), Contains("license.review"));
}

TEST_F(LicenseEvidenceTest, AConclusionThatMeansNothingIsRefused) {
  EXPECT_EQ(Conclude("MIT AND", lawyer_), "LICENSE_EXPRESSION_INVALID");
  EXPECT_EQ(Attach(lawyer_, kLicenseConclusionPredicate, R"({"license":"MIT"})"), "CLAIM_INVALID");
  EXPECT_EQ(Attach(lawyer_, kLicenseConclusionPredicate,
                   R"({"license":"MIT","reason":"r","unless":"x"})"),
            "CLAIM_INVALID");
  EXPECT_THAT(Read().concluded, ::testing::Eq(std::nullopt));
}

TEST(IsSbomPredicateTest, TakesVersionsAndNothingElse) {
  for (const char* type : {"https://spdx.dev/Document", "https://spdx.dev/Document/v2.3",
                           "https://cyclonedx.org/bom", "https://cyclonedx.org/bom/v1.6"}) {
    EXPECT_TRUE(IsSbomPredicate(type)) << type;
  }
  for (const char* type : {"", "https://spdx.dev/Documents", "https://cyclonedx.org/vex"}) {
    EXPECT_FALSE(IsSbomPredicate(type)) << type;
  }
}

}  // namespace
}  // namespace dml
