#include "client/upload.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "client/calls.h"
#include "client/file_chunks.h"
#include "client/stall_guard.h"
#include "dml/v1/content.grpc.pb.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

using Content = v1::ContentService::Stub;

constexpr size_t kBatchBytes = 8 << 20;    // Of raw chunks that are asked about at once.
constexpr size_t kMessageBytes = 1 << 20;  // Aimed at for one message of a stream.
constexpr size_t kMaxFindMissing = 1024;
constexpr size_t kMaxMessageParts = 512;
constexpr size_t kMaxMessage = 4 << 20;  // gRPC's default, also of the server.
// The server reads a blob whose chunks it has to hash it; above this it is asked first whether it
// has done so before.
constexpr uint64_t kAskBytes = 1 << 20;
// Files that are sent are acknowledged after this much at the latest, at the end of a file.
constexpr uint64_t kStreamBytes = uint64_t{1} << 30;

struct UploadLimits {
  ChunkerParams chunker;
  size_t max_find_missing = kMaxFindMissing;
  size_t message_bytes = kMessageBytes;
};

absl::StatusOr<UploadLimits> FetchUploadLimits(Connection& connection) {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection.Call(&Content::GetCapabilities, v1::GetCapabilitiesRequest()));
  UploadLimits out;
  out.chunker = {response.chunk_min_size(), response.chunk_avg_size(), response.chunk_max_size()};
  out.max_find_missing = std::min<size_t>(response.max_find_missing(), kMaxFindMissing);
  const size_t max_message = std::min<size_t>(response.max_message_size(), kMaxMessage);
  out.message_bytes = std::min(kMessageBytes, max_message / 2);
  if (absl::Status status = out.chunker.Validate(); !status.ok()) {
    return BadAnswer(Message(status));
  }
  if (out.max_find_missing == 0 || max_message < out.chunker.max_size + (64 << 10)) {
    return BadAnswer("its limits for chunks or messages leave no room");
  }
  return out;
}

// One UploadBlobs stream, from its first part to its acknowledgement.
class PartStream {
 public:
  PartStream(Connection& connection, const std::string& ns, size_t message_bytes,
             ProgressReporter& progress)
      : connection_(connection),
        message_bytes_(message_bytes),
        progress_(progress),
        guard_(context_, connection.options().stall_timeout),
        stream_(Content(connection.channel()).UploadBlobs(&context_, &response_)) {
    request_.set_namespace_(ns);
  }
  ~PartStream() {
    if (!finished_) Break();
  }

  // False where the stream is broken: Finish tells why.
  bool SendChunk(EncodedChunk chunk) {
    const size_t size = chunk.stored.size();
    if (bytes_ > 0 && bytes_ + size > message_bytes_ && !Flush()) return false;
    bytes_ += size;
    wire::To(std::move(chunk), request_.add_parts()->mutable_chunk());
    return AfterPart();
  }
  bool SendKnown(const ChunkRef& chunk) {
    wire::To(chunk, request_.add_parts()->mutable_known());
    return AfterPart();
  }
  bool SendEnd(const BlobRef& blob) {
    wire::To(blob, request_.add_parts()->mutable_end());
    return AfterPart();
  }

  absl::Status Finish() {
    Flush();
    stream_->WritesDone();
    finished_ = true;
    return guard_.Ended(connection_.Received(stream_->Finish()));
  }
  uint64_t sent() const { return sent_; }

 private:
  bool AfterPart() {
    bool full =
        bytes_ >= message_bytes_ || request_.parts_size() >= static_cast<int>(kMaxMessageParts);
    return !full || Flush();
  }
  bool Flush() {
    if (request_.parts().empty()) return true;
    const bool open = stream_->Write(request_);
    guard_.Progress();
    if (open) progress_.Sent(bytes_);
    sent_ += bytes_;
    bytes_ = 0;
    request_.Clear();  // The namespace too: the first message has said it.
    return open;
  }
  void Break() {
    context_.TryCancel();
    stream_->Finish();
  }

  Connection& connection_;
  const size_t message_bytes_;
  ProgressReporter& progress_;
  grpc::ClientContext context_;
  StallGuard guard_;
  v1::UploadBlobsResponse response_;
  const std::unique_ptr<grpc::ClientWriter<v1::UploadBlobsRequest>> stream_;
  v1::UploadBlobsRequest request_;
  size_t bytes_ = 0;  // Of frames in request_.
  uint64_t sent_ = 0;
  bool finished_ = false;
};

