#include "core/content/frame.h"

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <zstd.h>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

std::string Text(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += fmt::format("line {} of a text\n", i);
  text.resize(size);
  return text;
}

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string Reasoned(const absl::Status& status) { return status.ok() ? "OK" : Reason(status); }

// What becomes of `stored` when it is offered as the frame of `raw`.
std::string Verdict(std::string_view raw, std::string_view stored) {
  return Reasoned(VerifyChunk(Sha256(raw), static_cast<uint32_t>(raw.size()), FrameCodec::kZstd,
                              AsBytes(stored)));
}

// A frame made with settings of its own.
std::string FrameWith(std::string_view raw, const std::function<void(ZSTD_CCtx*)>& set) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                   ZSTD_freeCCtx);
  set(context.get());
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  const size_t size =
      ZSTD_compress2(context.get(), frame.data(), frame.size(), raw.data(), raw.size());
  EXPECT_FALSE(ZSTD_isError(size)) << ZSTD_getErrorName(size);
  return frame.substr(0, size);
}

std::string Frame(std::string_view raw) {
  return FrameWith(raw, [](ZSTD_CCtx*) {});
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> 8 * i));
  return out;
}

// Parts of a frame (RFC 8878 section 3.1.1), for frames that no compressor makes.
const std::string kMagic = LittleEndian(ZSTD_MAGICNUMBER, 4);
std::string Block(int type, uint32_t size, bool last, std::string_view content) {
  return LittleEndian(size << 3 | static_cast<uint32_t>(type) << 1 | (last ? 1 : 0), 3) +
         std::string(content);
}
std::string Skippable(std::string_view content) {
  return LittleEndian(ZSTD_MAGIC_SKIPPABLE_START, 4) + LittleEndian(content.size(), 4) +
         std::string(content);
}
// With a window descriptor and a content size of eight bytes; one RLE block of `size` times 'a'.
std::string RleFrame(uint8_t window_descriptor, uint64_t declared, uint32_t size) {
  return kMagic + "\xc0" + static_cast<char>(window_descriptor) + LittleEndian(declared, 8) +
         Block(1, size, true, "a");
}

TEST(EncodeChunkTest, RoundTripsAtEverySizeAndLevel) {
  const uint64_t seed = 31;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (const size_t size : {1, 2, 100, 255, 256, 257, 65791, 65792, 262144, int{kMaxChunkBytes}}) {
    for (const std::string& raw : {Text(size), RandomBytes(random, size)}) {
      for (const int level : {1, 3, 9}) {
        const EncodedChunk chunk = EncodeChunk(AsBytes(raw), level);
        EXPECT_EQ(chunk.raw_digest, Sha256(raw));
        EXPECT_EQ(chunk.raw_size, size);
        EXPECT_LE(chunk.stored.size(), size);
        const absl::Status verified =
            VerifyChunk(chunk.raw_digest, chunk.raw_size, chunk.codec, AsBytes(chunk.stored));
        EXPECT_TRUE(verified.ok()) << size << ": " << verified;
        EXPECT_EQ(DecodeChunk(chunk.codec, AsBytes(chunk.stored), chunk.raw_size).value(), raw);
      }
    }
  }
}

TEST(EncodeChunkTest, TakesAFrameOnlyWhereItIsShorter) {
  std::mt19937_64 random(32);
  const std::string noise = RandomBytes(random, 65536);
  const EncodedChunk raw = EncodeChunk(AsBytes(noise));
  EXPECT_EQ(raw.codec, FrameCodec::kRaw);
  EXPECT_EQ(raw.stored, noise);
  EXPECT_EQ(EncodeChunk(AsBytes("x")).codec, FrameCodec::kRaw);

  const std::string text = Text(65536);
  const EncodedChunk compressed = EncodeChunk(AsBytes(text));
  EXPECT_EQ(compressed.codec, FrameCodec::kZstd);
  EXPECT_LT(compressed.stored.size(), text.size() / 4);
  EXPECT_EQ(ZSTD_getFrameContentSize(compressed.stored.data(), compressed.stored.size()),
            text.size());
}

