#include "core/compat/amend.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr size_t kMaxLineTextBytes = 120;

/// Ids and aliases of advisories that do not concern the version.
std::set<std::string> Dismissed(std::span<const SignedAdvisory* const> relaxing) {
  std::set<std::string> out;
  for (const SignedAdvisory* item : relaxing) {
    for (const Relaxation& what : item->advisory->relaxes) {
      if (what.kind == Relaxation::Kind::kAdvisory) out.insert(what.advisory);
    }
  }
  return out;
}

bool IsDismissed(const Advisory& advisory, const std::set<std::string>& dismissed) {
  return dismissed.contains(advisory.id) ||
         std::ranges::any_of(advisory.aliases,
                             [&](const std::string& alias) { return dismissed.contains(alias); });
}

bool Names(const RelationTarget& target, const Relaxation& what) {
  return target.kind == what.name_kind && target.name == what.name;
}

/// True where a relation was relaxed.
bool RelaxExclusions(std::vector<Relation>& relations, const Relaxation& what) {
  bool changed = false;
  for (Relation& relation : relations) {
    if (!Names(relation.target, what)) continue;
    relation.target.range = VersionRange();
    changed = true;
  }
  return changed;
}

bool Relax(PackageSpec& spec, const Relaxation& what) {
  if (what.kind == Relaxation::Kind::kConflicts) return RelaxExclusions(spec.conflicts, what);
  if (what.kind == Relaxation::Kind::kBreaks) return RelaxExclusions(spec.breaks, what);
  if (what.kind == Relaxation::Kind::kAdvisory) return false;
  bool changed = false;
  for (Requirement& requirement : spec.requires_all) {
    const bool named = std::ranges::any_of(
        requirement.any_of, [&](const RelationTarget& target) { return Names(target, what); });
    if (!named) continue;
    requirement.any_of = {{RelationKind::kPackage, spec.package.ToString(), VersionRange::All()}};
    requirement.scope = RelationScope::kNode;
    changed = true;
  }
  return changed;
}

/// True where it imposes something.
bool Impose(const SignedAdvisory& item, bool superseded_too, PackageSpec& spec) {
  const Advisory& advisory = *item.advisory;
  switch (advisory.effect) {
    case AdvisoryEffect::kRequire:
      for (Requirement requirement : advisory.requires_all) {
        requirement.source = AdvisoryLine(item);
        spec.requires_all.push_back(std::move(requirement));
      }
      return true;
    case AdvisoryEffect::kSupersede:
      if (!superseded_too) return false;
      [[fallthrough]];
    case AdvisoryEffect::kDeny:
      spec.requires_all.push_back({{}, RelationScope::kNode, AdvisoryLine(item)});
      return true;
    case AdvisoryEffect::kRelax:
    case AdvisoryEffect::kReport:
      break;
  }
  return false;
}

}  // namespace

bool IsInForce(const Advisory& advisory, Timestamp now) {
  return advisory.withdrawn.empty() && (!advisory.valid_from || *advisory.valid_from <= now) &&
         (!advisory.valid_until || now < *advisory.valid_until);
}

Match AffectedMatch(const Advisory& advisory, const PackageName& package, const Version& version) {
  Match best = Match::kNo;
  for (const AffectedPackage& item : advisory.affects) {
    if (item.package != package) continue;
    best = std::max(best, MatchVersion(item.range, &version));
  }
  return best;
}

std::string AdvisoryLine(const SignedAdvisory& item) {
  const Advisory& advisory = *item.advisory;
  std::string out = "advisory " + advisory.id;
  if (!advisory.aliases.empty()) {
    out += fmt::format(" ({})", fmt::join(advisory.aliases, ", "));
  }
  out += " of " + advisory.authority;
  if (!item.signers.empty()) {
    out += fmt::format(", signed by {}", fmt::join(item.signers, ", "));
  }
  if (advisory.superseded_by.has_value()) {
    const AffectedPackage& by = *advisory.superseded_by;
    out += fmt::format(", superseded by {} {}", by.package.ToString(), by.range.ToWords());
  }
  const std::string_view text = advisory.text;
  return out + ": " + Excerpt(text.substr(0, text.find('\n')), kMaxLineTextBytes);
}

std::optional<PackageSpec> ApplyAdvisories(const PackageSpec& spec,
                                           std::span<const SignedAdvisory> advisories,
                                           Timestamp now, bool superseded_too) {
  std::vector<const SignedAdvisory*> relaxing;
  std::vector<const SignedAdvisory*> imposing;
  for (const SignedAdvisory& item : advisories) {
    if (!IsInForce(*item.advisory, now)) continue;
    const Match match = AffectedMatch(*item.advisory, spec.package, spec.version);
    if (match == Match::kNo) continue;
    if (item.advisory->effect != AdvisoryEffect::kRelax) {
      imposing.push_back(&item);
    } else if (match == Match::kYes) {
      relaxing.push_back(&item);
    }
  }
  if (relaxing.empty() && imposing.empty()) return std::nullopt;
  PackageSpec out = spec;
  bool changed = false;
  for (const SignedAdvisory* item : relaxing) {
    for (const Relaxation& what : item->advisory->relaxes) changed = Relax(out, what) || changed;
  }
  const std::set<std::string> dismissed = Dismissed(relaxing);
  for (const SignedAdvisory* item : imposing) {
    if (IsDismissed(*item->advisory, dismissed)) continue;
    changed = Impose(*item, superseded_too, out) || changed;
  }
  if (!changed) return std::nullopt;
  return out;
}

}  // namespace dml
