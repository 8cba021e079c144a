#include "storage/library/library.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "core/os/file.h"
#include "core/trust/checkpoint.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

using testing::NameOf;
using testing::SpecBuilder;
using testing::TempDir;
using testing::TestLibrary;

TEST(LibraryTest, PublishIsThereWithReceiptProofAndCheckpoint) {
  TestLibrary library;
  PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
  Receipt receipt = library.Publish(spec).value();
  auto snapshot = library->Read();
  JournalView journal(*snapshot);
  auto leaf = journal.Leaf(receipt.index).value();
  const Checkpoint& checkpoint = receipt.checkpoint->checkpoint;
  auto proof = journal.Inclusion(receipt.index, checkpoint.size).value();
  EXPECT_TRUE(VerifyInclusion(LeafHash(AsBytes(leaf)), receipt.index, checkpoint.size, proof,
                              checkpoint.root)
                  .ok());
  EXPECT_EQ(OpenCheckpoint(receipt.checkpoint->note, library->origin(), library->log_key())->root,
            checkpoint.root);
  EXPECT_EQ(LibraryView(*snapshot).FindVariant(NameOf(spec)).value()->published_index,
            receipt.index);
}

TEST(LibraryTest, VersionIsBoundOnceAndForEver) {
  TestLibrary library;
  PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
  ASSERT_TRUE(library.Publish(spec).ok());
  EXPECT_EQ(Reason(library.Publish(spec).status()), "VERSION_EXISTS");
  spec.title = "another";
  EXPECT_EQ(Reason(library.Publish(spec).status()), "VERSION_BOUND");
  ASSERT_TRUE(library.Commit(VersionWithdrawn{NameOf(spec), "broken"}).ok());
  // The tombstone keeps the name bound.
  EXPECT_EQ(Reason(library.Publish(spec).status()), "VERSION_BOUND");
  PackageSpec respelled = SpecBuilder("acme/api", "0:1.0").Build();
  EXPECT_EQ(Reason(library.Publish(respelled).status()), "VERSION_EQUAL_EXISTS");
}

TEST(LibraryTest, PublisherKeyMustCoverTheNamespaceAndBeUnrevoked) {
  TestLibrary library;
  ASSERT_TRUE(library.Commit(NamespaceCreated{"other", "", {}}).ok());
  PrivateKey narrow = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  library.Register(narrow, "kim", "publisher", "acme");
  auto publish_with = [&](std::string package, const PrivateKey& key) {
    Command command = library.PublishCommand(SpecBuilder(package, "1.0").Build());
    std::get<VersionPublished>(command.payload).attestations[0].key_ids = {key.public_key().id()};
    return library->Commit(std::move(command)).status();
  };
  EXPECT_TRUE(publish_with("acme/a", narrow).ok());
  EXPECT_EQ(Reason(publish_with("other/a", narrow)), "PUBLISHER_SIGNATURE_MISSING");
  ASSERT_TRUE(library.Commit(KeyRevoked{narrow.public_key().id(), "lost"}).ok());
  EXPECT_EQ(Reason(publish_with("acme/b", narrow)), "PUBLISHER_SIGNATURE_MISSING");
}

TEST(LibraryTest, RequestIdMakesARetryTheSameAndAnotherRequestAnError) {
  TestLibrary library;
  Receipt first = library.Commit(NamespaceCreated{"x", "", {}}, {}, "id-1").value();
  Receipt again = library.Commit(NamespaceCreated{"x", "", {}}, {}, "id-1").value();
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.index, first.index);
  EXPECT_EQ(Reason(library.Commit(NamespaceCreated{"y", "", {}}, {}, "id-1").status()),
            "REQUEST_ID_REUSED");
}

TEST(LibraryTest, StaleStampAbortsAndValidateOnlyAppendsNothing) {
  TestLibrary library;
  PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
  Command command = library.PublishCommand(spec);
  command.validate_only = true;
  ASSERT_TRUE(library->Commit(command).ok());
  command.validate_only = false;
  command.decided_on = {{PackageStamp(spec.package), 0}};
  ASSERT_TRUE(library->Commit(command).ok()) << "validate_only must not have published";
  Command second = library.PublishCommand(SpecBuilder("acme/api", "2.0").Build());
  second.decided_on = {{PackageStamp(spec.package), 0}};
  EXPECT_EQ(Reason(library->Commit(second).status()), "STATE_CHANGED");
}

TEST(LibraryTest, MetadataMustComeAlongAndMatch) {
  TestLibrary library;
  Command command = library.PublishCommand(SpecBuilder("acme/api", "1.0").Build());
  command.metadata.pop_back();
  EXPECT_EQ(Reason(library->Commit(command).status()), "METADATA_NOT_FOUND");
  EXPECT_FALSE(LibraryView(*library->Read()).FindPackage({"acme", "api"}).value().has_value());
}

