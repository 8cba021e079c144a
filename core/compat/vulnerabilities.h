// Which vulnerabilities a version has, by the advisories in force: the source of a policy's family
// `vulnerabilities` (core/gate/release_rules.h).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/compat/amend.h"

namespace dml {

/// An advisory, and when the library first had it.
struct KnownAdvisory {
  SignedAdvisory signed_by;
  Timestamp first_entered;  // Of its first revision.
};

struct OpenVulnerability {
  std::string id;  // Of the advisory.
  std::vector<std::string> aliases;
  AdvisorySeverity severity = AdvisorySeverity::kUnknown;
  /// When it became known: what the advisory says, or when the library had it where that is before.
  Timestamp published;
  /// The line of a statement that it does not concern the version (VEX); "": it is open.
  std::string not_affected;
};

/// The advisories of effect REPORT or DENY in force at `now` that affect the version, in the order
/// of their ids. One is not open where a RELAX in force names it, by id or alias, for the version.
/// A range of another scheme than the version affects it, and does not relax it: nobody has shown
/// that it does not, or does.
std::vector<OpenVulnerability> FindVulnerabilities(const PackageName& package,
                                                   const Version& version,
                                                   std::span<const KnownAdvisory> advisories,
                                                   Timestamp now);

}  // namespace dml
