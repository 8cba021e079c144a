#include "core/license/license_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/license/license_data.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Json SmallList() {
  return Json::parse(R"({"version": "t1", "licenses": ["MIT", "A-1.0", "A-2.0", "A-2.1"],
      "deprecatedLicenses": ["Old-1"], "exceptions": ["X-exception"],
      "deprecatedExceptions": ["Y-exception"], "families": [["A-1.0", ["A-2.0"], "A-2.1"]]})");
}

TEST(LicenseListTest, BundledListHasThePackagesThatTheNoticeNames) {
  const LicenseList& list = BundledLicenseList();
  EXPECT_EQ(list.version(), "ids 3.0.24, exceptions 2.5.0, ranges 2.1.1");
  EXPECT_EQ(list.licenses().size(), 708u + 26u);
  EXPECT_EQ(list.exceptions().size(), 66u + 1u);
}

TEST(LicenseListTest, BundledListIsTheDataAsPublished) {
  DML_SKIP_WITHOUT_TEST_DATA("licenses/spdx-license-ids.json");
  const auto folder = testing::TestDataDir() / "licenses";
  std::vector<std::string> ids =
      Json::parse(testing::ReadFileOrDie(folder / "spdx-license-ids.json"));
  for (const std::string& id : ids) {
    const ListedId* listed = BundledLicenseList().FindLicense(id);
    ASSERT_NE(listed, nullptr) << id;
    EXPECT_EQ(*listed, (ListedId{id, false}));
  }
  ids = Json::parse(testing::ReadFileOrDie(folder / "spdx-exceptions.json"));
  for (const std::string& id : ids) EXPECT_NE(BundledLicenseList().FindException(id), nullptr);
}

TEST(LicenseListTest, FindsIdsInAnyCase) {
  const LicenseList& list = BundledLicenseList();
  ASSERT_NE(list.FindLicense("mIt"), nullptr);
  EXPECT_EQ(list.FindLicense("mIt")->id, "MIT");
  EXPECT_EQ(list.FindLicense("apache-2.0")->id, "Apache-2.0");
  EXPECT_TRUE(list.FindLicense("gpl-2.0")->deprecated);
  EXPECT_FALSE(list.FindLicense("GPL-2.0-only")->deprecated);
  EXPECT_EQ(list.FindException("CLASSPATH-exception-2.0")->id, "Classpath-exception-2.0");
  EXPECT_TRUE(list.FindException("Nokia-Qt-exception-1.1")->deprecated);
  EXPECT_EQ(list.FindLicense("Classpath-exception-2.0"), nullptr);
  EXPECT_EQ(list.FindException("MIT"), nullptr);
  EXPECT_EQ(list.FindLicense(""), nullptr);
  EXPECT_EQ(list.FindLicense("MIT "), nullptr);
}

TEST(LicenseListTest, VersionsNamedByAnId) {
  using V = LicenseVersion;
  EXPECT_EQ(VersionOfLicense("GPL-2.0", false), (V{"GPL-2.0", false}));
  EXPECT_EQ(VersionOfLicense("GPL-2.0", true), (V{"GPL-2.0", true}));
  EXPECT_EQ(VersionOfLicense("GPL-2.0-only", false), (V{"GPL-2.0", false}));
  EXPECT_EQ(VersionOfLicense("GPL-2.0-only", true), (V{"GPL-2.0", false}));
  EXPECT_EQ(VersionOfLicense("GPL-2.0-or-later", false), (V{"GPL-2.0", true}));
  EXPECT_EQ(VersionOfLicense("GPL-2.0-or-later", true), (V{"GPL-2.0", true}));
  EXPECT_EQ(VersionOfLicense("MIT", false), (V{"MIT", false}));
}

