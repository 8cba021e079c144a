// Random filters against an evaluator that shares nothing with the parser or the terms.
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "core/filter/filter.h"

namespace dml {
namespace {

constexpr std::string_view kWords[] = {"ON", "OFF"};
const FilterSchema kSchema = {{"s"},
                              {"n", FilterType::kUnsigned},
                              {"e", FilterType::kEnum, kWords},
                              {"v", FilterType::kVersion},
                              {"t", FilterType::kTime},
                              {"m", FilterType::kLabels}};

// Ascending as deb versions; the same rank where they are equal.
struct RankedVersion {
  std::string_view text;
  int rank;
};
constexpr RankedVersion kVersions[] = {{"0~rc1", 0}, {"0", 1},      {"0.0", 2},   {"1.0~", 3},
                                       {"1.0", 4},   {"1.00", 4},   {"1.0-1", 5}, {"1.10", 6},
                                       {"1:0", 7},   {"1:0.0-0", 8}};

struct Record {
  std::string s;
  uint64_t n;
  std::string e;
  RankedVersion v;
  int day;
  std::optional<std::string> m;  // Label "k".
};

struct Ast {
  enum class Kind { kTerm, kNot, kAnd, kOr };
  Kind kind = Kind::kTerm;
  std::vector<Ast> operands;
  char field = 's';
  std::string op;
  std::string text;  // For s and m, '*' is a wildcard and '#' a star.
  uint64_t n = 0;
  RankedVersion v{"", 0};
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool Coin() { return Below(2) == 0; }

  std::string Text(std::string_view alphabet, size_t max) {
    std::string text;
    for (size_t size = Below(max + 1); size > 0; --size) text += alphabet[Below(alphabet.size())];
    return text;
  }

  Record RandomRecord() {
    Record record{Text("aAb#", 4),
                  Below(4),
                  std::string(kWords[Below(2)]),
                  kVersions[Below(std::size(kVersions))],
                  static_cast<int>(Below(4)),
                  std::nullopt};
    if (Coin()) record.m = Text("aAb#", 3);
    return record;
  }

  Ast RandomAst(size_t depth) {
    size_t pick = depth == 0 ? 0 : Below(5);
    if (pick <= 1) return RandomTerm();
    Ast ast;
    if (pick == 2) {
      ast.kind = Ast::Kind::kNot;
      ast.operands.push_back(RandomAst(depth - 1));
      return ast;
    }
    ast.kind = pick == 3 ? Ast::Kind::kAnd : Ast::Kind::kOr;
    for (size_t i = 2 + Below(2); i > 0; --i) ast.operands.push_back(RandomAst(depth - 1));
    return ast;
  }

  // The text, with no more parentheses than OR-over-AND needs, now and then one more.
  std::string Print(const Ast& ast, Ast::Kind outer) {
    std::string text;
    bool group = Below(8) == 0;
    if (ast.kind == Ast::Kind::kTerm) {
      text = PrintTerm(ast);
    } else if (ast.kind == Ast::Kind::kNot) {
      text = (Coin() ? "NOT " : "-") + Print(ast.operands[0], Ast::Kind::kNot);
      group |= outer == Ast::Kind::kNot;
    } else {
      bool is_and = ast.kind == Ast::Kind::kAnd;
      for (const Ast& operand : ast.operands) {
        if (!text.empty()) text += !is_and ? " OR " : Coin() ? " AND " : "  ";
        text += Print(operand, ast.kind);
      }
      group |= outer == Ast::Kind::kNot || (is_and && outer == Ast::Kind::kOr);
    }
    return group ? "( " + text + ")" : text;
  }

