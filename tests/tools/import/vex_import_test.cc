// CSAF and OpenVEX documents as advisories.
#include <gmock/gmock.h>

#include "tools/import/advisory_import.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

AdvisoryImportOptions Options() {
  AdvisoryImportOptions out;
  out.map.namespaces = {{"rpm/redhat", "rhel"}, {"deb", "debian"}};
  out.map.fallback = "acme";
  return out;
}

// As Red Hat has them, cut down.
constexpr std::string_view kCsaf = R"({
  "document": {
    "category": "csaf_vex", "csaf_version": "2.0", "title": "openssl: overflow",
    "publisher": {"category": "vendor", "name": "Red Hat", "namespace": "https://www.redhat.com"},
    "aggregate_severity": {"text": "Moderate"},
    "tracking": {"id": "CVE-2026-0001", "status": "final", "version": "3",
                 "initial_release_date": "2026-01-10T00:00:00+00:00",
                 "current_release_date": "2026-02-01T12:00:00+00:00"}},
  "product_tree": {
    "branches": [{"category": "vendor", "name": "Red Hat", "branches": [
      {"category": "product_name", "name": "RHEL", "product": {"product_id": "rhel-9", "name": "RHEL 9"}},
      {"category": "product_version", "name": "openssl-3.0.7-24.el9", "product": {
        "product_id": "openssl-old", "name": "openssl 3.0.7-24.el9",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/openssl@3.0.7-24.el9"}}},
      {"category": "product_version", "name": "openssl-3.0.7-25.el9", "product": {
        "product_id": "openssl-new", "name": "openssl 3.0.7-25.el9",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/openssl@3.0.7-25.el9"}}},
      {"category": "product_version_range", "name": "vers:rpm/<2.0", "product": {
        "product_id": "compat", "name": "compat-openssl",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/compat-openssl"}}}]}],
    "relationships": [{"category": "default_component_of", "product_reference": "openssl-new",
      "relates_to_product_reference": "rhel-9",
      "full_product_name": {"product_id": "rhel-9:openssl-new", "name": "openssl of RHEL 9"}}]},
  "vulnerabilities": [{
    "cve": "CVE-2026-0001", "ids": [{"system_name": "Red Hat Bugzilla ID", "text": "2211"}],
    "notes": [{"category": "description", "text": "A buffer overflow."}],
    "product_status": {"known_affected": ["openssl-old"], "fixed": ["rhel-9:openssl-new"],
                       "known_not_affected": ["compat"], "under_investigation": ["rhel-9"],
                       "recommended": ["openssl-new"]},
    "scores": [{"products": ["openssl-old"], "cvss_v3": {"version": "3.1", "baseScore": 7.5,
      "baseSeverity": "HIGH", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}],
    "references": [{"category": "self", "url": "https://access.redhat.com/security/cve/CVE-2026-0001"}]}]})";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(CsafImportTest, AffectedAndClearedProducts) {
  const auto read = ReadCsaf(kCsaf, Options());
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_THAT(read->advisories, SizeIs(2));
  const Advisory& affected = read->advisories[0];
  EXPECT_EQ(affected.id, "CVE-2026-0001:CVE-2026-0001:affected");
  EXPECT_EQ(affected.effect, AdvisoryEffect::kReport);
  EXPECT_EQ(affected.authority, "Red Hat");
  EXPECT_EQ(affected.severity, AdvisorySeverity::kHigh) << "of the score, before the document's";
  EXPECT_THAT(affected.aliases, ElementsAre("2211", "CVE-2026-0001"));
  EXPECT_EQ(affected.published, ParseTime("2026-01-10T00:00:00Z"));
  ASSERT_THAT(affected.affects, SizeIs(1));
  EXPECT_EQ(affected.affects[0].package.ToString(), "rhel/openssl");
  EXPECT_EQ(affected.affects[0].range.ToVers(), "vers:rpm/3.0.7-24.el9");
  const Advisory& cleared = read->advisories[1];
  EXPECT_EQ(cleared.effect, AdvisoryEffect::kRelax);
  ASSERT_THAT(cleared.relaxes, SizeIs(2));
  EXPECT_EQ(cleared.relaxes[0].advisory, "CVE-2026-0001");
  ASSERT_THAT(cleared.affects, SizeIs(2));
  EXPECT_EQ(cleared.affects[0].range.ToVers(), "vers:rpm/<2.0");
  EXPECT_EQ(cleared.affects[1].range.ToVers(), "vers:rpm/3.0.7-25.el9");
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("under investigation")));
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("'recommended' says neither")));
}

TEST(CsafImportTest, WhatCannotBeUnderstoodClearsNothing) {
  // A product without a package URL, a fix without a version, and a range that is none.
  const std::string nameless =
      Replaced(std::string(kCsaf), R"("fixed": ["rhel-9:openssl-new"])", R"("fixed": ["rhel-9"])");
  const auto read = ReadCsaf(nameless, Options());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->advisories.at(1).affects, SizeIs(1));
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("fixed (rhel-9)")));
  const auto unversioned = ReadCsaf(
      Replaced(std::string(kCsaf), "pkg:rpm/redhat/openssl@3.0.7-25.el9", "pkg:rpm/redhat/openssl"),
      Options());
  ASSERT_TRUE(unversioned.ok()) << unversioned.status();
  EXPECT_THAT(unversioned->unmapped, Contains(HasSubstr("names no version that is fixed")));
  EXPECT_THAT(unversioned->advisories.at(1).affects, SizeIs(1));
  const auto range =
      ReadCsaf(Replaced(std::string(kCsaf), "vers:rpm/<2.0", "before 2.0"), Options());
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_THAT(range->unmapped, Contains(HasSubstr("it clears nothing: 'before 2.0' is no range")));
}

