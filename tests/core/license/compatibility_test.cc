#include "core/license/compatibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/test_data.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;
using enum LicenseOutcome;
using P = LicenseProvision;
using C = LicenseCombination;

// Rows: MIT, GPL-2.0-only, Apache-2.0. "Row <- column".
Json SmallMatrix() {
  const char* names[] = {"MIT", "GPL-2.0-only", "Apache-2.0"};
  const char* answers[3][3] = {
      {"Same", "No", "Unknown"}, {"Yes", "Same", "No"}, {"Yes", "Check dependency", "Same"}};
  Json rows = Json::array();
  for (int i = 0; i < 3; ++i) {
    Json cells = Json::array();
    for (int k = 0; k < 3; ++k) {
      cells.push_back({{"name", names[k]},
                       {"compatibility", answers[i][k]},
                       {"explanation", fmt::format("{} in {}", names[k], names[i])}});
    }
    rows.push_back({{"name", names[i]}, {"compatibilities", std::move(cells)}});
  }
  return {{"timeformat", "%Y"}, {"timestamp", "2024"}, {"licenses", std::move(rows)}};
}

absl::StatusOr<CompatibilityMatrix> ParseMatrix(const Json& document) {
  return CompatibilityMatrix::Parse(document.dump(), "test", BundledLicenseList());
}

LicenseComparison Compare(std::string_view outbound, std::string_view inbound,
                          const LicenseContext& context = {}) {
  static const CompatibilityMatrix matrix = ParseMatrix(SmallMatrix()).value();
  return CompareLicenses(LicenseExpression::Parse(outbound, BundledLicenseList()).value(),
                         LicenseExpression::Parse(inbound, BundledLicenseList()).value(), context,
                         matrix, BundledLicenseList());
}

TEST(CompatibilityTest, IsDirected) {
  EXPECT_EQ(Compare("GPL-2.0-only", "MIT").outcome, kAllow);
  EXPECT_EQ(Compare("GPL-2.0-only", "MIT").explanation, "MIT in GPL-2.0-only");
  EXPECT_EQ(Compare("MIT", "GPL-2.0-only").outcome, kDeny);
  EXPECT_EQ(Compare("MIT", "MIT").outcome, kAllow);
  EXPECT_EQ(Compare("Apache-2.0", "GPL-2.0").outcome, kReview);
  EXPECT_EQ(Compare("MIT", "Apache-2.0").outcome, kReview);
  const LicenseComparison verdict = Compare("gpl-2.0", "mit");
  EXPECT_EQ(verdict.outbound, "GPL-2.0");
  EXPECT_EQ(verdict.inbound, "MIT");
  EXPECT_EQ(verdict.source, "test of 2024");
  EXPECT_EQ(verdict.list_version, BundledLicenseList().version());
}

TEST(CompatibilityTest, WhatHasNoDataIsNotAllowed) {
  for (const char* inbound : {"ISC", "LicenseRef-x", "NONE", "NOASSERTION", "GPL-3.0-or-later",
                              "GPL-2.0-only WITH Classpath-exception-2.0"}) {
    EXPECT_EQ(Compare("MIT", inbound).outcome, kReview) << inbound;
    EXPECT_THAT(Compare("MIT", inbound).explanation, HasSubstr("No data on")) << inbound;
    EXPECT_EQ(Compare(inbound, "MIT").outcome, kReview) << inbound;
  }
}

