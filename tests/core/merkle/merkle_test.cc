#include "core/merkle/merkle.h"

#include <bit>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr uint64_t kSizes = 130;
constexpr uint64_t kHuge = ~uint64_t{0};

// The definitions of RFC 6962 section 2.1, word by word, over all leaf hashes.
class Reference {
 public:
  explicit Reference(uint64_t leaves) {
    for (uint64_t i = 0; i < leaves; ++i) leaves_.push_back(LeafHash(AsBytes(Entry(i))));
  }

  static std::string Entry(uint64_t i) { return fmt::format("entry {}", i); }
  const Digest& leaf(uint64_t i) const { return leaves_[i]; }

  // MTH(D[begin:end]).
  Digest Root(uint64_t begin, uint64_t end) const {
    if (begin == end) return Sha256("");
    if (end - begin == 1) return leaves_[begin];
    const uint64_t k = Split(end - begin);
    const Digest left = Root(begin, begin + k);
    const Digest right = Root(begin + k, end);
    return Sha256({AsBytes("\x01"), left.bytes(), right.bytes()});
  }

  // PATH(m, D[begin:end]).
  std::vector<Digest> Path(uint64_t m, uint64_t begin, uint64_t end) const {
    if (end - begin == 1) return {};
    const uint64_t k = Split(end - begin);
    if (m < k) return Joined(Path(m, begin, begin + k), Root(begin + k, end));
    return Joined(Path(m - k, begin + k, end), Root(begin, begin + k));
  }

  // SUBPROOF(m, D[begin:end], b).
  std::vector<Digest> Subproof(uint64_t m, uint64_t begin, uint64_t end, bool b) const {
    const uint64_t n = end - begin;
    if (m == n) return b ? std::vector<Digest>{} : std::vector<Digest>{Root(begin, end)};
    const uint64_t k = Split(n);
    if (m <= k) return Joined(Subproof(m, begin, begin + k, b), Root(begin + k, end));
    return Joined(Subproof(m - k, begin + k, end, false), Root(begin, begin + k));
  }

  // Stored nodes; answers only for complete subtrees of the first `size` leaves.
  NodeReader ReaderAt(uint64_t size) const {
    return [this, size](NodeId id) -> absl::StatusOr<Digest> {
      const uint64_t begin = id.index << id.level;
      const uint64_t end = (id.index + 1) << id.level;
      if (end > size) {
        return NotFound(ErrorReason("NODE_NOT_STORED"), "{}/{}", int{id.level}, id.index);
      }
      return Root(begin, end);
    };
  }

 private:
  static uint64_t Split(uint64_t n) {
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }
  static std::vector<Digest> Joined(std::vector<Digest> path, const Digest& last) {
    path.push_back(last);
    return path;
  }

  std::vector<Digest> leaves_;
};

const Reference& TheReference() {
  static const Reference reference(kSizes);
  return reference;
}

Digest Flipped(const Digest& digest, size_t bit) {
  std::array<uint8_t, Digest::kSize> bytes;
  std::copy(digest.bytes().begin(), digest.bytes().end(), bytes.begin());
  bytes[bit / 8 % bytes.size()] ^= static_cast<uint8_t>(1u << bit % 8);
  return Digest(bytes);
}

// Refused before any hash is made of it.
bool RefusedForLength(const absl::Status& status) {
  return Reason(status) == "PROOF_INVALID" &&
         Message(status).find("these sizes need") != std::string_view::npos;
}

Digest Numbered(uint64_t i) { return Sha256(fmt::format("node {}", i)); }

// The stored nodes of a tree of any size whose leaves are all equal.
absl::StatusOr<Digest> EqualLeavesNode(NodeId id) {
  static const std::vector<Digest> levels = [] {
    std::vector<Digest> made = {LeafHash(AsBytes("leaf"))};
    while (made.size() < 64) made.push_back(NodeHash(made.back(), made.back()));
    return made;
  }();
  return levels.at(id.level);
}

