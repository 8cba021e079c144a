// Keys on a token, with SoftHSM 2 as the token.
#include "core/crypto/pkcs11.h"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/trust/dsse.h"
#include "tests/support/soft_hsm.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Pkcs11Test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = testing::SoftHsm::Missing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    hsm_.emplace();
    hsm_->AddToken("T");
  }

  Pkcs11Uri Uri(const std::string& path, const std::string& pin = "pin") const {
    return ParsePkcs11Uri(hsm_->Uri(path, pin), PinValue::kRefused).value();
  }
  PublicKey Generate(const std::string& path, KeyAlgorithm algorithm = KeyAlgorithm::kEcdsaP256) {
    absl::StatusOr<PublicKey> key = Pkcs11Modules().GenerateKey(Uri(path), algorithm);
    EXPECT_TRUE(key.ok()) << key.status();
    return key.value();
  }
  // The error of opening a key to sign with.
  absl::Status Refusal(const Pkcs11Uri& uri) { return Pkcs11Modules().OpenKey(uri).status(); }

  std::optional<testing::SoftHsm> hsm_;
};

TEST_F(Pkcs11Test, AKeyOnATokenSignsAsOneInMemoryDoes) {
  for (KeyAlgorithm algorithm : {KeyAlgorithm::kEcdsaP256, KeyAlgorithm::kEd25519}) {
    const std::string path = fmt::format("token=T;object={}", KeyAlgorithmName(algorithm));
    const PublicKey made = Generate(path, algorithm);
    EXPECT_EQ(made.algorithm(), algorithm);
    auto key = Pkcs11Modules().OpenKey(Uri(path));
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ((*key)->public_key(), made);
    for (const std::string& message : {std::string(), std::string("m"), std::string(100000, 'x')}) {
      absl::StatusOr<std::string> signature = (*key)->Sign(AsBytes(message));
      ASSERT_TRUE(signature.ok()) << signature.status();
      EXPECT_TRUE(made.Verify(AsBytes(message), AsBytes(*signature)).ok());
      EXPECT_FALSE(made.Verify(AsBytes(message + "."), AsBytes(*signature)).ok());
    }
  }
}

TEST_F(Pkcs11Test, ThePublicHalfIsToldWithoutPin) {
  const PublicKey made = Generate("token=T;object=O;id=%01");
  for (const char* path : {"token=T;object=O", "token=T;id=%01", "object=O;id=%01;type=public"}) {
    absl::StatusOr<PublicKey> key = Pkcs11Modules().ReadPublicKey(Uri(path, ""));
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(*key, made);
  }
  EXPECT_EQ(Reason(Pkcs11Modules().ReadPublicKey(Uri("token=T;object=P", "")).status()),
            "PKCS11_KEY_NOT_FOUND");
}

TEST_F(Pkcs11Test, SeveralKeysOfOneTokenSignOneEnvelope) {
  Generate("token=T;object=one");
  Generate("token=T;object=two", KeyAlgorithm::kEd25519);
  Pkcs11Modules modules;
  auto one = modules.OpenKey(Uri("token=T;object=one")).value();
  auto two = modules.OpenKey(Uri("token=T;object=two")).value();
  const PrivateKey three = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const Signer* signers[] = {one.get(), two.get(), &three};
  absl::StatusOr<DsseEnvelope> envelope = SignEnvelope(kInTotoPayloadType, "{}", signers);
  ASSERT_TRUE(envelope.ok()) << envelope.status();
  const std::vector<PublicKey> trusted = {one->public_key(), two->public_key(), three.public_key()};
  EXPECT_EQ(VerifyEnvelope(*envelope, kInTotoPayloadType, trusted).value().size(), 3);
}

TEST_F(Pkcs11Test, AKeyOutlivesItsNeighborAndWhatOpenedIt) {
  Generate("token=T;object=one");
  Generate("token=T;object=two");
  std::unique_ptr<const Signer> one;
  {
    Pkcs11Modules modules;
    one = modules.OpenKey(Uri("token=T;object=one")).value();
    EXPECT_TRUE(modules.OpenKey(Uri("token=T;object=two")).ok());
  }
  EXPECT_TRUE(one->Sign(AsBytes("m")).ok());
  // Another user of the module in the same process does not end this one's sessions either.
  EXPECT_TRUE(Pkcs11Modules().OpenKey(Uri("token=T;object=two")).ok());
  EXPECT_TRUE(one->Sign(AsBytes("m")).ok());
}

TEST_F(Pkcs11Test, AnyThreadSigns) {
  Generate("token=T;object=O");
  auto key = Pkcs11Modules().OpenKey(Uri("token=T;object=O")).value();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 50; ++j) good += key->Sign(AsBytes("m")).ok();
      });
    }
  }
  EXPECT_EQ(good, 200);
}

