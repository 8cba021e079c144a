#include "core/filter/filter.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kColors[] = {"RED", "GREEN"};

const FilterSchema& Schema() {
  static const FilterSchema schema = {
      {"name"},
      {"color", FilterType::kEnum, kColors},
      {"license", FilterType::kExpression},
      {"version", FilterType::kVersion},
      {"count", FilterType::kUnsigned},
      {"made", FilterType::kTime},
      {"labels", FilterType::kLabels},
  };
  return schema;
}

FilterValue Sample(std::string_view field, std::string_view label) {
  if (field == "name") return "libSSL*3";
  if (field == "color") return "RED";
  if (field == "license") return "(MIT OR GPL-2.0-only WITH Classpath-exception-2.0) AND Zlib";
  if (field == "version") return Version::Parse(VersionScheme::kDeb, "1:2.36-9").value();
  if (field == "count") return uint64_t{42};
  if (field == "made") return FromMicros(1772366400'250000);  // 2026-03-01T12:00:00.25Z
  if (field == "labels" && label == "tier") return "gold";
  if (field == "labels" && label == "k8s.io/app-x") return "";
  return {};
}

bool Holds(std::string_view text) {
  absl::StatusOr<Filter> filter = Filter::Parse(text, Schema());
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
  return filter.ok() && filter->Matches(Sample);
}

std::string Error(std::string_view text) {
  absl::StatusOr<Filter> filter = Filter::Parse(text, Schema());
  if (filter.ok()) return "accepted";
  EXPECT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument) << text;
  EXPECT_EQ(Reason(filter.status()), "FILTER_INVALID") << text;
  return std::string(Message(filter.status()));
}

TEST(Filter, EmptyMatchesEverything) {
  EXPECT_TRUE(Holds(""));
  EXPECT_TRUE(Holds(" \t\r\n "));
  EXPECT_TRUE(Filter().Matches(Sample));
}

TEST(Filter, Restrictions) {
  const std::map<std::string_view, bool> cases = {
      {"name = \"libSSL\\*3\"", true},
      {"name=libSSL", false},
      {"name = \"libssl\\*3\"", false},
      {"name != x", true},
      {"name = lib*", true},
      {"name = *3", true},
      {"name = *SSL*", true},
      {"name = *ssl*", false},
      {"name = *", true},
      {"name = **", true},
      {"name = \"*\\*3\"", true},
      {"name = \"*\\*\"", false},
      {"name != lib*", false},
      {"name : ssl", true},
      {"name:\"SSL\\*\"", true},
      {"name : sslx", false},
      {"name : *", true},
      {"name > lib", true},
      {"name >= \"libSSL\\*3\"", true},
      {"name < libSSL", false},
      {"name <= libT", true},
      {"color = RED", true},
      {"color != RED", false},
      {"color = GREEN", false},
      {"color : *", true},
      {"license = MIT", true},
      {"license = GPL-2.0-only", true},
      {"license = Classpath-exception-2.0", true},
      {"license = GPL-2.0", false},
      {"license = GPL-2.0*", true},
      {"license = mit", false},
      {"license : gpl", true},
      {"license = \"AND\"", false},
      {"license != MIT", false},
      {"license != Apache-2.0", true},
      {"license = \"(MIT OR GPL-2.0-only WITH Classpath-exception-2.0) AND Zlib\"", true},
      {"license = \"MIT OR GPL-2.0-only\"", false},
      {"version = 1:2.36-9", true},
      {"version = 1:02.36-9", true},
      {"version >= \"1:2.4\"", true},
      {"version < 3", false},
      {"version > 1:2.36-9", false},
      {"version != 1:2.36-9", false},
      {"version = 1:2.36*", true},
      {"version = 2.36*", false},
      {"version : 36-", true},
      {"version >= \"not a version\"", false},
      {"version != \"not a version\"", false},
      {"count = 42", true},
      {"count = 042", true},
      {"count > 42", false},
      {"count >= 42", true},
      {"count < 18446744073709551615", true},
      {"count != 42", false},
      {"count : *", true},
      {"made = 2026-03-01T12:00:00.25Z", true},
      {"made = \"2026-03-01T13:30:00.250+01:30\"", true},
      {"made > 2026-03-01T12:00:00Z", true},
      {"made < 2026-03-01T06:00:00.250001-06:00", true},
      {"made <= 2026-03-01T12:00:00Z", false},
      {"labels.tier = gold", true},
      {"labels.tier = silver", false},
      {"labels.tier : OL", true},
      {"labels.tier : *", true},
      {"labels : tier", true},
      {"labels : \"tier\"", true},
      {"labels : other", false},
      {"labels.k8s.io/app-x : *", true},
      {"labels.k8s.io/app-x = \"\"", true},
      {"labels.other = gold", false},
      {"labels.other != gold", false},
      {"NOT labels.other = gold", true},
      {"labels.other : *", false},
  };
  for (const auto& [text, holds] : cases) {
    EXPECT_EQ(Holds(text), holds) << text;
  }
}