TEST(LicenseListTest, LaterVersionsOfAFamily) {
  const LicenseList& list = BundledLicenseList();
  EXPECT_THAT(list.VersionsFrom("GPL-1.0"), ElementsAre("GPL-1.0", "GPL-2.0", "GPL-3.0"));
  EXPECT_THAT(list.VersionsFrom("GPL-3.0"), ElementsAre("GPL-3.0"));
  EXPECT_THAT(list.VersionsFrom("LGPL-2.1"), ElementsAre("LGPL-2.1", "LGPL-3.0"));
  EXPECT_THAT(list.VersionsFrom("Apache-1.1"), ElementsAre("Apache-1.1", "Apache-2.0"));
  EXPECT_THAT(list.VersionsFrom("MIT"), ElementsAre("MIT"));
  // Two families share the older versions.
  EXPECT_THAT(list.VersionsFrom("MPL-1.1"),
              ElementsAre("MPL-1.1", "MPL-2.0", "MPL-2.0-no-copyleft-exception"));
}

TEST(LicenseListTest, ParsesAReplacement) {
  auto list = LicenseList::Parse(SmallList().dump());
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->version(), "t1");
  EXPECT_NE(list->FindLicense("old-1"), nullptr);
  EXPECT_EQ(list->FindLicense("ISC"), nullptr);
  EXPECT_THAT(list->VersionsFrom("A-1.0"), ElementsAre("A-1.0", "A-2.0", "A-2.1"));
}

struct BadList {
  const char* pointer;  // JSON pointer of the member to replace, "" for none.
  const char* value;
  const char* message;
};

TEST(LicenseListTest, RefusesOtherDocuments) {
  const BadList cases[] = {
      {"/version", "7", "version must be a text"},
      {"/version", "\"\"", "version must be a text"},
      {"/licenses", "{}", "licenses must be an array"},
      {"/licenses/0", "7", "no id"},
      {"/licenses/0", "\"MIT License\"", "no id"},
      {"/licenses/0", "\"\"", "no id"},
      {"/licenses/0", "\"a-2.0\"", "listed twice"},
      {"/deprecatedLicenses/0", "\"mit\"", "listed twice"},
      {"/licenses/0", "\"And\"", "word of the expression grammar"},
      {"/licenses/0", "\"noassertion\"", "word of the expression grammar"},
      {"/exceptions/0", "\"LicenseRef-x\"", "word of the expression grammar"},
      {"/families", "7", "families must be an array"},
      {"/families/0", "\"MIT\"", "families must hold arrays"},
      {"/families/0/0", "\"ISC\"", "not a listed license id"},
      {"/families/0/0", "[7]", "not a listed license id"},
      {"/extra", "1", "unknown members"},
  };
  for (const BadList& bad : cases) {
    Json document = SmallList();
    document[Json::json_pointer(bad.pointer)] = Json::parse(bad.value);
    auto list = LicenseList::Parse(document.dump());
    ASSERT_FALSE(list.ok()) << bad.pointer << " " << bad.value;
    EXPECT_EQ(Reason(list.status()), "LICENSE_LIST_INVALID");
    EXPECT_THAT(std::string(Message(list.status())), HasSubstr(bad.message));
  }
}

TEST(LicenseListTest, RefusesWhatIsNoDocument) {
  for (const char* text : {"", "[]", "{", "{}", "null", "\xff"}) {
    EXPECT_EQ(Reason(LicenseList::Parse(text).status()), "LICENSE_LIST_INVALID") << text;
  }
  const std::string huge(kMaxLicenseListBytes + 1, ' ');
  EXPECT_THAT(std::string(Message(LicenseList::Parse(huge).status())), HasSubstr("at most"));
  const std::string deep(1 << 20, '[');
  EXPECT_FALSE(LicenseList::Parse(deep).ok());
}

TEST(LicenseListTest, LimitsFamilies) {
  Json document = SmallList();
  for (int i = 0; i < 65; ++i) {
    document["licenses"].push_back("F-" + std::to_string(i));
    document["families"][0].push_back("F-" + std::to_string(i));
  }
  EXPECT_FALSE(LicenseList::Parse(document.dump()).ok());
  document = SmallList();
  for (int i = 0; i < 256; ++i) document["families"].push_back(Json::array({"MIT"}));
  EXPECT_FALSE(LicenseList::Parse(document.dump()).ok());
}

}  // namespace
}  // namespace dml
