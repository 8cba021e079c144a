// A read-only HTTP/1.1 server (RFC 9110, 9112) on one thread of its own, over TLS 1.3.
//
// GET and HEAD, no request bodies, no compression, no ranges. Everything that a peer can make it
// hold is bounded: connections, header bytes, time to be sent a request and to be taken an answer,
// answers under way together. Answers 400 (malformed, or with a body), 405, 431 (header too long)
// and 503 (too many connections or answers) by itself; the rest is the handler's. Owned by the
// composition root.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "core/crypto/tls_material.h"
#include "server/config/server_config.h"
#include "server/http/http_message.h"

namespace dml {

struct HttpTls {
  /// What new connections are served with, never null: asked for at each of them, on the server's
  /// thread. Where TLS does not take it, what was in use before stays so.
  std::function<std::shared_ptr<const TlsMaterial>()> material;
  bool require_client_certificate = true;  // Else one is asked for, and must be good where shown.
};

struct HttpServerOptions {
  ListenAddress listen;        // Port 0: a free one.
  std::optional<HttpTls> tls;  // Without: plain HTTP.

  size_t max_connections = kMaxHttpConnections;  // More are answered 503, many more dropped.
  /// From one address, of which the first 64 bits count where it is of IPv6: whoever has one of
  /// those has them all. More are closed at once.
  size_t max_connections_per_address = 16;
  size_t max_header_bytes = 8 << 10;         // Request line and header of a request.
  size_t max_answer_bytes = 64 << 20;        // Of all answers under way, and one more.
  uint64_t min_bytes_per_second = 64 << 10;  // That a reader of an answer must take,
  std::chrono::milliseconds grace{10'000};   // beside this. Also for a handshake.
  std::chrono::milliseconds idle{30'000};    // Until a request is there as a whole.
  /// The answer after it is a connection's last, so that whoever reads on shows a certificate to
  /// the authorities of that time.
  std::chrono::milliseconds max_connection_age{3'600'000};
};

class HttpServer {
 public:
  /// Listens when it returns. INVALID_ARGUMENT (TLS_FILES_INVALID); FAILED_PRECONDITION
  /// (LISTEN_FAILED) where the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                           HttpHandler handler);
  /// Drops all connections.
  ~HttpServer();

  /// With the port that it got.
  const ListenAddress& address() const;

 private:
  class Loop;
  explicit HttpServer(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace dml
