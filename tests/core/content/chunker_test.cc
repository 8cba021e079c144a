#include "core/content/chunker.h"

#include <bit>
#include <cmath>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/content/gear_table.h"
#include "core/crypto/sha256.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

constexpr ChunkerParams kVectorParams = {.min_size = 4096, .avg_size = 16384, .max_size = 65535};
constexpr ChunkerParams kSmallParams = {.min_size = 256, .avg_size = 1024, .max_size = 4096};

// MD5 of a message of exactly 64 bytes (RFC 1321): the message block, then the padding block.
std::array<uint32_t, 4> Md5Of64(std::span<const uint8_t, 64> message) {
  static constexpr int kShifts[4][4] = {
      {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  std::array<uint8_t, 128> padded{};
  std::copy(message.begin(), message.end(), padded.begin());
  padded[64] = 0x80;
  padded[121] = 2;  // 512 bits, little-endian.
  std::array<uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (int block = 0; block < 2; ++block) {
    auto [a, b, c, d] = state;
    for (int i = 0; i < 64; ++i) {
      const int round = i / 16;
      const uint32_t f = round == 0   ? (b & c) | (~b & d)
                         : round == 1 ? (d & b) | (~d & c)
                         : round == 2 ? b ^ c ^ d
                                      : c ^ (b | ~d);
      const int g = round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i;
      const uint8_t* const word = &padded[64 * block + 4 * (g % 16)];
      const uint32_t x = word[0] | word[1] << 8 | word[2] << 16 | uint32_t{word[3]} << 24;
      const auto t = static_cast<uint32_t>(std::floor(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
      const uint32_t next = b + std::rotl(a + f + x + t, kShifts[round][i % 4]);
      a = std::exchange(d, c);
      c = std::exchange(b, next);
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d};
  }
  return state;
}

// FastCDC 2020 with normalization level 2 as its reference states it, two bytes a step.
ChunkCut ReferenceCut(ByteSpan data, const ChunkerParams& params) {
  static constexpr std::array<uint64_t, 23> kMasks = {0,
                                                      0,
                                                      0,
                                                      0,
                                                      0,
                                                      0x1804110,
                                                      0x1803110,
                                                      0x18035100,
                                                      0x1800035300,
                                                      0x19000353000,
                                                      0x590003530000,
                                                      0xd90003530000,
                                                      0xd90103530000,
                                                      0xd90303530000,
                                                      0xd90313530000,
                                                      0xd90f03530000,
                                                      0xd90303537000,
                                                      0xd90703537000,
                                                      0xd90707537000,
                                                      0xd91707537000,
                                                      0xd91747537000,
                                                      0xd91767537000,
                                                      0xd93767537000};
  size_t remaining = data.size();
  if (remaining <= params.min_size) return {.length = remaining};
  size_t center = params.avg_size;
  if (remaining > params.max_size) {
    remaining = params.max_size;
  } else if (remaining < center) {
    center = remaining;
  }
  const int bits = static_cast<int>(std::lround(std::log2(params.avg_size)));
  uint64_t hash = 0;
  for (size_t index = params.min_size / 2; index < remaining / 2; ++index) {
    const uint64_t mask = kMasks[index < center / 2 ? bits + 2 : bits - 2];
    const size_t a = index * 2;
    hash = (hash << 2) + (kGearTable[data[a]] << 1);
    if ((hash & mask << 1) == 0) return {a, hash};
    hash = hash + kGearTable[data[a + 1]];
    if ((hash & mask) == 0) return {a + 1, hash};
  }
  return {remaining, hash};
}

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Random runs, repeated pieces and zeros: what files look like to a chunker.
std::string MixedBytes(std::mt19937_64& random, size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    const size_t run = 1 + random() % 6000;
    switch (random() % 3) {
      case 0:
        bytes += RandomBytes(random, run);
        break;
      case 1:
        bytes.append(run, static_cast<char>(random() % 4));
        break;
      default:
        bytes += bytes.substr(bytes.empty() ? 0 : random() % bytes.size(), run);
    }
  }
  bytes.resize(size);
  return bytes;
}

std::vector<std::string> CutAll(std::string_view data, const ChunkerParams& params) {
  std::vector<std::string> chunks;
  while (!data.empty()) {
    const size_t length = NextCut(AsBytes(data), params);
    chunks.emplace_back(data.substr(0, length));
    data.remove_prefix(length);
  }
  return chunks;
}

// Pushes pieces of random sizes.
std::vector<std::string> StreamAll(std::string_view data, StreamChunker& chunker,
                                   const std::function<size_t()>& piece) {
  std::vector<std::string> chunks;
  const auto sink = [&](ByteSpan chunk) {
    chunks.emplace_back(AsText(chunk));
    return absl::OkStatus();
  };
  while (!data.empty()) {
    const size_t length = std::min(piece(), data.size());
    EXPECT_TRUE(chunker.Push(AsBytes(data.substr(0, length)), sink).ok());
    data.remove_prefix(length);
  }
  EXPECT_TRUE(chunker.Finish(sink).ok());
  return chunks;
}

TEST(GearTableTest, IsMd5OfEachByteRepeated) {
  for (int byte = 0; byte < 256; ++byte) {
    std::array<uint8_t, 64> message;
    message.fill(static_cast<uint8_t>(byte));
    const auto digest = Md5Of64(message);
    uint64_t expected = 0;
    for (int i = 0; i < 8; ++i) expected = expected << 8 | (digest[i / 4] >> 8 * (i % 4) & 0xff);
    EXPECT_EQ(kGearTable[byte], expected) << byte;
  }
}

TEST(ChunkerTest, PublishedVectorsOfSeedZero) {
  DML_SKIP_WITHOUT_TEST_DATA("SekienAkashita.jpg");
  DML_SKIP_WITHOUT_TEST_DATA("fastcdc2020_test_vectors.txt");
  const std::string input = testing::ReadFileOrDie(testing::TestDataDir() / "SekienAkashita.jpg");
  std::istringstream lines(
      testing::ReadFileOrDie(testing::TestDataDir() / "fastcdc2020_test_vectors.txt"));
  StreamChunker chunker(kVectorParams);
  const auto streamed = StreamAll(input, chunker, [] { return 1000; });
  bool seed_zero = false;
  size_t next_offset = 0;
  size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# Seed:")) seed_zero = line == "# Seed: 0";
    if (!seed_zero || line.empty() || line.starts_with("#")) continue;
    std::istringstream fields(line);
    size_t offset = 0;
    size_t length = 0;
    std::string sha256;
    uint64_t fingerprint = 0;
    ASSERT_TRUE(fields >> offset >> length >> sha256 >> fingerprint) << line;
    ASSERT_EQ(offset, next_offset);
    const ByteSpan rest = AsBytes(input).subspan(offset);
    const ChunkCut cut = FindCut(rest, kVectorParams);
    EXPECT_EQ(cut.length, length) << line;
    EXPECT_EQ(cut.fingerprint, fingerprint) << line;
    EXPECT_EQ(Sha256(rest.first(cut.length)).hex(), sha256) << line;
    ASSERT_LT(count, streamed.size());
    EXPECT_EQ(Sha256(streamed[count]).hex(), sha256) << line;
    next_offset = offset + length;
    ++count;
  }
  EXPECT_EQ(next_offset, input.size());
  EXPECT_EQ(count, 6u);
  EXPECT_EQ(streamed.size(), count);
}

// The cuts of all of `data` and of what follows each of them, up to its end.
void ExpectCutsOfTheReference(std::string_view data, const ChunkerParams& params) {
  for (ByteSpan rest = AsBytes(data); !rest.empty();) {
    const ChunkCut cut = FindCut(rest, params);
    const ChunkCut expected = ReferenceCut(rest, params);
    ASSERT_EQ(cut.length, expected.length) << params.avg_size << ", " << rest.size();
    ASSERT_EQ(cut.fingerprint, expected.fingerprint) << params.avg_size << ", " << rest.size();
    ASSERT_LE(cut.length, params.max_size);
    ASSERT_TRUE(cut.length >= params.min_size || cut.length == rest.size());
    rest = rest.subspan(cut.length);
  }
}

TEST(ChunkerTest, CutsAsTheReferenceAtEveryAverage) {
  const uint64_t seed = 20201;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::string data = RandomBytes(random, 20 << 20);
  for (uint32_t average = 1u << 10; average <= 1u << 20; average *= 2) {
    // Enough bytes for each of the two masks to match several times.
    const std::string_view part = std::string_view(data).substr(0, 20 * average + 1);
    ChunkerParams params = ChunkerParams::FromAverage(average);
    ExpectCutsOfTheReference(part, params);
    params.min_size = 64;
    ExpectCutsOfTheReference(part, params);
  }
}

TEST(ChunkerTest, CutsMixedDataAsTheReference) {
  const uint64_t seed = 20202;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const ChunkerParams params = {.min_size = 64 + 2 * static_cast<uint32_t>(random() % 400),
                                  .avg_size = 1024,
                                  .max_size = 1024 + static_cast<uint32_t>(random() % 4000)};
    ASSERT_TRUE(params.Validate().ok());
    const std::string data = MixedBytes(random, random() % 40000);
    ExpectCutsOfTheReference(data, params);
  }
}

TEST(ChunkerTest, ChunksAreNearTheAverageAndZerosAreCutAtTheMaximum) {
  std::mt19937_64 random(20203);
  const size_t count = CutAll(RandomBytes(random, 4 << 20), kSmallParams).size();
  EXPECT_GT(count, 4096u * 2 / 3);
  EXPECT_LT(count, 4096u * 3 / 2);
  for (const std::string& chunk : CutAll(std::string(20 * 4096, '\0'), kSmallParams)) {
    EXPECT_EQ(chunk.size(), 4096u);
  }
}

TEST(ChunkerTest, AnInsertionLeavesChunksFarFromItAsTheyWere) {
  std::mt19937_64 random(20204);
  const std::string before = RandomBytes(random, 1 << 20);
  const std::string after = before.substr(0, 500000) + "inserted" + before.substr(500000);
  const auto old_chunks = CutAll(before, kSmallParams);
  const std::set<std::string> known(old_chunks.begin(), old_chunks.end());
  size_t fresh = 0;
  for (const std::string& chunk : CutAll(after, kSmallParams)) fresh += !known.contains(chunk);
  EXPECT_GE(fresh, 1u);
  EXPECT_LE(fresh, 8u);
}

TEST(ChunkerParamsTest, ValidatesAndDerivesFromTheAverage) {
  EXPECT_EQ(ChunkerParams::FromAverage(131072), ChunkerParams());
  EXPECT_TRUE(ChunkerParams().Validate().ok());
  EXPECT_TRUE(kVectorParams.Validate().ok());
  for (uint32_t average = 1u << 10; average <= 1u << 20; average *= 2) {
    EXPECT_TRUE(ChunkerParams::FromAverage(average).Validate().ok()) << average;
  }
  for (const uint32_t average : {0u, 1u, 512u, 65535u, 65537u, 98304u, 2u << 20, 1u << 31, ~0u}) {
    EXPECT_EQ(Reason(ChunkerParams::FromAverage(average).Validate()), "CHUNKER_PARAMS_INVALID")
        << average;
  }
  const ChunkerParams bad[] = {{.min_size = 0},           {.min_size = 62},
                               {.min_size = 16383},       {.min_size = 131074},
                               {.max_size = 131071},      {.max_size = kMaxChunkBytes + 1},
                               {.min_size = 0x80000000u}, {.max_size = 0x80000000u}};
  for (const ChunkerParams& params : bad) {
    EXPECT_EQ(Reason(params.Validate()), "CHUNKER_PARAMS_INVALID")
        << params.min_size << " " << params.max_size;
  }
}

TEST(StreamChunkerTest, CutsDoNotDependOnThePieces) {
  const uint64_t seed = 20205;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  StreamChunker chunker(kSmallParams);  // One for all blobs: Finish makes it ready again.
  for (int round = 0; round < 300; ++round) {
    const std::string data = MixedBytes(random, 4096 + random() % 60000);
    const auto expected = CutAll(data, kSmallParams);
    const size_t greatest = size_t{1} << random() % 17;
    const auto chunks = StreamAll(data, chunker, [&] { return random() % greatest + 1; });
    ASSERT_EQ(chunks, expected) << "round " << round;
  }
}

TEST(StreamChunkerTest, ABlobBelowTheMaximumIsOneChunk) {
  std::mt19937_64 random(20206);
  const std::string data = RandomBytes(random, 4096);
  ASSERT_GT(CutAll(data, kSmallParams).size(), 1u);
  StreamChunker chunker(kSmallParams);
  for (const size_t piece : {1, 100, 5000}) {
    const auto step = [&] { return piece; };
    EXPECT_EQ(StreamAll("", chunker, step).size(), 0u);
    EXPECT_EQ(StreamAll("x", chunker, step), std::vector<std::string>{"x"});
    const std::string below = data.substr(0, 4095);
    EXPECT_EQ(StreamAll(below, chunker, step), std::vector<std::string>{below});
    EXPECT_EQ(StreamAll(data, chunker, step), CutAll(data, kSmallParams));
  }
}

TEST(StreamChunkerTest, TheSinksErrorEndsTheCutting) {
  std::mt19937_64 random(20207);
  const std::string data = RandomBytes(random, 40000);
  for (const size_t piece : {size_t{7}, data.size()}) {
    StreamChunker chunker(kSmallParams);
    int calls = 0;
    const auto full = [&](ByteSpan) {
      ++calls;
      return ResourceExhausted(ErrorReason("DISK_FULL"), "no space");
    };
    absl::Status status;
    for (size_t at = 0; at < data.size() && status.ok(); at += piece) {
      status =
          chunker.Push(AsBytes(data).subspan(at).first(std::min(piece, data.size() - at)), full);
    }
    EXPECT_EQ(Reason(status), "DISK_FULL");
    EXPECT_EQ(calls, 1);
  }
  StreamChunker chunker(kSmallParams);
  const auto full = [](ByteSpan) {
    return ResourceExhausted(ErrorReason("DISK_FULL"), "no space");
  };
  EXPECT_TRUE(chunker.Push(AsBytes("short"), full).ok());
  EXPECT_EQ(Reason(chunker.Finish(full)), "DISK_FULL");
}

}  // namespace
}  // namespace dml
