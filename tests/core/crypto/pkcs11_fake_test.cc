// What SoftHSM never does: tokens near their last PIN, with a keypad, and with odd keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/ecdsa_signature.h"
#include "core/crypto/pkcs11.h"
#include "core/crypto/pkcs11_module.h"
#include "tests/support/fake_token/fake_token.h"
#include "tests/support/paths.h"

namespace dml {
namespace {

using testing::FakeToken;

constexpr char kP256[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
constexpr char kP384[] = "\x06\x05\x2b\x81\x04\x00\x22";

class Pkcs11FakeTest : public ::testing::Test {
 protected:
  Pkcs11FakeTest()
      : path_((testing::BinaryDir() / "tests" / "libdml_fake_token.so").string()),
        token_(testing::LoadFakeToken(path_)),
        key_(PrivateKey::Generate(KeyAlgorithm::kEcdsaP256)) {
    token_.flags = CKF_LOGIN_REQUIRED;
    token_.ec_params = kP256;
    token_.ec_point = Point();
  }
  ~Pkcs11FakeTest() override {
    EXPECT_EQ(token_.open_sessions, 0);
    EXPECT_EQ(token_.initialized, token_.finalized);
  }

  // The uncompressed point of key_, as a SubjectPublicKeyInfo ends with it.
  std::string Point() const {
    const std::string& der = key_.public_key().spki_der();
    return der.substr(der.size() - 65);
  }
  Pkcs11Uri Uri(const std::string& query = "&pin-value=1234") const {
    return ParsePkcs11Uri("pkcs11:token=fake;object=O?module-path=" + path_ + query,
                          PinValue::kAllowed)
        .value();
  }
  std::string Refusal(const Pkcs11Uri& uri) {
    return Reason(Pkcs11Modules().OpenKey(uri).status());
  }

  const std::string path_;
  FakeToken& token_;
  const PrivateKey key_;
};

TEST_F(Pkcs11FakeTest, AWrongPinIsTriedOnce) {
  token_.login_result = CKR_PIN_INCORRECT;
  EXPECT_EQ(Refusal(Uri()), "PKCS11_PIN_WRONG");
  EXPECT_EQ(token_.logins, 1);
}

TEST_F(Pkcs11FakeTest, NoPinIsTriedWhereTheNextWrongOneLocksTheToken) {
  token_.flags |= CKF_USER_PIN_FINAL_TRY;
  EXPECT_EQ(Refusal(Uri()), "PKCS11_PIN_LAST_TRY");
  token_.flags |= CKF_USER_PIN_LOCKED;
  EXPECT_EQ(Refusal(Uri()), "PKCS11_PIN_LOCKED");
  EXPECT_EQ(token_.logins, 0);
  token_.flags = CKF_LOGIN_REQUIRED;
  token_.login_result = CKR_PIN_LOCKED;
  EXPECT_EQ(Refusal(Uri()), "PKCS11_PIN_LOCKED");
  EXPECT_EQ(token_.logins, 1);
}

TEST_F(Pkcs11FakeTest, ATokenWithAKeypadIsAskedThere) {
  EXPECT_EQ(Refusal(Uri("")), "PKCS11_PIN_REQUIRED");
  EXPECT_EQ(token_.logins, 0);
  token_.flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
  EXPECT_EQ(Refusal(Uri("")), "");
  EXPECT_EQ(token_.logins, 1);
  EXPECT_FALSE(token_.last_login_had_pin);
}

TEST_F(Pkcs11FakeTest, ATokenThatWantsNoPinIsSentNone) {
  token_.flags = 0;
  EXPECT_EQ(Refusal(Uri()), "");
  EXPECT_EQ(token_.logins, 0);
}

TEST_F(Pkcs11FakeTest, AModuleThatOthersUseStaysTheirs) {
  auto first = Pkcs11Modules().OpenKey(Uri()).value();
  EXPECT_EQ(token_.initialized, 1);
  auto second = Pkcs11Modules().OpenKey(Uri()).value();
  second.reset();
  EXPECT_EQ(token_.finalized, 0);
  EXPECT_EQ(token_.open_sessions, 1);
  first.reset();
  EXPECT_EQ(token_.finalized, 1);
}

TEST_F(Pkcs11FakeTest, APointIsReadWithAndWithoutItsDerHeader) {
  EXPECT_EQ(Pkcs11Modules().ReadPublicKey(Uri("")).value(), key_.public_key());
  token_.ec_point = "\x04\x41" + Point();
  EXPECT_EQ(Pkcs11Modules().ReadPublicKey(Uri("")).value(), key_.public_key());
  for (const std::string& point :
       {std::string(), Point().substr(1), Point() + "x", "\x04\x40" + Point(),
        "\x04" + std::string(64, 'x'), std::string(67, 'x')}) {
    token_.ec_point = point;
    EXPECT_EQ(Reason(Pkcs11Modules().ReadPublicKey(Uri("")).status()), "KEY_INVALID");
  }
}

TEST_F(Pkcs11FakeTest, KeysThatAreNotForUsAreTold) {
  token_.ec_params = kP384;
  EXPECT_EQ(Refusal(Uri()), "KEY_UNSUPPORTED");
  token_.ec_params = kP256;
  token_.has_public_half = false;
  EXPECT_EQ(Refusal(Uri()), "PKCS11_PUBLIC_KEY_MISSING");
}

TEST_F(Pkcs11FakeTest, WhatTheTokenSignsIsCheckedBeforeItIsUsed) {
  const std::string message = "m";
  auto key = Pkcs11Modules().OpenKey(Uri()).value();
  token_.signature = EcdsaP1363OfDer(AsBytes(*key_.Sign(AsBytes(message)))).value();
  EXPECT_TRUE(key->Sign(AsBytes(message)).ok());
  EXPECT_EQ(Reason(key->Sign(AsBytes("other")).status()), "SIGN_FAILED");
  token_.signature.assign(64, '\1');
  EXPECT_EQ(Reason(key->Sign(AsBytes(message)).status()), "SIGN_FAILED");
  token_.signature.assign(63, '\1');
  EXPECT_EQ(Reason(key->Sign(AsBytes(message)).status()), "SIGN_FAILED");
}

}  // namespace
}  // namespace dml