TEST(CompatibilityTest, ChoicesAndSums) {
  EXPECT_EQ(Compare("MIT", "GPL-2.0-only OR MIT").outcome, kAllow);
  EXPECT_EQ(Compare("MIT", "GPL-2.0-only AND MIT").outcome, kDeny);
  EXPECT_EQ(Compare("MIT", "GPL-2.0-only AND MIT").explanation, "GPL-2.0-only in MIT");
  EXPECT_EQ(Compare("MIT", "Apache-2.0 AND MIT").outcome, kReview);
  // The recipient may choose MIT.
  EXPECT_EQ(Compare("GPL-2.0-only OR MIT", "GPL-2.0-only").outcome, kDeny);
  EXPECT_EQ(Compare("GPL-2.0-only OR Apache-2.0", "MIT").outcome, kAllow);
  // Both apply: the matrix knows nothing of the two together.
  EXPECT_EQ(Compare("GPL-2.0-only AND MIT", "GPL-2.0-only").outcome, kReview);
  EXPECT_EQ(Compare("GPL-2.0-only AND Apache-2.0", "MIT").outcome, kAllow);
  // "Or later" takes the version that fits; 1.1 is not in the matrix, 2.0 is.
  EXPECT_EQ(Compare("Apache-2.0", "Apache-1.1+").outcome, kAllow);
  EXPECT_EQ(Compare("GPL-2.0-only", "GPL-1.0-or-later").outcome, kAllow);
  EXPECT_EQ(Compare("GPL-1.0-or-later", "MIT").outcome, kReview);
}

TEST(CompatibilityTest, ItsNoIsForMergedCodeThatOthersGet) {
  EXPECT_EQ(Compare("MIT", "GPL-2.0-only", {P::kService, C::kMerged}).outcome, kDeny);
  for (const LicenseContext& context :
       {LicenseContext{P::kInternal, C::kMerged}, LicenseContext{P::kDistributed, C::kLinkedStatic},
        LicenseContext{P::kDistributed, C::kSeparate}}) {
    const LicenseComparison verdict = Compare("MIT", "GPL-2.0-only", context);
    EXPECT_EQ(verdict.outcome, kReview);
    EXPECT_EQ(verdict.context, context);
    EXPECT_THAT(verdict.explanation, HasSubstr("GPL-2.0-only in MIT This is for merged code"));
    EXPECT_EQ(Compare("GPL-2.0-only", "MIT", context).outcome, kAllow);
  }
}

