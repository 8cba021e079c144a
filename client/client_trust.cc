// The trust root, keys, roles and tokens.
#include <algorithm>

#include "client/calls.h"
#include "client/client.h"
#include "client/signing_keys.h"
#include "client/trust_memory.h"
#include "core/trust/root_edit.h"
#include "core/wire/api_trust.h"
#include "dml/v1/access.grpc.pb.h"
#include "dml/v1/key.grpc.pb.h"
#include "dml/v1/trust.grpc.pb.h"

namespace dml {
namespace {

using Trusts = v1::TrustService::Stub;
using Keys = v1::KeyService::Stub;
using Access = v1::AccessService::Stub;

constexpr int kDocumentsPage = 64;
constexpr int kKeysPage = 500;
constexpr size_t kMaxKeys = 100'000;
constexpr size_t kMaxDelegationDocuments = 4096;

absl::StatusOr<std::vector<DsseEnvelope>> FetchDelegations(Connection& connection) {
  std::vector<DsseEnvelope> out;
  v1::ListDelegationsRequest request;
  request.set_page_size(kDocumentsPage);
  do {
    DML_ASSIGN_OR_RETURN(auto response, connection.Call(&Trusts::ListDelegations, request));
    for (const auto& document : response.delegations()) {
      if (out.size() == kMaxDelegationDocuments) return BadAnswer("too many delegations");
      DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, Answered(ParseEnvelope(document.envelope())));
      out.push_back(std::move(envelope));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

absl::Status SignRoot(const TrustRoot& root, std::span<const Signer* const> keys,
                      std::string& envelope) {
  DML_ASSIGN_OR_RETURN(std::string text, FormatTrustRoot(root));
  DML_ASSIGN_OR_RETURN(DsseEnvelope signed_root, SignEnvelope(kTrustRootPayloadType, text, keys));
  envelope = FormatEnvelope(signed_root);
  return absl::OkStatus();
}

constexpr auto kRead = [](const auto& item) { return wire::From(item); };

}  // namespace

absl::StatusOr<Trust> Client::GetTrust(bool expired_too) {
  Connection& connection = this->connection();
  DML_ASSIGN_OR_RETURN(RememberedRoot at, connection.WalkToNewestRoot(expired_too));
  DML_ASSIGN_OR_RETURN(auto delegations, FetchDelegations(connection));
  Trust out;
  std::set<Digest> revoked;
  ListOptions options{.page_size = kKeysPage};
  size_t seen = 0;
  do {
    DML_ASSIGN_OR_RETURN(ListPage<KeyRecord> page, ListKeys(options));
    seen += page.items.size();
    for (KeyRecord& key : page.items) {
      if (!key.revoked) continue;
      revoked.insert(Sha256(key.spki));
      out.revoked.push_back(std::move(key));
    }
    options.page_token = page.next_page_token;
  } while (!options.page_token.empty() && seen < kMaxKeys);
  out.root = std::move(at.trusted);
  out.envelope = std::move(at.envelope);
  out.domain = std::make_shared<const TrustDomain>(
      TrustDomain::Assemble(out.root.root, delegations, WallClockNow(), revoked));
  return out;
}

absl::StatusOr<Committed<uint64_t>> Client::SetRoot(const std::string& envelope,
                                                    const MutationOptions& options) {
  v1::SetRootRequest request;
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(
      auto done, Mutate<RootSet>(connection(), &Trusts::SetRoot, std::move(request), options));
  return Committed<uint64_t>{done.response.root().version(), std::move(done.commit)};
}

absl::StatusOr<Committed<uint64_t>> Client::SetDelegation(const std::string& envelope,
                                                          const MutationOptions& options) {
  v1::SetDelegationRequest request;
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<DelegationSet>(connection(), &Trusts::SetDelegation,
                                                        std::move(request), options));
  return Committed<uint64_t>{done.response.delegation().version(), std::move(done.commit)};
}

absl::StatusOr<TrustRoot> Client::DraftRegistration(const KeyRegistration& registration) {
  DML_ASSIGN_OR_RETURN(Trust trust, GetTrust());
  TrustRoot next = trust.root.root;
  ++next.version;
  next.previous_origin.clear();
  for (const std::string& word : registration.roles) {
    absl::StatusOr<SigningRole> role = ParseSigningRole(word);
    if (!role.ok()) return AtField(role.status(), "roles");
    for (const std::string& ns : registration.namespaces) {
      if (ns != "*") DML_RETURN_IF_ERROR(AtField(GetNamespace(ns).status(), "namespaces"));
      DML_RETURN_IF_ERROR(GivePackages(next, registration.key, *role, ns));
    }
  }
  if (next.keys == trust.root.root.keys && next.roles == trust.root.root.roles &&
      next.delegations == trust.root.root.delegations) {
    return AlreadyExists(ErrorReason("KEY_EXISTS"),
                         "trust root {} lets key {} vouch for that already",
                         trust.root.root.version, registration.key.key.id().ToString());
  }
  return next;
}

absl::StatusOr<Committed<KeyRecord>> Client::RegisterKey(const KeyRegistration& registration,
                                                         std::span<const Signer* const> root_keys,
                                                         const MutationOptions& options) {
  DML_ASSIGN_OR_RETURN(TrustRoot next, DraftRegistration(registration));
  std::string envelope;
  DML_ASSIGN_OR_RETURN(const SchemedSigners signers, SignersFor(*this, root_keys));
  DML_RETURN_IF_ERROR(SignRoot(next, signers.get(), envelope));
  DML_ASSIGN_OR_RETURN(Committed<uint64_t> done, SetRoot(envelope, options));
  DML_ASSIGN_OR_RETURN(KeyRecord record, GetKey(registration.key.key.id()));
  return Committed<KeyRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<KeyRecord> Client::GetKey(const Digest& id) {
  v1::GetKeyRequest request;
  request.set_name(wire::KeyResource(id));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Keys::GetKey, request));
  return Answered(wire::From(response.key()));
}

absl::StatusOr<ListPage<KeyRecord>> Client::ListKeys(const ListOptions& options) {
  v1::ListKeysRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Keys::ListKeys, request));
  return ReadPage<KeyRecord>(response.keys(), response.next_page_token());
}

