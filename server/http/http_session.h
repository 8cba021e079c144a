// One connection of the HTTP server: requests and answers, one after another.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
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
  std::map<boost::asio::ip::address, size_t> of_peers;  // Of the connections, who has how many.
  size_t answer_bytes = 0;                              // Under way.

  size_t ConnectionsOf(const boost::asio::ip::address& peer) const {
    auto it = of_peers.find(peer);
    return it == of_peers.end() ? 0 : it->second;
  }
};

/// Serves a connection to its end, as one of this peer. `over_limit`: answers 503 and closes. Never
/// throws but for memory.
boost::asio::awaitable<void> ServeConnection(boost::beast::tcp_stream stream,
                                             boost::asio::ip::address peer, HttpSessions& sessions,
                                             bool over_limit);

}  // namespace dml
