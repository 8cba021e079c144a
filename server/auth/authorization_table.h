// Who may call what: the one table from method to roles. Nothing else grants anything.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/access/role.h"

namespace dml {

/// What a grant of one of a method's roles must cover for a call.
enum class ScopeKind {
  kSelf,         // Nothing: it is about the caller alone, who may ask it without any role.
  kAny,          // Whatever it is for: the answer is the same for everyone, or made for the caller.
  kLibrary,      // Everything.
  kNamespace,    // The namespaces that the request names; lists show what the caller may see.
  kEnvironment,  // The environments, likewise.
};
std::string_view ScopeKindName(ScopeKind kind);  // "library".

struct AuthorizationRow {
  std::string_view method;  // "/dml.v1.CatalogService/PublishVersion", as gRPC has it.
  RoleSet roles;
  ScopeKind scope;
};

/// All rows in the order of their methods. A method without a row may be called by nobody.
std::span<const AuthorizationRow> AuthorizationTable();

/// nullptr where there is no row: deny.
const AuthorizationRow* FindAuthorization(std::string_view full_method);

}  // namespace dml
