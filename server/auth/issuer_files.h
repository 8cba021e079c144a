// The keys of identity providers, from files that are read again and again (auth.jwtIssuers).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "core/access/jwt.h"
#include "server/auth/fault_log.h"
#include "server/config/server_config.h"

namespace dml {

/// Owned by the daemon, which hands the authenticator what is new. Thread-safe.
class IssuerFiles {
 public:
  /// Reads all files. INVALID_ARGUMENT (JWKS_INVALID) naming the setting and the file that is not
  /// there, cannot be read or is no set of keys.
  static absl::StatusOr<std::unique_ptr<IssuerFiles>> Open(
      const std::vector<JwtIssuerConfig>& issuers);

  /// The issuers with the keys in use, in the order of the configuration.
  std::vector<JwtIssuer> Current() const;

  /// Looks at the files; true where the keys of an issuer are others now. A file that is not good
  /// leaves its issuer the keys that it had; each distinct fault is logged once.
  bool Check();

 private:
  struct Source {
    JwtIssuerConfig config;
    std::string text;  // Of the file, as it was read.
    std::vector<JwkKey> keys;
    FaultLog faults;
  };
  explicit IssuerFiles(std::vector<Source> sources) : sources_(std::move(sources)) {}
  static bool CheckOne(Source& source);

  mutable absl::Mutex mutex_;
  std::vector<Source> sources_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dml
