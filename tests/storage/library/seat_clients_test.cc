// Many clients at once on few seats, as the sequencer orders them.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "storage/engine/rocksdb_engine.h"
#include "storage/views/library_view.h"
#include "tests/support/entitlement_terms.h"
#include "tests/support/library_fixture.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::TempDir;
using testing::TestLibrary;

constexpr int kClients = 64;
constexpr uint64_t kSeats = 40;

Entitlement FewSeats() {
  Entitlement terms;
  terms.id = "few";
  terms.product = "p";
  terms.vendor = "v";
  terms.quantity = kSeats;
  terms.start = *ParseTime("2025-01-01T00:00:00Z");
  terms.expiry = *ParseTime("2036-01-01T00:00:00Z");
  terms.contract_digest = Sha256("contract").ToString();
  return terms;
}

// What one client did, again and again: reserve, commit, release.
void Work(TestLibrary& library, int client, int rounds, std::atomic<int>& done,
          std::atomic<int>& refused) {
  for (int i = 0; i < rounds; ++i) {
    const std::string id = fmt::format("c{}-{}", client, i);
    const SeatsReserved reserve{id, "production", hours(1), {{"few", id, 1}}};
    const absl::Status reserved = library.Commit(reserve, {}, id).status();
    if (!reserved.ok()) {
      EXPECT_EQ(Reason(reserved), "SEATS_EXHAUSTED");
      ++refused;
      continue;
    }
    EXPECT_TRUE(library.Commit(reserve, {}, id).value().replayed) << "a retry reserves no more";
    EXPECT_TRUE(library.Commit(LeaseCommitted{id + "/0", hours(2)}).ok());
    EXPECT_EQ(Reason(library.Commit(LeaseCommitted{id + "/0", hours(2)}).status()),
              "LEASE_ALREADY_COMMITTED");
    EXPECT_TRUE(library.Commit(LeaseReleased{id + "/0", false, ""}).ok());
    done += 3;
  }
}

TEST(SeatClientsTest, SixtyFourClientsNeverHoldMoreThanThereIs) {
  TempDir dir;
  TestLibrary library(OpenRocksEngine(dir.path() / "db", {}).value());
  ASSERT_TRUE(library.Commit(EnvironmentCreated{"production", "", {}}).ok());
  ASSERT_TRUE(library
                  .Commit(MediaRegistered{"acme/contract",
                                          MediaKind::kDocument,
                                          "t",
                                          "vault",
                                          "pat",
                                          1,
                                          Sha256("contract"),
                                          {}})
                  .ok());
  ASSERT_TRUE(library.Commit(testing::Granted(FewSeats()), {testing::kSomeEnvelope}).ok());

  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&, i] { Work(library, i, 20, done, refused); });
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  RecordProperty("lease_operations_per_second", static_cast<int>(done / took.count()));
  EXPECT_GT(refused, 0) << "the seats never ran out";

  auto snapshot = library->Read();
  const SeatPosition position =
      PositionAt("few", LibraryView(*snapshot), *ParseTime("2030-01-01T00:00:00Z")).value();
  EXPECT_EQ(position.in_use, 0u);
  EXPECT_EQ(position.reserved, 0u);
  EXPECT_LE(position.high_water, kSeats);
  EXPECT_TRUE(library->VerifyViews().value().differing_keys.empty());
}

}  // namespace
}  // namespace dml
