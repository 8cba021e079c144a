// Chunks of one file of a variant over one channel. Internal to client/.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/synchronization/mutex.h>

#include "client/chunk_pages.h"
#include "client/local_content.h"
#include "dml/v1/content.pb.h"

namespace dml {

/// What the transfers of one pull share.
struct PullContext {
  Connection& connection;
  std::string variant;                                   // The resource name.
  std::vector<std::shared_ptr<grpc::Channel>> channels;  // At least one.
  uint64_t channel_bytes = 0;                            // Larger files come through all of them.
  size_t max_ranges = 1;                                 // In one ReadChunks.
  LocalContent* local = nullptr;                         // nullptr: none.
  std::string permit{};                                  // The resource name; "": none.
};

/// Receives a chunk: its raw bytes, and what it took on the wire. The bytes have the right size and
/// are otherwise NOT checked. An error ends the transfer.
using TakeChunk =
    absl::FunctionRef<absl::Status(const PlacedChunk&, std::string_view raw, uint64_t received)>;

/// One thread, but for Stop. Whoever takes the chunks checks them: the digest of the whole file
/// decides, and it would be the second digest of every byte. Bases of deltas are checked, wherever
/// they come from.
class ChunkFetcher {
 public:
  /// `context` must outlive it. `bases`: what the chunks to come may be deltas of.
  ChunkFetcher(const PullContext& context, std::shared_ptr<grpc::Channel> channel,
               const BlobRef& blob, std::span<const Digest> bases);

  /// Fetches chunks in the order given (ascending), in one stream where nothing breaks; goes on
  /// after a stream that broke, and gives up where tries bring nothing, as options().retry says.
  /// DATA_LOSS (CHUNK_DIGEST_MISMATCH) for a chunk that cannot be what it should be.
  absl::Status Fetch(std::span<const PlacedChunk> wanted, TakeChunk take);

  /// Ends Fetch with an error, now and whenever it is called again. Any thread.
  void Stop();

 private:
  bool Begin(grpc::ClientContext& stream);  // False once it was stopped.
  bool End();                               // Likewise.
  std::span<const PlacedChunk> MakeRequest(std::span<const PlacedChunk> wanted);
  absl::Status Stream(grpc::ClientContext& context, std::span<const PlacedChunk> wanted,
                      TakeChunk take, size_t* taken);
  absl::Status Receive(const PlacedChunk& wanted, const v1::Chunk& chunk, TakeChunk take);
  absl::StatusOr<std::string> Decode(const PlacedChunk& wanted, const v1::Chunk& chunk);
  absl::Status LoadBase(const v1::ChunkBase& base);

  const PullContext& context_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string blob_;
  const std::span<const Digest> bases_;
  v1::ReadChunksRequest request_;
  absl::flat_hash_set<Digest> known_;  // Bases that the request names.
  bool base_lost_ = false;             // The library left one out that is no longer here.
  std::string base_raw_;
  absl::Mutex mutex_;
  grpc::ClientContext* running_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dml
