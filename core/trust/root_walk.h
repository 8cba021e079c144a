// From a root that is trusted to the newest one, step by step (TUF 1.0.34, 5.3). Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/trust/authority.h"

namespace dml {

inline constexpr size_t kMaxRootSteps = 1024;  // Of one walk.

/// A root that was verified, and what identifies it: the SHA-256 of the bytes that were signed.
struct TrustedRoot {
  TrustRoot root;
  Digest digest;
  bool operator==(const TrustedRoot&) const = default;
};

/// Reads the envelope of a root that whoever calls has a reason to trust (it is pinned), and checks
/// that its own root role has signed it. The errors of ParseEnvelope and ParseTrustRoot;
/// PERMISSION_DENIED (THRESHOLD_NOT_MET, PAYLOAD_TYPE_UNEXPECTED).
absl::StatusOr<TrustedRoot> OpenPinnedRoot(std::string_view envelope_json);

/// Reads the envelope of the root after `current`: its version is the next one, its journal the
/// same or one that it names as following, and the thresholds of both root roles have signed it.
/// PERMISSION_DENIED: ROOT_VERSION_UNEXPECTED, ROOT_ORIGIN_UNEXPECTED, ROOT_ORIGIN_USED (it moves
/// the journal back to the name before), THRESHOLD_NOT_MET.
absl::StatusOr<TrustedRoot> OpenNextRoot(const TrustRoot& current, std::string_view envelope_json);

/// Walks from `trusted` through envelopes of consecutive versions. Those of versions up to its own
/// are passed over, except that the one of its version must be it: DATA_LOSS (ROOT_FORKED) where
/// two roots have one version. A journal never returns to a name that it had on the way
/// (ROOT_ORIGIN_USED). Old roots may have expired; FAILED_PRECONDITION (ROOT_EXPIRED) where
/// the last one has at `now`. RESOURCE_EXHAUSTED (ROOT_CHAIN_TOO_LONG) for more than kMaxRootSteps.
absl::StatusOr<TrustedRoot> WalkRoots(const TrustedRoot& trusted,
                                      std::span<const std::string> envelopes, Timestamp now);

/// FAILED_PRECONDITION (ROOT_EXPIRED) naming the document and what to do.
absl::Status CheckRootExpiry(const TrustRoot& root, Timestamp now);

}  // namespace dml
