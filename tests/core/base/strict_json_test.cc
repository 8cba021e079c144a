#include "core/base/strict_json.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr ErrorReason kBad("TEST_INVALID");

absl::StatusOr<json> Parse(std::string_view text) { return ParseStrictJson(text, 1 << 20, kBad); }

std::string FieldOf(const absl::Status& status) {
  auto violations = FieldViolations(status);
  return violations.empty() ? "" : violations[0].field;
}

TEST(StrictJsonTest, ReadsEveryKindOfValue) {
  auto value = Parse(R"( {"a":[1,-2,1.5,true,null,"\u00e4\ud83d\ude00"],"b":{}} )");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->dump(), "{\"a\":[1,-2,1.5,true,null,\"\xc3\xa4\xf0\x9f\x98\x80\"],\"b\":{}}");
}

TEST(StrictJsonTest, RefusesWhatIsNoJson) {
  for (std::string bad :
       {"",        " ",           "{",        "{}x",      "{} {}",  "[1,]", "{\"a\":1,}", "{a:1}",
        "'a'",     "01",          "+1",       ".5",       "1.",     "NaN",  "Infinity",   "1e999",
        "\"\\x\"", "\"\\ud800\"", "\"a\nb\"", "// c\n{}", "/**/{}", "tru",  "\"open"}) {
    auto value = Parse(bad);
    EXPECT_EQ(Reason(value.status()), "TEST_INVALID") << bad;
  }
}

TEST(StrictJsonTest, RefusesWhatTwoReadersMayReadDifferently) {
  EXPECT_FALSE(Parse(std::string_view("{}\0{\"a\":1}", 10)).ok()) << "raw NUL ends no document";
  EXPECT_FALSE(Parse(std::string_view("{}\0", 3)).ok());
  EXPECT_THAT(Message(Parse("\xef\xbb\xbf{}").status()), HasSubstr("byte order mark"));
  for (std::string bad : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\""}) {
    EXPECT_THAT(Message(Parse(bad).status()), HasSubstr("UTF-8")) << testing::PrintToString(bad);
  }
}

TEST(StrictJsonTest, RefusesRepeatedMembersWithTheirPath) {
  absl::Status status = Parse(R"({"a":[{"b":1},{"b":2,"c":0,"b":3}]})").status();
  EXPECT_EQ(FieldOf(status), "a[1].b");
  EXPECT_THAT(Message(status), HasSubstr("'b' is given twice"));
  EXPECT_FALSE(Parse(R"({"a":1,"\u0061":2})").ok()) << "the same name, escaped";
  EXPECT_TRUE(Parse(R"({"a":1,"A":2})").ok());
}

TEST(StrictJsonTest, TellsLineAndColumnWithoutRepeatingTheText) {
  EXPECT_THAT(Message(Parse("{\n  \"a\": x\n}").status()), HasSubstr("line 2, column 8"));
  std::string hostile = "\"" + std::string(100000, 'A');
  EXPECT_LT(Message(Parse(hostile).status()).size(), 200u);
}

TEST(StrictJsonTest, CapsDepthAndSize) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Parse(nested(kMaxDocumentDepth)).ok());
  EXPECT_THAT(Message(Parse(nested(kMaxDocumentDepth + 1)).status()), HasSubstr("deeper"));
  EXPECT_FALSE(Parse(std::string(1 << 20, '[')).ok());
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(Parse(objects).ok());
  EXPECT_TRUE(ParseStrictJson("[1]", 3, kBad).ok());
  EXPECT_THAT(Message(ParseStrictJson("[12]", 3, kBad).status()), HasSubstr("at most 3"));
}

TEST(StrictJsonTest, SurvivesMutations) {
  const std::string text = R"({"a":[1,-2,{"b":"\u00e4x"},null,true],"c":{"d":1.5e3,"e":[]}})";
  unsigned seed = 20240607;
  std::mt19937 random(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string mutated = text;
    for (int k = 0; k < 3; ++k) mutated[random() % mutated.size()] = static_cast<char>(random());
    auto value = Parse(mutated);
    if (!value.ok()) continue;
    auto again = Parse(value->dump());
    ASSERT_TRUE(again.ok() && *again == *value) << "seed " << seed << ": " << mutated;
  }
}

