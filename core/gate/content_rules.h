// The part of a policy that is about what a variant is made for and what is known of it: platforms,
// scans, bills of materials, and where it was built. Values and pure functions; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/base/time.h"
#include "core/package/names.h"

namespace dml {

inline constexpr uint64_t kMaxScanDays = 3660;
inline constexpr size_t kMaxBuilderBytes = 512;

struct ContentRules {
  std::vector<std::string> platforms;  // Patterns of variants' ids, "linux-*", "any"; empty: all.
  std::optional<std::chrono::hours> scanned_within;  // Of a scan without a finding.
  bool demands_sbom = false;                         // Attested: SPDX or CycloneDX.
  std::vector<std::string>
      builders;  // Patterns of builders' ids, of which one built it; empty: all.
  bool operator==(const ContentRules&) const = default;
};

/// What is known of a variant. Attestations count as long as a key that signed them is not revoked.
struct ContentFacts {
  std::optional<Timestamp> scanned;  // When it was scanned last.
  bool is_clean = false;             // What that scan said.
  std::set<std::string> evidence;    // Predicate types of its attestations.
  std::set<std::string> builders;    // Ids that its provenance names (SLSA v1).
};

/// Errors, the variant as subject:
///   content.platform   no pattern allows it
///   content.scan       it was not scanned, too long ago, or not found to be clean
///   content.sbom       it has no bill of materials
///   signature.builder  no provenance says that one of the builders made it
void CheckContentRules(const ContentRules& rules, const ContentFacts& facts,
                       const VariantName& variant, Timestamp now, std::vector<Finding>& out);

}  // namespace dml
