#include "core/license/notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/license/sbom.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;
using enum LicenseOutcome;
using P = LicenseProvision;
using C = LicenseCombination;

LicenseExpression Parse(std::string_view text) {
  return LicenseExpression::Parse(text, BundledLicenseList()).value();
}

// --- Sets.

// "Yes" where the inbound license is MIT, "No" into MIT, "Unknown" else.
CompatibilityMatrix Matrix() {
  const char* names[] = {"MIT", "GPL-2.0-only", "Apache-2.0"};
  Json rows = Json::array();
  for (const std::string outbound : names) {
    Json cells = Json::array();
    for (const std::string inbound : names) {
      const char* answer = inbound == outbound ? "Same"
                           : inbound == "MIT"  ? "Yes"
                           : outbound == "MIT" ? "No"
                                               : "Unknown";
      cells.push_back(
          {{"name", inbound}, {"compatibility", answer}, {"explanation", inbound + " text"}});
    }
    rows.push_back({{"name", outbound}, {"compatibilities", std::move(cells)}});
  }
  const Json document = {{"timestamp", "t"}, {"licenses", std::move(rows)}};
  return CompatibilityMatrix::Parse(document.dump(), "m", BundledLicenseList()).value();
}

TEST(LicenseSetTest, JudgesEdgesAndTheWhole) {
  const std::vector<LicensedComponent> components = {
      {"app", Parse("MIT")}, {"gpl", Parse("GPL-2.0-only")}, {"apache", Parse("Apache-2.0")}};
  const std::vector<LicensedEdge> edges = {
      {0, 1, {}}, {1, 0, {}}, {0, 1, {P::kDistributed, C::kLinkedDynamic}}, {1, 2, {}}};
  auto set = CheckLicenseSet(components, edges, std::nullopt, Matrix(), BundledLicenseList());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->outcome, kDeny);
  EXPECT_EQ(set->pairs, 4u);
  ASSERT_EQ(set->conflicts.size(), 3u);
  EXPECT_EQ(set->conflicts[0].outbound, "app");
  EXPECT_EQ(set->conflicts[0].inbound, "gpl");
  EXPECT_EQ(set->conflicts[0].verdict.outcome, kDeny);
  EXPECT_EQ(set->conflicts[1].verdict.outcome, kReview);
  EXPECT_EQ(set->conflicts[1].verdict.context.combination, C::kLinkedDynamic);
  EXPECT_EQ(set->conflicts[2].inbound, "apache");
  EXPECT_EQ(set->matrix_version, "m of t");
  const std::vector<Finding> findings = set->Findings();
  EXPECT_EQ(findings[0].rule, "license.incompatible");
  EXPECT_EQ(findings[0].message,
            "GPL-2.0-only in app under MIT (DISTRIBUTED, MERGED, modified): GPL-2.0-only text");
  EXPECT_EQ(findings[1].rule, "license.compatibility-unknown");
  set = CheckLicenseSet(components, {}, SetOutbound{Parse("GPL-2.0-only"), {}}, Matrix(),
                        BundledLicenseList());
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->outcome, kReview);
  ASSERT_EQ(set->conflicts.size(), 1u);
  EXPECT_EQ(set->conflicts[0].outbound, "");
  EXPECT_THAT(set->Findings()[0].message, HasSubstr("in the whole under GPL-2.0-only"));
}

TEST(LicenseSetTest, RefusesEdgesToNothing) {
  const std::vector<LicensedComponent> components = {{"app", Parse("MIT")}};
  const std::vector<LicensedEdge> edges = {{0, 1, {}}};
  EXPECT_EQ(Reason(CheckLicenseSet(components, edges, std::nullopt, Matrix(), BundledLicenseList())
                       .status()),
            "LICENSE_SET_INVALID");
  EXPECT_EQ(CheckLicenseSet({}, {}, std::nullopt, Matrix(), BundledLicenseList())->outcome, kAllow);
}

// --- Obligations.

