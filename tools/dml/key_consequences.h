// What revoking a key leaves of the roles that it has in a trust root. Pure functions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/trust/trust_root.h"
#include "tools/dml/output.h"

namespace dml {

struct RoleLeft {
  SigningRole role = SigningRole::kRoot;
  std::string delegation;  // "": the root's own role.
  uint32_t threshold = 1;
  std::set<std::string> holders;  // Who can still sign.
  bool can_be_met() const { return holders.size() >= threshold; }
};

/// Of every role and delegation of the root in which the key is: who is left when it and the keys
/// of `revoked` count no more.
std::vector<RoleLeft> LeftWithout(const TrustRoot& root, const Digest& key,
                                  const std::set<Digest>& revoked);

Json ToJson(const RoleLeft& left);
/// A line for people, with the next step where one must be taken.
std::string RoleWords(const RoleLeft& left, const TrustRoot& root);

}  // namespace dml
