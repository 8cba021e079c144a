#include "core/evidence/log_proof.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "core/wire/entry.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

class LogProofTest : public ::testing::Test {
 protected:
  // Of the second entry of two, which publishes acme/tool.
  static LogProof Prove(const VersionPublished& published, const PrivateKey& log_key) {
    LogProof proof;
    proof.index = 1;
    proof.leaf = *wire::EncodeEntry({1, testing::kNow, "pat", "", EntryPayload(published)});
    const Digest first = LeafHash(AsBytes(std::string_view("first")));
    proof.hashes = {first};
    proof.checkpoint_note = *SignCheckpoint(
        {"library.example/dml", 2, NodeHash(first, LeafHash(AsBytes(proof.leaf)))}, log_key);
    return proof;
  }
  static VersionPublished Published() {
    VersionPublished out;
    out.variant = {*PackageName::Parse("acme/tool"), "1.0.0", {}};
    out.manifest = {Sha256("manifest"), 8};
    out.spec = {Sha256("spec"), 4};
    return out;
  }
  static std::string ReasonOf(const LogProof& proof, const PublicKey* key = nullptr) {
    return Reason(VerifyLogProof(proof, key).status());
  }

  testing::KeyRing keys_;
  const VersionPublished published_ = Published();
  LogProof proof_ = Prove(published_, keys_["log"]);
};

TEST(LogProofFormatTest, IsThatOfTheSpecification) {
  const LogProof proof{73894, "leaf", {Sha256("a"), Sha256("b")}, "note\n"};
  const std::string text =
      "c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 73894\n"
      "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=\n"
      "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0=\n\nnote\n";
  EXPECT_EQ(FormatLogProof(proof), text);
  auto read = ParseLogProof(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, proof);
}

TEST(LogProofFormatTest, RefusesEverythingElse) {
  const std::string hash = Base64Encode(Sha256("a").bytes()) + "\n";
  std::string many = "c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 1\n";
  for (int i = 0; i < 65; ++i) many += hash;
  for (const std::string& bad :
       {std::string(), std::string("c2sp.org/tlog-proof@v1"),
        std::string("c2sp.org/tlog-proof@v2\nextra bGVhZg==\nindex 1\n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 1\n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra !\nindex 1\n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 01\n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex -1\n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 18446744073709551616\n\nn\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex \n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 1\nYQ==\n\nnote\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 1\n") + hash, many + "\nnote\n",
        std::string(kMaxLogProofBytes + 1, 'x')}) {
    EXPECT_EQ(Reason(ParseLogProof(bad).status()), "LOG_PROOF_INVALID") << bad.substr(0, 100);
  }
}

TEST_F(LogProofTest, Holds) {
  auto logged = VerifyLogProof(proof_, &keys_["log"].public_key());
  ASSERT_TRUE(logged.ok()) << logged.status();
  EXPECT_EQ(logged->checkpoint.origin, "library.example/dml");
  EXPECT_EQ(std::get<VersionPublished>(logged->entry.payload), published_);
  EXPECT_EQ(*ParseLogProof(FormatLogProof(proof_)), proof_);
}

TEST_F(LogProofTest, TheKeyDecidesWhoSaidIt) {
  EXPECT_EQ(ReasonOf(proof_, &keys_["pat"].public_key()), "VARIANT_NOT_VERIFIED");
  EXPECT_EQ(ReasonOf(proof_), "");
}

TEST_F(LogProofTest, OneChangedBitBreaksIt) {
  for (size_t i = 0; i < proof_.leaf.size(); ++i) {
    LogProof changed = proof_;
    changed.leaf[i] = static_cast<char>(changed.leaf[i] ^ 1);
    EXPECT_EQ(ReasonOf(changed), "VARIANT_NOT_VERIFIED") << i;
  }
  LogProof changed = proof_;
  changed.index = 0;
  EXPECT_EQ(ReasonOf(changed), "VARIANT_NOT_VERIFIED");
  changed = proof_;
  changed.hashes.push_back(Sha256("x"));
  EXPECT_EQ(ReasonOf(changed), "VARIANT_NOT_VERIFIED");
  changed = proof_;
  changed.checkpoint_note = "no note";
  EXPECT_EQ(ReasonOf(changed), "VARIANT_NOT_VERIFIED");
}

}  // namespace
}  // namespace dml
