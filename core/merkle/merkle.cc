#include "core/merkle/merkle.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr ErrorReason kRangeInvalid("PROOF_RANGE_INVALID");
constexpr ErrorReason kProofInvalid("PROOF_INVALID");

// The greatest power of two below `count`, where RFC 6962 splits `count` > 1 leaves.
uint64_t SplitPoint(uint64_t count) { return std::bit_floor(count - 1); }

// The roots of the complete subtrees that the leaves [begin, end) consist of, great to small.
// `begin` is a multiple of bit_ceil(end - begin), as in every range that RFC 6962 splits a tree
// into.
absl::StatusOr<std::vector<Digest>> ReadPeaks(uint64_t begin, uint64_t end,
                                              const NodeReader& reader) {
  std::vector<Digest> peaks;
  while (begin != end) {
    const uint64_t width = std::bit_floor(end - begin);
    const auto level = static_cast<uint8_t>(std::countr_zero(width));
    DML_ASSIGN_OR_RETURN(const Digest node, reader({.level = level, .index = begin >> level}));
    peaks.push_back(node);
    begin += width;
  }
  return peaks;
}

Digest FoldPeaks(const std::vector<Digest>& peaks) {
  if (peaks.empty()) return EmptyRoot();
  Digest hash = peaks.back();
  for (size_t i = peaks.size() - 1; i-- > 0;) hash = NodeHash(peaks[i], hash);
  return hash;
}

// MTH(D[begin:end]), with `begin` as above.
absl::StatusOr<Digest> RangeHash(uint64_t begin, uint64_t end, const NodeReader& reader) {
  DML_ASSIGN_OR_RETURN(const std::vector<Digest> peaks, ReadPeaks(begin, end, reader));
  return FoldPeaks(peaks);
}

// The way from a leaf to the root in a tree of `size` leaves. Its lower part has one sibling a
// level, left or right; above it, on the right edge of the tree, there are left siblings only.
struct PathShape {
  size_t inner;   // Levels of the lower part.
  size_t border;  // Siblings above it.
};

PathShape ShapeOf(uint64_t index, uint64_t size) {
  const size_t inner = std::bit_width(index ^ (size - 1));
  const uint64_t edge = inner == 64 ? 0 : index >> inner;
  return {.inner = inner, .border = static_cast<size_t>(std::popcount(edge))};
}

// Climbs the lower part: bit i of `path` says whether sibling i stands on the left.
Digest ClimbInner(Digest hash, std::span<const Digest> siblings, uint64_t path) {
  for (const Digest& sibling : siblings) {
    hash = (path & 1) != 0 ? NodeHash(sibling, hash) : NodeHash(hash, sibling);
    path >>= 1;
  }
  return hash;
}

// The same with the right siblings left out: the tree as it was when `hash` was at its right edge.
Digest ClimbInnerAsEdge(Digest hash, std::span<const Digest> siblings, uint64_t path) {
  for (const Digest& sibling : siblings) {
    if ((path & 1) != 0) hash = NodeHash(sibling, hash);
    path >>= 1;
  }
  return hash;
}

Digest ClimbBorder(Digest hash, std::span<const Digest> siblings) {
  for (const Digest& sibling : siblings) hash = NodeHash(sibling, hash);
  return hash;
}

absl::Status CheckIndex(uint64_t index, uint64_t size) {
  if (index < size) return absl::OkStatus();
  return InvalidArgument(kRangeInvalid, "leaf {} is not in the tree of {} leaves", index, size);
}

absl::Status CheckSizes(uint64_t size1, uint64_t size2) {
  if (size1 != 0 && size1 <= size2) return absl::OkStatus();
  return InvalidArgument(kRangeInvalid,
                         "no consistency proof from {} to {} leaves: the first size must be at "
                         "least 1 and not above the second",
                         size1, size2);
}

absl::Status CheckLength(size_t actual, size_t expected) {
  if (actual == expected) return absl::OkStatus();
  return InvalidArgument(kProofInvalid, "the proof has {} hashes, these sizes need {}", actual,
                         expected);
}

absl::Status CheckRoot(const Digest& actual, const Digest& expected, uint64_t size) {
  if (actual == expected) return absl::OkStatus();
  return InvalidArgument(kProofInvalid,
                         "the proof leads to root {} at {} leaves, not to {}: the tree, the proof "
                         "or the leaf is another one; keep them as evidence",
                         actual.hex(), size, expected.hex());
}

}  // namespace

Digest LeafHash(ByteSpan entry) {
  constexpr std::array<uint8_t, 1> kPrefix = {0x00};
  return Sha256({ByteSpan(kPrefix), entry});
}

