// Records of releases: what the views know of each, as values.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/journal/release_entries.h"
#include "core/release/release.h"

namespace dml {

/// More are refused: whoever judges a release reads all of them.
inline constexpr uint32_t kMaxReleaseEnvelopes = 1000;

struct ReleaseRecord {
  BlobRef document;
  std::string name;
  std::string version;
  ReleaseType type = ReleaseType::kMinor;
  std::vector<std::string> environments;
  std::vector<std::string> required_evidence;  // Predicate types, ascending.
  std::vector<std::string> evidence;           // Those that are there, ascending.
  ReleaseState state = ReleaseState::kSealed;
  std::string withdraw_reason;
  uint32_t envelope_count = 0;  // Seal, attestations and approvals.
  uint64_t index = 0;           // Of the entry that sealed it.
  Timestamp time;
  std::string author;
  uint64_t updated_index = 0;  // Of the last entry about it.
  /// What a writer must have seen to change its state: the index of the last entry about it.
  std::string Etag() const;
  bool operator==(const ReleaseRecord&) const = default;
};

/// A seal, attestation, approval or override of a release.
struct ReleaseEnvelopeRecord {
  Digest release;
  ReleaseEnvelope envelope;
  std::string environment;  // Of an approval or override; else "".
  Digest findings;          // Of an approval.
  Timestamp expires;        // Likewise, and of an override, as what follows.
  Digest requester{};       // Key of who asked for it.
  std::vector<std::string> rules{};
  std::string reason{};
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool is_approval() const { return !environment.empty() && rules.empty(); }
  bool is_override() const { return !rules.empty(); }
  bool operator==(const ReleaseEnvelopeRecord&) const = default;
};

/// A release in an environment that somebody has approved it for.
struct DeploymentRecord {
  Digest release;
  std::string environment;
  ReleaseType type = ReleaseType::kMinor;
  DeploymentState state = DeploymentState::kNone;
  Timestamp started;   // The first step; zero where it has not begun.
  Timestamp deployed;  // All nodes have it; zero where it was never so.
  std::string reason;  // Of the last event that had one.
  uint64_t index = 0;  // Of the last entry about it.
  Timestamp time;
  std::string author;
  Timestamp permitted_until{};  // When the last of its permits that were not revoked expires.
  std::string Etag() const;
  /// The same at `now`: one whose permits have all expired unused is approved only.
  DeploymentRecord AsOf(Timestamp now) const;
  bool operator==(const DeploymentRecord&) const = default;
};

}  // namespace dml
