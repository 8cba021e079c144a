#include "core/gate/content_rules.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/gate/policy.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

using std::chrono::days;

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view text) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return MatchesPattern(pattern, text); });
}

// Why the last scan is not enough; "" where it is.
std::string ScanFault(std::chrono::hours within, const ContentFacts& facts, Timestamp now) {
  if (!facts.scanned.has_value()) return "it was never scanned";
  if (!facts.is_clean) {
    return fmt::format("the scan of {} did not find it clean", FormatTime(*facts.scanned));
  }
  if (now - *facts.scanned <= within) return "";
  return fmt::format("it was scanned on {}, more than {} days ago", FormatTime(*facts.scanned),
                     std::chrono::floor<days>(within).count());
}

}  // namespace

void CheckContentRules(const ContentRules& rules, const ContentFacts& facts,
                       const VariantName& variant, Timestamp now, std::vector<Finding>& out) {
  const std::string subject = variant.ResourceName();
  const auto deny = [&](const char* rule, std::string message, std::string remedy) {
    out.push_back({rule, Severity::kError, subject, std::move(message), std::move(remedy)});
  };
  const std::string platform = variant.platform.VariantId();
  if (!rules.platforms.empty() && !MatchesAny(rules.platforms, platform)) {
    deny("content.platform", fmt::format("platform {} is not among those allowed", platform),
         "take a variant for another platform, or add it to content.platforms of the policy");
  }
  if (rules.scanned_within.has_value()) {
    if (std::string fault = ScanFault(*rules.scanned_within, facts, now); !fault.empty()) {
      deny("content.scan", std::move(fault), "have the library scan it: dml quarantine scan");
    }
  }
  const bool has_sbom = facts.evidence.contains(std::string(kSpdxPredicate)) ||
                        facts.evidence.contains(std::string(kCycloneDxPredicate));
  if (rules.demands_sbom && !has_sbom) {
    deny("content.sbom", "it has no attested bill of materials, SPDX or CycloneDX",
         "attest one: dml package attach");
  }
  const bool is_built = std::ranges::any_of(
      facts.builders, [&](const std::string& id) { return MatchesAny(rules.builders, id); });
  if (!rules.builders.empty() && !is_built) {
    deny("signature.builder",
         facts.builders.empty()
             ? std::string("no provenance says who built it")
             : fmt::format("it was built by {}", fmt::join(facts.builders, ", ")),
         fmt::format("take one that {} built, and attest its provenance",
                     fmt::join(rules.builders, " or ")));
  }
}

}  // namespace dml
