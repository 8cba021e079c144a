// Fetching a log's resources over HTTP(S), from a server that need not be trusted.
//
// Every answer is bounded in bytes and time, a server that trickles is given up on, and nothing of
// what it says is followed: no redirects, no other hosts, no compression, no cookies. What the
// bytes are worth is for core/tlog to find out. The only place that uses libcurl.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

struct HttpLogOptions {
  std::string url;     // "https://library.example:7480", with a path before those of tiles.
  std::string ca_pem;  // Trusted for the server's certificate; "": the system's.
  std::string certificate_pem;  // Who we are; "" where nobody asks.
  std::string private_key_pem;
  std::string token;  // Sent as a bearer token (RFC 6750), over https alone; "": none.
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{120'000};  // Of one answer as a whole.
  std::chrono::seconds stall{10};              // Below min_bytes_per_second for so long ends it.
  long min_bytes_per_second = 1024;
};

struct HttpReply {
  long status = 0;
  std::string body;
};

/// One thread at a time; keeps its connection.
class HttpLog {
 public:
  /// INVALID_ARGUMENT (ARGUMENT_INVALID) for a URL that is not http or https with a host and
  /// without query, and for a token that is none, or that would be sent without TLS.
  static absl::StatusOr<std::unique_ptr<HttpLog>> Create(HttpLogOptions options);
  ~HttpLog();

  /// The body of the answer to GET <url>/<path>, `path` made by us: it is not escaped.
  ///   NOT_FOUND (HTTP_NOT_FOUND), UNAUTHENTICATED and PERMISSION_DENIED (HTTP_REFUSED): the server
  ///     says so; UNAVAILABLE (HTTP_UNAVAILABLE): not reached, too slow, or it says 429 or 5xx;
  ///   DATA_LOSS (HTTP_TOO_LARGE): more than `max_bytes`, of which no more was read;
  ///   FAILED_PRECONDITION (HTTP_UNEXPECTED): any other status, TLS that does not hold among them.
  absl::StatusOr<std::string> Get(std::string_view path, size_t max_bytes);

  /// The answer to POST <url>/<path> with a body of plain text, whatever its status is.
  /// HTTP_UNAVAILABLE, HTTP_TOO_LARGE and, of TLS, HTTP_UNEXPECTED as above.
  absl::StatusOr<HttpReply> Post(std::string_view path, const std::string& body, size_t max_bytes);

 private:
  absl::StatusOr<HttpReply> Perform(const std::string& url, size_t max_bytes);
  std::string UrlOf(std::string_view path) const;

  struct Handle;
  HttpLog(HttpLogOptions options, std::unique_ptr<Handle> handle);

  const HttpLogOptions options_;
  const std::unique_ptr<Handle> handle_;
};

}  // namespace dml
