#include "storage/collect/mark_set.h"

#include <algorithm>

namespace dml {
namespace {

constexpr size_t kMinMarks = 16;

}  // namespace

MarkSet::MarkSet(size_t max_bytes, uint64_t first)
    : capacity_(std::max(kMinMarks, max_bytes / sizeof(Mark))), limit_(capacity_), first_(first) {}

uint64_t MarkSet::PrefixOf(const Digest& digest) {
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out = out << 8 | digest.bytes()[i];
  return out;
}

void MarkSet::Add(const Digest& digest, uint32_t group) {
  const uint64_t prefix = PrefixOf(digest);
  if (prefix < first_ || prefix > last_) return;
  marks_.push_back({digest, group});
  if (marks_.size() > limit_) Compact();
}

// Leaves at most half of the capacity, so that the work for each mark stays bounded.
void MarkSet::Compact() {
  Seal();
  while (marks_.size() > capacity_ / 2 && last_ > first_) {
    last_ = first_ + (last_ - first_) / 2;
    auto beyond = std::ranges::partition_point(
        marks_, [&](const Mark& mark) { return PrefixOf(mark.digest) <= last_; });
    marks_.erase(beyond, marks_.end());
  }
  limit_ = std::max(capacity_, 2 * marks_.size());
}

void MarkSet::Seal() {
  std::ranges::sort(marks_);
  marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
}

bool MarkSet::Has(const Digest& digest, uint32_t group) const {
  return std::ranges::binary_search(marks_, Mark{digest, group});
}

bool MarkSet::HasAny(const Digest& digest) const {
  auto it = std::ranges::lower_bound(marks_, Mark{digest, 0});
  return it != marks_.end() && it->digest == digest;
}

}  // namespace dml
