#include "storage/backup/backup.h"

#include <fstream>

#include <gtest/gtest.h>

#include "core/os/file.h"
#include "storage/backup/backups.h"
#include "storage/backup/restore.h"
#include "storage/content/blob_writer.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/library/integrity.h"
#include "storage/library/journal_prefix.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/paths.h"
#include "tests/support/spec_builder.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::SpecBuilder;
using testing::TempDir;
using testing::TestLibrary;

uint64_t BytesBelow(const fs::path& folder) {
  uint64_t out = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) out += entry.file_size();
  }
  return out;
}

std::map<std::string, std::string> RowsOf(const Reader& reader, Table table) {
  std::map<std::string, std::string> out;
  auto cursor = reader.NewCursor(table, {});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    out[std::string(cursor->key())] = cursor->value();
  }
  EXPECT_TRUE(cursor->status().ok());
  return out;
}

// A library in a data directory, and a folder for its backups.
class BackupTest : public ::testing::Test {
 protected:
  BackupTest() {
    for (const char* name : {"origin", "format", "signed-checkpoint", "keys/log.key",
                             "client/root.json", "audit/audit-000001.jsonl"}) {
      Write(name, std::string(name) + "\n");
    }
  }

  void Write(const std::string& name, const std::string& text) {
    const fs::path file = data() / name;
    EXPECT_TRUE(MakePrivateDirectory(file.parent_path()).ok());
    EXPECT_TRUE(WriteFileAtomically(file, AsBytes(text), 0600).ok());
  }
  fs::path data() const { return dir_.path() / "data"; }
  fs::path backups() const { return dir_.path() / "backups"; }
  fs::path restored() const { return dir_.path() / "restored"; }

  // A file of 256 KiB that does not compress.
  void Publish(const std::string& version) {
    std::string bytes;
    for (int i = 0; bytes.size() < 256 << 10; ++i) {
      bytes += Sha256(version + std::to_string(i)).raw();
    }
    const BlobRef file{Sha256(bytes), bytes.size()};
    auto writer = BlobWriter::Begin(library_->content(), "acme", file, 0, ChunkerParams());
    ASSERT_TRUE(writer.ok() && writer->Write(AsBytes(bytes)).ok() && writer->Finish().ok());
    ASSERT_TRUE(library_
                    ->Commit(library_.PublishCommand(SpecBuilder("acme/api", version).Build(),
                                                     {{"f", file}}))
                    .ok());
  }
  BackupSource Source() {
    const auto signed_checkpoint = library_->checkpoint();
    return {data(),
            &library_->engine(),
            library_->origin(),
            signed_checkpoint->checkpoint.size,
            signed_checkpoint->checkpoint.root,
            "1.2.3"};
  }
  absl::StatusOr<Backup> Make() {
    DML_ASSIGN_OR_RETURN(BackupFolder folder, BackupFolder::Open(backups(), library_->origin()));
    return folder.Make(Source());
  }
  absl::StatusOr<RestoreReport> Restore(std::optional<uint64_t> last_index = std::nullopt,
                                        uint32_t number = 0) {
    return RestoreBackup({backups(), number, restored(), last_index});
  }
  // Opens what was restored, whose views must be what its journal says.
  std::unique_ptr<Library> OpenRestored() {
    LibraryOptions options;
    options.origin = library_->origin();
    auto engine = OpenRocksEngine(restored() / "db", {});
    EXPECT_TRUE(engine.ok()) << engine.status();
    auto library = Library::Open(*std::move(engine), testing::LogKey(), options);
    EXPECT_TRUE(library.ok()) << library.status();
    return library.ok() ? *std::move(library) : nullptr;
  }

  TempDir dir_;
  TestLibrary library_{*OpenRocksEngine(
      [this] {
        EXPECT_TRUE(MakePrivateDirectory(data()).ok());
        return data() / "db";
      }(),
      {})};
};

