#include "server/http/http_session.h"

#include <ctime>
#include <optional>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <spdlog/spdlog.h>

#include "core/crypto/peer_certificate.h"

namespace dml {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Parser = http::request_parser<http::empty_body>;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// What is read of a peer that goes on sending after it was refused, so that it sees the answer.
constexpr size_t kMaxDrainedBytes = 256 << 10;
constexpr std::chrono::seconds kDrainTime{2};

// IMF-fixdate (RFC 9110 section 5.6.7).
std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

HttpAnswer Refusal(int status, std::string_view what) {
  return {status, fmt::format("{} {}\n", status, what)};
}

// What is wrong with the bytes of a request; nullopt where nobody is there to be told.
std::optional<HttpAnswer> RefusalFor(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refusal(431, "the request's header is too long");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  if (error.category() == beast::error_code(http::error::bad_method).category()) {
    return Refusal(400, "not an HTTP/1.1 request");
  }
  return std::nullopt;
}

// What is wrong with a request whose header was read; nullopt for nothing.
std::optional<HttpAnswer> CheckRequest(const Parser& parser) {
  const auto& request = parser.get();
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return Refusal(405, "only GET and HEAD");
  }
  if (parser.chunked() || parser.content_length().value_or(0) > 0) {
    return Refusal(400, "no request has a body here");
  }
  const auto hosts = request.equal_range(http::field::host);
  const auto count = std::distance(hosts.first, hosts.second);
  if (count > 1 || (count == 0 && request.version() >= 11)) {
    return Refusal(400, "not just one Host");
  }
  const auto target = request.target();
  if (target.empty() || target[0] != '/') return Refusal(400, "the target is no path");
  return std::nullopt;
}

// The one authorization header; several are none that could be good.
std::optional<std::string> Authorization(const http::fields& fields) {
  const auto [begin, end] = fields.equal_range(http::field::authorization);
  if (begin == end) return std::nullopt;
  if (std::next(begin) != end) return "";
  return std::string(begin->value());
}

// Counts while it lives.
class Share {
 public:
  Share(size_t& total, size_t bytes) : total_(total), bytes_(bytes) { total_ += bytes_; }
  ~Share() { total_ -= bytes_; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  size_t& total_;
  const size_t bytes_;
};

// A connection of a peer while it lives; of whoever has none any more, nothing is kept.
class PeerShare {
 public:
  PeerShare(HttpSessions& sessions, const asio::ip::address& peer)
      : peers_(sessions.of_peers), at_(peers_.try_emplace(peer, 0).first) {
    ++at_->second;
  }
  ~PeerShare() {
    if (--at_->second == 0) peers_.erase(at_);
  }
  PeerShare(const PeerShare&) = delete;
  PeerShare& operator=(const PeerShare&) = delete;

 private:
  std::map<asio::ip::address, size_t>& peers_;
  const std::map<asio::ip::address, size_t>::iterator at_;
};

template <typename Body>
void SetHeader(http::response<Body>& response, const HttpAnswer& answer, bool keep_alive) {
  response.set(http::field::date, HttpDate());
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, answer.cache_control);
  response.set("X-Content-Type-Options", "nosniff");
  if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
  if (answer.status == 503) response.set(http::field::retry_after, "5");
  response.content_length(answer.body.size());
  response.keep_alive(keep_alive);
}

// The talk over one stream, which is TLS or plain.
template <typename Stream>
class Conversation {
 public:
  Conversation(Stream& stream, HttpSessions& sessions, std::string certificate)
      : stream_(stream),
        sessions_(sessions),
        options_(sessions.options),
        certificate_(std::move(certificate)),
        buffer_(options_.max_header_bytes * 2) {}

  // Until the peer or its fault ends it.
  asio::awaitable<void> Run(bool over_limit) {
    beast::error_code none;
    const auto remote = beast::get_lowest_layer(stream_).socket().remote_endpoint(none);
    if (!none) peer_ = fmt::format("{}:{}", remote.address().to_string(), remote.port());
    const auto end = std::chrono::steady_clock::now() + options_.max_connection_age;
    bool open = true;
    while (open) {
      Parser parser;
      parser.header_limit(static_cast<uint32_t>(options_.max_header_bytes));
      Timeout(options_.idle);
      const auto [error, size] = co_await http::async_read_header(stream_, buffer_, parser, kAwait);
      std::optional<HttpAnswer> refusal = error ? RefusalFor(error) : CheckRequest(parser);
      if (error && !refusal.has_value()) co_return;
      if (!refusal.has_value() && over_limit) refusal = Refusal(503, "too many connections");
      const bool keep =
          !refusal.has_value() && parser.keep_alive() && std::chrono::steady_clock::now() < end;
      HttpAnswer answer = refusal.has_value() ? *std::move(refusal) : Ask(parser);
      open = co_await Send(std::move(answer), parser.get().method() == http::verb::head, keep);
    }
  }

