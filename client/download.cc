#include "client/download.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <map>
#include <set>
#include <span>
#include <unistd.h>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>

#include "client/blob_fetcher.h"
#include "client/calls.h"
#include "dml/v1/content.grpc.pb.h"

namespace dml {
namespace {

// After so many files, or so much of them, what has come is made durable. Two descriptors a file.
constexpr size_t kSettledFiles = 128;
constexpr uint64_t kSettledBytes = 64 << 20;

enum class Found { kNothing, kOther, kSame };

absl::StatusOr<Found> LookFor(const SafeDirectory::Place& place, const BlobRef& blob) {
  absl::StatusOr<FileDescriptor> file = SafeDirectory::OpenFile(place);
  if (absl::IsNotFound(file.status())) return Found::kNothing;
  DML_RETURN_IF_ERROR(file.status());
  struct stat info;
  if (::fstat(file->get(), &info) != 0) return IoError(errno, "read", place.path);
  if (static_cast<uint64_t>(info.st_size) != blob.size) return Found::kOther;
  DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(*file, place.path));
  return found == blob ? Found::kSame : Found::kOther;
}

absl::StatusOr<FileDescriptor> OpenPart(const SafeDirectory::Place& place,
                                        const std::string& part_name) {
  std::filesystem::path path = place.path.parent_path() / part_name;
  FileDescriptor part(::openat(place.folder.get(), part_name.c_str(),
                               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                               0666));
  if (!part.valid()) return IoError(errno, "open", path);
  struct stat info;
  if (::fstat(part.get(), &info) != 0) return IoError(errno, "open", path);
  if (!S_ISREG(info.st_mode) || info.st_nlink > 1) return IoError(ELOOP, "open", path);
  if (::flock(part.get(), LOCK_EX | LOCK_NB) != 0) {
    return FailedPrecondition(ErrorReason("DOWNLOAD_BUSY"),
                              "another process is fetching {}; wait for it, or stop it",
                              place.path.string());
  }
  return part;
}

// A part file that is the whole blob.
struct EndedFile {
  SafeDirectory::Place place;
  std::string part_name;
  FileDescriptor part;
};

absl::Status GiveName(const EndedFile& file, bool overwrite) {
  const SafeDirectory::Place& place = file.place;
  const std::string& part_name = file.part_name;
  int folder = place.folder.get();
  unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
  int result = ::renameat2(folder, part_name.c_str(), folder, place.name.c_str(), flags);
  if (result != 0 && errno == EINVAL) {  // A file system without RENAME_NOREPLACE.
    result = ::renameat(folder, part_name.c_str(), folder, place.name.c_str());
  }
  return result == 0 ? absl::OkStatus() : IoError(errno, "give its name to", place.path);
}

// Durable, then under their names, then the names durable. Writing begins for all of them before
// one is waited for: a file system then commits them together, which for many small files is most
// of the time.
absl::Status Settle(std::span<const EndedFile> files, bool overwrite) {
  for (const EndedFile& file : files) {
    ::sync_file_range(file.part.get(), 0, 0, SYNC_FILE_RANGE_WRITE);  // What fails, fsync tells.
  }
  for (const EndedFile& file : files) {
    if (::fsync(file.part.get()) != 0) return IoError(errno, "write", file.place.path);
  }
  std::map<std::pair<dev_t, ino_t>, const EndedFile*> folders;
  for (const EndedFile& file : files) {
    DML_RETURN_IF_ERROR(GiveName(file, overwrite));
    struct stat info;
    if (::fstat(file.place.folder.get(), &info) != 0)
      return IoError(errno, "sync", file.place.path);
    folders.emplace(std::pair(info.st_dev, info.st_ino), &file);
  }
  for (const auto& [id, file] : folders) {
    if (::fsync(file->place.folder.get()) != 0) return IoError(errno, "sync", file->place.path);
  }
  return absl::OkStatus();
}

// The files of one variant on their way into a folder.
class Pull {
 public:
  Pull(Connection& connection, const VariantName& variant, const SafeDirectory& directory,
       const DownloadOptions& options, ProgressReporter& progress)
      : context_{connection,
                 variant.ResourceName(),
                 {connection.channel()},
                 options.channel_bytes,
                 1,
                 nullptr,
                 options.permit.empty() ? std::string() : "permits/" + options.permit},
        directory_(directory),
        options_(options),
        progress_(progress) {}

  // Which files are to be fetched.
  absl::Status Plan(const std::vector<ManifestFile>& files) {
    for (const ManifestFile& file : files) {
      DML_RETURN_IF_ERROR(CheckFileName(file.path));
      DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, directory_.Find(file.path, /*create=*/true));
      DML_ASSIGN_OR_RETURN(Found found, LookFor(place, file.blob));
      if (found == Found::kSame) {
        progress_.Done(file.blob.size);
        continue;
      }
      if (found == Found::kOther && !options_.overwrite) {
        return AlreadyExists(ErrorReason("FILE_EXISTS"),
                             "{} is there with other content than {}; move it away, or overwrite "
                             "it",
                             place.path.string(), file.blob.digest.ToString());
      }
      pending_.push_back(&file);
      has_earlier_ = has_earlier_ || found == Found::kOther;
      is_large_ = is_large_ || file.blob.size > options_.channel_bytes;
    }
    return absl::OkStatus();
  }

