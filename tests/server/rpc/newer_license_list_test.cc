// A license list that is newer than the one built in: what only it knows is found, judged by
// policies and told in notices.
#include <gmock/gmock.h>

#include "tests/server/support/license_world.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kNewerList =
    R"({"version": "data", "licenses": ["MIT", "Newest-1.0-only", "Newest-1.0-or-later",
        "Newest-2.0-only"], "deprecatedLicenses": [], "exceptions": ["Newest-exception"],
        "deprecatedExceptions": [], "families": [["Newest-1.0-only", "Newest-2.0-only"]]})";

class NewerLicenseListTest : public testing::LicenseWorld {
 protected:
  void SetProductionPolicy() {
    SetPolicy("production", R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT, Newest-2.0-only]}
)");
  }
  std::string Evaluate(const std::string& variant) {
    v1::EvaluateLicenseRequest request;
    request.set_variant(variant);
    request.set_environment("environments/production");
    return Call(&Stub::EvaluateLicense, request, verdict_);
  }
  std::vector<std::string> Find(const std::string& name) {
    v1::FindPackagesByLicenseRequest request;
    request.set_license(name);
    v1::FindPackagesByLicenseResponse response;
    EXPECT_EQ(Call(&Stub::FindPackagesByLicense, request, response), "");
    std::vector<std::string> out;
    for (const auto& match : response.matches()) {
      out.push_back(VariantName::Parse(match.variant())->package.name);
    }
    return out;
  }
  std::vector<std::string> Unknown() {
    v1::FindPackagesByLicenseRequest request;
    request.set_unknown(true);
    v1::FindPackagesByLicenseResponse response;
    EXPECT_EQ(Call(&Stub::FindPackagesByLicense, request, response), "");
    std::vector<std::string> out;
    for (const auto& match : response.matches()) {
      out.push_back(VariantName::Parse(match.variant())->package.name);
    }
    return out;
  }

  v1::EvaluateLicenseResponse verdict_;
};

TEST_F(NewerLicenseListTest, ItsIdsAreKnownOnceItIsInForceAndVerdictsNameIt) {
  const std::string app = Publish("acme/app", "Newest-1.0-or-later");
  const std::string lib = Publish("acme/lib", "Newest-1.0-only WITH Newest-exception OR MIT");
  EXPECT_THAT(Unknown(), ElementsAre("lib", "app")) << "by its license or its exception";
  Load(LicenseDataKind::kList, std::string(kNewerList));
  SetProductionPolicy();
  EXPECT_THAT(Unknown(), IsEmpty());
  ASSERT_EQ(Evaluate(app), "");
  EXPECT_EQ(verdict_.outcome(), v1::LICENSE_OUTCOME_ALLOW) << "version 2.0 of it is allowed";
  EXPECT_EQ(verdict_.license_list_version(), "data");
  EXPECT_EQ(verdict_.expression(), "Newest-1.0-or-later");
  ASSERT_EQ(Evaluate(lib), "");
  EXPECT_EQ(verdict_.chosen(), "MIT");
  EXPECT_THAT(Find("newest-1.0-or-later"), ElementsAre("app"));
  EXPECT_THAT(Find("Newest-exception"), ElementsAre("lib"));
  v1::FindPackagesByLicenseRequest part;
  part.set_part("newest-1.0-only with newest-exception");
  v1::FindPackagesByLicenseResponse parts;
  ASSERT_EQ(Call(&Stub::FindPackagesByLicense, part, parts), "");
  EXPECT_EQ(parts.matches_size(), 1);
}

TEST_F(NewerLicenseListTest, WithoutItNothingIsAllowedByItsIds) {
  const std::string app = Publish("acme/app", "Newest-1.0-or-later");
  SetPolicy("production", R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
)");
  ASSERT_EQ(Evaluate(app), "");
  EXPECT_EQ(verdict_.outcome(), v1::LICENSE_OUTCOME_REVIEW) << "unknown is never allowed";
  EXPECT_EQ(verdict_.license_list_version(), BundledLicenseList().version());
}

TEST_F(NewerLicenseListTest, ItsIdsAreInReports) {
  const std::string app = Publish("acme/app", "Newest-1.0-only");
  Load(LicenseDataKind::kList, std::string(kNewerList));
  v1::GetLicenseReportRequest request;
  request.add_variants(app);
  v1::GetLicenseReportResponse response;
  ASSERT_EQ(Call(&Stub::GetLicenseReport, request, response), "");
  ASSERT_GE(response.items_size(), 2);
  EXPECT_EQ(response.items(0).component().license(), "Newest-1.0-only");
  EXPECT_EQ(response.items(response.items_size() - 1).missing_text(), "Newest-1.0-only");
  EXPECT_EQ(response.license_list_version(), "data");
}

}  // namespace
}  // namespace dml
