// A TLS client that says what it is told, over one connection.
#pragma once

#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "core/crypto/peer_certificate.h"
#include "core/crypto/x509.h"

namespace dml::testing {

/// A connection to 127.0.0.1 that gives up reading after a while.
class HttpsProbe {
 public:
  /// Trusts `ca_pem` (one certificate) for the server, and shows `client` where there is one, with
  /// the authority that follows its certificate.
  HttpsProbe(int port, const std::string& ca_pem, const CertificateWithKey* client)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to whoever has gone.
    const auto authority = Read(ca_pem);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), authority.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    if (client != nullptr) {
      SSL_CTX_use_certificate(context_.get(), Read(client->certificate_pem).get());
      const size_t rest = client->certificate_pem.find("-----BEGIN", 1);
      if (rest != std::string::npos) {
        SSL_CTX_add1_chain_cert(context_.get(), Read(client->certificate_pem.substr(rest)).get());
      }
      const std::string key_pem = *client->key.ToPkcs8Pem();
      BIO* text = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
      EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
      SSL_CTX_use_PrivateKey(context_.get(), key);
      EVP_PKEY_free(key);
      BIO_free(text);
    }
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return;
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  ~HttpsProbe() { ::close(fd_); }
  HttpsProbe(const HttpsProbe&) = delete;
  HttpsProbe& operator=(const HttpsProbe&) = delete;

  /// The whole answer; "" where the handshake failed, or the server refused what we showed, which a
  /// client of TLS 1.3 sees only when it reads.
  std::string Get(std::string_view target) {
    const std::string request = "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    std::string out;
    if (!connected_ ||
        SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) {
      ERR_clear_error();
      return out;
    }
    char c = 0;
    while (!out.ends_with("\r\n\r\n") && SSL_read(ssl_.get(), &c, 1) == 1) out.push_back(c);
    const size_t at = out.find("Content-Length: ");
    size_t length = at == std::string::npos ? 0 : std::stoul(out.substr(at + 16));
    for (; length > 0 && SSL_read(ssl_.get(), &c, 1) == 1; --length) out.push_back(c);
    ERR_clear_error();
    return out;
  }

  /// What the server showed, its own first; "" where the handshake failed.
  std::string ServerCertificate() const { return connected_ ? PeerCertificatePem(ssl_.get()) : ""; }

 private:
  static std::unique_ptr<X509, void (*)(X509*)> Read(const std::string& pem) {
    BIO* text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    std::unique_ptr<X509, void (*)(X509*)> out(PEM_read_bio_X509(text, nullptr, nullptr, nullptr),
                                               X509_free);
    BIO_free(text);
    return out;
  }

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  int fd_ = -1;
  bool connected_ = false;
};

}  // namespace dml::testing
