#include "core/license/licensing.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

constexpr std::string_view kDocument = R"({"bomFormat": "CycloneDX", "specVersion": "1.6",
  "metadata": {"component": {"name": "shop"}},
  "components": [
    {"group": "acme", "name": "db", "version": "9", "purl": "pkg:generic/acme/db@9", "licenses": [
      {"license": {"name": "DB terms", "licensing": {
        "altIds": ["L-17"], "licensor": {"organization": {"name": "DB Inc."}},
        "purchaseOrder": "PO-4711", "licenseTypes": ["perpetual", "node-locked", "named-user"],
        "lastRenewal": "2026-01-01T00:00:00.250Z", "expiration": "2027-01-01T00:00:00Z"}}}],
     "components": [{"name": "part", "licenses": [
       {"license": {"id": "MIT"}},
       {"license": {"name": "P", "licensing": {"licensor": {"individual": {"name": "Ann"}},
                                               "licenseTypes": ["evaluation"]}}}]}]},
    {"name": "free", "licenses": [{"expression": "MIT OR ISC"}]}]})";

TEST(LicensingTest, ReadsTermsOfComponentsAndWhatIsInsideThem) {
  const auto terms = ReadLicensing(kDocument);
  ASSERT_TRUE(terms.ok()) << terms.status();
  ASSERT_EQ(terms->size(), 2u);
  const LicensingTerms& db = terms->front();
  EXPECT_EQ(db.product, "acme/db");
  EXPECT_EQ(db.purl, "pkg:generic/acme/db@9");
  EXPECT_EQ(db.ids, std::vector<std::string>{"L-17"});
  EXPECT_EQ(db.vendor, "DB Inc.");
  EXPECT_EQ(db.purchase_order, "PO-4711");
  EXPECT_EQ(db.metric, SeatMetric::kNode) << "the first that counts something";
  EXPECT_EQ(db.start, *ParseTime("2026-01-01T00:00:00Z"));
  EXPECT_EQ(db.expiry, *ParseTime("2027-01-01T00:00:00Z"));
  EXPECT_EQ(terms->back().product, "part");
  EXPECT_EQ(terms->back().vendor, "Ann");
  EXPECT_EQ(terms->back().metric, std::nullopt);
  EXPECT_EQ(terms->back().expiry, std::nullopt);
}

TEST(LicensingTest, TypesThatCountSomethingAreMetrics) {
  const std::pair<const char*, SeatMetric> known[] = {
      {"node-locked", SeatMetric::kNode},        {"device", SeatMetric::kNode},
      {"appliance", SeatMetric::kInstance},      {"core-points", SeatMetric::kCore},
      {"processor-points", SeatMetric::kSocket}, {"named-user", SeatMetric::kNamedUser},
      {"user", SeatMetric::kNamedUser},          {"concurrent-user", SeatMetric::kConcurrent},
      {"subscription", SeatMetric::kTerm}};
  for (const auto& [type, metric] : known) EXPECT_EQ(MetricOfLicenseType(type), metric) << type;
  for (const char* type : {"academic", "client-access", "custom-metric", "evaluation", "oem",
                           "perpetual", "other", "", "Node-locked"}) {
    EXPECT_EQ(MetricOfLicenseType(type), std::nullopt) << type;
  }
}

TEST(LicensingTest, RefusesOtherDocumentsNamingThePlace) {
  const std::pair<std::string, std::string> wrong[] = {
      {"", "line 1"},
      {"[]", "expected an object"},
      {R"({"spdxVersion": "SPDX-2.3"})", "expected CycloneDX"},
      {R"({"bomFormat": "CycloneDX", "specVersion": "1.4"})", "expected CycloneDX 1.5"},
      {R"({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": {}})", "components"},
      {R"({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a",
           "licenses": [{"license": {"licensing": {"expiration": "soon"}}}]}]})",
       "components[0].licenses[0].license.licensing.expiration"},
      {R"({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a",
           "licenses": [{"license": {"licensing": {"licenseTypes": "user"}}}]}]})",
       "licenseTypes"},
      {R"({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
           {"licenses": [{"license": {"licensing": {}}}]}]})",
       "needs a name"}};
  for (const auto& [text, place] : wrong) {
    const absl::Status status = ReadLicensing(text).status();
    EXPECT_EQ(Reason(status), "SBOM_INVALID") << text;
    EXPECT_NE(Message(status).find(place), std::string::npos) << status << " lacks " << place;
  }
}

}  // namespace
}  // namespace dml
