// The log over HTTP: what auditors read who do not speak gRPC (c2sp.org/tlog-tiles).
//
//   /checkpoint             the newest checkpoint, with what witnesses say of it
//   /checkpoint/cosigned    the one of the recent checkpoints that most witnesses have cosigned
//   /tile/...               tiles and entry bundles (core/tlog/tile.h)
//   /healthz                that the process answers; asks for no role
//   /readyz                 that the library can be written to
//
// A target is looked up as it came, among these: nothing of it is decoded, or made a path of. What
// a resource demands is in the authorization table under "/http/...".
#pragma once

#include <memory>

#include "server/auth/tls_store.h"
#include "server/config/server_config.h"
#include "server/http/http_message.h"
#include "server/http/http_server.h"
#include "server/rpc/call_guard.h"
#include "storage/library/library.h"

namespace dml {

struct LogSiteOptions {
  bool insecure_loopback = false;  // No TLS: everybody may read.
  bool public_log = false;         // Checkpoints and tiles without a certificate.
};

/// Thread-safe. Borrows library and guard.
class LogSite {
 public:
  LogSite(Library& library, CallGuard& guard, LogSiteOptions options)
      : library_(library), guard_(guard), options_(options) {}

  HttpAnswer Answer(const HttpRequest& request);

 private:
  absl::Status Admit(const HttpRequest& request, std::string_view resource);

  Library& library_;
  CallGuard& guard_;
  const LogSiteOptions options_;
};

/// Serves the site as configured, over TLS with what `tls` holds (null: without TLS); null where no
/// HTTP is. Errors of HttpServer::Start. `tls` must outlive the server.
absl::StatusOr<std::unique_ptr<HttpServer>> StartHttp(const ServerConfig& config,
                                                      const TlsStore* tls, Library& library,
                                                      CallGuard& guard);

}  // namespace dml
