// What a TLS server shows and whom it trusts, and whether it can be served with.
//
// A TLS library takes a new certificate and key as they are, and then fails every handshake where
// they do not belong together. So they are tried before they are used, up to a handshake of TLS 1.3
// with ourselves. Errors are INVALID_ARGUMENT (TLS_FILES_INVALID) unless a comment says otherwise,
// and say what is wrong, not in which file. Dates are not judged: a server whose certificate has
// expired must still be able to start. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// PEM texts.
struct TlsMaterial {
  std::string certificate_chain;   // The server's own certificate first.
  std::string private_key;         // Of that certificate, not encrypted.
  std::string client_authorities;  // Who may sign clients' certificates: one or more.
  bool operator==(const TlsMaterial&) const = default;
};

inline constexpr size_t kMaxTlsCertificates = 256;  // In one text.

/// That the text holds certificates, each of which can be read to its end, and at most
/// kMaxTlsCertificates. Blocks of other kinds, and text between them, are passed over.
absl::Status CheckCertificateChain(std::string_view pem);

/// CheckCertificateChain for authorities: besides, one of them at least may sign certificates (RFC
/// 5280 section 4.2.1.9).
absl::Status CheckAuthorities(std::string_view pem);

/// That this is the key of the chain's first certificate, and that a client that accepts any
/// certificate comes to the end of a TLS 1.3 handshake with them (RFC 8446). The chain must have
/// passed CheckCertificateChain.
absl::Status CheckServerKey(std::string_view chain_pem, std::string_view key_pem);

/// That one of these authorities signs a client's certificate, the first in the text, directly or
/// through those after it: what a TLS handshake checks, dates of today included (RFC 5280 section
/// 6.1). For a connection that was made when others were authorities. UNAUTHENTICATED
/// (CERTIFICATE_NOT_TRUSTED).
absl::Status CheckClientChain(std::string_view chain_pem, std::string_view authorities_pem);

}  // namespace dml