TEST_F(BackupTest, RestoresWhatWasThere) {
  Publish("1.0");
  Publish("2.0");
  const auto made = Make();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->number, 1u);
  EXPECT_EQ(made->note.version, "1.2.3");
  const uint64_t entries = JournalView(*library_->Read()).Size().value();
  EXPECT_EQ(made->note.entries, entries);

  const auto report = Restore();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->entries, entries);
  EXPECT_EQ(report->root, library_->checkpoint()->checkpoint.root);
  auto library = OpenRestored();
  for (const Table table : {Table::kJournal, Table::kMerkle, Table::kViews, Table::kMetadata}) {
    EXPECT_EQ(RowsOf(*library->Read(), table), RowsOf(*library_->Read(), table))
        << TableName(table);
  }
  const auto verdict = VerifyLibrary(*library, {.read_content = true});
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_TRUE(verdict->sound());
  EXPECT_EQ(verdict->files, 2u);

  EXPECT_EQ(*ReadFile(restored() / "origin", 100), "origin\n");
  EXPECT_EQ(*ReadFile(restored() / "audit/audit-000001.jsonl", 100), "audit/audit-000001.jsonl\n");
  EXPECT_TRUE(fs::exists(restored() / "signed-checkpoint.backup"));
  EXPECT_FALSE(fs::exists(restored() / "signed-checkpoint"))
      << "whether more was signed, nobody knows";
  EXPECT_FALSE(fs::exists(restored() / "keys/log.key"));
}

TEST_F(BackupTest, PrivateKeysAreInNoBackup) {
  Write("keys/log.key", "SECRET");
  Write("client/admin.key", "SECRET");
  Write("client/root.key", "SECRET");
  ASSERT_TRUE(Make().ok());
  for (const auto& entry : fs::recursive_directory_iterator(backups())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(text.find("SECRET"), std::string::npos) << entry.path();
  }
}

TEST_F(BackupTest, RestoresTheStateAfterAnyEntry) {
  std::vector<std::map<std::string, std::string>> views;  // After each entry.
  const uint64_t first = JournalView(*library_->Read()).Size().value();
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(library_.Commit(NamespaceCreated{fmt::format("n{}", i), "", {}}).ok());
    views.push_back(RowsOf(*library_->Read(), Table::kViews));
  }
  ASSERT_TRUE(Make().ok());
  for (size_t i = 0; i < views.size(); ++i) {
    fs::remove_all(restored());
    const uint64_t last = first + i;
    const auto report = Restore(last);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->entries, last + 1);
    EXPECT_EQ(report->root, JournalView(*library_->Read()).Root(last + 1).value());
    auto library = OpenRestored();
    EXPECT_EQ(RowsOf(*library->Read(), Table::kViews), views[i]);
    const auto verdict = VerifyLibrary(*library, {});
    ASSERT_TRUE(verdict.ok() && verdict->sound()) << i;
    // It can go on from there.
    EXPECT_TRUE(library->Commit({"pat", "", NamespaceCreated{"later", "", {}}, {}, {}}).ok());
  }
  fs::remove_all(restored());
  for (const uint64_t beyond : {first + 9, UINT64_MAX}) {
    EXPECT_EQ(Reason(Restore(beyond).status()), "JOURNAL_SIZE_INVALID");
  }
  EXPECT_FALSE(fs::exists(restored()));
}

TEST_F(BackupTest, TheSecondBackupCopiesWhatIsNew) {
  for (const char* version : {"1.0", "2.0", "3.0", "4.0"}) Publish(version);
  ASSERT_TRUE(Make().ok());
  const uint64_t one = BytesBelow(backups());
  ASSERT_GT(one, 1u << 20);
  Publish("5.0");
  ASSERT_TRUE(Make().ok());
  EXPECT_LT(BytesBelow(backups()), one + one / 2) << "of 1 MiB the 256 KiB that were added";
  auto folder = BackupFolder::Open(backups(), std::nullopt);
  ASSERT_TRUE(folder.ok());
  const auto all = folder->List();
  ASSERT_EQ(all->size(), 2u);
  // Each is whole.
  ASSERT_TRUE(Restore(std::nullopt, 1).ok());
  EXPECT_FALSE(LibraryView(*OpenRestored()->Read())
                   .FindVariant({{"acme", "api"}, "5.0", {}})
                   .value()
                   .has_value());
}

