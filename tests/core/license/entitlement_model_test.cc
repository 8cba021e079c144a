// The ledger against a model that keeps only a list of leases and looks at time minute by minute.
#include <random>

#include <gtest/gtest.h>

#include "core/license/entitlement_ledger.h"

namespace dml {
namespace {

using std::chrono::minutes;

Timestamp At(int64_t minute) { return Timestamp(minutes(minute)); }

struct ModelLease {
  int64_t end = 0;
  uint64_t seats = 0;
  LeaseState state = LeaseState::kReserved;
};

struct Model {
  Entitlement terms;
  int64_t now = 0;
  std::map<std::string, ModelLease> live;
  uint64_t high_water = 0;
  uint64_t overage_minutes = 0;

  uint64_t Sum(std::initializer_list<LeaseState> states) const {
    uint64_t sum = 0;
    for (const auto& [id, lease] : live) {
      if (std::find(states.begin(), states.end(), lease.state) != states.end()) sum += lease.seats;
    }
    return sum;
  }
  uint64_t in_use() const { return Sum({LeaseState::kActive, LeaseState::kBorrowed}); }
  uint64_t leased() const { return in_use() + Sum({LeaseState::kReserved}); }

  void Advance(int64_t to) {
    for (; now < to; ++now) {
      if (in_use() > terms.quantity) overage_minutes += in_use() - terms.quantity;
      std::erase_if(live, [this](const auto& item) { return item.second.end <= now + 1; });
    }
  }
  int64_t EndOf(int64_t duration) const {
    return std::min<int64_t>(
        now + duration,
        std::chrono::duration_cast<minutes>(terms.expiry.time_since_epoch()).count());
  }
  bool InForce() const { return terms.InForce(At(now)); }
};

size_t Pick(std::mt19937_64& random, size_t count) { return random() % count; }

struct Schedule {
  std::mt19937_64 random;
  EntitlementLedger ledger;
  Model model;
  int next_request = 0;
  std::map<std::string, int> results;  // How often each reason came, "" for success.

  explicit Schedule(uint64_t seed) : random(seed) {
    Entitlement& terms = model.terms;
    terms.id = "e";
    terms.product = "p";
    terms.vendor = "v";
    terms.quantity = 8;
    terms.overage_percent = 50;
    terms.start = At(0);
    terms.expiry = At(300);
    terms.contract_digest = "sha256:" + std::string(64, '0');
    terms.max_borrowed = 3;
    terms.max_borrow_duration = minutes(20);
    terms.low_water = 2;
    EXPECT_TRUE(ledger.Grant(terms, At(0)).ok());
  }

  void Expect(const absl::Status& status, const std::string& reason) {
    ASSERT_EQ(Reason(status), reason) << status << " at " << model.now;
    results[reason] += 1;
  }

  std::string AnyLease() {
    if (next_request == 0) return "none/0";
    // Mostly young ones; some have ended, some are unknown.
    const int back = static_cast<int>(Pick(random, 8));
    return fmt::format("r{}/0", std::max(0, next_request - back));
  }

  void Reserve(bool borrow) {
    const uint64_t seats = 1 + Pick(random, 4);
    const int64_t duration = 1 + static_cast<int64_t>(Pick(random, 25));
    const std::string id = fmt::format("r{}", next_request);
    std::string reason;
    if (!model.InForce()) {
      reason = "ENTITLEMENT_NOT_IN_FORCE";
    } else if (model.leased() + seats > model.terms.limit()) {
      reason = "SEATS_EXHAUSTED";
    } else if (borrow && model.Sum({LeaseState::kBorrowed}) + seats > model.terms.max_borrowed) {
      reason = "BORROW_LIMIT";
    } else if (borrow && duration > 20) {
      reason = "BORROW_TOO_LONG";
    } else if (borrow && model.leased() + seats + model.terms.low_water > model.terms.quantity) {
      reason = "BORROW_LOW_WATER";
    }
    const SeatRequest item{"e", "n", seats};
    if (borrow) {
      Expect(ledger.Borrow(id, item, "x", minutes(duration), At(model.now)).status(), reason);
    } else {
      const std::vector<SeatRequest> items = {item};
      const std::string check = Reason(ledger.CheckSeats(items, "x", At(model.now)));
      ASSERT_EQ(check, reason);
      Expect(ledger.Reserve(id, items, "x", minutes(duration), At(model.now)).status(), reason);
    }
    if (!reason.empty()) return;
    ++next_request;
    model.live[id + "/0"] = {model.EndOf(duration), seats,
                             borrow ? LeaseState::kBorrowed : LeaseState::kReserved};
    model.high_water = std::max(model.high_water, model.in_use());
  }

