// What the sequencer tells of its group commits, for metrics.
#pragma once

#include <chrono>
#include <cstddef>

namespace dml {

/// A group that was decided, whether anything of it was committed or not.
struct GroupCommit {
  size_t commands = 0;              // Decided in it, refused ones too.
  size_t entries = 0;               // That it appends; 0: nothing was written.
  std::chrono::nanoseconds sync{};  // Of the synced write.
  std::chrono::nanoseconds sign{};  // Of the checkpoint after it, made durable too.
  bool failed = false;              // The write or the signature did: the outcome is unknown.
};

class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  /// Called by the sequencer's thread, before the callers of the group wake; must not block.
  virtual void Committed(const GroupCommit& group) = 0;
};

}  // namespace dml
