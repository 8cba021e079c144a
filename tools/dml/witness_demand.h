// What the commands that check a log demand of witnesses, who saw the same history as we do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "core/trust/log_policy.h"
#include "core/trust/trust_root.h"
#include "tools/dml/command.h"

namespace dml {

struct WitnessDemandArgs {
  uint32_t count = 0;  // Different holders; 0: none are demanded.
  int within_hours = 24;
  std::string root;    // A file with a root's envelope; "": the root that the profile trusts.
  std::string policy;  // A file with a policy for checkpoints, instead of count and root.
};

/// Declares --witnesses, --root, --policy and --witness-age.
void DeclareWitnessDemand(CLI::App& app, WitnessDemandArgs& args);

/// Who counts: the witnesses of a root, as many as are demanded, or the quorum of a policy.
struct WitnessDemand {
  std::optional<TrustRoot> root;
  std::optional<LogPolicy> policy;
  uint32_t count = 0;
  std::chrono::hours within{24};
};

/// Nullopt where none are demanded. The errors of OpenPinnedRoot, Client::GetTrust and
/// ReadLogPolicy.
absl::StatusOr<std::optional<WitnessDemand>> ReadWitnessDemand(Context& context,
                                                               const WitnessDemandArgs& args);

/// The policy in a file. The errors of ReadFile and ParseLogPolicy, naming the file.
absl::StatusOr<LogPolicy> ReadLogPolicy(const std::string& file);

/// That a policy which names logs names this one. PERMISSION_DENIED (LOG_KEY_MISMATCH).
absl::Status RequireLogOfPolicy(const LogPolicy& policy, const std::string& origin,
                                const PublicKey& log_key);

/// A checkpoint with those who have cosigned it.
struct WitnessedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosignature> witnesses;
};

/// The newest of the notes (newest first, not checked yet) that the log signed and enough witnesses
/// have cosigned in time. PERMISSION_DENIED (WITNESSES_MISSING), saying what the newest lacks; the
/// errors of RequireLogOfPolicy.
absl::StatusOr<WitnessedCheckpoint> NewestWitnessed(const std::vector<std::string>& notes,
                                                    const std::string& origin,
                                                    const PublicKey& log_key,
                                                    const WitnessDemand& demand, Timestamp now);

}  // namespace dml
