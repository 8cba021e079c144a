#include "core/license/evidence.h"

#include <algorithm>
#include <set>
#include <utility>

namespace dml {
namespace {

using Key = std::pair<LicenseVersion, std::string>;

bool IsStated(const LicenseExpression& expression) {
  return !expression.is_none() && !expression.is_no_assertion();
}

std::set<Key> KeysOf(const LicenseExpression& expression) {
  std::set<Key> keys;
  for (const LicenseLeaf& leaf : expression.leaves()) keys.emplace(leaf.version(), leaf.addition);
  return keys;
}

// Whether the licenses of `keys` together are a way to fulfil the expression.
bool IsCovered(const LicenseExpression& expression, const std::set<Key>& keys) {
  std::vector<bool> stack;
  for (const LicenseNode& node : expression.nodes()) {
    if (node.kind == LicenseNode::Kind::kLeaf) {
      const LicenseLeaf& leaf = expression.leaves()[node.count];
      stack.push_back(keys.contains({leaf.version(), leaf.addition}));
      continue;
    }
    const auto first = stack.end() - node.count;
    const bool all = std::find(first, stack.end(), false) == stack.end();
    const bool any = std::find(first, stack.end(), true) != stack.end();
    stack.erase(first, stack.end());
    stack.push_back(node.kind == LicenseNode::Kind::kAnd ? all : any);
  }
  return stack.back();
}

// The licenses of `expression` that `keys` does not have, for people.
std::string Missing(const LicenseExpression& expression, const std::set<Key>& keys) {
  std::string text;
  std::set<Key> told;
  for (const LicenseLeaf& leaf : expression.leaves()) {
    Key key(leaf.version(), leaf.addition);
    if (keys.contains(key) || !told.insert(std::move(key)).second) continue;
    text += (text.empty() ? "" : ", ") + leaf.ToString();
  }
  return text;
}

}  // namespace

std::optional<ObservedLicense> ObservedOf(const Sbom& sbom, std::string_view purl,
                                          std::string source) {
  const SbomComponent* found = nullptr;
  for (const SbomComponent& component : sbom.components) {
    if (component.purl != purl || purl.empty()) continue;
    if (found != nullptr && found->license != component.license) return std::nullopt;
    found = &component;
  }
  if (found == nullptr) return std::nullopt;
  return ObservedLicense{std::move(source), found->license, found->ambiguous};
}

absl::StatusOr<LicenseExpression> EffectiveLicense(const LicenseEvidence& evidence,
                                                   const LicenseList& list) {
  if (evidence.concluded.has_value()) return evidence.concluded->expression;
  const std::set<Key> declared = KeysOf(evidence.declared);
  std::vector<LicenseExpression> parts = {evidence.declared};
  for (const ObservedLicense& observed : evidence.observed) {
    if (observed.expression.is_no_assertion()) continue;
    if (!IsStated(observed.expression) || !IsCovered(observed.expression, declared)) {
      parts.push_back(observed.expression);
    }
  }
  return JoinLicenses(parts, list);
}

std::vector<Finding> EvidenceFindings(const LicenseEvidence& evidence, std::string_view subject) {
  std::vector<Finding> findings;
  auto add = [&](const char* rule, Severity severity, std::string message, const char* remedy) {
    findings.push_back({rule, severity, std::string(subject), std::move(message), remedy});
  };
  const std::set<Key> declared = KeysOf(evidence.declared);
  std::set<Key> seen;
  for (const ObservedLicense& observed : evidence.observed) {
    if (observed.ambiguous) {
      add("license.ambiguous-list", Severity::kInfo,
          fmt::format("{} lists licenses without saying how they combine; read as {}",
                      observed.source, observed.expression.ToString()),
          "have the SBOM state one license expression");
    }
    if (observed.expression.is_no_assertion()) continue;
    seen.merge(KeysOf(observed.expression));
    if (IsStated(observed.expression) && IsCovered(observed.expression, declared)) continue;
    const std::string missing = Missing(observed.expression, declared);
    add("license.observed-undeclared",
        evidence.concluded.has_value() ? Severity::kInfo : Severity::kWarning,
        fmt::format("{} observed {}; declared is {}", observed.source,
                    missing.empty() ? observed.expression.ToString() : missing,
                    evidence.declared.ToString()),
        "look into it, and conclude a license");
  }
  const std::string unseen = Missing(evidence.declared, seen);
  if (!seen.empty() && !unseen.empty()) {
    add("license.declared-not-observed", Severity::kInfo,
        fmt::format("declared {} was not observed", unseen), "");
  }
  return findings;
}

}  // namespace dml