class Uploader {
 public:
  Uploader(Connection& connection, UploadLimits limits, const std::string& ns,
           const std::vector<fs::path>& files, ProgressReporter& progress)
      : connection_(connection), limits_(limits), ns_(ns), files_(files), progress_(progress) {}

  absl::StatusOr<std::vector<BlobRef>> Run() {
    Backoff backoff = connection_.NewBackoff(connection_.channel());
    uint64_t best = 0;  // How far all was there.
    while (acknowledged_.size() < files_.size()) {
      absl::Status status = RunOnce();
      if (status.ok()) break;
      if (there_until_ > best) backoff.Reset();
      best = std::max(best, there_until_);
      if (!CanSendLostChunks(status) && !backoff.WaitAfter(status)) return status;
    }
    return acknowledged_;
  }

 private:
  // Whether an error is of chunks that were there when the library was asked, and were collected or
  // found damaged since: now they count as missing, and the next time they are sent. Each time
  // another chunk must be the first that is missing, for an earlier one was stored.
  bool CanSendLostChunks(const absl::Status& status) {
    if (Reason(status) != "CHUNK_NOT_FOUND" && Reason(status) != "CHUNK_CORRUPT") return false;
    if (!std::exchange(sends_lost_, true)) return true;
    return first_missing_.has_value() && sent_first_.insert(*first_missing_).second;
  }

  // From the first file that is not acknowledged to the last, or to an error.
  absl::Status RunOnce() {
    FileChunks chunks(files_, acknowledged_.size(), limits_.chunker, Known());
    stream_.reset();
    file_is_sent_ = false;
    first_missing_.reset();
    ended_ = acknowledged_;
    held_.clear();
    position_ = acknowledged_bytes_;
    there_until_ = position_;
    bool all_there = true;
    while (true) {
      DML_ASSIGN_OR_RETURN(std::vector<FilePart> parts,
                           chunks.Take(limits_.max_find_missing, kBatchBytes));
      if (parts.empty()) return Acknowledge();
      DML_ASSIGN_OR_RETURN(std::vector<bool> missing, FindMissing(parts));
      for (size_t i = 0; i < parts.size(); ++i) {
        if (absl::Status status = SendPart(parts[i], missing[i]); !status.ok()) return status;
        position_ += parts[i].there ? parts[i].end->size : parts[i].chunk.size;
        all_there = all_there && !missing[i];
        if (all_there) there_until_ = position_;
        progress_.Reach(position_);
      }
      if (ended_.size() == acknowledged_.size() || !stream_ || stream_->sent() < kStreamBytes ||
          !parts.back().end.has_value()) {
        continue;
      }
      DML_RETURN_IF_ERROR(Acknowledge());
    }
  }

