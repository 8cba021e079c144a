#include "client/download.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include "client/calls.h"
#include "client/stall_guard.h"

namespace dml {
namespace {

using Content = v1::ContentService::Stub;

constexpr int kChunksPage = 1024;

// One blob on its way into a ".dml-part-*" file, chunk by chunk in order.
class BlobFetcher {
 public:
  BlobFetcher(Connection& connection, const VariantName& variant, const BlobRef& blob,
              FileDescriptor part, std::filesystem::path path, ProgressReporter& progress)
      : connection_(connection),
        variant_(variant.ResourceName()),
        blob_(blob),
        part_(std::move(part)),
        path_(std::move(path)),
        progress_(progress) {}

  absl::Status Run() {
    if (blob_.size > 0) DML_RETURN_IF_ERROR(FetchPages());
    if (::ftruncate(part_.get(), static_cast<off_t>(blob_.size)) != 0) {
      return IoError(errno, "write", path_);
    }
    Digest digest = hasher_.Finish();
    if (digest != blob_.digest) {
      // Nothing to go on from: every chunk was what the library said, and the whole is not.
      ::ftruncate(part_.get(), 0);
      return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                      "the library's chunks of {} make up {} instead; nothing was kept, ask the "
                      "library's operator to scrub it",
                      blob_.digest.ToString(), digest.ToString());
    }
    return ::fsync(part_.get()) == 0 ? absl::OkStatus() : IoError(errno, "write", path_);
  }