Digest NodeHash(const Digest& left, const Digest& right) {
  constexpr std::array<uint8_t, 1> kPrefix = {0x01};
  return Sha256({ByteSpan(kPrefix), left.bytes(), right.bytes()});
}

Digest EmptyRoot() { return Sha256(ByteSpan()); }

absl::StatusOr<Digest> RootHash(uint64_t size, const NodeReader& reader) {
  return RangeHash(0, size, reader);
}

absl::StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                   const NodeReader& reader) {
  DML_RETURN_IF_ERROR(CheckIndex(index, size));
  std::vector<Digest> proof;
  uint64_t begin = 0;
  for (uint64_t end = size; end - begin > 1;) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    const bool left = index < middle;
    DML_ASSIGN_OR_RETURN(const Digest sibling,
                         left ? RangeHash(middle, end, reader) : RangeHash(begin, middle, reader));
    proof.push_back(sibling);
    (left ? end : begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t size1, uint64_t size2,
                                                     const NodeReader& reader) {
  DML_RETURN_IF_ERROR(CheckSizes(size1, size2));
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = size2;
  while (end != size1) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    const bool left = size1 <= middle;
    DML_ASSIGN_OR_RETURN(const Digest sibling,
                         left ? RangeHash(middle, end, reader) : RangeHash(begin, middle, reader));
    proof.push_back(sibling);
    (left ? end : begin) = middle;
  }
  if (begin != 0) {  // Otherwise the first tree is this subtree, and the verifier has its root.
    DML_ASSIGN_OR_RETURN(const Digest seed, RangeHash(begin, end, reader));
    proof.push_back(seed);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

absl::Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                             std::span<const Digest> proof, const Digest& root) {
  DML_RETURN_IF_ERROR(CheckIndex(index, size));
  const PathShape shape = ShapeOf(index, size);
  DML_RETURN_IF_ERROR(CheckLength(proof.size(), shape.inner + shape.border));
  const Digest top = ClimbBorder(ClimbInner(leaf_hash, proof.first(shape.inner), index),
                                 proof.subspan(shape.inner));
  return CheckRoot(top, root, size);
}

absl::Status VerifyConsistency(uint64_t size1, const Digest& root1, uint64_t size2,
                               const Digest& root2, std::span<const Digest> proof) {
  DML_RETURN_IF_ERROR(CheckSizes(size1, size2));
  if (size1 == size2) {
    DML_RETURN_IF_ERROR(CheckLength(proof.size(), 0));
    return CheckRoot(root1, root2, size2);
  }
  // The proof starts at the complete subtree in which the first tree ends, 2^level leaves wide.
  // Where that is the whole first tree, its root stands in for the hash that the proof leaves out.
  const int level = std::countr_zero(size1);
  const bool whole = std::has_single_bit(size1);
  PathShape shape = ShapeOf(size1 - 1, size2);
  shape.inner -= level;  // The trees part above that subtree, so that inner > level.
  DML_RETURN_IF_ERROR(CheckLength(proof.size(), (whole ? 0 : 1) + shape.inner + shape.border));

  const Digest seed = whole ? root1 : proof[0];
  if (!whole) proof = proof.subspan(1);
  const auto inner = proof.first(shape.inner);
  const auto border = proof.subspan(shape.inner);
  const uint64_t path = (size1 - 1) >> level;
  DML_RETURN_IF_ERROR(
      CheckRoot(ClimbBorder(ClimbInnerAsEdge(seed, inner, path), border), root1, size1));
  return CheckRoot(ClimbBorder(ClimbInner(seed, inner, path), border), root2, size2);
}

absl::StatusOr<TreeAppender> TreeAppender::Load(uint64_t size, const NodeReader& reader) {
  TreeAppender tree;
  DML_ASSIGN_OR_RETURN(tree.peaks_, ReadPeaks(0, size, reader));
  tree.size_ = size;
  return tree;
}

void TreeAppender::Append(const Digest& leaf_hash, NodeSink emit) {
  Digest hash = leaf_hash;
  emit({.level = 0, .index = size_}, hash);
  // Each bit that is set at the low end of the size is a subtree that pairs with the new one.
  for (uint8_t level = 0; (size_ >> level & 1) != 0;) {
    hash = NodeHash(peaks_.back(), hash);
    peaks_.pop_back();
    ++level;
    emit({.level = level, .index = size_ >> level}, hash);
  }
  peaks_.push_back(hash);
  ++size_;
}

Digest TreeAppender::Root() const { return FoldPeaks(peaks_); }

}  // namespace dml
