// Entitlements and leases as the journal keeps them, against the ledger in memory: random schedules
// with restarts, rebuilds and a clock that jumps, compared after every step.
#include <random>

#include <gtest/gtest.h>

#include "storage/views/library_view.h"
#include "tests/support/entitlement_terms.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using testing::ForwardingEngine;

const Timestamp kStart = *ParseTime("2026-01-01T00:00:00Z");
const Digest kContract = Sha256("contract");

Entitlement Terms(const std::string& id, uint64_t quantity) {
  Entitlement terms;
  terms.id = id;
  terms.product = "product of " + id;
  terms.vendor = "vendor";
  terms.quantity = quantity;
  terms.overage_percent = 50;
  terms.start = kStart;
  terms.expiry = kStart + hours(24 * 9);
  terms.environments = {"production", "test"};
  terms.contract_digest = kContract.ToString();
  terms.max_borrowed = 3;
  terms.max_borrow_duration = hours(20);
  terms.low_water = 2;
  return terms;
}

// A library whose engine outlives it, and the ledger that it must agree with.
class Schedule {
 public:
  explicit Schedule(uint64_t seed) : random_(seed) {
    Open();
    Must(NamespaceCreated{"acme", "", {}});
    Must(EnvironmentCreated{"production", "", {}});
    Must(EnvironmentCreated{"test", "", {}});
    MediaRegistered contract{
        "acme/contract", MediaKind::kDocument, "t", "vault", "pat", 1, kContract, {}};
    Must(contract);
  }

  void Step() {
    if (Pick(4) == 0) MoveClock();
    const size_t action = Pick(24);
    if (action == 0) {
      Grant();
    } else if (action == 1) {
      Amend();
    } else if (action < 10) {
      Reserve();
    } else if (action < 13) {
      Borrow();
    } else {
      ActOnLease(action);
    }
  }

  void Restart() {
    library_.reset();
    if (Pick(2) == 0) {
      ASSERT_EQ(RebuildViews(*engine_), absl::OkStatus());
    }
    Open();
    ASSERT_TRUE(library_->VerifyViews().value().differing_keys.empty());
  }

  void Compare() {
    ASSERT_EQ(oracle_.Advance(now()), absl::OkStatus());
    ASSERT_EQ(oracle_.CheckInvariants(), absl::OkStatus());
    auto snapshot = library_->Read();
    LibraryView view(*snapshot);
    for (const auto& [id, terms] : oracle_.entitlements()) {
      ASSERT_EQ(view.FindEntitlement(id).value().value().terms, terms);
      ASSERT_EQ(PositionAt(id, view, now()).value(), oracle_.Position(id).value()) << id;
    }
    for (const auto& [id, lease] : oracle_.leases()) {
      auto record = view.FindLease(id).value();
      ASSERT_TRUE(record.has_value()) << id;
      ASSERT_EQ(record->lease.AsOf(now()), lease) << id;
    }
    const std::vector<SeatRequest> items = AnyItems();
    ASSERT_EQ(Reason(CheckSeatsAt(items, "test", view, now())),
              Reason(oracle_.CheckSeats(items, "test", now())));
  }

  const std::map<std::string, int>& results() const { return results_; }

 private:
  Timestamp now() const { return std::max(*clock_, last_); }
  size_t Pick(size_t count) { return random_() % count; }

  void Open() {
    LibraryOptions options;
    options.origin = "dml.test/library";
    options.clock = [clock = clock_] { return *clock; };
    options.accept_missing_checkpoint = true;
    library_ = Library::Open(std::make_unique<ForwardingEngine>(engine_),
                             *PrivateKey::FromPkcs8Pem(log_key_), options)
                   .value();
  }

  absl::Status Commit(EntryPayload payload) {
    Command command;
    command.author = "tester";
    command.metadata = testing::MetadataOf(payload);
    command.payload = std::move(payload);
    absl::StatusOr<Receipt> receipt = library_->Commit(std::move(command));
    if (!receipt.ok()) return receipt.status();
    EXPECT_EQ(receipt->time, now());
    last_ = receipt->time;
    return absl::OkStatus();
  }
  void Must(EntryPayload payload) { ASSERT_EQ(Commit(std::move(payload)), absl::OkStatus()); }

  void Expect(const absl::Status& got, const std::string& reason) {
    ASSERT_EQ(Reason(got), reason) << got;
    ++results_[reason];
  }

  void MoveClock() {
    const size_t kind = Pick(40);
    if (kind == 0) {
      // The journal's time stays where its last entry, which is of now, put it.
      Must(NamespaceCreated{fmt::format("mark-{}", marks_++), "", {}});
      *clock_ -= hours(1);
    } else if (kind == 1) {
      *clock_ = now() + hours(23) + minutes(Pick(120));
    } else if (kind < 20) {
      *clock_ = now() + minutes(Pick(200));
    } else {
      *clock_ = now() + microseconds(Pick(3));
    }
  }

  std::string AnyEntitlement() { return fmt::format("e{}", Pick(4)); }
  std::vector<SeatRequest> AnyItems() {
    std::vector<SeatRequest> items(1 + Pick(3));
    for (SeatRequest& item : items) {
      item = {AnyEntitlement(), fmt::format("node{}", Pick(5)), 1 + Pick(3)};
    }
    return items;
  }
  std::string AnyEnvironment() { return Pick(3) == 0 ? "test" : "production"; }
  microseconds AnyDuration() { return Pick(6) == 0 ? microseconds(1) : minutes(1 + Pick(1500)); }

