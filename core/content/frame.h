// The stored form of a chunk: one zstd frame (RFC 8878), or the raw bytes where the frame is not
// shorter.
//
// A chunk's identity is the SHA-256 of its raw bytes; the stored form is one representation of
// many. A frame comes from a stranger and is handed on unchanged, so it is accepted only where
// every stock decoder gets exactly the chunk from it, within memory known beforehand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/functional/function_ref.h>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/content/chunker.h"

namespace dml {

/// How a chunk's bytes are stored. Numbers are part of stored formats and of the protocol.
/// kZstdDelta is for storage and for transfers that name the base: a frame that decodes with
/// another chunk's raw bytes as its prefix (core/content/delta.h), which no function here does.
enum class FrameCodec : uint8_t { kRaw = 0, kZstd = 1, kZstdDelta = 2 };

/// The greatest window that a frame may ask a decoder for, in bytes (windowLog 23).
inline constexpr uint64_t kMaxFrameWindowBytes = 8u << 20;

/// A chunk ready to be sent or stored.
struct EncodedChunk {
  Digest raw_digest;      // SHA-256 of the raw bytes: the chunk's identity.
  uint32_t raw_size = 0;  // Bytes before compression.
  FrameCodec codec = FrameCodec::kRaw;
  std::string stored;  // The frame, or the raw bytes.
};

/// Compresses one chunk of 1 to kMaxChunkBytes bytes (what a chunker yields). `level` is zstd's: 1
/// to 22, more is slower and smaller. Each thread keeps its own zstd context for the next call.
EncodedChunk EncodeChunk(ByteSpan raw, int level = 3);

/// The chunk of which these bytes are the stored form, where only its digest is known: what they
/// decode to as one frame, or else the bytes themselves, where `is_wanted` says so of the digest.
/// nullopt: neither; a delta frame is not recognized, as it does not say what it rests on.
std::optional<EncodedChunk> RecognizeChunk(std::string stored,
                                           absl::FunctionRef<bool(const Digest&)> is_wanted);

/// The raw bytes of a stored chunk, without looking at its digest. All errors are INVALID_ARGUMENT:
///   CHUNK_TOO_LARGE      raw_size is above kMaxChunkBytes (nothing was allocated).
///   CHUNK_FRAME_INVALID  raw_size is 0; `codec` is neither kRaw nor kZstd; raw bytes are not
///                        raw_size long; or the zstd data is not exactly one frame, shorter than
///                        raw_size, that declares raw_size as its content size, wants no dictionary
///                        and no more than kMaxFrameWindowBytes, has nothing before or after it
///                        (skippable frames included) and decompresses to raw_size bytes.
/// Allocates raw_size bytes, and only once all that can be checked without decompressing is right.
absl::StatusOr<std::string> DecodeChunk(FrameCodec codec, ByteSpan stored, uint32_t raw_size);

/// All that DecodeChunk demands of zstd data and that can be known without decompressing it; same
/// errors.
absl::Status CheckFrame(ByteSpan stored, uint32_t raw_size);

/// INVALID_ARGUMENT (CHUNK_DIGEST_MISMATCH) where the raw bytes have another digest.
absl::Status CheckChunkDigest(const Digest& raw_digest, ByteSpan raw);

/// Whether the stored form may be kept as that chunk: the errors of DecodeChunk and
/// CheckChunkDigest.
absl::Status VerifyChunk(const Digest& raw_digest, uint32_t raw_size, FrameCodec codec,
                         ByteSpan stored);

}  // namespace dml
