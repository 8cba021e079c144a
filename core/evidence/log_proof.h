// That an entry is in a library's journal, as one text that needs nobody to be asked
// (c2sp.org/tlog-proof, v1):
//
//   c2sp.org/tlog-proof@v1
//   extra <base64 of the entry's exact bytes>
//   index <the entry's index, decimal>
//   <base64 of a hash>                         each of the inclusion proof, from the leaf upwards
//
//   <signed checkpoint, a note to the end>
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/crypto/keys.h"
#include "core/journal/entry.h"
#include "core/trust/checkpoint.h"

namespace dml {

inline constexpr size_t kMaxLogProofBytes = 256 << 10;

struct LogProof {
  uint64_t index = 0;
  std::string leaf;             // The entry's exact bytes.
  std::vector<Digest> hashes;   // At most 64: as many as the tallest tree needs.
  std::string checkpoint_note;  // Signed by the log.
  bool operator==(const LogProof&) const = default;
};

/// INVALID_ARGUMENT (LOG_PROOF_INVALID) for anything but the format above, its one way to write
/// each number and hash included, and for more than kMaxLogProofBytes.
absl::StatusOr<LogProof> ParseLogProof(std::string_view text);
std::string FormatLogProof(const LogProof& proof);

/// What a proof says once it holds.
struct LoggedEntry {
  Entry entry;
  Checkpoint checkpoint;
};

/// Checks that the proof leads from the entry to the checkpoint's root, and, with `log_key`, that
/// the log of that key signed the checkpoint; without it the checkpoint is only what it claims to
/// be. DATA_LOSS (VARIANT_NOT_VERIFIED) otherwise.
absl::StatusOr<LoggedEntry> VerifyLogProof(const LogProof& proof, const PublicKey* log_key);

/// That the entry publishes just this. DATA_LOSS (VARIANT_NOT_VERIFIED) naming the entry that it
/// is.
absl::Status CheckPublishes(const LoggedEntry& logged, const VariantName& variant,
                            const BlobRef& manifest, const BlobRef& spec);

}  // namespace dml
