// Changes of a trust root on its way to the next version. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/trust/trust_root.h"

namespace dml {

/// What one person starts with: every signing role that a person may hold.
std::span<const SigningRole> PersonRoles();

/// The first root of a journal: one person's key for everything of PersonRoles, and the log's.
/// ROOT_INVALID where both are one key.
absl::StatusOr<TrustRoot> MakeFirstRoot(std::string origin, const PublicKey& log,
                                        const TrustKey& person, Timestamp expires);

/// Adds a key where it is not there; one that is there must be told alike (INVALID_ARGUMENT,
/// KEY_HELD_OTHERWISE), as holder, kind and scheme are the key's.
absl::Status AddTrustKey(TrustRoot& root, const TrustKey& key);

/// Puts a key into a role's, making it with threshold 1 where it is new.
void GiveKey(RoleKeys& to, const Digest& key_id);

/// Lets a key vouch in a role: for all subjects where `ns` is "*", else for the packages of that
/// namespace, by the delegation "<ns>-<role>", which is made where it is not there. Errors of
/// AddTrustKey; ROLE_UNKNOWN where the role cannot be delegated; KEY_HELD_OTHERWISE where that
/// delegation is for something else.
absl::Status GivePackages(TrustRoot& root, const TrustKey& key, SigningRole role,
                          const std::string& ns);

/// Takes a key out of all roles and delegations, and of the list. NOT_FOUND (KEY_NOT_FOUND) where
/// it is not in it. What is left without keys goes too, but for root and log, which the format then
/// refuses.
absl::Status RemoveTrustKey(TrustRoot& root, const Digest& key_id);

/// Puts `with` in the place of a key, in every role; the holder stays.
absl::Status ReplaceTrustKey(TrustRoot& root, const Digest& key_id, TrustKey with);

}  // namespace dml
