#include "core/base/strict_yaml.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/json_builder.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr ErrorReason kBad("TEST_INVALID");

absl::StatusOr<YamlDocument> Parse(std::string_view text) {
  return ParseStrictYaml(text, 1 << 20, kBad);
}

TEST(StrictYamlTest, ReadsYamlAndJsonAlike) {
  auto yaml = Parse("a:\n  - b\n  - c: 'd'\n    e: \"1\"\nf: {g: 7}\nh: -3 # note\n");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  auto json = Parse(R"({"a": ["b", {"c": "d", "e": "1"}], "f": {"g": 7}, "h": -3})");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(yaml->value, json->value);
  EXPECT_EQ(yaml->value.dump(), R"({"a":["b",{"c":"d","e":"1"}],"f":{"g":7},"h":-3})");
}

TEST(StrictYamlTest, KnowsTheLineOfEveryPart) {
  auto yaml = Parse("# comment\na:\n  - b\n  - c: d\n    e:\n      f\n");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  EXPECT_EQ(yaml->lines,
            (std::map<std::string, int>{
                {"", 2}, {"a", 2}, {"a[0]", 3}, {"a[1]", 4}, {"a[1].c", 4}, {"a[1].e", 5}}));
  absl::Status status = InvalidArgument(kBad, "what");
  EXPECT_EQ(Message(yaml->AtLine(AtField(status, "a[1].e"))), "line 5: what");
  EXPECT_EQ(Message(yaml->AtLine(AtField(status, "a[1].missing.x"))), "line 4: what");
  EXPECT_EQ(Message(yaml->AtLine(status)), "line 2: what");
}

TEST(StrictYamlTest, PlainScalarsFollowTheCoreSchema) {
  for (auto [text, type] : {std::pair{"7", "unsigned"},
                            {"0", "unsigned"},
                            {"-7", "integer"},
                            {"true", "boolean"},
                            {"FALSE", "boolean"},
                            {"~", "null"},
                            {"null", "null"},
                            {"", "null"},
                            {"1.0", "float"},
                            {"1e3", "float"},
                            {"007", "float"},
                            {"-07", "float"},
                            {"+7", "float"},
                            {"0x10", "float"},
                            {"0o7", "float"},
                            {".inf", "float"},
                            {"18446744073709551616", "float"},
                            {"no", "string"},
                            {"on", "string"},
                            {"1.2.3", "string"},
                            {"inf", "string"},
                            {"nan", "string"},
                            {"3d", "string"},
                            {"'7'", "string"},
                            {"\"true\"", "string"},
                            {"-", "array"}}) {
    auto yaml = Parse(fmt::format("a: {}\n", text));
    if (std::string_view(type) == "array") {
      EXPECT_FALSE(yaml.ok());
      continue;
    }
    ASSERT_TRUE(yaml.ok()) << text << yaml.status();
    const nlohmann::json& value = yaml->value["a"];
    std::string found = value.is_number_unsigned()  ? "unsigned"
                        : value.is_number_integer() ? "integer"
                        : value.is_number_float()   ? "float"
                                                    : value.type_name();
    EXPECT_EQ(found, type) << text;
  }
}

TEST(StrictYamlTest, RefusesWhatJsonHasNot) {
  for (auto [text, message] : {std::pair{"a: &x 1\nb: 2\n", "line 1: anchors"},
                               {"a: 1\nb: *c\n", "line 2: "},
                               {"a: &x [1]\nb: *x\n", "line 1: anchors"},
                               {"a: !!str 1\n", "line 1: tags"},
                               {"a: 1\nb: !mine {}\n", "line 2: tags"},
                               {"[a]: b\n", "line 1: a key must be text"},
                               {"a: 1\n? {b: c}\n: d\n", "line 2: a key must be text"},
                               {"~: x\n", "line 1: a key"},
                               {"a: 1\nb: 2\na: 3\n", "line 3: member 'a' is given twice"},
                               {"a: b\n---\nc: d\n", "more"},
                               {"a: [\n", "line "},
                               {"", "line 1: the document is empty"},
                               {"# only\n", "line 1"},
                               {"a: b\n c: d\n", "line 2: malformed"}}) {
    absl::Status status = Parse(text).status();
    EXPECT_EQ(Reason(status), "TEST_INVALID") << text;
    EXPECT_THAT(std::string(Message(status)), StartsWith(message)) << text;
  }
}

