#include "storage/library/integrity.h"

#include <set>

#include <gtest/gtest.h>

#include "storage/content/blob_writer.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;
using testing::TestLibrary;

// What a damaged disk would have done.
struct Damaged {
  static void Put(Engine& engine, Table table, const std::string& key, std::string_view value) {
    auto batch = engine.NewBatch();
    batch->Put(table, key, value);
    ASSERT_TRUE(engine.Commit(std::move(batch), Durability::kSynced).ok());
  }
  static void Delete(Engine& engine, Table table, const std::string& key) {
    auto batch = engine.NewBatch();
    batch->Delete(table, key);
    ASSERT_TRUE(engine.Commit(std::move(batch), Durability::kSynced).ok());
  }
};

class IntegrityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string bytes(300'000, 'x');
    file_ = {Sha256(bytes), bytes.size()};
    auto writer = BlobWriter::Begin(library_->content(), "acme", file_, 0, ChunkerParams());
    ASSERT_TRUE(writer.ok() && writer->Write(AsBytes(bytes)).ok() && writer->Finish().ok());
    const PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
    command_ = library_.PublishCommand(spec, {{"bin/api", file_}});
    ASSERT_TRUE(library_->Commit(command_).ok());
    published_ = std::get<VersionPublished>(command_.payload);
  }

  IntegrityReport Verify(bool read_content = false) {
    auto report = VerifyLibrary(*library_, {.read_content = read_content});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : IntegrityReport();
  }
  // The parts in which something is wrong, and whether one of the messages says this.
  std::set<std::string> Parts(const IntegrityReport& report, const std::string& message = "") {
    std::set<std::string> out;
    bool said = message.empty();
    for (const IntegrityFinding& finding : report.findings) {
      out.insert(finding.part);
      EXPECT_FALSE(finding.subject.empty());
      said |= finding.message.find(message) != std::string::npos;
    }
    EXPECT_TRUE(said) << message;
    return out;
  }
  Engine& engine() { return library_->engine(); }
  std::string FirstKey(Table table) {
    auto cursor = engine().NewCursor(table, {});
    cursor->SeekToFirst();
    EXPECT_TRUE(cursor->Valid());
    return std::string(cursor->key());
  }

  TestLibrary library_;
  BlobRef file_;
  Command command_;
  VersionPublished published_;
};

TEST_F(IntegrityTest, ASoundLibraryIsSound) {
  std::set<std::string> parts;
  IntegrityOptions options;
  options.read_content = true;
  options.step = [&](std::string_view part, uint64_t done, uint64_t all) {
    parts.emplace(part);
    EXPECT_TRUE(all == 0 || done <= all);
    return absl::OkStatus();
  };
  const auto report = VerifyLibrary(*library_, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->sound());
  EXPECT_EQ(report->entries, JournalView(*library_->Read()).Size().value());
  EXPECT_EQ(report->metadata_blobs, 4u) << "root, manifest, spec, publication";
  EXPECT_EQ(report->variants, 1u);
  EXPECT_EQ(report->files, 1u);
  EXPECT_GT(report->chunks, 0u);
  EXPECT_EQ(report->envelopes, 1u);
  EXPECT_EQ(report->signatures, 1u);
  EXPECT_GT(report->rows, 5u);
  EXPECT_EQ(parts, (std::set<std::string>{"journal", "views", "content", "releases"}));
}

TEST_F(IntegrityTest, AStepCanEndIt) {
  IntegrityOptions options;
  options.step = [](std::string_view part, uint64_t, uint64_t) {
    return part == "views" ? Aborted(ErrorReason("ENOUGH"), "enough") : absl::OkStatus();
  };
  EXPECT_EQ(Reason(VerifyLibrary(*library_, options).status()), "ENOUGH");
}

TEST_F(IntegrityTest, AnEntryThatWasChanged) {
  const std::string key = KeyBuilder().U64(1).Build();
  std::string leaf = *JournalView(*library_->Read()).Leaf(1);
  leaf.back() ^= 1;
  Damaged::Put(engine(), Table::kJournal, key, leaf);
  EXPECT_TRUE(Parts(Verify(), "was signed").contains("journal"));
}

