#include "client/blob_fetcher.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include <sys/stat.h>

#include "client/parallel_fetch.h"

namespace dml {
namespace {

constexpr uint64_t kHashBytes = 1 << 20;

}  // namespace

absl::Status BlobFetcher::Run() {
  struct stat info;
  if (::fstat(part_.get(), &info) != 0) return IoError(errno, "read", path_);
  old_size_ = static_cast<uint64_t>(info.st_size);
  ChunkPages pages(context_.connection, context_.variant, blob_, context_.local != nullptr,
                   context_.permit);
  while (true) {
    DML_ASSIGN_OR_RETURN(std::optional<ChunkPage> page, pages.Next());
    if (!page.has_value()) break;
    DML_RETURN_IF_ERROR(FetchPage(*page));
  }
  if (::ftruncate(part_.get(), static_cast<off_t>(blob_.size)) != 0) {
    return IoError(errno, "write", path_);
  }
  if (!whole_is_right_) {
    const Digest digest = hasher_.Finish();
    if (digest != blob_.digest) return Accuse(digest);
  }
  return absl::OkStatus();
}

absl::Status BlobFetcher::FetchPage(const ChunkPage& page) {
  std::vector<PlacedChunk> missing;
  for (const PlacedChunk& placed : page.chunks) {
    DML_ASSIGN_OR_RETURN(const bool there, Place(placed));
    if (!there) {
      missing.push_back(placed);
    } else if (placed.chunk.digest == blob_.digest && placed.chunk.size == blob_.size) {
      whole_is_right_ = true;
      progress_.Done(blob_.size);
    } else if (placed.offset == hashed_) {
      Hash(raw_);
    }
  }
  if (whole_is_right_) return absl::OkStatus();
  if (blob_.size > context_.channel_bytes && context_.channels.size() > 1 &&
      missing.size() > ParallelFetch::kRunChunks) {
    DML_RETURN_IF_ERROR(FetchThroughChannels(missing, page.bases));
  } else {
    DML_RETURN_IF_ERROR(Fetch(missing, page.bases));
  }
  return HashTo(page.chunks.back().offset + page.chunks.back().chunk.size);
}

// Whether the chunk is right in the part file, left there or now copied there; then it is in raw_.
absl::StatusOr<bool> BlobFetcher::Place(const PlacedChunk& placed) {
  const auto& [chunk, ordinal, offset] = placed;
  if (offset + chunk.size <= old_size_) {
    DML_RETURN_IF_ERROR(ReadAt(part_, offset, chunk.size, raw_, path_));
    if (raw_.size() == chunk.size && Sha256(raw_) == chunk.digest) return true;
  }
  if (context_.local == nullptr || !context_.local->Load(chunk.digest, raw_)) return false;
  if (raw_.size() != chunk.size) return false;  // The list has given a wrong size.
  DML_RETURN_IF_ERROR(WriteAt(part_, offset, raw_, path_));
  return true;
}

absl::Status BlobFetcher::Fetch(const std::vector<PlacedChunk>& missing,
                                const std::vector<Digest>& bases) {
  ChunkFetcher fetcher(context_, context_.channels.front(), blob_, bases);
  return fetcher.Fetch(
      missing,
      [this](const PlacedChunk& chunk, std::string_view raw, uint64_t received) -> absl::Status {
        DML_RETURN_IF_ERROR(WriteAt(part_, chunk.offset, raw, path_));
        progress_.Sent(received);
        DML_RETURN_IF_ERROR(HashTo(chunk.offset));
        Hash(raw);
        return absl::OkStatus();
      });
}

absl::Status BlobFetcher::FetchThroughChannels(const std::vector<PlacedChunk>& missing,
                                               const std::vector<Digest>& bases) {
  ParallelFetch fetch(context_, blob_, bases, missing, part_, path_);
  size_t ready = 0;
  while (ready < missing.size()) {
    absl::StatusOr<size_t> more = fetch.WaitForMore(ready);
    progress_.Sent(fetch.TakeReceived());
    DML_RETURN_IF_ERROR(more.status());
    ready = *more;
    const PlacedChunk& last = missing[ready - 1];
    DML_RETURN_IF_ERROR(HashTo(last.offset + last.chunk.size));
  }
  return absl::OkStatus();
}

void BlobFetcher::Hash(std::string_view raw) {
  hasher_.Update(raw);
  hashed_ += raw.size();
  progress_.Done(raw.size());
}

// Hashes what is in the part file between what is hashed and `end`.
absl::Status BlobFetcher::HashTo(uint64_t end) {
  while (hashed_ < end) {
    const uint64_t size = std::min(kHashBytes, end - hashed_);
    DML_RETURN_IF_ERROR(ReadAt(part_, hashed_, size, raw_, path_));
    if (raw_.size() != size) {
      return Internal(ErrorReason("FILE_IO_FAILED"),
                      "the part file of {} was cut while it was being filled; try again, and keep "
                      "other programs away from it",
                      path_.string());
    }
    Hash(raw_);
  }
  return absl::OkStatus();
}

// The whole is wrong: says which chunk is, if any. A later call takes the chunks that are right.
absl::Status BlobFetcher::Accuse(const Digest& found) {
  ChunkPages pages(context_.connection, context_.variant, blob_, /*with_bases=*/false,
                   context_.permit);
  while (true) {
    DML_ASSIGN_OR_RETURN(std::optional<ChunkPage> page, pages.Next());
    if (!page.has_value()) break;
    for (const auto& [chunk, ordinal, offset] : page->chunks) {
      DML_RETURN_IF_ERROR(ReadAt(part_, offset, chunk.size, raw_, path_));
      if (raw_.size() == chunk.size && Sha256(raw_) == chunk.digest) continue;
      return DataLoss(ErrorReason("CHUNK_DIGEST_MISMATCH"),
                      "chunk {} of {} came damaged; the chunks that are right were kept; try "
                      "again, and if it stays so, ask the library's operator to scrub it",
                      ordinal, blob_.digest.ToString());
    }
  }
  // Nothing to go on from: every chunk was what the library said, and the whole is not.
  if (::ftruncate(part_.get(), 0) != 0) return IoError(errno, "write", path_);
  return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                  "the library's chunks of {} make up {} instead; nothing was kept, ask the "
                  "library's operator to scrub it",
                  blob_.digest.ToString(), found.ToString());
}

}  // namespace dml
