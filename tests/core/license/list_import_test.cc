#include "core/license/list_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/license/license_list.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kIdsPackage =
    R"({"name": "spdx-license-ids", "version": "3.0.24", "repository": "x", "files": ["a"]})";
constexpr std::string_view kExceptionsPackage =
    R"({"name": "spdx-exceptions", "version": "2.5.0"})";
constexpr std::string_view kRangesPackage = R"({"name": "spdx-ranges", "version": "2.1.1"})";

LicenseListFiles SmallFiles() {
  return {kIdsPackage,        R"(["MIT", "A-1", "A-2"])", R"(["Old-1"])",
          kExceptionsPackage, R"(["X-exception"])",       "[]",
          kRangesPackage,     R"([["A-1", ["A-2"]]])"};
}

TEST(LicenseListImportTest, MakesADocumentThatNamesThePackages) {
  auto document = MakeLicenseListDocument(SmallFiles());
  ASSERT_TRUE(document.ok()) << document.status();
  auto list = LicenseList::Parse(*document);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->version(), "ids 3.0.24, exceptions 2.5.0, ranges 2.1.1");
  EXPECT_TRUE(list->FindLicense("old-1")->deprecated);
  EXPECT_NE(list->FindException("x-EXCEPTION"), nullptr);
  EXPECT_THAT(list->VersionsFrom("A-1"), ElementsAre("A-1", "A-2"));
  EXPECT_EQ(*document, *MakeLicenseListDocument(SmallFiles()));
}

TEST(LicenseListImportTest, ThePublishedFilesMakeTheBuiltInList) {
  DML_SKIP_WITHOUT_TEST_DATA("licenses/spdx-ranges.json");
  const auto folder = testing::TestDataDir() / "licenses";
  auto read = [&folder](const char* name) { return testing::ReadFileOrDie(folder / name); };
  const std::string ids = read("spdx-license-ids.json");
  const std::string deprecated_ids = read("spdx-license-ids-deprecated.json");
  const std::string exceptions = read("spdx-exceptions.json");
  const std::string deprecated_exceptions = read("spdx-exceptions-deprecated.json");
  const std::string ranges = read("spdx-ranges.json");
  auto document =
      MakeLicenseListDocument({kIdsPackage, ids, deprecated_ids, kExceptionsPackage, exceptions,
                               deprecated_exceptions, kRangesPackage, ranges});
  ASSERT_TRUE(document.ok()) << document.status();
  const LicenseList list = *LicenseList::Parse(*document);
  const LicenseList& bundled = BundledLicenseList();
  EXPECT_EQ(list.version(), bundled.version());
  EXPECT_EQ(list.licenses(), bundled.licenses());
  EXPECT_EQ(list.exceptions(), bundled.exceptions());
  for (const ListedId& id : bundled.licenses()) {
    EXPECT_EQ(list.VersionsFrom(id.id), bundled.VersionsFrom(id.id));
  }
}

struct BadFile {
  std::string_view LicenseListFiles::* file;
  std::string_view text;
  const char* message;
};

TEST(LicenseListImportTest, RefusesOtherShapesNamingTheFile) {
  using Files = LicenseListFiles;
  const BadFile cases[] = {
      {&Files::ids, R"({"MIT": {}})", "index.json of spdx-license-ids: expected an array"},
      {&Files::ids, R"(["MIT")", "index.json of spdx-license-ids: "},
      {&Files::ids, R"(["MIT", 7, "A-1", "A-2"])", "licenses holds an element that is no id"},
      {&Files::deprecated_ids, R"(["mit"])", "'mit' is listed twice"},
      {&Files::exceptions, "7", "index.json of spdx-exceptions: expected an array"},
      {&Files::deprecated_exceptions, "", "deprecated.json of spdx-exceptions"},
      {&Files::ranges, R"([["A-1", "B-9"]])", "'B-9' is not a listed license id"},
      {&Files::ids_package, "[]", "package.json of spdx-license-ids: expected the name"},
      {&Files::ids_package, kRangesPackage, "found 'spdx-ranges'"},
      {&Files::ranges_package, R"({"name": "spdx-ranges"})", "'' is no version"},
      {&Files::ranges_package, R"({"name": "spdx-ranges", "version": 2})", "'' is no version"},
      {&Files::ranges_package, R"({"name": "spdx-ranges", "version": "latest"})", "no version"},
      {&Files::ranges_package, R"({"name": "spdx-ranges", "version": "1.2.3 x"})", "no version"},
  };
  for (const BadFile& bad : cases) {
    LicenseListFiles files = SmallFiles();
    files.*bad.file = bad.text;
    auto document = MakeLicenseListDocument(files);
    ASSERT_FALSE(document.ok()) << bad.text;
    EXPECT_EQ(Reason(document.status()), "LICENSE_LIST_INVALID");
    EXPECT_THAT(std::string(Message(document.status())), HasSubstr(bad.message));
  }
}

TEST(LicenseListImportTest, ReplacementsOfDeprecatedIds) {
  const LicenseList& list = BundledLicenseList();
  EXPECT_EQ(ReplacementOfLicense("gpl-2.0", list), "GPL-2.0-only");
  EXPECT_EQ(ReplacementOfLicense("GFDL-1.3", list), "GFDL-1.3-only");
  EXPECT_EQ(ReplacementOfLicense("GPL-2.0-only", list), "");
  EXPECT_EQ(ReplacementOfLicense("Nunit", list), "");
  EXPECT_EQ(ReplacementOfLicense("Made-Up", list), "");
}

}  // namespace
}  // namespace dml
