#include <functional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/license/entitlement_ledger.h"

namespace dml {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Timestamp At(int64_t minute) { return Timestamp(minutes(minute)); }

Entitlement Terms(uint64_t quantity = 10) {
  Entitlement terms;
  terms.id = "e1";
  terms.product = "editor";
  terms.vendor = "acme";
  terms.quantity = quantity;
  terms.start = At(0);
  terms.expiry = At(1000);
  terms.contract_digest = "sha256:" + std::string(64, 'a');
  return terms;
}

std::string ReasonOf(const absl::Status& status) { return Reason(status); }
template <typename T>
std::string ReasonOf(const absl::StatusOr<T>& result) {
  return Reason(result.status());
}

class LedgerTest : public ::testing::Test {
 protected:
  void Grant(const Entitlement& terms) { ASSERT_TRUE(ledger_.Grant(terms, ledger_.time()).ok()); }
  auto Reserve(const std::string& request, uint64_t seats, int64_t minute, int64_t ttl = 10) {
    return ledger_.Reserve(request, std::vector<SeatRequest>{{"e1", "node", seats}}, "prod",
                           minutes(ttl), At(minute));
  }
  SeatPosition Position() { return ledger_.Position("e1").value(); }
  ~LedgerTest() override { EXPECT_EQ(ledger_.CheckInvariants(), absl::OkStatus()); }

