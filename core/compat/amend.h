// What advisories make of a package spec.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/compat/advisory.h"
#include "core/compat/match.h"

namespace dml {

/// An advisory that the library holds, and who vouches for it.
struct SignedAdvisory {
  std::shared_ptr<const Advisory> advisory;
  std::vector<std::string> signers;
};

/// Not withdrawn, and valid at that time.
bool IsInForce(const Advisory& advisory, Timestamp now);
/// How surely it is about the version; kNotProven where a range is of another scheme.
Match AffectedMatch(const Advisory& advisory, const PackageName& package, const Version& version);

/// The line by which what an advisory imposes is told from a package's own relations: "advisory
/// DSA-5678-1 (CVE-2024-2398) of Debian Security Team, signed by ann: first line of its text".
std::string AdvisoryLine(const SignedAdvisory& advisory);

/// A spec as the advisories in force at `now` have it, nullopt where they leave it as it is. Its
/// relations keep their places, so that what is said of them still names the line of the spec; what
/// is imposed comes after the package's own, its source being AdvisoryLine().
///
///   DENY       A requirement that nothing meets: it has no alternatives.
///   REQUIRE    Its requirements.
///   RELAX      The requirements that name what it relaxes are met by the package itself; such
///              conflicts and breaks exclude no version. Advisories that it names, by id or alias,
///              do not count for the version.
///   SUPERSEDE  As DENY where `superseded_too`; else nothing.
///   REPORT     Nothing.
/// A range of another scheme than the version decides nothing: DENY, REQUIRE and SUPERSEDE count
/// then, as nobody has shown that they do not, and RELAX does not. Withdrawn advisories and those
/// not valid at `now` are none.
std::optional<PackageSpec> ApplyAdvisories(const PackageSpec& spec,
                                           std::span<const SignedAdvisory> advisories,
                                           Timestamp now, bool superseded_too);

}  // namespace dml
