// How a client reaches a library, and what it trusts.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "core/base/status.h"

namespace dml {

/// Waiting between tries of a call that failed with UNAVAILABLE, or with RetryInfo from the server.
/// A server that asks for more than a minute is not waited for: its error is returned.
struct RetryOptions {
  int max_attempts = 5;
  std::chrono::milliseconds first_delay{100};  // Doubles, with jitter; RetryInfo wins.
  std::chrono::milliseconds max_delay{5000};
  /// How long a library that has answered this client before is waited for, beyond max_attempts
  /// where those are more than one, while it does not answer or says that it is busy
  /// (RESOURCE_EXHAUSTED with RetryInfo): its restart ends no transfer. 0: not at all.
  std::chrono::milliseconds patience{60'000};
  /// Told before each wait how long it is at most. Like `sleep`, which replaces the wait itself, it
  /// is called from several threads where a pull has several channels.
  std::function<void(std::chrono::milliseconds)> before_wait;
  std::function<void(std::chrono::milliseconds)> sleep;
};

/// Plain values; a copy is independent. Made by LoadProfile or by hand.
struct ClientOptions {
  std::string target;           // "host:port", or "unix:/path".
  std::string ca_pem;           // Trusted for the server's certificate.
  std::string certificate_pem;  // Who we are.
  std::string private_key_pem;
  std::filesystem::path certificate_file;  // For messages; "": the certificate is of no file.
  std::string server_name;         // Expected in the certificate where it differs from the target.
  bool insecure_loopback = false;  // No TLS; refused unless the target is a loopback address.

  std::string log_origin;            // The journal that we expect to talk to,
  std::string log_key_pem;           // and the key that signs its checkpoints: both pinned.
  std::filesystem::path state_file;  // Remembers the last checkpoint seen; "": only while running.
  std::string root_json;             // The trust root pinned, an envelope; "": none.
  std::filesystem::path root_key_file;  // A key of its root role, for whoever holds it; "": none.
  std::string token;                    // Who we are, instead of or beside a certificate.

  RetryOptions retry;
  std::chrono::milliseconds unary_timeout{60'000};  // Of one attempt of a call without streaming.
  /// Of a publication, for which the library may have to scan all files: a terabyte takes hours.
  std::chrono::milliseconds publish_timeout{6 * 3'600'000};
  std::chrono::milliseconds stall_timeout{30'000};  // A stream without progress is broken off.
  /// An answer from a longer log than the one remembered makes the client ask for a checkpoint, at
  /// most this often; 0: each time. See client/client.h.
  std::chrono::milliseconds log_check_interval{1'000};

  /// INVALID_ARGUMENT (CLIENT_OPTIONS_INVALID) naming the field.
  absl::Status Validate() const;
};

/// When the client's certificate ends; nullopt where there is none, or none that can be read, which
/// the first call tells. UNAUTHENTICATED (CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID) where it
/// is not good at `now`: the server would break off without saying why.
absl::StatusOr<std::optional<std::chrono::sys_seconds>> CheckCertificate(
    const ClientOptions& options, std::chrono::sys_seconds now);

/// Reads a profile, a strict YAML document (core/base/strict_yaml.h) of at most 64 KiB:
///
///   server: library.example:7443         # or unix:/run/dml/dmld.sock
///   serverName: library.example          # optional
///   caFile: ca.pem                       # these three unless insecureLoopback is true
///   certificateFile: me.pem
///   privateKeyFile: me.key               # readable by its owner alone
///   insecureLoopback: false              # optional
///   logOrigin: library.example/dml
///   logKeyFile: log.pub                  # SubjectPublicKeyInfo, PEM
///   rootFile: root.json                  # optional: the trust root that you trust
///   rootKeyFile: root.key                # optional: for dml key register
///   tokenFile: me.token                  # instead of certificateFile; readable by its owner alone
///   stateFile: library.checkpoint        # optional; default: the profile's name + ".checkpoint"
///
/// Files are relative to the profile's folder. INVALID_ARGUMENT (PROFILE_INVALID) with the line;
/// the errors of core/os/file.h for a file that cannot be read.
absl::StatusOr<ClientOptions> LoadProfile(const std::filesystem::path& file);

/// The profile that applies: `given` where not empty, else $DML_PROFILE, else
/// $XDG_CONFIG_HOME/dml/profile.yaml (~/.config/...). NOT_FOUND (PROFILE_NOT_FOUND) saying what to
/// do.
absl::StatusOr<std::filesystem::path> FindProfile(const std::filesystem::path& given);

}  // namespace dml
