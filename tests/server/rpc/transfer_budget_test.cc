#include "server/rpc/transfer_budget.h"

#include <vector>

#include <gtest/gtest.h>

#include "server/rpc/status_codec.h"

namespace dml {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kSmall = 100'000;
constexpr uint64_t kLarge = uint64_t{50} << 30;

TEST(TransferBudgetTest, StreamsAreCounted) {
  TransferBudget budget({2, 512 * kMiB, 16 * kMiB});
  auto first = budget.AdmitDownload("ann", kSmall);
  {
    auto second = budget.AdmitDownload("ben", kSmall);
    ASSERT_TRUE(first.ok() && second.ok());
    const absl::Status third = budget.AdmitDownload("eve", kSmall).status();
    EXPECT_EQ(third.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Reason(third), "TOO_MANY_TRANSFERS");
    EXPECT_TRUE(RetryAfter(third).has_value());
  }
  auto again = budget.AdmitDownload("ben", kSmall);
  ASSERT_TRUE(again.ok());
  TransferSlot moved = *std::move(again);
  EXPECT_FALSE(budget.AdmitDownload("eve", kSmall).ok()) << "a moved slot is still held";
  first = budget.AdmitDownload("eve", kSmall).status();  // Gives up its slot.
  EXPECT_TRUE(budget.AdmitDownload("eve", kSmall).ok());
}

TEST(TransferBudgetTest, OnePrincipalNeverKeepsEverybodyElseOut) {
  TransferBudget budget({8, 512 * kMiB, 16 * kMiB});
  std::vector<TransferSlot> held;
  for (int i = 0; i < 6; ++i) held.push_back(budget.AdmitDownload("greedy", kSmall).value());
  EXPECT_EQ(Reason(budget.AdmitDownload("greedy", kSmall).status()), "TOO_MANY_TRANSFERS");
  EXPECT_TRUE(budget.AdmitDownload("other", kSmall).ok());
  held.pop_back();
  EXPECT_TRUE(budget.AdmitDownload("greedy", kSmall).ok());
}

TEST(TransferBudgetTest, BytesOfTheProcessAreBounded) {
  TransferBudget budget({100, 64 * kMiB, 16 * kMiB});
  std::vector<TransferSlot> held;
  for (const char* who : {"ann", "ben", "eve"}) held.push_back(budget.AdmitUpload(who).value());
  // 48 MiB are held by large ones: their share. What is left is for small ones.
  const absl::Status refused = budget.AdmitUpload("dan").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(refused), "TRANSFER_BYTES_EXHAUSTED");
  EXPECT_TRUE(RetryAfter(refused).has_value());
  EXPECT_EQ(Reason(budget.AdmitDownload("dan", kLarge).status()), "TRANSFER_BYTES_EXHAUSTED");
  uint64_t small = 0;
  while (true) {
    auto slot = budget.AdmitDownload("dan", kSmall);
    if (!slot.ok()) {
      EXPECT_EQ(Reason(slot.status()), "TRANSFER_BYTES_EXHAUSTED");
      break;
    }
    held.push_back(*std::move(slot));
    small += TransferBudget::DownloadMemory(kSmall, kSmallMessageBytes);
  }
  EXPECT_LE(48 * kMiB + small, 64 * kMiB);
  EXPECT_GT(48 * kMiB + small + TransferBudget::DownloadMemory(kSmall, kSmallMessageBytes),
            64 * kMiB);
  held.clear();
  for (int i = 0; i < 3; ++i) held.push_back(budget.AdmitUpload("ann").value());
}

TEST(TransferBudgetTest, BytesOfOnePrincipalAreBounded) {
  TransferBudget budget({100, 64 * kMiB, 16 * kMiB});
  std::vector<TransferSlot> held;
  for (int i = 0; i < 2; ++i) held.push_back(budget.AdmitUpload("greedy").value());
  uint64_t own = 32 * kMiB;
  for (auto slot = budget.AdmitDownload("greedy", kMiB); slot.ok();
       slot = budget.AdmitDownload("greedy", kMiB)) {
    own +=
        TransferBudget::DownloadMemory(kMiB, std::max<uint64_t>(slot->message_bytes(), 512 << 10));
    held.push_back(*std::move(slot));
  }
  EXPECT_LE(own, 48 * kMiB);
  EXPECT_TRUE(budget.AdmitDownload("other", kMiB).ok());
  EXPECT_TRUE(budget.AdmitUpload("other").ok()) << "16 MiB are left, and 16 of the large share";
}

TEST(TransferBudgetTest, ADownloadHoldsAMessageHoweverLargeTheContent) {
  EXPECT_LT(TransferBudget::DownloadMemory(1000, kLargeMessageBytes), 100'000);
  EXPECT_EQ(TransferBudget::DownloadMemory(kLargeMessageBytes, kLargeMessageBytes),
            TransferBudget::DownloadMemory(kLarge, kLargeMessageBytes));
}

TEST(TransferBudgetTest, ManyStreamsGetSmallMessages) {
  TransferBudget budget({100, 512 * kMiB, 16 * kMiB});
  std::vector<TransferSlot> held;
  for (int i = 0; i < 30; ++i) {
    held.push_back(budget.AdmitDownload("ann", kLarge).value());
    EXPECT_EQ(held.back().message_bytes(),
              i < kFewStreams ? kLargeMessageBytes : kSmallMessageBytes);
  }
  EXPECT_LE(TransferBudget::DownloadMemory(kLarge, kSmallMessageBytes), 1.1 * kMiB);
  held.clear();
  EXPECT_EQ(budget.AdmitDownload("ann", kLarge)->message_bytes(), kLargeMessageBytes);
}

// A chunk that is larger than a message travels in one of its own.
TEST(TransferBudgetTest, ADownloadIsReckonedWithTheLargestChunk) {
  TransferBudget budget({100, 64 * kMiB, 16 * kMiB, 4 * kMiB});
  std::vector<TransferSlot> held;
  for (auto slot = budget.AdmitDownload("ann", kLarge); slot.ok();
       slot = budget.AdmitDownload("ann", kLarge)) {
    held.push_back(*std::move(slot));
  }
  EXPECT_EQ(held.size(), 2u) << "of 48 MiB, each 16 and a little";
}

}  // namespace
}  // namespace dml
