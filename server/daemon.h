// The composition root: what the daemon is made of, and in which order it starts and stops.
//
// The only place that names concrete classes. Start to finish: data directory, database (whose lock
// keeps a second daemon out), keys and certificates, library, maintenance, audit log, guard,
// services, network. Stopping goes the other way. No threads may be running when the first Daemon
// of a process starts (it sets an environment variable of gRPC's).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "server/config/server_config.h"

namespace dml {

class Daemon {
 public:
  /// Serves when it returns. Besides the errors of the parts (storage/data_dir.h,
  /// storage/engine/rocksdb_engine.h, storage/library/library.h, server/auth/bootstrap.h,
  /// server/rpc/server_host.h): FAILED_PRECONDITION (DESCRIPTOR_LIMIT_TOO_LOW).
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const ServerConfig& config);
  /// Shutdown without grace.
  ~Daemon();

  /// What it listens on.
  const ListenAddress& address() const;
  /// Where the log is served over HTTP; nullopt where it is not.
  std::optional<ListenAddress> http_address() const;
  /// Where figures and health are served; nullopt where they are not.
  std::optional<ListenAddress> observation_address() const;
  /// How clients on this machine reach it: the address, or localhost for a wildcard.
  std::string client_address() const;

  /// Looks at the files of certificates, keys and identity providers, and takes what has changed
  /// and is good into use: new connections are served with the one, calls judged by the other. What
  /// is not good is logged, and changes nothing. Blocks on the disk; whoever runs a daemon calls it
  /// every few seconds (server/runtime/file_watch.h), one thread at a time.
  void ReloadFiles();

  /// Takes into use what can change while the daemon runs: log.level, limits.transferBytes, and
  /// limits.maxTransfers up to what it was at the start. The log says what was taken, and what
  /// waits for the next start. `config` is valid.
  void Reload(const ServerConfig& config);

  /// OK, or why calls would fail: the daemon stops, or a write failed and it must be started anew.
  absl::Status Ready() const;

  /// OK where the storage answers; for a watchdog. Blocks on the disk.
  absl::Status Alive() const;

  /// Says by grpc.health.v1 what Ready says; whoever runs a daemon calls it every few seconds.
  void TellHealth();

  /// Accepts nothing new, gives calls under way the time, cancels the rest, closes the database.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  static absl::Status OpenParts(Parts& parts);
  absl::Status Serve();

  std::unique_ptr<Parts> parts_;
};

}  // namespace dml
