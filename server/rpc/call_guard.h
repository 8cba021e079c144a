// The one place where a call is authenticated, authorized and logged.
//
// A caller is who its TLS client certificate says, and nothing else: metadata from the wire is
// never looked at. The connection's handshake has checked the certificate's signature; because
// connections outlive certificates, its dates are checked again for every call. Owned by the
// daemon; outlives the services. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/server_context.h>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "server/auth/authorization_table.h"
#include "server/rpc/status_codec.h"

namespace dml {

/// An authenticated and authorized caller.
struct Caller {
  std::string principal;    // Opaque: the SPIFFE id of the certificate.
  std::vector<Role> roles;  // As granted; use Has, which knows what includes what.
  std::string peer;         // Where the connection comes from, for logs: "ipv4:10.0.0.7:50412".

  bool Has(Role role) const;
};

struct CallGuardOptions {
  /// No TLS, loopback addresses only (the daemon sees to that): every caller is the principal
  /// "insecure-loopback" with all roles.
  bool insecure_loopback = false;
  std::function<std::chrono::sys_seconds()> clock;  // Empty: the wall clock.
};

class CallGuard {
 public:
  explicit CallGuard(CallGuardOptions options);

  /// Who calls, if they may. Permission comes before everything else, so that a stranger cannot
  /// tell missing from forbidden.
  ///   UNAUTHENTICATED: CERTIFICATE_REQUIRED, CERTIFICATE_INVALID (no clear identity),
  ///     CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID
  ///   PERMISSION_DENIED: ROLE_REQUIRED (names the role), METHOD_NOT_AUTHORIZED (not in the table)
  absl::StatusOr<Caller> Admit(const grpc::ServerContext& context, std::string_view full_method);

  /// Admit for a peer that showed this certificate over TLS ("" for none).
  absl::StatusOr<Caller> AdmitCertificate(std::string_view certificate_pem,
                                          std::string_view full_method, std::string peer);

 private:
  struct Identity;
  absl::StatusOr<std::shared_ptr<const Identity>> IdentityOf(std::string_view certificate_pem);

  const CallGuardOptions options_;

  absl::Mutex mutex_;
  // By digest of the PEM text; emptied when full, which only costs reading certificates anew.
  absl::flat_hash_map<Digest, std::shared_ptr<const Identity>> identities_ ABSL_GUARDED_BY(mutex_);
};

/// Writes one line at level debug: method, principal ("-" where not admitted), code, reason, time.
void LogCall(std::string_view method, const absl::StatusOr<Caller>& caller,
             const absl::Status& status, std::chrono::steady_clock::duration took);

/// A handler's frame: admits the caller, calls fn(const Caller&) -> absl::Status, logs, converts.
/// `method` is the full name as in the authorization table.
template <class Fn>
grpc::Status Handle(CallGuard& guard, grpc::ServerContext* context, const char* method, Fn&& fn) {
  auto start = std::chrono::steady_clock::now();
  absl::StatusOr<Caller> caller = guard.Admit(*context, method);
  absl::Status status = caller.ok() ? std::forward<Fn>(fn)(*caller) : caller.status();
  LogCall(method, caller, status, std::chrono::steady_clock::now() - start);
  return ToGrpc(status);
}

}  // namespace dml
