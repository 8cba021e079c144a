#include "core/license/license_terms.h"

#include <utility>
#include <vector>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

Digest LeafDigest(const LicenseKey& key) {
  std::string bytes = "L" + key.first.base;
  bytes += '\0';
  bytes += key.first.or_later ? '+' : '-';
  bytes += key.second;
  return Sha256(bytes);
}

Digest NodeDigest(LicenseNode::Kind kind, const std::set<Digest>& operands) {
  if (operands.size() == 1) return *operands.begin();
  std::string bytes = kind == LicenseNode::Kind::kAnd ? "A" : "O";
  for (const Digest& operand : operands) bytes += operand.raw();
  return Sha256(bytes);
}

LicenseKey KeyOf(const LicenseLeaf& leaf) { return {leaf.version(), leaf.addition}; }

// Digests of all nodes, in the order of nodes(): the last one is the whole.
std::vector<Digest> NodeDigests(const LicenseExpression& expression) {
  std::vector<Digest> stack;
  std::vector<Digest> out;
  for (const LicenseNode& node : expression.nodes()) {
    if (node.kind == LicenseNode::Kind::kLeaf) {
      stack.push_back(LeafDigest(KeyOf(expression.leaves()[node.count])));
    } else {
      const auto first = stack.end() - node.count;
      const Digest digest = NodeDigest(node.kind, std::set<Digest>(first, stack.end()));
      stack.erase(first, stack.end());
      stack.push_back(digest);
    }
    out.push_back(stack.back());
  }
  if (out.empty()) out.push_back(LeafDigest({{expression.ToString(), false}, ""}));
  return out;
}

}  // namespace

LicenseTerms TermsOf(const LicenseExpression& expression) {
  LicenseTerms out;
  for (const Digest& part : NodeDigests(expression)) out.parts.insert(part);
  if (expression.leaves().empty()) {
    const std::string value = expression.ToString();
    out.names.insert(value);
    out.licenses.insert({{value, false}, ""});
  }
  for (const LicenseLeaf& leaf : expression.leaves()) {
    out.names.insert(leaf.id);
    if (leaf.plus) out.names.insert(leaf.id + "+");
    if (!leaf.addition.empty()) out.names.insert(leaf.addition);
    out.licenses.insert(KeyOf(leaf));
  }
  return out;
}

Digest LicensePartDigest(const LicenseExpression& expression) {
  return NodeDigests(expression).back();
}

}  // namespace dml
