// Records of rollouts and of what was found of releases afterwards, as values.
#pragma once

#include <string>
#include <vector>

#include "core/journal/rollout_entries.h"
#include "core/release/rollout_progress.h"

namespace dml {

struct RolloutRecord {
  Digest release;
  std::string environment;
  std::string permit;
  BlobRef nodes;
  Digest baseline;
  RolloutProgress::Parts progress;
  Timestamp started;
  uint64_t index = 0;  // Of the last entry about it.
  Timestamp time;
  std::string author;
  /// What a writer must have seen to steer it: the index of the last entry about it.
  std::string Etag() const;
  bool operator==(const RolloutRecord&) const = default;
};

struct RolloutNodeRecord {
  std::string node;  // Resource name.
  NodeProgress progress;
  std::string reason;  // Of its last report.
  BlobRef report;      // Likewise; size 0: none.
  uint64_t index = 0;  // Of its last report; zero where it has not reported.
  Timestamp time;
  std::string author;
  bool operator==(const RolloutNodeRecord&) const = default;
};

/// The last re-evaluation that found something else than the one before.
struct ReevaluationRecord {
  ReleaseReevaluated found;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const ReevaluationRecord&) const = default;
};

}  // namespace dml
