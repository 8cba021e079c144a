// One connection of the HTTP server: requests and answers, one after another.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "server/http/http_server.h"

namespace dml {

/// What the sessions of a server share. One thread.
struct HttpSessions {
  const HttpServerOptions& options;
  const HttpHandler& handler;
  std::shared_ptr<boost::asio::ssl::context> tls;  // Of new connections; null: plain HTTP.
  size_t connections = 0;
  size_t answer_bytes = 0;  // Under way.
};

/// Serves a connection to its end. `over_limit`: answers 503 and closes. Never throws but for
/// memory.
boost::asio::awaitable<void> ServeConnection(boost::beast::tcp_stream stream,
                                             HttpSessions& sessions, bool over_limit);

}  // namespace dml
