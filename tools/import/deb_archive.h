// The container of a Debian package: an ar archive of two tar archives (deb(5), format 2.0).
//
//   debian-binary          "2.0\n"
//   control.tar[.gz|...]   has ./control
//   data.tar[.gz|...]      the files; ./usr/share/doc/PACKAGE/copyright is the one that is read
// Members that start with '_' may stand between, any others after the data; they are passed over.
// Compressed by nothing, gzip, xz, zstd, bzip2 or lzma, as the member's name says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"

struct archive;
struct archive_entry;

namespace dml {

/// What a package may make its reader do. Nothing is ever allocated by a size that it states.
struct DebLimits {
  uint64_t max_control_bytes = 1 << 20;       // The control file.
  uint64_t max_unpacked_bytes = 16ULL << 30;  // Either tar archive, when uncompressed.
  uint64_t max_entries = 1 << 20;             // Of both tar archives together.
};

/// What stands where a package's copyright file is expected.
struct DebCopyrightFile {
  enum class Kind { kAbsent, kFile, kLink, kTooLarge };
  Kind kind = Kind::kAbsent;
  std::string text;  // kFile: the content. kLink: where the file, or its folder, points to.
};

/// Reads one .deb file from front to end, as a stream; nothing is written anywhere. Call
/// ReadControl once, then ReadCopyright once, from one thread.
///
/// Errors leave it to the caller to name the file. INVALID_ARGUMENT (DEB_INVALID): not the format
/// above, cut short, or two entries of one name where one is read. RESOURCE_EXHAUSTED
/// (DEB_TOO_LARGE): beyond the limits. Damage inside a tar archive is sure to be seen only where it
/// is compressed by xz: libarchive does not check the sum of gzip, zstd's is optional, and tar has
/// none for content. Who needs to know that the file is the right one compares its digest.
class DebArchive {
 public:
  /// NOT_FOUND (FILE_NOT_FOUND) and FAILED_PRECONDITION (FILE_NOT_REGULAR) besides DEB_INVALID.
  static absl::StatusOr<DebArchive> Open(const std::filesystem::path& path,
                                         const DebLimits& limits);

  /// The control file's content.
  absl::StatusOr<std::string> ReadControl();

  /// The copyright file of `package`; of more than kMaxDebianCopyrightBytes it is kTooLarge. Reads
  /// all that is left, so that OK means that the file is complete.
  absl::StatusOr<DebCopyrightFile> ReadCopyright(std::string_view package);

 private:
  struct Free {
    void operator()(archive* reader) const;
  };
  using Reader = std::unique_ptr<archive, Free>;
  // One entry of a tar archive, which may be read from `tar`; ends the walk where not OK.
  using EntryFn =
      std::function<absl::Status(archive* tar, const std::string& path, archive_entry* entry)>;

  DebArchive(const DebLimits& limits, Reader members)
      : limits_(limits), members_(std::move(members)) {}

  absl::StatusOr<std::string> NextMember();
  absl::Status CheckFormat();
  absl::Status SeekMember(std::string_view tar_name, std::string& found);
  absl::Status ReadToEnd();
  absl::Status ReadTar(const std::string& member, const EntryFn& read);
  absl::Status ReadEntry(archive* tar, std::string* kept, uint64_t max_bytes);

  DebLimits limits_;
  Reader members_;
  uint64_t file_bytes_ = 0;
  uint64_t entries_ = 0;
};

}  // namespace dml
