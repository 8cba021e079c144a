// Rules of trust and access.
#include <algorithm>

#include <fmt/ranges.h>

#include "core/access/access_token.h"
#include "core/access/role.h"
#include "core/base/text.h"
#include "core/crypto/x509.h"
#include "core/rules/decider.h"
#include "core/trust/note.h"

namespace dml {
namespace {

constexpr size_t kMaxPrincipal = 512;
constexpr size_t kMaxTokenGrants = 64;
constexpr std::string_view kNamespaces = "namespaces/";
constexpr std::string_view kEnvironments = "environments/";

// What may be granted a role is what a caller can turn out to be (server/auth/authenticator.h):
// a grant to anything else would wait for nobody.
absl::Status CheckPrincipal(std::string_view principal) {
  const bool printable = std::ranges::all_of(principal, [](char c) { return c > ' ' && c < 0x7f; });
  const size_t hash = principal.find('#');
  const bool of_issuer = hash != std::string_view::npos && hash > 0 && hash + 1 < principal.size();
  if (principal.size() <= kMaxPrincipal && printable && (IsSpiffeId(principal) || of_issuer)) {
    return absl::OkStatus();
  }
  return AtField(InvalidArgument(ErrorReason("PRINCIPAL_INVALID"),
                                 "'{}' is no principal: it is a SPIFFE id such as "
                                 "spiffe://library.example/principals/pat, or ISSUER#SUBJECT of a "
                                 "JWT, of at most {} printable ASCII characters; dml auth whoami "
                                 "prints one's own",
                                 Excerpt(principal), kMaxPrincipal),
                 "principal");
}

}  // namespace

absl::Status Decider::operator()(const RootSet& p) const {
  if (p.move.has_value() && (!ValidateNoteKeyName(p.move->origin).ok() ||
                             !ValidateNoteKeyName(p.move->previous_origin).ok() ||
                             p.move->origin == p.move->previous_origin)) {
    return InvalidArgument(ErrorReason("ORIGIN_INVALID"),
                           "a journal goes on under another name than the one before, and both are "
                           "origins");
  }
  DML_ASSIGN_OR_RETURN(auto current, state_.FindRoot());
  if (!current.has_value() || p.version == current->version + 1) return absl::OkStatus();
  if (p.version == current->version && p.envelope == current->envelope) {
    return AlreadyExists(ErrorReason("ROOT_EXISTS"), "trust root {} is in force since entry {}",
                         p.version, current->index);
  }
  return FailedPrecondition(ErrorReason("ROOT_VERSION_UNEXPECTED"),
                            "after root {} comes root {}, not root {}", current->version,
                            current->version + 1, p.version);
}

absl::Status Decider::operator()(const DelegationSet& p) const {
  DML_ASSIGN_OR_RETURN(auto root, state_.FindRoot());
  if (!root.has_value()) {
    return FailedPrecondition(ErrorReason("ROOT_MISSING"), "the library has no trust root yet");
  }
  DML_ASSIGN_OR_RETURN(auto current, state_.FindDelegation(p.chain));
  if (!current.has_value() || p.version > current->version) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("DELEGATION_VERSION_UNEXPECTED"),
                            "delegation {} is at version {}; a new one has a higher version than "
                            "that, not {}",
                            fmt::join(p.chain, " > "), current->version, p.version);
}

absl::Status Decider::operator()(const KeyRegistered&) const {
  return FailedPrecondition(ErrorReason("ROOT_REQUIRED"),
                            "who may vouch is said by the trust root, and not by an entry");
}

absl::Status Decider::operator()(const KeyRevoked& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindKey(p.key_id));
  if (!found.has_value()) {
    return NotFound(ErrorReason("KEY_NOT_FOUND"), "no trust root has named a key {}",
                    p.key_id.hex());
  }
  if (found->revoked) {
    return FailedPrecondition(ErrorReason("KEY_REVOKED"), "key {} was revoked at index {}",
                              p.key_id.hex(), found->revoked_index);
  }
  return absl::OkStatus();
}

absl::Status Decider::CheckGrant(const AccessGrant& grant) const {
  if (!ParseRole(grant.role).has_value()) {
    return AtField(InvalidArgument(ErrorReason("ROLE_UNKNOWN"), "'{}' is no role; there are: {}",
                                   grant.role, RoleWords()),
                   "role");
  }
  if (grant.scope.empty()) return absl::OkStatus();
  if (grant.scope.starts_with(kNamespaces)) {
    return AtField(CheckNamespaceExists(std::string_view(grant.scope).substr(kNamespaces.size())),
                   "scope");
  }
  if (grant.scope.starts_with(kEnvironments)) {
    return AtField(
        CheckEnvironmentExists(std::string_view(grant.scope).substr(kEnvironments.size())),
        "scope");
  }
  return AtField(InvalidArgument(ErrorReason("SCOPE_INVALID"),
                                 "'{}' is no scope: it is empty (everything), namespaces/NAME, or "
                                 "environments/NAME",
                                 grant.scope),
                 "scope");
}

