// Builds archives and Debian packages in memory, sound ones and others.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace dml::testing {

/// One entry of a tar archive: a file, or a symbolic link where `link` is not empty.
struct TarEntry {
  std::string path;
  std::string content;
  std::string link;
};

/// The bytes of an archive that `format` begins.
inline std::string MakeArchive(const std::vector<TarEntry>& entries,
                               const std::function<void(archive*)>& format) {
  std::string bytes;
  archive* out = archive_write_new();
  format(out);
  archive_write_set_bytes_in_last_block(out, 1);  // No padding after the compressed bytes.
  auto append = [](archive*, void* to, const void* data, size_t size) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  };
  EXPECT_EQ(archive_write_open(out, &bytes, nullptr, append, nullptr), ARCHIVE_OK);
  for (const TarEntry& item : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.path.c_str());
    archive_entry_set_perm(entry, 0644);
    if (item.link.empty()) {
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_size(entry, static_cast<la_int64_t>(item.content.size()));
    } else {
      archive_entry_set_filetype(entry, AE_IFLNK);
      archive_entry_set_symlink(entry, item.link.c_str());
    }
    EXPECT_EQ(archive_write_header(out, entry), ARCHIVE_OK);
    archive_write_data(out, item.content.data(), item.content.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(out), ARCHIVE_OK);
  archive_write_free(out);
  return bytes;
}

/// A GNU tar archive, compressed as a file name's suffix says: "", ".gz", ".xz" or ".zst".
inline std::string MakeTar(const std::vector<TarEntry>& entries, std::string_view suffix = "") {
  return MakeArchive(entries, [&](archive* tar) {
    archive_write_set_format_gnutar(tar);
    int filter = ARCHIVE_OK;
    if (suffix == ".gz") filter = archive_write_add_filter_gzip(tar);
    if (suffix == ".xz") filter = archive_write_add_filter_xz(tar);
    if (suffix == ".zst") filter = archive_write_add_filter_zstd(tar);
    EXPECT_EQ(filter, ARCHIVE_OK) << suffix;
  });
}

inline std::string MakeZip(const std::vector<TarEntry>& entries) {
  return MakeArchive(entries, [](archive* zip) { archive_write_set_format_zip(zip); });
}

using ArMember = std::pair<std::string, std::string>;

/// An ar archive (ar(5), the common format).
inline std::string MakeAr(const std::vector<ArMember>& members) {
  std::string bytes = "!<arch>\n";
  for (const auto& [name, content] : members) {
    std::string header = name;
    header.resize(16, ' ');
    header += "0           0     0     100644  " + std::to_string(content.size());
    header.resize(58, ' ');
    bytes += header + "`\n" + content;
    if (content.size() % 2 == 1) bytes += "\n";
  }
  return bytes;
}

/// A whole package; `data` are the files of data.tar.
inline std::string MakeDeb(const std::string& control, const std::vector<TarEntry>& data = {},
                           const std::string& suffix = "") {
  return MakeAr({{"debian-binary", "2.0\n"},
                 {"control.tar" + suffix, MakeTar({{"./control", control, ""}}, suffix)},
                 {"data.tar" + suffix, MakeTar(data, suffix)}});
}

/// A file of these bytes, deleted at the end of the scope.
class TempFile {
 public:
  explicit TempFile(std::string_view bytes)
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("dml-import-" + std::to_string(getpid()) + ".deb")) {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), std::ssize(bytes));
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dml::testing