TEST(MerkleHashTest, PrefixesSeparateLeavesNodesAndTheEmptyTree) {
  // Published with Certificate Transparency's reference tests: the leaves "" and 00.
  EXPECT_EQ(EmptyRoot().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const Digest empty = LeafHash(AsBytes(""));
  EXPECT_EQ(empty.hex(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  const Digest zero = LeafHash(AsBytes(std::string_view("\0", 1)));
  EXPECT_EQ(NodeHash(empty, zero).hex(),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
  EXPECT_NE(NodeHash(empty, zero), NodeHash(zero, empty));
}

TEST(MerkleTreeTest, RootsMatchTheDefinitionAtEverySize) {
  const Reference& reference = TheReference();
  for (uint64_t size = 0; size <= kSizes; ++size) {
    EXPECT_EQ(RootHash(size, reference.ReaderAt(size)).value(), reference.Root(0, size)) << size;
  }
}

TEST(MerkleTreeTest, EveryInclusionProofMatchesTheDefinitionAndVerifies) {
  const Reference& reference = TheReference();
  for (uint64_t size = 1; size <= kSizes; ++size) {
    const Digest root = reference.Root(0, size);
    for (uint64_t index = 0; index < size; ++index) {
      const auto proof = InclusionProof(index, size, reference.ReaderAt(size));
      ASSERT_TRUE(proof.ok()) << proof.status();
      ASSERT_EQ(*proof, reference.Path(index, 0, size)) << index << " of " << size;
      const absl::Status verified =
          VerifyInclusion(reference.leaf(index), index, size, *proof, root);
      ASSERT_TRUE(verified.ok()) << index << " of " << size << ": " << verified;
    }
  }
}

TEST(MerkleTreeTest, EveryConsistencyProofMatchesTheDefinitionAndVerifies) {
  const Reference& reference = TheReference();
  for (uint64_t size2 = 1; size2 <= kSizes; ++size2) {
    const Digest root2 = reference.Root(0, size2);
    for (uint64_t size1 = 1; size1 <= size2; ++size1) {
      const auto proof = ConsistencyProof(size1, size2, reference.ReaderAt(size2));
      ASSERT_TRUE(proof.ok()) << proof.status();
      ASSERT_EQ(*proof, reference.Subproof(size1, 0, size2, true)) << size1 << " to " << size2;
      const absl::Status verified =
          VerifyConsistency(size1, reference.Root(0, size1), size2, root2, *proof);
      ASSERT_TRUE(verified.ok()) << size1 << " to " << size2 << ": " << verified;
    }
  }
}

// attack 1
TEST(MerkleProofTest, AChangedHashAnywhereInAnInclusionProofIsRefused) {
  const Reference& reference = TheReference();
  for (uint64_t size = 1; size <= 40; ++size) {
    const Digest root = reference.Root(0, size);
    for (uint64_t index = 0; index < size; ++index) {
      const auto proof = reference.Path(index, 0, size);
      const Digest& leaf = reference.leaf(index);
      for (size_t i = 0; i < proof.size(); ++i) {
        auto forged = proof;
        forged[i] = Flipped(proof[i], size * 31 + index * 7 + i);
        EXPECT_EQ(Reason(VerifyInclusion(leaf, index, size, forged, root)), "PROOF_INVALID");
      }
      EXPECT_FALSE(VerifyInclusion(Flipped(leaf, index), index, size, proof, root).ok());
      EXPECT_FALSE(VerifyInclusion(leaf, index, size, proof, Flipped(root, index)).ok());
      auto longer = proof;
      longer.push_back(root);
      EXPECT_TRUE(RefusedForLength(VerifyInclusion(leaf, index, size, longer, root)));
      if (proof.empty()) continue;
      const auto shorter = std::span(proof).first(proof.size() - 1);
      EXPECT_TRUE(RefusedForLength(VerifyInclusion(leaf, index, size, shorter, root)));
    }
  }
}

// attack 1
TEST(MerkleProofTest, AnInclusionProofHoldsForItsOwnPlaceOnly) {
  const Reference& reference = TheReference();
  constexpr uint64_t kSize = 21;
  const Digest root = reference.Root(0, kSize);
  for (uint64_t index = 0; index < kSize; ++index) {
    const auto proof = reference.Path(index, 0, kSize);
    for (uint64_t other = 0; other <= kSize; ++other) {
      if (other == index) continue;
      EXPECT_FALSE(VerifyInclusion(reference.leaf(index), other, kSize, proof, root).ok());
    }
  }
}

// attack 1
TEST(MerkleProofTest, AChangedHashAnywhereInAConsistencyProofIsRefused) {
  const Reference& reference = TheReference();
  for (uint64_t size2 = 2; size2 <= 34; ++size2) {
    const Digest root2 = reference.Root(0, size2);
    for (uint64_t size1 = 1; size1 < size2; ++size1) {
      const Digest root1 = reference.Root(0, size1);
      const auto proof = reference.Subproof(size1, 0, size2, true);
      for (size_t i = 0; i < proof.size(); ++i) {
        auto forged = proof;
        forged[i] = Flipped(proof[i], size2 * 31 + size1 * 7 + i);
        EXPECT_EQ(Reason(VerifyConsistency(size1, root1, size2, root2, forged)), "PROOF_INVALID");
      }
      const Digest forged1 = Flipped(root1, size1);
      EXPECT_FALSE(VerifyConsistency(size1, forged1, size2, root2, proof).ok());
      const Digest forged2 = Flipped(root2, size1);
      EXPECT_FALSE(VerifyConsistency(size1, root1, size2, forged2, proof).ok());
      EXPECT_FALSE(VerifyConsistency(size1, root2, size2, root1, proof).ok());
      auto longer = proof;
      longer.push_back(root2);
      EXPECT_TRUE(RefusedForLength(VerifyConsistency(size1, root1, size2, root2, longer)));
      const auto shorter = std::span(proof).first(proof.size() - 1);
      EXPECT_TRUE(RefusedForLength(VerifyConsistency(size1, root1, size2, root2, shorter)));
    }
  }
}

TEST(MerkleProofTest, SizesThatProveNothingAreRefused) {
  const Reference& reference = TheReference();
  const NodeReader reader = reference.ReaderAt(kSizes);
  const Digest root = reference.Root(0, 8);
  const std::vector<std::pair<uint64_t, uint64_t>> pairs = {{0, 0}, {0, 8}, {9, 8}};
  for (const auto& [size1, size2] : pairs) {
    EXPECT_EQ(Reason(ConsistencyProof(size1, size2, reader).status()), "PROOF_RANGE_INVALID");
    EXPECT_EQ(Reason(VerifyConsistency(size1, EmptyRoot(), size2, root, {})),
              "PROOF_RANGE_INVALID");
  }
  EXPECT_EQ(Reason(InclusionProof(8, 8, reader).status()), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(InclusionProof(0, 0, reader).status()), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(VerifyInclusion(root, 8, 8, {}, root)), "PROOF_RANGE_INVALID");
  EXPECT_EQ(Reason(VerifyInclusion(EmptyRoot(), 0, 0, {}, EmptyRoot())), "PROOF_RANGE_INVALID");
  EXPECT_TRUE(VerifyConsistency(8, root, 8, root, {}).ok());
  EXPECT_EQ(Reason(VerifyConsistency(8, root, 8, Flipped(root, 1), {})), "PROOF_INVALID");
}

TEST(MerkleProofTest, ProofsOfHugeTreesVerifyAndStayShort) {
  const std::vector<uint64_t> sizes = {
      kHuge, kHuge - 1, (kHuge >> 1) + 1, (kHuge >> 1) + 2, kHuge >> 1, 1, 2, (1ull << 40) + 5};
  const Digest leaf = EqualLeavesNode({.level = 0}).value();
  for (const uint64_t size : sizes) {
    const Digest root = RootHash(size, EqualLeavesNode).value();
    for (const uint64_t index : {uint64_t{0}, size / 3, size / 2, size - 1}) {
      const auto proof = InclusionProof(index, size, EqualLeavesNode).value();
      EXPECT_LE(proof.size(), 64u);
      const absl::Status verified = VerifyInclusion(leaf, index, size, proof, root);
      EXPECT_TRUE(verified.ok()) << index << " of " << size << ": " << verified;
    }
    for (const uint64_t smaller : sizes) {
      if (smaller > size) continue;
      const Digest smaller_root = RootHash(smaller, EqualLeavesNode).value();
      const auto proof = ConsistencyProof(smaller, size, EqualLeavesNode).value();
      EXPECT_LE(proof.size(), 65u);
      const absl::Status verified = VerifyConsistency(smaller, smaller_root, size, root, proof);
      EXPECT_TRUE(verified.ok()) << smaller << " to " << size << ": " << verified;
    }
  }
}

TEST(MerkleProofTest, HostileSizesAndLengthsEndAtOnce) {
  const std::vector<Digest> endless(1 << 16, Numbered(1));
  const Digest root = Numbered(2);
  const std::vector<uint64_t> values = {0,         1,        2,          kHuge,           kHuge - 1,
                                        kHuge - 2, 1u << 31, kHuge >> 1, (kHuge >> 1) + 1};
  for (const uint64_t a : values) {
    for (const uint64_t b : values) {
      for (const size_t length : {0, 1, 2, 63, 64, 65, 66, 1 << 16}) {
        const auto proof = std::span(endless).first(length);
        if (a != b || length != 0) {
          EXPECT_FALSE(VerifyConsistency(a, root, b, root, proof).ok());
        }
        EXPECT_FALSE(VerifyInclusion(Numbered(3), a, b, proof, root).ok());
      }
    }
  }
}

TEST(MerkleTreeTest, ErrorsOfTheReaderArePassedOn) {
  const NodeReader broken = [](NodeId) -> absl::StatusOr<Digest> {
    return DataLoss(ErrorReason("NODE_DAMAGED"), "node damaged");
  };
  EXPECT_EQ(Reason(RootHash(5, broken).status()), "NODE_DAMAGED");
  EXPECT_EQ(Reason(InclusionProof(1, 5, broken).status()), "NODE_DAMAGED");
  EXPECT_EQ(Reason(ConsistencyProof(3, 5, broken).status()), "NODE_DAMAGED");
  EXPECT_EQ(Reason(TreeAppender::Load(5, broken).status()), "NODE_DAMAGED");
}

TEST(TreeAppenderTest, EmitsEveryCompleteNodeOnceAndKeepsTheRoot) {
  const Reference& reference = TheReference();
  std::map<NodeId, Digest> nodes;
  TreeAppender tree;
  EXPECT_EQ(tree.Root(), EmptyRoot());
  for (uint64_t i = 0; i < kSizes; ++i) {
    std::vector<NodeId> emitted;
    tree.Append(reference.leaf(i), [&](NodeId id, const Digest& hash) {
      emitted.push_back(id);
      EXPECT_TRUE(nodes.emplace(id, hash).second) << int{id.level} << "/" << id.index;
    });
    EXPECT_TRUE(std::is_sorted(emitted.begin(), emitted.end()));
    ASSERT_EQ(tree.size(), i + 1);
    ASSERT_EQ(tree.Root(), reference.Root(0, i + 1)) << i;
  }
  size_t expected = 0;
  for (uint8_t level = 0; kSizes >> level != 0; ++level) {
    for (uint64_t index = 0; index < kSizes >> level; ++index, ++expected) {
      const auto found = nodes.find({.level = level, .index = index});
      ASSERT_NE(found, nodes.end()) << int{level} << "/" << index;
      EXPECT_EQ(found->second, reference.Root(index << level, (index + 1) << level));
    }
  }
  EXPECT_EQ(nodes.size(), expected);
}

TEST(TreeAppenderTest, GoesOnAfterLoadingAtAnySize) {
  const Reference& reference = TheReference();
  for (uint64_t size = 0; size < kSizes; ++size) {
    auto tree = TreeAppender::Load(size, reference.ReaderAt(size));
    ASSERT_TRUE(tree.ok()) << tree.status();
    EXPECT_EQ(tree->Root(), reference.Root(0, size));
    TreeAppender copy = *tree;
    copy.Append(reference.leaf(size), [&](NodeId id, const Digest& hash) {
      EXPECT_EQ(hash, reference.Root(id.index << id.level, (id.index + 1) << id.level));
    });
    EXPECT_EQ(copy.Root(), reference.Root(0, size + 1));
    EXPECT_EQ(tree->size(), size);
    EXPECT_EQ(tree->Root(), reference.Root(0, size));
  }
}

}  // namespace
}  // namespace dml
