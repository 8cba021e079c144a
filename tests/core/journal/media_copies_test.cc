#include "core/journal/media_copies.h"

#include <random>

#include <gtest/gtest.h>

namespace dml {
namespace {

// "1-2 in pat@vault#0; 3 out ann@vault(site B)#1": all of it, one text.
std::string Shown(const std::vector<CopiesHeld>& held) {
  std::string out;
  for (const CopiesHeld& item : held) {
    out += fmt::format("{}{} {} {}@{}{}#{}", out.empty() ? "" : "; ",
                       CopyNumbers(std::span(&item.copies, 1)), CopyStateName(item.state),
                       item.custodian, item.location,
                       item.away.empty() ? "" : fmt::format("({})", item.away), item.index);
  }
  return out;
}

class MediaCopiesTest : public ::testing::Test {
 protected:
  explicit MediaCopiesTest(uint32_t copies = 5) {
    record_.item.name = "acme/dvd";
    record_.item.copies = copies;
    record_.item.custodian = "pat";
    record_.item.location = "vault";
    record_.held = HeldAtFirst(record_.item, 0);
  }
  // What the entries of the journal do.
  std::string Do(CustodyAction action, uint32_t copies, const std::string& who,
                 const std::string& where = "", std::vector<CopyRange> which = {}) {
    const CustodyRecorded custody{"acme/dvd", action, copies, who, where, "", std::move(which)};
    auto meant = CopiesMeant(record_, custody);
    if (!meant.ok()) return Reason(meant.status());
    auto after = HeldAfter(record_.held, custody, *meant, ++index_);
    if (!after.ok()) return Reason(after.status());
    record_.held = *std::move(after);
    return Shown(record_.held);
  }

  MediaRecord record_;
  uint64_t index_ = 0;
};

TEST_F(MediaCopiesTest, EachCopyIsSomewhere) {
  EXPECT_EQ(Shown(record_.held), "1-5 in pat@vault#0");
  EXPECT_EQ(Do(CustodyAction::kCheckedOut, 1, "ann", "site B", {{3, 3}}),
            "1-2 in pat@vault#0; 3 out ann@vault(site B)#1; 4-5 in pat@vault#0");
  EXPECT_EQ(Do(CustodyAction::kCheckedOut, 2, "bob"),
            "1-2 out bob@vault#2; 3 out ann@vault(site B)#1; 4-5 in pat@vault#0")
      << "the lowest numbers that are there";
  EXPECT_EQ(Do(CustodyAction::kDestroyed, 1, "pat", "", {{5, 5}}),
            "1-2 out bob@vault#2; 3 out ann@vault(site B)#1; 4 in pat@vault#0; 5 destroyed "
            "pat@vault#3");
  EXPECT_EQ(Do(CustodyAction::kCheckedIn, 2, "pat", "", {{2, 3}}),
            "1 out bob@vault#2; 2-3 in pat@vault#4; 4 in pat@vault#0; 5 destroyed pat@vault#3")
      << "they are where they were";
  EXPECT_EQ(Do(CustodyAction::kMoved, 2, "pat", "vault 2", {{2, 2}, {4, 4}}),
            "1 out bob@vault#2; 2 in pat@vault 2#5; 3 in pat@vault#4; 4 in pat@vault 2#5; 5 "
            "destroyed pat@vault#3");
  EXPECT_EQ(Do(CustodyAction::kCheckedOut, 1, "eve", "", {{1, 1}}), "COPIES_ELSEWHERE");
  EXPECT_EQ(Do(CustodyAction::kMoved, 1, "eve", "", {{5, 5}}), "COPIES_ELSEWHERE");
}

TEST_F(MediaCopiesTest, WhoHasItIsSaidWhereItCannotBeTaken) {
  Do(CustodyAction::kCheckedOut, 1, "ann", "site B", {{3, 3}});
  const CustodyRecorded custody{"acme/dvd", CustodyAction::kMoved, 1, "pat", "", "", {{3, 3}}};
  const absl::Status refused = CopiesMeant(record_, custody).status();
  EXPECT_NE(Message(refused).find("copy 3 of acme/dvd is checked out to ann by entry 1"),
            std::string_view::npos)
      << refused;
}

// Every copy is in exactly one group, whatever happens; the model is one value a copy.
TEST_F(MediaCopiesTest, GroupsAreWhatCopiesOneByOneWouldBe) {
  constexpr uint32_t kCopies = 40;
  record_.item.copies = kCopies;
  record_.held = HeldAtFirst(record_.item, 0);
  std::vector<std::pair<CopyState, std::string>> model(kCopies, {CopyState::kIn, "pat"});
  const unsigned seed = 7;
  std::mt19937 random(seed);
  for (int step = 0; step < 2000; ++step) {
    const auto action = static_cast<CustodyAction>(1 + random() % 3);
    const uint32_t first = 1 + random() % kCopies;
    const uint32_t last = first + random() % std::min<uint32_t>(4, kCopies - first + 1);
    const std::string who = fmt::format("p{}", random() % 3);
    const CopyState from = action == CustodyAction::kCheckedIn ? CopyState::kOut : CopyState::kIn;
    bool may = true;
    for (uint32_t copy = first; copy <= last; ++copy) may = may && model[copy - 1].first == from;
    const std::string got = Do(action, last - first + 1, who, "", {{first, last}});
    ASSERT_EQ(got == "COPIES_ELSEWHERE", !may) << "seed " << seed << " step " << step << " " << got;
    for (uint32_t copy = first; may && copy <= last; ++copy) {
      model[copy - 1] = {action == CustodyAction::kCheckedOut ? CopyState::kOut : CopyState::kIn,
                         who};
    }
    uint32_t next = 1;
    for (const CopiesHeld& held : record_.held) {
      ASSERT_EQ(held.copies.first, next) << "seed " << seed << " step " << step;
      for (; next <= held.copies.last; ++next) {
        ASSERT_EQ(std::pair(held.state, held.custodian), model[next - 1]) << next;
      }
    }
    ASSERT_EQ(next, kCopies + 1);
  }
}

TEST_F(MediaCopiesTest, GroupsAreBounded) {
  record_.item.copies = 1'000'000;
  record_.held = HeldAtFirst(record_.item, 0);
  std::vector<CopyRange> every_other;
  for (uint32_t copy = 2; copy <= kMaxCopyGroups + 2; copy += 2)
    every_other.push_back({copy, copy});
  EXPECT_EQ(
      Do(CustodyAction::kMoved, static_cast<uint32_t>(every_other.size()), "ann", "", every_other),
      "COPIES_SCATTERED");
  EXPECT_EQ(Do(CustodyAction::kMoved, 1'000'000, "ann"), "1-1000000 in ann@vault#2");
}

}  // namespace
}  // namespace dml
