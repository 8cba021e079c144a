#include "core/crypto/tls_material.h"

#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "core/crypto/openssl_util.h"

namespace dml {
namespace {

// A handshake of TLS 1.3 between two in one process takes three turns of each; more only where a
// long chain does not fit into the pipe at once.
constexpr int kMaxTurns = 1000;

struct SslFree {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
};
template <typename T>
using SslPtr = std::unique_ptr<T, SslFree>;

absl::Status Invalid(std::string_view what) {
  return InvalidArgument(ErrorReason("TLS_FILES_INVALID"), "{}", what);
}

// Otherwise OpenSSL would ask for the passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

OpenSslPtr<BIO> OpenText(std::string_view pem) {
  return OpenSslPtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

absl::StatusOr<std::vector<OpenSslPtr<X509>>> ReadCertificates(std::string_view pem) {
  // gRPC reads up to a NUL: what is used must be what was checked.
  if (pem.find('\0') != std::string_view::npos) return Invalid("it holds NUL, and is no PEM");
  std::vector<OpenSslPtr<X509>> out;
  const OpenSslPtr<BIO> in = OpenText(pem);
  while (in != nullptr && out.size() <= kMaxTlsCertificates) {
    OpenSslPtr<X509> next(PEM_read_bio_X509(in.get(), nullptr, NoPassphrase, nullptr));
    if (next == nullptr) break;
    out.push_back(std::move(next));
  }
  if (out.size() > kMaxTlsCertificates) {
    return Invalid(fmt::format("it holds more than {} certificates", kMaxTlsCertificates));
  }
  const unsigned long last = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string error = TakeOpenSslError();
  if (!at_end) {
    return Invalid(fmt::format("certificate {} in it is damaged or cut off ({}); write it anew",
                               out.size() + 1, error));
  }
  if (out.empty()) return Invalid("it holds no certificate in PEM");
  return out;
}

absl::StatusOr<OpenSslPtr<EVP_PKEY>> ReadKey(std::string_view pem) {
  if (pem.find('\0') != std::string_view::npos) return Invalid("it holds NUL, and is no PEM");
  const OpenSslPtr<BIO> in = OpenText(pem);
  OpenSslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, NoPassphrase, nullptr));
  if (key != nullptr) return key;
  return Invalid(
      fmt::format("it holds no whole private key in PEM that can be read without a passphrase ({})",
                  TakeOpenSslError()));
}

absl::StatusOr<SslPtr<SSL_CTX>> MakeServer(const std::vector<OpenSslPtr<X509>>& chain,
                                           EVP_PKEY* key) {
  SslPtr<SSL_CTX> server(SSL_CTX_new(TLS_server_method()));
  bool good = server != nullptr &&
              SSL_CTX_set_min_proto_version(server.get(), TLS1_3_VERSION) == 1 &&
              SSL_CTX_use_certificate(server.get(), chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(server.get(), key) == 1;
  for (size_t i = 1; good && i < chain.size(); ++i) {
    good = SSL_CTX_add1_chain_cert(server.get(), chain[i].get()) == 1;
  }
  if (good) return server;
  return Invalid(fmt::format("TLS does not take it and its certificate ({})", TakeOpenSslError()));
}

// Whether the handshake can go on, or is done.
bool Alive(const SSL* side, int result) {
  const int error = SSL_get_error(side, result);
  return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

// With a client that believes everything, over a pipe in memory.
bool ShakesHands(SSL_CTX* server_context) {
  const SslPtr<SSL_CTX> client_context(SSL_CTX_new(TLS_client_method()));
  const SslPtr<SSL> client(client_context == nullptr ? nullptr : SSL_new(client_context.get()));
  const SslPtr<SSL> server(SSL_new(server_context));
  BIO* ends[2] = {nullptr, nullptr};
  if (client == nullptr || server == nullptr || BIO_new_bio_pair(&ends[0], 0, &ends[1], 0) != 1) {
    return false;
  }
  SSL_set_bio(client.get(), ends[0], ends[0]);  // Which own them from here on.
  SSL_set_bio(server.get(), ends[1], ends[1]);
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  ERR_clear_error();  // An older one would pass for the handshake's.
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    const int of_client = SSL_do_handshake(client.get());
    if (!Alive(client.get(), of_client)) return false;
    const int of_server = SSL_do_handshake(server.get());
    if (!Alive(server.get(), of_server)) return false;
    if (of_client == 1 && of_server == 1) return true;
  }
  return false;
}

struct VerifyFree {
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); }  // Not what is in it.
};
template <typename T>
using VerifyPtr = std::unique_ptr<T, VerifyFree>;

}  // namespace

absl::Status CheckCertificateChain(std::string_view pem) { return ReadCertificates(pem).status(); }

absl::Status CheckAuthorities(std::string_view pem) {
  DML_ASSIGN_OR_RETURN(const auto certificates, ReadCertificates(pem));
  for (const OpenSslPtr<X509>& certificate : certificates) {
    if (X509_check_ca(certificate.get()) != 0) return absl::OkStatus();
  }
  return Invalid("none of the certificates in it is an authority's, so nobody could get in");
}

absl::Status CheckServerKey(std::string_view chain_pem, std::string_view key_pem) {
  DML_ASSIGN_OR_RETURN(const auto chain, ReadCertificates(chain_pem));
  DML_ASSIGN_OR_RETURN(const auto key, ReadKey(key_pem));
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    TakeOpenSslError();
    return Invalid("it is not the key of the certificate; put the two that belong together");
  }
  DML_ASSIGN_OR_RETURN(const auto server, MakeServer(chain, key.get()));
  if (ShakesHands(server.get())) return absl::OkStatus();
  return Invalid(
      fmt::format("no TLS 1.3 handshake is possible with it and its certificate ({}); use ECDSA, "
                  "Ed25519 or RSA",
                  TakeOpenSslError()));
}

absl::Status CheckClientChain(std::string_view chain_pem, std::string_view authorities_pem) {
  auto untrusted = [](std::string_view why) {
    return Unauthenticated(ErrorReason("CERTIFICATE_NOT_TRUSTED"),
                           "no authority that is trusted now signs the client's certificate ({}); "
                           "ask an administrator for a new one",
                           why);
  };
  const auto chain = ReadCertificates(chain_pem);
  if (!chain.ok()) return untrusted(Message(chain.status()));
  const auto authorities = ReadCertificates(authorities_pem);
  if (!authorities.ok()) return untrusted(Message(authorities.status()));
  const VerifyPtr<X509_STORE> store(X509_STORE_new());
  const VerifyPtr<STACK_OF(X509)> between(sk_X509_new_null());
  const VerifyPtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  bool good = store != nullptr && between != nullptr && context != nullptr;
  for (const OpenSslPtr<X509>& authority : *authorities) {
    good = good && X509_STORE_add_cert(store.get(), authority.get()) == 1;
  }
  for (size_t i = 1; i < chain->size(); ++i) {
    good = good && sk_X509_push(between.get(), (*chain)[i].get()) > 0;
  }
  // As OpenSSL's own TLS server does.
  good =
      good &&
      X509_STORE_CTX_init(context.get(), store.get(), chain->front().get(), between.get()) == 1 &&
      X509_STORE_CTX_set_default(context.get(), "ssl_client") == 1;
  if (good && X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = good ? X509_STORE_CTX_get_error(context.get()) : X509_V_ERR_OUT_OF_MEM;
  TakeOpenSslError();
  return untrusted(X509_verify_cert_error_string(error));
}

}  // namespace dml
