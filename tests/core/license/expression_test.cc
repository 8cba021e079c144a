#include "core/license/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/license/random_license.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<LicenseExpression> Parse(std::string_view text) {
  return LicenseExpression::Parse(text, BundledLicenseList());
}

std::string Canonical(std::string_view text) {
  auto expression = Parse(text);
  EXPECT_TRUE(expression.ok()) << text << ": " << expression.status();
  return expression.ok() ? expression->ToString() : "";
}

std::string Repeat(std::string_view text, size_t times) {
  std::string repeated;
  for (size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(LicenseExpressionTest, CanonicalTexts) {
  const std::pair<const char*, const char*> cases[] = {
      {"MIT", "MIT"},
      {"mit", "MIT"},
      {"  MIT\n", "MIT"},
      {"((MIT))", "MIT"},
      {"MIT and X11 OR ISC", "MIT AND X11 OR ISC"},
      {"MIT AND X11 or ISC", "MIT AND X11 OR ISC"},
      {"MIT OR X11 AND ISC", "MIT OR X11 AND ISC"},
      {"MIT OR (X11 AND ISC)", "MIT OR X11 AND ISC"},
      {"(MIT OR X11) AND ISC", "(MIT OR X11) AND ISC"},
      {"(MIT)AND(ISC)", "MIT AND ISC"},
      {"(MIT OR ISC)and(X11)", "(MIT OR ISC) AND X11"},
      {"MIT AND (ISC AND X11)", "MIT AND ISC AND X11"},
      {"(MIT OR ISC) OR X11", "MIT OR ISC OR X11"},
      {"GPL-2.0+", "GPL-2.0+"},
      {"gpl-2.0-OR-later", "GPL-2.0-or-later"},
      {"Apache-1.1+ OR MIT", "Apache-1.1+ OR MIT"},
      {"GPL-2.0-only with classpath-EXCEPTION-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"},
      {"GPL-2.0+ WITH Bison-exception-2.2 AND MIT", "GPL-2.0+ WITH Bison-exception-2.2 AND MIT"},
      {"LicenseRef-a.b-C", "LicenseRef-a.b-C"},
      {"DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2",
       "DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2"},
      {"MIT WITH AdditionRef-x", "MIT WITH AdditionRef-x"},
      {"LicenseRef-y WITH DocumentRef-x:AdditionRef-y",
       "LicenseRef-y WITH DocumentRef-x:AdditionRef-y"},
      {"(GPL-2.0-only WITH Classpath-exception-2.0)", "GPL-2.0-only WITH Classpath-exception-2.0"},
      {"NONE", "NONE"},
      {" NOASSERTION ", "NOASSERTION"},
  };
  for (const auto& [text, canonical] : cases) {
    EXPECT_EQ(Canonical(text), canonical) << text;
    EXPECT_EQ(Canonical(canonical), canonical);
  }
}

struct Bad {
  const char* text;
  size_t column;
  const char* expected;
};

TEST(LicenseExpressionTest, ErrorsNameColumnAndExpectation) {
  const Bad cases[] = {
      {"", 1, "expected a license, found the end"},
      {"   ", 4, "expected a license, found the end"},
      {"MIT And ISC", 5, "expected an operator wholly in upper or wholly in lower case"},
      {"MIT oR ISC", 5, "expected an operator wholly in upper or wholly in lower case"},
      {"GPL-2.0-only With Classpath-exception-2.0", 14, "wholly in upper"},
      {"MIT ISC", 5, "expected AND, OR or the end, found 'ISC'"},
      {"(MIT ISC)", 6, "expected AND, OR or ')', found 'ISC'"},
      {"MIT AND", 8, "expected a license, found the end"},
      {"AND MIT", 1, "expected a license, found 'AND'"},
      {"MIT AND OR ISC", 9, "expected a license, found 'OR'"},
      {"MIT AND AND ISC", 9, "expected a license, found 'AND'"},
      {"(MIT", 5, "expected AND, OR or ')', found the end"},
      {"MIT)", 4, "expected AND, OR or the end, found ')'"},
      {"()", 2, "expected a license, found ')'"},
      {"(MIT) ISC", 7, "expected AND, OR or the end"},
      {"(MIT) WITH Bison-exception-2.2", 7, "expected WITH to follow one license"},
      {"(MIT OR ISC) WITH Bison-exception-2.2", 14, "expected WITH to follow one license"},
      {"MIT WITH Bison-exception-2.2 WITH Font-exception-2.0", 30, "WITH to follow one license"},
      {"MIT WITH", 9, "expected an exception, found the end"},
      {"MIT WITH (Bison-exception-2.2)", 10, "expected an exception, found '('"},
      {"MIT WITH ISC", 10, "not on the SPDX exception list"},
      {"MIT WITH LicenseRef-x", 10, "not on the SPDX exception list"},
      {"MIT WITH Bison-exception-2.2+", 29, "found '+'"},
      {"MIT WITH AND", 10, "expected an exception, found 'AND'"},
      {"Classpath-exception-2.0", 1, "expected a license and WITH before an exception"},
      {"MIT OR classpath-exception-2.0", 8, "expected a license and WITH before an exception"},
      {"AdditionRef-x", 1, "expected a license and WITH before an exception"},
      {"LicenseRef-x+", 13, "expected no '+' after LicenseRef-..."},
      {"DocumentRef-a:LicenseRef-x+", 27, "expected no '+' after LicenseRef-..."},
      {"LicenseRef-", 12, "expected letters, digits, '-' or '.', found nothing"},
      {"LicenseRef-a_b", 13, "found '_'"},
      {"DocumentRef-a", 1, "expected DocumentRef-...:LicenseRef-..."},
      {"DocumentRef-:LicenseRef-x", 13, "found nothing"},
      {"DocumentRef-a:MIT", 15, "expected LicenseRef-..., found 'MIT'"},
      {"DocumentRef-a:", 15, "expected LicenseRef-..., found nothing"},
      {"DocumentRef-a:b:LicenseRef-x", 15, "expected LicenseRef-..."},
      {"DocumentRef-a:AdditionRef-x", 15, "expected LicenseRef-..."},
      {"MIT WITH DocumentRef-a:LicenseRef-x", 24, "expected AdditionRef-..."},
      {"licenseref-x", 1, "use LicenseRef-..."},
      {"GPL-2.0 +", 9, "'+' directly after an id"},
      {"GPL-2.0++", 8, "found '+'"},
      {"+", 1, "found '+'"},
      {"MIT+AND ISC", 4, "found '+'"},
      {"MIT/X11", 4, "found '/'"},
      {"MIT, ISC", 4, "found ','"},
      {"MIT|ISC", 4, "found '|'"},
      {"M\xc3\xbcT", 2, "found '?'"},
      {"NONE AND MIT", 6, "NONE and NOASSERTION stand alone"},
      {"MIT OR NONE", 8, "NONE and NOASSERTION stand alone"},
      {"(NOASSERTION)", 2, "NONE and NOASSERTION stand alone"},
      {"NONE NONE", 6, "NONE and NOASSERTION stand alone"},
      {"none", 1, "not on the SPDX license list"},
      {"MIT AND Made-Up-1.0", 9,
       "'Made-Up-1.0', which is not on the SPDX license list (ids 3.0.24"},
      {"Made-Up-1.0", 1, "use LicenseRef-..."},
  };
  for (const Bad& bad : cases) {
    auto expression = Parse(bad.text);
    ASSERT_FALSE(expression.ok()) << bad.text;
    EXPECT_EQ(expression.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(Reason(expression.status()), "LICENSE_EXPRESSION_INVALID");
    const std::string message(Message(expression.status()));
    EXPECT_THAT(message, StartsWith(fmt::format("column {}: ", bad.column))) << bad.text;
    EXPECT_THAT(message, HasSubstr(bad.expected)) << bad.text;
  }
}

TEST(LicenseExpressionTest, EveryListedIdParses) {
  const LicenseList& list = BundledLicenseList();
  for (const ListedId& id : list.licenses()) {
    EXPECT_EQ(Canonical(id.id), id.id);
    EXPECT_EQ(Canonical(AsciiLower(id.id) + "+ or MIT"), id.id + "+ OR MIT");
  }
  for (const ListedId& id : list.exceptions()) {
    EXPECT_EQ(Canonical("GPL-2.0-only WITH " + AsciiLower(id.id)), "GPL-2.0-only WITH " + id.id);
    EXPECT_FALSE(Parse(id.id).ok()) << id.id;
  }
}

TEST(LicenseExpressionTest, LeavesInOrder) {
  auto expression = Parse(
      "GPL-2.0+ WITH Bison-exception-2.2 OR LicenseRef-x AND lgpl-2.1-or-later WITH AdditionRef-y");
  ASSERT_TRUE(expression.ok());
  const auto& leaves = expression->leaves();
  ASSERT_EQ(leaves.size(), 3u);
  EXPECT_EQ(leaves[0], (LicenseLeaf{"GPL-2.0", true, true, "Bison-exception-2.2", true}));
  EXPECT_TRUE(leaves[0].known());
  EXPECT_EQ(leaves[0].version(), (LicenseVersion{"GPL-2.0", true}));
  EXPECT_EQ(leaves[1], (LicenseLeaf{"LicenseRef-x", false, false, "", false}));
  EXPECT_FALSE(leaves[1].known());
  EXPECT_EQ(leaves[2], (LicenseLeaf{"LGPL-2.1-or-later", true, false, "AdditionRef-y", false}));
  EXPECT_FALSE(leaves[2].known());
  EXPECT_EQ(leaves[2].version(), (LicenseVersion{"LGPL-2.1", true}));
}

TEST(LicenseExpressionTest, AReferenceHasOneVersion) {
  auto expression = Parse("LicenseRef-x-or-later");
  ASSERT_TRUE(expression.ok());
  EXPECT_EQ(expression->leaves()[0].version(), (LicenseVersion{"LicenseRef-x-or-later", false}));
}

TEST(LicenseExpressionTest, NodesArePostfixAndFlat) {
  auto expression = Parse("MIT AND (ISC AND (X11 OR (Zlib OR curl)))");
  ASSERT_TRUE(expression.ok());
  using Kind = LicenseNode::Kind;
  EXPECT_THAT(expression->nodes(),
              ElementsAre(LicenseNode{Kind::kLeaf, 0}, LicenseNode{Kind::kLeaf, 1},
                          LicenseNode{Kind::kLeaf, 2}, LicenseNode{Kind::kLeaf, 3},
                          LicenseNode{Kind::kLeaf, 4}, LicenseNode{Kind::kOr, 3},
                          LicenseNode{Kind::kAnd, 3}));
}

TEST(LicenseExpressionTest, AnOpenReadingKeepsWhatTheListDoesNotHave) {
  const LicenseList& list = BundledLicenseList();
  const std::string text = "mit OR New-9.0-or-later+ WITH New-exception";
  EXPECT_FALSE(LicenseExpression::Parse(text, list).ok());
  const auto open = LicenseExpression::ParseOpen(text, list);
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->ToString(), "MIT OR New-9.0-or-later+ WITH New-exception");
  EXPECT_TRUE(open->leaves()[0].known());
  EXPECT_FALSE(open->leaves()[1].known());
  EXPECT_FALSE(open->leaves()[1].is_ref());
  EXPECT_EQ(open->leaves()[1].version(), (LicenseVersion{"New-9.0", true}))
      << "as by a list that has it";
  const auto again = LicenseExpression::ParseOpen(open->ToString(), list);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *open);
  // The grammar stays what it is.
  for (const char* wrong : {"", "New-9.0 AND", "New_9", "Classpath-exception-2.0", "New-9.0 MIT",
                            "MIT WITH (New)", "LicenseRef-a+"}) {
    EXPECT_FALSE(LicenseExpression::ParseOpen(wrong, list).ok()) << wrong;
  }
  EXPECT_FALSE(LicenseExpression::ParseOpen(std::string(129, 'a'), list).ok());
}

TEST(LicenseExpressionTest, DefaultIsNoAssertion) {
  LicenseExpression expression;
  EXPECT_TRUE(expression.is_no_assertion());
  EXPECT_EQ(expression.ToString(), "NOASSERTION");
  EXPECT_EQ(LicenseExpression::None().ToString(), "NONE");
  EXPECT_THAT(LicenseExpression::None().Conjuncts(), ElementsAre("NONE"));
  EXPECT_NE(LicenseExpression::None(), LicenseExpression::NoAssertion());
  EXPECT_TRUE(Parse("NONE")->leaves().empty());
}

TEST(LicenseExpressionTest, Conjuncts) {
  EXPECT_THAT(Parse("MIT")->Conjuncts(), ElementsAre("MIT"));
  EXPECT_THAT(Parse("MIT OR ISC")->Conjuncts(), ElementsAre("MIT OR ISC"));
  EXPECT_THAT(Parse("MIT AND (ISC OR X11 AND curl) AND Zlib")->Conjuncts(),
              ElementsAre("MIT", "(ISC OR X11 AND curl)", "Zlib"));
}

TEST(LicenseExpressionTest, JoinsAListByAnd) {
  auto join = [](std::vector<std::string> texts) {
    std::vector<LicenseExpression> expressions;
    for (const std::string& text : texts) expressions.push_back(*Parse(text));
    return JoinLicenses(expressions, BundledLicenseList());
  };
  EXPECT_EQ(join({})->ToString(), "NOASSERTION");
  EXPECT_EQ(join({"NONE"})->ToString(), "NONE");
  EXPECT_EQ(join({"MIT", "NOASSERTION"})->ToString(), "NOASSERTION");
  EXPECT_EQ(join({"NONE", "MIT"})->ToString(), "NOASSERTION");
  EXPECT_EQ(join({"MIT", "ISC OR X11", "MIT AND curl", "ISC OR X11"})->ToString(),
            "MIT AND (ISC OR X11) AND curl");
  EXPECT_EQ(join({"MIT OR ISC", "MIT OR ISC"})->ToString(), "MIT OR ISC");
  std::vector<std::string> many;
  for (size_t i = 0; i <= kMaxLicenseOperators + 1; ++i)
    many.push_back(fmt::format("LicenseRef-{}", i));
  EXPECT_EQ(Reason(join(many).status()), "LICENSE_EXPRESSION_INVALID");
}

TEST(LicenseExpressionTest, LimitsBytes) {
  const std::string id = "LicenseRef-" + std::string(kMaxLicenseExpressionBytes - 11, 'x');
  EXPECT_EQ(Canonical(id), id);
  auto longer = Parse(id + " ");
  EXPECT_THAT(std::string(Message(longer.status())), StartsWith("column 16385: expected at most"));
}

TEST(LicenseExpressionTest, LimitsTheCanonicalTextToo) {
  // ")AND(" is two bytes shorter than ") AND (".
  const std::string clause = "(LicenseRef-" + std::string(30, 'x') + " OR MIT)";
  std::string text = clause;
  while (text.size() + 3 + clause.size() <= kMaxLicenseExpressionBytes) text += "AND" + clause;
  EXPECT_THAT(std::string(Message(Parse(text).status())), HasSubstr("the canonical text"));
}

TEST(LicenseExpressionTest, LimitsOperators) {
  EXPECT_TRUE(Parse("MIT" + Repeat(" OR MIT", kMaxLicenseOperators)).ok());
  auto more = Parse("MIT" + Repeat(" OR MIT", kMaxLicenseOperators + 1));
  EXPECT_THAT(std::string(Message(more.status())), HasSubstr("at most 1024 operators"));
}

TEST(LicenseExpressionTest, LimitsDepth) {
  EXPECT_EQ(Canonical(Repeat("(", kMaxLicenseDepth) + "MIT" + Repeat(")", kMaxLicenseDepth)),
            "MIT");
  auto deeper =
      Parse(Repeat("(", kMaxLicenseDepth + 1) + "MIT" + Repeat(")", kMaxLicenseDepth + 1));
  EXPECT_THAT(std::string(Message(deeper.status())),
              StartsWith("column 65: expected parentheses at most 64 deep"));
  EXPECT_FALSE(Parse(Repeat("(", kMaxLicenseExpressionBytes)).ok());
}

// Without any one pair of them, the text is another tree or none.
void ExpectNoNeedlessParentheses(const LicenseExpression& expression) {
  const std::string text = expression.ToString();
  std::vector<size_t> open;
  for (size_t i = 0; i < text.size() && text.size() < 300; ++i) {
    if (text[i] == '(') open.push_back(i);
    if (text[i] != ')') continue;
    std::string without = text;
    without[i] = without[open.back()] = ' ';
    open.pop_back();
    EXPECT_NE(Parse(without).value_or(LicenseExpression()), expression) << text;
  }
}

TEST(LicenseExpressionTest, RandomTreesReadBackAsThemselves) {
  const uint64_t seed = 20240611;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> leaves = {"MIT",
                                           "ISC",
                                           "Apache-2.0",
                                           "GPL-2.0+",
                                           "LicenseRef-x",
                                           "GPL-2.0-only WITH Classpath-exception-2.0",
                                           "DocumentRef-a:LicenseRef-b WITH AdditionRef-c"};
  for (int i = 0; i < 2000; ++i) {
    const auto tree = testing::RandomLicenseTree(random, 4, leaves);
    const std::string text = testing::RandomText(tree, random);
    auto expression = Parse(text);
    ASSERT_TRUE(expression.ok()) << text << ": " << expression.status();
    auto parenthesized = Parse(testing::FullyParenthesized(tree));
    ASSERT_TRUE(parenthesized.ok());
    EXPECT_EQ(*expression, *parenthesized) << text;
    const std::string canonical = expression->ToString();
    auto again = Parse(canonical);
    ASSERT_TRUE(again.ok()) << canonical;
    EXPECT_EQ(*again, *expression) << canonical;
    EXPECT_EQ(again->ToString(), canonical);
    ExpectNoNeedlessParentheses(*expression);
  }
}

TEST(LicenseExpressionTest, RandomTextNeverBreaksIt) {
  const uint64_t seed = 77;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> pieces = {"MIT",
                                           " ",
                                           "(",
                                           ")",
                                           " AND ",
                                           " or ",
                                           "WITH",
                                           " WITH ",
                                           "+",
                                           ":",
                                           "LicenseRef-",
                                           "DocumentRef-",
                                           "AdditionRef-",
                                           "x",
                                           "Bison-exception-2.2",
                                           "NONE",
                                           "\n",
                                           "\xff",
                                           std::string(1, '\0'),
                                           "And",
                                           "-",
                                           "."};
  size_t valid = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (size_t k = testing::Pick(random, 12); k-- > 0;) {
      text += pieces[testing::Pick(random, pieces.size())];
    }
    auto expression = Parse(text);
    if (!expression.ok()) {
      EXPECT_EQ(Reason(expression.status()), "LICENSE_EXPRESSION_INVALID");
      for (char c : Message(expression.status())) EXPECT_TRUE(c >= ' ' && c <= '~') << text;
      continue;
    }
    ++valid;
    auto again = Parse(expression->ToString());
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(*again, *expression) << text;
  }
  EXPECT_GT(valid, 100u);
}

}  // namespace
}  // namespace dml
