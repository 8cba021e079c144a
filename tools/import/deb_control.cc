#include "tools/import/deb_control.h"

#include <algorithm>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/text.h"
#include "core/package/names.h"
#include "core/package/package_spec.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("DEB_INVALID");
constexpr ErrorReason kRelationInvalid("DEB_RELATION_INVALID");
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trim(std::string_view text) {
  size_t from = text.find_first_not_of(kBlanks);
  if (from == text.npos) return "";
  return text.substr(from, text.find_last_not_of(kBlanks) + 1 - from);
}

std::string FieldName(std::string_view written) {
  std::string name(written);
  bool first = true;
  for (char& c : name) {
    if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!first && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    first = c == '-';
  }
  return name;
}

// Policy 5.1: visible ASCII but ':', not starting with '#' or '-'.
bool IsFieldName(std::string_view name) {
  if (name.empty() || name[0] == '#' || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

absl::Status BadLine(size_t line, std::string_view what) {
  return InvalidArgument(kInvalid, "control file, line {}: {}", line, what);
}

// Takes one line, which continues the last field or starts another.
absl::Status AddLine(std::string_view line, size_t number, DebControl& control) {
  std::vector<DebField>& fields = control.fields;
  if (line[0] == ' ' || line[0] == '\t') {
    if (fields.empty()) return BadLine(number, "continues no field");
    fields.back().value += "\n";
    fields.back().value += line.substr(1);
    return absl::OkStatus();
  }
  size_t colon = line.find(':');
  std::string_view name = line.substr(0, colon);
  if (colon == line.npos || !IsFieldName(name)) {
    return BadLine(number, fmt::format("'{}' is not 'Name: value'", Excerpt(line)));
  }
  DebField field{FieldName(name), std::string(line.substr(colon + 1))};
  for (const DebField& other : fields) {
    if (other.name == field.name) {
      return BadLine(number, fmt::format("a second field {}", Excerpt(name)));
    }
  }
  if (fields.size() == kMaxDebControlFields) {
    return BadLine(number, fmt::format("more than {} fields", kMaxDebControlFields));
  }
  fields.push_back(std::move(field));
  return absl::OkStatus();
}

// Reads the relations of one field, known to be on one line.
class RelationReader {
 public:
  RelationReader(std::string_view field, std::string_view text) : field_(field), text_(text) {}

  absl::StatusOr<std::vector<DebClause>> Read() {
    std::vector<DebClause> clauses;
    while (position_ < text_.size()) {
      if (clauses.size() == kMaxSpecRelations) {
        return Bad(fmt::format("more than {} relations", kMaxSpecRelations));
      }
      const size_t start = position_;
      DebClause& clause = clauses.emplace_back();
      do {
        if (clause.alternatives.size() == kMaxSpecAlternatives) {
          return Bad(fmt::format("more than {} alternatives", kMaxSpecAlternatives));
        }
        DML_ASSIGN_OR_RETURN(DebRelation relation, Relation());
        clause.alternatives.push_back(std::move(relation));
      } while (Take('|'));
      clause.text = Trim(text_.substr(start, position_ - start));
      if (position_ < text_.size() && !Take(',')) return Bad("a comma is missing");
      TakeBlanks();
    }
    return clauses;
  }

 private:
  absl::Status Bad(std::string_view what) const {
    std::string rest = Excerpt(text_.substr(position_));
    return AtField(InvalidArgument(kRelationInvalid, "control field {}, byte {}, at '{}': {}",
                                   field_, position_ + 1, rest, what),
                   field_);
  }

  void TakeBlanks() {
    while (position_ < text_.size() && text_[position_] == ' ') ++position_;
  }
  bool Take(char c) {
    TakeBlanks();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  // What stands before one of `ends`, or before the end.
  std::string_view TakeUntil(std::string_view ends) {
    std::string_view rest = text_.substr(position_);
    std::string_view taken = rest.substr(0, rest.find_first_of(ends));
    position_ += taken.size();
    return taken;
  }

  absl::StatusOr<DebRelation> Relation() {
    TakeBlanks();
    DebRelation relation;
    const size_t start = position_;
    relation.name = TakeUntil(" :,|()[]<>");
    absl::Status valid = ValidatePackagePart(relation.name);
    if (!valid.ok()) {
      position_ = start;
      return Bad(Message(valid));
    }
    if (position_ < text_.size() && text_[position_] == ':') {
      ++position_;
      relation.qualifier = TakeUntil(" ,|()[]<>");
      if (relation.qualifier.empty()) return Bad("an architecture must follow ':'");
    }
    if (Take('(')) DML_RETURN_IF_ERROR(Constraint(relation));
    if (Take('[')) {
      relation.architectures = Trim(TakeUntil("]"));
      if (relation.architectures.empty() || !Take(']')) return Bad("no '[architecture ...]'");
    }
    return relation;
  }

  absl::Status Constraint(DebRelation& relation) {
    TakeBlanks();
    const size_t start = position_;
    std::string_view op = text_.substr(position_);
    op = op.substr(0, op.find_first_not_of("<>="));
    position_ += op.size();
    TakeBlanks();
    std::string_view version = TakeUntil(" )");
    constexpr std::pair<std::string_view, VersionOp> kOps[] = {
        {"<<", VersionOp::kLess},        {"<=", VersionOp::kLessEqual},
        {"=", VersionOp::kEqual},        {">=", VersionOp::kGreaterEqual},
        {">>", VersionOp::kGreater},     {"<", VersionOp::kLessEqual},
        {">", VersionOp::kGreaterEqual},
    };
    auto known = std::find_if(std::begin(kOps), std::end(kOps),
                              [op](const auto& entry) { return entry.first == op; });
    if (known == std::end(kOps)) {
      position_ = start;
      return Bad("one of <<, <=, =, >= and >> must follow '('");
    }
    relation.obsolete_operator = op == "<" || op == ">";
    absl::StatusOr<Version> parsed = Version::Parse(VersionScheme::kDeb, version);
    if (!parsed.ok()) {
      position_ = start;
      return Bad(Message(parsed.status()));
    }
    if (!Take(')')) return Bad("')' is missing");
    relation.constraint = VersionComparator{known->second, *std::move(parsed)};
    return absl::OkStatus();
  }

  const std::string_view field_;
  const std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

std::string_view DebControl::Get(std::string_view name) const {
  for (const DebField& field : fields) {
    if (field.name == name) return field.value;
  }
  return "";
}

absl::StatusOr<DebControl> ParseDebControl(std::string_view text) {
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return InvalidArgument(kInvalid, "control file: {}", fault);
  }
  if (HasControlCharacters(text, /*allow_lines=*/true)) {
    return InvalidArgument(kInvalid, "control file: it has control characters");
  }
  DebControl control;
  bool ended = false;
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (Trim(line).empty()) {
      ended = !control.fields.empty();
      continue;
    }
    if (ended) return BadLine(number, "a second paragraph; a binary package has one");
    DML_RETURN_IF_ERROR(AddLine(line, number, control));
  }
  for (DebField& field : control.fields) field.value = Trim(field.value);
  return control;
}

std::string FoldDebValue(std::string_view value) {
  std::string folded;
  for (char c : Trim(value)) {
    bool blank = kBlanks.find(c) != kBlanks.npos;
    if (!blank) {
      folded += c;
    } else if (!folded.ends_with(' ')) {
      folded += ' ';
    }
  }
  return folded;
}

absl::StatusOr<std::vector<DebClause>> ParseDebRelations(std::string_view field,
                                                         std::string_view value) {
  const std::string text = FoldDebValue(value);
  return RelationReader(field, text).Read();
}

}  // namespace dml
