// What the commands that check a log demand of witnesses, who saw the same history as we do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "core/trust/trust_root.h"
#include "tools/dml/command.h"

namespace dml {

struct WitnessDemandArgs {
  uint32_t count = 0;  // Different holders; 0: none are demanded.
  int within_hours = 24;
  std::string root;  // A file with a root's envelope; "": the root that the profile trusts.
};

/// Declares --witnesses, --witness-age and --root.
void DeclareWitnessDemand(CLI::App& app, WitnessDemandArgs& args);

/// The root whose witnesses count; nullopt where none are demanded. The errors of OpenPinnedRoot
/// and Client::GetTrust.
absl::StatusOr<std::optional<TrustRoot>> RootOfWitnesses(Context& context,
                                                         const WitnessDemandArgs& args);

/// A checkpoint with those who have cosigned it.
struct WitnessedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosignature> witnesses;
};

/// The newest of the notes (newest first, not checked yet) that the log signed and enough witnesses
/// have cosigned in time. PERMISSION_DENIED (WITNESSES_MISSING), saying what the newest lacks.
absl::StatusOr<WitnessedCheckpoint> NewestWitnessed(const std::vector<std::string>& notes,
                                                    const std::string& origin,
                                                    const PublicKey& log_key, const TrustRoot& root,
                                                    const WitnessDemandArgs& args, Timestamp now);

}  // namespace dml
