#include "server/rpc/call_guard.h"

#include <algorithm>

#include <grpc/grpc_security_constants.h>
#include <spdlog/spdlog.h>

#include "core/base/time.h"
#include "core/crypto/sha256.h"
#include "core/crypto/x509.h"

namespace dml {
namespace {

constexpr size_t kMaxCachedIdentities = 1024;

std::chrono::sys_seconds WallClockSeconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

CallGuardOptions WithClock(CallGuardOptions options) {
  if (!options.clock) options.clock = WallClockSeconds;
  return options;
}

// The certificate that the peer showed in the TLS handshake; "" where there is none.
std::string PeerCertificate(const grpc::ServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return "";
  const auto values = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (values.size() != 1) return "";
  return std::string(values[0].data(), values[0].size());
}

absl::Status CheckRole(const Caller& caller, std::string_view full_method) {
  const std::optional<Role> required = RequiredRole(full_method);
  if (!required) {
    return PermissionDenied(ErrorReason("METHOD_NOT_AUTHORIZED"),
                            "no role may call {}: it has no row in the authorization table",
                            full_method);
  }
  if (caller.Has(*required)) return absl::OkStatus();
  return PermissionDenied(
      ErrorReason("ROLE_REQUIRED"),
      "{} demands role {}, which the certificate of {} does not grant; ask an administrator for "
      "one that does (dmld issue-certificate --role {})",
      full_method, RoleName(*required), caller.principal, RoleName(*required));
}

}  // namespace

struct CallGuard::Identity {
  std::string principal;
  std::vector<Role> roles;
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
};

bool Caller::Has(Role role) const {
  return std::any_of(roles.begin(), roles.end(), [role](Role granted) { return granted >= role; });
}

CallGuard::CallGuard(CallGuardOptions options) : options_(WithClock(std::move(options))) {}

absl::StatusOr<Caller> CallGuard::Admit(const grpc::ServerContext& context,
                                        std::string_view full_method) {
  if (options_.insecure_loopback) {
    Caller caller{
        "insecure-loopback", {Role::kReader, Role::kPublisher, Role::kAdmin}, context.peer()};
    DML_RETURN_IF_ERROR(CheckRole(caller, full_method));
    return caller;
  }
  return AdmitCertificate(PeerCertificate(context), full_method, context.peer());
}

absl::StatusOr<Caller> CallGuard::AdmitCertificate(std::string_view certificate_pem,
                                                   std::string_view full_method, std::string peer) {
  if (certificate_pem.empty()) {
    return Unauthenticated(ErrorReason("CERTIFICATE_REQUIRED"),
                           "{} demands a client certificate, and the connection showed none; name "
                           "one in the client profile",
                           full_method);
  }
  DML_ASSIGN_OR_RETURN(std::shared_ptr<const Identity> identity, IdentityOf(certificate_pem));
  const std::chrono::sys_seconds now = options_.clock();
  if (now > identity->not_after) {
    return Unauthenticated(ErrorReason("CERTIFICATE_EXPIRED"),
                           "the certificate of {} ended at {}; ask an administrator for a new one",
                           identity->principal, FormatTime(identity->not_after));
  }
  if (now < identity->not_before) {
    return Unauthenticated(
        ErrorReason("CERTIFICATE_NOT_YET_VALID"),
        "the certificate of {} is good from {} only; compare the clocks of client and server",
        identity->principal, FormatTime(identity->not_before));
  }
  Caller caller{identity->principal, identity->roles, std::move(peer)};
  DML_RETURN_IF_ERROR(CheckRole(caller, full_method));
  return caller;
}

absl::StatusOr<std::shared_ptr<const CallGuard::Identity>> CallGuard::IdentityOf(
    std::string_view certificate_pem) {
  const Digest digest = Sha256(certificate_pem);
  {
    absl::MutexLock lock(&mutex_);
    auto found = identities_.find(digest);
    if (found != identities_.end()) return found->second;
  }
  absl::StatusOr<CertificateIdentity> parsed = ParseClientIdentity(certificate_pem);
  if (!parsed.ok()) {
    return MakeError(absl::StatusCode::kUnauthenticated, ErrorReason("CERTIFICATE_INVALID"),
                     Message(parsed.status()));
  }
  auto identity = std::make_shared<Identity>();
  identity->principal = parsed->spiffe_id;
  identity->not_before = parsed->not_before;
  identity->not_after = parsed->not_after;
  for (const std::string& unit : parsed->organizational_units) {
    if (auto role = ParseRole(unit)) identity->roles.push_back(*role);
  }
  absl::MutexLock lock(&mutex_);
  if (identities_.size() >= kMaxCachedIdentities) identities_.clear();
  identities_[digest] = identity;
  return identity;
}

void LogCall(std::string_view method, const absl::StatusOr<Caller>& caller,
             const absl::Status& status, std::chrono::steady_clock::duration took) {
  if (!spdlog::should_log(spdlog::level::debug)) return;
  spdlog::debug("call method={} principal={} code={} reason={} micros={}", method,
                caller.ok() ? caller->principal : "-", static_cast<int>(status.code()),
                status.ok() ? "-" : Reason(status),
                std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

}  // namespace dml
