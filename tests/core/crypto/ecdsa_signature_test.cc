#include "core/crypto/ecdsa_signature.h"

#include <random>

#include <gtest/gtest.h>

#include "core/crypto/keys.h"

namespace dml {
namespace {

TEST(EcdsaSignatureTest, WhatWasSignedIsGoodInBothForms) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  for (int i = 0; i < 600; ++i) {  // Short and long integers among them.
    const std::string message = std::to_string(i);
    const std::string der = *key.Sign(AsBytes(message));
    absl::StatusOr<std::string> raw = EcdsaP1363OfDer(AsBytes(der));
    ASSERT_TRUE(raw.ok()) << raw.status();
    EXPECT_EQ(raw->size(), 64u);
    absl::StatusOr<std::string> again = EcdsaDerOfP1363(AsBytes(*raw));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, der);
  }
}

TEST(EcdsaSignatureTest, TheFormsAreOneToOne) {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string raw(64, '\0');
    for (size_t half : {0, 32}) {
      for (size_t at = half + random() % 33; at < half + 32; ++at)
        raw[at] = static_cast<char>(random());
    }
    absl::StatusOr<std::string> der = EcdsaDerOfP1363(AsBytes(raw));
    ASSERT_TRUE(der.ok()) << der.status();
    EXPECT_EQ(*EcdsaP1363OfDer(AsBytes(*der)), raw);
  }
}

TEST(EcdsaSignatureTest, OtherFormsAreRefused) {
  const std::string der =
      *EcdsaDerOfP1363(AsBytes(std::string(31, 0) + "\x81" + std::string(32, 1)));
  ASSERT_EQ(der.substr(0, 6), std::string("\x30\x26\x02\x02\x00\x81", 6));
  auto refused = [](const std::string& bytes) {
    return Reason(EcdsaP1363OfDer(AsBytes(bytes)).status());
  };
  EXPECT_EQ(refused(der), "");
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(refused(der.substr(0, size)), "SIGNATURE_FORM_INVALID") << size;
  }
  EXPECT_EQ(refused(der + "x"), "SIGNATURE_FORM_INVALID");
  EXPECT_EQ(refused("\x31" + der.substr(1)), "SIGNATURE_FORM_INVALID");
  EXPECT_EQ(refused(std::string("\x30\x07\x02\x02\x00\x01\x02\x01\x01", 9)),
            "SIGNATURE_FORM_INVALID")
      << "a needless zero";
  EXPECT_EQ(refused(std::string("\x30\x06\x02\x01\x81\x02\x01\x01", 8)), "SIGNATURE_FORM_INVALID")
      << "negative";
  EXPECT_EQ(refused(std::string("\x30\x05\x02\x00\x02\x01\x01", 7)), "SIGNATURE_FORM_INVALID");
  for (size_t size : {0, 63, 65, 128}) {
    EXPECT_EQ(Reason(EcdsaDerOfP1363(AsBytes(std::string(size, 'a'))).status()),
              "SIGNATURE_FORM_INVALID");
  }
}

}  // namespace
}  // namespace dml
