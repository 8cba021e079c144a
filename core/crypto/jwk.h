// Public keys of identity providers: JSON Web Keys (RFC 7517) for verifying JWS signatures
// (RFC 7515) with the one algorithm that the key is for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"

struct evp_pkey_st;  // EVP_PKEY; <openssl/*> stays inside core/crypto.

namespace dml {

enum class JwsAlgorithm { kRs256, kEs256, kEdDsa };

/// "RS256", "ES256", "EdDSA" (RFC 7518 section 3.1, RFC 8037).
std::string_view JwsAlgorithmName(JwsAlgorithm algorithm);

/// A value: copies share one immutable OpenSSL object; any thread may use it.
class JwkKey {
 public:
  const std::string& id() const { return id_; }  // "kid"; may be empty.
  JwsAlgorithm algorithm() const { return algorithm_; }

  /// Checks a signature over the signing input: r || s for ES256, as JOSE writes it.
  /// UNAUTHENTICATED (JWT_INVALID) for whatever is not a good one.
  absl::Status Verify(ByteSpan message, ByteSpan signature) const;

 private:
  friend absl::StatusOr<std::vector<JwkKey>> ParseJwkSet(std::string_view json);
  std::string id_;
  JwsAlgorithm algorithm_ = JwsAlgorithm::kRs256;
  std::shared_ptr<evp_pkey_st> handle_;
};

/// Reads a JWK set of at most 256 KiB and 64 keys. Taken are keys for signatures: RSA of 2048 to
/// 8192 bits for RS256, EC P-256 for ES256, OKP Ed25519 for EdDSA; others, and those whose "alg" or
/// "use" says something else, are passed over. INVALID_ARGUMENT (JWKS_INVALID) for what is no set,
/// for a key of these kinds that is damaged, for two of one id, and where none is left of those
/// that are there. A set without keys is one by which nobody is believed any more.
absl::StatusOr<std::vector<JwkKey>> ParseJwkSet(std::string_view json);

}  // namespace dml
