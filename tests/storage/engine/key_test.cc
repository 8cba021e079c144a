#include "storage/engine/key.h"

#include <random>
#include <tuple>

#include <gtest/gtest.h>

namespace dml {
namespace {

using Tuple = std::tuple<uint8_t, std::string, uint64_t, std::string>;

std::string KeyOf(const Tuple& t) {
  return KeyBuilder()
      .U8(std::get<0>(t))
      .String(std::get<1>(t))
      .U64(std::get<2>(t))
      .String(std::get<3>(t))
      .Build();
}

absl::StatusOr<Tuple> TupleOf(std::string_view key) {
  KeyReader reader(key);
  Tuple t;
  DML_ASSIGN_OR_RETURN(std::get<0>(t), reader.U8());
  DML_ASSIGN_OR_RETURN(std::get<1>(t), reader.String());
  DML_ASSIGN_OR_RETURN(std::get<2>(t), reader.U64());
  DML_ASSIGN_OR_RETURN(std::get<3>(t), reader.String());
  DML_RETURN_IF_ERROR(reader.End());
  return t;
}

// Short texts over few bytes, those that the escape uses among them, so that many tuples nearly
// collide.
std::string RandomText(std::mt19937_64& random) {
  static constexpr char kBytes[] = {'\x00', '\x01', '\x02', 'a', '-', '\xfe', '\xff'};
  std::string text(random() % 5, '\0');
  for (char& c : text) c = kBytes[random() % sizeof kBytes];
  return text;
}

Tuple RandomTuple(std::mt19937_64& random) {
  static constexpr uint64_t kNumbers[] = {0, 1, 255, 256, 1ull << 32, UINT64_MAX - 1, UINT64_MAX};
  return {static_cast<uint8_t>(random() % 3), RandomText(random), kNumbers[random() % 7],
          RandomText(random)};
}

// std::string compares as unsigned bytes, as the engine does.
int Sign(auto order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

// attack 39
TEST(KeyTest, PartsNeverCollideAndKeepTheirOrder) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    Tuple a = RandomTuple(random);
    Tuple b = RandomTuple(random);
    if (i % 2 == 0) std::get<0>(b) = std::get<0>(a);
    if (i % 4 == 0) std::get<1>(b) = std::get<1>(a);
    ASSERT_EQ(Sign(KeyOf(a) <=> KeyOf(b)), Sign(a <=> b))
        << testing::PrintToString(a) << " and " << testing::PrintToString(b);
    ASSERT_TRUE(a == b || !KeyOf(a).starts_with(KeyOf(b)));
  }
}

TEST(KeyTest, WhatIsWrittenIsReadBack) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    Tuple t = RandomTuple(random);
    absl::StatusOr<Tuple> back = TupleOf(KeyOf(t));
    ASSERT_TRUE(back.ok()) << Message(back.status());
    ASSERT_EQ(*back, t);
  }
}

// attack 39
TEST(KeyTest, NameAndVersionCannotBeShifted) {
  EXPECT_NE(KeyBuilder().String("a").String("b-1").Build(),
            KeyBuilder().String("a-b").String("1").Build());
  EXPECT_NE(KeyBuilder().String("a").String("").Build(),
            KeyBuilder().String("").String("a").Build());
}

TEST(KeyTest, BytesAreStable) {
  EXPECT_EQ(KeyBuilder().U8(7).String(std::string("a\0b", 3)).U64(0x0102030405060708).Build(),
            std::string("\x07"
                        "a\0\xff"
                        "b\0\x01"
                        "\x01\x02\x03\x04\x05\x06\x07\x08",
                        15));
}

TEST(KeyTest, DamagedKeysAreDataLoss) {
  const std::string key = KeyOf({1, std::string("n\0m", 3), 42, "x"});
  for (size_t size = 0; size < key.size(); ++size) {
    absl::StatusOr<Tuple> t = TupleOf(key.substr(0, size));
    ASSERT_EQ(t.status().code(), absl::StatusCode::kDataLoss) << size;
    ASSERT_EQ(Reason(t.status()), "KEY_MALFORMED");
  }
  EXPECT_EQ(Reason(TupleOf(key + "x").status()), "KEY_MALFORMED");
  EXPECT_EQ(Reason(KeyReader(std::string_view("a\0\x02", 3)).String().status()), "KEY_MALFORMED");
}

TEST(KeyTest, RandomBytesEitherFailOrAreTheKeyOfWhatTheyGive) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string key = KeyOf(RandomTuple(random));
    key[random() % key.size()] = static_cast<char>(random() % 3 - 1);
    if (absl::StatusOr<Tuple> t = TupleOf(key); t.ok()) {
      ASSERT_EQ(KeyOf(*t), key);
    }
  }
}

TEST(KeyTest, PrefixRangeHoldsExactlyTheKeysWithThePrefix) {
  EXPECT_EQ(PrefixRange("ab"), (KeyRange{"ab", "ac"}));
  EXPECT_EQ(PrefixRange("a\xff\xff"), (KeyRange{"a\xff\xff", "b"}));
  EXPECT_EQ(PrefixRange("\xff"), (KeyRange{"\xff", ""}));
  EXPECT_EQ(PrefixRange(""), KeyRange{});

  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string prefix = RandomText(random);
    std::string key = i % 2 == 0 ? RandomText(random) : prefix + RandomText(random);
    KeyRange range = PrefixRange(prefix);
    bool inside = key >= range.lower && (range.upper.empty() || key < range.upper);
    ASSERT_EQ(inside, key.starts_with(prefix))
        << testing::PrintToString(prefix) << " " << testing::PrintToString(key);
  }
}

}  // namespace
}  // namespace dml