  // By part; never the end of a file.
  absl::StatusOr<std::vector<bool>> FindMissing(const std::vector<FilePart>& parts) {
    v1::FindMissingChunksRequest request;
    request.set_namespace_(ns_);
    std::vector<size_t> asked;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].end.has_value()) continue;
      asked.push_back(i);
      request.add_sha256(std::string(parts[i].chunk.digest.raw()));
    }
    std::vector<bool> missing(parts.size());
    if (asked.empty()) return missing;
    DML_ASSIGN_OR_RETURN(auto response, connection_.Call(&Content::FindMissingChunks, request));
    size_t next = 0;
    for (uint32_t index : response.missing()) {
      if (index < next || index >= asked.size()) {
        return BadAnswer("the indexes of missing chunks are not ascending");
      }
      missing[asked[index]] = true;
      if (!first_missing_.has_value()) first_missing_ = parts[asked[index]].chunk.digest;
      next = index + 1;
    }
    return missing;
  }

  // Chunks that are there are held back until it is clear that the file must be sent at all.
  absl::Status SendPart(FilePart& part, bool missing) {
    if (!part.end.has_value() && !missing) {
      held_.push_back(part.chunk);
      return absl::OkStatus();
    }
    if (!part.end.has_value()) {
      DML_RETURN_IF_ERROR(SendHeld());
      file_is_sent_ = true;
      EncodedChunk chunk = EncodeChunk(AsBytes(part.raw));
      return Check(stream_->SendChunk(std::move(chunk)));
    }
    bool there = part.there;
    if (!there && !file_is_sent_ && part.end->size > kAskBytes) {
      DML_ASSIGN_OR_RETURN(there, HasBlob(*part.end));
    }
    if (!there) {
      DML_RETURN_IF_ERROR(SendHeld());
      DML_RETURN_IF_ERROR(Check(stream_->SendEnd(*part.end)));
    }
    held_.clear();
    file_is_sent_ = false;
    ended_.push_back(*part.end);
    return absl::OkStatus();
  }

  // Called by another thread, on a connection that may be.
  KnownFiles Known() {
    return {[this](const std::vector<ChunkRef>& chunks) -> absl::StatusOr<bool> {
              v1::FindMissingChunksRequest request;
              request.set_namespace_(ns_);
              for (size_t i = 0; i < std::min(chunks.size(), limits_.max_find_missing); ++i) {
                request.add_sha256(std::string(chunks[i].digest.raw()));
              }
              DML_ASSIGN_OR_RETURN(auto response,
                                   connection_.Call(&Content::FindMissingChunks, request));
              return response.missing().empty();
            },
            [this](const BlobRef& blob) { return HasBlob(blob); }};
  }

  absl::StatusOr<bool> HasBlob(const BlobRef& blob) {
    v1::QueryWriteRequest query;
    query.set_namespace_(ns_);
    wire::To(blob, query.mutable_blob());
    DML_ASSIGN_OR_RETURN(auto state, connection_.Call(&Content::QueryWrite, query));
    return state.complete();
  }

  absl::Status SendHeld() {
    if (!stream_) stream_.emplace(connection_, ns_, limits_.message_bytes, progress_);
    for (const ChunkRef& chunk : held_) DML_RETURN_IF_ERROR(Check(stream_->SendKnown(chunk)));
    held_.clear();
    return absl::OkStatus();
  }

  // A stream that takes nothing more has an error to tell.
  absl::Status Check(bool open) {
    if (open) return absl::OkStatus();
    absl::Status status = stream_->Finish();
    stream_.reset();
    return status.ok() ? BadAnswer("it ended an upload before its end") : status;
  }

  // All files that ended are in the library for good.
  absl::Status Acknowledge() {
    if (stream_) {
      absl::Status status = stream_->Finish();
      stream_.reset();
      DML_RETURN_IF_ERROR(status);
    }
    acknowledged_ = ended_;
    acknowledged_bytes_ = position_;
    there_until_ = position_;
    return absl::OkStatus();
  }

  Connection& connection_;
  const UploadLimits limits_;
  const std::string ns_;
  const std::vector<fs::path>& files_;
  ProgressReporter& progress_;
  std::optional<PartStream> stream_;
  std::vector<BlobRef> ended_;         // Files that were read to their end.
  std::vector<BlobRef> acknowledged_;  // Of those, the ones that need not be sent again.
  uint64_t position_ = 0;              // Bytes of all files so far.
  uint64_t acknowledged_bytes_ = 0;
  uint64_t there_until_ = 0;    // What the library had before this attempt, or has acknowledged.
  std::vector<ChunkRef> held_;  // Of the current file.
  bool file_is_sent_ = false;   // Of the current file something has gone over the stream.
  bool sends_lost_ = false;     // Some attempt failed for chunks that were lost.
  std::optional<Digest> first_missing_;  // Of this attempt.
  std::set<Digest> sent_first_;          // Those of attempts to send lost chunks.
};

}  // namespace

absl::StatusOr<std::vector<BlobRef>> UploadAll(Connection& connection, const std::string& ns,
                                               const std::vector<fs::path>& files,
                                               ProgressReporter& progress) {
  if (files.empty()) return std::vector<BlobRef>{};
  DML_ASSIGN_OR_RETURN(UploadLimits limits, FetchUploadLimits(connection));
  return Uploader(connection, limits, ns, files, progress).Run();
}

absl::StatusOr<BlobRef> UploadFile(Client& client, const std::string& ns, const fs::path& file,
                                   const ProgressFn& progress) {
  DML_ASSIGN_OR_RETURN(uint64_t size, FileSize(file));
  ProgressReporter reporter(size, progress);
  DML_ASSIGN_OR_RETURN(std::vector<BlobRef> blobs,
                       UploadAll(client.connection(), ns, {file}, reporter));
  return blobs.front();
}

}  // namespace dml
