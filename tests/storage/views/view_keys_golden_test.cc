// The keys of view rows. A change here needs a new kViewVersion, so that libraries rebuild.
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "storage/views/advisory_keys.h"
#include "storage/views/license_keys.h"
#include "storage/views/permit_keys.h"
#include "storage/views/relation_keys.h"
#include "storage/views/release_keys.h"
#include "storage/views/rollout_keys.h"
#include "storage/views/seat_keys.h"
#include "storage/views/view_keys.h"
#include "tests/storage/wire/sample_entries.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

constexpr char kPermitId[] = "9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11";

using testing::SampleVariant;
using view_keys::Row;

// One key of each row kind, by name.
std::vector<std::pair<std::string, std::string>> SampleKeys() {
  const VariantName name = SampleVariant();
  const Version version = *Version::Parse(VersionScheme::kSemver, name.version);
  return {
      {"namespace", view_keys::Namespace("acme")},
      {"package", view_keys::Package(name.package)},
      {"variant", view_keys::Variant(name.package, version, name.platform)},
      {"attestation", view_keys::Attestation(name, Sha256("envelope"))},
      {"license",
       view_keys::License(view_keys::LicenseFacet::kName, std::string("GPL-2.0-or-later"), name)},
      {"license-name", view_keys::EveryLicenseName("GPL-2.0-or-later")},
      {"relation",
       view_keys::Declared(view_keys::RelationRangePrefix(RelationKind::kPackage, "acme/db",
                                                          *VersionRange::ParseVers("vers:deb/0")),
                           name, 7)},
      {"provides",
       view_keys::Declared(view_keys::ProvisionPrefix(RelationKind::kService, "payments-v2",
                                                      *Version::Parse(VersionScheme::kDeb, "0")),
                           name, 0)},
      {"key", view_keys::Key(Sha256("spki"))},
      {"environment", view_keys::Environment("production/eu")},
      {"node", view_keys::Node("production/eu", "web-1")},
      {"policy-history", view_keys::PolicyRevision("production", 300)},
      {"policy", view_keys::Policy("production")},
      {"request", view_keys::Request("spiffe://x/pat", "9f8b2c44")},
      {"request-by-time", view_keys::RequestByTime(1767225600123456, "spiffe://x/pat", "9f8b2c44")},
      {"stamp", view_keys::Stamp("policy/production")},
      {"retention", view_keys::Retention("acme")},
      {"root", view_keys::Root(7)},
      {"delegation", view_keys::Delegation({"acme", "tools"})},
      {"grant", view_keys::Grant("spiffe://x/pat", "publisher", "namespaces/acme")},
      {"token", view_keys::Token("6f1d0c2a")},
      {"hold", view_keys::Hold(name, "case-4711")},
      {"media", view_keys::Media("acme/os-dvd-7")},
      {"custody", view_keys::Custody("acme/os-dvd-7", 300)},
      {"permit", view_keys::Permit("9f8b2c44")},
      {"signature", view_keys::Signature(Sha256("spki"), 300, Sha256("envelope"))},
      {"media-content",
       view_keys::MediaContentPrefix(Sha256("contract")).String("acme/os-dvd-7").Build()},
      {"entitlement", view_keys::Entitlement("db-2026")},
      {"seat-usage", view_keys::SeatUsage("db-2026")},
      {"lease", view_keys::Lease("9f8b2c44", 1)},
      {"lease-end", view_keys::LeaseEnd("db-2026", 1767225600123456, "9f8b2c44", 1)},
      {"lease-of", view_keys::LeaseOf("db-2026", "9f8b2c44", 1)},
      {"license-data", view_keys::LicenseData(LicenseDataKind::kMatrix, 3)},
      {"release", view_keys::Release(Sha256("release"))},
      {"release-name", view_keys::ReleaseName("payments", "2.4.0")},
      {"release-envelope", view_keys::ReleaseEnvelope(Sha256("release"), Sha256("seal"))},
      {"deployment", view_keys::Deployment(Sha256("release"), "production/eu")},
      {"deployment-in", view_keys::DeploymentIn("production/eu", Sha256("release"))},
      {"advisory", view_keys::Advisory("DSA-5678-1", 300)},
      {"advisory-of", view_keys::AdvisoryOf(name.package, "DSA-5678-1")},
      {"permit-of",
       view_keys::PermitOf(Sha256("release"), "production/eu", 1767312000000000, kPermitId)},
      {"permit-in", view_keys::PermitIn("production/eu", 1767312000000000, kPermitId)},
      {"permit-use", view_keys::PermitUse(kPermitId, "web-1")},
      {"revoked-permit", view_keys::RevokedPermit(1767312000000000, kPermitId)},
      {"revocation-count", view_keys::RevocationCount()},
      {"rollout", view_keys::Rollout("production/eu", Sha256("release"))},
      {"rollout-node", view_keys::RolloutNode("production/eu", Sha256("release"),
                                              "environments/production/eu/nodes/web-1")},
      {"rollout-open", view_keys::RolloutOpen("production/eu", Sha256("release"))},
      {"reevaluation", view_keys::Reevaluation("production/eu", Sha256("release"))},
  };
}

TEST(ViewKeysGoldenTest, LicensesAndPartsOfThem) {
  using view_keys::LicenseFacet;
  const VariantName name = SampleVariant();
  const LicenseExpression expression = *LicenseExpression::Parse(
      "MIT AND (ISC OR GPL-2.0+ WITH Classpath-exception-2.0)", BundledLicenseList());
  std::string now;
  for (const LicenseKey& key : TermsOf(expression).licenses) {
    now += HexEncode(AsBytes(view_keys::License(LicenseFacet::kLicense, key, name))) + "\n";
  }
  now += HexEncode(AsBytes(
             view_keys::License(LicenseFacet::kPart, LicensePartDigest(expression), name))) +
         "\n";
  EXPECT_EQ(now, testing::GoldenText("journal/license-keys.txt", now));
}

TEST(ViewKeysGoldenTest, EveryRowKind) {
  std::string now;
  uint8_t row = 0;
  for (const auto& [name, key] : SampleKeys()) {
    EXPECT_GE(static_cast<uint8_t>(key[0]), row) << name;
    row = static_cast<uint8_t>(key[0]);
    now += name + " " + HexEncode(AsBytes(key)) + "\n";
  }
  EXPECT_EQ(row, static_cast<uint8_t>(Row::kReevaluation)) << "a row kind has no golden key";
  EXPECT_EQ(now, testing::GoldenText("journal/view-keys.txt", now));
}

}  // namespace
}  // namespace dml