 private:
  Ast RandomTerm() {
    constexpr std::string_view kFields = "snevtm";
    constexpr const char* kOps[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
    Ast ast;
    ast.field = kFields[Below(kFields.size())];
    bool text = ast.field == 's' || ast.field == 'm';
    ast.op = kOps[Below(ast.field == 'e' ? 2 : text ? 7 : 6)];
    ast.text = Text("aAb#", 2);
    if (ast.op == "=" || ast.op == "!=") {
      if (Below(3) == 0) ast.text = "*" + ast.text;
      if (Below(3) == 0) ast.text += "*";
    }
    if (ast.field == 'e') ast.text = kWords[Below(2)];
    ast.n = Below(4);
    ast.v = kVersions[Below(std::size(kVersions))];
    return ast;
  }

  std::string PrintTerm(const Ast& ast) {
    std::string value;
    if (ast.field == 's' || ast.field == 'm') {
      for (char c : ast.text) value += c == '#' ? "\\*" : std::string(1, c);
      bool quoted = value.empty() || value.find('\\') != value.npos || Coin();
      if (quoted) value = "\"" + value + "\"";
    } else if (ast.field == 'e') {
      value = ast.text;
    } else if (ast.field == 'n') {
      value = std::to_string(ast.n);
    } else if (ast.field == 'v') {
      value = ast.v.text;
    } else {
      value = "1970-01-0" + std::to_string(ast.n + 1) + "T00:00:00Z";
    }
    std::string blank = Coin() ? " " : "";
    return (ast.field == 'm' ? "m.k" : std::string(1, ast.field)) + blank + ast.op + blank + value;
  }

  std::mt19937 random_;
};

bool Glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return Glob(pattern.substr(1), text) || (!text.empty() && Glob(pattern, text.substr(1)));
  }
  return !text.empty() && pattern[0] == text[0] && Glob(pattern.substr(1), text.substr(1));
}

template <typename T>
bool Compares(const T& a, const std::string& op, const T& b) {
  if (op == "=") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  return a >= b;
}

std::string Stars(std::string text) {
  for (char& c : text) c = c == '#' ? '*' : c;
  return text;
}

bool TextHolds(const std::string& value, const Ast& ast) {
  if (ast.op == "=") return Glob(ast.text, value);
  if (ast.op == "!=") return !Glob(ast.text, value);
  if (ast.op != ":") return Compares(Stars(value), ast.op, Stars(ast.text));
  auto lower = [](std::string text) {
    for (char& c : text) c = c == 'A' ? 'a' : c;
    return text;
  };
  return lower(value).find(lower(ast.text)) != std::string::npos;
}

bool Evaluate(const Ast& ast, const Record& record) {
  if (ast.kind == Ast::Kind::kNot) return !Evaluate(ast.operands[0], record);
  if (ast.kind == Ast::Kind::kAnd || ast.kind == Ast::Kind::kOr) {
    size_t met = 0;
    for (const Ast& operand : ast.operands) met += Evaluate(operand, record);
    return ast.kind == Ast::Kind::kAnd ? met == ast.operands.size() : met > 0;
  }
  switch (ast.field) {
    case 's':
      return TextHolds(record.s, ast);
    case 'm':
      return record.m.has_value() && TextHolds(*record.m, ast);
    case 'e':
      return Compares(record.e, ast.op, ast.text);
    case 'n':
      return Compares(record.n, ast.op, ast.n);
    case 'v':
      return Compares(record.v.rank, ast.op, ast.v.rank);
    default:
      return Compares<uint64_t>(static_cast<uint64_t>(record.day), ast.op, ast.n);
  }
}

FilterSubject SubjectOf(const Record& record) {
  return [&record](std::string_view field, std::string_view label) -> FilterValue {
    if (field == "s") return Stars(record.s);
    if (field == "n") return record.n;
    if (field == "e") return record.e;
    if (field == "v") return Version::Parse(VersionScheme::kDeb, record.v.text).value();
    if (field == "t") return FromMicros(record.day * 86400'000000);
    if (field == "m" && label == "k" && record.m.has_value()) return Stars(*record.m);
    return {};
  };
}

TEST(FilterOracle, RandomFiltersOnRandomRecords) {
  constexpr uint32_t kSeed = 20260301;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Generator generator(kSeed);
  size_t matches = 0;
  size_t total = 0;
  for (int i = 0; i < 4000; ++i) {
    Ast ast = generator.RandomAst(3);
    const std::string text = generator.Print(ast, Ast::Kind::kAnd);
    absl::StatusOr<Filter> filter = Filter::Parse(text, kSchema);
    ASSERT_TRUE(filter.ok()) << text << "\n" << filter.status();
    const std::optional<std::string> equality = filter->EqualityOf("s");
    for (int j = 0; j < 25; ++j) {
      const Record record = generator.RandomRecord();
      const bool expected = Evaluate(ast, record);
      ASSERT_EQ(filter->Matches(SubjectOf(record)), expected) << text << "\ns = " << record.s;
      if (expected && equality.has_value()) {
        ASSERT_EQ(Stars(record.s), *equality) << text;
      }
      matches += expected;
      ++total;
    }
  }
  // Otherwise the filters test nothing.
  EXPECT_GT(matches, total / 10);
  EXPECT_LT(matches, total - total / 10);
}

}  // namespace
}  // namespace dml
