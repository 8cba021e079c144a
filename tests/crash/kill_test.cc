// kill -9 at random moments during concurrent publishes: what was acknowledged is there and
// verifies, nothing half done is visible, and what the log promised before still holds.
//
// DML_TEST_ROUNDS: how often (default 5). DML_TEST_SEED repeats a run's choices; the moment of the
// kill itself is the machine's.
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "client/connection.h"
#include "client/log_verifier.h"
#include "core/crypto/random.h"
#include "core/merkle/merkle.h"
#include "core/wire/entry.h"
#include "dml/v1/journal.grpc.pb.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"

namespace dml {
namespace {

using testing::AllItems;
using testing::NameOfVersion;
using testing::ReadBytes;
using testing::RunningLibrary;
using testing::ScratchFolder;

constexpr int kThreads = 4;
constexpr size_t kMaxFileBytes = 400 << 10;  // A pack for some, one chunk for most.
constexpr char kConfig[] = "content: {chunkAverageBytes: 16384, looseBytes: 65536}\n";

uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What a publish was to put into the library, and what became of it.
struct Publish {
  std::string package, version;
  uint64_t content_seed = 0;
  size_t content_size = 0;
  std::string request_id;
  uint64_t index = 0;  // 0: never acknowledged.

  VariantName name() const { return NameOfVersion(package, version); }
  std::string Content() const {
    std::mt19937_64 random(content_seed);
    std::string bytes(content_size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }
};

class KillTest : public ::testing::Test {
 protected:
  KillTest()
      : seed_(Setting("DML_TEST_SEED", std::random_device{}())),
        random_(seed_),
        library_(folder_.path() / "data", {"--config", (folder_.path() / "dmld.yaml").string()}),
        key_(PrivateKey::Generate(KeyAlgorithm::kEd25519)) {}

