// What the journal says of a permit. Internal to core/evidence.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/evidence/permit_verifier.h"
#include "core/journal/permit_entries.h"
#include "core/trust/note.h"

namespace dml::evidence {

struct LoggedDecision {
  uint64_t index = 0;
  Timestamp time;  // By the log's clock.
  Note note;       // The checkpoint's.
  RememberedCheckpoint checkpoint;
};

/// That the log of `root` holds just this decision. The reasons of the step "journal entry".
absl::StatusOr<LoggedDecision> CheckLogged(const std::string& log_proof,
                                           const PermitDecided& expected, const TrustRoot& root);

/// That the log goes on from what is remembered; says how in `detail`. The reasons of "journal".
absl::Status CheckHistory(const LoggedDecision& logged, std::span<const LogHistory> history,
                          const std::optional<RememberedCheckpoint>& remembered,
                          const TrustRoot& root, std::string& detail);

/// When the checkpoint was there for certain: when the last of so many different witnesses that it
/// takes saw it, else when the decision was entered. WITNESSES_MISSING, COSIGNATURE_INVALID,
/// CLOCK_BEHIND.
absl::StatusOr<Timestamp> SeenAt(const LoggedDecision& logged, uint32_t witnesses,
                                 const TrustRoot& root, Timestamp now);

}  // namespace dml::evidence
