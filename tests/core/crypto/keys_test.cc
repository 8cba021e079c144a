#include "core/crypto/keys.h"

#include <set>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "core/crypto/random.h"
#include "core/crypto/sha256.h"
#include "tests/core/crypto/openssl_cli.h"

namespace dml {
namespace {

using testing::RunOpenSsl;
using testing::ScratchFolder;

constexpr KeyAlgorithm kAlgorithms[] = {KeyAlgorithm::kEd25519, KeyAlgorithm::kEcdsaP256};

// RFC 8032 section 7.1, test 1: the key of an empty message.
constexpr char kRfc8032Private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
constexpr char kRfc8032Public[] =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr char kRfc8032Signature[] =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
    "6b"
    "d25bf5f0595bbe24655141438e7a100b";

std::string Sign(const PrivateKey& key, std::string_view message) {
  absl::StatusOr<std::string> signature = key.Sign(AsBytes(message));
  EXPECT_TRUE(signature.ok()) << signature.status();
  return signature.value_or("");
}

absl::Status Verify(const PublicKey& key, std::string_view message, std::string_view signature) {
  return key.Verify(AsBytes(message), AsBytes(signature));
}

std::string PemOf(std::string_view label, std::string_view der) {
  return fmt::format("-----BEGIN {}-----\n{}\n-----END {}-----\n", label,
                     Base64Encode(AsBytes(der)), label);
}

TEST(KeysTest, MatchesRfc8032) {
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPkcs8Pem(kRfc8032Private);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(HexEncode(AsBytes(key->public_key().raw_ed25519())), kRfc8032Public);
  EXPECT_EQ(HexEncode(AsBytes(Sign(*key, ""))), kRfc8032Signature);
  EXPECT_TRUE(Verify(key->public_key(), "", *HexDecode(kRfc8032Signature)).ok());
  EXPECT_EQ(*key->ToPkcs8Pem(), kRfc8032Private);
}

TEST(KeysTest, VerifiesTheEcdsaExampleOfTheDsseSpecification) {
  std::string der = *HexDecode(
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
      "67cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d238"
      "0c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74");
  absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(der));
  ASSERT_TRUE(key.ok()) << key.status();
  std::string raw = *Base64Decode(
      "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==");
  std::string_view view = raw;
  std::string asn1 = fmt::format("{}{}{}{}", *HexDecode("30440220"), view.substr(0, 32),
                                 *HexDecode("0220"), view.substr(32));
  std::string message = "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
  EXPECT_TRUE(Verify(*key, message, asn1).ok());
  EXPECT_EQ(Reason(Verify(*key, message, raw)), "SIGNATURE_INVALID") << "r || s is another scheme";
}

TEST(KeysTest, SignsVerifiesAndRoundTrips) {
  for (KeyAlgorithm algorithm : kAlgorithms) {
    SCOPED_TRACE(KeyAlgorithmName(algorithm));
    PrivateKey key = PrivateKey::Generate(algorithm);
    const PublicKey& public_key = key.public_key();
    EXPECT_EQ(public_key.algorithm(), algorithm);
    EXPECT_EQ(public_key.id(), Sha256(public_key.spki_der()));
    EXPECT_EQ(public_key.raw_ed25519().size(), algorithm == KeyAlgorithm::kEd25519 ? 32u : 0u);
    EXPECT_EQ(*PublicKey::FromSpkiPem(public_key.ToPem()), public_key);
    EXPECT_EQ(*PublicKey::FromSpkiDer(AsBytes(public_key.spki_der())), public_key);

    absl::StatusOr<PrivateKey> again = PrivateKey::FromPkcs8Pem(*key.ToPkcs8Pem());
    ASSERT_TRUE(again.ok()) << again.status();
    for (std::string message : {std::string(), std::string("m"), std::string(100'000, 'x')}) {
      EXPECT_TRUE(Verify(public_key, message, Sign(*again, message)).ok());
      EXPECT_EQ(Reason(Verify(public_key, message + "y", Sign(key, message))), "SIGNATURE_INVALID");
      EXPECT_EQ(
          Reason(Verify(PrivateKey::Generate(algorithm).public_key(), message, Sign(key, message))),
          "SIGNATURE_INVALID");
    }
    EXPECT_EQ(*ParseKeyAlgorithm(KeyAlgorithmName(algorithm)), algorithm);
  }
  EXPECT_EQ(Reason(ParseKeyAlgorithm("rsa").status()), "KEY_UNSUPPORTED");
}

TEST(KeysTest, EveryChangedByteOfASignatureIsRefused) {
  for (KeyAlgorithm algorithm : kAlgorithms) {
    PrivateKey key = PrivateKey::Generate(algorithm);
    std::string good = Sign(key, "message");
    for (size_t i = 0; i < good.size(); ++i) {
      for (int flip : {0x01, 0x80}) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ flip);
        ASSERT_EQ(Reason(Verify(key.public_key(), "message", bad)), "SIGNATURE_INVALID") << i;
      }
      ASSERT_FALSE(Verify(key.public_key(), "message", good.substr(0, i)).ok());
    }
    EXPECT_FALSE(Verify(key.public_key(), "message", good + '\0').ok());
    EXPECT_FALSE(Verify(key.public_key(), "message", std::string(100'000, '0')).ok());
    EXPECT_EQ(ERR_peek_error(), 0u) << "errors left behind would confuse TLS on this thread";
  }
}

TEST(KeysTest, ReadsOnlyOneEncodingOfAPublicKey) {
  for (KeyAlgorithm algorithm : kAlgorithms) {
    std::string good = PrivateKey::Generate(algorithm).public_key().spki_der();
    EXPECT_EQ(Reason(PublicKey::FromSpkiDer(AsBytes(good + "x")).status()), "KEY_UNSUPPORTED");
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(PublicKey::FromSpkiDer(AsBytes(good.substr(0, size))).ok());
    }
  }
  std::string off_curve = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256).public_key().spki_der();
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  EXPECT_EQ(Reason(PublicKey::FromSpkiDer(AsBytes(off_curve)).status()), "KEY_INVALID");
}

TEST(KeysTest, RefusesOtherPem) {
  PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::string pem = key.public_key().ToPem();
  EXPECT_TRUE(PublicKey::FromSpkiPem("A comment.\n" + pem + " \n").ok());
  for (const std::string& bad :
       {pem + pem, pem + "x", std::string(), std::string("no PEM"), *key.ToPkcs8Pem(),
        pem.substr(0, pem.size() / 2), pem + std::string(20'000, ' '),
        PemOf("PUBLIC KEY", key.public_key().spki_der() + "x")}) {
    absl::Status status = PublicKey::FromSpkiPem(bad).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.substr(0, 100);
  }
  EXPECT_EQ(Reason(PrivateKey::FromPkcs8Pem(pem).status()), "KEY_UNSUPPORTED");
  std::string der =
      *Base64Decode("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
  EXPECT_TRUE(PrivateKey::FromPkcs8Pem(PemOf("PRIVATE KEY", der)).ok());
  EXPECT_EQ(Reason(PrivateKey::FromPkcs8Pem(PemOf("PRIVATE KEY", der + "x")).status()),
            "KEY_INVALID");
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(PrivateKey::FromPkcs8Pem(PemOf("PRIVATE KEY", der.substr(0, size))).ok());
  }
}

TEST(KeysTest, EncryptedKeysNeedTheirPassphrase) {
  PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  absl::StatusOr<std::string> pem = key.ToPkcs8Pem("correct horse");
  ASSERT_TRUE(pem.ok()) << pem.status();
  EXPECT_EQ(pem->find("-----BEGIN ENCRYPTED PRIVATE KEY-----"), 0u);
  absl::Status missing = PrivateKey::FromPkcs8Pem(*pem).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(missing), "KEY_ENCRYPTED");
  EXPECT_EQ(Reason(PrivateKey::FromPkcs8Pem(*pem, "wrong").status()), "KEY_PASSPHRASE_WRONG");
  absl::StatusOr<PrivateKey> opened = PrivateKey::FromPkcs8Pem(*pem, "correct horse");
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->public_key(), key.public_key());
  EXPECT_EQ(Reason(key.ToPkcs8Pem("").status()), "KEY_PASSPHRASE_EMPTY");
  EXPECT_TRUE(PrivateKey::FromPkcs8Pem(*key.ToPkcs8Pem(), "not needed").ok());
}

TEST(KeysTest, OpenSslCommandAgrees) {
  DML_SKIP_WITHOUT_OPENSSL();
  ScratchFolder folder;
  folder.Write("message", "a message");
  for (KeyAlgorithm algorithm : kAlgorithms) {
    SCOPED_TRACE(KeyAlgorithmName(algorithm));
    PrivateKey key = PrivateKey::Generate(algorithm);
    std::string signature = Sign(key, "a message");
    folder.Write("key.pem", *key.ToPkcs8Pem("secret"));
    folder.Write("public.pem", key.public_key().ToPem());
    folder.Write("good", signature);
    signature.back() = static_cast<char>(signature.back() ^ 1);
    folder.Write("bad", signature);
    std::string verify = "pkeyutl -verify -rawin -pubin -inkey public.pem -in message -sigfile ";
    EXPECT_TRUE(RunOpenSsl(folder, verify + "good"));
    EXPECT_FALSE(RunOpenSsl(folder, verify + "bad"));
    ASSERT_TRUE(RunOpenSsl(folder,
                           "pkeyutl -sign -rawin -inkey key.pem -passin pass:secret -in "
                           "message -out theirs"));
    EXPECT_TRUE(Verify(key.public_key(), "a message", folder.Read("theirs")).ok());
  }
}

TEST(KeysTest, RefusesForeignKindsOfKeys) {
  DML_SKIP_WITHOUT_OPENSSL();
  ScratchFolder folder;
  ASSERT_TRUE(RunOpenSsl(folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa"));
  ASSERT_TRUE(
      RunOpenSsl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384"));
  ASSERT_TRUE(RunOpenSsl(folder, "genpkey -algorithm ED448 -out ed448"));
  for (std::string name : {"rsa", "p384", "ed448"}) {
    EXPECT_EQ(Reason(PrivateKey::FromPkcs8Pem(folder.Read(name)).status()), "KEY_UNSUPPORTED")
        << name;
    ASSERT_TRUE(RunOpenSsl(folder, "pkey -pubout -in " + name + " -out " + name + ".pub"));
    EXPECT_EQ(Reason(PublicKey::FromSpkiPem(folder.Read(name + ".pub")).status()),
              "KEY_UNSUPPORTED");
  }
  ASSERT_TRUE(
      RunOpenSsl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256"));
  ASSERT_TRUE(PrivateKey::FromPkcs8Pem(folder.Read("p256")).ok());
  // attack 4: the same key in a second encoding would count as a second key.
  ASSERT_TRUE(RunOpenSsl(folder, "ec -in p256 -pubout -conv_form compressed -out short.pub"));
  EXPECT_EQ(Reason(PublicKey::FromSpkiPem(folder.Read("short.pub")).status()), "KEY_UNSUPPORTED");
  ASSERT_TRUE(RunOpenSsl(folder,
                         "pkcs8 -topk8 -in p256 -out slow -outform DER -passout pass:x "
                         "-v2 aes-128-cbc -iter 65536"));
  std::string slow = folder.Read("slow");
  EXPECT_TRUE(PrivateKey::FromPkcs8Pem(PemOf("ENCRYPTED PRIVATE KEY", slow), "x").ok());
  size_t iterations = slow.find(*HexDecode("0203010000"));
  ASSERT_NE(iterations, std::string::npos);
  slow.replace(iterations, 5, *HexDecode("02037fffff"));
  EXPECT_EQ(Reason(PrivateKey::FromPkcs8Pem(PemOf("ENCRYPTED PRIVATE KEY", slow), "x").status()),
            "KEY_UNSUPPORTED")
      << "8 million iterations would take seconds";
  ASSERT_TRUE(RunOpenSsl(folder, "pkcs8 -topk8 -in p256 -out scrypt -passout pass:x -scrypt"));
  EXPECT_EQ(Reason(PrivateKey::FromPkcs8Pem(folder.Read("scrypt"), "x").status()),
            "KEY_UNSUPPORTED");
}

TEST(RandomTest, MakesDistinctWellFormedValues) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    std::string id = NewRequestId();
    ASSERT_EQ(id.size(), 36u);
    for (size_t at : {8, 13, 18, 23}) ASSERT_EQ(id[at], '-') << id;
    EXPECT_EQ(id[14], '4') << id;
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
  EXPECT_EQ(RandomHex(0), "");
  EXPECT_EQ(RandomHex(32).size(), 64u);
  EXPECT_TRUE(HexDecode(RandomHex(5)).has_value());
  EXPECT_NE(RandomHex(16), RandomHex(16));
}

}  // namespace
}  // namespace dml
