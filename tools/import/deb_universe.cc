#include "tools/import/deb_universe.h"

#include <algorithm>

#include "core/compat/minimal_premises.h"

namespace dml {
namespace {

bool MeetsOp(std::weak_ordering order, VersionOp op) {
  switch (op) {
    case VersionOp::kLess:
      return order < 0;
    case VersionOp::kLessEqual:
      return order <= 0;
    case VersionOp::kEqual:
      return order == 0;
    case VersionOp::kNotEqual:
      return order != 0;
    case VersionOp::kGreaterEqual:
      return order >= 0;
    case VersionOp::kGreater:
      return order > 0;
  }
  return false;
}

}  // namespace

bool DebUniverse::MeetsArchitecture(const Relation& relation, TextId architecture, bool excludes,
                                    const Package& provider) const {
  if (relation.qualifier == kNone) {
    return excludes || provider.multi_arch == MultiArch::kForeign ||
           Native(provider.architecture) == Native(architecture);
  }
  if (relation.qualifier == any_) return excludes || provider.multi_arch == MultiArch::kAllowed;
  return Native(provider.architecture) == Native(relation.qualifier);
}

bool DebUniverse::Meets(const Relation& relation, TextId architecture, bool excludes,
                        const Offer& offer) const {
  if (relation.version != kNone) {
    if (offer.version == kNone) return false;
    const std::weak_ordering order = Compare(versions_[offer.version], versions_[relation.version]);
    if (!MeetsOp(order, relation.op)) return false;
  }
  return MeetsArchitecture(relation, architecture, excludes, packages_[offer.package]);
}

/// Alternatives in their order; for each, packages of the name itself before those that provide it.
std::vector<CandidateId> DebUniverse::Providers(const Clause& clause, TextId architecture,
                                                bool excludes) const {
  std::vector<CandidateId> out;
  for (const Relation& relation : clause.alternatives) {
    for (const Offer& offer : offers_[relation.name]) {
      if (!Meets(relation, architecture, excludes, offer)) continue;
      if (std::find(out.begin(), out.end(), offer.package) == out.end()) {
        out.push_back(offer.package);
      }
    }
  }
  return out;
}

void DebUniverse::Compile() {
  offers_.resize(texts_.size());
  for (CandidateId id = 0; id < packages_.size(); ++id) {
    const Package& package = packages_[id];
    solver_.AddCandidate();
    offers_[package.name].push_back({id, package.version, true});
    for (const Provided& provided : package.provides) {
      offers_[provided.name].push_back({id, provided.version, false});
    }
    // Equal numbers may be installed beside each other.
    const bool same = package.multi_arch == MultiArch::kSame;
    solver_.SetGroup(id, package.name,
                     same ? package.version : static_cast<uint32_t>(versions_.size()) + id);
  }
  for (std::vector<Offer>& offers : offers_) {
    std::stable_sort(offers.begin(), offers.end(),
                     [](const Offer& a, const Offer& b) { return a.own && !b.own; });
  }
  for (CandidateId id = 0; id < packages_.size(); ++id) CompilePackage(id);
  providers_.clear();
}

void DebUniverse::Require(CandidateId requirer, Line line, TextId architecture) {
  const uint64_t key = uint64_t{line.clause} << 32 | Native(architecture);
  auto [it, added] = providers_.try_emplace(key);
  if (added) it->second = Providers(clauses_[line.clause], architecture, /*excludes=*/false);
  if (solver_.AddRequirement(requirer, it->second) != ClauseSolver::kNoClause) {
    reasons_.push_back({requirer, line});
  }
}

void DebUniverse::CompilePackage(CandidateId id) {
  const Package& package = packages_[id];
  std::vector<CandidateId> excluded;
  for (const Line& line : package.lines) {
    if (line.field == Field::kPreDepends || line.field == Field::kDepends) {
      Require(id, line, package.architecture);
      continue;
    }
    for (CandidateId other :
         Providers(clauses_[line.clause], package.architecture, /*excludes=*/true)) {
      if (packages_[other].name == package.name) continue;
      if (std::find(excluded.begin(), excluded.end(), other) != excluded.end()) continue;
      excluded.push_back(other);
      solver_.AddExclusion(id, other);
      reasons_.push_back({id, line});
    }
  }
}

std::vector<CandidateId> DebUniverse::FindUninstallable(SolveBudget& budget,
                                                        std::vector<CandidateId>& undecided) {
  std::vector<CandidateId> out;
  std::vector<bool> installable(packages_.size());
  for (CandidateId id = 0; id < packages_.size(); ++id) {
    if (installable[id]) continue;
    switch (solver_.Solve({&id, 1}, budget)) {
      case Solvable::kYes:
        // All of a set that can be installed can be.
        for (CandidateId taken : solver_.Taken()) installable[taken] = true;
        break;
      case Solvable::kNo:
        out.push_back(id);
        break;
      case Solvable::kUndecided:
        undecided.push_back(id);
        break;
    }
  }
  return out;
}

std::vector<std::string> DebUniverse::ExplainUninstallable(CandidateId package,
                                                           SolveBudget& budget) {
  if (solver_.Solve({&package, 1}, budget) != Solvable::kNo) return {};
  return Explain(budget);
}

std::vector<std::string> DebUniverse::Explain(SolveBudget& budget) const {
  const MinimalPremises minimal = FindMinimalPremises(solver_, solver_.premises(), budget);
  return PremisesInWords(solver_, minimal.premises, *this);
}

std::string DebUniverse::Reference(CandidateId package) const {
  const TextId architecture = packages_[package].architecture;
  const bool plain = architecture == all_ || architecture == native_;
  return fmt::format("{}{}{}={}", name(package), plain ? "" : ":",
                     plain ? "" : this->architecture(package), version(package));
}

std::string DebUniverse::CandidateText(CandidateId candidate) const {
  return candidate < packages_.size() ? Reference(candidate) : "";
}

std::string DebUniverse::ClauseText(ClauseId clause) const {
  constexpr std::string_view kFields[] = {"Pre-Depends", "Depends", "Conflicts", "Breaks"};
  const Reason& reason = reasons_[clause];
  const std::string& text = clauses_[reason.line.clause].text;
  if (solver_.IsExclusion(clause)) {
    const bool breaks = reason.line.field == Field::kBreaks;
    return fmt::format("{} {} [{}]", breaks ? "breaks" : "conflicts with", text,
                       kFields[static_cast<size_t>(reason.line.field)]);
  }
  std::string out =
      reason.line.field == Field::kJob
          ? fmt::format("{} is asked for", text)
          : fmt::format("requires {} [{}]", text, kFields[static_cast<size_t>(reason.line.field)]);
  if (solver_.NamedBy(clause).empty()) out += ", which nothing provides";
  return out;
}

}  // namespace dml
