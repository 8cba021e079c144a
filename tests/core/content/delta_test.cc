#include "core/content/delta.h"

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>
#include <zstd.h>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string Text(std::mt19937_64& random, size_t size) {
  std::string text;
  while (text.size() < size) {
    const uint64_t value = random() % 50;
    text += fmt::format("value {} = {};\n", random() % 5000, value);
  }
  text.resize(size);
  return text;
}

// `count` edits: bytes replaced, inserted or taken out.
std::string Edited(std::mt19937_64& random, std::string text, int count) {
  for (; count > 0; --count) {
    const size_t at = random() % text.size();
    switch (random() % 3) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.insert(at, RandomBytes(random, 1 + random() % 20));
        break;
      default:
        if (text.size() > 100) text.erase(at, random() % 20);
    }
  }
  return text;
}

std::string Delta(std::string_view raw, std::string_view base, int level = 3) {
  return EncodeDelta(AsBytes(raw), AsBytes(base), level).value_or("");
}

absl::StatusOr<std::string> Decoded(std::string_view stored, size_t raw_size,
                                    std::string_view base) {
  return DecodeDelta(AsBytes(stored), static_cast<uint32_t>(raw_size), AsBytes(base));
}

std::string Verdict(std::string_view stored, size_t raw_size, std::string_view base) {
  const auto decoded = Decoded(stored, raw_size, base);
  return decoded.ok() ? "OK" : Reason(decoded.status());
}

TEST(EncodeDeltaTest, RoundTripsOverRandomEdits) {
  const uint64_t seed = 61;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (const int level : {1, 3, 9}) {
    for (const size_t size : {200, 1000, 65536, 524288}) {
      for (int round = 0; round < 8; ++round) {
        const std::string base = Text(random, size);
        const std::string raw = Edited(random, base, static_cast<int>(1 + random() % 6));
        const std::string delta = Delta(raw, base, level);
        ASSERT_FALSE(delta.empty());
        ASSERT_EQ(Decoded(delta, raw.size(), base).value(), raw);
        EXPECT_TRUE(CheckFrame(AsBytes(delta), static_cast<uint32_t>(raw.size())).ok());
        if (size >= 1000) {
          EXPECT_LT(delta.size(), 250 + size / 200) << size;
        }
      }
    }
  }
}

TEST(EncodeDeltaTest, EveryPartOfTheGreatestBaseIsInReach) {
  const uint64_t seed = 62;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::string base = RandomBytes(random, kMaxChunkBytes);
  // The last bytes of the chunk equal the first of the base: 8 MiB apart.
  const std::string raw = base.substr(1 << 20) + base.substr(0, 1 << 20);
  ASSERT_EQ(raw.size(), kMaxChunkBytes);
  const std::string delta = Delta(raw, base);
  EXPECT_LT(delta.size(), 4096u);
  EXPECT_EQ(Decoded(delta, raw.size(), base).value(), raw);
}

TEST(EncodeDeltaTest, AFrameThatIsNotShorterIsNone) {
  std::mt19937_64 random(63);
  const std::string noise = RandomBytes(random, 1000);
  EXPECT_FALSE(EncodeDelta(AsBytes(noise), AsBytes(RandomBytes(random, 1000))).has_value());
  EXPECT_FALSE(EncodeDelta(AsBytes("x"), AsBytes("x")).has_value());
}

TEST(EncodeDeltaTest, ABaseThatLooksLikeADictionaryIsBytes) {
  std::mt19937_64 random(64);
  std::string base = RandomBytes(random, 5000);
  base.replace(0, 4, "\x37\xa4\x30\xec");  // ZSTD_MAGIC_DICTIONARY.
  const std::string raw = base + "!";
  const std::string delta = Delta(raw, base);
  EXPECT_LT(delta.size(), 100u);
  EXPECT_EQ(ZSTD_getDictID_fromFrame(delta.data(), delta.size()), 0u);
  EXPECT_EQ(ZSTD_getFrameContentSize(delta.data(), delta.size()), raw.size());
  EXPECT_EQ(Decoded(delta, raw.size(), base).value(), raw);
}

