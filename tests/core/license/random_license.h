// Random license trees, written without the product's tree, for properties and oracles.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace dml::testing {

/// A tree that may nest AND in AND and OR in OR, as texts may.
struct LicenseTree {
  enum class Kind { kLeaf, kAnd, kOr };
  Kind kind = Kind::kLeaf;
  std::string leaf;  // Canonical text.
  std::vector<LicenseTree> operands;
};

inline size_t Pick(std::mt19937_64& random, size_t count) { return random() % count; }

/// At most `depth` levels of two to four operands, with leaves out of `leaves`.
inline LicenseTree RandomLicenseTree(std::mt19937_64& random, size_t depth,
                                     const std::vector<std::string>& leaves) {
  LicenseTree tree;
  if (depth == 0 || Pick(random, 4) == 0) {
    tree.leaf = leaves[Pick(random, leaves.size())];
    return tree;
  }
  tree.kind = Pick(random, 2) == 0 ? LicenseTree::Kind::kAnd : LicenseTree::Kind::kOr;
  const size_t count = 2 + Pick(random, 3);
  for (size_t i = 0; i < count; ++i) {
    tree.operands.push_back(RandomLicenseTree(random, depth - 1, leaves));
  }
  return tree;
}

/// A text of the tree with every operand in parentheses, so that no precedence matters.
inline std::string FullyParenthesized(const LicenseTree& tree) {
  if (tree.kind == LicenseTree::Kind::kLeaf) return tree.leaf;
  std::string text;
  for (const LicenseTree& operand : tree.operands) {
    if (!text.empty()) text += tree.kind == LicenseTree::Kind::kAnd ? "AND" : "OR";
    text += "(" + FullyParenthesized(operand) + ")";
  }
  return text;
}

/// A text of the tree with only the parentheses that precedence needs, some needless ones, random
/// white space and random case of the operators.
inline std::string RandomText(const LicenseTree& tree, std::mt19937_64& random) {
  static constexpr std::string_view kSpaces[] = {" ", "  ", "\t", "\n ", " \r\n"};
  if (tree.kind == LicenseTree::Kind::kLeaf) return tree.leaf;
  std::string text;
  const bool is_and = tree.kind == LicenseTree::Kind::kAnd;
  for (const LicenseTree& operand : tree.operands) {
    if (!text.empty()) {
      text += kSpaces[Pick(random, 5)];
      text += Pick(random, 2) == 0 ? (is_and ? "AND" : "OR") : (is_and ? "and" : "or");
      text += kSpaces[Pick(random, 5)];
    }
    const bool needed = is_and && operand.kind == LicenseTree::Kind::kOr;
    // Parentheses around a license with an exception are allowed as well.
    const bool parentheses = needed || Pick(random, 4) == 0;
    const std::string inner = RandomText(operand, random);
    text += parentheses ? "( " + inner + ")" : inner;
  }
  return text;
}

}  // namespace dml::testing
