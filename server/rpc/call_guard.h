// The one place where a call is authenticated, authorized and logged, and a refusal audited.
//
// Owned by the daemon; outlives the services. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grpcpp/server_context.h>

#include "core/base/status.h"
#include "server/audit/audit_log.h"
#include "server/auth/authenticator.h"
#include "server/auth/authorization_table.h"
#include "server/rpc/status_codec.h"
#include "server/runtime/call_scope.h"
#include "server/runtime/observer.h"

namespace dml {

/// An authenticated caller with what it may do in this call. A handler of a method whose scope is a
/// namespace or environment asks MayIn or Sees about each that its request names; one that asks
/// neither gets no answer through.
class Caller {
 public:
  Caller(Identity identity, const AuthorizationRow& row, std::string peer);

  const std::string& principal() const { return identity_.principal; }
  const Identity& identity() const { return identity_; }
  const std::string& peer() const { return peer_; }  // For logs: "ipv4:10.0.0.7:50412".

  /// Whether a role was granted anywhere.
  bool Has(Role role) const;
  /// Whether any grant is for this call.
  bool HasAny() const { return !scopes_.empty(); }
  /// Whether a grant for this call covers a thing ("namespaces/N", "environments/E").
  bool Sees(std::string_view thing) const;
  bool SeesNamespace(std::string_view ns) const;
  /// That the handler shows of a list only what Sees says, of which there may be nothing.
  void WillSeeEach() const { judged_ = true; }
  /// Whether a grant for this call covers everything.
  bool SeesAll() const { return Sees(""); }
  /// PERMISSION_DENIED (ROLE_REQUIRED), the same whether the thing is there or not.
  absl::Status MayIn(std::string_view thing) const;
  absl::Status MayInNamespace(std::string_view ns) const;
  absl::Status MayInEnvironment(std::string_view environment) const;

  /// That the scope of the method was judged. INTERNAL (SCOPE_NOT_JUDGED) otherwise.
  absl::Status CheckJudged() const;

 private:
  Identity identity_;
  const AuthorizationRow* row_;
  std::vector<std::string> scopes_;  // Of the grants of the method's roles.
  std::string peer_;
  mutable bool judged_ = false;
};

/// What the guard tells and asks besides; each may be null. All must outlive it.
struct CallHooks {
  AuditLog* audit = nullptr;     // Keeps refusals.
  Observer* observer = nullptr;  // Is told of every call's end.
};

class CallGuard {
 public:
  /// All must outlive it.
  explicit CallGuard(Authenticator& authenticator, CallHooks hooks = {})
      : authenticator_(authenticator), hooks_(hooks) {}

  /// Names the call, for its log lines, by what the caller sent along (x-request-id, traceparent;
  /// see call_scope.h). The id goes back to the caller as trailing metadata x-request-id.
  CallScope Begin(grpc::ServerContext& context) const;

  /// Who calls, if they may. Permission comes before everything else, so that a stranger cannot
  /// tell missing from forbidden. The errors of Authenticator::Authenticate; PERMISSION_DENIED:
  /// ROLE_REQUIRED (names the roles; never of ScopeKind::kSelf), METHOD_NOT_AUTHORIZED (not in the
  /// table). `principal`, where it is not null, becomes who calls, once that is known: also of one
  /// who may not.
  absl::StatusOr<Caller> Admit(const grpc::ServerContext& context, std::string_view full_method,
                               std::string* principal = nullptr);

  /// Admit for a peer that showed this certificate over TLS ("" for none; others of its chain may
  /// follow) and this authorization header.
  absl::StatusOr<Caller> AdmitPeer(std::string_view certificate_pem,
                                   std::optional<std::string_view> authorization,
                                   std::string_view full_method, std::string peer,
                                   std::string* principal = nullptr);

  /// That a call has ended. Writes one line at level debug: method, principal, code, reason, time;
  /// at level error where it is the daemon's own fault. A refusal goes to the audit log:
  /// UNAUTHENTICATED or PERMISSION_DENIED, whoever said so.
  void Finish(std::string_view method, std::string_view principal, std::string_view peer,
              const absl::Status& status, std::chrono::steady_clock::duration took);

 private:
  Authenticator& authenticator_;
  const CallHooks hooks_;
};

/// The principal of callers whom nobody knows.
inline constexpr char kUnknownPrincipal[] = "-";

/// A handler's frame: admits the caller, calls fn(const Caller&) -> absl::Status, logs, converts.
/// `method` is the full name as in the authorization table.
template <class Fn>
grpc::Status Handle(CallGuard& guard, grpc::ServerContext* context, const char* method, Fn&& fn) {
  const CallScope scope = guard.Begin(*context);
  auto start = std::chrono::steady_clock::now();
  std::string principal = kUnknownPrincipal;
  absl::StatusOr<Caller> caller = guard.Admit(*context, method, &principal);
  absl::Status status = caller.ok() ? std::forward<Fn>(fn)(*caller) : caller.status();
  if (status.ok()) status = caller->CheckJudged();
  guard.Finish(method, principal, caller.ok() ? caller->peer() : context->peer(), status,
               std::chrono::steady_clock::now() - start);
  return ToGrpc(status);
}

}  // namespace dml
