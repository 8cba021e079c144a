#include "core/crypto/peer_certificate.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "core/crypto/openssl_util.h"

namespace dml {

std::string PeerCertificatePem(const ssl_st* connection) {
  const OpenSslPtr<X509> certificate(SSL_get1_peer_certificate(connection));
  if (certificate == nullptr) return "";
  const OpenSslPtr<BIO> memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr || PEM_write_bio_X509(memory.get(), certificate.get()) != 1) return "";
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(connection);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    const X509* next = sk_X509_value(sent, i);  // A client sees the server's own here, too.
    if (X509_cmp(next, certificate.get()) == 0) continue;
    if (PEM_write_bio_X509(memory.get(), next) != 1) return "";
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
}

}  // namespace dml
