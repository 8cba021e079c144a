// LicenseExpression::Parse: a recursive descent that writes the tree in postfix order.
#include <utility>

#include "core/license/expression.h"

namespace dml {
namespace {

using Kind = LicenseNode::Kind;

constexpr ErrorReason kInvalid("LICENSE_EXPRESSION_INVALID");
constexpr std::string_view kLicenseRef = "LicenseRef-";
constexpr std::string_view kAdditionRef = "AdditionRef-";
constexpr std::string_view kDocumentRef = "DocumentRef-";

struct Token {
  enum class Kind { kWord, kOpen, kClose, kEnd };
  Kind kind = Kind::kEnd;
  std::string_view text;
  size_t column = 1;
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Fit for a message: short, printable ASCII.
std::string Quote(std::string_view text) {
  constexpr size_t kShown = 64;
  std::string quoted = "'";
  for (char c : text.substr(0, kShown)) quoted += c >= ' ' && c <= '~' ? c : '?';
  return quoted + (text.size() > kShown ? "...'" : "'");
}

absl::Status Expected(size_t column, std::string_view expected, std::string_view found) {
  return InvalidArgument(kInvalid, "column {}: expected {}, found {}", column, expected, found);
}

std::string Describe(const Token& token) {
  return token.kind == Token::Kind::kEnd ? "the end" : Quote(token.text);
}

bool IsOperator(std::string_view word) {
  return word == "AND" || word == "and" || word == "OR" || word == "or" || word == "WITH" ||
         word == "with";
}

// Where `text` is no idstring: an error at its first wrong character.
absl::Status CheckIdString(std::string_view text, size_t column) {
  if (text.empty()) return Expected(column, "letters, digits, '-' or '.'", "nothing");
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsLicenseIdString(text.substr(i, 1))) {
      return Expected(column + i, "letters, digits, '-' or '.'", Quote(text.substr(i, 1)));
    }
  }
  return absl::OkStatus();
}

// "[DocumentRef-x:]<prefix>y", where `word` starts with DocumentRef- or the prefix.
absl::Status CheckReference(const Token& word, std::string_view prefix) {
  std::string_view rest = word.text;
  size_t column = word.column;
  if (rest.starts_with(kDocumentRef)) {
    const size_t colon = rest.find(':');
    if (colon == rest.npos) {
      return Expected(column, fmt::format("DocumentRef-...:{}...", prefix), Quote(rest));
    }
    DML_RETURN_IF_ERROR(CheckIdString(rest.substr(kDocumentRef.size(), colon - kDocumentRef.size()),
                                      column + kDocumentRef.size()));
    rest.remove_prefix(colon + 1);
    column += colon + 1;
  }
  if (!rest.starts_with(prefix)) {
    return Expected(column, fmt::format("{}...", prefix), rest.empty() ? "nothing" : Quote(rest));
  }
  rest.remove_prefix(prefix.size());
  if (!rest.empty() && rest.back() == '+') {
    return Expected(column + prefix.size() + rest.size() - 1,
                    fmt::format("no '+' after {}...", prefix), "'+'");
  }
  return CheckIdString(rest, column + prefix.size());
}

}  // namespace

/// One parse. Its recursion is three calls for each level of parentheses.
class LicenseExpressionParser {
 public:
  /// `open`: ids that the list does not have are taken as they are.
  LicenseExpressionParser(std::string_view text, const LicenseList& list, bool open)
      : text_(text), list_(list), open_(open) {}

  absl::StatusOr<LicenseExpression> Run() {
    Advance();
    if (token_.text == "NONE" || token_.text == "NOASSERTION") {
      const bool none = token_.text == "NONE";
      Advance();
      if (token_.kind != Token::Kind::kEnd) {
        return Expected(token_.column, "the end, as NONE and NOASSERTION stand alone",
                        Describe(token_));
      }
      return none ? LicenseExpression::None() : LicenseExpression::NoAssertion();
    }
    out_.value_ = LicenseExpression::Value::kExpression;
    DML_RETURN_IF_ERROR(ParseOr(0));
    if (token_.kind != Token::Kind::kEnd) return ExpectedOperator("the end");
    if (out_.ToString().size() > kMaxLicenseExpressionBytes) {
      return InvalidArgument(kInvalid, "the canonical text has more than {} bytes",
                             kMaxLicenseExpressionBytes);
    }
    return std::move(out_);
  }

