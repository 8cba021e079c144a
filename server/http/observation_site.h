// What a supervisor and a monitoring system ask over HTTP.
//
//   /metrics   figures in Prometheus' text format (server/runtime/metrics.h)
//   /healthz   200: the process answers; asks for no role
//   /readyz    200, or 503 with the reason why calls would fail
//
// On a loopback address it is plain HTTP, open to whoever is on this machine. Anywhere else it is
// TLS, and callers are judged as for gRPC, unless it is opened explicitly (observation.anonymous).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/auth/tls_store.h"
#include "server/config/server_config.h"
#include "server/http/http_message.h"
#include "server/http/http_server.h"
#include "server/rpc/call_guard.h"

namespace dml {

struct ObservationParts {
  std::function<std::string()> metrics;
  std::function<absl::Status()> ready;  // OK, or why not; its message is shown.
  bool open = false;                    // Nobody is asked for a role.
};

/// Thread-safe as far as its parts are. Borrows the guard.
class ObservationSite {
 public:
  ObservationSite(CallGuard& guard, ObservationParts parts)
      : guard_(guard), parts_(std::move(parts)) {}

  HttpAnswer Answer(const HttpRequest& request) const;

 private:
  absl::Status Admit(const HttpRequest& request, std::string_view resource) const;

  CallGuard& guard_;
  const ObservationParts parts_;
};

/// Serves the site as configured; null where nothing is. `open` of the parts is set here, by the
/// address. `tls` null: the daemon serves without TLS. Both must outlive the server. Errors of
/// HttpServer::Start.
absl::StatusOr<std::unique_ptr<HttpServer>> StartObservation(const ServerConfig& config,
                                                             const TlsStore* tls, CallGuard& guard,
                                                             ObservationParts parts);

}  // namespace dml