// AIP-160: OR binds tighter than AND, a blank means AND, NOT and "-" bind tightest.
TEST(Filter, Precedence) {
  const std::string yes = "count = 42";
  const std::string no = "count = 0";
  EXPECT_FALSE(Holds(yes + " OR " + yes + " AND " + no));
  EXPECT_TRUE(Holds(yes + " OR (" + yes + " AND " + no + ")"));
  EXPECT_FALSE(Holds(no + " AND " + no + " OR " + yes));
  EXPECT_FALSE(Holds(no + " " + no + " OR " + yes));
  EXPECT_TRUE(Holds(yes + " " + no + " OR " + yes));
  EXPECT_TRUE(Holds("NOT " + no + " AND " + yes));
  EXPECT_TRUE(Holds("-" + no + " -" + no));
  EXPECT_FALSE(Holds("-(" + no + " OR " + yes + ")"));
  EXPECT_TRUE(Holds("NOT ( " + no + "\n)  OR\t" + no));
  EXPECT_TRUE(Holds("((" + yes + "))\n(" + yes + ")"));
}

TEST(Filter, ErrorsNameColumnAndWhatWasExpected) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"name", "column 5: expected =, !=, <, <=, >, >= or :, found the end"},
      {"name ! x", "column 6: expected =, !=, <, <=, >, >= or :, found '!'"},
      {"name =", "column 7: expected a value, found the end"},
      {"name = ==", "column 8: expected a value, found '='"},
      {"name = (a OR b)", "column 8: expected a value, found '('"},
      {"name = AND", "column 8: expected a value (in quotes if it is this word), found 'AND'"},
      {"name = 'x'", "column 8: expected a value, in double quotes if in any, found '''"},
      {"name = \"x", "column 10: expected the closing '\"', found the end"},
      {"name = \"a\\nb\"", "column 11: expected \", \\ or * after \\, found 'nb'"},
      {"name = \"a\\", "column 11: expected \", \\ or * after \\, found the end"},
      {"name = a\\*b", "column 9: expected a blank, AND, OR or the end, found '\\'"},
      {"name = a*b", "column 8: expected '*' only at the start or end of a value"},
      {"name : a*", "column 8: expected '*' only at the start or end of a value"},
      {"name < *", "column 8: expected '*' only at the start or end of a value"},
      {"nam = x",
       "column 1: expected one of the fields name, color, license, version, count, "
       "made, labels.KEY, found 'nam'; did you mean 'name'?"},
      {"name.x = y", "column 1: expected one of the fields"},
      {"count = 1 OR Name = x", "column 14: expected one of the fields"},
      {"color < RED", "column 7: expected =, != or : * after 'color', found '<'"},
      {"color : RED", "column 7: expected =, != or : * after 'color', found ':'"},
      {"color = red", "column 9: expected one of RED, GREEN, found 'red'"},
      {"color = R*", "column 9: expected one of RED, GREEN, found 'R*'"},
      {"license >= MIT", "column 9: expected =, != or : after 'license', found '>='"},
      {"count : 4", "column 7: expected =, !=, <, <=, >, >= or : * after 'count', found ':'"},
      {"count = -1", "column 9: expected a number from 0, found '-1'"},
      {"count = 18446744073709551616", "column 9: expected a number from 0"},
      {"count = \"\"", "column 9: expected a number from 0, found '\"\"'"},
      {"count = 4*", "column 9: expected a number from 0"},
      {"made > 2026-03-01", "column 8: expected a time as in 2026-03-01T12:00:00Z"},
      {"made > 2026-13-01T12:00:00Z", "column 8: expected a time"},
      {"made > 2026-03-01T12:00:00", "column 8: expected a time"},
      {"made > 2026-03-01T12:00:00.Z", "column 8: expected a time"},
      {"made > 2026-03-01T12:00:00.1234567890Z", "column 8: expected a time"},
      {"made > infinite-future", "column 8: expected a time"},
      {"labels = x", "column 8: expected ':' and a key, or labels.KEY before the operator"},
      {"labels : *", "column 10: expected the key of a label"},
      {"labels. = x", "column 8: expected the key of a label, found ''"},
      {"labels.Tier = x", "column 8: expected the key of a label, found 'Tier'"},
      {"AND name = x", "column 1: expected a field, NOT, '-' or '(', found 'AND'"},
      {"name = x AND", "column 13: expected a blank, found the end"},
      {"name = x OR ", "column 13: expected a field, NOT, '-' or '(', found the end"},
      {"name = x AND OR name = y", "column 14: expected a field, NOT, '-' or '(', found 'OR'"},
      {"name = x AND(name = y)", "column 13: expected a blank, found '('"},
      {"NOT(name = x)", "column 4: expected a blank, found '('"},
      {"NOT NOT name = x", "column 5: expected a field, NOT, '-' or '(', found 'NOT'"},
      {"--name = x", "column 2: expected a field, NOT, '-' or '(', found '-name'"},
      {"- name = x", "column 2: expected a field, NOT, '-' or '(', found ' '"},
      {"(name = x", "column 10: expected AND, OR or ')', found the end"},
      {"name = x)", "column 9: expected AND, OR or the end, found ')'"},
      {"()", "column 2: expected a field, NOT, '-' or '(', found ')'"},
      {"(name = x)(name = y)", "column 11: expected a blank, AND, OR or the end, found '('"},
      {"name = \"x\"name = y", "column 11: expected a blank, AND, OR or the end, found 'name'"},
      {"name = x, y", "column 9: expected a blank, AND, OR or the end, found ','"},
      {"\"name\" = x", "column 1: expected a field, NOT, '-' or '(', found '\"'"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(Error(text), HasSubstr("filter, " + std::string(message))) << text;
  }
}