TEST(DecodeDeltaTest, OnlyDecodeDeltaTakesADelta) {
  std::mt19937_64 random(65);
  const std::string base = RandomBytes(random, 5000);
  const std::string raw = base + "!";
  const std::string delta = Delta(raw, base);
  ASSERT_EQ(Verdict(delta, raw.size(), base), "OK");
  for (const FrameCodec codec : {FrameCodec::kZstd, FrameCodec::kZstdDelta, FrameCodec::kRaw}) {
    EXPECT_EQ(Reason(VerifyChunk(Sha256(raw), 5001, codec, AsBytes(delta))), "CHUNK_FRAME_INVALID");
  }
}

TEST(DecodeDeltaTest, NothingOfADeltaIsLeftForTheNextChunk) {
  std::mt19937_64 random(66);
  const std::string base = Text(random, 5000);
  const std::string raw = Edited(random, base, 3);
  const std::string delta = Delta(raw, base);
  const EncodedChunk plain = EncodeChunk(AsBytes(raw));
  for (const bool damaged : {false, true}) {
    std::string stored = delta;
    if (damaged) stored.resize(stored.size() - 1);
    EXPECT_EQ(Decoded(stored, raw.size(), base).ok(), !damaged);
    EXPECT_EQ(EncodeChunk(AsBytes(raw)).stored, plain.stored);
    EXPECT_EQ(DecodeChunk(FrameCodec::kZstd, AsBytes(plain.stored), plain.raw_size).value(), raw);
  }
}

// attack 19
TEST(DecodeDeltaTest, TheRulesForFramesHold) {
  std::mt19937_64 random(67);
  const std::string base = RandomBytes(random, 5000);
  const std::string raw = base + base;
  const std::string delta = Delta(raw, base);
  ASSERT_EQ(Verdict(delta, raw.size(), base), "OK");
  const std::string skippable("\x50\x2a\x4d\x18\x01\0\0\0x", 9);
  EXPECT_EQ(Verdict(delta + "x", raw.size(), base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta + skippable, raw.size(), base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(skippable + delta, raw.size(), base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta + delta, raw.size(), base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta, raw.size() - 1, base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta, raw.size() + 1, base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta, 0, base), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta, kMaxChunkBytes + 1, base), "CHUNK_TOO_LARGE");
  EXPECT_EQ(Verdict(delta, raw.size(), ""), "CHUNK_FRAME_INVALID");
  EXPECT_EQ(Verdict(delta, raw.size(), std::string(kMaxChunkBytes + 1, 'x')),
            "CHUNK_FRAME_INVALID");
  for (size_t size = 0; size < delta.size(); ++size) {
    ASSERT_EQ(Verdict(delta.substr(0, size), raw.size(), base), "CHUNK_FRAME_INVALID") << size;
  }
}

// attack 19
TEST(DecodeDeltaTest, DamageAndWrongBasesNeverPassForTheChunk) {
  const uint64_t seed = 68;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::string base = Text(random, 4000);
  const std::string raw = Edited(random, base, 10);
  const std::string delta = Delta(raw, base);
  int decoded_to_others = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string stored = delta;
    std::string other = base;
    if (round % 2 == 0) stored[random() % stored.size()] ^= static_cast<char>(1 << random() % 8);
    if (round % 2 == 1) other = Edited(random, base, 1);
    if (round % 64 == 1) other.resize(1 + random() % other.size());
    const auto decoded = Decoded(stored, raw.size(), other);
    if (!decoded.ok()) {
      ASSERT_EQ(Reason(decoded.status()), "CHUNK_FRAME_INVALID");
      continue;
    }
    ASSERT_EQ(decoded->size(), raw.size());
    if (*decoded != raw) ++decoded_to_others;
  }
  // Why the digest is the caller's to check.
  EXPECT_GT(decoded_to_others, 1000);
}

// Chunks by a letter, as lists.
ChunkRef Chunk(char name, uint32_t size = 100) {
  return {Sha256(std::string_view(&name, 1)), size};
}
std::vector<ChunkRef> NewList(std::string_view names) {
  std::vector<ChunkRef> list;
  for (const char name : names) list.push_back(Chunk(name));
  return list;
}
std::vector<PredecessorChunk> OldList(std::string_view names) {
  std::vector<PredecessorChunk> list;
  for (const char name : names) list.push_back({Chunk(name), std::nullopt});
  return list;
}

