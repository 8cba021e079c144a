// OSV documents as advisories.
#include <gmock/gmock.h>

#include "tools/import/advisory_import.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// As GitHub's database has them.
constexpr std::string_view kGhsa = R"({
  "schema_version": "1.4.0", "id": "GHSA-c2qf-rxjj-qqgw",
  "modified": "2023-11-08T04:11:51.123456Z", "published": "2023-06-21T06:30:28Z",
  "aliases": ["CVE-2022-25883"], "summary": "semver vulnerable to ReDoS",
  "details": "Versions of the package semver before 7.5.2 are vulnerable.",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
  "affected": [
    {"package": {"ecosystem": "npm", "name": "semver", "purl": "pkg:npm/semver"},
     "ranges": [{"type": "SEMVER", "events": [{"introduced": "7.0.0"}, {"fixed": "7.5.2"}]}]},
    {"package": {"ecosystem": "npm", "name": "semver"},
     "ranges": [{"type": "SEMVER", "events": [{"introduced": "6.0.0"}, {"fixed": "6.3.1"}]}]}],
  "references": [{"type": "ADVISORY", "url": "https://nvd.nist.gov/vuln/detail/CVE-2022-25883"}],
  "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-1333"], "github_reviewed": true}})";

// As Debian's has them: a document for several releases, with every version told apart.
constexpr std::string_view kDebian = R"({
  "id": "DSA-5678-1", "modified": "2024-04-23T15:00:00Z", "published": "2024-04-23T00:00:00Z",
  "details": "glibc - security update", "upstream": ["CVE-2024-33599", "CVE-2024-33600"],
  "affected": [
    {"package": {"ecosystem": "Debian:11", "name": "glibc"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.31-13+deb11u10"}]}]},
    {"package": {"ecosystem": "Debian:12", "name": "glibc"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.36-9+deb12u7"}]}],
     "versions": ["2.36-9", "2.36-9+deb12u1", "2.37-1~exp1"],
     "ecosystem_specific": {"urgency": "high"}}]})";

AdvisoryImportOptions Into(std::map<std::string, std::string> map) {
  AdvisoryImportOptions out;
  out.map.namespaces = std::move(map);
  return out;
}

std::string WhyNot(std::string_view text) {
  AdvisoryImportOptions options;
  options.map.fallback = "all";
  const auto read = ReadOsv(text, options);
  return read.ok() ? "" : std::string(read.status().message());
}

// A document that affects one package.
std::string Affecting(const std::string& rest, const std::string& ecosystem = "npm",
                      const std::string& name = "lib") {
  return fmt::format(
      R"({{"id": "X-1", "modified": "2026-01-01T00:00:00Z", "affected": [{{"package": {{"ecosystem": )"
      R"("{}", "name": "{}"}}, {}}}]}})",
      ecosystem, name, rest);
}

AdvisoryImport ReadAffecting(const std::string& rest, const std::string& ecosystem = "npm",
                             const std::string& name = "lib") {
  AdvisoryImportOptions options;
  options.map.fallback = "all";
  const auto read = ReadOsv(Affecting(rest, ecosystem, name), options);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.value_or(AdvisoryImport());
}

std::string RangeOf(const AdvisoryImport& import) {
  if (import.advisories.size() != 1 || import.advisories[0].affects.size() != 1) return "none";
  return import.advisories[0].affects[0].range.ToVers();
}

TEST(OsvImportTest, OfGitHub) {
  const auto read = ReadOsv(kGhsa, Into({{"npm", "npm"}}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->unmapped, IsEmpty());
  ASSERT_THAT(read->advisories, SizeIs(1));
  const Advisory& advisory = read->advisories[0];
  EXPECT_EQ(advisory.id, "GHSA-c2qf-rxjj-qqgw");
  EXPECT_EQ(advisory.revision, 1699416711u) << "the second of its last change";
  EXPECT_EQ(advisory.authority, "OSV GHSA");
  EXPECT_EQ(advisory.effect, AdvisoryEffect::kReport);
  EXPECT_EQ(advisory.severity, AdvisorySeverity::kHigh);
  EXPECT_EQ(advisory.published, ParseTime("2023-06-21T06:30:28Z"));
  EXPECT_THAT(advisory.aliases, ElementsAre("CVE-2022-25883"));
  EXPECT_THAT(advisory.references, SizeIs(1));
  EXPECT_THAT(advisory.text, HasSubstr("ReDoS\n\nVersions"));
  ASSERT_THAT(advisory.affects, SizeIs(2));
  EXPECT_EQ(advisory.affects[0].package.ToString(), "npm/semver");
  EXPECT_EQ(advisory.affects[0].range.ToVers(), "vers:npm/>=7.0.0|<7.5.2");
  EXPECT_EQ(advisory.affects[1].range.ToVers(), "vers:npm/>=6.0.0|<6.3.1");
}

TEST(OsvImportTest, OfOneReleaseOfDebian) {
  const auto read = ReadOsv(kDebian, Into({{"Debian:12", "debian"}}));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_THAT(read->advisories, SizeIs(1));
  const Advisory& advisory = read->advisories[0];
  ASSERT_THAT(advisory.affects, SizeIs(1));
  EXPECT_EQ(advisory.affects[0].package.ToString(), "debian/glibc");
  const VersionRange& range = advisory.affects[0].range;
  for (const char* affected : {"2.36-9", "2.36-9+deb12u6", "2.37-1~exp1"}) {
    EXPECT_TRUE(range.Contains(*Version::Parse(VersionScheme::kDeb, affected))) << affected;
  }
  for (const char* fine : {"2.36-9+deb12u7", "2.37-1"}) {
    EXPECT_FALSE(range.Contains(*Version::Parse(VersionScheme::kDeb, fine))) << fine;
  }
  EXPECT_THAT(advisory.aliases, IsEmpty()) << "what it is about is no other name of it";
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("no namespace is given for Debian:11")));
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("CVE-2024-33600 is no other name of it")));
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("an unknown one counts as critical")));
}

