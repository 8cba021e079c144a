#include "core/access/role.h"

#include <array>

namespace dml {
namespace {

constexpr std::array<std::string_view, kRoleCount> kNames = {
    "reader",          "publisher", "tester",   "approver", "release-manager", "deployer", "node",
    "license-manager", "auditor",   "operator", "admin"};

}  // namespace

std::string_view RoleName(Role role) { return kNames[static_cast<size_t>(role)]; }

std::optional<Role> ParseRole(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

std::string RoleWords() {
  std::string out;
  for (std::string_view name : kNames) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

bool ScopeCovers(std::string_view scope, std::string_view thing) {
  if (scope.empty() || scope == thing) return true;
  return scope.starts_with("environments/") && thing.starts_with(scope) &&
         thing[scope.size()] == '/';
}

}  // namespace dml
