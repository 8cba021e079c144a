#include "client/upload.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>

#include <sys/stat.h>

#include "client/calls.h"
#include "client/file_io.h"
#include "client/stall_guard.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

using Content = v1::ContentService::Stub;

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kBatchBytes = 32 << 20;    // Of raw chunks held until the server has them.
constexpr size_t kMessageBytes = 1 << 20;   // Aimed at for one message of a stream.
constexpr size_t kMessageSlack = 64 << 10;  // Of a message, for what is around the chunks.
constexpr size_t kMaxFindMissing = 1024;
constexpr size_t kMaxMessage = 4 << 20;  // gRPC's default, also of the server.

// Holds chunks until they are known to be in the library.
class ChunkSender {
 public:
  ChunkSender(Connection& connection, const UploadLimits& limits, const std::string& ns,
              ProgressReporter& progress)
      : connection_(connection), limits_(limits), ns_(ns), progress_(progress) {}

  absl::Status Add(const Digest& digest, ByteSpan raw) {
    bytes_ += raw.size();
    pending_.try_emplace(digest, AsText(raw));
    bool full = bytes_ >= kBatchBytes || pending_.size() >= limits_.max_find_missing;
    return full ? Flush() : absl::OkStatus();
  }

  absl::Status Flush() {
    if (pending_.empty()) return absl::OkStatus();
    Backoff backoff(connection_.options().retry);
    size_t missing_before = pending_.size();
    while (true) {
      DML_ASSIGN_OR_RETURN(std::vector<Pending> missing, FindMissing());
      if (missing.empty()) break;
      if (missing.size() < missing_before) backoff.Reset();
      missing_before = missing.size();
      absl::Status status = Send(missing);
      if (status.ok()) break;
      if (!backoff.WaitAfter(status)) return status;
    }
    progress_.Done(bytes_);
    bytes_ = 0;
    pending_.clear();
    return absl::OkStatus();
  }

 private:
  using Pending = std::map<Digest, std::string>::const_pointer;

  absl::StatusOr<std::vector<Pending>> FindMissing() {
    v1::FindMissingChunksRequest request;
    request.set_namespace_(ns_);
    std::vector<Pending> all;
    for (const auto& chunk : pending_) {
      all.push_back(&chunk);
      request.add_sha256(std::string(chunk.first.raw()));
    }
    DML_ASSIGN_OR_RETURN(auto response, connection_.Call(&Content::FindMissingChunks, request));
    std::vector<Pending> missing;
    size_t next = 0;
    for (uint32_t index : response.missing()) {
      if (index < next || index >= all.size()) {
        return BadAnswer("the indexes of missing chunks are not ascending");
      }
      missing.push_back(all[index]);
      next = index + 1;
    }
    return missing;
  }

  absl::Status Send(const std::vector<Pending>& missing) {
    grpc::ClientContext context;
    v1::UploadChunksResponse response;
    auto stream = connection_.stub<Content>().UploadChunks(&context, &response);
    StallGuard guard(context, connection_.options().stall_timeout);
    v1::UploadChunksRequest request;
    request.set_namespace_(ns_);
    size_t target = std::min(kMessageBytes, limits_.max_message / 2);
    size_t bytes = 0;
    bool open = true;
    for (size_t i = 0; i < missing.size() && open; ++i) {
      EncodedChunk chunk = EncodeChunk(AsBytes(missing[i]->second));
      bytes += chunk.stored.size();
      wire::To(std::move(chunk), request.add_chunks());
      if (bytes < target && i + 1 < missing.size()) continue;
      open = stream->Write(request);
      guard.Progress();
      if (open) progress_.Sent(bytes);
      request.clear_chunks();
      bytes = 0;
    }
    stream->WritesDone();
    return guard.Ended(connection_.Received(stream->Finish()));
  }

  Connection& connection_;
  const UploadLimits& limits_;
  const std::string ns_;
  ProgressReporter& progress_;
  std::map<Digest, std::string> pending_;
  size_t bytes_ = 0;  // Of all chunks added since the last flush, the same ones twice.
};

struct OpenedFile {
  FileDescriptor fd;
  struct stat info;
};

absl::StatusOr<OpenedFile> OpenToSend(const fs::path& file) {
  OpenedFile out{FileDescriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), {}};
  if (!out.fd.valid()) return IoError(errno, "open", file);
  if (::fstat(out.fd.get(), &out.info) != 0) return IoError(errno, "read", file);
  if (!S_ISREG(out.info.st_mode)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "{} is not a regular file (a folder, pipe or device); name a file",
                              file.string());
  }
  return out;
}

absl::Status CheckUnchanged(const OpenedFile& opened, uint64_t bytes_read, const fs::path& file) {
  struct stat now;
  if (::fstat(opened.fd.get(), &now) != 0) return IoError(errno, "read", file);
  const struct stat& then = opened.info;
  auto same = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  if (now.st_size == then.st_size && same(now.st_mtim, then.st_mtim) &&
      same(now.st_ctim, then.st_ctim) && bytes_read == static_cast<uint64_t>(then.st_size)) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("FILE_CHANGED"),
                            "{} changed while it was being read; publish a file that nobody writes",
                            file.string());
}