absl::StatusOr<Committed<KeyRecord>> Client::RevokeKey(const Digest& id, const std::string& reason,
                                                       const MutationOptions& options) {
  v1::RevokeKeyRequest request;
  request.set_name(wire::KeyResource(id));
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(
      auto done, Mutate<KeyRevoked>(connection(), &Keys::RevokeKey, std::move(request), options));
  DML_ASSIGN_OR_RETURN(KeyRecord record, Answered(wire::From(done.response.key())));
  return Committed<KeyRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<ListPage<KeySignature>> Client::ListSignatures(const Digest& id,
                                                              const ListOptions& options) {
  v1::ListSignaturesRequest request;
  request.set_key(wire::KeyResource(id));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Keys::ListSignatures, request));
  ListPage<KeySignature> out;
  out.next_page_token = response.next_page_token();
  for (const v1::Signature& item : response.signatures()) {
    DML_ASSIGN_OR_RETURN(VariantName variant, Answered(VariantName::Parse(item.variant())));
    DML_ASSIGN_OR_RETURN(Digest envelope, Answered(Digest::Parse(item.envelope())));
    out.items.push_back({std::move(variant), item.index(), envelope});
  }
  return out;
}

absl::StatusOr<CallerIdentity> Client::WhoAmI() {
  absl::StatusOr<v1::WhoAmIResponse> answer =
      connection().Call(&Access::WhoAmI, v1::WhoAmIRequest());
  // Who has no role may not ask for the log, and so cannot tell whose library it is; who they are
  // to it they may know all the same.
  if (Reason(answer.status()) == "ROLE_REQUIRED") {
    answer = connection().CallAnyLog(&Access::WhoAmI, v1::WhoAmIRequest());
  }
  DML_ASSIGN_OR_RETURN(const v1::WhoAmIResponse response, std::move(answer));
  CallerIdentity out{response.principal(), response.method(), response.display_name(), {}, {}};
  for (const v1::AccessGrant& grant : response.grants()) out.grants.push_back(wire::From(grant));
  if (response.has_expire_time()) out.expires = wire::From(response.expire_time());
  return out;
}

