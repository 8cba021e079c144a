#include "server/auth/tls.h"

#include <cstdlib>

#include "core/os/file.h"
#include "server/auth/key_pair_files.h"

namespace dml {
namespace {

// OpenSSL adds the suites of TLS 1.3 to whatever is asked for; without a certificate-based suite of
// 1.2 among them, no handshake of 1.2 can succeed.
constexpr char kCipherSuites[] = "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256";

absl::StatusOr<std::string> ReadPem(const std::filesystem::path& path, bool secret) {
  absl::StatusOr<std::string> text =
      secret ? ReadPrivateFile(path, kMaxPemFileBytes) : ReadFile(path, kMaxPemFileBytes);
  if (text.ok()) return text;
  return InvalidArgument(ErrorReason("TLS_FILES_INVALID"), "{}", Message(text.status()));
}

}  // namespace

void AllowOnlyTls13() { ::setenv("GRPC_SSL_CIPHER_SUITES", kCipherSuites, /*overwrite=*/1); }

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  DML_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(files.client_ca, false));
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  DML_ASSIGN_OR_RETURN(pair.cert_chain, ReadPem(files.certificate, false));
  DML_ASSIGN_OR_RETURN(pair.private_key, ReadPem(files.key, true));
  options.pem_key_cert_pairs.push_back(std::move(pair));
  return grpc::SslServerCredentials(options);
}

}  // namespace dml
