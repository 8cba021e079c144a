// Owning pointers, PEM and error text for the files of core/crypto. Nothing else includes this.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace dml {

struct OpenSslFree {
  void operator()(ASN1_OCTET_STRING* p) const { ASN1_OCTET_STRING_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(GENERAL_NAME* p) const { GENERAL_NAME_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(PBE2PARAM* p) const { PBE2PARAM_free(p); }
  void operator()(PBKDF2PARAM* p) const { PBKDF2PARAM_free(p); }
  void operator()(PKCS8_PRIV_KEY_INFO* p) const { PKCS8_PRIV_KEY_INFO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(X509_SIG* p) const { X509_SIG_free(p); }
};
template <typename T>
using OpenSslPtr = std::unique_ptr<T, OpenSslFree>;

/// The newest error of this thread as text; empties the thread's queue, because an entry left there
/// makes the next TLS call of the thread look as if it had failed.
std::string TakeOpenSslError();

/// One PEM block (RFC 7468): its label and decoded bytes.
struct PemBlock {
  std::string label;
  std::string der;
};
/// Reads exactly one block without PEM headers; text before it is allowed, after it only white
/// space. INVALID_ARGUMENT with `reason` otherwise, or where `pem` is longer than `max_bytes`.
absl::StatusOr<PemBlock> ReadPem(std::string_view pem, size_t max_bytes, ErrorReason reason);

/// The block as text, lines of 64 characters.
std::string WritePem(const char* label, std::string_view der);

}  // namespace dml
