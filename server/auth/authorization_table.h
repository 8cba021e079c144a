// Who may call what: the one table from method to role. Nothing else grants anything.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace dml {

/// What a caller may ask. Each includes the ones before it.
enum class Role { kReader, kPublisher, kAdmin };

/// "reader", "publisher", "admin": the organizational units of client certificates.
std::string_view RoleName(Role role);
/// The reverse; nullopt for any other word, which grants nothing.
std::optional<Role> ParseRole(std::string_view name);

struct AuthorizationRow {
  std::string_view method;  // "/dml.v1.CatalogService/PublishVersion", as gRPC has it.
  Role role;
};

/// All rows in the order of their methods. A method without a row may be called by nobody.
std::span<const AuthorizationRow> AuthorizationTable();

/// The role that a method demands; nullopt where there is no row: deny.
std::optional<Role> RequiredRole(std::string_view full_method);

}  // namespace dml
