// Writing an OCI image layout, as a folder or as one tar file.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string_view>

#include "core/base/digest.h"
#include "tools/oci/work_folder.h"

namespace dml {

/// Where the layout's files go, a folder or a tar file.
class LayoutSink;

/// Collects a layout beside its place, and puts it there when it is whole and synced: under the
/// final name there is never a part of one. Blobs are written once each. Memory is flat; disk is
/// needed once for the layout, and with a tar file for what lies in scratch() too.
///
/// One thread. Without Finish the destructor removes everything. Errors: IoError's
/// (client/file_io.h), naming the path.
class LayoutWriter {
 public:
  /// A target that ends in ".tar" becomes a tar file (POSIX ustar, pax where that is too narrow),
  /// any other a folder. ALREADY_EXISTS (FILE_EXISTS) where there is something by that name.
  static absl::StatusOr<LayoutWriter> Create(const std::filesystem::path& target);
  LayoutWriter(LayoutWriter&&) noexcept;
  ~LayoutWriter();

  /// An existing folder on the target's file system for the caller's files; gone at the end.
  const std::filesystem::path& scratch() const { return scratch_; }

  bool Has(const Digest& digest) const { return blobs_.contains(digest); }
  /// Bytes of all blobs so far.
  uint64_t blob_bytes() const { return blob_bytes_; }

  absl::StatusOr<BlobRef> AddBytes(std::string_view bytes);
  /// Takes the file at `path`, which must lie in scratch(), and hashes it on the way: DATA_LOSS
  /// (BLOB_DIGEST_MISMATCH) where it is not `blob`.
  absl::Status AddFile(const BlobRef& blob, const std::filesystem::path& path);

  /// Writes index.json, and gives the layout its name. Nothing may be added afterwards.
  absl::Status Finish(std::string_view index_json);

 private:
  LayoutWriter(std::filesystem::path target, WorkFolder work, std::unique_ptr<LayoutSink> sink);

  std::filesystem::path target_;
  WorkFolder work_;
  std::filesystem::path scratch_;
  std::unique_ptr<LayoutSink> sink_;
  std::set<Digest> blobs_;
  uint64_t blob_bytes_ = 0;
};

}  // namespace dml
