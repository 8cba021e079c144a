// What a key may vouch for. Access roles (server/auth) are what a caller may ask; these are not
// those.
#pragma once

#include <array>
#include <string_view>

#include "core/base/status.h"

namespace dml {

enum class SigningRole {
  kRoot = 1,     // The next trust root.
  kLog,          // Checkpoints: the log's own key.
  kPermit,       // Permits: the daemon's key, never enough alone.
  kPolicy,       // Policies of environments.
  kRelease,      // Sealed releases.
  kPublisher,    // Packages; subject "namespace/package".
  kTester,       // Test results about packages; subject as for a publisher.
  kApprover,     // Approvals; subject an environment.
  kDeployer,     // Orders to deploy; subject an environment.
  kLicenseData,  // License lists and conclusions.
  kEntitlement,  // Rights to use; subject the product, such as "namespace/package".
  kAdvisory,     // Advisories; subject "namespace/package".
  kWitness,      // Cosignatures of checkpoints.
  kNode,         // Inventories and reports; subject "environment..., node".
};

struct SigningRoleTraits {
  SigningRole role;
  std::string_view word;
  bool delegable;     // By subject pattern.
  bool persons_only;  // Keys of machines do not count.
};

inline constexpr std::array<SigningRoleTraits, 14> kSigningRoleTable = {{
    {SigningRole::kRoot, "root", false, true},
    {SigningRole::kLog, "log", false, false},
    {SigningRole::kPermit, "permit", false, false},
    {SigningRole::kPolicy, "policy", false, false},
    {SigningRole::kRelease, "release", false, false},
    {SigningRole::kPublisher, "publisher", true, false},
    {SigningRole::kTester, "tester", true, false},
    {SigningRole::kApprover, "approver", true, true},
    {SigningRole::kDeployer, "deployer", true, false},
    {SigningRole::kLicenseData, "license-data", false, false},
    {SigningRole::kEntitlement, "entitlement", true, false},
    {SigningRole::kAdvisory, "advisory", true, false},
    {SigningRole::kWitness, "witness", false, false},
    {SigningRole::kNode, "node", true, false},
}};

/// What may vouch for packages, by publishing them or otherwise.
inline constexpr std::array<SigningRole, 4> kPackageRoles = {
    SigningRole::kPublisher, SigningRole::kTester, SigningRole::kAdvisory,
    SigningRole::kLicenseData};

const SigningRoleTraits& TraitsOf(SigningRole role);
inline std::string_view SigningRoleName(SigningRole role) { return TraitsOf(role).word; }
/// INVALID_ARGUMENT (ROLE_UNKNOWN) naming the roles.
absl::StatusOr<SigningRole> ParseSigningRole(std::string_view word);

}  // namespace dml
