// The daemon's settings: a plain value, read once at the start.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

/// Certificates that somebody else made, instead of those of the first start. PEM files; the key
/// readable by its owner alone.
struct TlsOverrides {
  std::filesystem::path certificate;  // The server's, with its chain; with `key` or not at all.
  std::filesystem::path key;
  std::filesystem::path client_ca;  // Who may sign clients' certificates.

  bool empty() const { return certificate.empty() && key.empty() && client_ca.empty(); }
  bool operator==(const TlsOverrides&) const = default;
};

struct ServerLimits {
  uint64_t max_message_bytes = 4 << 20;  // Of one gRPC message, either way.
  int max_transfers = 32;                // Streams of content at a time.
  uint64_t transfer_bytes = 512 << 20;   // Memory that they may hold.
  int stall_timeout_seconds = 300;       // After which a stream without progress is ended.
  int upload_lease_seconds = 86'400;     // For which content that nothing names yet is kept.
  int max_concurrent_streams = 100;      // Calls at a time on one connection.
  uint64_t block_cache_bytes = 64 << 20;
  uint64_t write_buffer_bytes = 64 << 20;
  int max_open_files = 512;              // Of the database; connections need descriptors besides.
  int clock_step_seconds = 30 * 86'400;  // See storage/library/journal_clock.h; 0: any.
  bool operator==(const ServerLimits&) const = default;
};

/// How content is cut and kept; docs/adr/0006, 0007.
struct ContentConfig {
  uint64_t chunk_average_bytes = 128 << 10;  // Clients are told; a quarter to four times of it.
  uint64_t loose_bytes = 4 << 20;            // See ContentOptions.
  uint64_t pack_bytes = 128 << 20;
  bool operator==(const ContentConfig&) const = default;
};

/// Memory that one upload can hold: frames that are no rows yet, and a message in three forms.
uint64_t UploadMemory(const ServerLimits& limits, const ContentConfig& content);

/// Collection, repacking and scrub; see storage/collect/maintenance.h.
struct MaintenanceConfig {
  uint64_t mark_bytes = 64 << 20;              // Memory for what is in use.
  uint64_t scrub_bytes_per_second = 32 << 20;  // Where a call does not say.
  int repack_interval_seconds = 3600;          // 0: only when asked.
  uint64_t repack_bytes_per_second = 64 << 20;
  bool operator==(const MaintenanceConfig&) const = default;
};

/// An identity provider whose tokens (JWT) name callers.
struct JwtIssuerConfig {
  std::string issuer;    // "https://login.example"
  std::string audience;  // What its tokens must be for.
  std::filesystem::path jwks_file;
  bool operator==(const JwtIssuerConfig&) const = default;
};

struct AuthConfig {
  bool certificates_optional = false;  // For callers with tokens alone.
  std::vector<JwtIssuerConfig> issuers;
  bool operator==(const AuthConfig&) const = default;
};

/// What may enter; see docs/operations.md, "Admission".
struct AdmissionOptions {
  std::string clamd;                      // Socket of ClamAV's daemon; "": nothing is scanned.
  bool accept_unscanned = false;          // Without a verdict: accept, else quarantine.
  bool require_license = false;           // A declared license other than NONE and NOASSERTION.
  bool require_provenance = false;        // An attestation of this kind when it is published.
  bool require_sbom = false;              // SPDX or CycloneDX.
  std::chrono::hours rescan_interval{0};  // 0: only when asked.
  std::chrono::days quarantine_days{0};   // Rejected after that long; 0: never.
  bool operator==(const AdmissionOptions&) const = default;
};

/// The audit log of refused calls; see server/audit/audit_log.h.
struct AuditConfig {
  int lines_per_second = 10;  // What is beyond is counted.
  bool operator==(const AuditConfig&) const = default;
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  bool operator==(const LogConfig&) const = default;
};

