// Proofs, good and bad, of another implementation (transparency-dev/merkle testdata).
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

// Some cases hold nothing where a hash belongs: that does not get past Digest. Others hold a few
// words in place of a hash, which their digest then stands for.
absl::StatusOr<Digest> ReadHash(const nlohmann::json& text) {
  const auto raw = Base64Decode(text.get<std::string>());
  EXPECT_TRUE(raw.has_value()) << text;
  if (raw->starts_with("don't care")) return Sha256(*raw);
  return Digest::FromBytes(*raw);
}

absl::StatusOr<std::vector<Digest>> ReadProof(const nlohmann::json& list) {
  std::vector<Digest> proof;
  for (const auto& item : list) {
    DML_ASSIGN_OR_RETURN(const Digest hash, ReadHash(item));
    proof.push_back(hash);
  }
  return proof;
}

template <typename Verify>
void RunCases(const std::string& folder, Verify verify) {
  std::map<bool, int> count;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(testing::TestDataDir() / folder)) {
    if (file.path().extension() != ".json") continue;
    const auto test = nlohmann::json::parse(testing::ReadFileOrDie(file.path()));
    const bool bad = test.at("wantErr");
    const absl::Status status = verify(test);
    EXPECT_EQ(status.ok(), !bad) << file.path() << ": " << status;
    ++count[bad];
  }
  EXPECT_GE(count[true], 90);
  EXPECT_GE(count[false], 6);
}

TEST(ProofVectorsTest, Inclusion) {
  DML_SKIP_WITHOUT_TEST_DATA("merkle/inclusion");
  RunCases("merkle/inclusion", [](const nlohmann::json& test) -> absl::Status {
    DML_ASSIGN_OR_RETURN(const Digest leaf, ReadHash(test["leafHash"]));
    DML_ASSIGN_OR_RETURN(const Digest root, ReadHash(test["root"]));
    DML_ASSIGN_OR_RETURN(const auto proof, ReadProof(test["proof"]));
    return VerifyInclusion(leaf, test["leafIdx"].get<uint64_t>(), test["treeSize"].get<uint64_t>(),
                           proof, root);
  });
}

TEST(ProofVectorsTest, Consistency) {
  DML_SKIP_WITHOUT_TEST_DATA("merkle/consistency");
  RunCases("merkle/consistency", [](const nlohmann::json& test) -> absl::Status {
    DML_ASSIGN_OR_RETURN(const Digest root1, ReadHash(test["root1"]));
    DML_ASSIGN_OR_RETURN(const Digest root2, ReadHash(test["root2"]));
    DML_ASSIGN_OR_RETURN(const auto proof, ReadProof(test["proof"]));
    return VerifyConsistency(test["size1"].get<uint64_t>(), root1, test["size2"].get<uint64_t>(),
                             root2, proof);
  });
}

}  // namespace
}  // namespace dml
