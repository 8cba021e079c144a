// Makes backups of a library in the background, one at a time.
//
// Owned by the daemon; outlives the services, and ends before the library. Calls start work and
// return; what became of it is asked for. Thread-safe.
#pragma once

#include <optional>
#include <thread>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "storage/backup/backup.h"
#include "storage/library/library.h"

namespace dml {

struct BackupsOptions {
  std::filesystem::path folder;    // See BackupFolder; a fresh one, or of this library.
  std::filesystem::path data_dir;  // Of the library.
  std::string version;             // Of the program.
};

/// What one backup is to do besides.
struct BackupWork {
  uint32_t keep = 0;    // Afterwards, the newest so many; 0: all.
  bool verify = false;  // Reads all of it once it is made.
  bool operator==(const BackupWork&) const = default;
};

class Backups {
 public:
  /// `library` must outlive it.
  Backups(Library& library, BackupsOptions options);
  /// Waits for what is under way.
  ~Backups();
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  /// Does nothing where one waits or runs.
  void Start(BackupWork work);

  struct State {
    bool running = false;
    absl::Status error;       // Of the last one; OK before the first.
    Timestamp start_time{};   // Of the one under way, else the last one; 1970: none.
    Timestamp finish_time{};  // Of the last one that came to its end.
  };
  State state() const;

  /// Those that the folder holds, ascending. Errors of BackupFolder; none while there is no folder.
  absl::StatusOr<std::vector<Backup>> List();

 private:
  void Run();
  absl::Status MakeOne(const BackupWork& work);

  Library& library_;
  const BackupsOptions options_;

  absl::Mutex folder_mutex_;  // One at a time works on the folder; taken before mutex_.
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<BackupWork> asked_ ABSL_GUARDED_BY(mutex_);
  State state_ ABSL_GUARDED_BY(mutex_);
  std::vector<Backup> known_ ABSL_GUARDED_BY(mutex_);  // As listed last; told while one runs.
  std::thread thread_;                                 // Last: starts when all else is there.
};

}  // namespace dml
