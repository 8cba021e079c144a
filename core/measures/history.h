// What the journal says about how releases went: the facts that measures are computed of.
//
// A fold of entries, one after another from the first on, and of the metadata blobs that they name,
// and of nothing else: folded again it is the same. Values; one thread at a time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/gate/policy.h"
#include "core/journal/entry.h"
#include "core/release/release.h"
#include "core/release/rollout.h"

namespace dml {

/// A release, from its seal on.
struct ReleaseHistory {
  std::string name;
  std::string version;
  ReleaseType type = ReleaseType::kMinor;
  std::vector<std::string> environments;  // That it is for.
  std::set<std::string> services;         // Packages of its items, "namespace/name".
  size_t items = 0;
  std::vector<Timestamp> published;  // When each item that is not removed was published.
  std::optional<ReleaseWindow> window;
  Timestamp sealed;
  std::optional<Timestamp> withdrawn;
};

/// Something that happened to a release in an environment.
struct DeploymentMoment {
  DeploymentEvent event = DeploymentEvent::kApprove;
  Timestamp time;
  std::string reason;
};

/// A release in an environment.
struct DeploymentHistory {
  Digest release;
  std::string environment;
  std::vector<DeploymentMoment> moments;  // In order: approvals, permits, and so on.
  std::optional<uint64_t> most_items;     // That the policy let it have when it started.
  bool policy_known = true;               // Else it could not be read.
  std::vector<std::pair<Timestamp, uint32_t>> findings;  // As re-evaluated since.

  /// When something happened first; none: never.
  std::optional<Timestamp> First(DeploymentEvent event) const;
};

struct OverrideHistory {
  Digest release;
  std::string environment;
  Timestamp time;
  Timestamp expires;
};

/// A decision on a release.
struct PermitHistory {
  Digest release;
  std::string environment;
  bool allowed = false;
  Timestamp time;
  Timestamp expires;
  std::vector<std::string> rules{};  // Of the findings that denied it.
  std::optional<Timestamp> revoked{};
};

/// A variant in quarantine.
struct QuarantineHistory {
  std::string package;  // "namespace/name"
  Timestamp since;
  std::optional<Timestamp> until;  // Somebody decided.
};

struct NodeFailure {
  Digest release;
  std::string environment;
  Timestamp time;
};

class History {
 public:
  /// The bytes of a metadata blob.
  using ReadBlob = std::function<absl::StatusOr<std::string>(const BlobRef&)>;

  /// The entry of index size(). DATA_LOSS where the journal contradicts itself; the errors of
  /// `read`. After an error it is not used any more.
  absl::Status Add(const Entry& entry, const ReadBlob& read);

  uint64_t size() const { return size_; }
  /// Of the first and the last entry.
  Timestamp begin() const { return begin_; }
  Timestamp end() const { return end_; }

  using DeploymentKey = std::pair<std::string, Digest>;  // Environment, release.
  const std::map<Digest, ReleaseHistory>& releases() const { return releases_; }
  const std::map<DeploymentKey, DeploymentHistory>& deployments() const { return deployments_; }
  const std::vector<OverrideHistory>& overrides() const { return overrides_; }
  const std::vector<PermitHistory>& permits() const { return permits_; }
  const std::vector<QuarantineHistory>& quarantines() const { return quarantines_; }
  const std::vector<NodeFailure>& node_failures() const { return node_failures_; }
  /// Entries about entitlements and leases, to be played on a ledger.
  const std::vector<std::pair<Timestamp, EntryPayload>>& seats() const { return seats_; }

 private:
  struct Fold;
  // A rollout; once it is deployed, only how many nodes have something to go back from: which node
  // is where matters no more.
  struct Deployed {
    uint64_t nodes = 0;
    bool backs_out = false;
    std::string reason{};  // Why it does.
  };
  using Track = std::variant<Rollout, Deployed>;

  uint64_t size_ = 0;
  Timestamp begin_{};
  Timestamp end_{};
  std::map<Digest, ReleaseHistory> releases_;
  std::map<DeploymentKey, DeploymentHistory> deployments_;
  std::map<DeploymentKey, Track> rollouts_;
  std::map<std::string, Timestamp> published_;                   // By resource name of a variant.
  std::map<std::string, std::optional<ReleaseRules>> policies_;  // By environment; none: unread.
  std::map<std::string, size_t> permit_ids_;  // Of those that were given, but to go back by.
  std::map<std::string, size_t> waiting_;     // Quarantines that last, by resource name.
  std::vector<OverrideHistory> overrides_;
  std::vector<PermitHistory> permits_;
  std::vector<QuarantineHistory> quarantines_;
  std::vector<NodeFailure> node_failures_;
  std::vector<std::pair<Timestamp, EntryPayload>> seats_;
};

}  // namespace dml
