#include "storage/content/pack_builder.h"

#include "core/wire/content.h"
#include "storage/content/content_keys.h"

namespace dml {

namespace keys = content_keys;

absl::StatusOr<PackBuilder> PackBuilder::Begin(ChunkStore& store) {
  DML_ASSIGN_OR_RETURN(uint64_t pack, store.BeginPack());
  DML_ASSIGN_OR_RETURN(auto file, store.engine().NewRowFile());
  return PackBuilder(store, pack, std::move(file));
}

bool PackBuilder::full() const {
  return bytes_ >= store_->options().pack_bytes || chunks_.size() >= store_->options().pack_chunks;
}

absl::Status PackBuilder::Add(const Digest& chunk, std::string_view frame, ChunkRecord& record) {
  const uint64_t position = chunks_.size();
  DML_RETURN_IF_ERROR(file_->Add(keys::PackedFrame(pack_, position), frame));
  chunks_.push_back({chunk, record});
  record.pack = pack_;
  record.position = position;
  bytes_ += frame.size();
  return absl::OkStatus();
}

absl::Status PackBuilder::Seal() {
  absl::Status status =
      file_->Add(keys::PackedFrame(pack_, keys::kFooterPosition), wire::EncodePackFooter(chunks_));
  if (status.ok()) status = store_->engine().Ingest(std::move(file_));
  if (!status.ok()) store_->AbandonPack(pack_).IgnoreError();
  return status;
}

}  // namespace dml
