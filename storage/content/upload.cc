#include "storage/content/upload.h"

#include <algorithm>
#include <utility>

#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {

namespace keys = content_keys;

// A blob may take longer than a lease lasts, so the leases on its first chunks are taken again from
// time to time, long before they end.
absl::Status Upload::RenewLeases() {
  const Timestamp now = store_.options().clock();
  const std::chrono::seconds lease = store_.leases().duration();
  if (now < renewed_ + lease / 4) return absl::OkStatus();
  if (now >= renewed_ + lease) {
    return Aborted(
        ErrorReason("UPLOAD_TOO_SLOW"),
        "nothing came for the {} seconds that unfinished uploads are kept: send the files "
        "again",
        lease.count());
  }
  for (const Digest& chunk : pending_) store_.leases().Take(chunk);
  for (const ChunkRef& chunk : list_) store_.leases().Take(chunk.digest);
  for (const EndedBlob& ended : ended_) {
    store_.leases().Take(ended.blob.digest);
    for (const ChunkRef& chunk : ended.chunks) store_.leases().Take(chunk.digest);
  }
  renewed_ = now;
  return absl::OkStatus();
}

absl::Status Upload::CheckCount() const {
  const uint64_t most = store_.options().upload_chunks;
  if (list_.size() + ended_chunks_ + ended_.size() < most) return absl::OkStatus();
  return ResourceExhausted(ErrorReason("UPLOAD_TOO_LONG"),
                           "one stream names {} chunks and blobs; that is the most: begin another "
                           "stream, or cut larger chunks",
                           most);
}

absl::Status Upload::Add(EncodedChunk chunk) {
  DML_RETURN_IF_ERROR(CheckCount());
  DML_RETURN_IF_ERROR(RenewLeases());
  std::string decoded;
  const bool as_it_is = chunk.codec == FrameCodec::kRaw && chunk.stored.size() == chunk.raw_size &&
                        chunk.raw_size > 0 && chunk.raw_size <= kMaxChunkBytes;
  if (!as_it_is) {
    DML_ASSIGN_OR_RETURN(decoded, DecodeChunk(chunk.codec, AsBytes(chunk.stored), chunk.raw_size));
  }
  const std::string_view raw = as_it_is ? chunk.stored : decoded;
  DML_RETURN_IF_ERROR(CheckChunkDigest(chunk.raw_digest, AsBytes(raw)));
  Hash({chunk.raw_digest, chunk.raw_size}, raw);
  return Keep(std::move(chunk));
}

absl::Status Upload::AddKnown(const ChunkRef& chunk) {
  DML_RETURN_IF_ERROR(CheckCount());
  DML_RETURN_IF_ERROR(RenewLeases());
  store_.leases().Take(chunk.digest);
  DML_ASSIGN_OR_RETURN(bool visible, store_.IsVisible(ns_, chunk.digest));
  if (!visible && damage_.ok()) {
    return NotFound(ErrorReason("CHUNK_NOT_FOUND"),
                    "no chunk {} in namespace {}: send it with its bytes", chunk.digest.ToString(),
                    ns_);
  }
  has_known_ = true;
  absl::StatusOr<std::string> raw;
  if (damage_.ok()) raw = store_.LoadRaw(chunk.digest);
  if (absl::IsDataLoss(raw.status())) damage_ = raw.status();
  if (!damage_.ok()) {
    list_.push_back(chunk);  // For EndBlob to look at.
    size_ += chunk.size;
    return absl::OkStatus();
  }
  DML_RETURN_IF_ERROR(raw.status());
  if (raw->size() != chunk.size) {
    return InvalidArgument(ErrorReason("CHUNK_SIZE_MISMATCH"), "chunk {} has {} bytes, not {}",
                           chunk.digest.ToString(), raw->size(), chunk.size);
  }
  Hash(chunk, *raw);
  return absl::OkStatus();
}

// Damage is no fault of the caller's list. All chunks are looked at, so that all that are damaged
// count as missing from now on, and one more upload repairs them.
absl::Status Upload::CheckKnown(const std::vector<ChunkRef>& chunks) {
  absl::Status first;
  for (const ChunkRef& chunk : chunks) {
    absl::Status status = store_.LoadVerified(chunk).status();
    if (absl::IsDataLoss(status)) first.Update(status);
  }
  return first;
}

void Upload::Hash(const ChunkRef& chunk, std::string_view raw) {
  if (list_.empty()) {
    first_ = raw;
  } else {
    if (list_.size() == 1) hasher_.Update(first_);
    hasher_.Update(raw);
  }
  list_.push_back(chunk);
  size_ += chunk.size;
}

