// Seats that an entry of another kind reserves and returns, as a permit does.
#include <gtest/gtest.h>

#include "storage/engine/memory_engine.h"
#include "storage/views/application.h"

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kStart = *ParseTime("2026-01-01T00:00:00Z");

Entitlement Terms(const std::string& id) {
  Entitlement terms;
  terms.id = id;
  terms.product = "product";
  terms.vendor = "vendor";
  terms.quantity = 10;
  terms.start = kStart;
  terms.expiry = kStart + hours(100);
  terms.contract_digest = Sha256("contract").ToString();
  return terms;
}

class ReturnedSeatsTest : public ::testing::Test {
 protected:
  ReturnedSeatsTest() {
    Apply(EntitlementGranted{Terms("a")});
    Apply(EntitlementGranted{Terms("b")});
    // By the rule of the entry that takes them along, then by its projection.
    const SeatsReserved seats{
        "permit-1", "e", hours(10), {{"a", "n1", 3}, {"b", "n1", 2}, {"a", "n2", 4}}};
    EXPECT_TRUE(CarryOut(seats, state_, now_).ok());
    Apply(seats);
    Apply(LeaseCommitted{"permit-1/0", hours(20)});
  }

  void Apply(EntryPayload payload) {
    const absl::Status status = ApplyEntry(Next(std::move(payload)), *views_, *views_);
    EXPECT_TRUE(status.ok()) << status;
  }
  void Return(const std::string& id, ReturnWhich which) {
    EXPECT_TRUE(ReturnSeats(id, which, state_, now_ + minutes(1)).ok());
    const Entry entry = Next(ClockAccepted{});
    const absl::Status status = Application(entry, *views_, *views_).ReturnSeats(id, which);
    EXPECT_TRUE(status.ok()) << status;
  }
  Entry Next(EntryPayload payload) {
    now_ += minutes(1);
    return {index_++, now_, "tester", "", std::move(payload)};
  }
  Lease FindLease(const std::string& id) { return state_.FindLease(id).value().value().lease; }
  uint64_t Leased(const std::string& id) {
    const SeatPosition position = PositionAt(id, state_, now_).value();
    return position.in_use + position.reserved;
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine();
  std::unique_ptr<Batch> views_ = engine_->NewBatch();
  LibraryView state_{*views_};
  Timestamp now_ = kStart;
  uint64_t index_ = 1;
};

TEST_F(ReturnedSeatsTest, AVoidPermitReturnsWhatNobodyTook) {
  Return("permit-1", ReturnWhich::kUntaken);
  EXPECT_EQ(FindLease("permit-1/0").state, LeaseState::kActive);
  EXPECT_EQ(FindLease("permit-1/1").ended_by, LeaseEnd::kReleased);
  EXPECT_EQ(FindLease("permit-1/2").ended_by, LeaseEnd::kReleased);
  EXPECT_EQ(FindLease("permit-1/2").end, now_);
  EXPECT_EQ(Leased("a"), 3u);
  EXPECT_EQ(Leased("b"), 0u);
}

TEST_F(ReturnedSeatsTest, ABackOutReturnsAllAndAgainChangesNothing) {
  for (int i = 0; i < 2; ++i) {
    Return("permit-1", ReturnWhich::kAll);
    EXPECT_EQ(FindLease("permit-1/0").ended_by, LeaseEnd::kReleased);
    EXPECT_EQ(Leased("a"), 0u);
    EXPECT_EQ(Leased("b"), 0u);
  }
  Apply(SeatsReserved{"permit-2", "e", hours(1), {{"a", "n1", 10}}});
  EXPECT_EQ(Leased("a"), 10u) << "what was returned is free";
}

TEST_F(ReturnedSeatsTest, WhatEndedByTimeStaysExpired) {
  now_ += hours(10);  // The reservation's; the lease that was committed goes on.
  Return("permit-1", ReturnWhich::kAll);
  EXPECT_EQ(FindLease("permit-1/0").ended_by, LeaseEnd::kReleased);
  EXPECT_EQ(FindLease("permit-1/1").AsOf(now_).ended_by, LeaseEnd::kExpired);
  EXPECT_EQ(FindLease("permit-1/2").AsOf(now_).ended_by, LeaseEnd::kExpired);
  EXPECT_EQ(Leased("a"), 0u);
  EXPECT_EQ(Leased("b"), 0u);
}

TEST_F(ReturnedSeatsTest, AReservationThatNeverWasIsNoError) {
  Return("permit-9", ReturnWhich::kAll);
  EXPECT_EQ(Leased("a"), 7u);
}

TEST_F(ReturnedSeatsTest, AnIdIsNotReservedTwice) {
  const SeatsReserved again{"permit-1", "e", hours(1), {{"a", "n1", 1}}};
  EXPECT_EQ(Reason(CarryOut(again, state_, now_).status()), "RESERVATION_EXISTS");
  Return("permit-1", ReturnWhich::kAll);
  EXPECT_EQ(Reason(CarryOut(again, state_, now_).status()), "RESERVATION_EXISTS")
      << "as long as its leases are remembered";
}

}  // namespace
}  // namespace dml
