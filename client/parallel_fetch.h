// Chunks of one file of a variant over several channels at once. Internal to client/.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "client/chunk_fetcher.h"
#include "client/file_io.h"

namespace dml {

/// Starts with its construction: a thread for each channel, which takes every so many runs of
/// neighboring chunks and writes each at its place in the file. So the file grows from its start,
/// about, and can be read while the rest is on its way. Ends, and waits, with its destruction.
class ParallelFetch {
 public:
  /// What comes to a channel at a time.
  static constexpr size_t kRunChunks = 8;

  /// All of it must outlive this. The files of `context` are the caller's; `wanted` is ascending.
  ParallelFetch(const PullContext& context, const BlobRef& blob, std::span<const Digest> bases,
                std::span<const PlacedChunk> wanted, const FileDescriptor& file,
                const std::filesystem::path& path);
  ~ParallelFetch();
  ParallelFetch(const ParallelFetch&) = delete;
  ParallelFetch& operator=(const ParallelFetch&) = delete;

  /// Waits until more than the first `count` of the wanted chunks are in the file; how many. The
  /// first error of any channel.
  absl::StatusOr<size_t> WaitForMore(size_t count);

  /// What has come over the wire since the last call.
  uint64_t TakeReceived() { return received_.exchange(0); }

 private:
  void Run(size_t channel);
  void Arrived(size_t number, uint64_t received);

  const std::span<const PlacedChunk> wanted_;
  const FileDescriptor& file_;
  const std::filesystem::path path_;
  std::atomic<uint64_t> received_ = 0;
  absl::Mutex mutex_;
  std::vector<bool> arrived_ ABSL_GUARDED_BY(mutex_);
  size_t ready_ ABSL_GUARDED_BY(mutex_) = 0;  // The first so many have arrived.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<ChunkFetcher>> fetchers_;  // One for each thread.
  std::vector<std::thread> threads_;
};

}  // namespace dml