TEST_F(IntegrityTest, AnEntryThatIsGone) {
  Damaged::Delete(engine(), Table::kJournal, KeyBuilder().U64(1).Build());
  const auto report = VerifyLibrary(*library_, {});
  // The views cannot be folded then, which is an error of the storage.
  EXPECT_TRUE(!report.ok() || Parts(*report, "cannot be read").contains("journal"));
}

TEST_F(IntegrityTest, ANodeOfTheTreeThatWasChanged) {
  Damaged::Put(engine(), Table::kMerkle, FirstKey(Table::kMerkle), std::string(32, 'x'));
  EXPECT_EQ(Parts(Verify(), "not that of the entries"), (std::set<std::string>{"journal"}));
}

TEST_F(IntegrityTest, AViewThatDiffers) {
  Damaged::Put(engine(), Table::kViews, "no such row", "x");
  EXPECT_EQ(Parts(Verify(), "rebuild-views"), (std::set<std::string>{"views"}));
}

TEST_F(IntegrityTest, MetadataThatIsGoneOrOther) {
  Damaged::Put(engine(), Table::kMetadata, std::string(published_.manifest.digest.raw()), "other");
  const auto report = VerifyLibrary(*library_, {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Parts(*report, "does not match its digest"), (std::set<std::string>{"journal"}));
}

TEST_F(IntegrityTest, ContentThatIsGone) {
  auto list = ChunkList::Open(library_->content(), file_.digest);
  ASSERT_TRUE(list.ok());
  const ChunkRef chunk = *list->At(0);
  ASSERT_TRUE(library_->content().chunks().MarkDamaged(chunk.digest).ok());
  EXPECT_EQ(Parts(Verify(), "bin/api: "), (std::set<std::string>{"content"}));
}

TEST_F(IntegrityTest, ContentThatIsDamagedIsFoundByReadingIt) {
  const std::string key = FirstKey(Table::kChunks);
  std::string frame = **engine().Get(Table::kChunks, key);
  frame[frame.size() / 2] ^= 1;
  Damaged::Put(engine(), Table::kChunks, key, frame);
  EXPECT_TRUE(Verify().sound()) << "nobody has looked";
  EXPECT_EQ(Parts(Verify(true), "upload the file again"), (std::set<std::string>{"content"}));
}

TEST_F(IntegrityTest, AJournalThatNamesASignerWhoDidNotSign) {
  // A second variant whose entry claims the publisher's key for an envelope of another key.
  const PackageSpec spec = SpecBuilder("acme/api", "2.0").Build();
  Command command = library_.PublishCommand(spec);
  auto& published = std::get<VersionPublished>(command.payload);
  const PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const std::string envelope = testing::Envelope(
      stranger, published.manifest.digest, kPublicationPredicate,
      FormatPublicationPredicate({published.variant, std::string(kManifestMediaType)}));
  published.attestations[0].envelope = {Sha256(envelope), envelope.size()};
  command.metadata.back() = envelope;
  ASSERT_TRUE(library_->Commit(std::move(command)).ok());
  EXPECT_EQ(Parts(Verify(), "has not signed it"), (std::set<std::string>{"signatures"}));
}

TEST_F(IntegrityTest, FindingsAreBounded) {
  auto batch = engine().NewBatch();
  auto cursor = engine().NewCursor(Table::kMerkle, {});
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(library_.Commit(NamespaceCreated{fmt::format("n{}", i), "", {}}).ok());
  }
  cursor = engine().NewCursor(Table::kMerkle, {});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    batch->Put(Table::kMerkle, cursor->key(), std::string(32, 'x'));
  }
  cursor.reset();
  ASSERT_TRUE(engine().Commit(std::move(batch), Durability::kSynced).ok());
  const IntegrityReport report = Verify();
  EXPECT_EQ(report.findings.size(), kMaxIntegrityFindings);
  EXPECT_GT(report.finding_count, 300u);
}

}  // namespace
}  // namespace dml
