#include "server/auth/authenticator.h"

#include <algorithm>

#include "core/access/access_token.h"
#include "core/access/role.h"
#include "core/base/time.h"
#include "core/crypto/sha256.h"
#include "core/crypto/x509.h"

namespace dml {
namespace {

constexpr size_t kMaxCached = 1024;
constexpr size_t kMaxAuthorization = 8 * 1024;
constexpr std::string_view kBearer = "bearer ";
constexpr std::string_view kAfterOwn = "-----BEGIN CERTIFICATE-----";  // The second of them.

std::chrono::sys_seconds WallClockSeconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

AuthenticatorOptions WithClock(AuthenticatorOptions options) {
  if (!options.clock) options.clock = WallClockSeconds;
  return options;
}

// The name of a scheme is in any case (RFC 9110, section 11.1).
bool IsBearer(std::string_view authorization) {
  return std::ranges::equal(authorization.substr(0, kBearer.size()), kBearer, {}, [](char c) {
    return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

}  // namespace

struct Authenticator::Certificate {
  std::string principal;
  std::vector<AccessGrant> grants;
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  std::shared_ptr<const TlsMaterial> trusted_by;  // Whose authorities were found to sign it.
};

Authenticator::Authenticator(AuthenticatorOptions options, const AccessSource* source)
    : options_(WithClock(std::move(options))),
      source_(source),
      issuers_(std::make_shared<const std::vector<JwtIssuer>>(options_.issuers)) {}

void Authenticator::UseIssuers(std::vector<JwtIssuer> issuers) {
  auto next = std::make_shared<const std::vector<JwtIssuer>>(std::move(issuers));
  absl::MutexLock lock(&mutex_);
  issuers_ = std::move(next);
}

absl::StatusOr<Identity> Authenticator::Authenticate(
    std::string_view certificate_pem, std::optional<std::string_view> authorization) {
  if (authorization.has_value()) {
    if (authorization->size() > kMaxAuthorization || !IsBearer(*authorization)) {
      return Unauthenticated(ErrorReason("TOKEN_INVALID"),
                             "the authorization header is not 'Bearer ' and a token");
    }
    const std::string_view token = authorization->substr(kBearer.size());
    return IsAccessToken(token) ? OfToken(token) : OfJwt(token);
  }
  if (options_.insecure_loopback) {
    return Identity{"insecure-loopback",
                    "insecure-loopback",
                    {{std::string(RoleName(Role::kAdmin)), ""}},
                    std::chrono::sys_seconds::max()};
  }
  if (certificate_pem.empty()) {
    return Unauthenticated(ErrorReason("CREDENTIALS_REQUIRED"),
                           "the call shows neither a client certificate nor a token; name one in "
                           "the client profile");
  }
  return OfCertificate(certificate_pem);
}

absl::Status Authenticator::AddGrants(Identity& identity) const {
  if (source_ == nullptr) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(std::vector<AccessGrant> granted, source_->GrantsOf(identity.principal));
  identity.grants.insert(identity.grants.end(), granted.begin(), granted.end());
  return absl::OkStatus();
}

absl::StatusOr<Identity> Authenticator::OfCertificate(std::string_view chain_pem) {
  DML_ASSIGN_OR_RETURN(std::shared_ptr<const Certificate> certificate, Read(chain_pem));
  // Connections outlive certificates, so that the dates are looked at again for every call.
  const std::chrono::sys_seconds now = options_.clock();
  if (now > certificate->not_after) {
    return Unauthenticated(ErrorReason("CERTIFICATE_EXPIRED"),
                           "the certificate of {} ended at {}; ask an administrator for a new one",
                           certificate->principal, FormatTime(certificate->not_after));
  }
  if (now < certificate->not_before) {
    return Unauthenticated(
        ErrorReason("CERTIFICATE_NOT_YET_VALID"),
        "the certificate of {} is good from {} only; compare the clocks of client and server",
        certificate->principal, FormatTime(certificate->not_before));
  }
  DML_RETURN_IF_ERROR(CheckTrusted(chain_pem, *certificate));
  Identity out{certificate->principal, "certificate", certificate->grants, certificate->not_after};
  DML_RETURN_IF_ERROR(AddGrants(out));
  return out;
}

absl::StatusOr<Identity> Authenticator::OfToken(std::string_view token) const {
  absl::StatusOr<AccessToken> parsed = ParseAccessToken(token);
  if (!parsed.ok()) return parsed.status();
  std::optional<TokenRecord> record;
  if (source_ != nullptr) {
    DML_ASSIGN_OR_RETURN(record, source_->FindToken(parsed->id));
  }
  // One answer for an id that is not there and a secret that is wrong.
  if (!record.has_value() || !IsSecretOf(*parsed, record->secret)) {
    return Unauthenticated(ErrorReason("TOKEN_INVALID"),
                           "the token is none of this library; ask an administrator for one");
  }
  if (record->revoked) {
    return Unauthenticated(ErrorReason("TOKEN_REVOKED"), "token {} was revoked: {}", record->id,
                           record->revoke_reason);
  }
  const auto expires = std::chrono::floor<std::chrono::seconds>(record->expires);
  if (options_.clock() >= expires) {
    return Unauthenticated(ErrorReason("TOKEN_EXPIRED"),
                           "token {} ended at {}; ask an administrator for a new one", record->id,
                           FormatTime(record->expires));
  }
  return Identity{"token:" + record->id, "token", record->grants, expires};
}

absl::StatusOr<Identity> Authenticator::OfJwt(std::string_view token) const {
  std::shared_ptr<const std::vector<JwtIssuer>> issuers;
  {
    absl::MutexLock lock(&mutex_);
    issuers = issuers_;
  }
  DML_ASSIGN_OR_RETURN(JwtIdentity jwt, VerifyJwt(token, *issuers, options_.clock()));
  Identity out{jwt.issuer + "#" + jwt.subject, "jwt", {}, jwt.expires};
  DML_RETURN_IF_ERROR(AddGrants(out));
  return out;
}

absl::StatusOr<std::shared_ptr<const Authenticator::Certificate>> Authenticator::Read(
    std::string_view chain_pem) {
  const Digest digest = Sha256(chain_pem);
  {
    absl::MutexLock lock(&mutex_);
    auto found = certificates_.find(digest);
    if (found != certificates_.end()) return found->second;
  }
  absl::StatusOr<CertificateIdentity> parsed =
      ParseClientIdentity(chain_pem.substr(0, chain_pem.find(kAfterOwn, 1)));
  if (!parsed.ok()) {
    return MakeError(absl::StatusCode::kUnauthenticated, ErrorReason("CERTIFICATE_INVALID"),
                     Message(parsed.status()));
  }
  auto certificate = std::make_shared<Certificate>();
  certificate->principal = parsed->spiffe_id;
  certificate->not_before = parsed->not_before;
  certificate->not_after = parsed->not_after;
  for (const std::string& unit : parsed->organizational_units) {
    if (ParseRole(unit).has_value()) certificate->grants.push_back({unit, ""});
  }
  Remember(digest, certificate);
  return certificate;
}

void Authenticator::Remember(const Digest& digest, std::shared_ptr<const Certificate> certificate) {
  absl::MutexLock lock(&mutex_);
  if (certificates_.size() >= kMaxCached) certificates_.clear();
  certificates_[digest] = std::move(certificate);
}

absl::Status Authenticator::CheckTrusted(std::string_view chain_pem,
                                         const Certificate& certificate) {
  std::shared_ptr<const TlsMaterial> tls = options_.tls ? options_.tls() : nullptr;
  if (tls == certificate.trusted_by || tls == nullptr) return absl::OkStatus();
  DML_RETURN_IF_ERROR(CheckClientChain(chain_pem, tls->client_authorities));
  auto trusted = std::make_shared<Certificate>(certificate);
  trusted->trusted_by = std::move(tls);
  Remember(Sha256(chain_pem), std::move(trusted));
  return absl::OkStatus();
}

}  // namespace dml