 private:
  absl::Status FetchPages() {
    v1::GetBlobChunksRequest request;
    request.set_name(variant_);
    request.set_digest(blob_.digest.ToString());
    request.set_page_size(kChunksPage);
    do {
      DML_ASSIGN_OR_RETURN(auto page, connection_.Call(&Content::GetBlobChunks, request));
      DML_ASSIGN_OR_RETURN(std::vector<ChunkRef> chunks, ReadChunkList(page));
      size_t next = 0;
      while (resuming_ && next < chunks.size()) {
        DML_RETURN_IF_ERROR(TryResume(chunks[next]));
        if (resuming_) ++next;
      }
      DML_RETURN_IF_ERROR(FetchChunks(std::span(chunks).subspan(next)));
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    if (offset_ != blob_.size) {
      return BadAnswer(fmt::format("its chunks of {} have {} bytes together, not {}",
                                   blob_.digest.ToString(), offset_, blob_.size));
    }
    return absl::OkStatus();
  }

  // A list never goes beyond the blob, so that a list without end is found out.
  absl::StatusOr<std::vector<ChunkRef>> ReadChunkList(const v1::GetBlobChunksResponse& page) {
    std::vector<ChunkRef> out;
    uint64_t end = offset_;
    for (const v1::ChunkId& id : page.chunks()) {
      DML_ASSIGN_OR_RETURN(ChunkRef chunk, Answered(wire::From(id)));
      end += chunk.size;
      if (chunk.size == 0 || chunk.size > kMaxChunkBytes || end > blob_.size) {
        return BadAnswer(fmt::format("the chunk list of {} does not fit its {} bytes",
                                     blob_.digest.ToString(), blob_.size));
      }
      out.push_back(chunk);
    }
    if (out.empty()) return BadAnswer("a page of a chunk list is empty");
    return out;
  }

  // Takes a chunk that an earlier call has left; ends resuming where it is not the right one.
  absl::Status TryResume(const ChunkRef& chunk) {
    std::string raw;
    DML_RETURN_IF_ERROR(ReadAt(part_, offset_, chunk.size, raw, path_));
    if (raw.size() == chunk.size && Sha256(raw) == chunk.digest) {
      Take(raw);
    } else {
      resuming_ = false;
    }
    return absl::OkStatus();
  }

  void Take(std::string_view raw) {
    hasher_.Update(raw);
    offset_ += raw.size();
    ++ordinal_;
    progress_.Done(raw.size());
  }

  absl::Status FetchChunks(std::span<const ChunkRef> chunks) {
    Backoff backoff(connection_.options().retry);
    while (!chunks.empty()) {
      size_t taken = 0;
      absl::Status status = ReadWindow(chunks, &taken);
      chunks = chunks.subspan(taken);
      if (status.ok()) continue;
      if (taken > 0) backoff.Reset();
      if (!backoff.WaitAfter(status)) return status;
    }
    return absl::OkStatus();
  }

  // One stream for the chunks that come next; `taken` counts those that are in the file.
  absl::Status ReadWindow(std::span<const ChunkRef> window, size_t* taken) {
    v1::ReadChunksRequest request;
    request.set_name(variant_);
    request.set_digest(blob_.digest.ToString());
    v1::ChunkRange* range = request.add_ranges();
    range->set_first(ordinal_);
    range->set_count(window.size());
    grpc::ClientContext context;
    auto stream = connection_.stub<Content>().ReadChunks(&context, request);
    StallGuard guard(context, connection_.options().stall_timeout);
    v1::ReadChunksResponse response;
    absl::Status status;
    while (status.ok() && stream->Read(&response)) {
      guard.Progress();
      for (v1::Chunk& chunk : *response.mutable_chunks()) {
        if (*taken == window.size()) {
          status = BadAnswer("more chunks came than were asked for");
        } else {
          status = Receive(window[*taken], std::move(chunk));
        }
        if (!status.ok()) break;
        ++*taken;
      }
    }
    if (!status.ok()) context.TryCancel();
    absl::Status ended = guard.Ended(connection_.Received(stream->Finish()));
    if (!status.ok()) return status;
    DML_RETURN_IF_ERROR(ended);
    if (*taken < window.size()) return BadAnswer("fewer chunks came than were asked for");
    return absl::OkStatus();
  }

  absl::Status Receive(const ChunkRef& wanted, v1::Chunk&& message) {
    DML_ASSIGN_OR_RETURN(EncodedChunk chunk, Answered(wire::From(std::move(message))));
    progress_.Sent(chunk.stored.size());
    absl::StatusOr<std::string> raw = DecodeChunk(chunk.codec, AsBytes(chunk.stored), wanted.size);
    if (!raw.ok() || Sha256(*raw) != wanted.digest) {
      return DataLoss(ErrorReason("CHUNK_DIGEST_MISMATCH"),
                      "chunk {} of {} is damaged{}{}; ask the library's operator to scrub it",
                      ordinal_, blob_.digest.ToString(), raw.ok() ? "" : ": ",
                      raw.ok() ? "" : Message(raw.status()));
    }
    DML_RETURN_IF_ERROR(WriteAt(part_, offset_, *raw, path_));
    Take(*raw);
    return absl::OkStatus();
  }

  Connection& connection_;
  const std::string variant_;
  const BlobRef blob_;
  const FileDescriptor part_;
  const std::filesystem::path path_;
  ProgressReporter& progress_;
  Sha256Hasher hasher_;
  uint64_t offset_ = 0;   // Bytes that are right from the start of the file.
  uint64_t ordinal_ = 0;  // Chunks, likewise.
  bool resuming_ = true;
};

// Whether the file is there with the right bytes; an error where it is there with others.
absl::StatusOr<bool> IsThere(const SafeDirectory::Place& place, const BlobRef& blob,
                             bool overwrite) {
  absl::StatusOr<FileDescriptor> file = SafeDirectory::OpenFile(place);
  if (file.status().code() == absl::StatusCode::kNotFound) return false;
  DML_RETURN_IF_ERROR(file.status());
  struct stat info;
  if (::fstat(file->get(), &info) != 0) return IoError(errno, "read", place.path);
  if (static_cast<uint64_t>(info.st_size) == blob.size) {
    DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(*file, place.path));
    if (found == blob) return true;
  }
  if (overwrite) return false;
  return AlreadyExists(ErrorReason("FILE_EXISTS"),
                       "{} is there with other content than {}; move it away, or overwrite it",
                       place.path.string(), blob.digest.ToString());
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

absl::Status GiveName(const SafeDirectory::Place& place, const std::string& part_name,
                      bool overwrite) {
  int folder = place.folder.get();
  unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
  int result = ::renameat2(folder, part_name.c_str(), folder, place.name.c_str(), flags);
  if (result != 0 && errno == EINVAL) {  // A file system without RENAME_NOREPLACE.
    result = ::renameat(folder, part_name.c_str(), folder, place.name.c_str());
  }
  if (result != 0) return IoError(errno, "give its name to", place.path);
  return ::fsync(folder) == 0 ? absl::OkStatus() : IoError(errno, "sync", place.path);
}

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

absl::Status FetchFile(Connection& connection, const VariantName& variant, const ManifestFile& file,
                       const SafeDirectory& directory, bool overwrite, ProgressReporter& progress) {
  DML_RETURN_IF_ERROR(CheckFileName(file.path));
  DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, directory.Find(file.path, /*create=*/true));
  DML_ASSIGN_OR_RETURN(bool there, IsThere(place, file.blob, overwrite));
  if (there) {
    progress.Done(file.blob.size);
    return absl::OkStatus();
  }
  std::string part_name(kPartPrefix);
  part_name += Sha256({AsBytes(place.name), file.blob.digest.bytes()}).hex().substr(0, 32);
  DML_ASSIGN_OR_RETURN(FileDescriptor part, OpenPart(place, part_name));
  BlobFetcher fetcher(connection, variant, file.blob, std::move(part), place.path, progress);
  DML_RETURN_IF_ERROR(fetcher.Run());
  return GiveName(place, part_name, overwrite);
}

}  // namespace dml
