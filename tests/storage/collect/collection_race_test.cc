// Collection beside uploads that deduplicate against what is being collected: schedules drawn by a
// seed, against a model of what was acknowledged.
#include <random>
#include <thread>

#include "tests/storage/collect/collect_world.h"

namespace dml {
namespace {

using testing::BlobOf;
using testing::CollectWorld;
using testing::Piece;
using testing::Pieces;

constexpr int kPool = 10;  // Distinct pieces: most files share some.

// One client: asks what is missing, sends a file piece by piece, publishes it. Whatever the
// collector does in between, no step may fail.
class Session {
 public:
  Session(CollectWorld& world, std::string package, std::string version, std::mt19937& random)
      : world_(world),
        package_(std::move(package)),
        version_(std::move(version)),
        upload_(world.chunks(), package_.substr(0, package_.find('/'))) {
    const int pieces = 1 + static_cast<int>(random() % 5);
    for (int i = 0; i < pieces; ++i) file_.push_back(Piece(std::to_string(random() % kPool)));
  }

  // True once it is at its end.
  bool Step() {
    if (!asked_) {
      std::vector<Digest> digests;
      for (const std::string& piece : file_) digests.push_back(Sha256(piece));
      const auto missing = world_.chunks().FindMissing(upload_.ns(), digests);
      EXPECT_TRUE(missing.ok()) << missing.status();
      to_send_ = {missing->begin(), missing->end()};
      asked_ = true;
    } else if (next_ < file_.size()) {
      Expect(SendPiece(next_), "piece");
      ++next_;
    } else if (!committed_) {
      Expect(upload_.EndBlob(BlobOf(file_)), "end");
      Expect(upload_.Commit(), "commit");
      committed_ = true;
    } else {
      Expect(world_.PublishDocuments(package_, version_, {file_}), "publish");
      return true;
    }
    return false;
  }
  std::pair<std::string, std::string> name() const { return {package_, version_}; }

 private:
  absl::Status SendPiece(uint32_t i) {
    const std::string& piece = file_[i];
    if (to_send_.contains(i)) return upload_.Add(EncodeChunk(AsBytes(piece)));
    return upload_.AddKnown({Sha256(piece), static_cast<uint32_t>(piece.size())});
  }
  void Expect(const absl::Status& status, const char* what) {
    EXPECT_TRUE(status.ok()) << package_ << " " << version_ << " " << what << ": " << status;
  }

  CollectWorld& world_;
  const std::string package_;
  const std::string version_;
  Upload upload_;
  Pieces file_;
  std::set<uint32_t> to_send_;
  uint32_t next_ = 0;
  bool asked_ = false;
  bool committed_ = false;
};

// Rounds of a random policy, then a collection with uploads in between.
class Schedule {
 public:
  explicit Schedule(unsigned seed) : random_(seed) {}

  void Run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      ChangePolicies();
      world_.Pass(CollectWorld::kLease);  // What was stored and leased before is fair game.
      CollectorOptions options;
      options.batch_rows = 1 + random_() % 3;
      options.mark_bytes = random_() % 2 == 0 ? 0 : 1 << 20;
      options.step = [this](const CollectionRecord&) {
        Disturb();
        return random_() % 40 == 0 ? absl::CancelledError() : absl::OkStatus();
      };
      const auto record = world_.Collect(std::move(options));
      ASSERT_TRUE(record.ok() || absl::IsCancelled(record.status())) << record.status();
      world_.ExpectPayloadIsWhole();
      while (!sessions_.empty()) Advance();
      ExpectAcknowledged();
    }
    world_.CollectAll();
    world_.CollectAll();
    ExpectAcknowledged();
    world_.ExpectNothingElse();
  }

 private:
  size_t Pick(size_t count) { return random_() % count; }

  void ChangePolicies() {
    for (const char* ns : {"acme", "other"}) {
      world_.Retain(ns, {RetentionKeep::kMatching, 1 + static_cast<uint32_t>(Pick(3)), {}, true});
    }
    if (acknowledged_.empty()) return;
    const auto& [package, version] = acknowledged_[Pick(acknowledged_.size())];
    if (Pick(3) == 0) world_.Withdraw(package, version).IgnoreError();  // Perhaps a second time.
  }

  void Disturb() {
    // All of a pass takes less than the part of a lease that marks are good for.
    if (Pick(8) == 0) world_.Pass(CollectWorld::kLease / 2000);
    for (size_t steps = Pick(4); steps > 0; --steps) {
      if (sessions_.size() < 3 && Pick(2) == 0) {
        const std::string package = Pick(2) == 0 ? "acme/api" : "other/api";
        sessions_.push_back(
            std::make_unique<Session>(world_, package, std::to_string(++version_), random_));
      } else if (!sessions_.empty()) {
        Advance();
      }
    }
  }

  void Advance() {
    const size_t i = Pick(sessions_.size());
    const bool gives_up = Pick(30) == 0;
    const bool done = !gives_up && sessions_[i]->Step();
    if (done) acknowledged_.push_back(sessions_[i]->name());
    if (done || gives_up) sessions_.erase(sessions_.begin() + static_cast<ptrdiff_t>(i));
  }

  void ExpectAcknowledged() {
    world_.ExpectPayloadIsWhole();
    const auto state = world_.library().Read();
    for (const auto& [package, version] : acknowledged_) {
      EXPECT_TRUE(LibraryView(*state).FindVariant(world_.NameOf(package, version))->has_value());
    }
  }

  std::mt19937 random_;
  CollectWorld world_;
  int version_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::pair<std::string, std::string>> acknowledged_;
};

TEST(CollectionRaceTest, UploadsBetweenTheStepsOfACollection) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Schedule(seed).Run(4);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(CollectionRaceTest, UploadsOnThreadsOfTheirOwn) {
  CollectWorld world;
  std::atomic<int> version = 0;
  for (unsigned round = 1; round <= 25; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    for (const char* ns : {"acme", "other"}) world.Retain(ns, {RetentionKeep::kMatching, 1});
    world.Pass(CollectWorld::kLease);
    std::vector<std::jthread> uploaders;
    for (unsigned i = 0; i < 3; ++i) {
      uploaders.emplace_back([&, seed = round * 10 + i] {
        std::mt19937 random(seed);
        for (int file = 0; file < 3; ++file) {
          Session session(world, seed % 2 == 0 ? "acme/api" : "other/api",
                          std::to_string(++version), random);
          while (!session.Step()) {
          }
        }
      });
    }
    CollectorOptions options;
    options.batch_rows = 1 + round % 3;
    const auto record = world.Collect(std::move(options));
    EXPECT_TRUE(record.ok()) << record.status();
    uploaders.clear();
    world.ExpectPayloadIsWhole();
    if (::testing::Test::HasFailure()) return;
  }
  world.CollectAll();
  world.ExpectNothingElse();
}

}  // namespace
}  // namespace dml
