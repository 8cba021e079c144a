// Overrides: who may set what aside, for how long, and what the gate makes of it.
#include "storage/library/overrides.h"

#include <gtest/gtest.h>

#include "core/evidence/override_claim.h"
#include "storage/library/release_decision.h"
#include "storage/views/projector.h"
#include "tests/support/release_world.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::ReleaseWorld;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
timing: [{zone: UTC, freezes: [{from: "2026-01-01T00:00:00", until: "2026-02-01T00:00:00", reason: holidays}]}]
override: [{rules: ["timing.*"], approvers: 1, longestHours: 8}]
)";

class OverridesTest : public ::testing::Test, protected ReleaseWorld {
 protected:
  OverridesTest() {
    release_ = Seal("1.0.0");
    const std::string policy(kPolicy);
    Do(PolicySet{"production", {Sha256(policy), policy.size()}, ""}, {policy});
    claim_.environment = "production/eu";
    claim_.rules = {"timing.*"};
    claim_.requester = dora.public_key().id();
    claim_.reason = "the shop is down";
    claim_.expires = *ParseTime("2026-01-01T06:00:00Z");
  }

  std::string EnvelopeBy(const std::vector<const PrivateKey*>& keys) {
    const std::string payload =
        *FormatClaim(kOverridePredicate, {"", release_}, FormatOverrideClaim(claim_));
    std::vector<const Signer*> signers(keys.begin(), keys.end());
    return FormatEnvelope(*SignEnvelope(kInTotoPayloadType, payload, signers));
  }
  std::string Override(const std::vector<const PrivateKey*>& keys) {
    return Try(PrepareOverride(*library->Read(), *library.Domain(), release_, EnvelopeBy(keys)));
  }
  ReleaseVerdict Evaluate(Timestamp time) {
    TrustCache trust;
    PolicyCache policies;
    const auto decision = EvaluateReleaseGate(*library->Read(), trust, policies,
                                              {release_, "production/eu", time, ""});
    EXPECT_TRUE(decision.ok()) << decision.status();
    return decision.ok() ? decision->verdict : ReleaseVerdict();
  }
  static std::vector<std::string> Rules(const ReleaseVerdict& verdict, Severity severity) {
    std::vector<std::string> out;
    for (const Finding& finding : verdict.findings) {
      if (finding.severity == severity) out.push_back(finding.rule);
    }
    return out;
  }

  Digest release_;
  OverrideClaim claim_;
};

TEST_F(OverridesTest, SetsAsideForAWhileWhatThePolicyLets) {
  const Timestamp in_time = *ParseTime("2026-01-01T01:00:00Z");
  EXPECT_EQ(Rules(Evaluate(in_time), Severity::kError),
            (std::vector<std::string>{"approval.missing", "timing.freeze"}));
  ASSERT_EQ(Override({&dora, &amy}), "") << last;
  const ReleaseVerdict verdict = Evaluate(in_time);
  EXPECT_EQ(Rules(verdict, Severity::kError), (std::vector<std::string>{"approval.missing"}));
  EXPECT_EQ(Rules(verdict, Severity::kWarning),
            (std::vector<std::string>{"override.used", "timing.freeze"}));
  EXPECT_EQ(Rules(Evaluate(claim_.expires), Severity::kError),
            (std::vector<std::string>{"approval.missing", "timing.freeze"}))
      << "it has ended";
  ExpectViewsFollow();
}

// attack: agreeing with oneself, under one key or two.
TEST_F(OverridesTest, WhoAsksDoesNotAgree) {
  EXPECT_EQ(Override({&dora}), "SIGNATURE_MISSING");
  EXPECT_EQ(Override({&dora, &tim}), "SIGNATURE_MISSING") << "a tester approves nothing";
  EXPECT_EQ(Override({&amy, &ann}), "SIGNATURE_MISSING") << "who asks has not signed";
  claim_.requester = amy.public_key().id();
  EXPECT_EQ(Override({&amy}), "SIGNATURE_MISSING");
  const PrivateKey second = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library.Register(second, "amy", "approver", "*");
  ASSERT_EQ(Override({&amy, &second}), "") << last;
  EXPECT_EQ(Rules(Evaluate(*ParseTime("2026-01-01T01:00:00Z")), Severity::kError),
            (std::vector<std::string>{"approval.missing", "timing.freeze"}))
      << "one person with two keys is one person";
}

TEST_F(OverridesTest, NeverIntegrityNorForLongNorWithoutReason) {
  claim_.rules = {"content.withdrawn"};
  EXPECT_EQ(Override({&dora, &amy}), "CLAIM_INVALID");
  claim_.rules = {"*"};
  EXPECT_EQ(Override({&dora, &amy}), "CLAIM_INVALID");
  claim_.rules = {};
  EXPECT_EQ(Override({&dora, &amy}), "CLAIM_INVALID");
  claim_.rules = {"timing.*", "timing.*"};
  EXPECT_EQ(Override({&dora, &amy}), "CLAIM_INVALID");
  claim_.rules = {"timing.*"};
  claim_.reason = "";
  EXPECT_EQ(Override({&dora, &amy}), "CLAIM_INVALID");
  claim_.reason = "why";
  claim_.expires = *ParseTime("2026-01-02T06:00:00Z");
  EXPECT_EQ(Override({&dora, &amy}), "OVERRIDE_INVALID") << "longer than a day";
  claim_.expires = *ParseTime("2026-01-01T00:00:00Z");
  EXPECT_EQ(Override({&dora, &amy}), "OVERRIDE_INVALID") << "over already";
  claim_.expires = *ParseTime("2026-01-01T12:00:00Z");
  ASSERT_EQ(Override({&dora, &amy}), "") << last;
  EXPECT_EQ(Rules(Evaluate(*ParseTime("2026-01-01T01:00:00Z")), Severity::kWarning),
            std::vector<std::string>())
      << "longer than the policy lets it be";
  EXPECT_EQ(Override({&dora, &amy}), "RELEASE_ENVELOPE_EXISTS") << "replayed";
}

TEST_F(OverridesTest, IsForOneReleaseAndOnePlace) {
  const std::string envelope = EnvelopeBy({&dora, &amy});
  const Digest other = Seal("1.1.0");
  EXPECT_EQ(Try(PrepareOverride(*library->Read(), *library.Domain(), other, envelope)),
            "SUBJECT_UNEXPECTED");
  claim_.environment = "nowhere";
  EXPECT_EQ(Override({&dora, &amy}), "ENVIRONMENT_NOT_FOUND");
  claim_.environment = "staging";
  ASSERT_EQ(Override({&dora, &amy}), "") << last;
  EXPECT_EQ(Rules(Evaluate(*ParseTime("2026-01-01T01:00:00Z")), Severity::kError),
            (std::vector<std::string>{"approval.missing", "timing.freeze"}))
      << "it is for another place";
}

}  // namespace
}  // namespace dml