LicenseProperties Properties() {
  return LicenseProperties::Parse(R"(
categories: [{name: permissive}, {name: copyleft-strong}, {name: copyleft-LGPL},
  {name: "property:include-in-notice-file"}, {name: "property:network-clause"},
  {name: "property:mark-modifications"}, {name: "property:unchecked"}]
categorizations:
  - {id: MIT, categories: [permissive, "property:include-in-notice-file"]}
  - {id: 0BSD, categories: [permissive]}
  - {id: AGPL-3.0-only, categories: [copyleft-strong, "property:network-clause"]}
  - {id: LGPL-2.1-only, categories: [copyleft-LGPL, "property:mark-modifications"]}
  - {id: X11, categories: ["property:unchecked"]}
)",
                                  "p", BundledLicenseList())
      .value();
}

std::vector<std::string> Words(std::string_view license, const LicenseContext& context) {
  const std::vector<LicensedComponent> components = {{"c", Parse(license)}};
  std::vector<std::string> words;
  for (const auto& obligation : CollectObligations(components, context, Properties())) {
    words.push_back(obligation.word);
  }
  return words;
}

TEST(LicenseObligationsTest, DependOnTheContext) {
  EXPECT_THAT(Words("MIT", {}), ElementsAre("notice"));
  EXPECT_THAT(Words("MIT", {P::kInternal}), IsEmpty());
  EXPECT_THAT(Words("0BSD", {}), IsEmpty());
  EXPECT_THAT(Words("AGPL-3.0-only", {P::kService}), ElementsAre("network-source"));
  EXPECT_THAT(Words("AGPL-3.0-only", {}), ElementsAre("network-source", "same-license"));
  EXPECT_THAT(Words("AGPL-3.0-only", {P::kDistributed, C::kSeparate}),
              ElementsAre("network-source"));
  EXPECT_THAT(Words("LGPL-2.1-only", {P::kDistributed, C::kLinkedStatic, false}),
              ElementsAre("relink"));
  EXPECT_THAT(Words("LGPL-2.1-only", {P::kDistributed, C::kLinkedDynamic, true}),
              ElementsAre("mark-modifications"));
  for (const char* unknown :
       {"ISC", "X11", "NOASSERTION", "LicenseRef-x", "MIT WITH AdditionRef-y"}) {
    EXPECT_THAT(Words(unknown, {P::kInternal}), ElementsAre("unknown")) << unknown;
  }
}

TEST(LicenseObligationsTest, NameWhoBringsThem) {
  const std::vector<LicensedComponent> components = {
      {"a", Parse("MIT AND 0BSD")}, {"b", Parse("MIT OR AGPL-3.0-only")}, {"c", Parse("MIT")}};
  const auto obligations =
      CollectObligations(components, {P::kDistributed, C::kSeparate}, Properties());
  ASSERT_EQ(obligations.size(), 2u);
  EXPECT_EQ(obligations[0].word, "notice");
  EXPECT_THAT(obligations[0].components, ElementsAre("a", "b", "c"));
  EXPECT_THAT(obligations[0].licenses, ElementsAre("MIT"));
  EXPECT_EQ(obligations[1].word, "network-source");
  EXPECT_THAT(obligations[1].components, ElementsAre("b"));
}

// --- Notices.

NoticeInput Input() {
  NoticeInput input;
  input.title = "Acme 1 <beta>";
  input.document_namespace = "https://acme.example/spdx/1";
  input.time = FromMicros(0);
  input.list_version = "ids 1";
  input.components = {
      {"zlib", "1.3", "pkg:deb/zlib@1.3", Parse("Zlib"), {}},
      {"app", "2", "", Parse("MIT OR LicenseRef-acme"), {"Copyright 2026 A & B\x1b[31m"}},
      {"lib", "", "", Parse("GPL-2.0+ WITH Bison-exception-2.2"), {}}};
  input.obligations = {{"notice", "reproduce it", {"MIT", "Zlib"}, {"app", "zlib"}}};
  input.texts = {{"Zlib", "zlib text\r\n"},
                 {"MIT", "mit <text>\n\n"},
                 {"LicenseRef-acme", "ours"},
                 {"GPL-2.0", "gpl text"},
                 {"Bison-exception-2.2", "bison text"},
                 {"Unused", "never"}};
  return input;
}