TEST(ObjectReaderTest, ReadsMembers) {
  json value = {{"s", "x"}, {"n", 7u}, {"w", "B"}, {"list", {"p", "q"}}, {"map", {{"k", "v"}}}};
  ObjectReader in(value, kBad);
  EXPECT_EQ(in.String("s", 1), "x");
  EXPECT_EQ(in.StringOr("t", 1, "default"), "default");
  EXPECT_EQ(in.Unsigned("n", 0, 7), 7u);
  constexpr std::array<std::string_view, 2> kWords = {"A", "B"};
  EXPECT_EQ(in.Word("w", kWords), 1u);
  EXPECT_EQ(in.WordOr("absent", kWords, 1), 1u);
  EXPECT_EQ(in.Strings("list", 2, 1), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(in.StringMap("map", 1, 1), (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_TRUE(in.Finish().ok());
}

TEST(ObjectReaderTest, UnknownMemberNamesTheNearest) {
  json value = {{"verison", "1"}};
  ObjectReader in(value, kBad);
  in.String("version", 10);
  in.StringOr("license", 10, "");
  absl::Status status = in.Finish();
  EXPECT_THAT(Message(status), HasSubstr("unknown member 'verison'; did you mean 'version'?"));
  EXPECT_EQ(FieldOf(status), "verison");
  json huge = {{std::string(100000, 'x'), 1}};
  ObjectReader other(huge, kBad);
  EXPECT_LT(Message(other.Finish()).size(), 200u);
}

// Integers are exact: no fraction, no exponent, no overflow, no sign.
TEST(ObjectReaderTest, WholeNumbersAreExact) {
  auto read = [](std::string_view number, uint64_t min, uint64_t max) {
    json value = *Parse("{\"n\":" + std::string(number) + "}");
    ObjectReader in(value, kBad);
    uint64_t out = in.Unsigned("n", min, max);
    absl::Status status = in.Finish();
    EXPECT_TRUE(status.ok() || (out == 0 && FieldOf(status) == "n"));
    return status.ok() ? std::optional(out) : std::nullopt;
  };
  EXPECT_EQ(read("18446744073709551615", 0, UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(read("9007199254740993", 0, UINT64_MAX), 9007199254740993u);
  for (auto bad : {"18446744073709551616", "1.0", "1e0", "-1", "\"1\"", "true", "null", "[1]",
                   "99999999999999999999999999"}) {
    EXPECT_EQ(read(bad, 0, UINT64_MAX), std::nullopt) << bad;
  }
  EXPECT_EQ(read("4", 5, 9), std::nullopt);
  EXPECT_EQ(read("10", 5, 9), std::nullopt);
}

TEST(ObjectReaderTest, FirstErrorWinsAndCarriesThePath) {
  json value = {{"a", {{{"b", {1, 2}}}}}, {"z", 1}};
  ObjectReader in(value, kBad);
  in.ForEach("a", 10, [](const json& item) {
    ObjectReader inner(item, kBad);
    inner.Strings("b", 10, 10);
    return inner.Finish();
  });
  EXPECT_EQ(in.String("z", 10), "");
  absl::Status status = in.Finish();
  EXPECT_EQ(FieldOf(status), "a[0].b[0]");
  EXPECT_THAT(Message(LocateError(status, "thing")), HasSubstr("thing, at a[0].b[0]: "));
}

TEST(ObjectReaderTest, RefusesWrongTypesAndSizes) {
  auto fails = [](json value, auto read) {
    ObjectReader in(value, kBad);
    read(in);
    return Reason(in.Finish()) == "TEST_INVALID";
  };
  EXPECT_TRUE(fails(json::array(), [](ObjectReader&) {})) << "not an object";
  EXPECT_TRUE(fails(json::object(), [](ObjectReader& in) { in.String("s", 9); })) << "missing";
  EXPECT_TRUE(fails({{"s", 1}}, [](ObjectReader& in) { in.StringOr("s", 9, ""); }));
  EXPECT_TRUE(fails({{"s", nullptr}}, [](ObjectReader& in) { in.StringOr("s", 9, ""); }));
  EXPECT_TRUE(fails({{"s", "four"}}, [](ObjectReader& in) { in.String("s", 3); }));
  EXPECT_TRUE(fails({{"l", {"a", "b"}}}, [](ObjectReader& in) { in.Strings("l", 1, 9); }));
  EXPECT_TRUE(fails({{"l", "a"}}, [](ObjectReader& in) { in.Strings("l", 1, 9); }));
  EXPECT_TRUE(fails({{"m", {{"k", 1}}}}, [](ObjectReader& in) { in.StringMap("m", 9, 9); }));
  EXPECT_TRUE(fails({{"m", {{"long", "v"}}}}, [](ObjectReader& in) { in.StringMap("m", 9, 3); }));
  constexpr std::array<std::string_view, 1> kWords = {"A"};
  EXPECT_TRUE(fails({{"w", "a"}}, [&](ObjectReader& in) { in.Word("w", kWords); }));
}

}  // namespace
}  // namespace dml