TEST(CsafImportTest, WhatCannotBeUnderstoodAffectsEveryVersion) {
  const auto read = ReadCsaf(Replaced(std::string(kCsaf), R"("known_affected": ["openssl-old"])",
                                      R"("known_affected": ["compat"])"),
                             Options());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->advisories[0].affects.at(0).range.ToVers(), "vers:rpm/<2.0");
  const auto vague =
      ReadCsaf(Replaced(Replaced(std::string(kCsaf), R"("known_affected": ["openssl-old"])",
                                 R"("known_affected": ["compat"])"),
                        "vers:rpm/<2.0", "before 2.0"),
               Options());
  ASSERT_TRUE(vague.ok()) << vague.status();
  EXPECT_TRUE(vague->advisories[0].affects.at(0).range.IsAll());
}

TEST(CsafImportTest, SaysWhatIsWrong) {
  const auto why = [](const std::string& from, const std::string& to) {
    const auto read = ReadCsaf(Replaced(std::string(kCsaf), from, to), Options());
    return read.ok() ? "" : std::string(read.status().message());
  };
  EXPECT_THAT(std::string(ReadCsaf("{}", Options()).status().message()), HasSubstr("`document`"));
  EXPECT_THAT(why(R"("csaf_version": "2.0")", R"("csaf_version": "1.2")"),
              HasSubstr("'1.2' is not read here"));
  EXPECT_THAT(why(R"("name": "Red Hat", "namespace")", R"("name": "", "namespace")"),
              HasSubstr("somebody must publish it"));
  EXPECT_THAT(why(R"("id": "CVE-2026-0001", "status": "final")",
                  R"("id": "CVE-2026-0001", "status": "draft")"),
              HasSubstr("a draft says nothing yet"));
  EXPECT_THAT(why("2026-02-01T12:00:00+00:00", "Sunday"), HasSubstr("'Sunday' is no RFC 3339"));
  EXPECT_THAT(why(R"("known_affected": ["openssl-old"])", R"("known_affected": ["gone"])"),
              HasSubstr("'gone' is no product of the tree"));
  EXPECT_THAT(why(R"("product_id": "openssl-new")", R"("product_id": "openssl-old")"),
              HasSubstr("two products have the id 'openssl-old'"));
  EXPECT_THAT(
      why(R"("branches": [{"category": "vendor")", R"("branches": [7, {"category": "vendor")"),
      HasSubstr("expected objects"));
  EXPECT_THAT(why(R"("scores": [{)", R"("scores": [[], {)"), HasSubstr("scores"));
}

constexpr std::string_view kVex = R"({
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://acme.example/vex/2026-7", "author": "ACME PSIRT", "role": "vendor",
  "timestamp": "2026-01-08T18:02:03.647787998-06:00", "version": 1,
  "statements": [
    {"vulnerability": {"name": "CVE-2026-0001", "aliases": ["GHSA-aaaa-bbbb-cccc"]},
     "products": [{"@id": "pkg:npm/payments@2.4.1"},
                  {"@id": "https://acme.example/x", "identifiers": {"purl": "pkg:deb/debian/curl@7.88.1-10"}}],
     "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"},
    {"vulnerability": {"name": "CVE-2026-0002"}, "products": [{"@id": "pkg:npm/payments@2.4.1"}],
     "status": "affected", "action_statement": "Take 2.4.2."},
    {"vulnerability": {"name": "CVE-2026-0003"}, "products": [{"@id": "pkg:npm/payments@2.4.1"}],
     "status": "fixed"},
    {"vulnerability": {"name": "CVE-2026-0004"}, "products": [{"@id": "pkg:npm/payments@2.4.1"}],
     "status": "under_investigation"}]})";

