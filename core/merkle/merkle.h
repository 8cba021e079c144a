// The Merkle tree of RFC 6962 section 2.1, over hashes of complete subtrees that are stored once.
//
// Leaves are numbered from 0. A node is the root of a complete subtree of 2^level leaves, so that
// it never changes once its leaves are there; every root and proof of every size is made from such
// nodes. The functions are pure and make fewer than 256 reads and hashes for any size up to 2^64-1.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <absl/functional/function_ref.h>

#include "core/base/digest.h"
#include "core/base/status.h"

namespace dml {

/// SHA-256(0x00 || entry).
Digest LeafHash(ByteSpan entry);
/// SHA-256(0x01 || left || right).
Digest NodeHash(const Digest& left, const Digest& right);
/// The root of a tree without leaves: SHA-256 of nothing.
Digest EmptyRoot();

/// The root of the complete subtree of the leaves [index << level, (index + 1) << level).
struct NodeId {
  uint8_t level = 0;  // 0 is a leaf hash; at most 63.
  uint64_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

/// Gives a stored node. Its errors are passed on unchanged by the functions below.
using NodeReader = std::function<absl::StatusOr<Digest>(NodeId)>;

/// The root of the tree of the first `size` leaves.
absl::StatusOr<Digest> RootHash(uint64_t size, const NodeReader& reader);

/// The audit path of a leaf in the tree of `size` leaves, from the leaf upwards (RFC 6962 2.1.1).
/// INVALID_ARGUMENT (PROOF_RANGE_INVALID) where index >= size.
absl::StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size,
                                                   const NodeReader& reader);

/// The proof that the tree of `size2` leaves starts with the tree of `size1` (RFC 6962 2.1.2);
/// empty where they are equal. INVALID_ARGUMENT (PROOF_RANGE_INVALID) unless 0 < size1 <= size2:
/// every tree starts with the empty one, so that there is nothing to prove.
absl::StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t size1, uint64_t size2,
                                                     const NodeReader& reader);

/// OK only where `proof` shows that the leaf is number `index` of the tree with that size and root.
/// Otherwise INVALID_ARGUMENT: PROOF_RANGE_INVALID where index >= size, PROOF_INVALID where the
/// proof has more or fewer hashes than that place needs, or leads to another root.
absl::Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                             std::span<const Digest> proof, const Digest& root);

/// OK only where `proof` shows that the second tree starts with the first. Otherwise
/// INVALID_ARGUMENT: PROOF_RANGE_INVALID unless 0 < size1 <= size2, PROOF_INVALID where the proof
/// has more or fewer hashes than these sizes need, or leads to another root1 or root2.
absl::Status VerifyConsistency(uint64_t size1, const Digest& root1, uint64_t size2,
                               const Digest& root2, std::span<const Digest> proof);

/// Receives a node whose subtree has just become complete.
using NodeSink = absl::FunctionRef<void(NodeId, const Digest&)>;

/// Grows a tree leaf by leaf, knowing only its size and the roots of the complete subtrees that it
/// consists of: at most 64 hashes. A value: a copy grows on its own, so that a batch can be
/// appended to a copy that replaces the original once the batch is durable. One thread at a time.
class TreeAppender {
 public:
  /// A tree without leaves.
  TreeAppender() = default;

  /// The tree of the first `size` leaves from its stored nodes; passes on the reader's errors.
  static absl::StatusOr<TreeAppender> Load(uint64_t size, const NodeReader& reader);

  /// Adds a leaf by its LeafHash and emits every node that it completes: the leaf itself first,
  /// then upwards. Over n leaves that is less than 2n nodes. size() must be below 2^64-1.
  void Append(const Digest& leaf_hash, NodeSink emit);

  uint64_t size() const { return size_; }
  /// The root of the tree as it is now; EmptyRoot() without leaves.
  Digest Root() const;

 private:
  uint64_t size_ = 0;
  std::vector<Digest> peaks_;  // One for each bit that is set in size_, greatest subtree first.
};

}  // namespace dml
