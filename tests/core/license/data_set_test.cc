// License data as one: what is read together, and what differs.
#include "core/license/data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kList = R"({"version": "test 1", "licenses": ["MIT", "ISC", "New-1.0"],
  "deprecatedLicenses": [], "exceptions": ["Some-exception"], "deprecatedExceptions": [],
  "families": []})";

std::string Matrix(std::string_view mit_of_isc) {
  return fmt::format(
      R"({{"timeformat": "t", "timestamp": "2024-11-04T13:45:00+0000", "licenses": [
        {{"name": "MIT", "compatibilities": [
          {{"name": "MIT", "compatibility": "Same", "explanation": "same"}},
          {{"name": "ISC", "compatibility": "{}", "explanation": "e"}}]}},
        {{"name": "ISC", "compatibilities": [
          {{"name": "MIT", "compatibility": "Yes", "explanation": "e"}},
          {{"name": "ISC", "compatibility": "Same", "explanation": "same"}}]}}]}})",
      mit_of_isc);
}

std::string Properties(std::string_view license) {
  return fmt::format(
      "categories: [{{name: free}}]\ncategorizations: [{{id: {}, categories: "
      "[free]}}]\n",
      license);
}

LicenseData Read(const LicenseDocuments& documents) {
  auto data = ReadLicenseData(documents);
  EXPECT_TRUE(data.ok()) << data.status();
  return data.value_or(LicenseData());
}

TEST(LicenseDataTest, WithoutDocumentsTheBuiltInListAlone) {
  const LicenseData data = Read({});
  EXPECT_EQ(data.list.get(), &BundledLicenseList());
  EXPECT_EQ(data.matrix_version(), "");
  EXPECT_EQ(data.properties_version(), "");
}

TEST(LicenseDataTest, TheOtherPartsGoByTheList) {
  const LicenseDocuments documents = {
      {LicenseDataKind::kList, {"test 1", std::string(kList)}},
      {LicenseDataKind::kMatrix, {"OSADL", Matrix("No")}},
      {LicenseDataKind::kProperties, {"props", Properties("New-1.0")}}};
  const LicenseData data = Read(documents);
  EXPECT_EQ(data.list->version(), "test 1");
  EXPECT_EQ(data.matrix_version(), "OSADL of 2024-11-04T13:45:00+0000");
  EXPECT_EQ(data.properties_version(), "props");
  EXPECT_TRUE(data.properties->licenses().contains({{"New-1.0", false}, ""}));
}

TEST(LicenseDataTest, RefusesWhatCannotBeUsedNamingThePart) {
  auto refused = [](const LicenseDocuments& documents) {
    return ReadLicenseData(documents).status();
  };
  absl::Status status = refused({{LicenseDataKind::kList, {"other", std::string(kList)}}});
  EXPECT_EQ(Reason(status), "LICENSE_DATA_INVALID");
  EXPECT_THAT(std::string(Message(status)), HasSubstr("version 'test 1' of the list"));
  status = refused({{LicenseDataKind::kMatrix, {"OSADL", Matrix("")}}});
  EXPECT_EQ(Reason(status), "LICENSE_MATRIX_INVALID");
  EXPECT_THAT(std::string(Message(status)), HasSubstr("compatibility matrix"));
  EXPECT_FALSE(FieldViolations(status).empty()) << "the faults are told one by one";
  status = refused({{LicenseDataKind::kProperties, {"props", "categories: 7"}}});
  EXPECT_EQ(Reason(status), "LICENSE_PROPERTIES_INVALID");
  EXPECT_THAT(std::string(Message(status)), HasSubstr("license properties"));
}

TEST(LicenseDataTest, TellsWhatDiffers) {
  const LicenseData none = Read({});
  const LicenseData no = Read({{LicenseDataKind::kMatrix, {"OSADL", Matrix("No")}}});
  const LicenseData yes = Read({{LicenseDataKind::kMatrix, {"OSADL", Matrix("Yes")}}});
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kMatrix, no, yes),
              ElementsAre("MIT <- ISC: No, now Yes"));
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kMatrix, none, yes), ElementsAre("+ MIT", "+ ISC"));
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kMatrix, yes, yes), ElementsAre());
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kMatrix, none, none), ElementsAre());

  const LicenseData mit = Read({{LicenseDataKind::kProperties, {"p", Properties("MIT")}}});
  const LicenseData isc = Read({{LicenseDataKind::kProperties, {"p", Properties("ISC")}}});
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kProperties, mit, isc),
              ElementsAre("+ ISC: free", "- MIT"));
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kProperties, none, mit),
              ElementsAre("+ MIT: free", "+ category free: declared"));

  std::string newer(kList);
  newer.replace(newer.find(R"("deprecatedLicenses": [])"), 24, R"("deprecatedLicenses": ["0BSD"])");
  newer.replace(newer.find(R"(, "New-1.0")"), 11, R"(, "New-2.0")");
  const LicenseData old_list = Read({{LicenseDataKind::kList, {"test 1", std::string(kList)}}});
  const LicenseData new_list = Read({{LicenseDataKind::kList, {"test 1", newer}}});
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kList, old_list, new_list),
              ElementsAre("+ 0BSD: deprecated", "- New-1.0", "+ New-2.0: listed"));
  EXPECT_THAT(DiffLicenseData(LicenseDataKind::kList, old_list, new_list, 1),
              ElementsAre("+ 0BSD: deprecated", "... and 2 more"));
}

TEST(LicenseDataTest, KindsHaveNames) {
  for (auto kind :
       {LicenseDataKind::kList, LicenseDataKind::kMatrix, LicenseDataKind::kProperties}) {
    EXPECT_EQ(ParseLicenseDataKind(LicenseDataKindName(kind)), kind);
  }
  EXPECT_EQ(ParseLicenseDataKind("List"), std::nullopt);
  EXPECT_EQ(ParseLicenseDataKind(""), std::nullopt);
}

}  // namespace
}  // namespace dml