absl::StatusOr<std::vector<MethodPermission>> Client::ListPermissions() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Access::ListPermissions, v1::ListPermissionsRequest()));
  std::vector<MethodPermission> out;
  for (const v1::Permission& item : response.permissions()) {
    out.push_back({item.method(), {item.roles().begin(), item.roles().end()}, item.scope()});
  }
  return out;
}

absl::StatusOr<Commit> Client::GrantRole(const std::string& principal, const AccessGrant& grant,
                                         const MutationOptions& options) {
  v1::GrantRoleRequest request;
  request.set_principal(principal);
  wire::To(grant, request.mutable_grant());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<RoleGranted>(connection(), &Access::GrantRole,
                                                      std::move(request), options));
  return std::move(done.commit);
}

absl::StatusOr<Commit> Client::RevokeRole(const std::string& principal, const AccessGrant& grant,
                                          const std::string& reason,
                                          const MutationOptions& options) {
  v1::RevokeRoleRequest request;
  request.set_principal(principal);
  wire::To(grant, request.mutable_grant());
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<RoleRevoked>(connection(), &Access::RevokeRole,
                                                      std::move(request), options));
  return std::move(done.commit);
}

absl::StatusOr<ListPage<GrantRecord>> Client::ListGrants(const ListOptions& options) {
  v1::ListGrantsRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Access::ListGrants, request));
  return ReadPageBy<GrantRecord>(response.grants(), response.next_page_token(), kRead);
}

absl::StatusOr<Committed<IssuedToken>> Client::IssueToken(const std::vector<AccessGrant>& grants,
                                                          Timestamp expires,
                                                          const MutationOptions& options) {
  v1::IssueTokenRequest request;
  for (const AccessGrant& grant : grants) wire::To(grant, request.add_grants());
  wire::To(expires, request.mutable_expire_time());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<TokenIssued>(connection(), &Access::IssueToken,
                                                      std::move(request), options));
  return Committed<IssuedToken>{{wire::From(done.response.token()), done.response.secret()},
                                std::move(done.commit)};
}

absl::StatusOr<Commit> Client::RevokeToken(const std::string& id, const std::string& reason,
                                           const MutationOptions& options) {
  v1::RevokeTokenRequest request;
  request.set_id(id);
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<TokenRevoked>(connection(), &Access::RevokeToken,
                                                       std::move(request), options));
  return std::move(done.commit);
}

absl::StatusOr<ListPage<TokenRecord>> Client::ListTokens(const ListOptions& options) {
  v1::ListTokensRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Access::ListTokens, request));
  return ReadPageBy<TokenRecord>(response.tokens(), response.next_page_token(), kRead);
}

absl::Status Client::SetPrincipalName(const std::string& principal,
                                      const std::string& display_name) {
  v1::SetPrincipalNameRequest request;
  request.mutable_name()->set_principal(principal);
  request.mutable_name()->set_display_name(display_name);
  return connection().Call(&Access::SetPrincipalName, request).status();
}

absl::StatusOr<ListPage<NamedPrincipal>> Client::ListPrincipalNames(const ListOptions& options) {
  v1::ListPrincipalNamesRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Access::ListPrincipalNames, request));
  ListPage<NamedPrincipal> out;
  for (const v1::PrincipalName& item : response.names()) {
    out.items.push_back({item.principal(), item.display_name()});
  }
  out.next_page_token = response.next_page_token();
  return out;
}

}  // namespace dml
