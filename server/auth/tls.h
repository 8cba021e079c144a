// TLS of the daemon: version 1.3, and a client certificate of our authority from everyone.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include <grpcpp/security/server_credentials.h>

#include "core/base/status.h"

namespace dml {

/// PEM files.
struct TlsFiles {
  std::filesystem::path certificate;  // With its chain.
  std::filesystem::path key;          // Readable by its owner alone.
  std::filesystem::path client_ca;    // Who may sign clients' certificates.
};

/// gRPC 1.51 negotiates TLS 1.2 too and has no option against it; but a list of cipher suites
/// without any of 1.2 leaves 1.3 only. It is read once, so this must be called before the first use
/// of TLS in the process (it sets an environment variable: before other threads start).
void AllowOnlyTls13();

/// INVALID_ARGUMENT (TLS_FILES_INVALID) where a file cannot be read, names the file. What is wrong
/// inside a certificate or key shows only when the server starts.
/// Without `require_client_certificate` a client may show none; one that it shows must be good.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, bool require_client_certificate = true);

/// Where a server certificate is not good at `now`, or not for 30 days more, says so in the log: an
/// operator must be able to start the daemon all the same.
void LogCertificateDates(const std::filesystem::path& certificate, std::chrono::sys_seconds now);

}  // namespace dml