// The request that makes the blob of its chunks, or more than one message can hold.
struct Assembly {
  v1::AssembleBlobRequest request;
  size_t bytes = 0;

  void Add(const ChunkRef& chunk) {
    v1::ChunkId* id = request.add_chunks();
    wire::To(chunk, id);
    bytes += id->ByteSizeLong() + 2;  // Tag and length.
  }
};

absl::StatusOr<BlobRef> SendInChunks(Connection& connection, const UploadLimits& limits,
                                     const std::string& ns, const OpenedFile& opened,
                                     const fs::path& file, ProgressReporter& progress) {
  ChunkSender sender(connection, limits, ns, progress);
  StreamChunker chunker(limits.chunker);
  Sha256Hasher hasher;
  Assembly assembly;
  auto sink = [&](ByteSpan raw) -> absl::Status {
    Digest digest = Sha256(raw);
    if (assembly.bytes + kMessageSlack <= limits.max_message) {
      assembly.Add({digest, static_cast<uint32_t>(raw.size())});
    }
    return sender.Add(digest, raw);
  };
  BlobRef blob;
  std::string block;
  do {
    DML_RETURN_IF_ERROR(ReadAt(opened.fd, blob.size, kReadBytes, block, file));
    hasher.Update(block);
    blob.size += block.size();
    DML_RETURN_IF_ERROR(chunker.Push(AsBytes(block), sink));
  } while (!block.empty());
  DML_RETURN_IF_ERROR(chunker.Finish(sink));
  DML_RETURN_IF_ERROR(CheckUnchanged(opened, blob.size, file));
  DML_RETURN_IF_ERROR(sender.Flush());
  blob.digest = hasher.Finish();
  if (assembly.bytes + kMessageSlack > limits.max_message) {
    ProgressReporter unreported(0, nullptr);
    DML_RETURN_IF_ERROR(WritePlain(connection, limits, ns, blob, opened.fd, file, unreported));
    return blob;
  }
  assembly.request.set_namespace_(ns);
  wire::To(blob, assembly.request.mutable_blob());
  DML_RETURN_IF_ERROR(connection.Call(&Content::AssembleBlob, assembly.request).status());
  return blob;
}

}  // namespace

absl::StatusOr<UploadLimits> FetchUploadLimits(Connection& connection) {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection.Call(&Content::GetCapabilities, v1::GetCapabilitiesRequest()));
  UploadLimits out;
  out.chunker = {response.chunk_min_size(), response.chunk_avg_size(), response.chunk_max_size()};
  out.max_find_missing = std::min<size_t>(response.max_find_missing(), kMaxFindMissing);
  out.max_message = std::min<size_t>(response.max_message_size(), kMaxMessage);
  if (absl::Status status = out.chunker.Validate(); !status.ok()) {
    return BadAnswer(Message(status));
  }
  if (out.max_find_missing == 0 || out.max_message <= kMessageSlack) {
    return BadAnswer("its limits for chunks or messages leave no room");
  }
  return out;
}

absl::StatusOr<uint64_t> FileSize(const fs::path& file) {
  DML_ASSIGN_OR_RETURN(OpenedFile opened, OpenToSend(file));
  return static_cast<uint64_t>(opened.info.st_size);
}

absl::StatusOr<BlobRef> UploadOne(Connection& connection, const UploadLimits& limits,
                                  const std::string& ns, const fs::path& file,
                                  ProgressReporter& progress) {
  DML_ASSIGN_OR_RETURN(OpenedFile opened, OpenToSend(file));
  // A chunk takes about 40 bytes in the list of AssembleBlob. A file whose list cannot fit goes as
  // plain bytes from the start, for which its digest must be known first.
  uint64_t most_chunks = (limits.max_message - kMessageSlack) / 40;
  if (static_cast<uint64_t>(opened.info.st_size) / limits.chunker.avg_size <= most_chunks) {
    return SendInChunks(connection, limits, ns, opened, file, progress);
  }
  DML_ASSIGN_OR_RETURN(BlobRef blob, HashFile(opened.fd, file));
  DML_RETURN_IF_ERROR(WritePlain(connection, limits, ns, blob, opened.fd, file, progress));
  DML_RETURN_IF_ERROR(CheckUnchanged(opened, blob.size, file));
  return blob;
}

absl::StatusOr<BlobRef> UploadFile(Client& client, const std::string& ns, const fs::path& file,
                                   const ProgressFn& progress) {
  DML_ASSIGN_OR_RETURN(uint64_t size, FileSize(file));
  DML_ASSIGN_OR_RETURN(UploadLimits limits, FetchUploadLimits(client.connection()));
  ProgressReporter reporter(size, progress);
  return UploadOne(client.connection(), limits, ns, file, reporter);
}

}  // namespace dml
