// What the HTTP server and the resources behind it say to each other.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace dml {

/// A GET or HEAD request whose form is good.
struct HttpRequest {
  std::string target;           // As it came: nothing in it has been decoded.
  std::string certificate_pem;  // That the peer showed over TLS, then its chain; "" for none.
  std::optional<std::string> authorization;  // The header; "" for several, which none could be.
  std::string peer;                          // For logs: "10.0.0.7:50412".
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::string cache_control = "no-store";
};

/// Called by the server's one thread; may block on storage for milliseconds.
using HttpHandler = std::function<HttpAnswer(const HttpRequest&)>;

}  // namespace dml