TEST_F(Pkcs11Test, WhatIsNotThereIsTold) {
  Generate("token=T;object=O;id=%01");
  const absl::Status token = Refusal(Uri("token=U;object=O"));
  EXPECT_EQ(Reason(token), "PKCS11_TOKEN_NOT_FOUND");
  EXPECT_THAT(std::string(Message(token)), HasSubstr("there is 'T'"));
  EXPECT_EQ(Reason(Refusal(Uri("token=T;serial=0;object=O"))), "PKCS11_TOKEN_NOT_FOUND");
  EXPECT_EQ(Reason(Refusal(Uri("token=T;object=P"))), "PKCS11_KEY_NOT_FOUND");
  EXPECT_EQ(Reason(Refusal(Uri("token=T;object=O;id=%02"))), "PKCS11_KEY_NOT_FOUND");
}

TEST_F(Pkcs11Test, WhatIsThereTwiceIsNotChosenFrom) {
  Generate("token=T;object=O;id=%01");
  Generate("token=T;object=O;id=%02");
  EXPECT_EQ(Reason(Refusal(Uri("token=T;object=O"))), "PKCS11_KEY_AMBIGUOUS");
  EXPECT_TRUE(Refusal(Uri("token=T;object=O;id=%02")).ok());
  hsm_->AddToken("second");
  EXPECT_EQ(Reason(Refusal(Uri("object=O;id=%01"))), "PKCS11_TOKEN_AMBIGUOUS");
  EXPECT_TRUE(Refusal(Uri("token=T;object=O;id=%01")).ok());
}

TEST_F(Pkcs11Test, NoKeyIsOverwritten) {
  const PublicKey made = Generate("token=T;object=O;id=%01");
  const absl::Status again =
      Pkcs11Modules().GenerateKey(Uri("token=T;object=O"), KeyAlgorithm::kEcdsaP256).status();
  EXPECT_EQ(Reason(again), "PKCS11_KEY_EXISTS");
  EXPECT_EQ(Pkcs11Modules().ReadPublicKey(Uri("token=T;object=O", "")).value(), made);
  EXPECT_EQ(Reason(Pkcs11Modules().GenerateKey(Uri("token=T"), KeyAlgorithm::kEcdsaP256).status()),
            "PKCS11_URI_INVALID");
}

TEST_F(Pkcs11Test, WithoutTheRightPinNothingIsSigned) {
  Generate("token=T;object=O");
  EXPECT_EQ(Reason(Refusal(Uri("token=T;object=O", ""))), "PKCS11_PIN_REQUIRED");
  const absl::Status wrong = Refusal(Uri("token=T;object=O", "wrong-pin"));
  EXPECT_EQ(Reason(wrong), "PKCS11_PIN_WRONG");
  EXPECT_THAT(std::string(Message(wrong)), Not(HasSubstr("000000")));
  EXPECT_TRUE(Refusal(Uri("token=T;object=O")).ok());

  Pkcs11Uri inline_pin = Uri("token=T;object=O", "");
  inline_pin.pin = testing::kTokenPin;
  EXPECT_TRUE(Refusal(inline_pin).ok());
  std::filesystem::permissions(hsm_->PinFile(), std::filesystem::perms(0644));
  EXPECT_EQ(Reason(Refusal(Uri("token=T;object=O"))), "FILE_NOT_PRIVATE");
}

TEST_F(Pkcs11Test, AModuleThatIsNoneIsTold) {
  Pkcs11Uri uri = Uri("token=T;object=O");
  for (const char* path :
       {"/nowhere/libnone.so", "/etc/hostname", "/lib/x86_64-linux-gnu/libz.so.1"}) {
    uri.module_path = path;
    const absl::Status status = Refusal(uri);
    EXPECT_EQ(Reason(status), "PKCS11_MODULE_UNUSABLE") << status;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(path));
  }
}

TEST_F(Pkcs11Test, AMechanismThatTheTokenLacksIsTold) {
  Generate("token=T;object=P");
  Generate("token=T;object=E", KeyAlgorithm::kEd25519);
  hsm_->Configure("slots.mechanisms = CKM_ECDSA,CKM_EC_KEY_PAIR_GEN\n");
  EXPECT_TRUE(Refusal(Uri("token=T;object=P")).ok());
  const absl::Status sign = Refusal(Uri("token=T;object=E"));
  EXPECT_EQ(Reason(sign), "PKCS11_MECHANISM_MISSING");
  EXPECT_THAT(std::string(Message(sign)), HasSubstr("CKM_EDDSA"));
  const absl::Status generate =
      Pkcs11Modules().GenerateKey(Uri("token=T;object=N"), KeyAlgorithm::kEd25519).status();
  EXPECT_EQ(Reason(generate), "PKCS11_MECHANISM_MISSING");
}

}  // namespace
}  // namespace dml
