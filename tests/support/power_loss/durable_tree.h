// What of a folder is on the disk for certain: files as they were when they were synced last,
// folders with the names that they had when they were. A model of a file system that keeps nothing
// else: after a power failure, RebuildTree says what is left.
//
// The store is a folder of its own: "f-KEY" is a file's content, "d-KEY" a folder's names, where
// KEY is the inode with the time of its birth, as inodes are used again.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/stat.h>

namespace dml::testing {

inline std::string DurableKey(const std::filesystem::path& path) {
  struct statx info = {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &info) != 0) {
    return "";
  }
  return std::to_string(info.stx_ino) + "-" + std::to_string(info.stx_btime.tv_sec) + "-" +
         std::to_string(info.stx_btime.tv_nsec);
}

/// A file or folder is synced: what it is now is there from here on.
inline void RecordSynced(const std::filesystem::path& store, const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  const std::string key = DurableKey(path);
  if (key.empty()) return;
  if (type == fs::file_type::regular) {
    fs::copy_file(path, store / ("f-" + key), fs::copy_options::overwrite_existing, error);
  }
  if (type != fs::file_type::directory) return;
  std::ofstream out(store / ("d-" + key), std::ios::trunc);
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    out << DurableKey(it->path()) << " " << it->path().filename().string() << "\n";
    // A link is made with its target, and the folder's names are all there is of it.
    if (it->symlink_status(error).type() != fs::file_type::symlink) continue;
    std::ofstream(store / ("l-" + DurableKey(it->path())), std::ios::trunc)
        << fs::read_symlink(it->path(), error).string();
  }
}

/// Everything below a folder, as it is.
inline void RecordAll(const std::filesystem::path& store, const std::filesystem::path& root) {
  RecordSynced(store, root);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    RecordSynced(store, entry.path());
  }
}

/// Makes `to` what is left of the folder of that key. A file that was never synced is empty, a
/// folder too.
inline void RebuildTree(const std::filesystem::path& store, const std::string& key,
                        const std::filesystem::path& to) {
  namespace fs = std::filesystem;
  fs::create_directories(to);
  fs::permissions(to, fs::perms::owner_all);
  std::ifstream names(store / ("d-" + key));
  std::string child, name;
  while (names >> child && names.get() == ' ' && std::getline(names, name)) {
    if (fs::exists(store / ("l-" + child))) {
      std::ifstream in(store / ("l-" + child));
      const std::string target{std::istreambuf_iterator<char>(in), {}};
      fs::create_symlink(target, to / name);
    } else if (fs::exists(store / ("d-" + child))) {
      RebuildTree(store, child, to / name);
    } else if (fs::exists(store / ("f-" + child))) {
      fs::copy_file(store / ("f-" + child), to / name);
    } else {
      // Its name was there, and nothing of it: whether file or folder, only its name tells.
      std::ofstream(to / name);
    }
  }
}

}  // namespace dml::testing