  void SetUp() override {
    testing::WriteBytes(folder_.path() / "dmld.yaml", kConfig);
    ASSERT_TRUE(library_.Start());
    Client admin = library_.NewClient();
    ASSERT_TRUE(admin.CreateNamespace("acme", "", {}).ok());
    ASSERT_TRUE(
        testing::RegisterKey(admin, key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"})
            .ok());
  }

  absl::StatusOr<Committed<VariantRecord>> Carry(Client& client, const Publish& publish) {
    const auto file =
        testing::WriteBytes(folder_.path() / "input" / publish.package / "blob", publish.Content());
    PublishInput input;
    input.spec_json = testing::SpecJson(publish.package, publish.version);
    input.files = {{file, "bin/blob"}};
    input.keys = {&key_};
    return PublishPackage(client, input, {}, {.request_id = publish.request_id});
  }

  // One thread: publishes version after version until the daemon is gone. The last one of the
  // result was not acknowledged.
  std::vector<Publish> PublishUntilKilled(int round, int thread, uint64_t seed) {
    std::mt19937_64 random(seed);
    Client client = library_.NewClient();
    std::vector<Publish> done;
    while (true) {
      Publish next;
      next.package = fmt::format("acme/r{}-t{}", round, thread);
      next.version = fmt::format("1.{}.0", done.size());
      next.content_seed = random();
      // The first is a pack, whatever the seed; many of the others too.
      next.content_size =
          done.empty() ? kMaxFileBytes : random() % (random() % 4 == 0 ? kMaxFileBytes : 4096);
      next.request_id = NewRequestId();
      auto committed = Carry(client, next);
      if (committed.ok()) next.index = committed->commit.index;
      done.push_back(next);
      if (!committed.ok()) {
        // Nothing but the kill may stop it.
        EXPECT_EQ(committed.status().code(), absl::StatusCode::kUnavailable) << committed.status();
        return done;
      }
      ++acknowledged_;
    }
  }

  // Runs the threads and kills the daemon in the middle.
  std::vector<Publish> Round(int round) {
    acknowledged_ = 0;
    std::vector<std::vector<Publish>> parts(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, round, i, seed = random_(), &parts] {
        parts[i] = PublishUntilKilled(round, i, seed);
      });
    }
    const int enough = static_cast<int>(random_() % 24);
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (acknowledged_ < enough && std::chrono::steady_clock::now() < late) {
      std::this_thread::yield();
    }
    const auto moment =
        std::chrono::steady_clock::now() + std::chrono::microseconds(random_() % 15000);
    while (std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    library_.Kill();
    for (std::thread& thread : threads) thread.join();
    std::vector<Publish> all;
    for (auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  // The last checkpoint that any client accepted: they share one state file.
  Checkpoint Remembered() {
    const ClientOptions options = library_.AdminOptions();
    auto log = LogVerifier::Create(
        {options.log_origin, {}, *PublicKey::FromSpkiPem(options.log_key_pem), std::nullopt},
        options.state_file);
    EXPECT_TRUE(log.ok()) << log.status();
    auto remembered = (*log)->Remembered();
    EXPECT_TRUE(remembered.ok() && remembered->has_value()) << remembered.status();
    return **remembered;
  }

  // The checkpoint of before is one of the same history.
  void CheckConsistent(Client& client, const Checkpoint& before) {
    auto now = client.GetCheckpoint();
    ASSERT_TRUE(now.ok()) << now.status();
    ASSERT_GE(now->size, before.size);
    v1::GetConsistencyProofRequest request;
    request.set_first_size(before.size);
    request.set_second_size(now->size);
    auto response =
        client.connection().Call(&v1::JournalService::Stub::GetConsistencyProof, request);
    ASSERT_TRUE(response.ok()) << response.status();
    std::vector<Digest> proof;
    for (const std::string& hash : response->proof()) proof.push_back(*Digest::FromBytes(hash));
    EXPECT_TRUE(VerifyConsistency(before.size, before.root, now->size, now->root, proof).ok());
  }

  // Acknowledged: in the log at the index of its receipt, and in the catalog.
  void CheckAcknowledged(Client& client, const Publish& publish) {
    auto proven = client.ProveEntry(publish.index);
    ASSERT_TRUE(proven.ok()) << proven.status();
    auto entry = wire::DecodeEntry(proven->leaf);
    ASSERT_TRUE(entry.ok()) << entry.status();
    const auto* published = std::get_if<VersionPublished>(&entry->payload);
    ASSERT_NE(published, nullptr);
    EXPECT_EQ(published->variant, publish.name());
    EXPECT_EQ(entry->request_id, publish.request_id);
    auto details = client.GetVariant(publish.name());
    ASSERT_TRUE(details.ok()) << details.status();
    EXPECT_EQ(details->record.published_index, publish.index);
  }

  // Documents, signatures, inclusion and the very bytes that were published.
  void CheckContent(Client& client, const Publish& publish) {
    const std::filesystem::path out = folder_.path() / "out";
    std::filesystem::remove_all(out);
    auto result = DownloadVariant(client, publish.name(), out, {}, {});
    ASSERT_TRUE(result.ok()) << publish.name().ResourceName() << ": " << result.status();
    EXPECT_TRUE(ReadBytes(out / "bin" / "blob") == publish.Content())
        << publish.name().ResourceName();
  }

  // What the catalog lists of a round is what the journal has of it, and whole.
  void CheckVisible(Client& client, int round, const std::vector<Publish>& publishes,
                    uint64_t first_index) {
    std::set<VariantName> listed, logged;
    for (int i = 0; i < kThreads; ++i) {
      const PackageName package{"acme", fmt::format("r{}-t{}", round, i)};
      if (client.GetPackage(package).status().code() == absl::StatusCode::kNotFound) continue;
      for (const VariantRecord& record : AllItems<VariantRecord>(
               [&](const ListOptions& o) { return client.ListVariants(package, o); })) {
        listed.insert(record.name);
      }
    }
    for (const JournalLine& line : AllItems<JournalLine>([&](const ListOptions& o) {
           return client.ListEntries(first_index, "version_published", false, o);
         })) {
      auto entry = wire::DecodeEntry(line.leaf);
      ASSERT_TRUE(entry.ok()) << entry.status();
      logged.insert(std::get<VersionPublished>(entry->payload).variant);
    }
    EXPECT_EQ(listed, logged);
    for (const Publish& publish : publishes) {
      if (publish.index != 0) {
        EXPECT_TRUE(listed.contains(publish.name())) << publish.name().ResourceName();
      } else if (listed.contains(publish.name())) {
        CheckContent(client, publish);  // Not acknowledged, yet visible: then whole.
      }
    }
  }

  // A publish whose outcome nobody knows is found out by doing it again under its request id.
  void CheckRetry(Client& client, Publish& publish) {
    const bool there = client.GetVariant(publish.name()).ok();
    auto committed = Carry(client, publish);
    ASSERT_TRUE(committed.ok()) << committed.status();
    EXPECT_EQ(committed->commit.replayed, there);
    publish.index = committed->commit.index;
  }

  bool HasPacks() {
    Client client = library_.NewClient();
    EXPECT_TRUE(client.StartMeasurement().ok());
    while (true) {
      auto figures = client.GetStorageFigures();
      EXPECT_TRUE(figures.ok()) << figures.status();
      if (!figures.ok()) return false;
      if (!figures->job.busy()) return figures->figures.packs > 0;
      std::this_thread::yield();
    }
  }

  ScratchFolder folder_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  RunningLibrary library_;
  PrivateKey key_;
  std::atomic<int> acknowledged_ = 0;
};

TEST_F(KillTest, LosesNothingThatWasAcknowledged) {
  const int rounds = static_cast<int>(Setting("DML_TEST_ROUNDS", 5));
  std::vector<Publish> earlier;
  uint64_t acknowledged = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(fmt::format("round {}, DML_TEST_SEED={}", round, seed_));
    const uint64_t first_index = Remembered().size;
    std::vector<Publish> publishes = Round(round);
    const Checkpoint before = Remembered();
    ASSERT_TRUE(library_.Start());
    Client client = library_.NewClient();
    CheckConsistent(client, before);
    CheckVisible(client, round, publishes, first_index);
    for (Publish& publish : publishes) {
      if (publish.index != 0) {
        EXPECT_LT(publish.index, before.size) << "an acknowledgment that nobody remembers";
        CheckAcknowledged(client, publish);
        ++acknowledged;
      } else {
        CheckRetry(client, publish);
      }
    }
    earlier.insert(earlier.end(), publishes.begin(), publishes.end());
    for (int i = 0; i < 3; ++i) CheckContent(client, earlier[random_() % earlier.size()]);
    if (round % 16 == 0 || round + 1 == rounds) {
      auto views = client.VerifyViews();
      ASSERT_TRUE(views.ok()) << views.status();
      EXPECT_TRUE(views->consistent) << fmt::format("{}", fmt::join(views->differences, ", "));
    }
    if (HasFailure()) break;
  }
  EXPECT_TRUE(HasPacks());
  EXPECT_EQ(library_.Stop(), 0);
  fmt::print("{} rounds, {} publishes acknowledged, DML_TEST_SEED={}\n", rounds, acknowledged,
             seed_);
}

}  // namespace
}  // namespace dml