TEST_F(BackupTest, OldOnesGoWithTheirFiles) {
  for (const char* version : {"1.0", "2.0", "3.0"}) {
    Publish(version);
    ASSERT_TRUE(Make().ok());
  }
  auto folder = BackupFolder::Open(backups(), std::nullopt);
  ASSERT_TRUE(folder->Keep(1).ok());
  const auto left = folder->List();
  ASSERT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().number, 3u);
  EXPECT_TRUE(folder->Verify(left->front()).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(backups() / "files"), fs::directory_iterator()),
            1);
  EXPECT_EQ(Reason(folder->Find(1).status()), "BACKUP_NOT_FOUND");
  EXPECT_EQ(folder->Find(0)->number, 3u);
}

TEST_F(BackupTest, ADamagedBackupIsNeverRestored) {
  Publish("1.0");
  ASSERT_TRUE(Make().ok());
  // One bit of its largest file.
  fs::path largest;
  for (const auto& entry : fs::recursive_directory_iterator(backups() / "database")) {
    if (!entry.is_regular_file()) continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(1000);
  const char byte = static_cast<char>(file.get());
  file.seekp(1000);
  file.put(static_cast<char>(byte ^ 1));
  file.close();
  EXPECT_EQ(Reason(Restore().status()), "BACKUP_DAMAGED");
  EXPECT_FALSE(fs::exists(restored()));
}

TEST_F(BackupTest, ABackupWhoseJournalIsNotWhatWasSignedIsNeverRestored) {
  BackupSource source = Source();
  source.root = Sha256(std::string_view("another history"));
  auto folder = BackupFolder::Open(backups(), library_->origin());
  ASSERT_TRUE(folder->Make(source).ok());
  const absl::Status refused = Restore().status();
  EXPECT_EQ(Reason(refused), "BACKUP_DAMAGED");
  EXPECT_NE(Message(refused).find("promises"), std::string_view::npos);
  EXPECT_FALSE(fs::exists(restored()));
}

TEST_F(BackupTest, FoldersOfOthersAreLeftAlone) {
  ASSERT_TRUE(Make().ok());
  EXPECT_EQ(Reason(BackupFolder::Open(backups(), "dml.test/other").status()), "BACKUP_FOREIGN");
  EXPECT_EQ(Reason(BackupFolder::Open(data(), library_->origin()).status()), "BACKUP_FOREIGN");
  EXPECT_EQ(Reason(BackupFolder::Open(dir_.path() / "none", std::nullopt).status()),
            "BACKUP_NOT_FOUND");
  EXPECT_FALSE(fs::exists(dir_.path() / "none"));
  ASSERT_TRUE(
      WriteFileAtomically(backups() / "library",
                          AsBytes(std::string_view("{\"backupFormat\":2,\"origin\":\"x\"}")), 0600)
          .ok());
  EXPECT_EQ(Reason(BackupFolder::Open(backups(), "x").status()), "BACKUP_NEWER");
}

TEST_F(BackupTest, NothingIsRestoredOverWhatIsThere) {
  ASSERT_TRUE(Make().ok());
  fs::create_directory(restored());
  std::ofstream(restored() / "precious") << "x";
  EXPECT_EQ(Reason(Restore().status()), "DATA_DIR_FOREIGN");
  EXPECT_TRUE(fs::exists(restored() / "precious"));
  fs::remove(restored() / "precious");
  fs::create_directory(restored().string() + ".restoring");  // Of a restore that was interrupted.
  std::ofstream(restored().string() + ".restoring/half") << "x";
  EXPECT_TRUE(Restore().ok()) << "an empty folder will do";
  EXPECT_FALSE(fs::exists(restored() / "half"));
}

TEST_F(BackupTest, BackupsAreMadeInTheBackground) {
  Backups job(*library_, {backups(), data(), "1"});
  EXPECT_TRUE(job.List()->empty());
  EXPECT_EQ(job.state().start_time, Timestamp());
  job.Start({.keep = 1, .verify = true});
  while (job.state().running) std::this_thread::yield();
  EXPECT_TRUE(job.state().error.ok()) << job.state().error;
  EXPECT_NE(job.state().finish_time, Timestamp());
  job.Start({.keep = 1});
  while (job.state().running) std::this_thread::yield();
  ASSERT_EQ(job.List()->size(), 1u);
  EXPECT_EQ(job.List()->front().number, 2u);
  fs::remove_all(backups());
  std::ofstream(backups()) << "no folder";
  job.Start({});
  while (job.state().running) std::this_thread::yield();
  EXPECT_FALSE(job.state().error.ok());
}

// Made by another program: tests/golden/backup.
TEST_F(BackupTest, FormatsAreAsDocumented) {
  auto golden = [](const char* name) {
    return *ReadFile(testing::SourceDir() / "tests/golden/backup" / name, 4096);
  };
  const BackupNote note{"dml.test/library", 42, Sha256(std::string_view("root")),
                        "000000000000002a-0badcafe", "0.1.0"};
  EXPECT_EQ(FormatBackupNote(note) + "\n", golden("note.json"));
  EXPECT_EQ(*ParseBackupNote(golden("note.json")), note);
  ASSERT_TRUE(Make().ok());
  ASSERT_EQ(library_->origin(), "dml.test/library");
  EXPECT_EQ(*ReadFile(backups() / "library", 4096), golden("library.json"));
}

TEST(BackupNoteTest, ReadsWhatItWrites) {
  const BackupNote note{"dml.test/library", 7, Sha256(std::string_view("r")), "07-ab", "1"};
  EXPECT_EQ(*ParseBackupNote(FormatBackupNote(note)), note);
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[]"),
        std::string("{\"origin\":\"o\",\"entries\":1,\"root\":\"x\",\"files\":\"a\"}")}) {
    EXPECT_EQ(Reason(ParseBackupNote(bad).status()), "BACKUP_DAMAGED") << bad;
  }
  BackupNote climbing = note;
  climbing.files = "../../etc";
  EXPECT_EQ(Reason(ParseBackupNote(FormatBackupNote(climbing)).status()), "BACKUP_DAMAGED");
}