// The candidates of each new chunk, by letters.
std::vector<std::string> Choose(const std::vector<PredecessorChunk>& old_list,
                                const std::vector<ChunkRef>& new_list) {
  std::map<Digest, char> names;
  for (int name = 0; name < 128; ++name) {
    names[Chunk(static_cast<char>(name)).digest] = static_cast<char>(name);
  }
  std::vector<std::string> out;
  for (const std::vector<Digest>& bases : ChooseBases(old_list, new_list)) {
    std::string letters;
    for (const Digest& base : bases) letters.push_back(names.at(base));
    out.push_back(letters);
  }
  return out;
}
std::vector<std::string> Choose(std::string_view old_names, std::string_view new_names) {
  return Choose(OldList(old_names), NewList(new_names));
}
using Letters = std::vector<std::string>;

TEST(ChooseBasesTest, WhatBothHaveNeedsNoBase) {
  EXPECT_EQ(Choose("abc", "abc"), (Letters{"", "", ""}));
  EXPECT_EQ(Choose("abc", "cab"), (Letters{"", "", ""}));
  EXPECT_EQ(Choose("abab", "bbaa"), (Letters{"", "", "", ""}));
}

TEST(ChooseBasesTest, EmptyLists) {
  EXPECT_EQ(Choose("", "ab"), (Letters{"", ""}));
  EXPECT_EQ(Choose("ab", ""), Letters{});
}

TEST(ChooseBasesTest, AReplacedChunkAndItsNeighbors) {
  EXPECT_EQ(Choose("abcde", "abXde"), (Letters{"", "", "cbd", "", ""}));
  EXPECT_EQ(Choose("abcde", "Xbcde"), (Letters{"ab", "", "", "", ""}));
  EXPECT_EQ(Choose("abcde", "abcdX"), (Letters{"", "", "", "", "ed"}));
  EXPECT_EQ(Choose("a", "X"), Letters{"a"});
}

TEST(ChooseBasesTest, DistancesCountFromTheNearerAnchor) {
  // Twelve chunks were put in between; what surrounds them was changed.
  EXPECT_EQ(Choose("abcdef", "aB............Ef"),
            (Letters{"", "bac", "cbd", "dce", "edf", "fe", "fe", "fe",  //
                     "ab", "ab", "ab", "bac", "cbd", "dce", "edf", ""}));
  // Four were taken out.
  EXPECT_EQ(Choose("abcdefgh", "aBGh"), (Letters{"", "bac", "gfh", ""}));
}

TEST(ChooseBasesTest, ChunksThatMovedAgainstTheOthersAreNoAnchors) {
  EXPECT_EQ(Choose("abcdefgh", "hbXdefga"), (Letters{"", "", "cbd", "", "", "", "", ""}));
}

TEST(ChooseBasesTest, ChunksThatRepeatAreNoAnchors) {
  EXPECT_EQ(Choose("abc0d0e0f", "abc0X0e0f"), (Letters{"", "", "", "", "d0", "", "", "", ""}));
}

TEST(ChooseBasesTest, SizesDecideNotPositions) {
  const std::vector<PredecessorChunk> old_list = {
      {Chunk('a', 100), {}}, {Chunk('b', 1000), {}}, {Chunk('c', 50), {}}};
  // The second half of b was cut off: both parts lie within b.
  const std::vector<ChunkRef> new_list = {Chunk('a', 100), Chunk('X', 400), Chunk('Y', 605),
                                          Chunk('c', 50)};
  const std::vector<std::string> bases = Choose(old_list, new_list);
  EXPECT_EQ(bases[1], "bac");
  EXPECT_EQ(bases[2], "bca");
}

TEST(ChooseBasesTest, ADeltaIsNeverABase) {
  std::vector<PredecessorChunk> old_list = OldList("abcde");
  old_list[2].base = Chunk('r').digest;
  EXPECT_EQ(Choose(old_list, NewList("abXde"))[2], "rbd");
  old_list[1].base = Chunk('r').digest;  // Two with the same base.
  EXPECT_EQ(Choose(old_list, NewList("abXde"))[2], "rd");
  // The chunk was like that before.
  EXPECT_EQ(Choose(old_list, NewList("abrde"))[2], "d");
}

