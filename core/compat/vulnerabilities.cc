#include "core/compat/vulnerabilities.h"

#include <algorithm>
#include <map>

#include "core/compat/match.h"

namespace dml {
namespace {

bool IsReport(const Advisory& advisory) {
  return advisory.effect == AdvisoryEffect::kReport || advisory.effect == AdvisoryEffect::kDeny;
}

// Ids and aliases that statements say do not concern the version, with the first such statement.
std::map<std::string, std::string> Dismissals(const PackageName& package, const Version& version,
                                              std::span<const KnownAdvisory> advisories,
                                              Timestamp now) {
  std::map<std::string, std::string> out;
  for (const KnownAdvisory& known : advisories) {
    const Advisory& advisory = *known.signed_by.advisory;
    if (advisory.effect != AdvisoryEffect::kRelax || !IsInForce(advisory, now)) continue;
    if (AffectedMatch(advisory, package, version) != Match::kYes) continue;
    for (const Relaxation& item : advisory.relaxes) {
      if (item.kind != Relaxation::Kind::kAdvisory) continue;
      out.emplace(item.advisory, AdvisoryLine(known.signed_by));
    }
  }
  return out;
}

}  // namespace

std::vector<OpenVulnerability> FindVulnerabilities(const PackageName& package,
                                                   const Version& version,
                                                   std::span<const KnownAdvisory> advisories,
                                                   Timestamp now) {
  std::vector<OpenVulnerability> out;
  const std::map<std::string, std::string> dismissals =
      Dismissals(package, version, advisories, now);
  for (const KnownAdvisory& known : advisories) {
    const Advisory& advisory = *known.signed_by.advisory;
    if (!IsReport(advisory) || !IsInForce(advisory, now)) continue;
    if (AffectedMatch(advisory, package, version) == Match::kNo) continue;
    OpenVulnerability& item = out.emplace_back();
    item.id = advisory.id;
    item.aliases = advisory.aliases;
    item.severity = advisory.severity;
    item.published =
        std::min(advisory.published.value_or(known.first_entered), known.first_entered);
    std::vector<std::string> names = {advisory.id};
    names.insert(names.end(), advisory.aliases.begin(), advisory.aliases.end());
    for (const std::string& name : names) {
      const auto dismissal = dismissals.find(name);
      if (dismissal == dismissals.end()) continue;
      item.not_affected = dismissal->second;
      break;
    }
  }
  std::ranges::sort(out, {}, &OpenVulnerability::id);
  return out;
}

}  // namespace dml
