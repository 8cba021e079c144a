// The parser against the grammar itself: a recognizer that knows nothing but the productions of
// SPDX 3.0.1, annex "SPDX license expressions", tried on random sequences of tokens.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "core/license/expression.h"
#include "tests/core/license/random_license.h"

namespace dml {
namespace {

// Terminals, each with texts that are that terminal.
enum Terminal { kId, kIdPlus, kRef, kException, kAdditionRef, kAnd, kOr, kWith, kOpen, kClose };
struct Token {
  Terminal terminal;
  const char* text;
};
const std::vector<Token> kTokens = {{kId, "MIT"},
                                    {kId, "gpl-2.0"},
                                    {kIdPlus, "Apache-1.1+"},
                                    {kRef, "LicenseRef-a.b"},
                                    {kRef, "DocumentRef-d:LicenseRef-x"},
                                    {kException, "Bison-exception-2.2"},
                                    {kAdditionRef, "AdditionRef-z"},
                                    {kAdditionRef, "DocumentRef-d:AdditionRef-z"},
                                    {kAnd, "AND"},
                                    {kAnd, "and"},
                                    {kOr, "OR"},
                                    {kOr, "or"},
                                    {kWith, "WITH"},
                                    {kWith, "with"},
                                    {kOpen, "("},
                                    {kClose, ")"}};

// Whether tokens [begin, end) are a compound-expression: every production is tried at every split,
// with memory, so that nothing of the parser's way of reading is assumed.
class Recognizer {
 public:
  explicit Recognizer(const std::vector<Token>& tokens) : tokens_(tokens) {}
  bool Accepts() { return Compound(0, tokens_.size()); }

 private:
  bool Is(size_t i, Terminal terminal) const { return tokens_[i].terminal == terminal; }
  bool Simple(size_t i) const { return Is(i, kId) || Is(i, kIdPlus) || Is(i, kRef); }
  bool Addition(size_t i) const { return Is(i, kException) || Is(i, kAdditionRef); }

  bool Compound(size_t begin, size_t end) {
    if (begin >= end) return false;
    auto [it, is_new] = known_.try_emplace({begin, end}, false);
    if (!is_new) return it->second;
    bool accepted = end - begin == 1 && Simple(begin);
    accepted |= end - begin == 3 && Simple(begin) && Is(begin + 1, kWith) && Addition(begin + 2);
    accepted |= Is(begin, kOpen) && Is(end - 1, kClose) && Compound(begin + 1, end - 1);
    for (size_t k = begin + 1; k + 1 < end && !accepted; ++k) {
      accepted = (Is(k, kAnd) || Is(k, kOr)) && Compound(begin, k) && Compound(k + 1, end);
    }
    known_[{begin, end}] = accepted;
    return accepted;
  }