// Old lists with known changes: a changed chunk keeps its size within a tenth.
TEST(ChooseBasesTest, FindsWhatAChunkWasMadeOf) {
  const uint64_t seed = 69;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  uint64_t next_name = 0;
  const auto fresh = [&](uint32_t size) {
    return ChunkRef{Sha256(fmt::format("{}", next_name++)), size};
  };
  int changed = 0;
  int first = 0;
  int among = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<PredecessorChunk> old_list;
    for (int i = 0; i < 200; ++i) {
      old_list.push_back({fresh(static_cast<uint32_t>(1000 + random() % 8000)), std::nullopt});
    }
    std::vector<ChunkRef> new_list;
    std::vector<size_t> origin;  // SIZE_MAX: none, or the chunk itself.
    for (size_t i = 0; i < old_list.size(); ++i) {
      const uint64_t dice = random() % 100;
      if (dice < 2) i += random() % 10;                               // A run is gone.
      for (uint64_t n = dice == 2 ? random() % 10 : 0; n > 0; --n) {  // A run is new.
        new_list.push_back(fresh(static_cast<uint32_t>(1000 + random() % 8000)));
        origin.push_back(SIZE_MAX);
      }
      if (i >= old_list.size()) break;
      const ChunkRef& chunk = old_list[i].chunk;
      const bool same = dice < 80;
      new_list.push_back(same ? chunk : fresh(chunk.size - chunk.size / 20 + random() % 100));
      origin.push_back(same ? SIZE_MAX : i);
    }
    const auto bases = ChooseBases(old_list, new_list);
    ASSERT_EQ(bases.size(), new_list.size());
    for (size_t i = 0; i < new_list.size(); ++i) {
      ASSERT_LE(bases[i].size(), kMaxBaseCandidates);
      if (origin[i] == SIZE_MAX) continue;
      const Digest& expected = old_list[origin[i]].chunk.digest;
      ++changed;
      first += !bases[i].empty() && bases[i][0] == expected ? 1 : 0;
      among += std::find(bases[i].begin(), bases[i].end(), expected) != bases[i].end() ? 1 : 0;
    }
  }
  ASSERT_GT(changed, 8000);
  EXPECT_GT(first, changed * 95 / 100) << "of " << changed;
  EXPECT_GT(among, changed * 97 / 100) << "of " << changed;
}

// attack 19
TEST(ChooseBasesTest, ListsMadeToBeSlowAreNot) {
  constexpr size_t kChunks = 300'000;
  std::vector<PredecessorChunk> old_list;
  std::vector<ChunkRef> backwards;
  std::vector<ChunkRef> unknown;
  for (size_t i = 0; i < kChunks; ++i) {
    const Digest digest = Sha256(fmt::format("{}", i));
    old_list.push_back({{digest, static_cast<uint32_t>(i % 3 == 0 ? 0 : ~0u)}, std::nullopt});
    backwards.push_back({digest, 1});
    unknown.push_back({Sha256(fmt::format("x{}", i)), ~0u});
  }
  std::reverse(backwards.begin(), backwards.end());
  for (const std::vector<Digest>& bases : ChooseBases(old_list, backwards)) {
    ASSERT_TRUE(bases.empty());
  }
  for (size_t i = 0; i < kChunks; i += 2) backwards[i] = unknown[i];
  EXPECT_EQ(ChooseBases(old_list, backwards).size(), kChunks);
  EXPECT_EQ(ChooseBases(old_list, unknown).size(), kChunks);
  const std::vector<PredecessorChunk> same(kChunks, old_list[1]);
  EXPECT_EQ(ChooseBases(same, std::vector<ChunkRef>(kChunks, unknown[0])).size(), kChunks);
}

class EncodeBestDeltaTest : public testing::Test {
 protected:
  Digest Add(const std::string& raw) {
    const Digest digest = Sha256(raw);
    chunks_[digest] = raw;
    return digest;
  }
  std::optional<dml::Delta> Best(const std::string& raw, std::vector<Digest> candidates) {
    loads_ = 0;
    const auto load = [&](const Digest& chunk) -> absl::StatusOr<std::string> {
      ++loads_;
      return chunks_.at(chunk);
    };
    const size_t full_size = EncodeChunk(AsBytes(raw)).stored.size();
    return EncodeBestDelta(AsBytes(raw), full_size, candidates, load, 3).value();
  }

  std::mt19937_64 random_{70};
  std::map<Digest, std::string> chunks_;
  int loads_ = 0;
};

