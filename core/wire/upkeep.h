// Records of collection and scrub <-> their stored bytes (proto/dml/journal/v1/record.proto).
#pragma once

#include <string>
#include <string_view>

#include "core/content/upkeep.h"

namespace dml::wire {

std::string Encode(const CollectionRecord& record);
std::string Encode(const ScrubRecord& record);

/// DATA_LOSS (RECORD_INVALID) where the bytes are not what Encode made.
absl::StatusOr<CollectionRecord> DecodeCollectionRecord(std::string_view bytes);
absl::StatusOr<ScrubRecord> DecodeScrubRecord(std::string_view bytes);

}  // namespace dml::wire
