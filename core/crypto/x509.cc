// Making certificates; reading them is in x509_identity.cc.
#include "core/crypto/x509.h"

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/crypto/openssl_util.h"
#include "core/crypto/random.h"

namespace dml {
namespace {

constexpr size_t kMaxPemBytes = 64 * 1024;
constexpr int kMaxDays = 36'500;
constexpr size_t kMaxNames = 64;
constexpr size_t kMaxRoles = 16;
constexpr size_t kMaxAttribute = 64;  // ub-common-name, ub-organizational-unit-name (RFC 5280).
constexpr std::chrono::minutes kClockTolerance{5};

absl::Status Invalid(std::string_view field, std::string_view what) {
  return AtField(InvalidArgument(ErrorReason("CERTIFICATE_INVALID"), "{}: {}", field, what), field);
}

absl::Status BadAuthority(std::string_view what) {
  return FailedPrecondition(ErrorReason("CERTIFICATE_AUTHORITY_INVALID"), "{}", what);
}

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

absl::Status CheckCommonName(std::string_view name) {
  bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!name.empty() && name.size() <= kMaxAttribute && printable) return absl::OkStatus();
  return Invalid("common_name", "give 1 to 64 printable ASCII characters");
}

// Preferred name syntax (RFC 1034 section 3.5), lower case.
bool IsDnsName(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  size_t label = 0;
  char before = '.';
  for (char c : name) {
    if (c == '.') {
      if (before == '.' || before == '-') return false;
      label = 0;
    } else {
      if (!(IsLowerOrDigit(c) || (c == '-' && before != '.')) || ++label > 63) return false;
    }
    before = c;
  }
  return before != '.' && before != '-';
}

absl::Status CheckClientName(const ClientName& name) {
  if (name.principal.size() > kMaxAttribute) return Invalid("principal", "longer than 64 bytes");
  std::string id = fmt::format("spiffe://{}/principals/{}", name.trust_domain, name.principal);
  bool one_part = name.principal.find('/') == std::string::npos &&
                  name.trust_domain.find('/') == std::string::npos;
  if (!one_part || !IsSpiffeId(id)) {
    return Invalid(
        "principal",
        "trust domain and principal must make a SPIFFE id: [a-z0-9._-] and [A-Za-z0-9._-]");
  }
  if (name.roles.size() > kMaxRoles) return Invalid("roles", "more than 16");
  for (const std::string& role : name.roles) {
    bool good =
        std::all_of(role.begin(), role.end(), [](char c) { return IsLowerOrDigit(c) || c == '-'; });
    if (role.empty() || role.size() > kMaxAttribute || !good) {
      return Invalid("roles", "a role is 1 to 64 of [a-z0-9-]");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckValidity(const Validity& validity) {
  if (validity.days >= 1 && validity.days <= kMaxDays) return absl::OkStatus();
  return Invalid("days", fmt::format("{} is not between 1 and {}", validity.days, kMaxDays));
}

// Steps of OpenSSL that fail only out of memory are gathered here; the first failure stays.
class Builder {
 public:
  Builder() : certificate_(X509_new()), key_(PrivateKey::Generate(KeyAlgorithm::kEcdsaP256)) {
    ok_ = certificate_ != nullptr && X509_set_version(certificate_.get(), X509_VERSION_3) == 1 &&
          X509_set_pubkey(certificate_.get(), key_.handle()) == 1 && SetSerial();
  }

  void AddSubject(const char* attribute, std::string_view value) {
    ok_ = ok_ && X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate_.get()), attribute,
                                            MBSTRING_UTF8,
                                            reinterpret_cast<const unsigned char*>(value.data()),
                                            static_cast<int>(value.size()), -1, 0) == 1;
  }

  void SetValidity(const Validity& validity) {
    time_t begin = std::chrono::system_clock::to_time_t(validity.now - kClockTolerance);
    time_t end =
        std::chrono::system_clock::to_time_t(validity.now + std::chrono::days(validity.days));
    ok_ = ok_ && ASN1_TIME_set(X509_getm_notBefore(certificate_.get()), begin) != nullptr &&
          ASN1_TIME_set(X509_getm_notAfter(certificate_.get()), end) != nullptr;
  }

  // `value` is one of this file's constants, never a caller's text: OpenSSL parses it.
  void AddExtension(int nid, const char* value, X509* issuer) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate_.get(), nullptr, nullptr, 0);
    OpenSslPtr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    ok_ = ok_ && extension != nullptr && X509_add_ext(certificate_.get(), extension.get(), -1) == 1;
  }

