#include "core/trust/schemed_signers.h"

#include <gtest/gtest.h>

#include "core/trust/authority.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using testing::KeyRing;

class SchemedSignersTest : public ::testing::Test {
 protected:
  // Whether the key's one signature in an envelope is good where the key has this scheme.
  bool IsGood(const std::vector<const Signer*>& signers, SignatureScheme scheme) {
    const DsseEnvelope envelope = *SignEnvelope("text/plain", "payload", signers);
    SignatureSet signatures = *SignatureSet::Create(std::span(&envelope, 1), "text/plain");
    return signatures.IsSignedBy({signers[0]->public_key(), scheme, "pat", true});
  }
  KeyRing ring_;
};

TEST_F(SchemedSignersTest, AKeyWritesTheFormThatIsKnownOfIt) {
  const TrustKey raw = ring_.Trust("pat.p1363");
  const Signer* const keys[] = {&ring_["pat.p1363"]};
  const SchemedSigners signers(keys, [&](const Digest& id) -> const TrustKey* {
    return id == raw.key.id() ? &raw : nullptr;
  });
  EXPECT_TRUE(IsGood(signers.get(), SignatureScheme::kEcdsaP256P1363));
  EXPECT_FALSE(IsGood(signers.get(), SignatureScheme::kEcdsaP256Der));
  EXPECT_EQ(signers.keys()[0].scheme, SignatureScheme::kEcdsaP256P1363);
}

TEST_F(SchemedSignersTest, WhatNothingIsKnownOfWritesDer) {
  const Signer* const keys[] = {&ring_["pat.p256"]};
  const SchemedSigners signers(keys, [](const Digest&) -> const TrustKey* { return nullptr; });
  EXPECT_TRUE(IsGood(signers.get(), SignatureScheme::kEcdsaP256Der));
  EXPECT_FALSE(IsGood(signers.get(), SignatureScheme::kEcdsaP256P1363));
}

TEST_F(SchemedSignersTest, OnlyEcdsaHasARawForm) {
  const Signer* const keys[] = {&ring_["pat"]};
  const SchemedSigners all = SchemedSigners::AllRaw(keys, true);
  EXPECT_TRUE(IsGood(all.get(), SignatureScheme::kEd25519));
  EXPECT_EQ(Reason(RawSigner(ring_["pat"]).Sign(AsBytes("x")).status()), "SIGN_FAILED");
}

}  // namespace
}  // namespace dml
