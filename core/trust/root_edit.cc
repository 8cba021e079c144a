#include "core/trust/root_edit.h"

#include <algorithm>
#include <utility>

namespace dml {
namespace {

constexpr ErrorReason kHeldOtherwise("KEY_HELD_OTHERWISE");

constexpr SigningRole kPersonRoles[] = {SigningRole::kRoot,        SigningRole::kPolicy,
                                        SigningRole::kRelease,     SigningRole::kTester,
                                        SigningRole::kPublisher,   SigningRole::kApprover,
                                        SigningRole::kDeployer,    SigningRole::kLicenseData,
                                        SigningRole::kEntitlement, SigningRole::kAdvisory};

template <typename Change>
void ForEachRole(TrustRoot& root, Change change) {
  for (auto& [role, keys] : root.roles) change(keys);
  for (Delegation& delegation : root.delegations) change(delegation.keys);
}

bool Drop(RoleKeys& from, const Digest& key_id) { return std::erase(from.key_ids, key_id) > 0; }

absl::Status NoSuchKey(const TrustRoot& root, const Digest& key_id) {
  return NotFound(ErrorReason("KEY_NOT_FOUND"), "root {} has no key {}; see: dml root show",
                  root.version, key_id.ToString());
}

}  // namespace

std::span<const SigningRole> PersonRoles() { return kPersonRoles; }

absl::StatusOr<TrustRoot> MakeFirstRoot(std::string origin, const PublicKey& log,
                                        const TrustKey& person, Timestamp expires) {
  TrustRoot root;
  root.origin = std::move(origin);
  root.expires = expires;
  DML_RETURN_IF_ERROR(AddTrustKey(root, person));
  DML_RETURN_IF_ERROR(AddTrustKey(root, {log, SignatureScheme::kEd25519, "log", false}));
  for (SigningRole role : kPersonRoles) GiveKey(root.roles[role], person.key.id());
  GiveKey(root.roles[SigningRole::kLog], log.id());
  return root;
}

absl::Status AddTrustKey(TrustRoot& root, const TrustKey& key) {
  const TrustKey* known = FindTrustKey(root.keys, key.key.id());
  if (known == nullptr) {
    auto at = std::ranges::lower_bound(root.keys, key.key.id(), {},
                                       [](const TrustKey& item) { return item.key.id(); });
    root.keys.insert(at, key);
    return absl::OkStatus();
  }
  if (*known == key) return absl::OkStatus();
  return InvalidArgument(kHeldOtherwise,
                         "key {} is there already, of the {} {}; a key has one holder and one "
                         "scheme",
                         key.key.id().ToString(), known->person ? "person" : "machine",
                         known->holder);
}

void GiveKey(RoleKeys& to, const Digest& key_id) {
  auto at = std::ranges::lower_bound(to.key_ids, key_id);
  if (at == to.key_ids.end() || *at != key_id) to.key_ids.insert(at, key_id);
}

absl::Status GivePackages(TrustRoot& root, const TrustKey& key, SigningRole role,
                          const std::string& ns) {
  DML_RETURN_IF_ERROR(AddTrustKey(root, key));
  if (ns == "*") {
    GiveKey(root.roles[role], key.key.id());
    return absl::OkStatus();
  }
  if (!TraitsOf(role).delegable) {
    return InvalidArgument(ErrorReason("ROLE_UNKNOWN"),
                           "the role {} is for all subjects or none: it cannot be given for the "
                           "namespace {}",
                           SigningRoleName(role), ns);
  }
  DML_ASSIGN_OR_RETURN(SubjectPattern subjects, SubjectPattern::Parse(ns + "/*"));
  const std::string name = fmt::format("{}-{}", ns, SigningRoleName(role));
  auto found = std::ranges::find(root.delegations, name, &Delegation::name);
  if (found == root.delegations.end()) {
    root.delegations.push_back({name, role, {subjects}, {}, false});
    found = root.delegations.end() - 1;
  }
  if (found->role != role || found->subjects != std::vector{subjects}) {
    return InvalidArgument(kHeldOtherwise,
                           "delegation {} is there, for something else than the role {} in {}: "
                           "change the root by hand, with dml root add-key --delegation",
                           name, SigningRoleName(role), ns);
  }
  GiveKey(found->keys, key.key.id());
  return absl::OkStatus();
}

absl::Status RemoveTrustKey(TrustRoot& root, const Digest& key_id) {
  if (std::erase_if(root.keys, [&](const TrustKey& key) { return key.key.id() == key_id; }) == 0) {
    return NoSuchKey(root, key_id);
  }
  ForEachRole(root, [&](RoleKeys& keys) { Drop(keys, key_id); });
  std::erase_if(root.roles, [](const auto& item) { return item.second.key_ids.empty(); });
  std::erase_if(root.delegations, [](const Delegation& item) { return item.keys.key_ids.empty(); });
  return absl::OkStatus();
}

absl::Status ReplaceTrustKey(TrustRoot& root, const Digest& key_id, TrustKey with) {
  const TrustKey* old = FindTrustKey(root.keys, key_id);
  if (old == nullptr) return NoSuchKey(root, key_id);
  with.holder = old->holder;
  with.person = old->person;
  std::erase_if(root.keys, [&](const TrustKey& key) { return key.key.id() == key_id; });
  ForEachRole(root, [&](RoleKeys& keys) {
    if (Drop(keys, key_id)) GiveKey(keys, with.key.id());
  });
  return AddTrustKey(root, with);
}

}  // namespace dml