  void Grant() {
    const Entitlement terms = Terms(AnyEntitlement(), 4 + Pick(8));
    const absl::Status want = oracle_.Grant(terms, now());
    Expect(Commit(testing::Granted(terms)), Reason(want));
  }

  void Amend() {
    Entitlement terms = Terms(AnyEntitlement(), 3 + Pick(8));
    if (Pick(3) == 0) terms.environments = {"production"};
    if (Pick(3) == 0) terms.expiry = now() + hours(1 + Pick(100));
    if (Pick(8) == 0) terms.product = "another";
    std::string etag;
    auto record = LibraryView(*library_->Read()).FindEntitlement(terms.id).value();
    if (record.has_value()) etag = record->Etag();
    const std::string want = Reason(oracle_.Amend(terms, now()));
    if (want.empty()) {
      Expect(Commit(testing::Amended(terms, "0", ++revision_)), "ETAG_MISMATCH");
    }
    Expect(Commit(testing::Amended(terms, etag, ++revision_)), want);
  }

  // A new id, or one that was taken before and may be free again.
  std::string AnyRequest() {
    if (next_ > 0 && Pick(8) == 0) return fmt::format("r{}", Pick(next_));
    return fmt::format("r{}", next_++);
  }
  bool Remembered(const std::string& request) {
    EXPECT_EQ(oracle_.Advance(now()), absl::OkStatus());
    return std::ranges::any_of(oracle_.leases(),
                               [&](const auto& item) { return item.second.request == request; });
  }

  void Reserve() {
    const SeatsReserved p{AnyRequest(), AnyEnvironment(), AnyDuration(), AnyItems()};
    if (Remembered(p.id)) return Expect(Commit(p), "RESERVATION_EXISTS");
    const auto want = oracle_.Reserve(p.id, p.items, p.environment, p.ttl, now());
    Expect(Commit(p), Reason(want.status()));
  }

  void Borrow() {
    const LeaseBorrowed p{AnyRequest(), AnyEnvironment(), AnyDuration(), AnyItems()[0]};
    if (Remembered(p.id)) return Expect(Commit(p), "RESERVATION_EXISTS");
    const auto want = oracle_.Borrow(p.id, p.item, p.environment, p.duration, now());
    Expect(Commit(p), Reason(want.status()));
  }

  void ActOnLease(size_t action) {
    // Mostly young ones; some have ended, are forgotten, or never were.
    const size_t back = Pick(10) == 0 ? Pick(200) : Pick(8);
    const std::string id = fmt::format("r{}/{}", next_ - std::min(next_, back), Pick(5) / 3);
    const microseconds duration = AnyDuration();
    if (action < 17) {
      const absl::Status want = oracle_.Commit(id, duration, now());
      Expect(Commit(LeaseCommitted{id, duration}), Reason(want));
    } else if (action < 20) {
      const absl::Status want = oracle_.Extend(id, duration, now());
      Expect(Commit(LeaseExtended{id, duration}), Reason(want));
    } else if (action < 23) {
      const absl::Status want = oracle_.Release(id, now());
      Expect(Commit(LeaseReleased{id, false, ""}), Reason(want));
    } else {
      Expect(Commit(LeaseReleased{id, true, ""}), "REASON_REQUIRED");
      const absl::Status want = oracle_.ForceRelease(id, now());
      Expect(Commit(LeaseReleased{id, true, "lost at sea"}), Reason(want));
    }
  }

  std::mt19937_64 random_;
  uint64_t revision_ = 1;
  const std::string log_key_ = *testing::LogKey().ToPkcs8Pem();
  const std::shared_ptr<Engine> engine_ = NewMemoryEngine();
  const std::shared_ptr<Timestamp> clock_ = std::make_shared<Timestamp>(kStart);
  Timestamp last_{};
  std::unique_ptr<Library> library_;
  EntitlementLedger oracle_;
  size_t next_ = 0;
  size_t marks_ = 0;
  std::map<std::string, int> results_;
};

TEST(SeatScheduleTest, TheJournalAgreesWithTheLedgerAtEveryIndex) {
  std::map<std::string, int> results;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Schedule run(seed);
    for (int i = 0; i < 400; ++i) {
      run.Step();
      // Not after each, so that much may end between two looks of the ledger.
      if (i % 2 == 0) run.Compare();
      if (i % 80 == 79) run.Restart();
      if (::testing::Test::HasFatalFailure()) return;
    }
    for (const auto& [reason, count] : run.results()) results[reason] += count;
  }
  for (const char* reason :
       {"", "ENTITLEMENT_EXISTS", "ENTITLEMENT_NOT_FOUND", "ENTITLEMENT_BELOW_LEASED",
        "ENTITLEMENT_INVALID", "ENTITLEMENT_ENVIRONMENT", "ETAG_MISMATCH", "RESERVATION_EXISTS",
        "SEATS_EXHAUSTED", "BORROW_LIMIT", "BORROW_LOW_WATER", "BORROW_TOO_LONG",
        "LEASE_ALREADY_COMMITTED", "LEASE_NOT_ACTIVE", "LEASE_ENDED", "LEASE_NOT_FOUND"}) {
    EXPECT_GT(results[reason], 3) << "never tried: " << reason;
  }
}

}  // namespace
}  // namespace dml
