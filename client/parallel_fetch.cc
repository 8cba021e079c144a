#include "client/parallel_fetch.h"

#include <algorithm>

namespace dml {

ParallelFetch::ParallelFetch(const PullContext& context, const BlobRef& blob,
                             std::span<const Digest> bases, std::span<const PlacedChunk> wanted,
                             const FileDescriptor& file, const std::filesystem::path& path)
    : wanted_(wanted), file_(file), path_(path), arrived_(wanted.size()) {
  const size_t runs = (wanted.size() + kRunChunks - 1) / kRunChunks;
  for (size_t i = 0; i < std::min(context.channels.size(), runs); ++i) {
    fetchers_.push_back(std::make_unique<ChunkFetcher>(context, context.channels[i], blob, bases));
  }
  for (size_t i = 0; i < fetchers_.size(); ++i) threads_.emplace_back([this, i] { Run(i); });
}

ParallelFetch::~ParallelFetch() {
  for (auto& fetcher : fetchers_) fetcher->Stop();
  for (std::thread& thread : threads_) thread.join();
}

void ParallelFetch::Run(size_t channel) {
  std::vector<PlacedChunk> share;
  std::vector<size_t> numbers;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (i / kRunChunks % fetchers_.size() != channel) continue;
    share.push_back(wanted_[i]);
    numbers.push_back(i);
  }
  auto next = numbers.begin();
  const absl::Status status = fetchers_[channel]->Fetch(
      share,
      [&](const PlacedChunk& chunk, std::string_view raw, uint64_t received) -> absl::Status {
        DML_RETURN_IF_ERROR(WriteAt(file_, chunk.offset, raw, path_));
        Arrived(*next++, received);
        return absl::OkStatus();
      });
  absl::MutexLock lock(&mutex_);
  error_.Update(status);
}

void ParallelFetch::Arrived(size_t number, uint64_t received) {
  received_ += received;
  absl::MutexLock lock(&mutex_);
  arrived_[number] = true;
  while (ready_ < arrived_.size() && arrived_[ready_]) ++ready_;
}

absl::StatusOr<size_t> ParallelFetch::WaitForMore(size_t count) {
  absl::MutexLock lock(&mutex_);
  auto has_news = [this, count] {
    mutex_.AssertHeld();
    return ready_ > count || !error_.ok();
  };
  mutex_.Await(absl::Condition(&has_news));
  DML_RETURN_IF_ERROR(error_);
  return ready_;
}

}  // namespace dml
