// One file of a variant on its way into a part file. Internal to client/.
#pragma once

#include <filesystem>
#include <string>

#include "client/chunk_fetcher.h"
#include "client/file_io.h"
#include "client/upload.h"
#include "core/crypto/sha256.h"

namespace dml {

/// Page by page of the chunk list: takes the chunks that the part file has already and those that
/// are local, checking each, and fetches the others. The whole is hashed in order meanwhile; chunks
/// that were fetched are not hashed on their own. One thread.
class BlobFetcher {
 public:
  /// `part` is the file, open for reading and writing; `path` is for messages. All of it must
  /// outlive this.
  BlobFetcher(const PullContext& context, const BlobRef& blob, const FileDescriptor& part,
              const std::filesystem::path& path, ProgressReporter& progress)
      : context_(context), blob_(blob), part_(part), path_(path), progress_(progress) {}

  /// On success the part file is the blob; to sync it is the caller's. DATA_LOSS:
  ///   CHUNK_DIGEST_MISMATCH  a chunk is damaged; the others are kept for another try.
  ///   BLOB_DIGEST_MISMATCH   every chunk was what the list says, and the whole is not the blob;
  ///                          nothing is kept.
  absl::Status Run();

 private:
  absl::Status FetchPage(const ChunkPage& page);
  absl::StatusOr<bool> Place(const PlacedChunk& chunk);
  absl::Status Fetch(const std::vector<PlacedChunk>& missing, const std::vector<Digest>& bases);
  absl::Status FetchThroughChannels(const std::vector<PlacedChunk>& missing,
                                    const std::vector<Digest>& bases);
  void Hash(std::string_view raw);
  absl::Status HashTo(uint64_t end);
  absl::Status Accuse(const Digest& found);

  const PullContext& context_;
  const BlobRef blob_;
  const FileDescriptor& part_;
  const std::filesystem::path& path_;
  ProgressReporter& progress_;
  uint64_t old_size_ = 0;  // Of what an earlier call has left in the part file.
  Sha256Hasher hasher_;
  uint64_t hashed_ = 0;          // Bytes from the start of the file.
  bool whole_is_right_ = false;  // It is one chunk, which was checked already.
  std::string raw_;              // The chunk that was placed last, or what is being hashed.
};

}  // namespace dml
