// Access roles: what a caller may ask. Signing roles (core/trust/signing_role.h) are what a key may
// vouch for; docs/operations.md relates them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace dml {

enum class Role : uint8_t {
  kReader,          // Reads what is in the library.
  kPublisher,       // Uploads, publishes, attests and withdraws packages.
  kTester,          // Attests to packages.
  kApprover,        // Approves releases.
  kReleaseManager,  // Composes releases; sets policies and retention.
  kDeployer,        // Asks for permits.
  kNode,            // A machine: fetches what a permit names, reports.
  kLicenseManager,  // Decides on licenses and entitlements.
  kAuditor,         // Reads everything, the journal and who may do what included.
  kOperator,        // Runs the library: upkeep, quarantine, holds.
  kAdmin,           // Everything.
};
inline constexpr int kRoleCount = 11;

/// "reader", "release-manager": also the organizational units of client certificates.
std::string_view RoleName(Role role);
/// The reverse; nullopt for any other word, which grants nothing.
std::optional<Role> ParseRole(std::string_view name);
/// "reader, publisher, ...", in the order above.
std::string RoleWords();

/// Some of the roles; a value.
class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (Role role : roles) bits_ |= Bit(role);
  }
  constexpr bool Has(Role role) const { return (bits_ & Bit(role)) != 0; }
  constexpr RoleSet operator|(RoleSet other) const {
    RoleSet out;
    out.bits_ = static_cast<uint16_t>(bits_ | other.bits_);
    return out;
  }
  constexpr bool operator==(const RoleSet&) const = default;

 private:
  static constexpr uint16_t Bit(Role role) {
    return static_cast<uint16_t>(1U << static_cast<unsigned>(role));
  }
  uint16_t bits_ = 0;
};

/// Whether a scope ("", "namespaces/N", "environments/E") covers a thing: "" covers everything,
/// an environment what is below it too. A thing is written like a scope.
bool ScopeCovers(std::string_view scope, std::string_view thing);

}  // namespace dml
