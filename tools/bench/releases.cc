#include "tools/bench/releases.h"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <memory>

#include "core/os/file.h"

namespace dml::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = uint64_t{4} << 30;

la_ssize_t Append(archive*, void* out, const void* bytes, size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

absl::Status TarFailed(archive* tar) {
  const char* why = ::archive_error_string(tar);
  return Internal(ErrorReason("TAR_FAILED"), "cannot make a tar archive: {}",
                  why != nullptr ? why : "no reason given");
}

}  // namespace

absl::StatusOr<std::vector<ReleaseFile>> LoadRelease(const fs::path& path) {
  std::vector<std::pair<std::string, fs::path>> found;
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    found.emplace_back(path.filename().string(), path);
  } else {
    auto walk = fs::recursive_directory_iterator(path, error);
    for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
      if (!walk->is_symlink() && walk->is_regular_file()) {
        found.emplace_back(walk->path().lexically_relative(path).string(), walk->path());
      }
    }
  }
  if (error || found.empty()) {
    return FailedPrecondition(ErrorReason("RELEASE_EMPTY"),
                              "no files in {}{}{}: name a folder with a release's files, or a file",
                              path.string(), error ? ": " : "", error ? error.message() : "");
  }
  std::sort(found.begin(), found.end());
  std::vector<ReleaseFile> files;
  for (const auto& [name, file] : found) {
    DML_ASSIGN_OR_RETURN(std::string content, ReadFile(file, kMaxFileBytes));
    files.push_back({name, std::move(content)});
  }
  return files;
}

absl::StatusOr<std::string> PackRelease(const std::vector<ReleaseFile>& files) {
  std::string out;
  std::unique_ptr<archive, decltype(&::archive_write_free)> tar(::archive_write_new(),
                                                                ::archive_write_free);
  ::archive_write_set_format_pax_restricted(tar.get());
  if (::archive_write_open2(tar.get(), &out, nullptr, Append, nullptr, nullptr) != ARCHIVE_OK) {
    return TarFailed(tar.get());
  }
  for (const ReleaseFile& file : files) {
    std::unique_ptr<archive_entry, decltype(&::archive_entry_free)> entry(::archive_entry_new(),
                                                                          ::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), file.path.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644);
    ::archive_entry_set_mtime(entry.get(), 0, 0);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
    if (::archive_write_header(tar.get(), entry.get()) != ARCHIVE_OK ||
        ::archive_write_data(tar.get(), file.content.data(), file.content.size()) !=
            static_cast<la_ssize_t>(file.content.size())) {
      return TarFailed(tar.get());
    }
  }
  if (::archive_write_close(tar.get()) != ARCHIVE_OK) return TarFailed(tar.get());
  return out;
}

}  // namespace dml::bench
