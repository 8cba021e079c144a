// A violation: one reason why a set of packages is not compatible, with the fact that changes it.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.h"
#include "core/package/package_spec.h"

namespace dml {

/// What is wrong. Anything but "compatible" is a violation: kNotProven is the third value, for what
/// cannot be decided either way.
enum class ViolationKind {
  kMissing,           // Nothing in the set provides it.
  kWrongVersion,      // It is provided, in no version that will do.
  kPlatformMismatch,  // It is provided in a version that will do, for another platform.
  kConflict,
  kBreaks,
  kTwoVersions,  // Two versions of one package, which a node cannot hold at once.
  kSkew,         // A running peer is too old or too new.
  kUpgradePath,  // The versions may not follow each other, or not yet.
  kDenied,       // An advisory says that it may not be used.
  kNotProven,    // The version is of another scheme than the range, or the set is too large.
};

/// "MISSING", "WRONG_VERSION", ...
std::string_view ViolationKindName(ViolationKind kind);

/// The list of the package spec that a violation comes from; kIdentity is the package itself.
enum class RelationList { kIdentity, kRequires, kConflicts, kBreaks, kCoexists, kUpgrade };

/// A package in the set, and the version of the name in question that it offers there.
struct Candidate {
  std::string package;  // Resource name of the variant.
  std::string version;  // Empty where it offers the name without a version.
  auto operator<=>(const Candidate&) const = default;
};

/// Most candidates listed in one violation.
inline constexpr size_t kMaxCandidates = 8;

/// One reason, equal for equal sets. The order of the members is the order of reports: by package,
/// then as the relations stand in its spec.
struct Violation {
  std::string package;  // Declares the relation: resource name of the variant (kTwoVersions: of the
                        // package). Empty where the violation is about the whole set.
  RelationList list = RelationList::kIdentity;
  size_t index = 0;  // Where in that list of the package spec.
  ViolationKind kind = ViolationKind::kMissing;
  RelationScope scope = RelationScope::kNode;
  std::string source;       // The relation's line, verbatim.
  std::string requirement;  // The relation in words.
  std::vector<Candidate>
      found;               // What was found instead, sorted: the first kMaxCandidates of them.
  size_t found_count = 0;  // How many there are in all.
  std::string remedy;      // The fact that would change it, as an action.
  auto operator<=>(const Violation&) const = default;
};

/// The violation as a finding. Rules: compatibility.requirement-missing, .wrong-version,
/// .platform-mismatch, .conflict, .breaks, .two-versions, .skew, .upgrade-path, .denied,
/// .not-proven. The subject is the declaring package, or `set_subject` where the violation is about
/// the whole set.
Finding ToFinding(const Violation& violation, Severity severity, std::string_view set_subject);

}  // namespace dml
