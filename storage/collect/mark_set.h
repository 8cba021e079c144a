// Which digests are in use: marks of a part of the digest space, within bounded memory.
//
// The space is worked through range by range. Marking begins at the first digest that is not done
// yet and takes all marks from there on; where they become too many the upper half of the range is
// given up, for the next one to do. What is left at the end is complete: every mark of the range.
// Digests are hashes, so that halves of the space hold about half of the marks; finding many whose
// first 64 bits are equal is not feasible, and they would only cost memory. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/digest.h"

namespace dml {

class MarkSet {
 public:
  /// Marks digests whose first 8 bytes, as a big-endian number, are `first` or more.
  MarkSet(size_t max_bytes, uint64_t first);

  /// `group` tells marks of one digest apart; see Has. Ignored outside the range.
  void Add(const Digest& digest, uint32_t group = 0);
  /// Before any question; nothing may be added afterwards.
  void Seal();

  /// The range, both ends included, as it is now: `last` only goes down.
  uint64_t first() const { return first_; }
  uint64_t last() const { return last_; }

  /// Of digests in the range.
  bool Has(const Digest& digest, uint32_t group) const;
  bool HasAny(const Digest& digest) const;

  size_t size() const { return marks_.size(); }

  /// The first 8 bytes as a number.
  static uint64_t PrefixOf(const Digest& digest);

 private:
  struct Mark {
    Digest digest;
    uint32_t group;
    auto operator<=>(const Mark&) const = default;
  };
  void Compact();

  const size_t capacity_;
  size_t limit_;  // Where they become too many: above the capacity only where nothing helps.
  const uint64_t first_;
  uint64_t last_ = UINT64_MAX;
  std::vector<Mark> marks_;
};

}  // namespace dml