// Every pair of the matrix as published, by the words of the file itself.
TEST(CompatibilityTest, ReproducesTheMatrixAsPublished) {
  DML_SKIP_WITHOUT_TEST_DATA("licenses/osadl-matrixseqexpl.json");
  const std::string text =
      testing::ReadFileOrDie(testing::TestDataDir() / "licenses/osadl-matrixseqexpl.json");
  auto matrix = CompatibilityMatrix::Parse(text, "osadl", BundledLicenseList());
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_EQ(matrix->version(), "osadl of 2024-11-04T13:45:00+0000");
  const std::map<std::string, LicenseOutcome> outcomes = {{"Same", kAllow},
                                                          {"Yes", kAllow},
                                                          {"No", kDeny},
                                                          {"Unknown", kReview},
                                                          {"Check dependency", kReview}};
  size_t pairs = 0;
  const Json document = Json::parse(text);
  for (const Json& row : document["licenses"]) {
    const auto outbound =
        LicenseExpression::Parse(row["name"].get<std::string>(), BundledLicenseList()).value();
    for (const Json& cell : row["compatibilities"]) {
      const auto inbound =
          LicenseExpression::Parse(cell["name"].get<std::string>(), BundledLicenseList()).value();
      const LicenseComparison verdict =
          CompareLicenses(outbound, inbound, {}, *matrix, BundledLicenseList());
      ASSERT_EQ(verdict.outcome, outcomes.at(cell["compatibility"]))
          << row["name"] << " <- " << cell["name"];
      ASSERT_EQ(verdict.explanation, cell["explanation"].get<std::string>());
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 13225u);
}

// --- Refusals: all faults at once, as a diff against a whole matrix.

struct Fault {
  const char* pointer;
  const char* value;  // JSON, "" removes.
  std::string where;
  std::string what;
};

TEST(CompatibilityMatrixTest, RefusesBlanksAndContradictions) {
  const Fault faults[] = {
      {"/licenses/1/compatibilities/0", "", "GPL-2.0-only <- MIT", "has no answer"},
      {"/licenses/1/compatibilities/0/compatibility", "\"\"", "GPL-2.0-only <- MIT", "is blank"},
      {"/licenses/1/compatibilities/0/explanation", "\"  \"", "GPL-2.0-only <- MIT", "is blank"},
      {"/licenses/1/compatibilities/0/compatibility", "\"yes\"", "GPL-2.0-only <- MIT",
       "'yes' is none of"},
      {"/licenses/1/compatibilities/0/explanation", "\"a\\tb\"", "GPL-2.0-only <- MIT",
       "control characters"},
      {"/licenses/1/compatibilities/0/name", "\"ISC\"", "GPL-2.0-only <- ISC",
       "names a license that has no row"},
      {"/licenses/1/compatibilities/0/name", "\"Apache-2.0\"", "GPL-2.0-only <- Apache-2.0",
       "is answered 'Yes' and 'No'"},
      {"/licenses/1/compatibilities/1/compatibility", "\"Yes\"", "GPL-2.0-only <- GPL-2.0-only",
       "is answered 'Yes' for one license"},
      {"/licenses/1/compatibilities/0/compatibility", "\"Same\"", "GPL-2.0-only <- MIT",
       "is answered 'Same' for two licenses"},
      {"/licenses/0/name", "\"Made-Up\"", "Made-Up", "is not one license on the list"},
      {"/licenses/0/name", "\"GPL-2.0\"", "GPL-2.0-only", "has two rows"},
      {"/timestamp", "\"\"", "timestamp", "is blank"},
  };
  for (const Fault& fault : faults) {
    Json document = SmallMatrix();
    const Json::json_pointer pointer(fault.pointer);
    if (*fault.value == '\0') {
      document[pointer.parent_pointer()].erase(0);
    } else {
      document[pointer] = Json::parse(fault.value);
    }
    auto matrix = ParseMatrix(document);
    ASSERT_FALSE(matrix.ok()) << fault.what;
    EXPECT_EQ(Reason(matrix.status()), "LICENSE_MATRIX_INVALID");
    bool told = false;
    for (const FieldViolation& violation : FieldViolations(matrix.status())) {
      told |= violation.field == fault.where &&
              violation.description.find(fault.what) != std::string::npos;
    }
    EXPECT_TRUE(told) << fault.where << " " << fault.what << "\n" << matrix.status();
  }
}

TEST(CompatibilityMatrixTest, CountsAllFaultsAndTellsTheFirst) {
  Json document = SmallMatrix();
  for (Json& row : document["licenses"]) row["compatibilities"] = Json::array();
  auto matrix = ParseMatrix(document);
  EXPECT_THAT(std::string(Message(matrix.status())),
              HasSubstr("the matrix has 9 faults, first MIT <- MIT: has no answer"));
  EXPECT_EQ(FieldViolations(matrix.status()).size(), 9u);
}

TEST(CompatibilityMatrixTest, RefusesWhatIsNoMatrix) {
  for (const char* text : {"", "[]", "{}", R"({"timestamp": "t", "licenses": []})",
                           R"({"timestamp": "t", "licenses": 7})",
                           R"({"timestamp": "t", "licenses": [{"name": 7}]})"}) {
    auto matrix = CompatibilityMatrix::Parse(text, "x", BundledLicenseList());
    EXPECT_EQ(Reason(matrix.status()), "LICENSE_MATRIX_INVALID") << text;
  }
}

TEST(CompatibilityMatrixTest, Diffs) {
  const CompatibilityMatrix before = ParseMatrix(SmallMatrix()).value();
  Json document = SmallMatrix();
  document["licenses"][0]["compatibilities"][1]["compatibility"] = "Yes";
  EXPECT_THAT(DiffMatrices(before, *ParseMatrix(document)),
              ElementsAre("MIT <- GPL-2.0-only: No, now Yes"));
  EXPECT_THAT(DiffMatrices(before, before), IsEmpty());
  document = SmallMatrix();
  document["licenses"][2]["name"] = "ISC";
  for (Json& row : document["licenses"]) row["compatibilities"][2]["name"] = "ISC";
  EXPECT_THAT(DiffMatrices(before, *ParseMatrix(document)), ElementsAre("- Apache-2.0", "+ ISC"));
  EXPECT_THAT(DiffMatrices(before, *ParseMatrix(document), 1),
              ElementsAre("- Apache-2.0", "... and 1 more"));
}

}  // namespace
}  // namespace dml