TEST(NoticeTest, Text) {
  auto notice = WriteNotice(NoticeFormat::kText, Input());
  ASSERT_TRUE(notice.ok()) << notice.status();
  const std::string rule(78, '=');
  EXPECT_EQ(*notice,
            "Acme 1 <beta>\n"
            "Written 1970-01-01T00:00:00Z for DISTRIBUTED, MERGED, modified. License list: ids 1. "
            "License properties: none.\n\n" +
                rule +
                "\nSoftware\n\n"
                "app 2\n  License: MIT OR LicenseRef-acme\n  Copyright 2026 A & B?[31m\n"
                "lib\n  License: GPL-2.0+ WITH Bison-exception-2.2\n"
                "zlib 1.3\n  License: Zlib\n\n" +
                rule +
                "\nObligations\n\nnotice: reproduce it\n  Licenses: MIT, Zlib\n"
                "  Software: app, zlib\n\n" +
                rule + "\nBison-exception-2.2\n\nbison text\n\n" + rule +
                "\nGPL-2.0\n\ngpl text\n\n" + rule + "\nLicenseRef-acme\n\nours\n\n" + rule +
                "\nMIT\n\nmit <text>\n\n" + rule + "\nZlib\n\nzlib text\n");
}

TEST(NoticeTest, HtmlEscapesWhatStrangersWrote) {
  auto notice = WriteNotice(NoticeFormat::kHtml, Input());
  ASSERT_TRUE(notice.ok());
  EXPECT_THAT(*notice, HasSubstr("<title>Acme 1 &lt;beta&gt;</title>"));
  EXPECT_THAT(*notice, HasSubstr("<br>Copyright 2026 A &amp; B?[31m</li>"));
  EXPECT_THAT(*notice, HasSubstr("<h3 id=\"MIT\">MIT</h3>\n<pre>\nmit &lt;text&gt;\n</pre>"));
  EXPECT_THAT(*notice, Not(HasSubstr("<beta>")));
  EXPECT_THAT(*notice, Not(HasSubstr("never")));
}

TEST(NoticeTest, SpdxReadsBack) {
  NoticeInput input = Input();
  input.components.push_back({"odd", "1", "", Parse("MIT WITH AdditionRef-x"), {}});
  input.texts["AdditionRef-x"] = "x";
  auto notice = WriteNotice(NoticeFormat::kSpdx, input);
  ASSERT_TRUE(notice.ok()) << notice.status();
  auto sbom = ReadSbom(*notice, BundledLicenseList());
  ASSERT_TRUE(sbom.ok()) << sbom.status();
  std::vector<std::string> licenses;
  for (const SbomComponent& component : sbom->components) {
    licenses.push_back(component.name + ": " + component.license.ToString());
  }
  EXPECT_THAT(licenses,
              ElementsAre("app: MIT OR LicenseRef-acme", "lib: GPL-2.0+ WITH Bison-exception-2.2",
                          "odd: NOASSERTION", "zlib: Zlib"));
  EXPECT_EQ(sbom->components[3].purl, "pkg:deb/zlib@1.3");
  const Json document = Json::parse(*notice);
  EXPECT_EQ(document["hasExtractedLicensingInfos"],
            Json::parse(R"([{"licenseId": "LicenseRef-acme", "name": "LicenseRef-acme",
                             "extractedText": "ours"}])"));
  EXPECT_EQ(document["packages"][2]["licenseComments"], "MIT WITH AdditionRef-x");
}

TEST(NoticeTest, NeedsEveryText) {
  NoticeInput input = Input();
  input.texts.erase("GPL-2.0");
  input.texts["MIT"] = "";
  EXPECT_THAT(MissingLicenseTexts(input), ElementsAre("GPL-2.0", "MIT"));
  for (NoticeFormat format : {NoticeFormat::kText, NoticeFormat::kHtml, NoticeFormat::kSpdx}) {
    auto notice = WriteNotice(format, input);
    EXPECT_EQ(Reason(notice.status()), "LICENSE_TEXT_MISSING");
    EXPECT_THAT(std::string(Message(notice.status())), HasSubstr("no text of GPL-2.0, MIT"));
  }
}

TEST(NoticeTest, RefusesWhatIsNoText) {
  NoticeInput input = Input();
  input.components[0].version = "\xff";
  EXPECT_EQ(Reason(WriteNotice(NoticeFormat::kText, input).status()), "NOTICE_INVALID");
  input = Input();
  input.document_namespace = "";
  EXPECT_TRUE(WriteNotice(NoticeFormat::kText, input).ok());
  EXPECT_EQ(Reason(WriteNotice(NoticeFormat::kSpdx, input).status()), "NOTICE_INVALID");
}

}  // namespace
}  // namespace dml