TEST(OpenVexImportTest, EachStatement) {
  const auto read = ReadOpenVex(kVex, Options());
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_THAT(read->advisories, SizeIs(3));
  const Advisory& cleared = read->advisories[0];
  EXPECT_EQ(cleared.id, "VEX-2026-7:CVE-2026-0001:1");
  EXPECT_EQ(cleared.effect, AdvisoryEffect::kRelax);
  EXPECT_EQ(cleared.authority, "ACME PSIRT");
  ASSERT_THAT(cleared.relaxes, SizeIs(2));
  EXPECT_EQ(cleared.relaxes[1].advisory, "GHSA-aaaa-bbbb-cccc");
  ASSERT_THAT(cleared.affects, SizeIs(2));
  EXPECT_EQ(cleared.affects[0].package.ToString(), "acme/payments");
  EXPECT_EQ(cleared.affects[0].range.ToVers(), "vers:npm/2.4.1");
  EXPECT_EQ(cleared.affects[1].package.ToString(), "debian/curl");
  EXPECT_THAT(cleared.text, HasSubstr("vulnerable_code_not_in_execute_path"));
  EXPECT_EQ(read->advisories[1].effect, AdvisoryEffect::kReport);
  EXPECT_THAT(read->advisories[1].aliases, ElementsAre("CVE-2026-0002"));
  EXPECT_THAT(read->advisories[1].text, HasSubstr("Take 2.4.2."));
  EXPECT_EQ(read->advisories[2].effect, AdvisoryEffect::kRelax);
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("CVE-2026-0004 is under investigation")));
}

TEST(OpenVexImportTest, WhatSaysLessThanItSeemsIsNotWidened) {
  const auto parts = ReadOpenVex(
      Replaced(
          std::string(kVex), R"({"@id": "pkg:npm/payments@2.4.1"},)",
          R"({"@id": "pkg:npm/payments@2.4.1", "subcomponents": [{"@id": "pkg:npm/lodash"}]},)"),
      Options());
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_THAT(parts->advisories.at(0).affects, SizeIs(1)) << "curl alone";
  EXPECT_THAT(parts->unmapped, Contains(HasSubstr("about parts of the product alone")));
  const auto reasonless =
      ReadOpenVex(Replaced(std::string(kVex),
                           R"(, "justification": "vulnerable_code_not_in_execute_path")", ""),
                  Options());
  ASSERT_TRUE(reasonless.ok()) << reasonless.status();
  EXPECT_THAT(reasonless->advisories, SizeIs(2)) << "nobody is cleared without a reason";
  const auto version = ReadOpenVex(
      Replaced(std::string(kVex), "pkg:npm/payments@2.4.1", "pkg:npm/payments@two"), Options());
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_THAT(version->unmapped, Contains(HasSubstr("version 'two' clears nothing")));
  const auto fixed =
      ReadOpenVex(Replaced(std::string(kVex), R"("products": [{"@id": "pkg:npm/payments@2.4.1"}],
     "status": "fixed")",
                           R"("products": [{"@id": "pkg:npm/payments"}], "status": "fixed")"),
                  Options());
  ASSERT_TRUE(fixed.ok()) << fixed.status();
  EXPECT_THAT(fixed->unmapped, Contains(HasSubstr("names no version that is fixed")));
  EXPECT_THAT(fixed->advisories, SizeIs(2));
}

TEST(OpenVexImportTest, SaysWhatIsWrong) {
  const auto why = [](const std::string& from, const std::string& to) {
    const auto read = ReadOpenVex(Replaced(std::string(kVex), from, to), Options());
    return read.ok() ? "" : std::string(read.status().message());
  };
  EXPECT_THAT(why("https://openvex.dev/ns/v0.2.0", "https://example.org"),
              HasSubstr("@context is 'https://example.org'"));
  EXPECT_THAT(why(R"("author": "ACME PSIRT")", R"("author": "")"), HasSubstr("author"));
  EXPECT_THAT(why(R"("status": "not_affected")", R"("status": "fine")"),
              HasSubstr("'fine' is no status"));
  EXPECT_THAT(why(R"({"name": "CVE-2026-0001", "aliases")", R"({"name": "", "aliases")"),
              HasSubstr("statements[0].vulnerability"));
  EXPECT_THAT(why(R"({"@id": "pkg:npm/payments@2.4.1"},)", "7,"),
              HasSubstr("statements[0].products[0]"));
  EXPECT_THAT(std::string(ReadOpenVex("[1]", Options()).status().message()),
              HasSubstr("is an object"));
}

TEST(OpenVexImportTest, WhatIsNoPackageIsNoted) {
  const auto read = ReadOpenVex(
      Replaced(std::string(kVex), R"({"@id": "pkg:npm/payments@2.4.1"},)", R"({"@id": "acme"},)"),
      Options());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->unmapped, Contains(HasSubstr("'acme' is no package URL")));
}

}  // namespace
}  // namespace dml
