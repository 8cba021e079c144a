// Filter::Parse: a recursive descent, one level of recursion for each open parenthesis.
#include <algorithm>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/text.h"
#include "core/filter/filter.h"
#include "core/package/names.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("FILTER_INVALID");
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kNoField = " \t\r\n()\"'\\,=<>!:";
constexpr std::string_view kNoValue = " \t\r\n()\"'\\,=<>";

bool IsKeyword(std::string_view word) { return word == "AND" || word == "OR" || word == "NOT"; }

}  // namespace

class FilterParser {
 public:
  FilterParser(std::string_view text, const FilterSchema& schema) : text_(text), schema_(schema) {}

  absl::StatusOr<Filter> Run() {
    TakeBlanks();
    if (AtEnd()) return std::move(filter_);
    DML_ASSIGN_OR_RETURN(filter_.root_, Expression(0));
    if (!AtEnd()) return Expected(position_, "AND, OR or the end");
    return std::move(filter_);
  }

 private:
  using Node = Filter::Node;

  bool AtEnd() const { return position_ >= text_.size(); }
  bool At(char c) const { return !AtEnd() && text_[position_] == c; }
  bool AtBlank() const { return !AtEnd() && kBlanks.find(text_[position_]) != kBlanks.npos; }
  bool TakeBlanks() {
    size_t from = position_;
    while (AtBlank()) ++position_;
    return position_ > from;
  }
  // The bytes from here on up to one of `ends`.
  std::string_view Run(std::string_view ends) const {
    return text_.substr(position_).substr(0, text_.substr(position_).find_first_of(ends));
  }
  bool AtWord(std::string_view word) const { return Run(kNoField) == word; }

  absl::Status Expected(size_t position, std::string_view what) const {
    std::string_view rest = text_.substr(position);
    if (rest.empty()) return FilterError(position + 1, what, "the end");
    size_t end = std::min(rest.find_first_of(kNoField), rest.size());
    return FilterError(position + 1, what,
                       "'" + Excerpt(rest.substr(0, std::max<size_t>(end, 1))) + "'");
  }

  // The word here, known to be one of AND, OR and NOT, and the blank that must follow it.
  absl::Status TakeKeyword() {
    position_ += Run(kNoField).size();
    if (!TakeBlanks()) return Expected(position_, "a blank");
    return absl::OkStatus();
  }

  static Node Group(Node::Kind kind, std::vector<Node> operands) {
    if (operands.size() == 1) return std::move(operands.front());
    return {kind, 0, std::move(operands)};
  }

  absl::StatusOr<Node> Expression(size_t depth) {
    std::vector<Node> factors;
    while (true) {
      DML_ASSIGN_OR_RETURN(Node factor, Factor(depth));
      factors.push_back(std::move(factor));
      if (AtEnd() || At(')')) return Group(Node::Kind::kAnd, std::move(factors));
      if (!blank_before_) return Expected(position_, "a blank, AND, OR or the end");
      if (AtWord("AND")) DML_RETURN_IF_ERROR(TakeKeyword());
    }
  }

  absl::StatusOr<Node> Factor(size_t depth) {
    std::vector<Node> terms;
    while (true) {
      DML_ASSIGN_OR_RETURN(Node term, Term(depth));
      terms.push_back(std::move(term));
      blank_before_ = TakeBlanks();
      if (!blank_before_ || !AtWord("OR")) return Group(Node::Kind::kOr, std::move(terms));
      DML_RETURN_IF_ERROR(TakeKeyword());
    }
  }

  absl::StatusOr<Node> Term(size_t depth) {
    bool negated = true;
    if (At('-')) {
      ++position_;
    } else if (AtWord("NOT")) {
      DML_RETURN_IF_ERROR(TakeKeyword());
    } else {
      negated = false;
    }
    DML_ASSIGN_OR_RETURN(Node simple, At('(') ? Composite(depth + 1) : Restriction());
    if (!negated) return simple;
    std::vector<Node> operands;
    operands.push_back(std::move(simple));
    return Node{Node::Kind::kNot, 0, std::move(operands)};
  }

  absl::StatusOr<Node> Composite(size_t depth) {
    if (depth > kMaxFilterDepth) {
      return FilterError(position_ + 1,
                         fmt::format("at most {} parentheses within each other", kMaxFilterDepth),
                         "one more");
    }
    ++position_;
    TakeBlanks();
    DML_ASSIGN_OR_RETURN(Node inner, Expression(depth));
    if (!At(')')) return Expected(position_, "AND, OR or ')'");
    ++position_;
    return inner;
  }