 private:
  void Advance() {
    while (position_ < text_.size() && IsSpace(text_[position_])) ++position_;
    const size_t begin = position_;
    token_ = {Token::Kind::kEnd, text_.substr(begin, 0), begin + 1};
    if (begin == text_.size()) return;
    if (text_[begin] == '(' || text_[begin] == ')') {
      token_.kind = text_[begin] == '(' ? Token::Kind::kOpen : Token::Kind::kClose;
      ++position_;
    } else {
      token_.kind = Token::Kind::kWord;
      while (position_ < text_.size() && !IsSpace(text_[position_]) && text_[position_] != '(' &&
             text_[position_] != ')') {
        ++position_;
      }
    }
    token_.text = text_.substr(begin, position_ - begin);
  }

  absl::Status ExpectedOperator(std::string_view or_else) const {
    const std::string lower = AsciiLower(token_.text);
    if (lower == "and" || lower == "or" || lower == "with") {
      if (IsOperator(token_.text)) {
        return Expected(token_.column,
                        "WITH to follow one license, not parentheses or an exception",
                        Describe(token_));
      }
      return Expected(token_.column, "an operator wholly in upper or wholly in lower case",
                      Describe(token_));
    }
    if (token_.text == "+") return Expected(token_.column, "'+' directly after an id", "it apart");
    return Expected(token_.column, fmt::format("AND, OR or {}", or_else), Describe(token_));
  }

  // Whether the token was this operator, which is then taken.
  absl::StatusOr<bool> TakeOperator(std::string_view upper, std::string_view lower) {
    if (token_.text != upper && token_.text != lower) return false;
    if (++operators_ > kMaxLicenseOperators) {
      return Expected(token_.column, fmt::format("at most {} operators", kMaxLicenseOperators),
                      "more");
    }
    Advance();
    return true;
  }

  // The operands that the last parsed operand adds to a chain of this kind: its own, if it is one.
  uint32_t Absorb(Kind kind) {
    const LicenseNode last = out_.nodes_.back();
    if (last.kind != kind) return 1;
    out_.nodes_.pop_back();
    return last.count;
  }

  absl::Status ParseOr(size_t depth) {
    uint32_t count = 0;
    for (bool more = true; more;) {
      DML_RETURN_IF_ERROR(ParseAnd(depth));
      count += Absorb(Kind::kOr);
      DML_ASSIGN_OR_RETURN(more, TakeOperator("OR", "or"));
    }
    if (count > 1) out_.nodes_.push_back({Kind::kOr, count});
    return absl::OkStatus();
  }

  absl::Status ParseAnd(size_t depth) {
    uint32_t count = 0;
    for (bool more = true; more;) {
      DML_RETURN_IF_ERROR(ParseOperand(depth));
      count += Absorb(Kind::kAnd);
      DML_ASSIGN_OR_RETURN(more, TakeOperator("AND", "and"));
    }
    if (count > 1) out_.nodes_.push_back({Kind::kAnd, count});
    return absl::OkStatus();
  }

  absl::Status ParseOperand(size_t depth) {
    if (token_.kind != Token::Kind::kOpen) return ParseLicense();
    if (depth == kMaxLicenseDepth) {
      return Expected(token_.column, fmt::format("parentheses at most {} deep", kMaxLicenseDepth),
                      "more");
    }
    Advance();
    DML_RETURN_IF_ERROR(ParseOr(depth + 1));
    if (token_.kind != Token::Kind::kClose) return ExpectedOperator("')'");
    Advance();
    return absl::OkStatus();
  }