TEST(StrictYamlTest, RefusesOtherEncodings) {
  for (std::string_view bad : {std::string_view("\xef\xbb\xbf"
                                                "a: b"),
                               std::string_view("a: \xff"), std::string_view("a: b\0", 5),
                               std::string_view("a\0:\0 \0b\0", 8),
                               std::string_view("\xff\xfe"
                                                "a\0",
                                                4)}) {
    EXPECT_THAT(Message(Parse(bad).status()),
                ::testing::AnyOf(HasSubstr("not valid UTF-8 (byte "), HasSubstr("byte order mark"),
                                 HasSubstr("NUL byte")));
  }
}

// Expansion is impossible without aliases; what is left is bounded by depth and size.
TEST(StrictYamlTest, RefusesBombs) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    laughs += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 9; ++k) laughs += fmt::format("*a{},", i - 1);
    laughs += "]\n";
  }
  EXPECT_THAT(Message(Parse(laughs).status()), HasSubstr("anchors are not allowed"));
  for (std::string_view piece : {"[", "{a: ", "- ", "? ", "{? ", "\n- "}) {
    std::string text;
    while (text.size() < 200000) text += piece;
    auto yaml = Parse(text);
    EXPECT_EQ(yaml.ok(), piece == "\n- ") << piece;
  }
  std::string nested =
      std::string(kMaxDocumentDepth + 1, '[') + std::string(kMaxDocumentDepth + 1, ']');
  EXPECT_THAT(Message(Parse(nested).status()), HasSubstr("nested deeper"));
  EXPECT_TRUE(Parse(nested.substr(1, nested.size() - 2)).ok());
  EXPECT_THAT(Message(ParseStrictYaml("a: bc", 4, kBad).status()), HasSubstr("at most 4"));
}

// Each part's path repeats the keys above it: lines stay within a budget all the same.
TEST(StrictYamlTest, LongPathsDoNotMultiply) {
  std::string text, close;
  for (int i = 0; i < 30; ++i) {
    text += "{" + std::string(64, 'k') + ": ";
    close += "}";
  }
  text += "[";
  for (int i = 0; i < 100000; ++i) text += "1,";
  auto yaml = Parse(text + "]" + close);
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  size_t bytes = 0;
  for (const auto& [path, line] : yaml->lines) bytes += path.size();
  EXPECT_LE(bytes, 4u << 20);
}

TEST(StrictYamlTest, SurvivesMutations) {
  const std::string text = "a: [1, 'x', \"\\u00e4\"]\nb:\n  - c: |\n      t\n    d: {e: ~}\n# f\n";
  unsigned seed = 20240608;
  std::mt19937 random(seed);
  const std::string_view alphabet = "[]{}:,-?&*!|>'\"%@`# \n\tab0~<=.\\";
  for (int i = 0; i < 20000; ++i) {
    std::string mutated = text;
    for (int k = 0; k < 4; ++k) {
      mutated[random() % mutated.size()] = alphabet[random() % alphabet.size()];
    }
    auto yaml = Parse(mutated);
    if (yaml.ok()) {
      ASSERT_TRUE(yaml->value.dump().size() < 1000) << "seed " << seed << ": " << mutated;
    } else {
      ASSERT_EQ(Reason(yaml.status()), "TEST_INVALID") << "seed " << seed << ": " << mutated;
    }
  }
}

}  // namespace
}  // namespace dml
