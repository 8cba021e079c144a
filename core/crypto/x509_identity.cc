// Reading the identity in a client's certificate.
#include <algorithm>
#include <ctime>
#include <utility>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/crypto/openssl_util.h"
#include "core/crypto/sha256.h"
#include "core/crypto/x509.h"

namespace dml {
namespace {

constexpr size_t kMaxPemBytes = 64 * 1024;
constexpr size_t kMaxNameBytes = 2048;

absl::Status Invalid(std::string_view what) {
  return InvalidArgument(ErrorReason("CERTIFICATE_INVALID"),
                         "client certificate: {}; issue it anew", what);
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// As UTF-8. A control character is refused: what stands before a NUL must not pass for the whole.
absl::StatusOr<std::string> NameText(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) {
    TakeOpenSslError();
    return Invalid("a name in it is not text");
  }
  std::string out(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  if (out.size() > kMaxNameBytes) return Invalid("a name in it is longer than 2048 bytes");
  if (!IsValidUtf8(out) || HasControlCharacter(out)) {
    return Invalid("a name in it holds NUL, another control character, or bytes that are not text");
  }
  return out;
}

absl::Status CheckName(const X509_NAME* name) {
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    DML_RETURN_IF_ERROR(NameText(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))).status());
  }
  return absl::OkStatus();
}

absl::Status ReadSubject(const X509* certificate, CertificateIdentity& out) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  DML_RETURN_IF_ERROR(CheckName(X509_get_issuer_name(certificate)));
  int common_names = 0;
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, i);
    DML_ASSIGN_OR_RETURN(std::string text, NameText(X509_NAME_ENTRY_get_data(entry)));
    switch (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))) {
      case NID_commonName:
        if (++common_names > 1) return Invalid("its subject has more than one common name");
        out.subject_name = std::move(text);
        break;
      case NID_organizationalUnitName:
        out.organizational_units.push_back(std::move(text));
        break;
      default:
        break;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadAlternativeNames(const X509* certificate, CertificateIdentity& out) {
  // Null also where the extension is there twice.
  OpenSslPtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  int uris = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DIRNAME) DML_RETURN_IF_ERROR(CheckName(name->d.directoryName));
    if (name->type != GEN_URI && name->type != GEN_DNS && name->type != GEN_EMAIL) continue;
    DML_ASSIGN_OR_RETURN(std::string text, NameText(name->d.ia5));
    if (name->type != GEN_URI) continue;
    if (++uris > 1) return Invalid("it has more than one URI among its alternative names");
    out.spiffe_id = std::move(text);
  }
  if (uris == 0) {
    TakeOpenSslError();
    return Invalid("it has no URI among its alternative names, or cannot be read");
  }
  if (!IsSpiffeId(out.spiffe_id)) return Invalid("its URI is not a SPIFFE id with a path");
  return absl::OkStatus();
}

absl::StatusOr<std::chrono::sys_seconds> ReadTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    TakeOpenSslError();
    return Invalid("its dates cannot be read");
  }
  std::chrono::year_month_day date(std::chrono::year(parts.tm_year + 1900),
                                   std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                   std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  return std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

// One certificate has one encoding, else it would have several fingerprints.
bool IsExactEncoding(X509* certificate, std::string_view der) {
  unsigned char* again = nullptr;
  int size = i2d_X509(certificate, &again);
  bool same = size >= 0 &&
              der == std::string_view(reinterpret_cast<char*>(again), static_cast<size_t>(size));
  OPENSSL_free(again);
  return same;
}

}  // namespace

absl::StatusOr<CertificateIdentity> ParseClientIdentity(std::string_view certificate_pem) {
  DML_ASSIGN_OR_RETURN(PemBlock block,
                       ReadPem(certificate_pem, kMaxPemBytes, ErrorReason("CERTIFICATE_INVALID")));
  if (block.label != "CERTIFICATE") return Invalid("the PEM block is not a CERTIFICATE");
  const auto* at = reinterpret_cast<const unsigned char*>(block.der.data());
  OpenSslPtr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(block.der.size())));
  if (certificate == nullptr || !IsExactEncoding(certificate.get(), block.der)) {
    TakeOpenSslError();
    return Invalid("its bytes are damaged, or not in the one DER encoding");
  }
  CertificateIdentity out;
  DML_RETURN_IF_ERROR(ReadSubject(certificate.get(), out));
  DML_RETURN_IF_ERROR(ReadAlternativeNames(certificate.get(), out));
  DML_ASSIGN_OR_RETURN(out.not_before, ReadTime(X509_get0_notBefore(certificate.get())));
  DML_ASSIGN_OR_RETURN(out.not_after, ReadTime(X509_get0_notAfter(certificate.get())));
  out.fingerprint = Sha256(block.der);
  return out;
}

absl::StatusOr<CertificateDates> ReadCertificateDates(std::string_view certificate_pem) {
  const std::string_view pem = certificate_pem.substr(0, kMaxPemBytes);
  OpenSslPtr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  OpenSslPtr<X509> certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    TakeOpenSslError();
    return Invalid("the file has no certificate in PEM that can be read");
  }
  CertificateDates out;
  DML_ASSIGN_OR_RETURN(out.not_before, ReadTime(X509_get0_notBefore(certificate.get())));
  DML_ASSIGN_OR_RETURN(out.not_after, ReadTime(X509_get0_notAfter(certificate.get())));
  return out;
}

}  // namespace dml
