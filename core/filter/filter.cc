#include "core/filter/filter.h"

#include <algorithm>

namespace dml {

bool Filter::Matches(const FilterSubject& subject) const { return Holds(root_, subject); }

// No deeper than a few times kMaxFilterDepth.
bool Filter::Holds(const Node& node, const FilterSubject& subject) const {
  auto holds = [&](const Node& operand) { return Holds(operand, subject); };
  switch (node.kind) {
    case Node::Kind::kTerm:
      return terms_[node.term].Matches(subject);
    case Node::Kind::kNot:
      return !Holds(node.operands.front(), subject);
    case Node::Kind::kAnd:
      return std::all_of(node.operands.begin(), node.operands.end(), holds);
    case Node::Kind::kOr:
      return std::any_of(node.operands.begin(), node.operands.end(), holds);
  }
  return false;
}

std::optional<std::string> Filter::EqualityOf(std::string_view field) const {
  const std::string* text = ExactText(root_, field);
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

const std::string* Filter::ExactText(const Node& node, std::string_view field) const {
  if (node.kind == Node::Kind::kTerm) {
    const FilterTerm& term = terms_[node.term];
    return term.field() == field ? term.ExactText() : nullptr;
  }
  if (node.kind != Node::Kind::kAnd) return nullptr;
  for (const Node& operand : node.operands) {
    if (const std::string* text = ExactText(operand, field)) return text;
  }
  return nullptr;
}

}  // namespace dml
