#include "client/log_verifier.h"

#include <algorithm>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/merkle/merkle.h"
#include "core/os/file.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

using testing::TempDir;

constexpr char kOrigin[] = "test.example/log";

// A log of `size` leaves; two logs with one salt agree.
class Log {
 public:
  explicit Log(const PrivateKey& key, std::string salt = "") : key_(key), salt_(std::move(salt)) {}

  Digest RootAt(uint64_t size) {
    Grow(size);
    return size == 0 ? EmptyRoot() : *RootHash(size, Reader());
  }
  std::string Note(uint64_t size) { return *SignCheckpoint({kOrigin, size, RootAt(size)}, key_); }
  LogVerifier::FetchProof Prover() {
    return [this](uint64_t first, uint64_t second) -> absl::StatusOr<std::vector<Digest>> {
      ++proofs;
      return ConsistencyProof(first, second, Reader());
    };
  }
  int proofs = 0;

 private:
  void Grow(uint64_t size) {
    while (tree_.size() < size) {
      tree_.Append(LeafHash(AsBytes(salt_ + std::to_string(tree_.size()))),
                   [this](NodeId id, const Digest& digest) { nodes_[id] = digest; });
    }
  }
  NodeReader Reader() {
    return [this](NodeId id) -> absl::StatusOr<Digest> { return nodes_.at(id); };
  }
  const PrivateKey& key_;
  const std::string salt_;
  TreeAppender tree_;
  std::map<NodeId, Digest> nodes_;
};

class LogVerifierTest : public ::testing::Test {
 protected:
  std::unique_ptr<LogVerifier> Open(const std::filesystem::path& state) {
    return *LogVerifier::Create({kOrigin, {}, key_.public_key(), std::nullopt}, state);
  }
  static LogVerifier::FetchProof Fails(absl::Status status) {
    return [status](uint64_t, uint64_t) -> absl::StatusOr<std::vector<Digest>> { return status; };
  }
  std::vector<std::string> Evidence() {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      std::string name = entry.path().filename().string();
      if (name.find("evidence") != std::string::npos) out.push_back(dir_.Read(name));
    }
    return out;
  }

  TempDir dir_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  Log log_{key_};
};

