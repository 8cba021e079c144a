// How RocksDB 7.8.3 is configured, and why; used by rocksdb_engine.cc alone.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include "storage/engine/rocksdb_engine.h"

namespace dml {

/// Makes every failed write, also of a flush or compaction, final: the database is read-only until
/// it is opened anew. Left to itself RocksDB 7.8.3 goes on in some cases, with the log whose write
/// failed ("Writer has previous error"; Debian's build has assertions and aborts there: tried with
/// a full disk that was freed), or stops its background work and lets commits wait for ever.
/// Called by RocksDB's threads, read by any.
class StopOnError : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    *error = rocksdb::Status(*error, rocksdb::Status::Severity::kFatalError);
    stopped_ = true;
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

  bool stopped() const { return stopped_; }

 private:
  std::atomic<bool> stopped_ = false;
};

rocksdb::DBOptions MakeDbOptions(const RocksEngineOptions& options,
                                 std::shared_ptr<StopOnError> stop);

/// RocksDB's obligatory family "default" (unused) first, then one per table in kAllTables' order.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const RocksEngineOptions& options);

}  // namespace dml
