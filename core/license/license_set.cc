#include "core/license/license_set.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace dml {
namespace {

constexpr ErrorReason kInvalid("LICENSE_SET_INVALID");

// Answers for pairs of texts, as few licenses occur often.
class PairMemory {
 public:
  PairMemory(const CompatibilityMatrix& matrix, const LicenseList& list)
      : matrix_(matrix), list_(list) {}

  const LicenseComparison& Compare(const LicenseExpression& outbound, std::string outbound_text,
                                   const LicenseExpression& inbound, std::string inbound_text,
                                   const LicenseContext& context) {
    auto [it, is_new] =
        known_.try_emplace(std::tuple(std::move(outbound_text), std::move(inbound_text), context));
    if (is_new) it->second = CompareLicenses(outbound, inbound, context, matrix_, list_);
    return it->second;
  }

 private:
  const CompatibilityMatrix& matrix_;
  const LicenseList& list_;
  std::map<std::tuple<std::string, std::string, LicenseContext>, LicenseComparison> known_;
};

}  // namespace

absl::StatusOr<SetCompatibility> CheckLicenseSet(std::span<const LicensedComponent> components,
                                                 std::span<const LicensedEdge> edges,
                                                 const std::optional<SetOutbound>& outbound,
                                                 const CompatibilityMatrix& matrix,
                                                 const LicenseList& list) {
  if (components.size() > kMaxSetComponents || edges.size() > kMaxSetEdges) {
    return InvalidArgument(kInvalid, "{} components and {} edges; at most {} and {}",
                           components.size(), edges.size(), kMaxSetComponents, kMaxSetEdges);
  }
  std::vector<std::string> texts;
  for (const LicensedComponent& component : components) {
    texts.push_back(component.license.ToString());
  }
  SetCompatibility out;
  out.matrix_version = matrix.version();
  out.list_version = list.version();
  PairMemory memory(matrix, list);
  auto judge = [&](const std::string& name, const LicenseExpression& license,
                   const std::string& text, uint32_t to, const LicenseContext& context) {
    const LicenseComparison& verdict =
        memory.Compare(license, text, components[to].license, texts[to], context);
    out.pairs += 1;
    out.outcome = std::max(out.outcome, verdict.outcome);
    if (verdict.outcome == LicenseOutcome::kAllow) return;
    out.conflicts.push_back({name, components[to].name, verdict});
  };
  for (const LicensedEdge& edge : edges) {
    if (edge.from >= components.size() || edge.to >= components.size()) {
      return InvalidArgument(kInvalid, "an edge from {} to {}; there are {} components", edge.from,
                             edge.to, components.size());
    }
    judge(components[edge.from].name, components[edge.from].license, texts[edge.from], edge.to,
          edge.context);
  }
  if (outbound.has_value()) {
    const std::string text = outbound->license.ToString();
    for (uint32_t i = 0; i < components.size(); ++i) {
      judge("", outbound->license, text, i, outbound->context);
    }
  }
  return out;
}

std::vector<Finding> SetCompatibility::Findings() const {
  std::vector<Finding> findings;
  for (const LicenseConflict& conflict : conflicts) {
    const LicenseComparison& verdict = conflict.verdict;
    const bool denied = verdict.outcome == LicenseOutcome::kDeny;
    findings.push_back(
        {.rule = denied ? "license.incompatible" : "license.compatibility-unknown",
         .severity = denied ? Severity::kError : Severity::kWarning,
         .subject = conflict.inbound,
         .message =
             fmt::format("{} in {} under {} ({}): {}", verdict.inbound,
                         conflict.outbound.empty() ? std::string("the whole") : conflict.outbound,
                         verdict.outbound, verdict.context.ToString(), verdict.explanation),
         .remedy = denied ? "replace one of them, or combine them otherwise"
                          : "have somebody look into it, and record a waiver"});
  }
  return findings;
}

std::vector<SetObligation> CollectObligations(std::span<const LicensedComponent> components,
                                              const LicenseContext& context,
                                              const LicenseProperties& properties) {
  struct Sources {
    std::set<std::string> licenses;
    std::vector<std::string> components;
  };
  std::map<std::string, Sources> found;
  auto add = [&found](const std::string& word, std::string license, const std::string& component) {
    Sources& sources = found[word];
    sources.licenses.insert(std::move(license));
    const bool is_new = sources.components.empty() || sources.components.back() != component;
    if (is_new) sources.components.push_back(component);
  };
  for (const LicensedComponent& component : components) {
    if (component.license.leaves().empty()) {
      add("unknown", component.license.ToString(), component.name);
    }
    for (const LicenseLeaf& leaf : component.license.leaves()) {
      for (const std::string& word : ObligationsOf(properties.Find(leaf), context)) {
        add(word, leaf.ToString(), component.name);
      }
    }
  }
  std::vector<SetObligation> out;
  for (const LicenseObligation& obligation : AllLicenseObligations()) {
    auto it = found.find(std::string(obligation.word));
    if (it == found.end()) continue;
    out.push_back({std::string(obligation.word),
                   std::string(obligation.text),
                   {it->second.licenses.begin(), it->second.licenses.end()},
                   std::move(it->second.components)});
  }
  return out;
}

}  // namespace dml