  absl::StatusOr<Node> Restriction() {
    const size_t start = position_;
    const std::string_view name = Run(kNoField);
    if (name.empty() || name[0] == '-' || IsKeyword(name)) {
      return Expected(start, "a field, NOT, '-' or '('");
    }
    if (filter_.terms_.size() == kMaxFilterTerms) {
      return FilterError(start + 1, fmt::format("at most {} restrictions", kMaxFilterTerms),
                         "one more");
    }
    DML_ASSIGN_OR_RETURN(const FilterField* field, FindField(name));
    std::string_view label;
    if (name.size() > field->name.size()) {
      label = name.substr(field->name.size() + 1);
      size_t column = start + field->name.size() + 2;
      if (!ValidateLabel(label, "").ok()) {
        return FilterError(column, "the key of a label", "'" + Excerpt(label) + "'");
      }
    }
    position_ += name.size();
    TakeBlanks();
    const size_t op_column = position_ + 1;
    DML_ASSIGN_OR_RETURN(const FilterOp op, Operator());
    TakeBlanks();
    DML_ASSIGN_OR_RETURN(FilterLiteral literal, At('"') ? Quoted() : Bare());
    DML_ASSIGN_OR_RETURN(FilterTerm term,
                         FilterTerm::Make(*field, label, op, op_column, std::move(literal)));
    filter_.terms_.push_back(std::move(term));
    return Node{Node::Kind::kTerm, filter_.terms_.size() - 1, {}};
  }

  // Only a kLabels field has a part after a dot.
  absl::StatusOr<const FilterField*> FindField(std::string_view name) const {
    const std::string_view map = name.substr(0, name.find('.'));
    std::vector<std::string_view> known;
    std::string list;
    for (const FilterField& field : schema_) {
      bool labels = field.type == FilterType::kLabels;
      if (field.name == (labels ? map : name)) return &field;
      known.push_back(field.name);
      list += (list.empty() ? "" : ", ") + std::string(field.name) + (labels ? ".KEY" : "");
    }
    const std::string_view near = ClosestMatch(name, known);
    std::string found = "'" + Excerpt(name) + "'";
    if (!near.empty()) found += fmt::format("; did you mean '{}'?", near);
    return FilterError(position_ + 1, "one of the fields " + list, found);
  }

  absl::StatusOr<FilterOp> Operator() {
    constexpr std::pair<std::string_view, FilterOp> kOps[] = {
        {"!=", FilterOp::kNotEqual}, {"<=", FilterOp::kLessEqual}, {">=", FilterOp::kGreaterEqual},
        {"=", FilterOp::kEqual},     {"<", FilterOp::kLess},       {">", FilterOp::kGreater},
        {":", FilterOp::kHas}};
    for (const auto& [text, op] : kOps) {
      if (!text_.substr(position_).starts_with(text)) continue;
      position_ += text.size();
      return op;
    }
    return Expected(position_, "=, !=, <, <=, >, >= or :");
  }

  absl::StatusOr<FilterLiteral> Bare() {
    FilterLiteral literal{Run(kNoValue), position_ + 1, "", {}};
    if (At('\'')) return Expected(position_, "a value, in double quotes if in any");
    if (literal.raw.empty()) return Expected(position_, "a value");
    if (IsKeyword(literal.raw))
      return Expected(position_, "a value (in quotes if it is this word)");
    literal.text = literal.raw;
    for (size_t i = 0; i < literal.text.size(); ++i) {
      if (literal.text[i] == '*') literal.stars.push_back(i);
    }
    position_ += literal.raw.size();
    return literal;
  }

  absl::StatusOr<FilterLiteral> Quoted() {
    FilterLiteral literal{"", position_ + 1, "", {}};
    const size_t start = position_++;
    while (!At('"')) {
      if (At('*')) literal.stars.push_back(literal.text.size());
      if (At('\\')) {
        ++position_;
        if (!At('"') && !At('\\') && !At('*')) return Expected(position_, "\", \\ or * after \\");
      }
      if (AtEnd()) return Expected(position_, "the closing '\"'");
      literal.text += text_[position_++];
    }
    ++position_;
    literal.raw = text_.substr(start, position_ - start);
    return literal;
  }

  const std::string_view text_;
  const FilterSchema& schema_;
  size_t position_ = 0;
  bool blank_before_ = false;  // Whether blanks were taken just before position_.
  Filter filter_;
};

absl::StatusOr<Filter> Filter::Parse(std::string_view text, const FilterSchema& schema) {
  if (text.size() > kMaxFilterBytes) {
    return InvalidArgument(kInvalid, "the filter has {} bytes; at most {} are allowed", text.size(),
                           kMaxFilterBytes);
  }
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return InvalidArgument(kInvalid, "the filter is {}", fault);
  }
  if (HasControlCharacters(text, /*allow_lines=*/true)) {
    return InvalidArgument(kInvalid, "the filter holds control characters");
  }
  return FilterParser(text, schema).Run();
}

}  // namespace dml
