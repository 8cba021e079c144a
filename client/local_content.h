// Chunks that need not be fetched, because files of this machine have them. Internal to client/.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "client/file_io.h"
#include "core/content/chunker.h"

namespace dml {

/// First it is told what is wanted, then it searches files, then it hands out what it found.
///
/// Nothing is trusted: bytes are handed out only after their digest was checked again. A file that
/// cannot be read, is gone or was changed is as good as none. Only wanted chunks are remembered, so
/// memory goes by what is to be fetched and not by what is searched: 64 bytes a chunk, at most 64
/// MiB, and the paths of files that have one. Up to 64 of those files stay open.
class LocalContent {
 public:
  /// `params`: as the library cuts (valid).
  explicit LocalContent(const ChunkerParams& params) : params_(params) {}

  /// Before the first search. `as_base`: the chunk is of use for decoding only, and no reason to
  /// search on. False, and ignored, once 2^20 are wanted (128 GiB at the default average).
  bool Want(const Digest& chunk, bool as_base);

  /// Looks into an open regular file, until nothing is missing any more. One thread.
  void SearchFile(FileDescriptor file, const std::filesystem::path& path);
  /// Looks into a file, or into all files of a folder at any depth (links in there are not
  /// followed); first into those with these names below it.
  void SearchPath(const std::filesystem::path& path, const std::set<std::string>& first_names);

  /// Whether the chunk was found and not lost since. Any thread, like Load.
  bool Has(const Digest& chunk) const;
  /// The chunk's bytes, checked; false where it was not found, or is no longer where it was, and
  /// then Has is false too.
  bool Load(const Digest& chunk, std::string& raw);

 private:
  struct Chunk {
    Digest digest;
    bool as_base = false;
    uint32_t file = UINT32_MAX;  // In files_; UINT32_MAX: not found.
    uint32_t size = 0;
    uint64_t offset = 0;
  };
  struct File {
    std::filesystem::path path;
    std::shared_ptr<FileDescriptor> open;  // nullptr: opened for each use.
    int losses = 0;                        // Chunks that were not there any more.
  };

  void Seal();
  size_t Find(const Digest& digest) const;  // Its number; chunks_.size() where it is not wanted.
  bool Complete() const { return missing_ == 0; }
  bool IsFound(size_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ChunkerParams params_;
  bool sealed_ = false;
  size_t missing_ = 0;  // Chunks that are wanted for themselves and not found.
  size_t open_files_ = 0;
  mutable absl::Mutex mutex_;  // For what changes after the searches: the files of chunks, losses.
  std::vector<Chunk> chunks_;  // Ascending once sealed.
  std::vector<File> files_;
};

}  // namespace dml