TEST(LibraryTest, ManyWritersGetDistinctEntriesInOneHistory) {
  TestLibrary library;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&library, t] {
      for (int i = 0; i < 20; ++i) {
        std::string name = "acme/p" + std::to_string(t);
        EXPECT_TRUE(library.Publish(SpecBuilder(name, "1." + std::to_string(i)).Build()).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(JournalView(*library->Read()).Size().value(), 3u + 160u);
  EXPECT_TRUE(library->VerifyViews().value().differing_keys.empty());
  auto page = ListView(*library->Read()).Variants({"acme", "p3"}, {.size = 100}).value();
  ASSERT_EQ(page.items.size(), 20u);
  EXPECT_EQ(page.items[0].name.version, "1.19") << "highest first";
}

// A library on disk, to be opened again and again.
class ReopenedLibraryTest : public ::testing::Test {
 protected:
  ReopenedLibraryTest() {
    options_.origin = "dml.test/library";
    options_.signed_checkpoint_file = dir_.path() / "signed-checkpoint";
  }
  absl::StatusOr<std::unique_ptr<Library>> Open(const char* database = "db") {
    auto engine = OpenRocksEngine(dir_.path() / database, {});
    EXPECT_TRUE(engine.ok()) << engine.status();
    return Library::Open(*std::move(engine), PrivateKey::FromPkcs8Pem(pem_).value(), options_);
  }
  void OpenAndCreate(const char* ns) {
    auto library = Open();
    ASSERT_TRUE(library.ok()) << library.status();
    ASSERT_TRUE((*library)->Commit({"pat", "", NamespaceCreated{ns, "", {}}, {}, {}}).ok());
  }

  TempDir dir_;
  LibraryOptions options_;
  const std::string pem_ = testing::LogKey().ToPkcs8Pem().value();
};

TEST_F(ReopenedLibraryTest, WhatCouldNotBeSignedIsSignedWithoutBeingAsked) {
  options_.sequencer.retry_interval = std::chrono::milliseconds(1);
  auto library = Open().value();
  auto create = [&](const char* ns) {
    return library->Commit({"pat", "", NamespaceCreated{ns, "", {}}, {}, {}}).status();
  };
  ASSERT_TRUE(create("first").ok());
  const std::filesystem::path spare = dir_.path() / "signed-checkpoint.spare";
  std::filesystem::remove(spare);
  std::filesystem::create_directory(spare);  // Nothing can be kept there.
  const uint64_t before = library->checkpoint()->checkpoint.size;
  EXPECT_FALSE(create("acme").ok());
  EXPECT_EQ(library->checkpoint()->checkpoint.size, before);
  std::filesystem::remove(spare);
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (library->checkpoint()->checkpoint.size == before &&
         std::chrono::steady_clock::now() < late) {
    std::this_thread::yield();
  }
  EXPECT_EQ(library->checkpoint()->checkpoint.size, before + 1) << "it was durable";
  EXPECT_TRUE(LibraryView(*library->Read()).FindNamespace("acme").value().has_value());
}

TEST_F(ReopenedLibraryTest, IsTheSameAndRefusesAnOlderDatabase) {
  OpenAndCreate("acme");
  std::filesystem::copy(dir_.path() / "db", dir_.path() / "backup",
                        std::filesystem::copy_options::recursive);
  {
    auto library = Open().value();
    EXPECT_TRUE(LibraryView(*library->Read()).FindNamespace("acme").value().has_value());
  }
  OpenAndCreate("later");
  EXPECT_EQ(Reason(Open("backup").status()), "JOURNAL_BEHIND_CHECKPOINT");
  options_.origin = "dml.test/other";
  EXPECT_EQ(Reason(Open().status()), "ORIGIN_MISMATCH");
}

TEST_F(ReopenedLibraryTest, WithoutItsCheckpointIsRefusedUntilThatIsAccepted) {
  OpenAndCreate("acme");
  std::filesystem::remove(options_.signed_checkpoint_file);
  const absl::Status refused = Open().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(refused), "CHECKPOINT_MISSING");
  EXPECT_FALSE(std::filesystem::exists(options_.signed_checkpoint_file));

  options_.accept_missing_checkpoint = true;
  {
    auto library = Open();
    ASSERT_TRUE(library.ok()) << library.status();
    EXPECT_EQ((*library)->checkpoint()->checkpoint.size, 2u);
  }
  // For one start: the next one has a checkpoint, and says that the flag must go.
  EXPECT_EQ(Reason(Open().status()), "CHECKPOINT_PRESENT");
  options_.accept_missing_checkpoint = false;
  OpenAndCreate("later");
}

TEST_F(ReopenedLibraryTest, AFirstStartThatWasInterruptedIsFinished) {
  // The checkpoint is there before the first entry is.
  ASSERT_TRUE(OpenRocksEngine(dir_.path() / "db", {}).ok());
  const PrivateKey key = PrivateKey::FromPkcs8Pem(pem_).value();
  const std::string note =
      SignCheckpoint({options_.origin, 0, Sha256(std::string_view())}, key).value();
  ASSERT_TRUE(WriteFileAtomically(options_.signed_checkpoint_file, AsBytes(note), 0600).ok());
  OpenAndCreate("acme");
}

TEST_F(ReopenedLibraryTest, ViewsAreVerifiedBesideInAFolderThatGoes) {
  const std::filesystem::path scratch = dir_.path() / "scratch";
  options_.scratch_engine = [&] {
    RocksEngineOptions options;
    options.scratch = true;
    return OpenRocksEngine(scratch, options);
  };
  OpenAndCreate("acme");
  auto library = Open().value();
  bool there = false;
  std::vector<std::pair<uint64_t, uint64_t>> steps;
  const auto compared = library->VerifyViews([&](uint64_t done, uint64_t all) {
    there = std::filesystem::exists(scratch / "CURRENT");
    steps.emplace_back(done, all);
    return absl::OkStatus();
  });
  ASSERT_TRUE(compared.ok()) << compared.status();
  EXPECT_EQ(compared->entries, 2u);
  EXPECT_TRUE(compared->differing_keys.empty());
  EXPECT_TRUE(there);
  EXPECT_EQ(steps, (std::vector<std::pair<uint64_t, uint64_t>>{{0, 2}}));
  EXPECT_FALSE(std::filesystem::exists(scratch));
  EXPECT_EQ(Reason(library
                       ->VerifyViews([](uint64_t, uint64_t) {
                         return Aborted(ErrorReason("ENOUGH"), "enough");
                       })
                       .status()),
            "ENOUGH");
  EXPECT_FALSE(std::filesystem::exists(scratch));
}

}  // namespace
}  // namespace dml
