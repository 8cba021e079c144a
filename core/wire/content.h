// Rows of the content plane <-> their stored bytes (proto/dml/journal/v1/record.proto).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/content/records.h"

namespace dml::wire {

std::string Encode(const ChunkRecord& record);
std::string Encode(const BlobRecord& record);
std::string Encode(const std::vector<ChunkRef>& page);
std::string Encode(const PartialBlob& partial);
std::string Encode(const PackRecord& record);
std::string EncodePackFooter(const std::vector<PackedChunk>& chunks);

/// DATA_LOSS (RECORD_INVALID) where the bytes are not what Encode made.
absl::StatusOr<ChunkRecord> DecodeChunkRecord(std::string_view bytes);
absl::StatusOr<BlobRecord> DecodeBlobRecord(std::string_view bytes);
absl::StatusOr<std::vector<ChunkRef>> DecodeChunkPage(std::string_view bytes);
absl::StatusOr<PartialBlob> DecodePartialBlob(std::string_view bytes);
absl::StatusOr<PackRecord> DecodePackRecord(std::string_view bytes);
absl::StatusOr<std::vector<PackedChunk>> DecodePackFooter(std::string_view bytes);

}  // namespace dml::wire
