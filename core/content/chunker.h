// Cuts bytes into chunks by their content, so that equal runs of bytes in two files become equal
// chunks wherever they lie.
//
// FastCDC 2020 with normalization level 2 and seed 0 (Xia et al., "The Design of Fast
// Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 2020), with the
// cut points of the remote-execution API's FastCdc2020Params. Cut points are an agreement among all
// clients: a change here costs every deduplication against what is stored already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/functional/function_ref.h>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace dml {

/// The most raw bytes that any chunk may have, however it was cut.
inline constexpr uint32_t kMaxChunkBytes = 4u << 20;

/// Sizes in bytes. The default is what the server advertises unless it is configured otherwise.
struct ChunkerParams {
  uint32_t min_size = 32768;   // No cut before it, except at the end of the input. Even, >= 64.
  uint32_t avg_size = 131072;  // Most chunks are near it. A power of two, 1 KiB to 1 MiB.
  uint32_t max_size = 524288;  // A cut at the latest. At most kMaxChunkBytes.

  bool operator==(const ChunkerParams&) const = default;

  /// min = avg / 4 and max = avg * 4. Validate the result where `avg_size` is not a constant.
  static ChunkerParams FromAverage(uint32_t avg_size);

  /// INVALID_ARGUMENT with reason CHUNKER_PARAMS_INVALID where a size is out of its bounds or not
  /// min <= avg <= max. Every other function here requires valid parameters.
  absl::Status Validate() const;
};

/// Where the first chunk of some data ends.
struct ChunkCut {
  size_t length = 0;         // Bytes of the chunk; 0 only for empty data.
  uint64_t fingerprint = 0;  // The gear hash at the cut; 0 where nothing was hashed.
};

/// The first cut in `data`. Pure; looks at no more than max_size bytes. Data shorter than max_size
/// means that the input ends there; a caller with more to come must bring at least max_size bytes.
ChunkCut FindCut(ByteSpan data, const ChunkerParams& params);

/// FindCut(data, params).length.
size_t NextCut(ByteSpan data, const ChunkerParams& params);

/// Receives each chunk in order. The bytes are valid during the call only; an error ends the
/// cutting.
using ChunkSink = absl::FunctionRef<absl::Status(ByteSpan chunk)>;

/// Cuts one blob that arrives in pieces; where the pieces end has no influence on the cuts.
///
/// A blob shorter than max_size is one chunk; an empty blob has none. Any other is cut by FindCut
/// from its start to its end. Uses less than 4 * max_size bytes of memory, however long the blob
/// is. One thread at a time. After Finish the chunker is ready for another blob; after an error of
/// the sink it must not be used again.
class StreamChunker {
 public:
  explicit StreamChunker(const ChunkerParams& params) : params_(params) {}

  /// Takes the next bytes and passes on every chunk that is complete. Returns the sink's first
  /// error.
  absl::Status Push(ByteSpan data, ChunkSink sink);

  /// Passes on what is left: the blob ends here. Returns the sink's first error.
  absl::Status Finish(ChunkSink sink);

 private:
  ByteSpan held() const { return ByteSpan(buffer_).subspan(begin_); }
  void Hold(ByteSpan data);

  const ChunkerParams params_;
  std::vector<uint8_t> buffer_;  // Bytes before begin_ are passed on already.
  size_t begin_ = 0;
  bool has_cut_ = false;  // This blob has a chunk already, hence at least max_size bytes.
};

}  // namespace dml