TEST(OsvImportTest, NamesAreWrittenAsImportersOfPackagesDo) {
  const std::string range = R"("ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}])";
  EXPECT_EQ(ReadAffecting(range, "npm", "@angular/core").advisories[0].affects[0].package.name,
            "angular+core");
  EXPECT_EQ(ReadAffecting(range, "PyPI", "Flask_Login").advisories[0].affects[0].package.name,
            "flask-login");
  const AdvisoryImport none = ReadAffecting(range, "Go", "Github.com/A B");
  EXPECT_THAT(none.advisories, IsEmpty());
  EXPECT_THAT(none.unmapped, Contains(HasSubstr("affected[0] (Go Github.com/A B)")));
}

TEST(OsvImportTest, EventsMakeRanges) {
  const auto of = [](const std::string& events) {
    return RangeOf(ReadAffecting(R"("ranges": [{"type": "SEMVER", "events": [)" + events + "]}]"));
  };
  EXPECT_EQ(of(R"({"introduced": "0"})"), "vers:npm/*");
  EXPECT_EQ(of(R"({"fixed": "2.0.0"}, {"introduced": "1.0.0"})"), "vers:npm/>=1.0.0|<2.0.0");
  EXPECT_EQ(of(R"({"introduced": "0"}, {"last_affected": "1.2.0"})"), "vers:npm/<=1.2.0");
  EXPECT_EQ(of(R"({"introduced": "1.0.0"}, {"fixed": "1.1.0"}, {"introduced": "2.0.0"})"),
            "vers:npm/>=1.0.0|<1.1.0|>=2.0.0");
  EXPECT_EQ(of(R"({"introduced": "1.0.0"}, {"introduced": "1.5.0"}, {"fixed": "2.0.0"})"),
            "vers:npm/>=1.0.0|<2.0.0");
  EXPECT_EQ(of(R"({"introduced": "1.0.0"}, {"limit": "2.0.0"})"), "vers:npm/>=1.0.0")
      << "more rather than less";
}

// attack: what cannot be understood must not look harmless.
TEST(OsvImportTest, WhatCannotBeUnderstoodAffectsEveryVersion) {
  const AdvisoryImport bound = ReadAffecting(
      R"("ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "soon"}]}])");
  EXPECT_TRUE(bound.advisories.at(0).affects.at(0).range.IsAll());
  EXPECT_THAT(bound.unmapped, Contains(HasSubstr("every version counts as affected")));
  const AdvisoryImport scheme = ReadAffecting(
      R"("ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1"}]}])",
      "RubyGems");
  EXPECT_TRUE(scheme.advisories.at(0).affects.at(0).range.IsAll());
  const AdvisoryImport commits =
      ReadAffecting(R"("ranges": [{"type": "GIT", "events": [{"introduced": "abc"}]}])");
  EXPECT_TRUE(commits.advisories.at(0).affects.at(0).range.IsAll());
  std::string versions;
  for (int i = 0; i < 300; ++i) versions += fmt::format("{}\"{}.0.0\"", i > 0 ? "," : "", 2 * i);
  EXPECT_TRUE(ReadAffecting("\"versions\": [" + versions + "]")
                  .advisories.at(0)
                  .affects.at(0)
                  .range.IsAll());
  const AdvisoryImport odd = ReadAffecting(R"("versions": ["1.0.0", "one"])");
  EXPECT_EQ(RangeOf(odd), "vers:npm/1.0.0");
  EXPECT_THAT(odd.unmapped, Contains(HasSubstr("'one' is no version of scheme npm")));
}