absl::Status Decider::operator()(const RoleGranted& p) const {
  DML_RETURN_IF_ERROR(CheckPrincipal(p.principal));
  if (p.principal.starts_with("token:")) {
    return AtField(InvalidArgument(ErrorReason("PRINCIPAL_INVALID"),
                                   "a token has the roles that it was issued with, and no more"),
                   "principal");
  }
  DML_RETURN_IF_ERROR(CheckGrant(p.grant));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindGrant(p.principal, p.grant));
  if (!found.has_value()) return absl::OkStatus();
  return AlreadyExists(ErrorReason("ROLE_GRANTED"), "{} has that role there since entry {}",
                       p.principal, found->index);
}

absl::Status Decider::operator()(const RoleRevoked& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindGrant(p.principal, p.grant));
  if (found.has_value()) return absl::OkStatus();
  return NotFound(ErrorReason("GRANT_NOT_FOUND"),
                  "no such role was granted to {}; a role that a certificate names ends with the "
                  "certificate",
                  p.principal);
}

absl::Status Decider::operator()(const TokenIssued& p) const {
  const bool hex = std::ranges::all_of(
      p.id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (p.id.size() != kTokenIdSize || !hex) {
    return InvalidArgument(ErrorReason("TOKEN_INVALID"), "a token's id is {} hex digits",
                           kTokenIdSize);
  }
  if (p.grants.empty() || p.grants.size() > kMaxTokenGrants) {
    return AtField(
        InvalidArgument(ErrorReason("ROLE_REQUIRED"), "name 1 to {} roles", kMaxTokenGrants),
        "grants");
  }
  for (const AccessGrant& grant : p.grants) {
    DML_RETURN_IF_ERROR(AtField(CheckGrant(grant), "grants"));
  }
  if (p.expires <= now_ || p.expires > now_ + kMaxTokenLife) {
    return AtField(InvalidArgument(ErrorReason("EXPIRY_INVALID"),
                                   "a token ends within {} days from now, not on {}",
                                   kMaxTokenLife.count(), FormatTime(p.expires)),
                   "expire_time");
  }
  DML_ASSIGN_OR_RETURN(auto found, state_.FindToken(p.id));
  if (!found.has_value()) return absl::OkStatus();
  return AlreadyExists(ErrorReason("TOKEN_EXISTS"), "there is a token {}", p.id);
}

absl::Status Decider::operator()(const TokenRevoked& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindToken(p.id));
  if (!found.has_value()) return NotFound(ErrorReason("TOKEN_NOT_FOUND"), "no token {}", p.id);
  if (!found->revoked) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("TOKEN_REVOKED"), "token {} was revoked at index {}", p.id,
                            found->revoked_index);
}

absl::Status Decider::operator()(const AuditRecorded& p) const {
  if (p.lines > 0 && p.head != Digest()) return absl::OkStatus();
  return InvalidArgument(ErrorReason("AUDIT_HEAD_INVALID"),
                         "an audit log without lines has no head to record");
}

absl::Status Decider::operator()(const LicenseDataSet& p) const {
  if (p.version.empty()) {
    return AtField(InvalidArgument(ErrorReason("LICENSE_DATA_INVALID"),
                                   "license data has a version, by which verdicts name it"),
                   "version");
  }
  DML_RETURN_IF_ERROR(CheckText(p.version, kMaxLicenseDataVersionBytes, "version"));
  if (p.revision == 0) {
    return AtField(
        InvalidArgument(ErrorReason("LICENSE_DATA_INVALID"), "revisions count from 1 on"),
        "revision");
  }
  DML_ASSIGN_OR_RETURN(auto current, state_.FindLicenseData(p.kind));
  if (!current.has_value() || p.revision > current->set.revision) return absl::OkStatus();
  if (p == current->set) {
    return AlreadyExists(ErrorReason("LICENSE_DATA_EXISTS"),
                         "license {} {} is in force since entry {}", LicenseDataKindName(p.kind),
                         p.version, current->index);
  }
  return FailedPrecondition(ErrorReason("LICENSE_DATA_REVISION_UNEXPECTED"),
                            "license {} is at revision {} (version {}); a new one has a higher "
                            "revision than that, not {}",
                            LicenseDataKindName(p.kind), current->set.revision,
                            current->set.version, p.revision);
}

}  // namespace dml
