#include "core/evidence/override_claim.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

OverrideClaim Sample() {
  return {"production/eu",
          {"timing.*", "timing.freeze"},
          Sha256("key"),
          "the shop is down",
          *ParseTime("2027-03-01T12:00:00Z")};
}

TEST(OverrideClaimTest, IsWrittenInOneWay) {
  const std::string text = FormatOverrideClaim(Sample());
  EXPECT_EQ(text, R"({"environment":"production/eu","expires":"2027-03-01T12:00:00Z",)"
                  R"("reason":"the shop is down","requester":")" +
                      Sha256("key").ToString() + R"(","rules":["timing.*","timing.freeze"]})");
  EXPECT_EQ(*ParseOverrideClaim(text), Sample());
}

// attack: what might be read as more than was signed for.
TEST(OverrideClaimTest, RefusesWhatIsNotUnderstood) {
  const auto refused = [](OverrideClaim claim) {
    return Reason(ParseOverrideClaim(FormatOverrideClaim(claim)).status());
  };
  OverrideClaim claim = Sample();
  claim.rules = {};
  EXPECT_EQ(refused(claim), "CLAIM_INVALID");
  for (const char* rule : {"*", "content.*", "signature.threshold", "approval.missing", "policy.*",
                           "trust.root-expired", "override.used", "release.state", ""}) {
    claim.rules = {rule};
    EXPECT_EQ(refused(claim), "CLAIM_INVALID") << rule;
  }
  claim.rules = {"timing.freeze", "timing.closed"};
  EXPECT_EQ(refused(claim), "CLAIM_INVALID") << "not in order";
  claim.rules = {"timing.*", "timing.*"};
  EXPECT_EQ(refused(claim), "CLAIM_INVALID") << "twice";
  claim = Sample();
  claim.reason = std::string(kMaxOverrideReasonBytes + 1, 'x');
  EXPECT_EQ(refused(claim), "CLAIM_INVALID");
  claim = Sample();
  claim.environment = "Production";
  EXPECT_FALSE(ParseOverrideClaim(FormatOverrideClaim(claim)).ok());
  std::string text = FormatOverrideClaim(Sample());
  text.insert(1, R"("until":"ever",)");
  EXPECT_EQ(Reason(ParseOverrideClaim(text).status()), "CLAIM_INVALID");
  EXPECT_EQ(Reason(ParseOverrideClaim("[]").status()), "CLAIM_INVALID");
  EXPECT_EQ(Reason(ParseOverrideClaim(std::string(20 << 10, ' ')).status()), "CLAIM_INVALID");
}

}  // namespace
}  // namespace dml
