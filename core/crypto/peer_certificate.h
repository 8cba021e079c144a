// The certificate that a peer showed in a TLS handshake of OpenSSL's.
#pragma once

#include <string>

struct ssl_st;  // SSL; <openssl/*> stays inside core/crypto.

namespace dml {

/// The peer's own certificate, then those of authorities that it sent with it, in PEM; "" where it
/// showed none.
std::string PeerCertificatePem(const ssl_st* connection);

}  // namespace dml
