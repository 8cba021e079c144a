// Files that a layout holds only as what differs from files that the receiver has.
//
// docs/formats.md, "Patch", has the grammar. A patch is a hint that nobody signs: what it makes is
// a file only where its digest is right, and a hostile one costs no more memory than a chunk, and
// no more disk than the sizes that its header says, each file and each base once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/file_io.h"
#include "core/base/digest.h"
#include "core/package/names.h"

namespace dml {

inline constexpr size_t kMaxPatchBases = 4096;
inline constexpr size_t kMaxPatchFiles = 16384;

/// A file that the receiver has: of a variant, so that it may be asked for.
struct PatchBase {
  VariantName variant;
  BlobRef file;
  bool operator==(const PatchBase&) const = default;
};

struct PatchHeader {
  std::vector<PatchBase> bases;
  std::vector<BlobRef> files;  // What the patch makes, in its order.
  bool operator==(const PatchHeader&) const = default;
};

/// The next bytes of the file are bytes of a base.
struct PatchCopy {
  uint32_t base = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  bool operator==(const PatchCopy&) const = default;
};
/// Or are these: at most a chunk.
struct PatchInsert {
  std::string raw;
  bool operator==(const PatchInsert&) const = default;
};
using PatchStep = std::variant<PatchCopy, PatchInsert>;

/// Writes a patch into a new file. Errors: IoError's, naming the path.
class PatchWriter {
 public:
  static absl::StatusOr<PatchWriter> Create(const std::filesystem::path& path,
                                            const PatchHeader& header);
  /// What follows what was copied last is copied with it.
  absl::Status Copy(const PatchCopy& copy);
  /// 1 to kMaxChunkBytes bytes; stored compressed where that is shorter.
  absl::Status Insert(std::string_view raw);
  /// The patch is whole. Its digest and size.
  absl::StatusOr<BlobRef> Finish();

 private:
  PatchWriter(std::filesystem::path path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  absl::Status Append(std::string_view bytes);
  absl::Status FlushCopy();

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string buffer_;
  uint64_t written_ = 0;
  std::optional<PatchCopy> copy_;
};

/// Reads a patch that a stranger may have made. INVALID_ARGUMENT (PATCH_INVALID) with the position
/// for anything but the format; IoError's.
class PatchReader {
 public:
  /// Reads the header. `path` is for messages.
  static absl::StatusOr<PatchReader> Open(FileDescriptor file, std::filesystem::path path);

  const PatchHeader& header() const { return header_; }
  /// The next step of the current file, the first at first; nullopt at its end, and the next call
  /// is about the next file. Steps never go beyond their file or their base. After the last file
  /// one more call checks that the patch ends there.
  absl::StatusOr<std::optional<PatchStep>> Next();

 private:
  PatchReader(FileDescriptor file, std::filesystem::path path)
      : path_(std::move(path)), file_(std::move(file)) {}
  absl::Status ReadHeader();
  absl::StatusOr<PatchStep> ReadCopy();
  absl::StatusOr<PatchStep> ReadInsert();
  absl::StatusOr<std::string> Take(size_t count);
  template <typename T>
  absl::StatusOr<T> TakeNumber();
  absl::Status Invalid(std::string_view what) const;

  std::filesystem::path path_;
  FileDescriptor file_;
  PatchHeader header_;
  std::string buffer_;  // Read, from buffer_at_ on not yet taken.
  size_t buffer_at_ = 0;
  uint64_t read_ = 0;   // Bytes of the file in or before the buffer.
  size_t current_ = 0;  // File.
  uint64_t made_ = 0;   // Of it.
};

}  // namespace dml