TEST(OsvImportTest, ManyPackagesBecomeSeveralAdvisories) {
  std::string affected;
  for (int i = 0; i < 300; ++i) {
    affected += fmt::format(
        R"({}{{"package": {{"ecosystem": "npm", "name": "p{}"}}, "versions": ["1.0.0"]}})",
        i > 0 ? "," : "", i);
  }
  AdvisoryImportOptions options;
  options.map.fallback = "all";
  const auto read = ReadOsv(
      R"({"id": "X-1", "modified": "2026-01-01T00:00:00Z", "affected": [)" + affected + "]}",
      options);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_THAT(read->advisories, SizeIs(2));
  EXPECT_EQ(read->advisories[0].affects.size(), kMaxAdvisoryPackages);
  EXPECT_EQ(read->advisories[1].id, "X-1:2");
  EXPECT_THAT(read->advisories[1].aliases, ElementsAre("X-1")) << "so that VEX on X-1 counts";
  EXPECT_EQ(read->advisories[1].affects.size(), 300 - kMaxAdvisoryPackages);
}

TEST(OsvImportTest, SaysWhatIsWrong) {
  EXPECT_THAT(WhyNot("{"), HasSubstr("line 1"));
  EXPECT_THAT(WhyNot("[]"), HasSubstr("is an object with `affected`"));
  EXPECT_THAT(WhyNot(R"({"affected": []})"), HasSubstr("id"));
  EXPECT_THAT(WhyNot(R"({"id": "X-1", "affected": []})"), HasSubstr("modified"));
  EXPECT_THAT(WhyNot(R"({"id": "X 1", "modified": "2026-01-01T00:00:00Z", "affected": []})"),
              HasSubstr("no advisory's id"));
  EXPECT_THAT(WhyNot(R"({"id": "X-1", "modified": "yesterday", "affected": []})"),
              HasSubstr("'yesterday' is no RFC 3339 time"));
  EXPECT_THAT(WhyNot(R"({"id": "X-1", "modified": 7, "affected": []})"), HasSubstr("modified"));
  EXPECT_THAT(WhyNot(Affecting(R"("ranges": [7])")), HasSubstr("affected[0].ranges"));
  EXPECT_THAT(WhyNot(Affecting(R"("ranges": [{"type": "SEMVER", "events": [{"begun": "1"}]}])")),
              HasSubstr("'begun' is no event"));
  EXPECT_THAT(WhyNot(Affecting(R"("versions": {"1": 2})")), HasSubstr("expected an array"));
  EXPECT_THAT(WhyNot(R"({"id": "X-1", "id": "X-2", "affected": []})"), HasSubstr("id"));
  EXPECT_THAT(WhyNot(std::string(200, '[') + std::string(200, ']')), HasSubstr("deep"));
  EXPECT_THAT(WhyNot(std::string(kMaxAdvisoryImportBytes + 1, ' ')), HasSubstr("bytes"));
}

TEST(OsvImportTest, Withdrawn) {
  const auto read = ReadOsv(
      R"({"id": "X-1", "modified": "2026-01-02T00:00:00Z", "withdrawn": "2026-01-01T00:00:00Z",
          "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]})",
      Into({{"npm", "npm"}}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->advisories.at(0).withdrawn, HasSubstr("2026-01-01"));
}

// Scores of the specification's examples (first.org/cvss/v3.1/examples).
TEST(OsvImportTest, SeveritiesByCvss) {
  using advisory_import::SeverityOfCvss;
  EXPECT_EQ(SeverityOfCvss("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
            AdvisorySeverity::kCritical);  // 9.8
  EXPECT_EQ(SeverityOfCvss("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"),
            AdvisorySeverity::kLow);  // 3.1
  EXPECT_EQ(SeverityOfCvss("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N"),
            AdvisorySeverity::kMedium);  // 6.4
  EXPECT_EQ(SeverityOfCvss("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"),
            AdvisorySeverity::kHigh);  // 7.8
  EXPECT_EQ(SeverityOfCvss("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:H/E:U"),
            AdvisorySeverity::kHigh);  // 8.2
  for (const char* none :
       {"CVSS:3.1/AV:N", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "", "CVSS:3.1/"}) {
    EXPECT_EQ(SeverityOfCvss(none), AdvisorySeverity::kUnknown) << none;
  }
}

}  // namespace
}  // namespace dml