TEST(CutJournalTest, CutsATreeOfAnySizeToAnySize) {
  for (const uint64_t cut : {1, 2, 3, 4, 7, 8, 12, 16, 17}) {
    TestLibrary library;
    for (int i = 0; i < 14; ++i) {
      ASSERT_TRUE(library.Commit(NamespaceCreated{fmt::format("n{}", i), "", {}}).ok());
    }
    const Digest root = JournalView(*library->Read()).Root(cut).value();
    ASSERT_TRUE(CutJournal(library->engine(), cut).ok());
    const auto state = library->Read();
    EXPECT_EQ(JournalView(*state).Size().value(), cut);
    EXPECT_EQ(JournalView(*state).Root(cut).value(), root);
    EXPECT_EQ(JournalView(*state).Appender(cut)->Root(), root);
    EXPECT_LT(RowsOf(*state, Table::kMerkle).size(), 2 * cut);
    EXPECT_EQ(RowsOf(*state, Table::kJournal).size(), cut);
    EXPECT_EQ(Reason(CutJournal(library->engine(), cut + 1)), "JOURNAL_SIZE_INVALID");
  }
  TestLibrary library;
  EXPECT_EQ(Reason(CutJournal(library->engine(), 0)), "JOURNAL_SIZE_INVALID");
}

}  // namespace
}  // namespace dml
