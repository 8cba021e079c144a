// A permit exists only if every rule held at its index: whoever folds the journal up to a permit's
// entry and asks the gate again hears the very same findings, none of which denies.
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "core/wire/entry.h"
#include "storage/journal/journal.h"
#include "storage/views/projector.h"
#include "tests/support/permit_world.h"

namespace dml {
namespace {

using testing::PermitWorld;
using testing::TestLibrary;

// The state after the journal's first entries, on an engine of its own.
std::unique_ptr<Engine> Prefix(Library& library, uint64_t size) {
  const auto whole = library.Read();
  const JournalView journal(*whole);
  std::unique_ptr<Engine> out = NewMemoryEngine();
  TreeAppender appender;
  for (uint64_t i = 0; i < size; ++i) {
    const StoredEntry stored = journal.At(i).value();
    auto batch = out->NewBatch();
    for (const BlobRef& blob : MetadataBlobs(stored.entry.payload)) {
      batch->Put(Table::kMetadata, blob.digest.raw(), ReadMetadata(*whole, blob).value());
    }
    EXPECT_TRUE(ApplyEntry(stored.entry, *batch, *batch).ok());
    AppendLeaf(stored.leaf, appender, *batch);
    EXPECT_TRUE(out->Commit(std::move(batch), Durability::kBuffered).ok());
  }
  return out;
}

// What the gate says by an earlier state at the time of a decision, which `whole` tells.
PermitDecision Again(const Reader& state, const Reader& whole, const PermitDecided& decided,
                     std::string_view origin) {
  const std::string statement = ReadMetadata(whole, decided.permit).value();
  const Permit permit =
      ParsePermitPredicate(ParseStatement(statement).value().predicate_json).value();
  TrustCache trust;
  PolicyCache policies;
  SpecCache specs;
  PermitRequest request;
  request.release = decided.release;
  request.environment = decided.environment;
  request.nodes = decided.nodes;
  request.not_before = decided.not_before;
  request.expires = decided.expires;
  request.deployer = "dora";
  return DecidePermit(state, {trust, policies, specs, std::string(origin)}, request, permit.decided)
      .value();
}

class PermitPropertyTest : public ::testing::TestWithParam<unsigned> {
 protected:
  unsigned Pick(unsigned n) { return random_() % n; }

  // Something that may change what the gate says, or nothing.
  void Change() {
    const Digest& release = releases_[Pick(releases_.size())];
    switch (Pick(8)) {
      case 0:
        world_.Approve(release, world_.amy);
        break;
      case 1:
        world_.Approve(release, world_.amy, "production/eu", Sha256("others"));
        break;
      case 2:
        world_.SetPolicy(Pick(2) == 0 ? "production" : "production/eu",
                         std::string(testing::kPermitPolicy) + kFamilies[Pick(4)], nullptr,
                         Pick(4) != 0);
        break;
      case 3:
        if (!permits_.empty() && Pick(12) == 0) {
          library_.Commit(VersionWithdrawn{world_.release.items[0].variant, "x"}).IgnoreError();
        }
        break;
      case 4:
        library_.Wait(std::chrono::hours(Pick(40)));
        break;
      case 5: {
        const auto deployment = world_.Deployment(release);
        if (deployment.has_value()) {
          const auto event = static_cast<DeploymentEvent>(5 + Pick(5));
          library_.Commit(ReleaseMoved{release, "production/eu", event, "x", deployment->Etag()})
              .IgnoreError();
        }
        break;
      }
      case 6:
        library_.Commit(NodeCreated{"production/eu", "n" + std::to_string(Pick(20)), {}})
            .IgnoreError();
        break;
      default:
        if (!permits_.empty()) {
          const std::string& id = permits_[Pick(permits_.size())];
          if (Pick(2) == 0) {
            library_.Commit(PermitUsed{id, "web-1", {}}).IgnoreError();
          } else {
            library_.Commit(PermitRevoked{id, "x"}).IgnoreError();
          }
        }
    }
  }
  // Decides on one state and commits on another, which may be the same.
  void Ask() {
    PermitRequest request = world_.Ask(releases_[Pick(releases_.size())]);
    if (Pick(3) == 0) request.nodes = {"web-1"};
    if (Pick(2) == 0) world_.Approve(request.release, world_.amy);
    absl::StatusOr<PermitDecision> decision = world_.Decide(request);
    ASSERT_TRUE(decision.ok()) << decision.status();
    const std::string id = decision->decided().id;
    const bool allowed = decision->allowed;
    if (Pick(3) == 0) Change();
    const absl::Status done = world_.Carry(*std::move(decision)).status();
    if (!done.ok()) {
      EXPECT_TRUE(Reason(done) == "STATE_CHANGED" || Reason(done) == "PERMIT_INVALID") << done;
      return;
    }
    (allowed ? permits_ : denials_).push_back(id);
  }

  static constexpr const char* kTiming =
      "timing: [{zone: Europe/Berlin, weekly: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY], "
      "from: \"06:00\", until: \"18:00\"}]}]\n";
  static constexpr const char* kFamilies[] = {"", "frequency: [{betweenHours: 20}]\n",
                                              "scope: [{rollouts: 1}]\n", kTiming};
  TestLibrary library_;
  PermitWorld world_{library_};
  std::mt19937 random_{GetParam()};
  std::vector<Digest> releases_;
  std::vector<std::string> permits_;
  std::vector<std::string> denials_;
};

TEST_P(PermitPropertyTest, EveryRuleHeldAtItsIndex) {
  SCOPED_TRACE(GetParam());  // The seed.
  releases_ = {world_.Ready(world_.release),
               world_.Ready(world_.MakeRelease("second", "1.0.0", {"acme/api"})),
               world_.Seal(world_.MakeRelease("third", "1.0.0", {"acme/api"}))};
  for (int step = 0; step < 60; ++step) {
    Change();
    ASSERT_NO_FATAL_FAILURE(Ask());
  }
  EXPECT_FALSE(permits_.empty());
  EXPECT_FALSE(denials_.empty());
  size_t checked = 0;
  for (const std::string& id : permits_) {
    const PermitRecord record = world_.Record(id);
    ASSERT_TRUE(record.decided.allowed);
    if (++checked > 12) break;
    // As it was when it became an entry, which is later than what it was decided on.
    const auto engine = Prefix(*library_, record.index);
    const auto state = engine->NewSnapshot();
    const PermitDecision again =
        Again(*state, *library_->Read(), record.decided, library_->origin());
    EXPECT_TRUE(again.allowed);
    EXPECT_EQ(again.findings_digest, record.decided.findings)
        << "the same index and time give the same findings, after a rebuild";
  }
  EXPECT_TRUE(library_->VerifyViews().value().differing_keys.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, PermitPropertyTest, ::testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace dml
