#include "core/rules/retention.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

// The field that is wrong; "" where nothing is.
std::string WrongField(const RetentionPolicy& policy) {
  const absl::Status status = ValidateRetention(policy);
  if (status.ok()) return "";
  EXPECT_EQ(Reason(status), "RETENTION_INVALID");
  return FieldViolations(status).at(0).field;
}

TEST(RetentionTest, APolicySaysOneThing) {
  constexpr RetentionKeep kMatching = RetentionKeep::kMatching;
  EXPECT_EQ(WrongField({}), "");
  EXPECT_EQ(WrongField({.keep = RetentionKeep::kOnlyHeld}), "");
  EXPECT_EQ(WrongField({.keep = kMatching, .keep_versions = kMaxKeepVersions}), "");
  EXPECT_EQ(WrongField({.keep = kMatching, .keep_age = kMaxRetentionTime}), "");
  EXPECT_EQ(WrongField({.collect_withdrawn = true}), "");
  EXPECT_EQ(WrongField({.collect_withdrawn = true, .withdrawn_grace = days(1)}), "");

  EXPECT_EQ(WrongField({.keep = static_cast<RetentionKeep>(0)}), "keep");
  EXPECT_EQ(WrongField({.keep = static_cast<RetentionKeep>(4), .keep_versions = 1}), "keep");
  EXPECT_EQ(WrongField({.keep = kMatching}), "keep") << "nothing is kept by accident";
  EXPECT_EQ(WrongField({.keep_versions = 1}), "keep");
  EXPECT_EQ(WrongField({.keep = RetentionKeep::kOnlyHeld, .keep_age = hours(1)}), "keep");
  EXPECT_EQ(WrongField({.keep = kMatching, .keep_versions = kMaxKeepVersions + 1}),
            "keep_versions");
  EXPECT_EQ(WrongField({.keep = kMatching, .keep_age = kMaxRetentionTime + seconds(1)}),
            "keep_age");
  EXPECT_EQ(WrongField({.keep = kMatching, .keep_age = seconds(-1)}), "keep_age");
  EXPECT_EQ(WrongField({.withdrawn_grace = days(1)}), "withdrawn_grace");
  EXPECT_EQ(WrongField({.collect_withdrawn = true, .withdrawn_grace = seconds(-1)}),
            "withdrawn_grace");
}

TEST(RetentionTest, SaysWhy) {
  VariantRecord live;
  live.published_time = FromMicros(1767225600000000);
  const Timestamp now = live.published_time + days(3);
  auto judge = [&](const RetentionPolicy& policy, bool among) {
    const RetentionVerdict verdict = JudgeRetention(policy, live, among, now);
    return (verdict.keep ? "keep: " : "go: ") + verdict.reason;
  };
  RetentionPolicy policy{.keep = RetentionKeep::kMatching, .keep_versions = 5};
  EXPECT_EQ(judge({}, false), "keep: retention keeps everything");
  EXPECT_EQ(judge(policy, true), "keep: among the 5 highest live versions");
  EXPECT_EQ(judge(policy, false), "go: not among the 5 highest live versions");
  policy.keep_age = days(4);
  EXPECT_EQ(judge(policy, false), "keep: published 2026-01-01T00:00:00Z, kept for 4 days");
  policy.keep_age = days(2);
  EXPECT_EQ(judge(policy, false),
            "go: not among the 5 highest live versions; published 2026-01-01T00:00:00Z, and 2 days "
            "have passed");
  EXPECT_EQ(judge({.keep = RetentionKeep::kOnlyHeld}, true),
            "go: retention keeps only what is held");
  EXPECT_EQ(judge({.keep = static_cast<RetentionKeep>(9)}, false),
            "keep: retention keeps everything")
      << "what is not known keeps";

  live.state = VariantState::kWithdrawn;
  live.withdrawn_time = now - hours(5);
  EXPECT_EQ(judge({.keep = RetentionKeep::kOnlyHeld}, true),
            "keep: retention keeps what was withdrawn");
  EXPECT_EQ(judge({.collect_withdrawn = true, .withdrawn_grace = hours(6)}, true),
            "keep: withdrawn 2026-01-03T19:00:00Z, kept for 6 hours after that");
  EXPECT_EQ(judge({.collect_withdrawn = true, .withdrawn_grace = hours(5)}, true),
            "go: withdrawn 2026-01-03T19:00:00Z, and 5 hours have passed");
}

TEST(RetentionTest, TimesAreWrittenInTheLargestUnit) {
  EXPECT_EQ(FormatRetentionTime(days(90)), "90 days");
  EXPECT_EQ(FormatRetentionTime(hours(36)), "36 hours");
  EXPECT_EQ(FormatRetentionTime(seconds(90)), "90 seconds");
  EXPECT_EQ(FormatRetentionTime(seconds(0)), "0 seconds");
}

}  // namespace
}  // namespace dml