  const std::vector<Token>& tokens_;
  std::map<std::pair<size_t, size_t>, bool> known_;
};

std::string Text(const std::vector<Token>& tokens) {
  std::string text;
  for (const Token& token : tokens) text += (text.empty() ? "" : " ") + std::string(token.text);
  return text;
}

// Returns whether the sequence is an expression, the same by both.
bool ExpectSameAnswer(const std::vector<Token>& tokens) {
  const bool accepted = Recognizer(tokens).Accepts();
  const auto parsed = LicenseExpression::Parse(Text(tokens), BundledLicenseList());
  EXPECT_EQ(parsed.ok(), accepted) << Text(tokens) << ": " << parsed.status();
  return accepted;
}

TEST(LicenseGrammarTest, ShortSequencesAllOfThem) {
  // One text for each terminal: 10 + 100 + 1 000 + 10 000 sequences.
  std::vector<Token> one;
  for (const Token& token : kTokens) {
    if (one.empty() || one.back().terminal != token.terminal) one.push_back(token);
  }
  ASSERT_EQ(one.size(), 10u);
  size_t accepted = 0;
  for (size_t length = 1, count = 10; length <= 4; ++length, count *= 10) {
    for (size_t number = 0; number < count; ++number) {
      std::vector<Token> tokens;
      for (size_t k = 0, rest = number; k < length; ++k, rest /= 10) {
        tokens.push_back(one[rest % 10]);
      }
      accepted += ExpectSameAnswer(tokens) ? 1 : 0;
    }
  }
  // Length 1: 3 licenses. Length 3: 3 x 3 x (AND, OR), 3 x 2 WITH, 3 in parentheses.
  EXPECT_EQ(accepted, 3u + 27u);
}

TEST(LicenseGrammarTest, LongerSequencesAtRandom) {
  const uint64_t seed = 31;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> leaves = {"MIT", "Apache-1.1+", "MIT with Bison-exception-2.2",
                                           "LicenseRef-a.b WITH AdditionRef-z"};
  size_t accepted = 0;
  size_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    // A valid text as tokens, then up to two of them dropped, doubled, or replaced.
    std::string text = testing::RandomText(testing::RandomLicenseTree(random, 2, leaves), random);
    std::vector<Token> tokens;
    for (size_t at = 0; at < text.size();) {
      if (std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) {
        ++at;
        continue;
      }
      size_t end =
          text[at] == '(' || text[at] == ')' ? at + 1 : text.find_first_of(" \t\r\n()", at);
      end = std::min(end, text.size());
      const auto token = std::ranges::find(kTokens, text.substr(at, end - at),
                                           [](const Token& t) { return std::string(t.text); });
      ASSERT_NE(token, kTokens.end()) << text.substr(at, end - at);
      tokens.push_back(*token);
      at = end;
    }
    for (size_t change = testing::Pick(random, 3); change > 0 && !tokens.empty(); --change) {
      const size_t at = testing::Pick(random, tokens.size());
      const size_t kind = testing::Pick(random, 3);
      if (kind == 0) tokens.erase(tokens.begin() + at);
      if (kind == 1) tokens.insert(tokens.begin() + at, kTokens[testing::Pick(random, 16)]);
      if (kind == 2) tokens[at] = kTokens[testing::Pick(random, 16)];
    }
    if (tokens.empty()) continue;
    (ExpectSameAnswer(tokens) ? accepted : refused) += 1;
  }
  EXPECT_GT(accepted, 5000u);
  EXPECT_GT(refused, 5000u);
}

// Every column of an error lies in the text or just behind it, and what stands before it can be
// the beginning of an expression: cut there, the error is at the same column or there is none, or
// at the start of the word that is cut.
TEST(LicenseGrammarTest, ColumnsPointAtTheFirstFault) {
  const uint64_t seed = 8;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  size_t checked = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<Token> tokens;
    for (size_t k = 1 + testing::Pick(random, 7); k > 0; --k) {
      tokens.push_back(kTokens[testing::Pick(random, kTokens.size())]);
    }
    const std::string text = Text(tokens);
    const auto parsed = LicenseExpression::Parse(text, BundledLicenseList());
    if (parsed.ok()) continue;
    size_t column = 0;
    ASSERT_EQ(std::sscanf(std::string(Message(parsed.status())).c_str(), "column %zu:", &column),
              1);
    ASSERT_GE(column, 1u);
    ASSERT_LE(column, text.size() + 1);
    const std::string before = text.substr(0, column - 1);
    const auto cut = LicenseExpression::Parse(before, BundledLicenseList());
    if (!cut.ok()) {
      size_t again = 0;
      std::sscanf(std::string(Message(cut.status())).c_str(), "column %zu:", &again);
      const size_t word = column < 2 ? text.npos : text.find_last_of(" ()", column - 2);
      EXPECT_TRUE(again == column || again == (word == text.npos ? 1 : word + 2)) << text;
    }
    ++checked;
  }
  EXPECT_GT(checked, 10000u);
}

}  // namespace
}  // namespace dml
