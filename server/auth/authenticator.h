// Who calls: from a client certificate, a token of the library, or a token of an identity provider.
//
// A caller is who one of these says, and nothing else: other metadata from the wire is never looked
// at. Where a call carries a bearer token, that alone counts, even beside a good certificate.
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include "core/access/jwt.h"
#include "core/base/digest.h"
#include "core/crypto/tls_material.h"
#include "core/journal/trust_records.h"

namespace dml {

/// An authenticated caller and all that it may do.
struct Identity {
  std::string principal;  // Opaque: a SPIFFE id, "token:<id>" or "<issuer>#<subject>".
  std::string method;     // "certificate", "token", "jwt", "insecure-loopback".
  std::vector<AccessGrant> grants;
  std::chrono::sys_seconds expires;  // Of the certificate or token.
};

/// What the library knows of callers; read anew for each call, so that a revocation acts at once.
class AccessSource {
 public:
  virtual ~AccessSource() = default;
  virtual absl::StatusOr<std::vector<AccessGrant>> GrantsOf(std::string_view principal) const = 0;
  virtual absl::StatusOr<std::optional<TokenRecord>> FindToken(std::string_view id) const = 0;
};

struct AuthenticatorOptions {
  /// No TLS, loopback addresses only (the daemon sees to that): every caller is the principal
  /// "insecure-loopback" with the role admin.
  bool insecure_loopback = false;
  std::vector<JwtIssuer> issuers;                   // Until UseIssuers.
  std::function<std::chrono::sys_seconds()> clock;  // Empty: the wall clock.
  /// Whose authorities a certificate must be signed by at each call, since they may have been
  /// others when its connection was made. Empty, or null: that is TLS's alone to judge.
  std::function<std::shared_ptr<const TlsMaterial>()> tls;
};

class Authenticator {
 public:
  /// `source` must outlive it; null: nobody has more than a certificate says, and there are no
  /// tokens.
  Authenticator(AuthenticatorOptions options, const AccessSource* source);

  /// From what a connection showed over TLS ("" for no certificate; others of its chain may follow
  /// it) and the call's authorization header (nullopt for none). UNAUTHENTICATED:
  /// CREDENTIALS_REQUIRED, CERTIFICATE_INVALID (no clear identity), CERTIFICATE_EXPIRED,
  /// CERTIFICATE_NOT_YET_VALID, CERTIFICATE_NOT_TRUSTED, TOKEN_INVALID, TOKEN_EXPIRED,
  /// TOKEN_REVOKED, JWT_INVALID.
  absl::StatusOr<Identity> Authenticate(std::string_view certificate_pem,
                                        std::optional<std::string_view> authorization);

  /// From the next call on, JWTs are judged by these issuers and their keys alone.
  void UseIssuers(std::vector<JwtIssuer> issuers);

 private:
  struct Certificate;
  absl::StatusOr<std::shared_ptr<const Certificate>> Read(std::string_view chain_pem);
  absl::StatusOr<Identity> OfCertificate(std::string_view chain_pem);
  absl::Status CheckTrusted(std::string_view chain_pem, const Certificate& certificate);
  void Remember(const Digest& digest, std::shared_ptr<const Certificate> certificate);
  absl::StatusOr<Identity> OfToken(std::string_view token) const;
  absl::StatusOr<Identity> OfJwt(std::string_view token) const;
  absl::Status AddGrants(Identity& identity) const;

  const AuthenticatorOptions options_;
  const AccessSource* const source_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const std::vector<JwtIssuer>> issuers_ ABSL_GUARDED_BY(mutex_);
  // By digest of the PEM text; emptied when full, which only costs reading certificates anew.
  absl::flat_hash_map<Digest, std::shared_ptr<const Certificate>> certificates_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
