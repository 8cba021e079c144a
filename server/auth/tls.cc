#include "server/auth/tls.h"

#include <cstdlib>

#include <spdlog/spdlog.h>

#include "core/base/time.h"
#include "core/crypto/x509.h"
#include "core/os/file.h"
#include "server/auth/key_pair_files.h"

namespace dml {
namespace {

// OpenSSL adds the suites of TLS 1.3 to whatever is asked for; without a certificate-based suite of
// 1.2 among them, no handshake of 1.2 can succeed.
constexpr char kCipherSuites[] = "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256";

constexpr std::chrono::days kExpiryWarning{30};

absl::StatusOr<std::string> ReadPem(const std::filesystem::path& path, bool secret) {
  absl::StatusOr<std::string> text =
      secret ? ReadPrivateFile(path, kMaxPemFileBytes) : ReadFile(path, kMaxPemFileBytes);
  if (text.ok()) return text;
  return InvalidArgument(ErrorReason("TLS_FILES_INVALID"), "{}", Message(text.status()));
}

}  // namespace

void AllowOnlyTls13() { ::setenv("GRPC_SSL_CIPHER_SUITES", kCipherSuites, /*overwrite=*/1); }

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, bool require_client_certificate) {
  grpc::SslServerCredentialsOptions options(
      require_client_certificate ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                 : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  DML_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(files.client_ca, false));
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  DML_ASSIGN_OR_RETURN(pair.cert_chain, ReadPem(files.certificate, false));
  DML_ASSIGN_OR_RETURN(pair.private_key, ReadPem(files.key, true));
  options.pem_key_cert_pairs.push_back(std::move(pair));
  return grpc::SslServerCredentials(options);
}

void LogCertificateDates(const std::filesystem::path& certificate, std::chrono::sys_seconds now) {
  const absl::StatusOr<std::string> pem = ReadPem(certificate, false);
  if (!pem.ok()) return;  // MakeServerCredentials has said so.
  const absl::StatusOr<CertificateDates> dates = ReadCertificateDates(*pem);
  if (!dates.ok()) {
    spdlog::error("server certificate {}: {}", certificate.string(), Message(dates.status()));
  } else if (now > dates->not_after) {
    spdlog::error(
        "server certificate {} expired on {}, and clients refuse it; replace it and "
        "start dmld again",
        certificate.string(), FormatTime(dates->not_after));
  } else if (now < dates->not_before) {
    spdlog::error("server certificate {} is good only from {} on; check this machine's clock",
                  certificate.string(), FormatTime(dates->not_before));
  } else if (dates->not_after - now < kExpiryWarning) {
    spdlog::warn("server certificate {} expires on {}; replace it before and start dmld again",
                 certificate.string(), FormatTime(dates->not_after));
  }
}

}  // namespace dml
