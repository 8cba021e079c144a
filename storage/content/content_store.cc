#include "storage/content/content_store.h"

#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {

namespace keys = content_keys;

absl::StatusOr<bool> ContentStore::HasBlob(std::string_view ns, const BlobRef& blob) {
  chunks_.leases().Take(blob.digest);
  DML_ASSIGN_OR_RETURN(auto row, chunks_.engine().Get(Table::kBlobs, keys::VisibleBlob(ns, blob)));
  return row.has_value();
}

absl::StatusOr<bool> ContentStore::HasSoundBlob(std::string_view ns, const BlobRef& blob) {
  DML_ASSIGN_OR_RETURN(const bool there, HasBlob(ns, blob));
  if (!there || !chunks_.HasDamage()) return there;
  DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(*this, blob.digest));
  for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
    DML_ASSIGN_OR_RETURN(const ChunkRef chunk, list.At(i));
    if (chunks_.IsDamaged(chunk.digest)) return false;
  }
  return true;
}

absl::StatusOr<BlobRecord> ContentStore::GetBlob(const Digest& blob) const {
  DML_ASSIGN_OR_RETURN(auto row, chunks_.engine().Get(Table::kBlobs, keys::Blob(blob)));
  if (!row.has_value()) {
    return NotFound(ErrorReason("BLOB_NOT_FOUND"), "no blob {}", blob.ToString());
  }
  return wire::DecodeBlobRecord(*row);
}

absl::StatusOr<std::vector<ChunkRef>> ContentStore::ChunkPage(const Digest& blob,
                                                              uint64_t page) const {
  DML_ASSIGN_OR_RETURN(auto row, chunks_.engine().Get(Table::kBlobs, keys::ChunkPage(blob, page)));
  if (!row.has_value()) {
    return DataLoss(ErrorReason("CHUNK_LIST_MISSING"), "page {} of the chunk list of {} is missing",
                    page, blob.ToString());
  }
  return wire::DecodeChunkPage(*row);
}

absl::StatusOr<PartialBlob> ContentStore::GetPartial(std::string_view ns,
                                                     const BlobRef& blob) const {
  DML_ASSIGN_OR_RETURN(auto row, chunks_.engine().Get(Table::kBlobs, keys::Partial(ns, blob)));
  if (!row.has_value()) return PartialBlob{};
  return wire::DecodePartialBlob(*row);
}

absl::StatusOr<ChunkList> ChunkList::Open(const ContentStore& store, const Digest& blob) {
  DML_ASSIGN_OR_RETURN(BlobRecord record, store.GetBlob(blob));
  return ChunkList(store, blob, record);
}

absl::StatusOr<ChunkRef> ChunkList::At(uint64_t position) {
  const uint64_t page = position / kChunksPerPage;
  if (page != page_) {
    DML_ASSIGN_OR_RETURN(chunks_, store_->ChunkPage(blob_, page));
    page_ = page;
  }
  const uint64_t i = position % kChunksPerPage;
  if (i >= chunks_.size()) {
    return DataLoss(ErrorReason("CHUNK_LIST_MISSING"), "chunk {} of the list of {} is missing",
                    position, blob_.ToString());
  }
  return chunks_[i];
}

}  // namespace dml