  absl::Status Run() {
    if (pending_.empty()) return absl::OkStatus();
    const bool in_parallel = options_.channels > 1 && is_large_;
    const bool with_local = has_earlier_ || !options_.local.empty();
    if (in_parallel) OpenChannels();
    if (in_parallel || with_local) {
      DML_ASSIGN_OR_RETURN(auto limits, context_.connection.Call(&Content::GetCapabilities,
                                                                 v1::GetCapabilitiesRequest()));
      context_.max_ranges = std::max<uint32_t>(1, limits.max_read_ranges());
      if (with_local) DML_RETURN_IF_ERROR(SearchLocal(limits));
    }
    absl::Status status;
    for (const ManifestFile* file : pending_) {
      status = FetchFile(*file);
      if (!status.ok()) break;
    }
    status.Update(SettleEnded());  // What has come stays, whatever happened to another.
    return status;
  }

 private:
  using Content = v1::ContentService::Stub;

  void OpenChannels() {
    for (int i = 1; i < options_.channels; ++i) {
      context_.channels.push_back(context_.connection.NewChannel());
    }
  }

  absl::Status SearchLocal(const v1::GetCapabilitiesResponse& limits) {
    const ChunkerParams params{limits.chunk_min_size(), limits.chunk_avg_size(),
                               limits.chunk_max_size()};
    if (absl::Status status = params.Validate(); !status.ok()) return BadAnswer(Message(status));
    local_.emplace(params);
    std::set<Digest> blobs;
    std::set<std::string> names;
    for (const ManifestFile* file : pending_) {
      names.insert(file->path);
      if (blobs.insert(file->blob.digest).second) DML_RETURN_IF_ERROR(WantChunks(file->blob));
    }
    if (has_earlier_) {
      for (const std::string& name : names) {
        DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, directory_.Find(name, /*create=*/true));
        absl::StatusOr<FileDescriptor> earlier = SafeDirectory::OpenFile(place);
        if (earlier.ok()) local_->SearchFile(*std::move(earlier), place.path);
      }
    }
    for (const std::filesystem::path& path : options_.local) local_->SearchPath(path, names);
    context_.local = &*local_;
    return absl::OkStatus();
  }

  absl::Status WantChunks(const BlobRef& blob) {
    ChunkPages pages(context_.connection, context_.variant, blob, /*with_bases=*/true,
                     context_.permit);
    while (true) {
      DML_ASSIGN_OR_RETURN(std::optional<ChunkPage> page, pages.Next());
      if (!page.has_value()) return absl::OkStatus();
      bool has_space = true;
      for (const PlacedChunk& placed : page->chunks) {
        has_space = local_->Want(placed.chunk.digest, /*as_base=*/false);
      }
      for (const Digest& base : page->bases) local_->Want(base, /*as_base=*/true);
      if (!has_space) return absl::OkStatus();
    }
  }

  absl::Status FetchFile(const ManifestFile& file) {
    DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, directory_.Find(file.path, /*create=*/true));
    std::string part_name(kPartPrefix);
    part_name += Sha256({AsBytes(place.name), file.blob.digest.bytes()}).hex().substr(0, 32);
    DML_ASSIGN_OR_RETURN(FileDescriptor part, OpenPart(place, part_name));
    BlobFetcher fetcher(context_, file.blob, part, place.path, progress_);
    DML_RETURN_IF_ERROR(fetcher.Run());
    ended_.push_back({std::move(place), std::move(part_name), std::move(part)});
    ended_bytes_ += file.blob.size;
    if (ended_.size() < kSettledFiles && ended_bytes_ < kSettledBytes) return absl::OkStatus();
    return SettleEnded();
  }

  absl::Status SettleEnded() {
    const std::vector<EndedFile> ended = std::exchange(ended_, {});
    ended_bytes_ = 0;
    return Settle(ended, options_.overwrite);
  }

  PullContext context_;
  const SafeDirectory& directory_;
  const DownloadOptions& options_;
  ProgressReporter& progress_;
  std::vector<const ManifestFile*> pending_;
  bool has_earlier_ = false;  // Pending files that other content is in the place of.
  bool is_large_ = false;     // Some pending file is one for several channels.
  std::optional<LocalContent> local_;
  std::vector<EndedFile> ended_;  // Neither durable nor under their names yet.
  uint64_t ended_bytes_ = 0;
};

}  // namespace

absl::Status CheckFileName(std::string_view name) {
  DML_RETURN_IF_ERROR(ValidateFilePath(name));
  if (name.starts_with(kPartPrefix) ||
      name.find("/" + std::string(kPartPrefix)) != std::string_view::npos) {
    return InvalidArgument(ErrorReason("PATH_RESERVED"),
                           "file name {}: names that start with {} are kept for files that are not "
                           "whole yet; rename it",
                           name, kPartPrefix);
  }
  return absl::OkStatus();
}

absl::Status FetchFiles(Connection& connection, const VariantName& variant,
                        const std::vector<ManifestFile>& files, const SafeDirectory& directory,
                        const DownloadOptions& options, ProgressReporter& progress) {
  Pull pull(connection, variant, directory, options, progress);
  DML_RETURN_IF_ERROR(pull.Plan(files));
  return pull.Run();
}

}  // namespace dml
