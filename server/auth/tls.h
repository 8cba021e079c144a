// TLS of the daemon's gRPC server: version 1.3, and a client certificate of our authority from
// everyone.
#pragma once

#include <memory>

#include <grpcpp/security/server_credentials.h>

#include "server/auth/tls_store.h"

namespace dml {

/// gRPC 1.51 negotiates TLS 1.2 too and has no option against it; but a list of cipher suites
/// without any of 1.2 leaves 1.3 only. It is read once, so this must be called before the first use
/// of TLS in the process (it sets an environment variable: before other threads start).
void AllowOnlyTls13();

/// Credentials that take what the store holds at each new connection (docs/adr/0016). The store
/// must outlive the server, and the credentials must be kept as long as the server (ServerHost
/// does): gRPC asks them through a bare pointer.
/// Without `require_client_certificate` a client may show none; one that it shows must be good.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    const TlsStore& store, bool require_client_certificate = true);

}  // namespace dml
