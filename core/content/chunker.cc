#include "core/content/chunker.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/content/gear_table.h"

namespace dml {
namespace {

constexpr uint32_t kLeastMinimum = 64;
constexpr uint32_t kLeastAverage = 1u << 10;
constexpr uint32_t kGreatestAverage = 1u << 20;
constexpr int kNormalization = 2;

// kMasks[n] has n bits, spread as the FastCDC 2020 reference spreads them: a cut where all of them
// are zero in the gear hash happens once in 2^n bytes.
constexpr int kFirstMaskBits = 8;
constexpr std::array<uint64_t, 15> kMasks = {
    0x0000001800035300,  // 8 bits
    0x0000019000353000, 0x0000590003530000, 0x0000d90003530000, 0x0000d90103530000,
    0x0000d90303530000, 0x0000d90313530000, 0x0000d90f03530000,
    0x0000d90303537000,  // 16 bits
    0x0000d90703537000, 0x0000d90707537000, 0x0000d91707537000, 0x0000d91747537000,
    0x0000d91767537000, 0x0000d93767537000,  // 22 bits
};

uint64_t MaskOf(int bits) { return kMasks[bits - kFirstMaskBits]; }

}  // namespace

ChunkerParams ChunkerParams::FromAverage(uint32_t avg_size) {
  const uint64_t max_size = uint64_t{avg_size} * 4;
  return {.min_size = avg_size / 4,
          .avg_size = avg_size,
          .max_size = static_cast<uint32_t>(std::min<uint64_t>(max_size, UINT32_MAX))};
}

absl::Status ChunkerParams::Validate() const {
  constexpr ErrorReason kReason("CHUNKER_PARAMS_INVALID");
  if (avg_size < kLeastAverage || avg_size > kGreatestAverage || !std::has_single_bit(avg_size)) {
    return InvalidArgument(kReason,
                           "the average chunk size is {} bytes; use a power of two from {} to {}",
                           avg_size, kLeastAverage, kGreatestAverage);
  }
  if (min_size < kLeastMinimum || min_size > avg_size || min_size % 2 != 0) {
    return InvalidArgument(
        kReason,
        "the smallest chunk size is {} bytes; use an even number from {} to the average {}",
        min_size, kLeastMinimum, avg_size);
  }
  if (max_size < avg_size || max_size > kMaxChunkBytes) {
    return InvalidArgument(
        kReason, "the greatest chunk size is {} bytes; use a number from the average {} to {}",
        max_size, avg_size, kMaxChunkBytes);
  }
  return absl::OkStatus();
}

ChunkCut FindCut(ByteSpan data, const ChunkerParams& params) {
  if (data.size() <= params.min_size) return {.length = data.size()};
  const size_t limit = std::min<size_t>(data.size(), params.max_size);
  const int bits = std::countr_zero(params.avg_size);

  uint64_t hash = 0;
  size_t position = params.min_size;
  const auto scan_to = [&](size_t end, uint64_t mask) {
    for (; position < end; ++position) {
      hash = (hash << 1) + kGearTable[data[position]];
      if ((hash & mask) == 0) return true;
    }
    return false;
  };
  // FastCDC 2020 reads two bytes a step: it leaves an odd last byte unread, and after the first
  // byte of a step its hash stands one bit further left.
  const size_t end = limit & ~size_t{1};
  const size_t center = std::min<size_t>(params.avg_size, end);
  if (scan_to(center, MaskOf(bits + kNormalization)) ||
      scan_to(end, MaskOf(bits - kNormalization))) {
    return {.length = position, .fingerprint = position % 2 == 0 ? hash << 1 : hash};
  }
  return {.length = limit, .fingerprint = hash};
}

size_t NextCut(ByteSpan data, const ChunkerParams& params) { return FindCut(data, params).length; }

void StreamChunker::Hold(ByteSpan data) {
  if (begin_ >= params_.max_size) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + begin_);
    begin_ = 0;
  }
  buffer_.insert(buffer_.end(), data.begin(), data.end());
}

absl::Status StreamChunker::Push(ByteSpan data, ChunkSink sink) {
  while (!data.empty()) {
    if (held().empty() && data.size() >= params_.max_size) {
      const size_t length = NextCut(data, params_);
      has_cut_ = true;
      DML_RETURN_IF_ERROR(sink(data.first(length)));
      data = data.subspan(length);
      continue;
    }
    const size_t taken = std::min<size_t>(data.size(), params_.max_size - held().size());
    Hold(data.first(taken));
    data = data.subspan(taken);
    if (held().size() < params_.max_size) break;
    const size_t length = NextCut(held(), params_);
    has_cut_ = true;
    DML_RETURN_IF_ERROR(sink(held().first(length)));
    begin_ += length;
  }
  return absl::OkStatus();
}

absl::Status StreamChunker::Finish(ChunkSink sink) {
  while (!held().empty()) {
    const size_t length = has_cut_ ? NextCut(held(), params_) : held().size();
    DML_RETURN_IF_ERROR(sink(held().first(length)));
    begin_ += length;
  }
  buffer_.clear();
  begin_ = 0;
  has_cut_ = false;
  return absl::OkStatus();
}

}  // namespace dml