TEST(Filter, Limits) {
  auto repeated = [](std::string_view part, size_t times) {
    std::string text;
    for (size_t i = 0; i < times; ++i) text += part;
    return text;
  };
  EXPECT_TRUE(Holds(repeated("count=42 ", kMaxFilterTerms)));
  EXPECT_EQ(Error(repeated("count=42 ", kMaxFilterTerms + 1)),
            "filter, column 577: expected at most 64 restrictions, found one more");
  auto nested = [&](size_t depth) {
    return repeated("(", depth) + "count=42" + repeated(")", depth);
  };
  EXPECT_TRUE(Holds(nested(kMaxFilterDepth)));
  EXPECT_EQ(Error(nested(kMaxFilterDepth + 1)),
            "filter, column 17: expected at most 16 parentheses within each other, found one more");
  EXPECT_THAT(Error(repeated("(", kMaxFilterBytes)), HasSubstr("column 17"));
  EXPECT_THAT(Error(repeated("-(", kMaxFilterBytes / 2)), HasSubstr("column 34"));
  std::string longest = "name = " + std::string(kMaxFilterBytes - 7, 'x');
  EXPECT_FALSE(Holds(longest));
  EXPECT_EQ(Error(longest + "x"), "the filter has 4097 bytes; at most 4096 are allowed");
}

TEST(Filter, RefusesWhatIsNotText) {
  EXPECT_THAT(Error("name = \xff"), HasSubstr("not valid UTF-8 (byte 7)"));
  EXPECT_THAT(Error(std::string_view("name = \0", 8)), HasSubstr("control characters"));
  EXPECT_THAT(Error("name = \"\x1b[2J\""), HasSubstr("control characters"));
  EXPECT_FALSE(Holds("name = żółw"));
}

// Cut anywhere, or with any byte replaced, a filter is parsed or refused, never more.
TEST(Filter, SurvivesDamage) {
  const std::string text =
      "license = \"MIT\" AND (name : \"li\\*b\" OR -version >= 1:2.0) NOT labels.tier = gold* "
      "made > 2026-03-01T12:00:00Z";
  ASSERT_TRUE(Filter::Parse(text, Schema()).ok());
  for (size_t cut = 0; cut < text.size(); ++cut) {
    Filter::Parse(text.substr(0, cut), Schema()).IgnoreError();
    for (int byte = 0; byte < 256; ++byte) {
      std::string damaged = text;
      damaged[cut] = static_cast<char>(byte);
      absl::StatusOr<Filter> filter = Filter::Parse(damaged, Schema());
      if (filter.ok()) filter->Matches(Sample);
    }
  }
}

// Texts on which a naive search for a part takes the product of the lengths.
TEST(Filter, SearchIsLinear) {
  const std::string value(16 << 10, 'a');
  const std::string part = std::string(4000, 'a') + "b";
  Filter filter = Filter::Parse("name : " + part, Schema()).value();
  size_t found = 0;
  for (int i = 0; i < 2000; ++i) {
    found += filter.Matches([&](std::string_view, std::string_view) { return value; });
  }
  EXPECT_EQ(found, 0u);
}

TEST(Filter, EqualityOf) {
  auto equality = [](std::string_view text, std::string_view field) {
    return Filter::Parse(text, Schema()).value().EqualityOf(field);
  };
  EXPECT_EQ(equality("name = a", "name"), "a");
  EXPECT_EQ(equality("count > 1 (color = RED AND (name = \"a\\*\"))", "name"), "a*");
  EXPECT_EQ(equality("count > 1 (color = RED AND (name = a))", "color"), "RED");
  EXPECT_EQ(equality("name = a name = b", "name"), "a");
  EXPECT_EQ(equality("", "name"), std::nullopt);
  EXPECT_EQ(equality("name = a", "color"), std::nullopt);
  EXPECT_EQ(equality("name = a OR count = 1", "name"), std::nullopt);
  EXPECT_EQ(equality("NOT name = a", "name"), std::nullopt);
  EXPECT_EQ(equality("-(name = a)", "name"), std::nullopt);
  EXPECT_EQ(equality("name != a", "name"), std::nullopt);
  EXPECT_EQ(equality("name : a", "name"), std::nullopt);
  EXPECT_EQ(equality("name = a*", "name"), std::nullopt);
  EXPECT_EQ(equality("license = MIT", "license"), std::nullopt);
  EXPECT_EQ(equality("version = 1", "version"), std::nullopt);
}

}  // namespace
}  // namespace dml
