// JSON Web Tokens of identity providers (RFC 7519 in JWS compact form, RFC 7515; checks as RFC 8725
// advises): who calls, as an issuer that we know says.
//
// Keys come from the issuer's configured set and from nowhere else: "jwk", "jku", "x5c" and "x5u"
// of a token are not looked at. The algorithm is the key's. Pure functions; any thread.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/jwk.h"

namespace dml {

inline constexpr size_t kMaxJwtBytes = 8 * 1024;
inline constexpr std::chrono::seconds kJwtLeeway(60);  // Of clocks that differ.

struct JwtIssuer {
  std::string issuer;    // "iss", exactly.
  std::string audience;  // One of "aud".
  std::vector<JwkKey> keys;
};

struct JwtIdentity {
  std::string issuer;
  std::string subject;  // "sub": 1 to 255 printable ASCII characters.
  std::chrono::sys_seconds expires;
};

/// Reads a token and checks signature, issuer, audience, "exp" (required), "nbf" and "iat".
/// UNAUTHENTICATED: JWT_EXPIRED; JWT_INVALID for everything else that is wrong, among it an
/// unsigned token, an algorithm that is not the key's, a "crit" header, a member twice, and a key
/// id that the issuer has not (a token without one is tried where the issuer has one key).
absl::StatusOr<JwtIdentity> VerifyJwt(std::string_view token, std::span<const JwtIssuer> issuers,
                                      std::chrono::sys_seconds now);

}  // namespace dml
