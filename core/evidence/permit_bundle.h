// A permit bundle: a permit with everything that it takes to believe it, in one document, so that a
// node needs to ask nobody (docs/formats.md, "Permit bundle"). Nothing in it is believed because it
// is there: core/evidence/permit_verifier.h. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"

namespace dml {

inline constexpr size_t kMaxPermitBundleBytes = 16 << 20;
inline constexpr size_t kMaxBundlePublications = 2048;
inline constexpr size_t kMaxBundleApprovals = 64;
inline constexpr size_t kMaxBundleDelegations = 256;
inline constexpr size_t kMaxBundleHistories = 64;

/// That the log's checkpoint goes on from the tree of its first `size` leaves.
struct LogHistory {
  uint64_t size = 0;           // From 1 on.
  std::vector<Digest> hashes;  // A consistency proof (RFC 6962, 2.1.2); at most 64.
  bool operator==(const LogHistory&) const = default;
};

/// The exact bytes of each document; envelopes are DSSE.
struct PermitBundle {
  std::vector<std::string> roots;        // Envelopes, by version, without a gap.
  std::vector<std::string> delegations;  // Envelopes.
  std::string release;                   // Document.
  std::string release_envelope;
  std::string policy;  // Document.
  std::string policy_envelope;
  std::vector<std::string> publications;  // Envelopes; of each item as many as it takes.
  std::vector<std::string> approvals;     // Envelopes.
  std::string permit;                     // Envelope.
  std::string log_proof;                  // c2sp.org/tlog-proof of the entry PermitDecided.
  std::vector<LogHistory> history;        // From checkpoints that nodes may remember, by size.
  bool operator==(const PermitBundle&) const = default;
};

/// Reads a bundle strictly; nothing is verified. INVALID_ARGUMENT (PERMIT_BUNDLE_INVALID) with the
/// place.
absl::StatusOr<PermitBundle> ParsePermitBundle(std::string_view json);
/// The document, indented, members in alphabetical order, last line ended. The errors of the parser
/// for what it would refuse.
absl::StatusOr<std::string> FormatPermitBundle(const PermitBundle& bundle);

/// That no list is longer than it may be, no envelope there twice, and histories are in order: what
/// ParsePermitBundle sees to. INVALID_ARGUMENT (PERMIT_BUNDLE_INVALID).
absl::Status CheckPermitBundle(const PermitBundle& bundle);

/// The SHA-256 of the envelopes that a permit names as its inputs, in their order: release, policy,
/// publications, approvals.
std::vector<Digest> InputsOf(const PermitBundle& bundle);

}  // namespace dml