  absl::Status ParseLicense() {
    if (token_.kind != Token::Kind::kWord || IsOperator(token_.text)) {
      return Expected(token_.column, "a license", Describe(token_));
    }
    LicenseLeaf leaf;
    DML_RETURN_IF_ERROR(ReadLicense(leaf));
    Advance();
    DML_ASSIGN_OR_RETURN(const bool with, TakeOperator("WITH", "with"));
    if (with) {
      if (token_.kind != Token::Kind::kWord || IsOperator(token_.text)) {
        return Expected(token_.column, "an exception", Describe(token_));
      }
      DML_RETURN_IF_ERROR(ReadAddition(leaf));
      Advance();
    }
    out_.nodes_.push_back({Kind::kLeaf, static_cast<uint32_t>(out_.leaves_.size())});
    out_.leaves_.push_back(std::move(leaf));
    return absl::OkStatus();
  }

  absl::Status ReadLicense(LicenseLeaf& leaf) const {
    std::string_view word = token_.text;
    if (word.starts_with(kLicenseRef) || word.starts_with(kDocumentRef)) {
      leaf.id = word;
      return CheckReference(token_, kLicenseRef);
    }
    if (word == "NONE" || word == "NOASSERTION") {
      return Expected(token_.column, "a license, as NONE and NOASSERTION stand alone", Quote(word));
    }
    if (word.starts_with(kAdditionRef) || list_.FindException(word) != nullptr) {
      return Expected(token_.column, "a license and WITH before an exception", Quote(word));
    }
    leaf.plus = word.size() > 1 && word.back() == '+';
    if (leaf.plus) word.remove_suffix(1);
    DML_RETURN_IF_ERROR(CheckIdString(word, token_.column));
    const ListedId* listed = list_.FindLicense(word);
    if (listed == nullptr && open_) {
      leaf.id = word;
      return CheckIdLength(word);
    }
    if (listed == nullptr) {
      return Expected(
          token_.column, "a license id",
          fmt::format("{}, which is not on the SPDX license list ({}); use LicenseRef-...",
                      Quote(word), list_.version()));
    }
    leaf.id = listed->id;
    leaf.listed = true;
    return absl::OkStatus();
  }

  absl::Status ReadAddition(LicenseLeaf& leaf) const {
    const std::string_view word = token_.text;
    if (word.starts_with(kAdditionRef) || word.starts_with(kDocumentRef)) {
      leaf.addition = word;
      return CheckReference(token_, kAdditionRef);
    }
    DML_RETURN_IF_ERROR(CheckIdString(word, token_.column));
    const ListedId* listed = list_.FindException(word);
    if (listed == nullptr && open_) {
      leaf.addition = word;
      return CheckIdLength(word);
    }
    if (listed == nullptr) {
      return Expected(
          token_.column, "an exception id",
          fmt::format("{}, which is not on the SPDX exception list ({}); use AdditionRef-...",
                      Quote(word), list_.version()));
    }
    leaf.addition = listed->id;
    leaf.addition_listed = true;
    return absl::OkStatus();
  }

  absl::Status CheckIdLength(std::string_view word) const {
    if (word.size() <= kMaxLicenseIdLength) return absl::OkStatus();
    return Expected(token_.column, fmt::format("an id of at most {} bytes", kMaxLicenseIdLength),
                    Quote(word));
  }

  const std::string_view text_;
  const LicenseList& list_;
  const bool open_;
  size_t position_ = 0;
  size_t operators_ = 0;
  Token token_;
  LicenseExpression out_;
};

namespace {

absl::Status CheckSize(std::string_view text) {
  if (text.size() <= kMaxLicenseExpressionBytes) return absl::OkStatus();
  return InvalidArgument(kInvalid, "column {}: expected at most {} bytes, found {}",
                         kMaxLicenseExpressionBytes + 1, kMaxLicenseExpressionBytes, text.size());
}

}  // namespace

absl::StatusOr<LicenseExpression> LicenseExpression::Parse(std::string_view text,
                                                           const LicenseList& list) {
  DML_RETURN_IF_ERROR(CheckSize(text));
  return LicenseExpressionParser(text, list, /*open=*/false).Run();
}

absl::StatusOr<LicenseExpression> LicenseExpression::ParseOpen(std::string_view text,
                                                               const LicenseList& list) {
  DML_RETURN_IF_ERROR(CheckSize(text));
  return LicenseExpressionParser(text, list, /*open=*/true).Run();
}

}  // namespace dml