TEST_F(LogVerifierTest, RemembersTheLongestCheckpointOverRestarts) {
  std::string longest = log_.Note(9);
  {
    auto verifier = Open(dir_ / "new/state");
    EXPECT_FALSE(verifier->Remembered()->has_value());
    for (uint64_t size : {0u, 1u, 4u, 9u}) {
      ASSERT_TRUE(verifier->Accept(log_.Note(size), log_.Prover()).ok()) << size;
    }
  }
  EXPECT_EQ(dir_.Read("new/state"), longest);
  struct stat info;
  ASSERT_EQ(::stat((dir_ / "new/state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto again = Open(dir_ / "new/state");
  EXPECT_EQ((*again->Remembered())->size, 9u);
  EXPECT_TRUE(again->Accept(log_.Note(12), log_.Prover()).ok());
}

// A full disk keeps nobody from remembering: two files change places, and none is made.
TEST_F(LogVerifierTest, NoSpaceIsNeededOnceItHasAFile) {
  auto verifier = Open(dir_ / "state");
  auto inode = [&](const char* name) {
    struct stat info{};
    EXPECT_EQ(::stat((dir_ / name).c_str(), &info), 0) << name;
    return info.st_ino;
  };
  ASSERT_TRUE(verifier->Accept(log_.Note(1), log_.Prover()).ok());
  const ino_t state = inode("state");
  const ino_t spare = inode("state.spare");
  ASSERT_TRUE(verifier->Accept(log_.Note(2), log_.Prover()).ok());
  EXPECT_EQ(inode("state"), spare);
  EXPECT_EQ(inode("state.spare"), state);
  EXPECT_EQ((*Open(dir_ / "state")->Remembered())->size, 2u);
}

TEST_F(LogVerifierTest, EveryPairOfSizesOfOneLogIsConsistent) {
  log_.Note(20);
  for (uint64_t first = 0; first <= 20; ++first) {
    for (uint64_t second = 0; second <= 20; ++second) {
      auto verifier = Open("");
      ASSERT_TRUE(verifier->Accept(log_.Note(first), log_.Prover()).ok());
      absl::StatusOr<Checkpoint> accepted = verifier->Accept(log_.Note(second), log_.Prover());
      ASSERT_TRUE(accepted.ok()) << first << " " << second << " " << accepted.status();
      EXPECT_EQ(accepted->size, second);
      EXPECT_EQ((*verifier->Remembered())->size, std::max(first, second));
    }
  }
}

TEST_F(LogVerifierTest, NoProofIsFetchedWhereThereIsNothingToProve) {
  auto verifier = Open("");
  ASSERT_TRUE(verifier->Accept(log_.Note(5), log_.Prover()).ok());
  ASSERT_TRUE(verifier->Accept(log_.Note(5), log_.Prover()).ok());
  EXPECT_EQ(log_.proofs, 0);
}

// attack T8
TEST_F(LogVerifierTest, TwoHistoriesAreAForkAndBothAreKept) {
  Log other(key_, "other");
  for (uint64_t size : {4u, 3u, 9u}) {
    std::filesystem::remove_all(dir_ / "state");
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      std::filesystem::remove(entry.path());
    }
    auto verifier = Open(dir_ / "state");
    std::string remembered = log_.Note(4);
    std::string offered = other.Note(size);
    other.Note(9);
    ASSERT_TRUE(verifier->Accept(remembered, log_.Prover()).ok());
    absl::Status status = verifier->Accept(offered, other.Prover()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_EQ(Reason(status), "LOG_FORKED") << size;
    EXPECT_THAT(Evidence(), ::testing::UnorderedElementsAre(remembered, offered));
    EXPECT_EQ(dir_.Read("state"), remembered);
  }
}

// attack T8
TEST_F(LogVerifierTest, AShorterLogWithoutTheRestWentBack) {
  for (uint64_t size : {0u, 3u}) {
    auto verifier = Open(dir_ / ("state" + std::to_string(size)));
    ASSERT_TRUE(verifier->Accept(log_.Note(7), log_.Prover()).ok());
    absl::Status refusal = InvalidArgument(ErrorReason("PROOF_RANGE_INVALID"), "only {}", size);
    absl::Status status = verifier->Accept(log_.Note(size), Fails(refusal)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(Reason(status), "LOG_WENT_BACK");
    EXPECT_EQ((*verifier->Remembered())->size, 7u);
  }
  EXPECT_EQ(Evidence().size(), 4u);
}

TEST_F(LogVerifierTest, AServerThatDoesNotAnswerProvesNothingAndIsNotAccused) {
  auto verifier = Open(dir_ / "state");
  ASSERT_TRUE(verifier->Accept(log_.Note(7), log_.Prover()).ok());
  absl::Status down = Unavailable(ErrorReason("SERVER_UNAVAILABLE"), "down");
  EXPECT_EQ(verifier->Accept(log_.Note(3), Fails(down)).status(), down);
  EXPECT_EQ(verifier->Accept(log_.Note(9), Fails(down)).status(), down);
  EXPECT_EQ((*verifier->Remembered())->size, 7u);
  EXPECT_TRUE(Evidence().empty());
}

// attack T1
TEST_F(LogVerifierTest, OnlyThePinnedKeyAndOriginCount) {
  PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  Log forged(stranger);
  auto verifier = Open(dir_ / "state");
  EXPECT_EQ(Reason(verifier->Accept(forged.Note(3), forged.Prover()).status()),
            "SIGNATURE_MISSING");
  std::string elsewhere = *SignCheckpoint({"other.example/log", 0, EmptyRoot()}, key_);
  EXPECT_FALSE(verifier->Accept(elsewhere, log_.Prover()).ok());
  EXPECT_FALSE(verifier->Accept("", log_.Prover()).ok());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "state"));

  ASSERT_TRUE(verifier->Accept(log_.Note(3), log_.Prover()).ok());
  auto other_pin =
      LogVerifier::Create({kOrigin, {}, stranger.public_key(), std::nullopt}, dir_ / "state");
  EXPECT_EQ(Reason(other_pin.status()), "LOG_STATE_INVALID");
  PrivateKey ecdsa = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  EXPECT_EQ(
      Reason(LogVerifier::Create({kOrigin, {}, ecdsa.public_key(), std::nullopt}, "").status()),
      "LOG_KEY_INVALID");
}

// attack T4
TEST_F(LogVerifierTest, AStolenKeysCheckpointsAreSetAsideOnceTheRootNamesAnother) {
  constexpr uint64_t kHuge = (uint64_t{1} << 63) - 1;
  const std::string forged = *SignCheckpoint({kOrigin, kHuge, EmptyRoot()}, key_);
  PrivateKey next_key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  for (const std::filesystem::path& state : {dir_ / "state", std::filesystem::path()}) {
    auto verifier = Open(state);
    ASSERT_TRUE(verifier->Accept(forged, log_.Prover()).ok());
    EXPECT_EQ(verifier->Accept(log_.Note(5), Fails(InvalidArgument(ErrorReason("X"), "")))
                  .status()
                  .code(),
              absl::StatusCode::kDataLoss);

    ASSERT_TRUE(verifier->Rekey({kOrigin, {}, next_key.public_key(), 4}).ok());
    EXPECT_FALSE(verifier->Remembered()->has_value());
    Log next(next_key);
    EXPECT_EQ(Reason(verifier->Accept(next.Note(3), next.Prover()).status()),
              "CHECKPOINT_NOT_BELIEVED");
    EXPECT_EQ(Reason(verifier->Accept(forged, next.Prover()).status()), "SIGNATURE_MISSING");
    ASSERT_TRUE(verifier->Accept(next.Note(5), next.Prover()).ok());
    EXPECT_EQ((*verifier->Remembered())->size, 5u);
    // The same root again takes nothing away.
    ASSERT_TRUE(verifier->Rekey({kOrigin, {}, next_key.public_key(), 4}).ok());
    if (!state.empty()) EXPECT_EQ((*verifier->Remembered())->size, 5u);
  }
  const std::vector<std::string> evidence = Evidence();
  EXPECT_EQ(std::count(evidence.begin(), evidence.end(), forged), 2)
      << "as what was remembered in an accusation, and as what was set aside";

  // A client that starts after the root has changed finds its old memory.
  ASSERT_TRUE(Open(dir_ / "other")->Accept(log_.Note(3), log_.Prover()).ok());
  auto later = LogVerifier::Create({kOrigin, {}, next_key.public_key(), 4}, dir_ / "other");
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_FALSE((*later)->Remembered()->has_value());
  // What is no note of this log is not set aside.
  ASSERT_TRUE(WriteFileAtomically(dir_ / "other", AsBytes("garbage"), 0600).ok());
  EXPECT_EQ(
      Reason(LogVerifier::Create({kOrigin, {}, next_key.public_key(), 4}, dir_ / "other").status()),
      "LOG_STATE_INVALID");
}

// Recovery: a restored backup goes on under a new name, and lacks what was remembered.
TEST_F(LogVerifierTest, WhatAFormerOriginSignedIsSetAsideOnceTheRootNamesANewOne) {
  constexpr char kMoved[] = "library.example/moved";
  const std::string remembered = log_.Note(9);
  for (const std::filesystem::path& state : {dir_ / "state", std::filesystem::path()}) {
    auto verifier = Open(state);
    ASSERT_TRUE(verifier->Accept(remembered, log_.Prover()).ok());
    const std::string moved = *SignCheckpoint({kMoved, 5, log_.RootAt(5)}, key_);
    EXPECT_EQ(Reason(verifier->Accept(moved, log_.Prover()).status()), "SIGNATURE_MISSING");
    ASSERT_TRUE(verifier->Rekey({kMoved, {kOrigin}, key_.public_key(), 4}).ok());
    EXPECT_FALSE(verifier->Remembered()->has_value());
    EXPECT_EQ(Reason(verifier->Accept(log_.Note(10), log_.Prover()).status()), "SIGNATURE_MISSING")
        << "the old name is over";
    ASSERT_TRUE(verifier->Accept(moved, log_.Prover()).ok());
    EXPECT_EQ((*verifier->Remembered())->size, 5u);
  }
  EXPECT_EQ(Evidence(), std::vector<std::string>{remembered});
  // Only a name that the log had before is set aside.
  ASSERT_TRUE(Open(dir_ / "other")->Accept(remembered, log_.Prover()).ok());
  EXPECT_EQ(Reason(LogVerifier::Create({kMoved, {"library.example/x"}, key_.public_key(), 4},
                                       dir_ / "other")
                       .status()),
            "LOG_STATE_INVALID");
}

TEST_F(LogVerifierTest, ProcessesThatShareAFileSeeEachOthersMemory) {
  auto one = Open(dir_ / "state");
  auto two = Open(dir_ / "state");
  ASSERT_TRUE(one->Accept(log_.Note(6), log_.Prover()).ok());
  ASSERT_TRUE(two->Accept(log_.Note(2), log_.Prover()).ok());
  EXPECT_EQ((*two->Remembered())->size, 6u);
  Log other(key_, "other");
  EXPECT_EQ(Reason(two->Accept(other.Note(8), other.Prover()).status()), "LOG_FORKED");
}

TEST_F(LogVerifierTest, ThreadsNeverMakeItForget) {
  log_.Note(64);
  auto one = Open(dir_ / "state");
  auto two = Open(dir_ / "state");
  std::vector<std::string> notes;
  for (uint64_t size = 0; size <= 64; ++size) notes.push_back(log_.Note(size));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Log mine(key_);
      mine.Note(64);
      for (size_t i = t; i < notes.size(); i += 4) {
        EXPECT_TRUE((t % 2 == 0 ? one : two)->Accept(notes[i], mine.Prover()).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((*one->Remembered())->size, 64u);
  EXPECT_EQ(dir_.Read("state"), notes.back());
}

}  // namespace
}  // namespace dml