/// A connection to ourselves at every interval; see server/runtime/self_probe.h.
struct SelfProbeConfig {
  std::chrono::seconds interval{30};  // 0: none.
  int max_failures = 3;               // One after another, then the process ends.
  bool operator==(const SelfProbeConfig&) const = default;
};

/// The log over HTTP; see server/http/log_site.h.
struct HttpConfig {
  std::string listen;                    // IP address and port; "": no HTTP.
  bool public_log = false;               // Whether anyone may read all entries.
  int max_connections_per_address = 16;  // Of the kMaxHttpConnections.
  bool operator==(const HttpConfig&) const = default;
};
/// Connections at a time, from all addresses.
inline constexpr int kMaxHttpConnections = 64;
inline constexpr char kDefaultHttpListen[] = "127.0.0.1:7480";

/// Figures and health over HTTP; see server/http/observation_site.h.
struct ObservationConfig {
  std::string listen;      // IP address and port; "": none.
  bool anonymous = false;  // Beyond loopback: whether anyone may read them.
  bool operator==(const ObservationConfig&) const = default;
};
inline constexpr char kDefaultObservationListen[] = "127.0.0.1:7481";

/// Where backups go; see storage/backup/.
struct BackupConfig {
  std::filesystem::path folder;  // "": no backups by the running daemon.
  bool operator==(const BackupConfig&) const = default;
};

struct ServerConfig {
  std::filesystem::path data_dir;
  bool read_only = false;                 // Nothing changes: for a restored backup, or maintenance.
  std::string listen = "127.0.0.1:7443";  // IP address and port; port 0: a free one.
  std::vector<std::string> server_names;  // Further DNS names and addresses of this server.
  TlsOverrides tls;
  HttpConfig http;
  ObservationConfig observation;
  ServerLimits limits;
  ContentConfig content;
  MaintenanceConfig maintenance;
  AuthConfig auth;
  AdmissionOptions admission;
  AuditConfig audit;
  BackupConfig backup;
  LogConfig log;
  SelfProbeConfig self_probe;
  std::chrono::seconds shutdown_grace{10};  // For calls under way when told to stop.
  // Flags only, never in the file:
  bool insecure_loopback = false;          // No TLS.
  bool accept_missing_checkpoint = false;  // For one start; see CheckpointSigner::Open.

  /// INVALID_ARGUMENT (CONFIG_INVALID) naming the setting.
  absl::Status Validate() const;
  bool operator==(const ServerConfig&) const = default;
};

/// An IP address and port to listen on.
struct ListenAddress {
  std::string host;  // "127.0.0.1", "::1": without brackets.
  int port = 0;
  bool loopback = false;  // 127.0.0.0/8 or ::1: nothing else counts.
  bool wildcard = false;  // 0.0.0.0 or ::.

  std::string ToString() const;  // "127.0.0.1:7443", "[::1]:7443".
};

/// Reads "127.0.0.1:7443" or "[::1]:7443". Names are refused, because what they mean is decided
/// elsewhere. INVALID_ARGUMENT (CONFIG_INVALID).
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

/// Whether the text is an IPv4 or IPv6 address.
bool IsIpAddress(std::string_view text);

/// Reads a configuration file (docs/operations.md, "Configuration"); what it does not name keeps
/// its default. Relative paths in it are relative to `file`'s folder; `file` also names it in
/// messages. INVALID_ARGUMENT (CONFIG_INVALID) with "file:line:column"; an unknown key is an error
/// that tells the nearest known one. `environment` ("NAME=VALUE" each) comes on top: see
/// server/config/environment.h. Not validated yet: flags come on top of both.
absl::StatusOr<ServerConfig> ParseServerConfig(std::string_view yaml,
                                               const std::filesystem::path& file,
                                               std::span<const std::string> environment = {});

/// What the environment alone says; paths are relative to the working folder.
absl::StatusOr<ServerConfig> ServerConfigOf(std::span<const std::string> environment);

/// The whole configuration as such a file.
std::string FormatServerConfig(const ServerConfig& config);

}  // namespace dml
