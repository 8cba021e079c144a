#include "server/rpc/call_guard.h"

#include <algorithm>

#include <grpc/grpc_security_constants.h>
#include <spdlog/spdlog.h>

#include "core/crypto/random.h"

namespace dml {
namespace {

// The certificate that the peer showed in the TLS handshake, and what it sent with it; "" where
// there is none.
std::string PeerCertificate(const grpc::ServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return "";
  const auto values = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (values.size() != 1) return "";
  std::string out(values[0].data(), values[0].size());
  // Of a client, gRPC leaves its own certificate out here.
  for (const grpc::string_ref& sent :
       auth->FindPropertyValues(GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME)) {
    out.append(sent.data(), sent.size());
  }
  return out;
}

// The one header of this name; several are none that could be good.
std::optional<std::string> Header(const grpc::ServerContext& context, const char* name) {
  const auto [begin, end] = context.client_metadata().equal_range(name);
  if (begin == end) return std::nullopt;
  if (std::next(begin) != end) return "";
  return std::string(begin->second.data(), begin->second.size());
}

// That something is wrong with the daemon or its data, not with the call.
bool IsOwnFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kDataLoss ||
         code == absl::StatusCode::kUnknown;
}

std::string RolesOf(const RoleSet& roles) {
  std::string out;
  for (int i = 0; i < kRoleCount; ++i) {
    if (!roles.Has(static_cast<Role>(i))) continue;
    if (!out.empty()) out += ", ";
    out += RoleName(static_cast<Role>(i));
  }
  return out;
}

}  // namespace

Caller::Caller(Identity identity, const AuthorizationRow& row, std::string peer)
    : identity_(std::move(identity)), row_(&row), peer_(std::move(peer)) {
  for (const AccessGrant& grant : identity_.grants) {
    const std::optional<Role> role = ParseRole(grant.role);
    if (role.has_value() && row.roles.Has(*role)) scopes_.push_back(grant.scope);
  }
}

bool Caller::Has(Role role) const {
  return std::ranges::any_of(
      identity_.grants, [&](const AccessGrant& grant) { return grant.role == RoleName(role); });
}

bool Caller::Sees(std::string_view thing) const {
  judged_ = true;
  return std::ranges::any_of(scopes_, [&](const std::string& scope) {
    return thing.empty() ? scope.empty() : ScopeCovers(scope, thing);
  });
}

bool Caller::SeesNamespace(std::string_view ns) const {
  return Sees(fmt::format("namespaces/{}", ns));
}

absl::Status Caller::MayIn(std::string_view thing) const {
  if (Sees(thing)) return absl::OkStatus();
  return PermissionDenied(
      ErrorReason("ROLE_REQUIRED"),
      "{} demands one of the roles {}{}, which {} has not; ask an administrator (dml role grant, "
      "or a certificate that names it: dmld issue-certificate --role)",
      row_->method, RolesOf(row_->roles),
      thing.empty() ? std::string() : fmt::format(" in {}", thing), identity_.principal);
}

absl::Status Caller::MayInNamespace(std::string_view ns) const {
  return MayIn(fmt::format("namespaces/{}", ns));
}

absl::Status Caller::MayInEnvironment(std::string_view environment) const {
  return MayIn(fmt::format("environments/{}", environment));
}

absl::Status Caller::CheckJudged() const {
  if (judged_ || row_->scope == ScopeKind::kSelf || row_->scope == ScopeKind::kAny ||
      row_->scope == ScopeKind::kLibrary) {
    return absl::OkStatus();
  }
  return Internal(ErrorReason("SCOPE_NOT_JUDGED"), "{} did not look at the caller's scope",
                  row_->method);
}

CallScope CallGuard::Begin(grpc::ServerContext& context) const {
  std::optional<std::string> request = ReadRequestId(Header(context, "x-request-id").value_or(""));
  if (!request.has_value()) request = RandomHex(8);
  context.AddTrailingMetadata("x-request-id", *request);
  return CallScope(
      {*std::move(request), ReadTraceId(Header(context, "traceparent").value_or("")).value_or("")});
}

absl::StatusOr<Caller> CallGuard::Admit(const grpc::ServerContext& context,
                                        std::string_view full_method, std::string* principal) {
  return AdmitPeer(PeerCertificate(context), Header(context, "authorization"), full_method,
                   context.peer(), principal);
}

absl::StatusOr<Caller> CallGuard::AdmitPeer(std::string_view certificate_pem,
                                            std::optional<std::string_view> authorization,
                                            std::string_view full_method, std::string peer,
                                            std::string* principal) {
  DML_ASSIGN_OR_RETURN(Identity identity,
                       authenticator_.Authenticate(certificate_pem, authorization));
  if (principal != nullptr) *principal = identity.principal;
  const AuthorizationRow* row = FindAuthorization(full_method);
  if (row == nullptr) {
    return PermissionDenied(ErrorReason("METHOD_NOT_AUTHORIZED"),
                            "no role may call {}: it has no row in the authorization table",
                            full_method);
  }
  Caller caller(std::move(identity), *row, std::move(peer));
  if (row->scope == ScopeKind::kLibrary) DML_RETURN_IF_ERROR(caller.MayIn(""));
  if (row->scope != ScopeKind::kSelf && !caller.HasAny()) return caller.MayIn("");
  return caller;
}

void CallGuard::Finish(std::string_view method, std::string_view principal, std::string_view peer,
                       const absl::Status& status, std::chrono::steady_clock::duration took) {
  const bool refused = status.code() == absl::StatusCode::kUnauthenticated ||
                       status.code() == absl::StatusCode::kPermissionDenied;
  if (refused && hooks_.audit != nullptr) {
    hooks_.audit->Note({std::string(principal), std::string(peer), std::string(method),
                        std::string(Reason(status))});
  }
  if (hooks_.observer != nullptr) hooks_.observer->CallEnded({method, status, took});
  if (IsOwnFault(status.code())) {
    spdlog::error("call failed: method={} principal={} reason={}: {}", method, principal,
                  Reason(status), Message(status));
  }
  if (!spdlog::should_log(spdlog::level::debug)) return;
  spdlog::debug("call method={} principal={} code={} reason={} micros={}", method, principal,
                static_cast<int>(status.code()), status.ok() ? "-" : Reason(status),
                std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

}  // namespace dml
