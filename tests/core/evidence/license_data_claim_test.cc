#include <gtest/gtest.h>

#include "core/evidence/claims.h"

namespace dml {
namespace {

TEST(LicenseDataClaimTest, ReadsWhatItWrites) {
  const LicenseDataClaim claim{LicenseDataKind::kMatrix, "OSADL", 7};
  const std::string text = FormatLicenseDataClaim(claim);
  EXPECT_EQ(text, R"({"kind":"matrix","revision":7,"version":"OSADL"})");
  auto read = ParseLicenseDataClaim(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, claim);
}

TEST(LicenseDataClaimTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* text :
       {R"({"kind":"matrix","revision":0,"version":"OSADL"})",
        R"({"kind":"Matrix","revision":1,"version":"OSADL"})",
        R"({"kind":"policy","revision":1,"version":"OSADL"})",
        R"({"kind":"matrix","revision":1,"version":""})",
        R"({"kind":"matrix","revision":1,"version":"a\nb"})",
        R"({"kind":"matrix","revision":9007199254740992,"version":"OSADL"})",
        R"({"kind":"matrix","revision":1})", R"({"revision":1,"version":"OSADL"})",
        R"({"kind":"matrix","revision":1,"version":"OSADL","unless":"it rains"})", "[]", ""}) {
    EXPECT_EQ(Reason(ParseLicenseDataClaim(text).status()), "CLAIM_INVALID") << text;
  }
}

}  // namespace
}  // namespace dml
