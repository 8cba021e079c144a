// The projector: folds entries into the views.
//
// views == fold(Apply, empty, journal[0..n)): a pure function of the entry, the metadata blobs that
// it names and the rows before it. No clock, randomness, environment or floating point; a rebuild
// gives the same keys and values in the same order. Stateless; the sequencer calls it inside its
// batch, a rebuild outside it.
#pragma once

#include "core/journal/entry.h"
#include "core/journal/records.h"
#include "storage/engine/engine.h"

namespace dml {

/// How long a request id is remembered, in journal time.
inline constexpr std::chrono::hours kRequestMemory{7 * 24};

/// Adds the rows that `entry` makes to `views`. `metadata` holds its metadata blobs (for the
/// sequencer the same batch). Fails only with the errors of the storage, or DATA_LOSS where a
/// metadata blob is missing or cannot be read: a group with such an entry is never committed.
absl::Status ApplyEntry(const Entry& entry, const Reader& metadata, Batch& views);

/// The bytes of a metadata blob, checked against its digest and size.
/// NOT_FOUND (METADATA_NOT_FOUND), DATA_LOSS (METADATA_CORRUPT).
absl::StatusOr<std::string> ReadMetadata(const Reader& reader, const BlobRef& ref);
/// Without a known size.
absl::StatusOr<std::string> ReadMetadata(const Reader& reader, const Digest& digest);

/// How many entries the views hold; 0 where they were made by another version of the rows' form.
absl::StatusOr<uint64_t> ViewCursor(const Reader& reader);
void SetViewCursor(uint64_t cursor, Batch& batch);

}  // namespace dml
