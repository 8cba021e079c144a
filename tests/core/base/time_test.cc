#include "core/base/time.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

// A clock of nanoseconds in 64 bits ends in 2262, documents do not.
TEST(TimeTest, TimesFarFromNowAreWrittenAsTheyAreRead) {
  for (const char* text : {"0001-01-01T00:00:00Z", "1677-09-21T00:12:43Z", "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00Z", "2026-06-01T12:34:56Z", "2262-04-11T23:47:17Z",
                           "7027-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    const std::optional<Timestamp> time = ParseTime(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(FormatTime(*time), text);
  }
}

TEST(TimeTest, FractionsOfASecondAreReadAndNotWritten) {
  EXPECT_EQ(ToMicros(*ParseTime("1970-01-01T00:00:01.25Z")), 1'250'000);
  EXPECT_EQ(FormatTime(FromMicros(1'250'000)), "1970-01-01T00:00:01Z");
  EXPECT_EQ(FormatTime(FromMicros(-1)), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace dml
