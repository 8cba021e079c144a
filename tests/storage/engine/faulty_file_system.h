// A file system for RocksDB that fails when told to, and counts what is read.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace dml::testing {

enum class Fault { kNone, kNoSpace, kNoSpaceForTables, kSyncFails, kReadFails };

/// What the files of one FaultyFileSystem share.
struct FaultState {
  std::atomic<Fault> fault = Fault::kNone;
  std::atomic<uint64_t> bytes_read = 0;
};

class FaultyWritableFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyWritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string_view name,
                     FaultState& state)
      : FSWritableFileOwnerWrapper(std::move(file)),
        is_table_(name.ends_with(".sst")),
        state_(state) {}

  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    const Fault fault = state_.fault;
    if (fault == Fault::kNoSpace || (fault == Fault::kNoSpaceForTables && is_table_)) {
      return rocksdb::IOStatus::NoSpace("no space (injected)");
    }
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) override {
    if (state_.fault == Fault::kSyncFails) return rocksdb::IOStatus::IOError("EIO (injected)");
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }

 private:
  const bool is_table_;
  FaultState& state_;
};

class FaultyRandomAccessFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultyRandomAccessFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, FaultState& state)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), state_(state) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* context) const override {
    if (state_.fault == Fault::kReadFails) return rocksdb::IOStatus::IOError("EIO (injected)");
    state_.bytes_read += n;
    return FSRandomAccessFileOwnerWrapper::Read(offset, n, options, result, scratch, context);
  }

 private:
  FaultState& state_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "FaultyFileSystem"; }
  FaultState& state() { return state_; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, result, context);
    if (status.ok())
      *result = std::make_unique<FaultyWritableFile>(std::move(*result), name, state_);
    return status;
  }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status =
        FileSystemWrapper::NewRandomAccessFile(name, options, result, context);
    if (status.ok()) *result = std::make_unique<FaultyRandomAccessFile>(std::move(*result), state_);
    return status;
  }

 private:
  FaultState state_;
};

}  // namespace dml::testing
