// The words of a resolver's reasons: who imposes what.
#include <algorithm>

#include "core/compat/explain.h"
#include "core/compat/minimal_premises.h"
#include "core/compat/resolve_universe.h"

namespace dml {
namespace {

std::string_view KindInWords(ResolveConstraint::Kind kind) {
  switch (kind) {
    case ResolveConstraint::Kind::kPin:
      return "your pin";
    case ResolveConstraint::Kind::kPolicy:
      return "policy";
    case ResolveConstraint::Kind::kAdvisory:
      return "advisory";
  }
  return "";
}

std::string InBrackets(const std::string& source) {
  return source.empty() ? "" : fmt::format(" [{}]", source);
}

/// "PACKAGE a/x >= 2 or PACKAGE a/y".
std::string AnyOfInWords(std::span<const RelationTarget> any_of) {
  std::string out;
  for (const RelationTarget& target : any_of) {
    if (!out.empty()) out += " or ";
    out += TargetInWords(target);
  }
  return out;
}

}  // namespace

void ResolveUniverse::Explain(SolveBudget& budget, Resolution& out) const {
  const MinimalPremises minimal = FindMinimalPremises(solver_, solver_.premises(), budget);
  out.minimal = minimal.minimal;
  out.reasons = PremisesInWords(solver_, minimal.premises, *this);
}

std::string ResolveUniverse::CandidateText(CandidateId candidate) const {
  if (candidate == root()) return "";
  const PackageSpec& package = spec(candidate);
  std::string out = fmt::format("{} {}", package.package.ToString(), package.version.text());
  if (package.platform != Platform{}) out += fmt::format(" ({})", package.platform.VariantId());
  return out;
}

std::string ResolveUniverse::ClauseText(ClauseId clause) const {
  const Reason& reason = reasons_[clause];
  const bool nothing = !solver_.IsExclusion(clause) && solver_.NamedBy(clause).empty();
  auto unmet = [&](std::span<const RelationTarget> any_of) -> std::string {
    if (!nothing) return "";
    std::vector<std::string> there;
    for (const RelationTarget& target : any_of) {
      for (const Offer& offer : OffersOf(target)) {
        there.push_back(CandidateText(offer.package));
      }
    }
    if (there.empty()) return ", which nothing provides";
    const size_t more = there.size() - std::min(there.size(), kMaxListedCandidates);
    there.resize(there.size() - more);
    return fmt::format(", which none of these is: {}{}", fmt::join(there, ", "),
                       more == 0 ? "" : fmt::format(" and {} more", more));
  };
  switch (reason.kind) {
    case Reason::Kind::kWanted: {
      const std::span<const RelationTarget> target(&wanted_[reason.index], 1);
      return fmt::format("{} is asked for{}", AnyOfInWords(target), unmet(target));
    }
    case Reason::Kind::kRequires: {
      const Requirement& requirement = spec(reason.package).requires_all[reason.index];
      if (requirement.any_of.empty()) {  // See core/compat/amend.h.
        return fmt::format("may not be used{}", InBrackets(requirement.source));
      }
      const bool peers = requirement.scope == RelationScope::kEveryPeer;
      return fmt::format("requires {}{}{}{}", AnyOfInWords(requirement.any_of),
                         peers ? " at every peer" : "", InBrackets(requirement.source),
                         unmet(requirement.any_of));
    }
    case Reason::Kind::kConflicts: {
      const Relation& relation = spec(reason.package).conflicts[reason.index];
      return fmt::format("conflicts with {}{}", TargetInWords(relation.target),
                         InBrackets(relation.source));
    }
    case Reason::Kind::kBreaks: {
      const Relation& relation = spec(reason.package).breaks[reason.index];
      return fmt::format("breaks {}{}", TargetInWords(relation.target),
                         InBrackets(relation.source));
    }
    case Reason::Kind::kConstraint:
      break;
  }
  const ResolveConstraint& constraint = request_.constraints[reason.index];
  return fmt::format("is excluded by {}, which allows {} of {}{}", KindInWords(constraint.kind),
                     constraint.allowed.ToWords(), constraint.package.ToString(),
                     InBrackets(constraint.source));
}

}  // namespace dml
