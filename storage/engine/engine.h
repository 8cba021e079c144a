// The storage engine: ordered tables of bytes, atomic batches, snapshots.
//
// Two implementations pass the same contract suite (tests/storage/engine/engine_contract_test.cc):
// RocksDB (rocksdb_engine.h), which the daemon uses, and memory (memory_engine.h), for tests.
//
// An Engine is made once by the composition root and owns the data. Batches, snapshots and cursors
// borrow it and must be gone before it is. Keys and values are any bytes, the empty ones included;
// keys are ordered as unsigned bytes.
//
// Threads: Engine and Snapshot may be used by any number of threads at once; a Batch and a Cursor
// by one at a time. Reads block on the disk.
//
// Errors that callers may branch on, of every call that touches the disk:
//   DATA_LOSS (STORAGE_CORRUPT)      bytes do not match their checksum, or files are missing
//   RESOURCE_EXHAUSTED (DISK_FULL)   no space left
//   UNAVAILABLE (STORAGE_IO)         the disk or file system failed
//   INTERNAL (STORAGE_FAILED)        anything else that the engine reports
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "storage/engine/key.h"

namespace dml {

/// The tables. The numbers are only indexes; what is stored are the names (TableName).
enum class Table : uint8_t {
  kMeta,        // Single values: sizes, cursors, versions.
  kJournal,     // Entries.
  kMerkle,      // Nodes of the journal's tree.
  kViews,       // Rows derived from the journal.
  kMetadata,    // Metadata blobs: digest -> bytes.
  kBlobs,       // Blobs: digest -> list of chunks.
  kChunkIndex,  // Chunk digest -> location.
  kChunks,      // Stored frames that went through the log.
  kPacks,       // Stored frames in packs: written by Engine::Ingest alone, never by a Batch.
};
inline constexpr size_t kTableCount = 9;
inline constexpr std::array<Table, kTableCount> kAllTables = {
    Table::kMeta,  Table::kJournal,    Table::kMerkle, Table::kViews, Table::kMetadata,
    Table::kBlobs, Table::kChunkIndex, Table::kChunks, Table::kPacks};

/// "meta", "journal", "merkle", "views", "metadata", "blobs", "chunk_index", "chunks", "packs": the
/// names of the column families in RocksDB and the labels of metrics. Never changed.
std::string_view TableName(Table table);

/// Walks a range of one table in either direction, over the state at the cursor's creation. A new
/// cursor is at no row: seek first. It keeps old data from being freed, so it is short-lived.
class Cursor {
 public:
  virtual ~Cursor() = default;

  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  /// To the first row of the range whose key is not below `key`.
  virtual void Seek(std::string_view key) = 0;

  /// Whether the cursor is at a row. False at either end of the range and after an error: a loop
  /// that ends must look at status() before it takes the rows seen for all rows.
  virtual bool Valid() const = 0;
  /// These four only while Valid(). The views last until the cursor moves.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;

  virtual absl::Status status() const = 0;
};

class Reader {
 public:
  virtual ~Reader() = default;

  /// The value, or nullopt where the table has no such key.
  virtual absl::StatusOr<std::optional<std::string>> Get(Table table,
                                                         std::string_view key) const = 0;
  /// A cursor over [range.lower, range.upper). Must not outlive the reader.
  virtual std::unique_ptr<Cursor> NewCursor(Table table, KeyRange range) const = 0;
};

/// The state at one moment, whatever is committed later. Keeps old data from being freed.
class Snapshot : public Reader {};

/// Writes that become visible together, in Engine::Commit; dropping a batch undoes them. As a
/// Reader it shows its own writes over what the engine has committed at the time of each read (for
/// a cursor: at its creation). A cursor over a batch may only be destroyed once the batch changes.
class Batch : public Reader {
 public:
  /// The last write to a key wins. An error (a value of 4 GiB) is kept and returned by Commit.
  virtual void Put(Table table, std::string_view key, std::string_view value) = 0;
  /// Deleting what is not there is no error.
  virtual void Delete(Table table, std::string_view key) = 0;
  /// Bytes of the keys and values handed over so far, overwritten ones included: what a group of
  /// writes is limited by.
  virtual uint64_t ByteSize() const = 0;
};

/// Rows on their way into Table::kPacks past the log: a file that becomes part of the table as it
/// is. Dropping it undoes it.
class RowFile {
 public:
  virtual ~RowFile() = default;

  /// Keys come in ascending order, each once; else INTERNAL (STORAGE_FAILED). Written through to
  /// the file, so that memory stays flat however long it gets.
  virtual absl::Status Add(std::string_view key, std::string_view value) = 0;
};

enum class Durability {
  kSynced,    // On the disk when Commit returns, with all earlier commits: survives power loss.
  kBuffered,  // With the operating system: survives a crash of the process. Later synced commits
              // make it durable; power loss before may undo it, and all commits after it.
};

/// Approximate figures for metrics; cheap, no scan.
struct TableStats {
  uint64_t rows = 0;          // Estimated: overwritten and deleted rows may count.
  uint64_t disk_bytes = 0;    // Of the live files.
  uint64_t memory_bytes = 0;  // Not yet in files.
};
struct EngineStats {
  std::array<TableStats, kTableCount> tables;  // By Table.
  uint64_t cache_bytes = 0;
  bool commits_wait = false;  // For background work to catch up.
  bool read_only = false;     // A write failed (see Engine::Commit): the daemon must reopen.
};

/// As a Reader it shows what is committed at the time of each read.
class Engine : public Reader {
 public:
  virtual std::unique_ptr<Batch> NewBatch() = 0;

  /// Makes all writes of a batch of this engine visible at once, in every table, or none. Batches
  /// of several threads are applied one after the other; where two write the same key the later
  /// commit wins (there is no conflict check: whoever decides on what it read is the only writer).
  ///
  /// After an error of the disk, this commit's or that of a flush or compaction, the engine is
  /// read-only: every later commit fails with that error, reads go on, until the engine is opened
  /// anew. Nothing of the batch is visible, but its record may have reached the log, and opening
  /// then brings it back: the outcome is unknown until then, and must be read back before anything
  /// that is not idempotent is tried again.
  /// INTERNAL (BATCH_FOREIGN): a batch of another engine; (TABLE_OF_FILES): it writes kPacks.
  virtual absl::Status Commit(std::unique_ptr<Batch> batch, Durability durability) = 0;

  virtual absl::StatusOr<std::unique_ptr<RowFile>> NewRowFile() = 0;

  /// Makes the rows part of kPacks: all of them or none, durable on return, visible at once and to
  /// snapshots taken before as well. The range from the first to the last key must hold no row
  /// (FAILED_PRECONDITION, RANGE_NOT_EMPTY). Does not join a batch, and does not wait for one; a
  /// failure leaves the engine writable, and whether the rows are there must be read back.
  virtual absl::Status Ingest(std::unique_ptr<RowFile> file) = 0;

  /// Drops the files of kPacks whose rows are all in the range, at once and without a trace:
  /// snapshots lose the rows too. Rows of files that are partly in the range stay.
  virtual absl::Status DropFiles(const KeyRange& range) = 0;

  /// Drops all rows of a table, whether they can be read or not, at once and durably. Nothing else
  /// may use the engine meanwhile: no batch, cursor or snapshot.
  virtual absl::Status Empty(Table table) = 0;

  virtual std::unique_ptr<Snapshot> NewSnapshot() const = 0;
  virtual EngineStats Stats() const = 0;
};

/// INTERNAL (TABLE_OF_FILES): what an engine says to a batch that writes kPacks.
absl::Status TableOfFiles();

}  // namespace dml
