#include "server/http/http_server.h"

#include <algorithm>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "server/http/http_session.h"

namespace dml {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Connections above the limit that are still told so.
constexpr size_t kToldOfLimit = 16;
// Out of descriptors: until some may have been given back.
constexpr std::chrono::milliseconds kAcceptPause{100};

absl::Status TlsInvalid(std::string_view what, const error_code& error) {
  return InvalidArgument(ErrorReason("TLS_FILES_INVALID"), "TLS of the HTTP server: {}: {}", what,
                         error.message());
}

absl::StatusOr<std::shared_ptr<ssl::context>> MakeContext(const TlsMaterial& material,
                                                          bool require_client_certificate) {
  auto context = std::make_shared<ssl::context>(ssl::context::tlsv13_server);
  error_code error;
  context->use_certificate_chain(asio::buffer(material.certificate_chain), error);
  if (error) return TlsInvalid("certificate", error);
  context->use_private_key(asio::buffer(material.private_key), ssl::context::pem, error);
  if (error) return TlsInvalid("private key", error);
  context->add_certificate_authority(asio::buffer(material.client_authorities), error);
  if (error) return TlsInvalid("authority of clients", error);
  const int required = require_client_certificate ? ssl::verify_fail_if_no_peer_cert : 0;
  context->set_verify_mode(ssl::verify_peer | required, error);
  if (error) return TlsInvalid("verification", error);
  // No resumption: each connection shows its certificate anew.
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  return context;
}

// Whose connection it is, for the limit of each: a network of IPv6 is one peer.
asio::ip::address PeerOf(const asio::ip::address& address) {
  if (address.is_v4()) return address;
  asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
  asio::ip::address_v6::bytes_type bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes);
}

absl::Status ListenFailed(const ListenAddress& address, const error_code& error) {
  return FailedPrecondition(ErrorReason("LISTEN_FAILED"),
                            "cannot listen on {} for HTTP: {}; free it, or set http.listen",
                            address.ToString(), error.message());
}

}  // namespace

class HttpServer::Loop {
 public:
  Loop(HttpServerOptions options, HttpHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)), sessions_{options_, handler_} {}

  ~Loop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start() {
    DML_RETURN_IF_ERROR(RenewTls());
    error_code error;
    const tcp::endpoint at(asio::ip::make_address(options_.listen.host, error),
                           static_cast<uint16_t>(options_.listen.port));
    if (!error) acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) options_.listen.port = acceptor_.local_endpoint(error).port();
    if (error) return ListenFailed(options_.listen, error);
    asio::co_spawn(context_, Accept(), Report);
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  const ListenAddress& address() const { return options_.listen; }

 private:
  // The libraries below throw only where memory ends: that ends one connection.
  static void Report(const std::exception_ptr& error) {
    if (error == nullptr) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& thrown) {
      spdlog::error("http: a connection ended: {}", thrown.what());
    }
  }

  // Where there is other material than what the context of new connections was made of.
  absl::Status RenewTls() {
    if (!options_.tls.has_value()) return absl::OkStatus();
    std::shared_ptr<const TlsMaterial> material = options_.tls->material();
    if (material == material_) return absl::OkStatus();
    material_ = std::move(material);  // Tried once.
    DML_ASSIGN_OR_RETURN(sessions_.tls,
                         MakeContext(*material_, options_.tls->require_client_certificate));
    return absl::OkStatus();
  }

  asio::awaitable<void> Accept() {
    while (true) {
      auto [error, socket] = co_await acceptor_.async_accept(kAwait);
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        spdlog::warn("http: cannot accept a connection: {}", error.message());
        asio::steady_timer pause(context_, kAcceptPause);
        co_await pause.async_wait(kAwait);
        continue;
      }
      const size_t others = sessions_.connections;
      if (others >= options_.max_connections + kToldOfLimit) continue;
      const tcp::endpoint from = socket.remote_endpoint(error);
      if (error) continue;  // It is gone already.
      const asio::ip::address peer = PeerOf(from.address());
      if (sessions_.ConnectionsOf(peer) >= options_.max_connections_per_address) {
        spdlog::debug("http peer={} has {} connections already", from.address().to_string(),
                      options_.max_connections_per_address);
        continue;
      }
      if (absl::Status renewed = RenewTls(); !renewed.ok()) spdlog::error("{}", Message(renewed));
      asio::co_spawn(context_,
                     ServeConnection(boost::beast::tcp_stream(std::move(socket)), peer, sessions_,
                                     others >= options_.max_connections),
                     Report);
    }
  }

  HttpServerOptions options_;
  const HttpHandler handler_;
  std::shared_ptr<const TlsMaterial> material_;
  HttpSessions sessions_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                              HttpHandler handler) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(handler));
  DML_RETURN_IF_ERROR(loop->Start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

HttpServer::~HttpServer() = default;

const ListenAddress& HttpServer::address() const { return loop_->address(); }

}  // namespace dml
