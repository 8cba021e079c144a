// Which vulnerabilities a version has, by advisories less statements that clear it.
#include "core/compat/vulnerabilities.h"

#include <gmock/gmock.h>

#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeVersion;

const PackageName kLib{"acme", "lib"};
Timestamp Day(int day) { return *ParseTime("2026-01-01T00:00:00Z") + std::chrono::hours(24 * day); }

class VulnerabilitiesTest : public ::testing::Test {
 protected:
  Advisory& Add(const std::string& id, const std::string& range, AdvisoryEffect effect) {
    auto advisory = std::make_shared<Advisory>();
    advisory->id = id;
    advisory->revision = 1;
    advisory->authority = "security";
    advisory->effect = effect;
    advisory->affects = {{kLib, VersionRange::ParseVers(range).value()}};
    advisory->text = "leaks";
    owned_.push_back(advisory);
    known_.push_back({{advisory, {"sue"}}, Day(10)});
    return *advisory;
  }
  Advisory& Report(const std::string& id, const std::string& range) {
    Advisory& out = Add(id, range, AdvisoryEffect::kReport);
    out.severity = AdvisorySeverity::kHigh;
    return out;
  }
  Advisory& Clear(const std::string& names, const std::string& range) {
    Advisory& out = Add("VEX-" + names, range, AdvisoryEffect::kRelax);
    out.relaxes = {{Relaxation::Kind::kAdvisory, names, RelationKind::kPackage, ""}};
    return out;
  }
  std::vector<OpenVulnerability> Of(std::string_view version) {
    return FindVulnerabilities(kLib, MakeVersion(version), known_, Day(20));
  }
  // "ID" or "ID cleared" of each.
  std::vector<std::string> Ids(std::string_view version) {
    std::vector<std::string> out;
    for (const OpenVulnerability& item : Of(version)) {
      out.push_back(item.id + (item.not_affected.empty() ? "" : " cleared"));
    }
    return out;
  }

  std::vector<std::shared_ptr<Advisory>> owned_;
  std::vector<KnownAdvisory> known_;
};

using ::testing::ElementsAre;

TEST_F(VulnerabilitiesTest, AreThoseOfTheVersionInForce) {
  Report("B", "vers:deb/<2");
  Add("A", "vers:deb/<3", AdvisoryEffect::kDeny);
  Add("C", "vers:all/*", AdvisoryEffect::kSupersede);
  Report("D", "vers:all/*").withdrawn = "an error";
  Report("E", "vers:all/*").valid_until = Day(20);
  Report("F", "vers:all/*").affects[0].package.name = "other";
  EXPECT_THAT(Ids("1"), ElementsAre("A", "B"));
  EXPECT_THAT(Ids("2"), ElementsAre("A"));
  EXPECT_THAT(Ids("3"), IsEmpty());
}

TEST_F(VulnerabilitiesTest, AStatementClearsExactlyWhatItNames) {
  Report("CVE-1", "vers:deb/<9");
  Report("GHSA-2", "vers:deb/<9").aliases = {"CVE-2"};
  Clear("CVE-1", "vers:deb/1");
  Clear("CVE-2", "vers:deb/2");
  EXPECT_THAT(Ids("1"), ElementsAre("CVE-1 cleared", "GHSA-2"));
  EXPECT_THAT(Ids("2"), ElementsAre("CVE-1", "GHSA-2 cleared"));
  EXPECT_THAT(Ids("3"), ElementsAre("CVE-1", "GHSA-2"));
  EXPECT_THAT(Of("1")[0].not_affected, HasSubstr("advisory VEX-CVE-1 of security, signed by sue"));
}

TEST_F(VulnerabilitiesTest, WhatIsNotInForceClearsNothing) {
  Report("CVE-1", "vers:all/*");
  Clear("CVE-1", "vers:all/*").valid_from = Day(21);
  Clear("CVE-1", "vers:all/*").withdrawn = "an error";
  EXPECT_THAT(Ids("1"), ElementsAre("CVE-1"));
}

TEST_F(VulnerabilitiesTest, AnotherSchemeAffectsAndClearsNothing) {
  Report("CVE-1", "vers:semver/<1.0.0");
  Clear("CVE-1", "vers:semver/<1.0.0");
  EXPECT_THAT(Ids("1"), ElementsAre("CVE-1"));
}

TEST_F(VulnerabilitiesTest, AreKnownFromWhenTheFirstSaidSo) {
  Report("A", "vers:all/*");
  Report("B", "vers:all/*").published = Day(5);
  Report("C", "vers:all/*").published = Day(15);  // Nobody is given time by a late date.
  const auto found = Of("1");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].published, Day(10));
  EXPECT_EQ(found[1].published, Day(5));
  EXPECT_EQ(found[2].published, Day(10));
  EXPECT_EQ(found[0].severity, AdvisorySeverity::kHigh);
}

}  // namespace
}  // namespace dml
