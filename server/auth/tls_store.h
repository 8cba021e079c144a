// The certificate, key and authorities that new connections are served with: read from their files
// again and again, and taken into use only as a whole that is good.
//
// Owned by the daemon. Both servers, gRPC and HTTP, ask Current() at each new connection; what is
// connected already goes on as it is. Thread-safe.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include <absl/synchronization/mutex.h>

#include "core/base/status.h"
#include "core/crypto/tls_material.h"
#include "server/auth/fault_log.h"

namespace dml {

/// PEM files.
struct TlsFiles {
  std::filesystem::path certificate;  // With its chain.
  std::filesystem::path key;          // Readable by its owner alone.
  std::filesystem::path client_ca;    // Who may sign clients' certificates.
};

/// Checks as TlsStore::Open does those files that are named: an empty path is passed over, the key
/// with the certificate.
absl::Status CheckGivenTlsFiles(const TlsFiles& files);

class TlsStore {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  /// Reads and checks the files (core/crypto/tls_material.h). INVALID_ARGUMENT (TLS_FILES_INVALID),
  /// which names the file and what is wrong. Logs what LogCertificateDates says. `clock` empty: the
  /// wall clock.
  static absl::StatusOr<std::unique_ptr<TlsStore>> Open(TlsFiles files, Clock clock = {});

  /// Never null. The same object until a change is taken into use.
  std::shared_ptr<const TlsMaterial> Current() const;

  enum class Outcome {
    kUnchanged,  // The files hold what is in use.
    kReplaced,   // Another whole that is good: in use for new connections from now on.
    kRefused,    // What they hold is not good, or half written: what was in use stays so.
  };
  /// Looks at the files. Logs a change, and each distinct fault once; once a day, what
  /// LogCertificateDates says.
  Outcome Check();

 private:
  TlsStore(TlsFiles files, Clock clock, TlsMaterial material);
  void LogDates(const TlsMaterial& material) ABSL_EXCLUSIVE_LOCKS_REQUIRED(check_mutex_);

  const TlsFiles files_;
  const Clock clock_;

  absl::Mutex check_mutex_;  // One look at a time; taken before mutex_.
  FaultLog faults_ ABSL_GUARDED_BY(check_mutex_);
  std::chrono::sys_seconds dates_due_ ABSL_GUARDED_BY(check_mutex_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const TlsMaterial> current_ ABSL_GUARDED_BY(mutex_);
};

/// Where a server certificate is not good at `now`, or not for 30 days more, says so in the log: an
/// operator must be able to start the daemon all the same. `file` is for the message.
void LogCertificateDates(const std::filesystem::path& file, std::string_view certificate_pem,
                         std::chrono::sys_seconds now);

}  // namespace dml
