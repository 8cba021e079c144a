#include "core/license/evidence.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr char kConclude[] = "look into it, and conclude a license: dml license conclude";
constexpr size_t kMaxShownLicense = 256;
constexpr size_t kMaxShownFault = 512;

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
  std::vector<const SbomComponent*> found;
  for (const SbomComponent& component : sbom.components) {
    if (!purl.empty() && component.purl == purl) found.push_back(&component);
  }
  if (found.empty()) {
    for (const uint32_t index : sbom.subjects) found.push_back(&sbom.components[index]);
  }
  if (found.empty()) return std::nullopt;
  const SbomComponent& first = *found.front();
  for (const SbomComponent* component : found) {
    if (component->license != first.license || component->unread != first.unread) {
      return std::nullopt;
    }
  }
  return ObservedLicense{std::move(source), first.license, first.ambiguous, first.unread};
}

absl::StatusOr<LicenseExpression> EffectiveLicense(const LicenseEvidence& evidence,
                                                   const LicenseList& list) {
  if (evidence.concluded.has_value()) return evidence.concluded->expression;
  const std::set<Key> declared = KeysOf(evidence.declared);
  std::vector<LicenseExpression> parts = {evidence.declared};
  for (const ObservedLicense& observed : evidence.observed) {
    if (!observed.read()) return LicenseExpression::NoAssertion();
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
  const Severity doubt = evidence.concluded.has_value() ? Severity::kInfo : Severity::kWarning;
  for (const ObservedLicense& observed : evidence.observed) {
    if (!observed.read()) {
      add("license.observation-unread", doubt,
          fmt::format("{}: {}", observed.source,
                      observed.fault.empty()
                          ? fmt::format("'{}' is no license expression",
                                        Excerpt(observed.unread.front(), kMaxShownLicense))
                          : Excerpt(observed.fault, kMaxShownFault)),
          kConclude);
      continue;
    }
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
    add("license.observed-undeclared", doubt,
        fmt::format("{} observed {}; declared is {}", observed.source,
                    missing.empty() ? observed.expression.ToString() : missing,
                    evidence.declared.ToString()),
        kConclude);
  }
  if (evidence.concluded.has_value()) {
    add("license.concluded", Severity::kInfo,
        fmt::format("{} concluded {}: {}", evidence.concluded->author,
                    evidence.concluded->expression.ToString(),
                    Excerpt(evidence.concluded->reason, kMaxShownFault)),
        "");
  }
  const std::string unseen = Missing(evidence.declared, seen);
  if (!seen.empty() && !unseen.empty()) {
    add("license.declared-not-observed", Severity::kInfo,
        fmt::format("declared {} was not observed", unseen), "");
  }
  return findings;
}

}  // namespace dml
