// dml::OperationsClient: backups, and whether a library is what it says, by a library's Client.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/client.h"

namespace dml {

/// A backup in the folder of the library's configuration.
struct BackupAnswer {
  uint32_t number = 0;
  Timestamp time;
  uint64_t bytes = 0;    // Of its database, files that others share too.
  uint64_t entries = 0;  // That its journal has at least,
  Digest root;           // with this root.
  std::string version;   // Of the program that made it.
};

struct BackupList {
  std::vector<BackupAnswer> backups;  // The oldest first.
  JobStatus job;
  Timestamp
      start_time{};  // Of the one under way, else the last since the daemon's start; 1970: none.
  Timestamp finish_time{};  // Of the last that came to its end.
};

/// One thing that is wrong with a library.
struct LibraryFaultAnswer {
  std::string part;  // journal, roots, views, content, signatures.
  std::string subject;
  std::string message;
};

struct LibraryVerdict {
  bool sound = false;
  uint64_t entries = 0;
  uint64_t metadata_blobs = 0;
  uint64_t rows = 0;
  uint64_t variants = 0;
  uint64_t files = 0;
  uint64_t chunks = 0;
  uint64_t releases = 0;
  uint64_t envelopes = 0;
  uint64_t signatures = 0;
  uint64_t fault_count = 0;
  std::vector<LibraryFaultAnswer> faults;  // The first ones.
};

/// Thread-safe, as its Client is.
class OperationsClient {
 public:
  /// `client` must outlive it.
  explicit OperationsClient(Client& client) : client_(client) {}

  /// Nothing where one is under way. `keep` 0: drops none afterwards. FAILED_PRECONDITION
  /// (BACKUP_NOT_CONFIGURED).
  absl::StatusOr<JobStatus> StartBackup(uint32_t keep, bool verify);
  absl::StatusOr<BackupList> ListBackups();

  /// Part under way, how much of it is done, and of how much (0: unknown).
  using Progress = std::function<void(const std::string& part, uint64_t done, uint64_t all)>;
  /// Takes long; ends with UNAVAILABLE (TRANSFER_STALLED) where nothing is heard for ten minutes.
  absl::StatusOr<LibraryVerdict> VerifyLibrary(bool read_content, const Progress& progress = {});

 private:
  Client& client_;
};

}  // namespace dml
