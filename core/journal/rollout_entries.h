// Entries about rollouts, about what is set aside in an emergency, and about what was found of
// releases afterwards; see core/journal/entry.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/journal/release_entries.h"
#include "core/release/rollout_plan.h"

namespace dml {

/// A release begins to go through an environment, by a permit. There is one rollout of a release in
/// an environment. What was in use before is what a back-out returns to.
struct RolloutStarted {
  Digest release;
  std::string environment;
  std::string permit;  // Id.
  RolloutPlan plan;
  BlobRef nodes;    // Metadata blob: FormatRolloutPlaces(), of resource names of nodes.
  Digest baseline;  // Document of the release that was deployed there last; zero: none was.
  bool operator==(const RolloutStarted&) const = default;
};

/// A node of a rollout says how far it has come.
struct NodeReported {
  Digest release;
  std::string environment;  // Of the rollout.
  std::string node;         // Resource name.
  NodeStage stage = NodeStage::kStaged;
  std::string reason;  // Why it failed; else what it wants to say.
  BlobRef report;      // Metadata blob: the signed envelope it said so with; size 0: none.
  bool operator==(const NodeReported&) const = default;
};

/// What people do to a rollout, and kTick: what the time does.
enum class RolloutAction { kPause = 1, kResume, kAbort, kBackOut, kTick };
std::string_view RolloutActionName(RolloutAction action);  // "pause", ..., "back-out", "tick".

struct RolloutSteered {
  Digest release;
  std::string environment;
  RolloutAction action = RolloutAction::kTick;
  std::string reason;         // To abort and back out.
  std::string replaces_etag;  // Of the rollout that the author saw.
  bool operator==(const RolloutSteered&) const = default;
};

/// In an emergency somebody sets findings aside, and others agree.
struct ReleaseOverridden {
  Digest release;
  std::string environment;
  ReleaseEnvelope envelope;        // OverrideClaim; who asked for it is among the signers.
  Digest requester;                // Key.
  std::vector<std::string> rules;  // Patterns, ascending, distinct.
  std::string reason;
  Timestamp expires;
  bool operator==(const ReleaseOverridden&) const = default;
};

/// What is found of a release that is permitted or deployed somewhere is not what it was.
struct ReleaseReevaluated {
  Digest release;
  std::string environment;
  uint64_t journal_size = 0;  // Evaluated on its first entries.
  uint32_t findings = 0;      // Errors, but for those that approving or waiting changes.
  uint32_t new_findings = 0;  // That were not there the last time.
  BlobRef report;             // Metadata blob: all of them, see docs/formats.md.
  bool operator==(const ReleaseReevaluated&) const = default;
};

}  // namespace dml
