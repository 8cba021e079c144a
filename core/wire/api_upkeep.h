// Upkeep and retention <-> API messages (proto/dml/v1), for server and client alike; as api.h.
#pragma once

#include "core/content/upkeep.h"
#include "core/wire/api.h"
#include "dml/v1/maintenance.pb.h"

namespace dml::wire {

/// Times of 1970, which stand for "never", are left out.
void To(const CollectionRecord& record, v1::Collection* out);
absl::StatusOr<CollectionRecord> From(const v1::Collection& in);
void To(const RepackRecord& record, v1::Repack* out);
RepackRecord From(const v1::Repack& in);
void To(const StorageFigures& figures, v1::StorageFigures* out);
StorageFigures From(const v1::StorageFigures& in);
void To(const DamagedChunk& damaged, v1::DamagedChunk* out);
absl::StatusOr<DamagedChunk> From(const v1::DamagedChunk& in);

void To(const RetentionRecord& record, v1::Retention* out);
/// Without judging the policy; times in whole seconds: INVALID_ARGUMENT (RETENTION_INVALID).
absl::StatusOr<RetentionRecord> From(const v1::Retention& in);

}  // namespace dml::wire