  // The reason for a lease that does not live; whether it is remembered is the ledger's.
  std::string GoneReason(const std::string& id) const {
    return ledger.leases().contains(id) ? "LEASE_ENDED" : "LEASE_NOT_FOUND";
  }

  void ActOnLease(size_t action) {
    const std::string id = AnyLease();
    const int64_t duration = 1 + static_cast<int64_t>(Pick(random, 25));
    auto it = model.live.find(id);
    const bool lives = it != model.live.end();
    if (action == 0) {
      const bool reserved = lives && it->second.state == LeaseState::kReserved;
      const absl::Status status = ledger.Commit(id, minutes(duration), At(model.now));
      Expect(status, !lives ? GoneReason(id) : reserved ? "" : "LEASE_ALREADY_COMMITTED");
      if (reserved) it->second = {model.EndOf(duration), it->second.seats, LeaseState::kActive};
    } else if (action == 1) {
      const bool active = lives && it->second.state == LeaseState::kActive;
      const absl::Status status = ledger.Extend(id, minutes(duration), At(model.now));
      Expect(status, !lives ? GoneReason(id) : active ? "" : "LEASE_NOT_ACTIVE");
      if (active) it->second.end = std::max(it->second.end, model.EndOf(duration));
    } else {
      const absl::Status status =
          action == 2 ? ledger.Release(id, At(model.now)) : ledger.ForceRelease(id, At(model.now));
      Expect(status, lives ? "" : GoneReason(id));
      if (lives) model.live.erase(it);
    }
    model.high_water = std::max(model.high_water, model.in_use());
  }

  void Amend() {
    Entitlement terms = model.terms;
    terms.quantity = 5 + Pick(random, 6);
    const bool below = model.leased() > terms.limit();
    Expect(ledger.Amend(terms, At(model.now)), below ? "ENTITLEMENT_BELOW_LEASED" : "");
    if (!below) model.terms = terms;
  }

  void Step() {
    const size_t action = Pick(random, 20);
    if (action < 6) model.Advance(model.now + static_cast<int64_t>(Pick(random, 5)));
    if (action == 6) {
      Expect(ledger.Advance(At(-1)), "CLOCK_WENT_BACK");
    } else if (action == 7) {
      Amend();
    } else if (action < 13) {
      Reserve(/*borrow=*/action < 9);
    } else {
      ActOnLease(action < 16 ? 0 : action - 16);
    }
  }

  void Compare() {
    ASSERT_TRUE(ledger.Advance(At(model.now)).ok());
    ASSERT_EQ(ledger.CheckInvariants(), absl::OkStatus());
    const SeatPosition position = ledger.Position("e").value();
    ASSERT_EQ(position.reserved, model.Sum({LeaseState::kReserved}));
    ASSERT_EQ(position.in_use, model.in_use());
    ASSERT_EQ(position.borrowed, model.Sum({LeaseState::kBorrowed}));
    ASSERT_EQ(position.high_water, model.high_water);
    ASSERT_EQ(position.overage_minutes, model.overage_minutes) << "at " << model.now;
    ASSERT_LE(model.leased(), model.terms.limit());
    for (const auto& [id, lease] : model.live) {
      ASSERT_EQ(ledger.leases().at(id).end, At(lease.end));
    }
  }
};

TEST(LedgerModelTest, AgreesUnderRandomSchedules) {
  std::map<std::string, int> results;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Schedule run(seed);
    for (int i = 0; i < 600; ++i) {
      run.Step();
      // Not after each step, so that much may end between two looks.
      if (i % 3 == 0) run.Compare();
      if (::testing::Test::HasFatalFailure()) return;
    }
    for (const auto& [reason, count] : run.results) results[reason] += count;
  }
  for (const char* reason :
       {"", "SEATS_EXHAUSTED", "BORROW_LIMIT", "BORROW_TOO_LONG", "BORROW_LOW_WATER",
        "LEASE_ALREADY_COMMITTED", "LEASE_ENDED", "LEASE_NOT_ACTIVE", "ENTITLEMENT_BELOW_LEASED",
        "ENTITLEMENT_NOT_IN_FORCE", "CLOCK_WENT_BACK"}) {
    EXPECT_GT(results[reason], 20) << "never tried: " << reason;
  }
}

}  // namespace
}  // namespace dml
