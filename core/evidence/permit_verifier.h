// Whether a permit may be acted upon, judged by whoever acts upon it: the library's word is never
// enough. Pure functions: no clock, no network, no files; any thread.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "core/evidence/permit.h"
#include "core/evidence/permit_bundle.h"
#include "core/evidence/permit_memory.h"
#include "core/evidence/verification_step.h"
#include "core/trust/root_walk.h"

namespace dml {

/// How far the clock of whoever verifies may be behind those of log and witnesses.
inline constexpr std::chrono::seconds kMaxClockSkew = std::chrono::minutes(5);

struct PermitVerdict {
  /// OK: the permit may be acted upon at the time asked about. Else why not: the error of the last
  /// step, and nothing below `steps` means anything.
  absl::Status status;
  std::vector<VerificationStep> steps;  // In order; the first that fails is the last.
  Permit permit;
  Digest release_digest;
  Release release;
  std::set<std::string> approvers;
  uint64_t log_index = 0;  // Of the decision.
  Timestamp decided;       // By the log's clock.
  Timestamp as_of;         // Revocations of before are known to it.
  PermitMemory next;       // To be kept before the permit is acted upon.
};

/// Checks a bundle from a pinned trust root (or the one remembered, if it is newer) at `now`, a
/// time that is taken once and used for everything. Reasons, by step:
///   bundle         PERMIT_BUNDLE_INVALID; ENVIRONMENT_REQUIRED where `remembered` has none
///   trust root     those of WalkRoots; ROOT_FORKED; ROOT_ROLLED_BACK where the bundle's newest
///   root
///                  is older than the one remembered
///   delegations    those of TrustDomain::Create
///   permit         signed by the role permit: THRESHOLD_NOT_MET; PAYLOAD_TYPE_UNEXPECTED,
///                  PREDICATE_UNEXPECTED, SUBJECT_UNEXPECTED, PERMIT_INVALID; PERMIT_DENIED;
///                  PERMIT_INPUTS_UNEXPECTED where it was given for other envelopes
///   place and time ENVIRONMENT_UNEXPECTED, NODE_UNEXPECTED, PERMIT_NOT_YET_VALID, PERMIT_EXPIRED,
///                  PERMIT_USED
///   release        signed by the role release; RELEASE_INVALID, RELEASE_UNEXPECTED (of another
///                  name), ENVIRONMENT_UNEXPECTED, ORDER_UNEXPECTED
///   policy         signed by the role policy; POLICY_UNEXPECTED (another one than the permit's),
///                  ENVIRONMENT_UNEXPECTED, POLICY_ROLLED_BACK, POLICY_FORKED
///   publications   of each item but those of REMOVE, by as many publishers as root and policy
///                  demand: THRESHOLD_NOT_MET, ROLE_NOT_HELD, PUBLICATION_UNEXPECTED
///   approvals      by as many persons as root and policy demand: THRESHOLD_NOT_MET,
///                  ROLE_NOT_HELD, SEPARATION_OF_DUTIES, APPROVAL_EXPIRED, APPROVAL_UNEXPECTED
///   journal entry  LOG_PROOF_INVALID, PERMIT_NOT_LOGGED, CHECKPOINT_ORIGIN_UNEXPECTED,
///                  CHECKPOINT_NOT_BELIEVED, PERMIT_DENIED, PERMIT_ENTRY_UNEXPECTED
///   journal        CHECKPOINT_ROLLED_BACK, CHECKPOINT_FORKED, CHECKPOINT_INCONSISTENT,
///                  HISTORY_MISSING: the bundle does not show that the log goes on from the
///                  checkpoint remembered; have one made that does
///   freshness      WITNESSES_MISSING, COSIGNATURE_INVALID, CHECKPOINT_STALE, CLOCK_BEHIND
/// A remembered checkpoint of a log key or of a journal that the root no longer names is set aside:
/// keep it as evidence.
PermitVerdict VerifyPermitBundle(const PermitBundle& bundle, const TrustedRoot& pinned,
                                 Timestamp now, const PermitMemory& remembered);

/// That a permit is acted upon from here on: it is refused the next time. What has expired by `now`
/// is forgotten, as it is refused anyway.
void MarkUsed(const Permit& permit, Timestamp now, PermitMemory& memory);

}  // namespace dml
