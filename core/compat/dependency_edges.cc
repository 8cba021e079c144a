#include "core/compat/dependency_edges.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "core/compat/match.h"

namespace dml {
namespace {

using Offer = std::pair<RelationKind, std::string_view>;

// Who offers what, whatever the version.
std::map<Offer, std::set<uint32_t>> OffersOf(std::span<const PackageSpec* const> set,
                                             std::vector<std::string>& names) {
  names.reserve(set.size());  // The keys look into it.
  std::map<Offer, std::set<uint32_t>> out;
  for (uint32_t i = 0; i < set.size(); ++i) {
    names.push_back(set[i]->package.ToString());
    out[{RelationKind::kPackage, names.back()}].insert(i);
    for (const Provision& provision : set[i]->provides) {
      out[{provision.kind, provision.name}].insert(i);
    }
  }
  return out;
}

bool MayMeet(const PackageSpec& provider, const RelationTarget& target) {
  return std::ranges::any_of(OfferedVersions(provider, target), [&](const Version* version) {
    return MatchVersion(target.range, version) != Match::kNo;
  });
}

}  // namespace

absl::StatusOr<std::vector<DependencyEdge>> DependencyEdges(std::span<const PackageSpec* const> set,
                                                            size_t max_edges) {
  std::vector<std::string> names;
  const auto offers = OffersOf(set, names);
  std::set<DependencyEdge> edges;
  for (uint32_t from = 0; from < set.size(); ++from) {
    for (const Requirement& requirement : set[from]->requires_all) {
      for (const RelationTarget& target : requirement.any_of) {
        const auto found = offers.find({target.kind, target.name});
        if (found == offers.end()) continue;
        for (const uint32_t to : found->second) {
          const bool near = requirement.scope != RelationScope::kNode ||
                            FitsPlatform(set[from]->platform, set[to]->platform);
          if (to == from || !near || !MayMeet(*set[to], target)) continue;
          edges.insert({from, to, target.kind, requirement.scope});
          if (edges.size() > max_edges) {
            return InvalidArgument(ErrorReason("SET_TOO_LARGE"),
                                   "the set has more than {} dependencies; ask about a part of it",
                                   max_edges);
          }
        }
      }
    }
  }
  return std::vector<DependencyEdge>(edges.begin(), edges.end());
}

}  // namespace dml
