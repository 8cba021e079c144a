// Which key a client believes to sign the log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/options.h"
#include "client/trust_memory.h"
#include "core/crypto/keys.h"

namespace dml {

/// The pinned key and name, or those that the root remembered names in their place.
struct LogPin {
  std::string origin;
  std::vector<std::string> former_origins;  // What the log was called before, as far as is known.
  PublicKey key;
  std::optional<uint64_t> start_size;  // From the root; nullopt where none is pinned.
};

/// The pinned key as long as the root names it, or where none is pinned. INVALID_ARGUMENT
/// (LOG_KEY_INVALID) for a key that cannot be read; FAILED_PRECONDITION (LOG_KEY_MISMATCH) where
/// neither the root pinned nor the one remembered is of the log that the options name.
absl::StatusOr<LogPin> PinOf(const ClientOptions& options, TrustMemory& trust);
/// The same, with the memory beside the state file.
absl::StatusOr<LogPin> PinOf(const ClientOptions& options);

/// The memory of roots that belongs to these options.
absl::StatusOr<std::unique_ptr<TrustMemory>> OpenTrustMemory(const ClientOptions& options);

}  // namespace dml
