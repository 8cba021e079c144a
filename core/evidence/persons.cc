#include "core/evidence/persons.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"

namespace dml {
namespace {

using Thresholds = std::map<std::vector<std::string>, uint32_t>;  // By chain.

bool Counts(const TrustKey& key, SigningRole role, const Persons& excluded) {
  return (key.person || !TraitsOf(role).persons_only) && !excluded.holders.contains(key.holder) &&
         !excluded.key_ids.contains(key.key.id());
}

std::set<std::string> HoldersWhoSigned(const Authority& authority, SignatureSet& signatures,
                                       const Persons& excluded) {
  std::set<std::string> out;
  for (const TrustKey& key : authority.keys) {
    if (Counts(key, authority.role, excluded) && signatures.IsSignedBy(key)) out.insert(key.holder);
  }
  return out;
}

// As many of the authority's holders as whoever named them could be.
size_t MostPersons(const Authority& authority, const Thresholds& thresholds) {
  size_t out = kMaxRoleKeys;
  std::vector<std::string> above = authority.chain;
  while (above.size() > 1) {
    above.pop_back();
    auto it = thresholds.find(above);
    out = std::min<size_t>(out, it == thresholds.end() ? 0 : it->second);
  }
  return out;
}

bool IsEnough(const std::set<std::string>& holders, const Authority& authority, size_t most,
              uint32_t count) {
  return holders.size() >= std::max<size_t>(1, authority.threshold) &&
         std::min(holders.size(), most) >= std::max<size_t>(1, count);
}

}  // namespace

Persons SignersOf(const TrustDomain& domain, SignatureSet& signatures, SigningRole role,
                  std::string_view subject) {
  Persons out;
  for (const Authority& authority : domain.AuthoritiesFor(role, subject)) {
    for (const TrustKey& key : authority.keys) {
      if (!signatures.IsSignedBy(key)) continue;
      out.holders.insert(key.holder);
      out.key_ids.insert(key.key.id());
    }
  }
  return out;
}

absl::StatusOr<std::set<std::string>> RequirePersons(const TrustDomain& domain,
                                                     SignatureSet& signatures, SigningRole role,
                                                     std::string_view subject, uint32_t count,
                                                     const Persons& excluded) {
  const std::vector<Authority> authorities = domain.AuthoritiesFor(role, subject);
  if (authorities.empty()) {
    return PermissionDenied(ErrorReason("ROLE_NOT_HELD"),
                            "nobody has the role {} for {} in trust root {}", SigningRoleName(role),
                            Excerpt(subject), domain.root().version);
  }
  Thresholds thresholds;
  for (const Authority& authority : authorities) {
    thresholds.emplace(authority.chain, authority.threshold);
  }
  std::set<std::string> seen;
  bool is_separation = false;
  for (const Authority& authority : authorities) {
    const size_t most = MostPersons(authority, thresholds);
    std::set<std::string> holders = HoldersWhoSigned(authority, signatures, excluded);
    if (IsEnough(holders, authority, most, count)) return holders;
    seen.insert(holders.begin(), holders.end());
    is_separation |= IsEnough(HoldersWhoSigned(authority, signatures, {}), authority, most, count);
  }
  const std::string names = seen.empty() ? "nobody" : fmt::format("{}", fmt::join(seen, ", "));
  if (is_separation) {
    return PermissionDenied(
        ErrorReason("SEPARATION_OF_DUTIES"),
        "{} as {} for {} would be enough, but not with {}, who may not be both; {} is needed",
        names, SigningRoleName(role), Excerpt(subject), fmt::join(excluded.holders, ", "),
        count > 1 ? "somebody else" : "another");
  }
  return PermissionDenied(ErrorReason("THRESHOLD_NOT_MET"),
                          "{} different persons must sign as {} for {}, together as many as one "
                          "authority demands; those who have: {}",
                          count, SigningRoleName(role), Excerpt(subject), names);
}

}  // namespace dml
