#include "tools/agent/layout_source.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "client/file_io.h"
#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "core/release/release.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = 1 << 20;
constexpr char kPartName[] = ".dml-part-";

absl::StatusOr<bool> IsThere(const SafeDirectory::Place& place, const BlobRef& blob) {
  absl::StatusOr<FileDescriptor> file = SafeDirectory::OpenFile(place);
  if (absl::IsNotFound(file.status())) return false;
  DML_RETURN_IF_ERROR(file.status());
  DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(*file, place.path));
  return found == blob;
}

// The file has its name once it is whole, right and durable.
absl::Status CopyBlob(const fs::path& from, const SafeDirectory::Place& place,
                      const BlobRef& blob) {
  DML_ASSIGN_OR_RETURN(FileDescriptor in, OpenRegular(from));
  const std::string part_name = kPartName + blob.digest.hex().substr(0, 32);
  FileDescriptor part(::openat(place.folder.get(), part_name.c_str(),
                               O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!part.valid()) return IoError(errno, "make", place.path);
  Sha256Hasher hasher;
  std::string block;
  BlobRef found;
  do {
    DML_RETURN_IF_ERROR(ReadAt(in, found.size, kBlockBytes, block, from));
    hasher.Update(block);
    DML_RETURN_IF_ERROR(WriteAt(part, found.size, block, place.path));
    found.size += block.size();
  } while (!block.empty() && found.size <= blob.size);
  found.digest = hasher.Finish();
  if (found != blob) {
    ::unlinkat(place.folder.get(), part_name.c_str(), 0);
    return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                    "{} is not the blob that its name says; export the layout again",
                    from.string());
  }
  const int folder = place.folder.get();
  if (::fsync(part.get()) != 0) return IoError(errno, "write", place.path);
  if (::renameat(folder, part_name.c_str(), folder, place.name.c_str()) != 0 ||
      ::fsync(folder) != 0) {
    return IoError(errno, "give its name to", place.path);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBlob(std::string_view bytes, const BlobRef& blob, std::string_view what) {
  if (bytes.size() == blob.size && Sha256(bytes) == blob.digest) return absl::OkStatus();
  return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                  "{} is of {} bytes and another content than {} of {} bytes", what, bytes.size(),
                  blob.digest.ToString(), blob.size);
}

fs::path LayoutSource::BlobPath(const BlobRef& blob) const {
  return layout_ / "blobs" / "sha256" / blob.digest.hex();
}

absl::StatusOr<std::string> LayoutSource::ReadBlob(const BlobRef& blob, uint64_t max_bytes) const {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadFile(BlobPath(blob), max_bytes));
  DML_RETURN_IF_ERROR(CheckBlob(bytes, blob, BlobPath(blob).string()));
  return bytes;
}

absl::StatusOr<std::string> LayoutSource::FetchManifest(const DeploymentSet&, const SetItem& item) {
  return ReadBlob(item.manifest, kMaxManifestBytes);
}

absl::StatusOr<std::string> LayoutSource::FetchConfiguration(const DeploymentSet&,
                                                             const BlobRef& configuration) {
  return ReadBlob(configuration, kMaxConfigurationBytes);
}

absl::Status LayoutSource::FetchFiles(const DeploymentSet&, const SetItem&,
                                      const Manifest& manifest, const fs::path& folder,
                                      const std::vector<fs::path>&) {
  DML_ASSIGN_OR_RETURN(SafeDirectory directory, SafeDirectory::Open(folder, /*create=*/true));
  for (const ManifestFile& file : manifest.files) {
    DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, directory.Find(file.path, /*create=*/true));
    DML_ASSIGN_OR_RETURN(const bool is_there, IsThere(place, file.blob));
    if (!is_there) DML_RETURN_IF_ERROR(CopyBlob(BlobPath(file.blob), place, file.blob));
  }
  return absl::OkStatus();
}

}  // namespace dml::agent