TEST(EncodeChunkTest, ThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([id] {
      for (int round = 0; round < 50; ++round) {
        const std::string raw = Text(20000 + 1000 * id + round);
        EXPECT_EQ(Verdict(raw, EncodeChunk(AsBytes(raw)).stored), "OK");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(VerifyChunkTest, RawBytesMustHaveTheSizeAndTheDigest) {
  const std::string raw = Text(1000);
  const Digest digest = Sha256(raw);
  const auto verdict = [&](uint32_t size, std::string_view stored) {
    return Reasoned(VerifyChunk(digest, size, FrameCodec::kRaw, AsBytes(stored)));
  };
  EXPECT_EQ(verdict(1000, raw), "OK");
  EXPECT_EQ(verdict(999, raw), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(verdict(1001, raw), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(verdict(1000, Text(999) + "!"), "CHUNK_DIGEST_MISMATCH");
  EXPECT_EQ(verdict(0, ""), "CHUNK_FRAME_INVALID");
}

TEST(VerifyChunkTest, SizesAboveTheLimitAreRefusedBeforeAnythingElse) {
  for (const uint32_t size : {kMaxChunkBytes + 1, 1u << 31, ~0u}) {
    for (const FrameCodec codec : {FrameCodec::kRaw, FrameCodec::kZstd}) {
      EXPECT_EQ(Reasoned(VerifyChunk(Digest(), size, codec, AsBytes(Frame(Text(100))))),
                "CHUNK_TOO_LARGE");
    }
  }
}

TEST(VerifyChunkTest, AnUnknownCodecIsRefused) {
  const std::string raw = Text(100);
  for (const int codec : {2, 3, 255}) {
    EXPECT_EQ(Reasoned(VerifyChunk(Sha256(raw), 100, static_cast<FrameCodec>(codec), AsBytes(raw))),
              "CHUNK_FRAME_INVALID");
  }
}

TEST(VerifyChunkTest, AFrameOfAnotherChunkIsRefused) {
  const std::string raw = Text(5000);
  std::string other = raw;
  other[4999] ^= 1;
  EXPECT_EQ(Verdict(raw, Frame(raw)), "OK");
  EXPECT_EQ(Verdict(raw, Frame(other)), "CHUNK_DIGEST_MISMATCH");
  EXPECT_EQ(Verdict(raw, Frame(Text(4999))), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(raw, Frame(Text(5001))), "CHUNK_FRAME_INVALID");
}

TEST(VerifyChunkTest, AFrameThatIsNotShorterIsRefused) {
  std::mt19937_64 random(33);
  const std::string noise = RandomBytes(random, 1000);
  EXPECT_EQ(Verdict(noise, Frame(noise)), "CHUNK_FRAME_INVALID");
  // A frame of 10 bytes for chunks of 10 and 11 bytes: single segment, one content size byte, RLE.
  for (const size_t size : {10, 11}) {
    const std::string frame = kMagic + "\x20" + static_cast<char>(size) +
                              Block(1, static_cast<uint32_t>(size), true, "a");
    ASSERT_EQ(frame.size(), 10u);
    EXPECT_EQ(Verdict(std::string(size, 'a'), frame), size == 10 ? "CHUNK_FRAME_INVALID" : "OK");
  }
}

// attack 19
TEST(VerifyChunkTest, BombsAreRefusedCheaply) {
  // 30 MB of empty blocks that decode to 100 bytes: refused for its length alone.
  const std::string hundred(100, 'a');
  const std::string header = kMagic + "\x20" + static_cast<char>(100);
  const std::string last = Block(1, 100, true, "a");
  const std::string empty_blocks(30'000'000, '\0');
  EXPECT_EQ(Verdict(hundred, header + last), "OK");
  EXPECT_EQ(Verdict(hundred, header + empty_blocks + last), "CHUNK_FRAME_INVALID");

  // As many empty blocks as a chunk's size allows stay within the rules.
  const std::string run(kMaxChunkBytes, 'a');
  const std::string greatest = RleFrame(0x60, kMaxChunkBytes, 0).substr(0, 14);
  std::string runs;
  for (uint32_t i = 0; i < kMaxChunkBytes >> 17; ++i) runs += Block(1, 128 << 10, false, "a");
  const std::string end = Block(0, 0, true, "");
  EXPECT_EQ(Verdict(run, greatest + runs + empty_blocks.substr(0, 4'000'000 / 3 * 3) + end), "OK");

  // More content than is declared, by 600 MB; and 64 MiB that are declared.
  std::string endless;
  for (int i = 0; i < 5000; ++i) endless += Block(1, 128 << 10, false, "a");
  EXPECT_EQ(Verdict(run, greatest + endless + end), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(run, Frame(std::string(64 << 20, 'a'))), "CHUNK_FRAME_INVALID");
}

// attack 19
TEST(VerifyChunkTest, NothingMayStandBeforeOrAfterTheFrame) {
  const std::string raw = Text(5000);
  const std::string frame = Frame(raw);
  const std::string half = Frame(raw.substr(0, 2500));
  for (const std::string& stored :
       {Skippable("x") + frame, Skippable("") + frame, frame + Skippable("x"),
        frame + Skippable(""), frame + '\0', frame + "x", frame + frame,
        half + Frame(raw.substr(2500)), Skippable("x"), frame + Frame(""), Frame("") + frame,
        Skippable(frame)}) {
    ASSERT_LT(stored.size(), raw.size());
    EXPECT_EQ(Verdict(raw, stored), "CHUNK_FRAME_INVALID");
  }
}

TEST(VerifyChunkTest, TheContentSizeMustBeDeclaredAndRight) {
  const std::string raw = Text(5000);
  const std::string undeclared = FrameWith(
      raw, [](ZSTD_CCtx* context) { ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0); });
  ASSERT_EQ(ZSTD_getFrameContentSize(undeclared.data(), undeclared.size()),
            ZSTD_CONTENTSIZE_UNKNOWN);
  EXPECT_EQ(Verdict(raw, undeclared), "CHUNK_FRAME_INVALID");

  const std::string run(1000, 'a');
  EXPECT_EQ(Verdict(run, RleFrame(0, 1000, 1000)), "OK");
  for (const uint64_t declared : {0ull, 999ull, 1001ull, ~0ull, ~0ull - 1, (1ull << 32) + 1000}) {
    EXPECT_EQ(Verdict(run, RleFrame(0, declared, 1000)), "CHUNK_FRAME_INVALID") << declared;
  }
  for (const uint32_t actual : {0u, 1u, 999u, 1001u, 2000u}) {
    EXPECT_EQ(Verdict(run, RleFrame(0, 1000, actual)), "CHUNK_FRAME_INVALID") << actual;
  }
}

TEST(VerifyChunkTest, EveryWidthOfTheContentSizeIsRead) {
  const std::string run(300, 'a');
  const std::string block = Block(1, 300, true, "a");
  EXPECT_EQ(Verdict(run, kMagic + "\x60" + LittleEndian(300 - 256, 2) + block), "OK");
  EXPECT_EQ(Verdict(run, kMagic + "\xa0" + LittleEndian(300, 4) + block), "OK");
  EXPECT_EQ(Verdict(run, kMagic + "\xe0" + LittleEndian(300, 8) + block), "OK");
  EXPECT_EQ(Verdict(run, kMagic + "\x60" + LittleEndian(300, 2) + block), "CHUNK_FRAME_INVALID");
}

TEST(VerifyChunkTest, WindowsAboveEightMebibytesAreRefused) {
  const std::string run(1000, 'a');
  for (int descriptor = 0; descriptor < 256; ++descriptor) {
    const bool fits = descriptor <= 13 << 3;  // Exponent 13, mantissa 0: 2^23 bytes.
    EXPECT_EQ(Verdict(run, RleFrame(static_cast<uint8_t>(descriptor), 1000, 1000)),
              fits ? "OK" : "CHUNK_FRAME_INVALID")
        << descriptor;
  }
}

TEST(VerifyChunkTest, DictionariesReservedBitsAndBlockTypesAreRefused) {
  const std::string run(100, 'a');
  const std::string block = Block(1, 100, true, "a");
  const std::string size(1, static_cast<char>(100));
  EXPECT_EQ(Verdict(run, kMagic + "\x20" + size + block), "OK");
  EXPECT_EQ(Verdict(run, kMagic + "\x21" + LittleEndian(7, 1) + size + block),
            "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(run, kMagic + "\x22" + LittleEndian(0, 2) + size + block),
            "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(run, kMagic + "\x23" + LittleEndian(7, 4) + size + block),
            "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(run, kMagic + "\x28" + size + block), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(run, kMagic + "\x20" + size + Block(3, 100, true, "a")), "CHUNK_FRAME_INVALID");

  const std::string text = Text(5000);
  const std::string dictionary = Text(3000);
  const std::string with_dictionary = FrameWith(text, [&](ZSTD_CCtx* context) {
    ZSTD_CCtx_refPrefix(context, dictionary.data(), dictionary.size());
  });
  EXPECT_NE(Verdict(text, with_dictionary), "OK");
}

TEST(VerifyChunkTest, AWrongChecksumIsRefused) {
  const std::string raw = Text(5000);
  std::string frame = FrameWith(
      raw, [](ZSTD_CCtx* context) { ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1); });
  EXPECT_EQ(Verdict(raw, frame), "OK");
  frame.back() ^= 1;
  EXPECT_EQ(Verdict(raw, frame), "CHUNK_FRAME_INVALID");
}

TEST(VerifyChunkTest, AFrameCutAtAnyByteIsRefused) {
  const std::string raw = Text(20000);
  const std::string frame = Frame(raw);
  for (size_t size = 0; size < frame.size(); ++size) {
    ASSERT_EQ(Verdict(raw, frame.substr(0, size)), "CHUNK_FRAME_INVALID") << size;
    ASSERT_FALSE(DecodeChunk(FrameCodec::kZstd, AsBytes(frame).first(size), 20000).ok()) << size;
  }
}

// attack 19
TEST(VerifyChunkTest, DamagedFramesNeverPassForAnotherChunk) {
  const uint64_t seed = 34;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::string raw = Text(3000);
  const std::string frame = Frame(raw);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = frame;
    for (uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % damaged.size();
      switch (random() % 4) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged.erase(at, 1);
          break;
        case 2:
          damaged.insert(at, 1, static_cast<char>(random()));
          break;
        default:
          damaged[at] ^= static_cast<char>(1 << random() % 8);
      }
    }
    const auto decoded = DecodeChunk(FrameCodec::kZstd, AsBytes(damaged), 3000);
    if (decoded.ok()) {
      ASSERT_EQ(decoded->size(), 3000u);
    }
    ASSERT_EQ(Verdict(raw, damaged) == "OK", decoded.ok() && *decoded == raw) << "round " << round;
  }
}

// attack 19
TEST(VerifyChunkTest, RandomBytesAfterAValidHeaderAreSurvived) {
  const uint64_t seed = 35;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20000; ++round) {
    const auto size = static_cast<uint32_t>(1 + random() % 70000);
    std::string stored = kMagic + "\xa0" + LittleEndian(size, 4);
    if (random() % 4 == 0) stored.resize(random() % 6);
    const std::string body = RandomBytes(random, random() % 200);
    if (random() % 2 == 0) stored += Block(2, static_cast<uint32_t>(body.size()), true, "");
    stored += body;
    const auto decoded = DecodeChunk(FrameCodec::kZstd, AsBytes(stored), size);
    ASSERT_TRUE(!decoded.ok() || decoded->size() == size) << "round " << round;
  }
}

TEST(RecognizeChunkTest, ByDigestAsFrameOrAsBytesOrNotAtAll) {
  const std::string raw(5000, 'a');
  const EncodedChunk zstd = EncodeChunk(AsBytes(raw));
  ASSERT_EQ(zstd.codec, FrameCodec::kZstd);
  const auto is = [](const Digest& wanted) {
    return [wanted](const Digest& found) { return found == wanted; };
  };
  const auto frame = RecognizeChunk(zstd.stored, is(zstd.raw_digest));
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->codec, FrameCodec::kZstd);
  EXPECT_EQ(frame->raw_size, raw.size());
  // A compressed file is a chunk like any other.
  const auto bytes = RecognizeChunk(zstd.stored, is(Sha256(zstd.stored)));
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->codec, FrameCodec::kRaw);
  EXPECT_EQ(bytes->raw_size, zstd.stored.size());
  EXPECT_FALSE(RecognizeChunk(zstd.stored, is(Sha256("other"))).has_value());
  EXPECT_FALSE(RecognizeChunk("", is(Sha256(""))).has_value());
}

}  // namespace
}  // namespace dml
