// The trust in force: the root and the delegations that a state of the library holds.
#pragma once

#include <memory>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "core/rules/command.h"
#include "core/trust/root_walk.h"
#include "storage/engine/engine.h"

namespace dml {

/// A state's trust domain at a time, without the keys that were revoked. FAILED_PRECONDITION
/// (ROOT_MISSING) where no root was set. Verifies the signatures of all delegations.
absl::StatusOr<std::shared_ptr<const TrustDomain>> LoadTrust(const Reader& state, Timestamp now);

/// The state's root as it was set, nothing left out; nullopt where there is none.
absl::StatusOr<std::optional<TrustedRoot>> LoadRoot(const Reader& state);

/// Remembers the last domain: it is good until a key, root or delegation changes, or one of them
/// expires. Thread-safe.
class TrustCache {
 public:
  absl::StatusOr<std::shared_ptr<const TrustDomain>> Get(const Reader& state, Timestamp now);

 private:
  absl::Mutex mutex_;
  std::shared_ptr<const TrustDomain> domain_ ABSL_GUARDED_BY(mutex_);
  uint64_t stamp_ ABSL_GUARDED_BY(mutex_) = 0;
  Timestamp from_ ABSL_GUARDED_BY(mutex_);  // Made at,
  Timestamp to_ ABSL_GUARDED_BY(mutex_);    // and good until before.
};

/// The command that sets the next root, or the first. The root must be of the library's journal and
/// name its log key (ROOT_ORIGIN_UNEXPECTED, ROOT_LOG_KEY_MISSING), believe it from a size on that
/// it has (ROOT_LOG_START_BEYOND), must not have expired at `now` (ROOT_EXPIRED); and the errors of
/// OpenPinnedRoot for the first, of OpenNextRoot for others.
absl::StatusOr<Command> PrepareSetRoot(const Reader& state, std::string envelope,
                                       std::string_view origin, const PublicKey& log_key,
                                       Timestamp now);

/// What PrepareSetRoot demands of a root of the journal `origin` that `log_key` signs; `size`: of
/// the journal, with the root's own entry.
absl::Status CheckRootOfLog(const TrustRoot& root, std::string_view origin,
                            const PublicKey& log_key, uint64_t size);

/// That the journal was never called so: PERMISSION_DENIED (ROOT_ORIGIN_USED), looking at every
/// root that was in force.
absl::Status CheckOriginIsNew(const Reader& state, std::string_view origin);

/// The command that sets a root on the way to one that is set at once after it: it counts by its
/// signatures alone. The errors of OpenNextRoot; ROOT_MISSING where there is none to follow.
absl::StatusOr<Command> PreparePastRoot(const Reader& state, std::string envelope);

/// As PrepareSetRoot, for a root that its own root role alone has signed, in the place of one whose
/// keys are lost: nobody follows such a step who is not told to. ROOT_MISSING where there is none
/// to replace, ROOT_VERSION_UNEXPECTED for another version than the next.
absl::StatusOr<Command> PrepareReplaceRoot(const Reader& state, std::string envelope,
                                           std::string_view origin, const PublicKey& log_key,
                                           Timestamp now);

/// The command that sets a delegation's document: it must have the threshold of those to whom the
/// delegation goes (THRESHOLD_NOT_MET, DELEGATION_UNKNOWN) and not have expired
/// (DELEGATION_EXPIRED).
absl::StatusOr<Command> PrepareSetDelegation(const Reader& state, std::string envelope,
                                             Timestamp now);

/// That the trust does not change before a command is carried out: for Command::decided_on.
absl::StatusOr<StampSeen> SeenTrust(const Reader& state);

}  // namespace dml
