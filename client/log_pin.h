// Which key a client believes to sign the log.
#pragma once

#include <optional>

#include "client/options.h"
#include "client/trust_memory.h"
#include "core/crypto/keys.h"

namespace dml {

/// The pinned key, or the one that the root remembered names in its place.
struct LogPin {
  PublicKey key;
  std::optional<uint64_t> start_size;  // From the root; nullopt where none is pinned.
};

/// The pinned key as long as the root names it, or where none is pinned. INVALID_ARGUMENT
/// (LOG_KEY_INVALID) for a key that cannot be read; FAILED_PRECONDITION (LOG_KEY_MISMATCH) where
/// the root is of another log.
absl::StatusOr<LogPin> PinOf(const ClientOptions& options, TrustMemory& trust);
/// The same, with the memory beside the state file.
absl::StatusOr<LogPin> PinOf(const ClientOptions& options);

/// The memory of roots that belongs to these options.
absl::StatusOr<std::unique_ptr<TrustMemory>> OpenTrustMemory(const ClientOptions& options);

}  // namespace dml
