#include "client/chunk_fetcher.h"

#include "client/calls.h"
#include "client/stall_guard.h"
#include "core/content/delta.h"
#include "dml/v1/content.grpc.pb.h"

namespace dml {
namespace {

constexpr int kMaxKnownBases = 4096;  // Of the protocol.

absl::Status Damaged(const PlacedChunk& chunk, const std::string& blob, std::string_view why) {
  return DataLoss(ErrorReason("CHUNK_DIGEST_MISMATCH"),
                  "chunk {} of {} is damaged: {}; ask the library's operator to scrub it",
                  chunk.ordinal, blob, why);
}

}  // namespace

ChunkFetcher::ChunkFetcher(const PullContext& context, std::shared_ptr<grpc::Channel> channel,
                           const BlobRef& blob, std::span<const Digest> bases)
    : context_(context),
      channel_(std::move(channel)),
      blob_(blob.digest.ToString()),
      bases_(bases) {}

void ChunkFetcher::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  if (running_ != nullptr) running_->TryCancel();
}

bool ChunkFetcher::Begin(grpc::ClientContext& stream) {
  absl::MutexLock lock(&mutex_);
  running_ = &stream;
  return !stopped_;
}

bool ChunkFetcher::End() {
  absl::MutexLock lock(&mutex_);
  running_ = nullptr;
  return !stopped_;
}

absl::Status ChunkFetcher::Fetch(std::span<const PlacedChunk> wanted, TakeChunk take) {
  Backoff backoff = context_.connection.NewBackoff(channel_);
  while (!wanted.empty()) {
    size_t taken = 0;
    base_lost_ = false;
    const std::span<const PlacedChunk> window = MakeRequest(wanted);
    grpc::ClientContext stream;
    absl::Status status;
    if (Begin(stream)) status = Stream(stream, window, take, &taken);
    if (!End()) return absl::CancelledError("the transfer was stopped");
    wanted = wanted.subspan(taken);
    if (taken > 0) backoff.Reset();
    if (status.ok() || base_lost_) continue;  // The next request names one base less.
    if (!backoff.WaitAfter(status)) return status;
  }
  return absl::OkStatus();
}

// Asks for as many of the chunks as one request may name; returns those.
std::span<const PlacedChunk> ChunkFetcher::MakeRequest(std::span<const PlacedChunk> wanted) {
  request_.Clear();
  request_.set_name(context_.variant);
  request_.set_permit(context_.permit);
  request_.set_digest(blob_);
  request_.set_accept_delta(true);
  known_.clear();
  for (const Digest& base : bases_) {
    if (request_.known_bases_size() == kMaxKnownBases) break;
    if (context_.local == nullptr || !context_.local->Has(base)) continue;
    known_.insert(base);
    request_.add_known_bases(std::string(base.raw()));
  }
  v1::ChunkRange* range = nullptr;
  size_t count = 0;
  for (; count < wanted.size(); ++count) {
    const uint64_t ordinal = wanted[count].ordinal;
    if (range == nullptr || range->first() + range->count() != ordinal) {
      if (static_cast<size_t>(request_.ranges_size()) == context_.max_ranges) break;
      range = request_.add_ranges();
      range->set_first(ordinal);
    }
    range->set_count(range->count() + 1);
  }
  return wanted.first(count);
}

// One stream, for the request that was made; `taken` counts what was received.
absl::Status ChunkFetcher::Stream(grpc::ClientContext& context, std::span<const PlacedChunk> wanted,
                                  TakeChunk take, size_t* taken) {
  auto stream = v1::ContentService::Stub(channel_).ReadChunks(&context, request_);
  StallGuard guard(context, context_.connection.options().stall_timeout);
  v1::ReadChunksResponse response;
  absl::Status status;
  while (status.ok() && stream->Read(&response)) {
    guard.Progress();
    for (const v1::Chunk& chunk : response.chunks()) {
      status = *taken < wanted.size() ? Receive(wanted[*taken], chunk, take)
                                      : BadAnswer("more chunks came than were asked for");
      if (!status.ok()) break;
      ++*taken;
    }
  }
  if (!status.ok()) context.TryCancel();
  absl::Status ended = guard.Ended(context_.connection.Received(stream->Finish()));
  if (!status.ok()) return status;
  DML_RETURN_IF_ERROR(ended);
  if (*taken < wanted.size()) return BadAnswer("fewer chunks came than were asked for");
  return absl::OkStatus();
}

absl::Status ChunkFetcher::Receive(const PlacedChunk& wanted, const v1::Chunk& chunk,
                                   TakeChunk take) {
  if (chunk.sha256() != wanted.chunk.digest.raw()) {
    return BadAnswer("another chunk came than the one asked for");
  }
  const uint64_t received = chunk.data().size() + chunk.base().data().size();
  if (chunk.codec() == v1::CHUNK_CODEC_RAW) {  // Without a copy.
    if (chunk.data().size() == wanted.chunk.size) return take(wanted, chunk.data(), received);
    return Damaged(wanted, blob_,
                   fmt::format("{} bytes came, not {}", chunk.data().size(), wanted.chunk.size));
  }
  absl::StatusOr<std::string> raw = Decode(wanted, chunk);
  if (absl::IsInvalidArgument(raw.status())) return Damaged(wanted, blob_, Message(raw.status()));
  DML_RETURN_IF_ERROR(raw.status());
  return take(wanted, *raw, received);
}

// INVALID_ARGUMENT where the frame, or that of its base, is no frame.
absl::StatusOr<std::string> ChunkFetcher::Decode(const PlacedChunk& wanted,
                                                 const v1::Chunk& chunk) {
  if (chunk.codec() == v1::CHUNK_CODEC_ZSTD) {
    return DecodeChunk(FrameCodec::kZstd, AsBytes(chunk.data()), wanted.chunk.size);
  }
  if (chunk.codec() != v1::CHUNK_CODEC_ZSTD_DELTA) {
    return BadAnswer(fmt::format("a chunk came in codec {}, which this client does not know",
                                 static_cast<int>(chunk.codec())));
  }
  DML_RETURN_IF_ERROR(LoadBase(chunk.base()));
  return DecodeDelta(AsBytes(chunk.data()), wanted.chunk.size, AsBytes(base_raw_));
}

absl::Status ChunkFetcher::LoadBase(const v1::ChunkBase& base) {
  DML_ASSIGN_OR_RETURN(Digest digest, Answered(Digest::FromBytes(base.sha256())));
  if (base.data().empty()) {
    if (!known_.contains(digest)) return BadAnswer("a delta came without its base");
    if (context_.local->Load(digest, base_raw_)) return absl::OkStatus();
    base_lost_ = true;
    return absl::CancelledError("a file with a base that the library left out has changed");
  }
  const bool raw = base.codec() == v1::CHUNK_CODEC_RAW;
  if (!raw && base.codec() != v1::CHUNK_CODEC_ZSTD) {
    return BadAnswer("the base of a delta is no chunk of its own");
  }
  DML_ASSIGN_OR_RETURN(base_raw_, DecodeChunk(raw ? FrameCodec::kRaw : FrameCodec::kZstd,
                                              AsBytes(base.data()), base.size()));
  return CheckChunkDigest(digest, AsBytes(base_raw_));
}

}  // namespace dml