  void AddAlternativeName(int type, std::string_view value) {
    OpenSslPtr<GENERAL_NAME> name(GENERAL_NAME_new());
    ASN1_STRING* text =
        ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    ok_ = ok_ && name != nullptr && text != nullptr &&
          ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) == 1;
    if (!ok_) {
      ASN1_STRING_free(text);
      return;
    }
    GENERAL_NAME_set0_value(name.get(), type, text);
    ok_ = sk_GENERAL_NAME_push(names_.get(), name.get()) > 0;
    if (ok_) static_cast<void>(name.release());  // The list owns it.
  }

  // Adds the gathered names, signs, and hands certificate and key out.
  absl::StatusOr<CertificateWithKey> Finish(X509* issuer, const PrivateKey* issuer_key) {
    if (ok_ && sk_GENERAL_NAME_num(names_.get()) > 0) {
      ok_ = X509_add1_ext_i2d(certificate_.get(), NID_subject_alt_name, names_.get(), 0, 0) == 1;
    }
    const X509_NAME* issuer_name =
        X509_get_subject_name(issuer != nullptr ? issuer : certificate_.get());
    EVP_PKEY* signer = issuer_key != nullptr ? issuer_key->handle() : key_.handle();
    const EVP_MD* md =
        issuer_key != nullptr && issuer_key->public_key().algorithm() == KeyAlgorithm::kEd25519
            ? nullptr
            : EVP_sha256();
    ok_ = ok_ && X509_set_issuer_name(certificate_.get(), issuer_name) == 1 &&
          X509_sign(certificate_.get(), signer, md) > 0;
    unsigned char* der = nullptr;
    int size = ok_ ? i2d_X509(certificate_.get(), &der) : -1;
    if (size < 0) {
      return Internal(ErrorReason("CERTIFICATE_FAILED"), "cannot make the certificate: {}",
                      TakeOpenSslError());
    }
    std::string pem =
        WritePem("CERTIFICATE", {reinterpret_cast<char*>(der), static_cast<size_t>(size)});
    OPENSSL_free(der);
    return CertificateWithKey{std::move(pem), std::move(key_)};
  }

  X509* certificate() { return certificate_.get(); }

 private:
  bool SetSerial() {
    std::array<uint8_t, 16> bytes;
    FillRandom(bytes);
    bytes[0] = static_cast<uint8_t>((bytes[0] & 0x7f) | 0x40);  // Positive, always 16 bytes.
    OpenSslPtr<BIGNUM> number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
    return number != nullptr &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate_.get())) != nullptr;
  }

  OpenSslPtr<X509> certificate_;
  PrivateKey key_;
  OpenSslPtr<GENERAL_NAMES> names_{GENERAL_NAMES_new()};
  bool ok_ = false;
};

absl::StatusOr<OpenSslPtr<X509>> OpenAuthority(const CertificateWithKey& authority,
                                               const Validity& validity) {
  ErrorReason reason("CERTIFICATE_AUTHORITY_INVALID");
  absl::StatusOr<PemBlock> block = ReadPem(authority.certificate_pem, kMaxPemBytes, reason);
  if (!block.ok()) return BadAuthority(Message(block.status()));
  const auto* at = reinterpret_cast<const unsigned char*>(block->der.data());
  OpenSslPtr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(block->der.size())));
  if (certificate == nullptr || block->label != "CERTIFICATE") {
    TakeOpenSslError();
    return BadAuthority("the authority's certificate cannot be read; give it in PEM");
  }
  if (X509_check_ca(certificate.get()) != 1 ||
      X509_check_private_key(certificate.get(), authority.key.handle()) != 1) {
    TakeOpenSslError();
    return BadAuthority("the certificate is not an authority's, or its private key is another's");
  }
  time_t end =
      std::chrono::system_clock::to_time_t(validity.now + std::chrono::days(validity.days));
  if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &end) < 0) {
    return BadAuthority(
        "the authority's certificate ends before the new one would; ask for fewer "
        "days, or make a new authority");
  }
  return certificate;
}

