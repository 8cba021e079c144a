#include "tools/dml/key_consequences.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace dml {
namespace {

std::set<std::string> HoldersWithout(const TrustRoot& root, const RoleKeys& keys, const Digest& key,
                                     const std::set<Digest>& revoked) {
  std::set<std::string> out;
  for (const Digest& id : keys.key_ids) {
    const TrustKey* known = FindTrustKey(root.keys, id);
    if (id != key && !revoked.contains(id) && known != nullptr) out.insert(known->holder);
  }
  return out;
}

}  // namespace

std::vector<RoleLeft> LeftWithout(const TrustRoot& root, const Digest& key,
                                  const std::set<Digest>& revoked) {
  std::vector<RoleLeft> out;
  auto add = [&](SigningRole role, const std::string& delegation, const RoleKeys& keys) {
    if (!std::ranges::binary_search(keys.key_ids, key)) return;
    out.push_back({role, delegation, keys.threshold, HoldersWithout(root, keys, key, revoked)});
  };
  for (const auto& [role, keys] : root.roles) add(role, "", keys);
  for (const Delegation& item : root.delegations) add(item.role, item.name, item.keys);
  return out;
}

Json ToJson(const RoleLeft& left) {
  return {{"role", SigningRoleName(left.role)},
          {"delegation", left.delegation},
          {"threshold", left.threshold},
          {"holders", left.holders},
          {"canBeMet", left.can_be_met()}};
}

std::string RoleWords(const RoleLeft& left, const TrustRoot& root) {
  std::string out = fmt::format(
      "role {}{}: {} must sign, of: {}", SigningRoleName(left.role),
      left.delegation.empty() ? "" : fmt::format(" by delegation {}", left.delegation),
      left.threshold,
      left.holders.empty() ? "nobody" : fmt::format("{}", fmt::join(left.holders, ", ")));
  if (left.role == SigningRole::kRoot) {
    out += fmt::format(
        "; the revoked key still counts toward roots, which clients walk by signatures alone, "
        "until "
        "root {} without it is set",
        root.version + 1);
    out += left.can_be_met()
               ? ": dml root fetch, dml root remove-key (or rotate), dml root sign, dml root set"
               : ", which the others cannot sign without it: see docs/operations.md, \"Root keys\"";
    return out;
  }
  if (!left.can_be_met()) out += ", so nobody can sign for it until a root names more keys";
  return out;
}

}  // namespace dml