absl::Status Upload::EndBlob(const BlobRef& blob) {
  DML_RETURN_IF_ERROR(CheckCount());
  DML_RETURN_IF_ERROR(RenewLeases());
  Digest whole = list_.size() == 1 ? list_[0].digest : hasher_.Finish();
  EndedBlob ended{blob, std::move(list_)};
  const uint64_t size = std::exchange(size_, 0);
  const bool has_known = std::exchange(has_known_, false);
  const absl::Status damage = std::exchange(damage_, absl::OkStatus());
  list_.clear();
  if (!damage.ok()) {
    CheckKnown(ended.chunks).IgnoreError();
    return damage;
  }
  if (size != blob.size) {
    return InvalidArgument(ErrorReason("BLOB_SIZE_MISMATCH"),
                           "the chunks make {} bytes, but blob {} has {}", size,
                           blob.digest.ToString(), blob.size);
  }
  if (whole != blob.digest) {
    if (has_known) DML_RETURN_IF_ERROR(CheckKnown(ended.chunks));
    return InvalidArgument(ErrorReason("BLOB_DIGEST_MISMATCH"),
                           "the chunks hash to {}, not to {}: nothing was stored under either",
                           whole.ToString(), blob.digest.ToString());
  }
  store_.leases().Take(blob.digest);
  ended_chunks_ += ended.chunks.size();
  ended_.push_back(std::move(ended));
  return absl::OkStatus();
}

absl::Status Upload::Keep(EncodedChunk chunk) {
  if (!pending_.insert(chunk.raw_digest).second) return absl::OkStatus();
  ++totals_.chunks_received;
  totals_.bytes_received += chunk.stored.size();
  visible_.push_back(chunk.raw_digest);
  // The lease comes first: what is found after it cannot be collected before the commit.
  store_.leases().Take(chunk.raw_digest);
  DML_ASSIGN_OR_RETURN(auto known, store_.Find(store_.engine(), chunk.raw_digest));
  if (known.has_value()) return absl::OkStatus();
  ChunkCommit::Chunk kept{chunk.raw_digest, {}, std::move(chunk.stored)};
  kept.record.raw_size = chunk.raw_size;
  kept.record.codec = chunk.codec;
  kept.record.stored_size = static_cast<uint32_t>(kept.frame.size());
  // Raw bytes have been hashed already.
  kept.record.stored_digest =
      chunk.codec == FrameCodec::kRaw ? chunk.raw_digest : Sha256(kept.frame);
  ++totals_.chunks_stored;
  totals_.bytes_stored += kept.frame.size();
  if (builder_.has_value()) {
    DML_RETURN_IF_ERROR(Pack(kept));
  } else {
    loose_bytes_ += kept.frame.size();
  }
  chunks_.push_back(std::move(kept));
  if (!builder_.has_value() && loose_bytes_ > store_.options().loose_bytes) return PackLoose();
  return builder_.has_value() && builder_->full() ? Commit() : absl::OkStatus();
}

absl::Status Upload::Pack(ChunkCommit::Chunk& chunk) {
  DML_RETURN_IF_ERROR(builder_->Add(chunk.digest, chunk.frame, chunk.record));
  chunk.frame = std::string();
  return absl::OkStatus();
}

absl::Status Upload::PackLoose() {
  DML_ASSIGN_OR_RETURN(builder_, PackBuilder::Begin(store_));
  for (ChunkCommit::Chunk& chunk : chunks_) DML_RETURN_IF_ERROR(Pack(chunk));
  loose_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status Upload::PutBlobs(const std::vector<EndedBlob>& blobs, Batch& batch) const {
  for (const EndedBlob& ended : blobs) {
    batch.Put(Table::kBlobs, keys::VisibleBlob(ns_, ended.blob), "");
    // The first list of chunks stays: somebody may be reading along it.
    DML_ASSIGN_OR_RETURN(auto known, batch.Get(Table::kBlobs, keys::Blob(ended.blob.digest)));
    if (known.has_value()) continue;
    const BlobRecord record{ended.blob.size, ended.chunks.size(), store_.options().clock()};
    batch.Put(Table::kBlobs, keys::Blob(ended.blob.digest), wire::Encode(record));
    for (uint64_t first = 0; first < ended.chunks.size(); first += kChunksPerPage) {
      const uint64_t last = std::min<uint64_t>(first + kChunksPerPage, ended.chunks.size());
      batch.Put(Table::kBlobs, keys::ChunkPage(ended.blob.digest, first / kChunksPerPage),
                wire::Encode(std::vector<ChunkRef>(ended.chunks.begin() + first,
                                                   ended.chunks.begin() + last)));
    }
  }
  return absl::OkStatus();
}

absl::Status Upload::Commit(const std::function<void(Batch&)>& and_also) {
  ChunkCommit commit;
  commit.ns = ns_;
  commit.chunks = std::exchange(chunks_, {});
  commit.visible = std::exchange(visible_, {});
  const std::vector<EndedBlob> ended = std::exchange(ended_, {});
  ended_chunks_ = 0;
  pending_.clear();
  loose_bytes_ = 0;
  if (builder_.has_value()) {
    PackBuilder builder = *std::move(builder_);
    builder_.reset();
    DML_RETURN_IF_ERROR(builder.Seal());
    commit.pack = builder.pack();
  }
  commit.and_also = [&](Batch& batch) -> absl::Status {
    DML_RETURN_IF_ERROR(PutBlobs(ended, batch));
    if (and_also) and_also(batch);
    return absl::OkStatus();
  };
  return store_.Commit(std::move(commit));
}

}  // namespace dml
