// Permits over what the library holds: how one is decided on a snapshot, outside the sequencer, and
// made into a command that holds only as long as nothing changes that it was decided on. Functions
// without state; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/rules/command.h"
#include "storage/library/permit_request.h"
#include "storage/library/release_decision.h"
#include "storage/library/spec_cache.h"

namespace dml {

/// What permits are decided by beside the state. All must outlive its use.
struct PermitTools {
  TrustCache& trust;
  PolicyCache& policies;
  SpecCache& specs;
  std::string origin;  // Of the journal.
};

/// Beside those of EvaluateRelease, rules of findings that deny a permit:
///   permit.policy-missing, .policy-unsigned (nobody of the role policy signed the one in force),
///   permit.policy-replaced (what was signed is not what it says, or counts no more)
///   permit.release-unsigned (its seal counts no more)
///   permit.seats (there are not enough)
///   permit.back-out (the release to go back to would not be permitted)
struct PermitDecision {
  ReleaseDecision release;
  std::vector<Finding> findings;  // All, in order.
  Digest findings_digest;
  bool allowed = false;
  Command command;  // Of an entry PermitDecided, without author and request id.
  const PermitDecided& decided() const { return std::get<PermitDecided>(command.payload); }
};

/// Decides by the state at `now`. `back_out_fault`: why the release to go back to would not be
/// permitted; "": it would, or there is none. The errors of CheckPermitRequest, ResolveNodes and
/// EvaluateReleaseGate.
absl::StatusOr<PermitDecision> DecidePermit(const Reader& state, const PermitTools& tools,
                                            const PermitRequest& request, Timestamp now,
                                            std::string_view back_out_fault = "");

/// What a request with this id of this author has made: a decision, nullopt where there is none.
/// ALREADY_EXISTS (REQUEST_ID_REUSED) where it asked for something else.
absl::StatusOr<std::optional<PermitRecord>> FindAnswered(const Reader& state,
                                                         std::string_view author,
                                                         std::string_view request_id,
                                                         const Digest& request);

/// All findings of a decision; FAILED_PRECONDITION (FINDINGS_NOT_KEPT) where they were too many.
absl::StatusOr<std::vector<Finding>> FindingsOf(const Reader& state, const PermitDecided& decided);

}  // namespace dml
