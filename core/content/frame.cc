#include "core/content/frame.h"

#include <optional>
#include <zstd.h>

#include "core/content/zstd_context.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr ErrorReason kFrameInvalid("CHUNK_FRAME_INVALID");

// The frame of `raw`, or nullopt where zstd fails.
std::optional<std::string> Compress(ByteSpan raw, int level) {
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  const size_t size = ZSTD_compressCCtx(ThreadCompressor(), frame.data(), frame.size(), raw.data(),
                                        raw.size(), level);
  if (ZSTD_isError(size)) return std::nullopt;
  return frame.substr(0, size);
}

// What a frame's header says (RFC 8878 section 3.1.1.1).
struct FrameHeader {
  uint64_t window_size = 0;
  std::optional<uint64_t> content_size;
  bool has_dictionary_id = false;
};

uint64_t LittleEndian(ByteSpan bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

// Read here because zstd's stable interface neither tells the window nor bounds it when it
// decompresses in one step. nullopt: not a zstd frame, a skippable one, or cut short.
std::optional<FrameHeader> ReadFrameHeader(ByteSpan frame) {
  constexpr size_t kMagicBytes = 4;
  constexpr size_t kDictionaryIdBytes[] = {0, 1, 2, 4};
  if (frame.size() <= kMagicBytes || LittleEndian(frame.first(kMagicBytes)) != ZSTD_MAGICNUMBER) {
    return std::nullopt;
  }
  const uint8_t descriptor = frame[kMagicBytes];
  const bool single_segment = (descriptor & 0x20) != 0;
  const size_t dictionary_bytes = kDictionaryIdBytes[descriptor & 0x03];
  const int content_flag = descriptor >> 6;
  const size_t content_bytes =
      content_flag == 0 ? (single_segment ? 1 : 0) : size_t{1} << content_flag;
  ByteSpan rest = frame.subspan(kMagicBytes + 1);
  if (rest.size() < (single_segment ? 0 : 1) + dictionary_bytes + content_bytes) {
    return std::nullopt;
  }

  FrameHeader header{.has_dictionary_id = dictionary_bytes != 0};
  if (!single_segment) {
    const uint64_t base = uint64_t{1} << (10 + (rest[0] >> 3));
    header.window_size = base + base / 8 * (rest[0] & 0x07);
    rest = rest.subspan(1);
  }
  rest = rest.subspan(dictionary_bytes);
  if (content_bytes != 0) {
    const uint64_t offset = content_bytes == 2 ? 256 : 0;  // Two bytes hold 256 to 65 791.
    header.content_size = LittleEndian(rest.first(content_bytes)) + offset;
  }
  if (single_segment) header.window_size = *header.content_size;
  return header;
}

absl::Status CheckRawSize(uint32_t raw_size) {
  if (raw_size > kMaxChunkBytes) {
    return InvalidArgument(ErrorReason("CHUNK_TOO_LARGE"),
                           "the chunk has {} bytes; cut chunks of at most {}", raw_size,
                           kMaxChunkBytes);
  }
  if (raw_size == 0) {
    return InvalidArgument(kFrameInvalid,
                           "the chunk has no bytes: an empty blob is a blob without chunks");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Decompress(ByteSpan stored, uint32_t raw_size) {
  DML_RETURN_IF_ERROR(CheckFrame(stored, raw_size));
  std::string raw(raw_size, '\0');
  const size_t size = ZSTD_decompressDCtx(ThreadDecompressor(), raw.data(), raw.size(),
                                          stored.data(), stored.size());
  if (ZSTD_isError(size)) {
    return InvalidArgument(kFrameInvalid, "the zstd frame of {} bytes does not decompress: {}",
                           stored.size(), ZSTD_getErrorName(size));
  }
  if (size != raw_size) {
    return InvalidArgument(kFrameInvalid, "the zstd frame decompresses to {} bytes, not {}", size,
                           raw_size);
  }
  return raw;
}

}  // namespace

absl::Status CheckFrame(ByteSpan stored, uint32_t raw_size) {
  DML_RETURN_IF_ERROR(CheckRawSize(raw_size));
  if (stored.size() >= raw_size) {
    return InvalidArgument(kFrameInvalid,
                           "the zstd frame has {} bytes and its chunk has {}: send the chunk raw "
                           "where the frame is not shorter",
                           stored.size(), raw_size);
  }
  const std::optional<FrameHeader> header = ReadFrameHeader(stored);
  if (!header) {
    return InvalidArgument(kFrameInvalid,
                           "the {} stored bytes do not start with the header of a zstd frame",
                           stored.size());
  }
  if (header->has_dictionary_id) {
    return InvalidArgument(kFrameInvalid,
                           "the zstd frame names a dictionary: compress the chunk without one");
  }
  if (!header->content_size) {
    return InvalidArgument(kFrameInvalid,
                           "the zstd frame does not declare its content size: compress the chunk "
                           "in one step, or set the pledged source size");
  }
  if (*header->content_size != raw_size) {
    return InvalidArgument(kFrameInvalid,
                           "the zstd frame declares {} bytes of content, its chunk has {}",
                           *header->content_size, raw_size);
  }
  if (header->window_size > kMaxFrameWindowBytes) {
    return InvalidArgument(
        kFrameInvalid,
        "the zstd frame wants a window of {} bytes: compress with a windowLog of "
        "at most 23",
        header->window_size);
  }
  const size_t frame_size = ZSTD_findFrameCompressedSize(stored.data(), stored.size());
  if (ZSTD_isError(frame_size)) {
    return InvalidArgument(kFrameInvalid, "the zstd frame of {} bytes cannot be read: {}",
                           stored.size(), ZSTD_getErrorName(frame_size));
  }
  if (frame_size != stored.size()) {
    return InvalidArgument(kFrameInvalid,
                           "the zstd frame ends after {} of the {} stored bytes: store exactly one "
                           "frame and nothing after it",
                           frame_size, stored.size());
  }
  return absl::OkStatus();
}

EncodedChunk EncodeChunk(ByteSpan raw, int level) {
  EncodedChunk chunk{.raw_digest = Sha256(raw), .raw_size = static_cast<uint32_t>(raw.size())};
  std::optional<std::string> frame = Compress(raw, level);
  if (frame && frame->size() < raw.size()) {
    chunk.codec = FrameCodec::kZstd;
    chunk.stored = *std::move(frame);
  } else {
    chunk.stored = AsText(raw);
  }
  return chunk;
}

absl::StatusOr<std::string> DecodeChunk(FrameCodec codec, ByteSpan stored, uint32_t raw_size) {
  DML_RETURN_IF_ERROR(CheckRawSize(raw_size));
  switch (codec) {
    case FrameCodec::kZstd:
      return Decompress(stored, raw_size);
    case FrameCodec::kRaw:
      if (stored.size() != raw_size) {
        return InvalidArgument(kFrameInvalid, "the raw chunk has {} stored bytes, not {}",
                               stored.size(), raw_size);
      }
      return std::string(AsText(stored));
    case FrameCodec::kZstdDelta:
      return InvalidArgument(kFrameInvalid,
                             "the frame is a delta, which decodes with its base only: send the "
                             "chunk as a frame of its own (codec 1) or raw (0)");
  }
  return InvalidArgument(kFrameInvalid, "the codec {} is not known: use 0 (raw) or 1 (zstd)",
                         static_cast<int>(codec));
}

std::optional<EncodedChunk> RecognizeChunk(std::string stored,
                                           absl::FunctionRef<bool(const Digest&)> is_wanted) {
  if (stored.empty() || stored.size() > kMaxChunkBytes) return std::nullopt;
  const std::optional<FrameHeader> header = ReadFrameHeader(AsBytes(stored));
  if (header && header->content_size && *header->content_size <= kMaxChunkBytes) {
    const auto raw_size = static_cast<uint32_t>(*header->content_size);
    const auto raw = DecodeChunk(FrameCodec::kZstd, AsBytes(stored), raw_size);
    if (raw.ok()) {
      const Digest digest = Sha256(*raw);
      if (is_wanted(digest)) {
        return EncodedChunk{digest, raw_size, FrameCodec::kZstd, std::move(stored)};
      }
    }
  }
  const Digest digest = Sha256(stored);
  if (!is_wanted(digest)) return std::nullopt;
  const auto raw_size = static_cast<uint32_t>(stored.size());
  return EncodedChunk{digest, raw_size, FrameCodec::kRaw, std::move(stored)};
}

absl::Status CheckChunkDigest(const Digest& raw_digest, ByteSpan raw) {
  const Digest actual = Sha256(raw);
  if (actual != raw_digest) {
    return InvalidArgument(ErrorReason("CHUNK_DIGEST_MISMATCH"),
                           "the chunk's {} bytes have the digest {}, not {}: they were damaged or "
                           "sent under another chunk's name",
                           raw.size(), actual.ToString(), raw_digest.ToString());
  }
  return absl::OkStatus();
}

absl::Status VerifyChunk(const Digest& raw_digest, uint32_t raw_size, FrameCodec codec,
                         ByteSpan stored) {
  DML_ASSIGN_OR_RETURN(const std::string raw, DecodeChunk(codec, stored, raw_size));
  return CheckChunkDigest(raw_digest, AsBytes(raw));
}

}  // namespace dml