  // What the peer still sends is taken in for a moment: closed over unread bytes, the connection
  // would be reset, and the answer lost.
  asio::awaitable<void> Drain() {
    Timeout(kDrainTime);
    std::string scratch(4096, '\0');
    for (size_t got = 0; got < kMaxDrainedBytes;) {
      const auto [error, size] = co_await stream_.async_read_some(asio::buffer(scratch), kAwait);
      if (error) co_return;
      got += size;
    }
  }

 private:
  template <typename Duration>
  void Timeout(Duration time) {
    beast::get_lowest_layer(stream_).expires_after(time);
  }

  HttpAnswer Ask(const Parser& parser) {
    const auto target = parser.get().target();
    HttpAnswer answer = sessions_.handler({std::string(target.data(), target.size()), certificate_,
                                           Authorization(parser.get()), peer_});
    if (sessions_.answer_bytes + answer.body.size() <= options_.max_answer_bytes ||
        sessions_.answer_bytes == 0) {
      return answer;
    }
    return Refusal(503, "too many answers are under way");
  }

  // Whether the connection can go on.
  asio::awaitable<bool> Send(HttpAnswer answer, bool head, bool keep) {
    const Share share(sessions_.answer_bytes, answer.body.size());
    Timeout(options_.grace +
            std::chrono::milliseconds(answer.body.size() * 1000 / options_.min_bytes_per_second));
    const auto status = static_cast<http::status>(answer.status);
    beast::error_code error;
    size_t sent = 0;
    if (head) {
      http::response<http::empty_body> response(status, 11);
      SetHeader(response, answer, keep);
      http::response_serializer<http::empty_body> serializer(response);
      std::tie(error, sent) = co_await http::async_write_header(stream_, serializer, kAwait);
    } else {
      http::response<http::string_body> response(status, 11);
      SetHeader(response, answer, keep);
      response.body() = std::move(answer.body);
      std::tie(error, sent) = co_await http::async_write(stream_, response, kAwait);
    }
    if (error) spdlog::debug("http peer={} ended while being sent to: {}", peer_, error.message());
    co_return keep && !error;
  }

  Stream& stream_;
  HttpSessions& sessions_;
  const HttpServerOptions& options_;
  const std::string certificate_;
  std::string peer_ = "?";
  beast::flat_buffer buffer_;
};

asio::awaitable<void> ServePlain(beast::tcp_stream& stream, HttpSessions& sessions,
                                 bool over_limit) {
  Conversation<beast::tcp_stream> talk(stream, sessions, "");
  co_await talk.Run(over_limit);
  beast::error_code ignored;
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (!ignored) co_await talk.Drain();
}

asio::awaitable<void> ServeTls(beast::tcp_stream plain, HttpSessions& sessions, bool over_limit) {
  const std::shared_ptr<asio::ssl::context> context = sessions.tls;
  beast::ssl_stream<beast::tcp_stream> stream(std::move(plain), *context);
  beast::get_lowest_layer(stream).expires_after(sessions.options.grace);
  const auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::server,
                                                         asio::as_tuple(asio::use_awaitable));
  if (refused) {
    spdlog::debug("http handshake: {}", refused.message());
    co_return;
  }
  Conversation<beast::ssl_stream<beast::tcp_stream>> talk(
      stream, sessions, PeerCertificatePem(stream.native_handle()));
  co_await talk.Run(over_limit);
  beast::get_lowest_layer(stream).expires_after(kDrainTime);
  co_await stream.async_shutdown(kAwait);
}

}  // namespace

asio::awaitable<void> ServeConnection(beast::tcp_stream stream, asio::ip::address peer,
                                      HttpSessions& sessions, bool over_limit) {
  const Share one(sessions.connections, 1);
  const PeerShare one_of_peer(sessions, peer);
  if (sessions.tls != nullptr) {
    co_await ServeTls(std::move(stream), sessions, over_limit);
  } else {
    co_await ServePlain(stream, sessions, over_limit);
  }
}

}  // namespace dml