  EntitlementLedger ledger_;
};

TEST_F(LedgerTest, ReserveCommitExtendRelease) {
  Grant(Terms());
  auto leases = Reserve("r", 4, 1);
  ASSERT_TRUE(leases.ok()) << leases.status();
  EXPECT_THAT(*leases, ElementsAre("r/0"));
  EXPECT_EQ(Position().reserved, 4u);
  EXPECT_EQ(Position().in_use, 0u);
  ASSERT_TRUE(ledger_.Commit("r/0", minutes(60), At(2)).ok());
  EXPECT_EQ(Position().reserved, 0u);
  EXPECT_EQ(Position().in_use, 4u);
  EXPECT_EQ(ledger_.leases().at("r/0").end, At(62));
  EXPECT_TRUE(ledger_.Extend("r/0", minutes(100), At(50)).ok());
  EXPECT_EQ(ledger_.leases().at("r/0").end, At(150));
  EXPECT_TRUE(ledger_.Extend("r/0", minutes(1), At(51)).ok());
  EXPECT_EQ(ledger_.leases().at("r/0").end, At(150)) << "never an earlier end";
  EXPECT_TRUE(ledger_.Release("r/0", At(60)).ok());
  EXPECT_EQ(Position().unused, 10u);
  EXPECT_EQ(Position().high_water, 4u);
  EXPECT_EQ(Position().never_used, 6u);
  EXPECT_EQ(ReasonOf(ledger_.Release("r/0", At(61))), "LEASE_ENDED");
}

TEST_F(LedgerTest, RefusesDoubleCommitAndWhatIsNotThere) {
  Grant(Terms());
  ASSERT_TRUE(Reserve("r", 1, 1).ok());
  ASSERT_TRUE(ledger_.Commit("r/0", minutes(60), At(2)).ok());
  EXPECT_EQ(ReasonOf(ledger_.Commit("r/0", minutes(60), At(3))), "LEASE_ALREADY_COMMITTED");
  EXPECT_EQ(ReasonOf(ledger_.Commit("r/1", minutes(60), At(3))), "LEASE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(ledger_.Commit("r/0", minutes(0), At(3))), "SEATS_INVALID");
  ASSERT_TRUE(Reserve("s", 1, 4).ok());
  EXPECT_EQ(ReasonOf(ledger_.Extend("s/0", minutes(5), At(5))), "LEASE_NOT_ACTIVE");
  EXPECT_EQ(ReasonOf(ledger_.Position("e2")), "ENTITLEMENT_NOT_FOUND");
}

TEST_F(LedgerTest, ARolloutGetsAllItsSeatsOrNone) {
  Grant(Terms(10));
  Entitlement other = Terms(2);
  other.id = "e2";
  Grant(other);
  const std::vector<SeatRequest> items = {{"e1", "a", 6}, {"e2", "a", 1}, {"e2", "b", 2}};
  auto refused = ledger_.Reserve("r", items, "prod", minutes(10), At(1));
  EXPECT_EQ(ReasonOf(refused), "SEATS_EXHAUSTED");
  EXPECT_THAT(std::string(Message(refused.status())),
              HasSubstr("'e2': 3 seats asked for, 2 of 2 left"));
  EXPECT_EQ(Position().reserved, 0u);
  EXPECT_EQ(ReasonOf(ledger_.CheckSeats(items, "prod", At(1))), "SEATS_EXHAUSTED");
  EXPECT_TRUE(ledger_.CheckSeats(std::span(items).first(2), "prod", At(1)).ok());
  EXPECT_TRUE(ledger_.Reserve("r", std::span(items).first(2), "prod", minutes(10), At(1)).ok());
}

TEST_F(LedgerTest, ARequestIsAdmittedOnce) {
  Grant(Terms());
  ASSERT_TRUE(Reserve("r", 6, 1).ok());
  auto again = Reserve("r", 6, 2);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(*again, ElementsAre("r/0"));
  EXPECT_EQ(Position().reserved, 6u);
  EXPECT_EQ(ReasonOf(Reserve("r", 5, 2)), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonOf(Reserve("r", 6, 2, 11)), "REQUEST_ID_REUSED");
}

TEST_F(LedgerTest, LeasesEndByThemselvesAndAreForgottenLater) {
  Grant(Terms());
  ASSERT_TRUE(Reserve("r", 10, 1, 10).ok());
  const std::vector<SeatRequest> one = {{"e1", "x", 1}};
  EXPECT_EQ(ReasonOf(ledger_.CheckSeats(one, "prod", At(10))), "SEATS_EXHAUSTED");
  EXPECT_TRUE(ledger_.CheckSeats(one, "prod", At(11)).ok());
  EXPECT_EQ(ledger_.time(), At(1)) << "a check changes nothing";
  EXPECT_EQ(ReasonOf(ledger_.Commit("r/0", minutes(5), At(11))), "LEASE_ENDED");
  EXPECT_EQ(ledger_.leases().at("r/0").ended_by, LeaseEnd::kExpired);
  EXPECT_EQ(ledger_.leases().at("r/0").end, At(11));
  ASSERT_TRUE(ledger_.Advance(At(11) + kLeaseMemory - microseconds(1)).ok());
  EXPECT_EQ(ledger_.leases().size(), 1u);
  ASSERT_TRUE(ledger_.Advance(At(11) + kLeaseMemory).ok());
  EXPECT_THAT(ledger_.leases(), IsEmpty());
}

TEST_F(LedgerTest, ARequestsLeasesAreReturnedTogether) {
  Grant(Terms(10));
  const SeatRequest items[] = {{"e1", "a", 2}, {"e1", "b", 3}, {"e1", "c", 1}};
  ASSERT_TRUE(ledger_.Reserve("r", items, "prod", minutes(60), At(0)).ok());
  ASSERT_TRUE(ledger_.Commit("r/0", minutes(90), At(1)).ok());
  ASSERT_TRUE(ledger_.Release("r/2", At(2)).ok());
  ASSERT_TRUE(ledger_.Return("r", ReturnWhich::kUntaken, At(3)).ok());
  EXPECT_EQ(ledger_.leases().at("r/0").state, LeaseState::kActive);
  EXPECT_EQ(ledger_.leases().at("r/1").end, At(3));
  EXPECT_EQ(ledger_.leases().at("r/2").end, At(2)) << "it had ended before";
  EXPECT_EQ(Position().reserved, 0u);
  ASSERT_TRUE(ledger_.Return("r", ReturnWhich::kAll, At(4)).ok());
  EXPECT_EQ(ledger_.leases().at("r/0").ended_by, LeaseEnd::kReleased);
  EXPECT_EQ(Position().in_use, 0u);
  EXPECT_TRUE(ledger_.Return("r", ReturnWhich::kAll, At(5)).ok());
  EXPECT_TRUE(ledger_.Return("never", ReturnWhich::kAll, At(5)).ok());
}

TEST_F(LedgerTest, NoLeaseOutlivesItsEntitlement) {
  Grant(Terms());
  ASSERT_TRUE(Reserve("r", 1, 995).ok());
  ASSERT_TRUE(ledger_.Commit("r/0", minutes(60), At(996)).ok());
  EXPECT_EQ(ledger_.leases().at("r/0").end, At(1000));
  ASSERT_TRUE(ledger_.Advance(At(1000)).ok());
  EXPECT_EQ(Position().in_use, 0u);
  EXPECT_EQ(ReasonOf(Reserve("s", 1, 1000)), "ENTITLEMENT_NOT_IN_FORCE");
}

TEST_F(LedgerTest, TheClockNeverGoesBack) {
  Grant(Terms());
  ASSERT_TRUE(Reserve("r", 1, 5).ok());
  EXPECT_EQ(ReasonOf(ledger_.Commit("r/0", minutes(5), At(4))), "CLOCK_WENT_BACK");
  EXPECT_EQ(ReasonOf(Reserve("s", 1, 4)), "CLOCK_WENT_BACK");
  EXPECT_EQ(ReasonOf(ledger_.Advance(At(4))), "CLOCK_WENT_BACK");
  EXPECT_EQ(ReasonOf(ledger_.CheckSeats(std::vector<SeatRequest>{{"e1", "x", 1}}, "", At(4))),
            "CLOCK_WENT_BACK");
  EXPECT_TRUE(ledger_.Commit("r/0", minutes(5), At(5)).ok());
}

TEST_F(LedgerTest, TermsNeverFallBelowWhatIsLeased) {
  Entitlement terms = Terms();
  terms.environments = {"prod", "test"};
  Grant(terms);
  EXPECT_EQ(ReasonOf(ledger_.Reserve("x", std::vector<SeatRequest>{{"e1", "n", 1}}, "lab",
                                     minutes(1), At(0))),
            "ENTITLEMENT_ENVIRONMENT");
  ASSERT_TRUE(Reserve("r", 4, 1, 100).ok());
  auto amend = [&](const std::function<void(Entitlement&)>& change) {
    Entitlement changed = terms;
    change(changed);
    return ReasonOf(ledger_.Amend(changed, At(1)));
  };
  EXPECT_EQ(amend([](Entitlement& e) { e.quantity = 3; }), "ENTITLEMENT_BELOW_LEASED");
  EXPECT_EQ(amend([](Entitlement& e) { e.expiry = At(100); }), "ENTITLEMENT_BELOW_LEASED");
  EXPECT_EQ(amend([](Entitlement& e) { e.start = At(2); }), "ENTITLEMENT_BELOW_LEASED");
  EXPECT_EQ(amend([](Entitlement& e) { e.environments = {"test"}; }), "ENTITLEMENT_BELOW_LEASED");
  EXPECT_EQ(amend([](Entitlement& e) { e.product = "viewer"; }), "ENTITLEMENT_INVALID");
  EXPECT_EQ(amend([](Entitlement& e) { e.id = "e9"; }), "ENTITLEMENT_NOT_FOUND");
  EXPECT_EQ(ledger_.entitlements().at("e1"), terms) << "nothing of it was taken over";
  EXPECT_EQ(amend([](Entitlement& e) { e.quantity = 4; }), "");
  EXPECT_EQ(ReasonOf(Reserve("s", 1, 2)), "SEATS_EXHAUSTED");
}

TEST_F(LedgerTest, OverageIsCountedInSeatMinutes) {
  Entitlement terms = Terms(10);
  terms.overage_percent = 25;
  Grant(terms);
  EXPECT_EQ(ReasonOf(Reserve("r", 13, 1)), "SEATS_EXHAUSTED");
  ASSERT_TRUE(Reserve("r", 12, 1).ok());
  ASSERT_TRUE(ledger_.Advance(At(3)).ok());
  EXPECT_EQ(Position().overage_minutes, 0u) << "reserved is not in use";
  ASSERT_TRUE(ledger_.Commit("r/0", minutes(20), At(3)).ok());
  ASSERT_TRUE(ledger_.Advance(At(8) + std::chrono::seconds(30)).ok());
  EXPECT_EQ(Position().overage_minutes, 11u);  // 2 seats x 5.5 minutes.
  // Nobody looks again before it has long ended, at minute 23.
  ASSERT_TRUE(ledger_.Advance(At(500)).ok());
  EXPECT_EQ(Position().overage_minutes, 40u);
  EXPECT_EQ(Position().high_water, 12u);
  EXPECT_EQ(Position().never_used, 0u);
}

TEST_F(LedgerTest, LendsWithinItsMarks) {
  Entitlement terms = Terms(10);
  terms.overage_percent = 100;
  terms.max_borrowed = 5;
  terms.max_borrow_duration = minutes(60);
  terms.low_water = 3;
  Grant(terms);
  auto borrow = [this](const std::string& request, uint64_t seats, int64_t duration) {
    return ledger_.Borrow(request, {"e1", "laptop", seats}, "prod", minutes(duration), At(1));
  };
  EXPECT_EQ(ReasonOf(borrow("a", 6, 60)), "BORROW_LIMIT");
  EXPECT_EQ(ReasonOf(borrow("a", 5, 61)), "BORROW_TOO_LONG");
  ASSERT_TRUE(Reserve("r", 3, 1).ok());
  EXPECT_EQ(ReasonOf(borrow("a", 5, 60)), "BORROW_LOW_WATER");
  auto lease = borrow("a", 4, 60);
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_EQ(ledger_.leases().at(*lease).state, LeaseState::kBorrowed);
  EXPECT_EQ(Position().borrowed, 4u);
  EXPECT_EQ(Position().in_use, 4u);
  EXPECT_EQ(*borrow("a", 4, 60), *lease);
  EXPECT_EQ(ReasonOf(borrow("b", 1, 60)), "BORROW_LOW_WATER");
  EXPECT_EQ(ReasonOf(ledger_.Extend(*lease, minutes(5), At(2))), "LEASE_NOT_ACTIVE");
  ASSERT_TRUE(ledger_.ForceRelease(*lease, At(3)).ok());
  EXPECT_EQ(ledger_.leases().at(*lease).ended_by, LeaseEnd::kForced);
}

TEST_F(LedgerTest, TellsWhatExpiresSoonAndRefusesBadTerms) {
  Grant(Terms());
  Entitlement later = Terms();
  later.id = "e0";
  later.expiry = At(2000);
  Grant(later);
  EXPECT_EQ(ReasonOf(ledger_.Grant(later, At(0))), "ENTITLEMENT_EXISTS");
  EXPECT_THAT(ledger_.ExpiringBy(At(1000)), ElementsAre("e1"));
  EXPECT_THAT(ledger_.ExpiringBy(At(5000)), ElementsAre("e1", "e0"));
  auto invalid = [](const std::function<void(Entitlement&)>& change) {
    Entitlement terms = Terms();
    change(terms);
    return Reason(ValidateEntitlement(terms)) == "ENTITLEMENT_INVALID";
  };
  EXPECT_FALSE(invalid([](Entitlement&) {}));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.id = ""; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.product = "a\nb"; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.quantity = 0; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.quantity = kMaxSeats + 1; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.overage_percent = 1001; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.expiry = e.start; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.contract_digest = "md5:1"; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.low_water = 11; }));
  EXPECT_TRUE(invalid([](Entitlement& e) { e.max_borrowed = 1; }));
  EXPECT_EQ(ParseSeatMetric("NAMED_USER"), SeatMetric::kNamedUser);
  EXPECT_EQ(ParseSeatMetric("node"), std::nullopt);
}

}  // namespace
}  // namespace dml