absl::StatusOr<CertificateWithKey> Issue(Builder& builder, const CertificateWithKey& authority,
                                         const Validity& validity, const char* purpose) {
  DML_RETURN_IF_ERROR(CheckValidity(validity));
  DML_ASSIGN_OR_RETURN(OpenSslPtr<X509> issuer, OpenAuthority(authority, validity));
  builder.SetValidity(validity);
  builder.AddExtension(NID_basic_constraints, "critical,CA:FALSE", issuer.get());
  builder.AddExtension(NID_key_usage, "critical,digitalSignature", issuer.get());
  builder.AddExtension(NID_ext_key_usage, purpose, issuer.get());
  builder.AddExtension(NID_subject_key_identifier, "hash", issuer.get());
  builder.AddExtension(NID_authority_key_identifier, "keyid:always", issuer.get());
  return builder.Finish(issuer.get(), &authority.key);
}

}  // namespace

absl::StatusOr<CertificateWithKey> MakeCertificateAuthority(std::string_view common_name,
                                                            const Validity& validity) {
  DML_RETURN_IF_ERROR(CheckCommonName(common_name));
  DML_RETURN_IF_ERROR(CheckValidity(validity));
  Builder builder;
  builder.AddSubject("CN", common_name);
  builder.SetValidity(validity);
  X509* self = builder.certificate();
  builder.AddExtension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", self);
  builder.AddExtension(NID_key_usage, "critical,keyCertSign,cRLSign", self);
  builder.AddExtension(NID_subject_key_identifier, "hash", self);
  builder.AddExtension(NID_authority_key_identifier, "keyid:always", self);
  return builder.Finish(nullptr, nullptr);
}

absl::StatusOr<CertificateWithKey> IssueServerCertificate(const CertificateWithKey& authority,
                                                          const ServerNames& names,
                                                          const Validity& validity) {
  size_t count = names.dns.size() + names.ip_addresses.size();
  if (count == 0 || count > kMaxNames) return Invalid("names", "give 1 to 64 names or addresses");
  Builder builder;
  builder.AddSubject("CN", "dml server");
  for (const std::string& name : names.dns) {
    if (!IsDnsName(name)) {
      return Invalid("dns", "a name is labels of [a-z0-9-] joined by '.', at most 253 bytes");
    }
    builder.AddAlternativeName(GEN_DNS, name);
  }
  for (const std::string& text : names.ip_addresses) {
    std::array<char, 16> raw;
    bool terminated_early = text.find('\0') != std::string::npos;
    if (!terminated_early && inet_pton(AF_INET, text.c_str(), raw.data()) == 1) {
      builder.AddAlternativeName(GEN_IPADD, {raw.data(), 4});
    } else if (!terminated_early && inet_pton(AF_INET6, text.c_str(), raw.data()) == 1) {
      builder.AddAlternativeName(GEN_IPADD, {raw.data(), 16});
    } else {
      return Invalid("ip_addresses", "an address is IPv4 or IPv6 text such as 127.0.0.1 or ::1");
    }
  }
  return Issue(builder, authority, validity, "serverAuth");
}

absl::StatusOr<CertificateWithKey> IssueClientCertificate(const CertificateWithKey& authority,
                                                          const ClientName& name,
                                                          const Validity& validity) {
  DML_RETURN_IF_ERROR(CheckClientName(name));
  Builder builder;
  for (const std::string& role : name.roles) builder.AddSubject("OU", role);
  builder.AddSubject("CN", name.principal);
  builder.AddAlternativeName(
      GEN_URI, fmt::format("spiffe://{}/principals/{}", name.trust_domain, name.principal));
  return Issue(builder, authority, validity, "clientAuth");
}

bool IsSpiffeId(std::string_view id) {
  constexpr std::string_view kScheme = "spiffe://";
  if (id.size() > 2048 || id.substr(0, kScheme.size()) != kScheme) return false;
  id.remove_prefix(kScheme.size());
  size_t domain = std::min(id.find('/'), id.size());
  auto in_domain = [](char c) { return IsLowerOrDigit(c) || c == '.' || c == '_' || c == '-'; };
  if (domain == 0 || domain > 255 || domain == id.size()) return false;
  if (!std::all_of(id.begin(), id.begin() + static_cast<ptrdiff_t>(domain), in_domain))
    return false;
  id.remove_prefix(domain);
  while (!id.empty()) {
    id.remove_prefix(1);  // '/'
    std::string_view part = id.substr(0, id.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    for (char c : part) {
      if (!in_domain(c) && !IsUpper(c)) return false;
    }
    id.remove_prefix(part.size());
  }
  return true;
}

}  // namespace dml
