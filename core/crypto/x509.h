// X.509 certificates for mutual TLS (RFC 5280): a small authority of one's own, and the identity in
// a client's certificate (SPIFFE X.509-SVID).
//
// All certificates made here have a new ECDSA P-256 key, a random 127-bit serial number, subject
// and authority key identifiers, and begin five minutes before `now`, for clocks that are behind.
// Text that goes into a certificate is checked; errors are INVALID_ARGUMENT (CERTIFICATE_INVALID)
// with the field, unless a comment says otherwise. Any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/crypto/keys.h"

namespace dml {

/// A certificate (PEM) with the private key of its subject.
struct CertificateWithKey {
  std::string certificate_pem;
  PrivateKey key;
};

/// From when and for how many days (1 to 36 500) a certificate is good.
struct Validity {
  std::chrono::sys_seconds now;
  int days = 0;
};

/// A self-signed authority that signs end certificates only (path length 0). `common_name`: 1 to 64
/// printable ASCII characters.
absl::StatusOr<CertificateWithKey> MakeCertificateAuthority(std::string_view common_name,
                                                            const Validity& validity);

/// The names that a server answers to: 1 to 64 in all.
struct ServerNames {
  std::vector<std::string> dns;           // Lower case, no wildcard; "localhost" is one.
  std::vector<std::string> ip_addresses;  // IPv4 or IPv6 text.
};

/// A certificate for TLS servers (serverAuth), signed by `authority`. FAILED_PRECONDITION
/// (CERTIFICATE_AUTHORITY_INVALID) where `authority` is not one with its key, or ends before the
/// certificate would.
absl::StatusOr<CertificateWithKey> IssueServerCertificate(const CertificateWithKey& authority,
                                                          const ServerNames& names,
                                                          const Validity& validity);

/// A principal, as its certificate names it.
struct ClientName {
  std::string trust_domain;        // [a-z0-9._-], at most 255.
  std::string principal;           // [A-Za-z0-9._-], at most 64, not "." or "..".
  std::vector<std::string> roles;  // [a-z0-9-], each at most 64, at most 16.
};

/// A certificate for TLS clients (clientAuth): common name = principal, one organizational unit per
/// role, and the only URI among its alternative names spiffe://<trust
/// domain>/principals/<principal>. Fails as IssueServerCertificate does.
absl::StatusOr<CertificateWithKey> IssueClientCertificate(const CertificateWithKey& authority,
                                                          const ClientName& name,
                                                          const Validity& validity);

/// Who a certificate says that its holder is.
struct CertificateIdentity {
  std::string subject_name;                       // Common name; "" where there is none.
  std::vector<std::string> organizational_units;  // In the order of the certificate.
  std::string spiffe_id;                          // "spiffe://<trust domain>/<path>".
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  Digest fingerprint;  // SHA-256 of the DER certificate.
};

/// Reads the identity in one PEM certificate of at most 64 KiB. It checks neither signature nor
/// dates: TLS has done that before. Refused, because then the identity is ambiguous: no URI
/// among the alternative names or more than one, a URI that is not a SPIFFE id with a path, more
/// than one common name, NUL or another control character in any name, and bytes that are not the
/// certificate's DER encoding.
absl::StatusOr<CertificateIdentity> ParseClientIdentity(std::string_view certificate_pem);

/// From when until when a certificate is good.
struct CertificateDates {
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
};

/// The dates of the first certificate in a PEM text of at most 64 KiB; others, such as its chain,
/// may follow. Nothing else of it is looked at.
absl::StatusOr<CertificateDates> ReadCertificateDates(std::string_view certificate_pem);

/// Whether `id` is a SPIFFE id with a path: spiffe://<[a-z0-9._-]{1,255}> and one or more
/// /<[A-Za-z0-9._-]+> that are not "." or "..", at most 2048 bytes (SPIFFE-ID, section 2).
bool IsSpiffeId(std::string_view id);

}  // namespace dml
