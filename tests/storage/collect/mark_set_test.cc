#include "storage/collect/mark_set.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

using Marks = std::set<std::pair<Digest, uint32_t>>;

// The marks of all ranges, one after another; the number of ranges goes to `ranges`.
Marks Walk(const std::vector<std::pair<Digest, uint32_t>>& all, size_t max_bytes, int& ranges) {
  Marks out;
  uint64_t from = 0;
  ranges = 0;
  do {
    MarkSet marks(max_bytes, from);
    for (const auto& [digest, group] : all) marks.Add(digest, group);
    marks.Seal();
    EXPECT_LE(marks.size(), std::max<size_t>(16, max_bytes / 36));
    EXPECT_EQ(marks.first(), from);
    for (const auto& [digest, group] : all) {
      const uint64_t prefix = MarkSet::PrefixOf(digest);
      const bool inside = prefix >= marks.first() && prefix <= marks.last();
      EXPECT_EQ(marks.Has(digest, group), inside);
      EXPECT_EQ(marks.HasAny(digest), inside);
      EXPECT_FALSE(marks.Has(digest, 99));
      if (inside) {
        EXPECT_TRUE(out.emplace(digest, group).second || out.contains({digest, group}));
      }
    }
    ++ranges;
    from = marks.last() == UINT64_MAX ? 0 : marks.last() + 1;
  } while (from != 0);
  return out;
}

TEST(MarkSetTest, RangesTogetherHoldEveryMarkWithinTheirMemory) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<std::pair<Digest, uint32_t>> all;
    for (int i = 0; i < 500; ++i) {
      all.emplace_back(Sha256(std::to_string(random() % 300)), random() % 3);
    }
    int ranges = 0;
    EXPECT_EQ(Walk(all, 1 << 20, ranges), Marks(all.begin(), all.end()));
    EXPECT_EQ(ranges, 1);
    EXPECT_EQ(Walk(all, 50 * 36, ranges), Marks(all.begin(), all.end()));
    EXPECT_GT(ranges, 5);
  }
}

TEST(MarkSetTest, TheEdgesOfTheSpaceAreInIt) {
  std::array<uint8_t, Digest::kSize> ones;
  ones.fill(0xff);
  int ranges = 0;
  std::vector<std::pair<Digest, uint32_t>> all = {{Digest(), 0}, {Digest(ones), 0}};
  EXPECT_EQ(Walk(all, 0, ranges).size(), 2u);
}

TEST(MarkSetTest, DigestsThatBeginAlikeCostMemoryAndNothingElse) {
  MarkSet marks(0, 0);
  std::array<uint8_t, Digest::kSize> bytes{};
  for (int i = 0; i < 200; ++i) {
    bytes[20] = static_cast<uint8_t>(i);
    marks.Add(Digest(bytes));
  }
  marks.Seal();
  EXPECT_EQ(marks.first(), marks.last());
  EXPECT_EQ(marks.size(), 200u);
  EXPECT_TRUE(marks.HasAny(Digest(bytes)));
}

}  // namespace
}  // namespace dml