TEST_F(EncodeBestDeltaTest, TakesTheShortest) {
  const std::string raw = RandomBytes(random_, 10000);
  const Digest half = Add(raw.substr(0, 5000));
  const Digest most = Add(raw.substr(0, 7000));
  const Digest other = Add(RandomBytes(random_, 10000));
  const auto best = Best(raw, {half, other, most});
  ASSERT_TRUE(best.has_value());
  EXPECT_EQ(best->base, most);
  EXPECT_EQ(Decoded(best->frame, raw.size(), chunks_[most]).value(), raw);
  EXPECT_EQ(loads_, 3);
  EXPECT_EQ(Best(raw, {most, half})->base, most);
}

TEST_F(EncodeBestDeltaTest, StopsAtAGoodOne) {
  const std::string raw = RandomBytes(random_, 10000);
  const Digest good = Add(raw.substr(0, 8000));
  const Digest better = Add(raw.substr(0, 9000));
  EXPECT_EQ(Best(raw, {good, better})->base, good);
  EXPECT_EQ(loads_, 1);
}

TEST_F(EncodeBestDeltaTest, KeepsOnlyWhatPays) {
  const std::string raw = RandomBytes(random_, 10000);
  EXPECT_TRUE(Best(raw, {Add(raw.substr(0, 4200))}).has_value());
  EXPECT_FALSE(Best(raw, {Add(raw.substr(0, 3900))}).has_value());
  EXPECT_FALSE(Best(raw, {Add(RandomBytes(random_, 100))}).has_value());
  EXPECT_FALSE(Best(raw, {}).has_value());
}

TEST_F(EncodeBestDeltaTest, ErrorsOfTheLoaderArePassedOn) {
  const std::string raw = RandomBytes(random_, 1000);
  const auto load = [](const Digest&) -> absl::StatusOr<std::string> {
    return DataLoss(ErrorReason("CHUNK_CORRUPT"), "damaged");
  };
  const std::vector<Digest> candidates = {Sha256(raw)};
  const auto best = EncodeBestDelta(AsBytes(raw), 1000, candidates, load, 3);
  EXPECT_EQ(Reason(best.status()), "CHUNK_CORRUPT");
}

// Against trying every old chunk: real bytes, real cuts, blocks changed, moved in and taken out.
TEST_F(EncodeBestDeltaTest, TheChosenBasesAreNearlyTheBest) {
  const uint64_t seed = 71;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const auto cut = [&](const std::string& blob) {
    std::vector<ChunkRef> list;
    for (ByteSpan rest = AsBytes(blob); !rest.empty();) {
      const ByteSpan chunk = rest.first(NextCut(rest, ChunkerParams::FromAverage(4096)));
      list.push_back({Add(std::string(AsText(chunk))), static_cast<uint32_t>(chunk.size())});
      rest = rest.subspan(chunk.size());
    }
    return list;
  };
  uint64_t chosen_bytes = 0;
  uint64_t best_bytes = 0;
  uint64_t full_bytes = 0;
  for (int round = 0; round < 30; ++round) {
    const std::string old_blob = Text(random, 150'000);
    std::string new_blob = Edited(random, old_blob, 25);
    const std::string more = Text(random, random() % 20'000);
    new_blob.insert(random() % new_blob.size(), more);
    const size_t less = random() % 20'000;
    new_blob.erase(random() % new_blob.size(), less);
    std::vector<PredecessorChunk> old_list;
    std::vector<Digest> every;
    for (const ChunkRef& chunk : cut(old_blob)) {
      old_list.push_back({chunk, std::nullopt});
      every.push_back(chunk.digest);
    }
    const std::vector<ChunkRef> new_list = cut(new_blob);
    const auto bases = ChooseBases(old_list, new_list);
    for (size_t i = 0; i < new_list.size(); ++i) {
      if (bases[i].empty()) continue;
      const std::string& raw = chunks_.at(new_list[i].digest);
      const size_t full = EncodeChunk(AsBytes(raw)).stored.size();
      const auto chosen = Best(raw, bases[i]);
      const auto best = Best(raw, every);
      full_bytes += full;
      chosen_bytes += chosen ? chosen->frame.size() : full;
      best_bytes += best ? best->frame.size() : full;
    }
  }
  EXPECT_LT(best_bytes, full_bytes / 2);
  EXPECT_LT(chosen_bytes, best_bytes + best_bytes / 5) << best_bytes;
}

}  // namespace
}  // namespace dml
