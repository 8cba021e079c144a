#include "tools/dml/measures_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

MeasuredPeriod Sample() {
  MeasuredPeriod period;
  period.from = *ParseTime("2027-03-01T00:00:00Z");
  period.until = *ParseTime("2027-04-01T00:00:00Z");
  period.measures = {
      {.id = "change-fail-rate", .count = 1, .total = 3},
      {.id = "nodes-library-only", .unknown_reason = "nodes have signed no inventories"},
      {.id = "change-lead-time", .count = 2, .median = hours(6), .longest = hours(60)},
      {.id = "deployment-frequency", .count = 2, .total = 31},
      {.id = "back-outs", .part = "it \"fails\", badly", .count = 1},
      {.id = "back-outs", .part = "other", .count = 2}};
  return period;
}

TEST(MeasuresTextTest, RatiosOfIntegersAlone) {
  EXPECT_EQ(FormatRatio(1, 3), "0.333333");
  EXPECT_EQ(FormatRatio(2, 3), "0.666666") << "rounded down";
  EXPECT_EQ(FormatRatio(7, 2), "3.500000");
  EXPECT_EQ(FormatRatio(0, 5), "0.000000");
  EXPECT_EQ(FormatRatio(0, 0), "0.000000");
  EXPECT_EQ(FormatRatio(UINT64_MAX - 1, UINT64_MAX), "0.999999");
}

TEST(MeasuresTextTest, WordsForPeople) {
  const MeasuredPeriod period = Sample();
  EXPECT_EQ(MeasureWords(period.measures[0]), "1 of 3 (33.3 %)");
  EXPECT_EQ(MeasureWords(period.measures[1]), "not known: nodes have signed no inventories");
  EXPECT_EQ(MeasureWords(period.measures[2]), "6 h (of 2, longest 2 d 12 h)");
  EXPECT_EQ(MeasureWords(period.measures[3]), "2 in 31 d");
  EXPECT_EQ(MeasureWords(period.measures[4]), "1");
  EXPECT_EQ(MeasureWords({.id = "change-fail-rate"}), "none");
  EXPECT_EQ(MeasureWords({.id = "recovery-time"}), "none");
}

TEST(MeasuresTextTest, Csv) {
  const std::string text = FormatMeasuresCsv({Sample()});
  EXPECT_THAT(text, HasSubstr("2027-03-01T00:00:00Z,2027-04-01T00:00:00Z,STRATEGIC,"
                              "change-fail-rate,,SHARE,yes,1,3,0,0,\n"));
  EXPECT_THAT(text, HasSubstr("nodes-library-only,,SHARE,no,,,,,nodes have signed no inventories"))
      << "what is not known is empty, not zero";
  EXPECT_THAT(text, HasSubstr(R"(back-outs,"it ""fails"", badly",COUNT,yes,1)"));
}

TEST(MeasuresTextTest, Prometheus) {
  const std::string text = FormatMeasuresPrometheus(Sample(), "production", "");
  EXPECT_THAT(text, HasSubstr("# TYPE dml_change_fail_rate_ratio gauge\n"
                              "dml_change_fail_rate_ratio{environment=\"production\"} 0.333333\n"));
  EXPECT_THAT(text, HasSubstr("dml_change_fail_rate_total{environment=\"production\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("dml_nodes_library_only_known{environment=\"production\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("dml_nodes_library_only_ratio")));
  EXPECT_THAT(text, HasSubstr("dml_change_lead_time_seconds{environment=\"production\"} 21600\n"));
  EXPECT_THAT(text, HasSubstr("dml_deployment_frequency_per_day{environment=\"production\"} "
                              "0.064516\n"));
  EXPECT_THAT(text, HasSubstr("dml_back_outs{environment=\"production\",part=\"it \\\"fails\\\", "
                              "badly\"} 1\ndml_back_outs{environment=\"production\",part="
                              "\"other\"} 2\n"))
      << "all samples of a name together";
  EXPECT_THAT(FormatMeasuresPrometheus(Sample(), "", ""),
              HasSubstr("dml_change_fail_rate_total 3\n"));
}

}  // namespace
}  // namespace dml
