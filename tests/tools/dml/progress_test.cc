#include "tools/dml/progress.h"

#include <sstream>

#include <gtest/gtest.h>

namespace dml {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kMiB = 1 << 20;

TEST(FormatProgressTest, HasBarPartsRateAndEta) {
  TransferProgress start{.bytes_done = 0, .bytes_total = 24 * kMiB};
  TransferProgress now{.bytes_done = 12 * kMiB, .bytes_total = 24 * kMiB, .bytes_sent = 6 * kMiB};
  EXPECT_EQ(FormatProgress("upload", now, start, milliseconds(4000), 200),
            "upload  [##########..........]   50%  12.0 MiB of 24.0 MiB  1.5 MiB/s  ETA 0:04");
}

TEST(FormatProgressTest, PercentageAndEtaStayHoweverNarrowItIs) {
  TransferProgress start{.bytes_done = 0, .bytes_total = 2400 * kMiB};
  TransferProgress now{
      .bytes_done = 1200 * kMiB, .bytes_total = 2400 * kMiB, .bytes_sent = 1023 * kMiB};
  auto at = [&](size_t width) {
    return FormatProgress("download", now, start, milliseconds(4'000'000), width);
  };
  EXPECT_EQ(at(79),
            "download  [#######........]   50%  1.2 GiB of 2.3 GiB  261.9 KiB/s  ETA 1:06:40");
  EXPECT_EQ(at(60), "download  [####.....]   50%  1.2 GiB of 2.3 GiB  ETA 1:06:40");
  EXPECT_EQ(at(50), "download   50%  1.2 GiB of 2.3 GiB  ETA 1:06:40");
  EXPECT_EQ(at(30), "download   50%  ETA 1:06:40");
  for (size_t width = 27; width < 120; ++width) {
    EXPECT_LE(at(width).size(), width);
    EXPECT_NE(at(width).find("50%"), std::string::npos) << width;
    EXPECT_TRUE(at(width).ends_with("ETA 1:06:40")) << width;
  }
}

TEST(FormatProgressTest, CountsOnlyWhatWasDoneSinceTheStart) {
  // Resumed at 3/4: one more eighth took 10 s, so the last eighth takes 10 s too.
  TransferProgress start{.bytes_done = 18 * kMiB, .bytes_total = 24 * kMiB};
  TransferProgress now{.bytes_done = 21 * kMiB, .bytes_total = 24 * kMiB, .bytes_sent = 3 * kMiB};
  EXPECT_NE(FormatProgress("x", now, start, milliseconds(10000), 200).find("ETA 0:10"),
            std::string::npos);
}

TEST(FormatProgressTest, HasNoEtaBeforeAnythingWasDoneAndNoneAtTheEnd) {
  TransferProgress start{.bytes_done = 5, .bytes_total = 10};
  TransferProgress end{.bytes_done = 10, .bytes_total = 10};
  EXPECT_EQ(FormatProgress("x", start, start, milliseconds(9000), 200).find("ETA"),
            std::string::npos);
  EXPECT_EQ(FormatProgress("x", end, start, milliseconds(9000), 200).find("ETA"),
            std::string::npos);
}

TEST(FormatProgressTest, StandsWhateverTheNumbersAre) {
  TransferProgress nothing;
  EXPECT_NE(FormatProgress("x", nothing, nothing, milliseconds(0), 200).find("100%"),
            std::string::npos);
  TransferProgress back{.bytes_done = 1, .bytes_total = 10};
  TransferProgress ahead{.bytes_done = 9, .bytes_total = 10, .bytes_sent = 9};
  FormatProgress("x", back, ahead, milliseconds(5000), 200);
  TransferProgress more{.bytes_done = 20, .bytes_total = 10};
  EXPECT_NE(FormatProgress("x", more, nothing, milliseconds(5000), 200).find("100%"),
            std::string::npos);
  EXPECT_EQ(FormatProgress("upload", back, back, milliseconds(0), 8), "upload …");
}

TEST(ProgressLineTest, DrawsTenTimesASecondAtMostAndClearsItsLine) {
  std::ostringstream out;
  std::chrono::steady_clock::time_point now;
  {
    ProgressLine line(out, "get", 80, [&] { return now; });
    for (uint64_t i = 0; i < 100; ++i) {
      line.Update({.bytes_done = i, .bytes_total = 100});
      now += milliseconds(10);
    }
  }
  std::string text = out.str();
  size_t drawn = 0;
  for (size_t at = text.find("get"); at != std::string::npos; at = text.find("get", at + 1))
    ++drawn;
  EXPECT_EQ(drawn, 10u);
  EXPECT_TRUE(text.ends_with("\r\x1b[K"));
}

TEST(ProgressLineTest, WritesNothingWhereNothingWasTransferred) {
  std::ostringstream out;
  {
    ProgressLine line(out, "get", 80);
  }
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace dml
