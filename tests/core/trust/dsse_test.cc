#include "core/trust/dsse.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "core/crypto/random.h"
#include "tests/core/trust/test_keys.h"

namespace dml {
namespace {

using testing::ExpectRefusal;
using testing::GoldenFile;
using testing::GoldenKey;

constexpr char kType[] = "application/vnd.in-toto+json";

std::vector<PublicKey> Trust(std::initializer_list<const Signer*> keys) {
  std::vector<PublicKey> out;
  for (const Signer* key : keys) out.push_back(key->public_key());
  return out;
}

DsseEnvelope Signed(std::string_view payload, std::vector<const Signer*> keys) {
  absl::StatusOr<DsseEnvelope> envelope = SignEnvelope(kType, payload, keys);
  EXPECT_TRUE(envelope.ok()) << envelope.status();
  return *std::move(envelope);
}

TEST(DsseTest, EncodesAsTheSpecificationSays) {
  EXPECT_EQ(PreAuthEncoding("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(PreAuthEncoding("", ""), "DSSEv1 0  0 ");
  EXPECT_EQ(PreAuthEncoding("é", std::string("\0\n", 2)), std::string("DSSEv1 2 é 2 \0\n", 16));
}

TEST(DsseTest, VerifiesTheExampleOfTheSpecification) {
  std::string spki = *HexDecode(
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
      "67cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d238"
      "0c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74");
  std::vector<PublicKey> trusted = {*PublicKey::FromSpkiDer(AsBytes(spki))};
  absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(
      R"({"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88)"
      R"(SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]})");
  ASSERT_TRUE(envelope.ok()) << envelope.status();
  EXPECT_EQ(envelope->payload, "hello world");
  // The example writes its ECDSA signature as r || s, which is another scheme than this key's.
  constexpr char kExampleType[] = "http://example.com/HelloWorld";
  EXPECT_EQ(Reason(VerifyEnvelope(*envelope, kExampleType, trusted).status()), "SIGNATURE_MISSING");
  std::string raw = envelope->signatures[0].signature;
  envelope->signatures[0].signature =
      *HexDecode("30440220") + raw.substr(0, 32) + *HexDecode("0220") + raw.substr(32);
  EXPECT_EQ(*VerifyEnvelope(*envelope, kExampleType, trusted),
            std::vector<Digest>{trusted[0].id()});
}

TEST(DsseTest, MatchesTheGoldenFileInBothDirections) {
  std::string statement = GoldenFile("publication-statement.json");
  EXPECT_EQ(FormatEnvelope(Signed(statement, {&GoldenKey()})),
            GoldenFile("publication-envelope.json"));
  absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(GoldenFile("publication-envelope.json"));
  ASSERT_TRUE(envelope.ok()) << envelope.status();
  EXPECT_EQ(envelope->payload, statement);
  EXPECT_EQ(*VerifyEnvelope(*envelope, kType, Trust({&GoldenKey()})),
            std::vector<Digest>{GoldenKey().public_key().id()});
}

TEST(DsseTest, RoundTripsAnyPayload) {
  PrivateKey one = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  PrivateKey two = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  for (std::string payload : {std::string(), std::string("\0\xff", 2), std::string(600'000, 'p')}) {
    DsseEnvelope envelope = Signed(payload, {&one, &two});
    absl::StatusOr<DsseEnvelope> again = ParseEnvelope(FormatEnvelope(envelope));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, envelope);
    absl::StatusOr<std::vector<Digest>> signers =
        VerifyEnvelope(*again, kType, Trust({&one, &two}));
    ASSERT_TRUE(signers.ok()) << signers.status();
    EXPECT_EQ(signers->size(), 2u);
    EXPECT_TRUE(std::is_sorted(signers->begin(), signers->end()));
  }
}

// attack 4
TEST(DsseTest, OneKeyCountsOnceHoweverOftenItSigned) {
  PrivateKey ecdsa = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  DsseEnvelope envelope = Signed("p", {&ecdsa});
  for (int i = 0; i < 5; ++i) {
    DsseSignature another = Signed("p", {&ecdsa}).signatures[0];
    ASSERT_NE(another.signature, envelope.signatures[0].signature) << "ECDSA is randomized";
    another.key_id = std::to_string(i);
    envelope.signatures.push_back(another);
  }
  envelope.signatures.push_back(envelope.signatures[0]);
  EXPECT_EQ(VerifyEnvelope(envelope, kType, Trust({&ecdsa, &ecdsa, &GoldenKey()}))->size(), 1u);
}

// attack 7
TEST(DsseTest, NoSignatureIsARefusal) {
  std::vector<PublicKey> trusted = Trust({&GoldenKey()});
  DsseEnvelope envelope = Signed("p", {&GoldenKey()});
  EXPECT_EQ(Reason(VerifyEnvelope(envelope, kType, {}).status()), "SIGNATURE_MISSING");
  envelope.signatures.clear();
  EXPECT_EQ(Reason(VerifyEnvelope(envelope, kType, trusted).status()), "SIGNATURE_MISSING");
  for (const char* json : {R"({"payload":"","payloadType":"t"})",
                           R"({"payload":"","payloadType":"t","signatures":[]})"}) {
    EXPECT_EQ(Reason(ParseEnvelope(json).status()), "SIGNATURE_MISSING") << json;
  }
  PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  EXPECT_EQ(Reason(VerifyEnvelope(Signed("p", {&stranger}), kType, trusted).status()),
            "SIGNATURE_MISSING");
  EXPECT_EQ(Reason(SignEnvelope(kType, "p", {}).status()), "ENVELOPE_INVALID");
}

TEST(DsseTest, KeyIdIsOnlyAHint) {
  PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::vector<PublicKey> trusted = Trust({&other, &GoldenKey()});
  DsseEnvelope envelope = Signed("p", {&GoldenKey()});
  for (std::string hint : {std::string(), std::string("nonsense"), other.public_key().id().hex()}) {
    envelope.signatures[0].key_id = hint;
    EXPECT_EQ(*VerifyEnvelope(envelope, kType, trusted),
              std::vector<Digest>{GoldenKey().public_key().id()});
  }
  // A stranger's signature under a trusted key's id.
  PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  DsseEnvelope forged = Signed("p", {&stranger});
  forged.signatures[0].key_id = GoldenKey().public_key().id().hex();
  EXPECT_EQ(Reason(VerifyEnvelope(forged, kType, trusted).status()), "SIGNATURE_MISSING");
}

TEST(DsseTest, BadSignaturesCountAsAbsent) {
  PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  DsseEnvelope envelope = Signed("p", {&GoldenKey(), &other});
  envelope.signatures[1].signature = "nonsense";
  EXPECT_EQ(*VerifyEnvelope(envelope, kType, Trust({&GoldenKey(), &other})),
            std::vector<Digest>{GoldenKey().public_key().id()});
}

// attack 16
TEST(DsseTest, OneTypeNeverVouchesForAnother) {
  DsseEnvelope envelope = Signed("p", {&GoldenKey()});
  std::vector<PublicKey> trusted = Trust({&GoldenKey()});
  EXPECT_EQ(Reason(VerifyEnvelope(envelope, "text/plain", trusted).status()),
            "PAYLOAD_TYPE_UNEXPECTED");
  envelope.payload_type = "text/plain";
  EXPECT_EQ(Reason(VerifyEnvelope(envelope, "text/plain", trusted).status()), "SIGNATURE_MISSING");
  // Bytes moved from the type to the payload.
  DsseEnvelope shifted{"a", "b c", Signed("p", {&GoldenKey()}).signatures};
  EXPECT_FALSE(VerifyEnvelope(shifted, "a", trusted).ok());
}

TEST(DsseTest, AChangedByteNeverChangesWhatIsVouchedFor) {
  const std::string good = GoldenFile("publication-envelope.json");
  const DsseEnvelope original = *ParseEnvelope(good);
  std::vector<PublicKey> trusted = Trust({&GoldenKey()});
  const size_t key_id = good.find("06e3fd");
  int accepted = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (int flip : {0x01, 0x20, 0x80}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(bad);
      if (!envelope.ok()) {
        ExpectRefusal(envelope.status());
        continue;
      }
      absl::Status status = VerifyEnvelope(*envelope, kType, trusted).status();
      if (!status.ok()) {
        ExpectRefusal(status);
        continue;
      }
      ++accepted;
      EXPECT_EQ(envelope->payload, original.payload);
      EXPECT_EQ(envelope->payload_type, original.payload_type);
      EXPECT_EQ(envelope->signatures[0].signature, original.signatures[0].signature);
      bool in_hint = i >= key_id - 9 && i < key_id + 64;  // "keyid":"06e3...
      EXPECT_TRUE(in_hint) << "byte " << i << " is signed, or marks what is";
    }
  }
  EXPECT_GT(accepted, 0) << "the hint is not signed";
  for (size_t size = 0; size < good.size(); ++size) {
    ExpectRefusal(ParseEnvelope(good.substr(0, size)).status());
  }
}

TEST(DsseTest, AcceptsBothAlphabetsAndUnknownMembers) {
  PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  DsseEnvelope envelope = Signed("\xfb\xff\xfe?>", {&key});
  auto url_safe = [](std::string_view bytes) {
    std::string text = Base64Encode(AsBytes(bytes));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text.substr(0, text.find('='));
  };
  std::string json =
      fmt::format(R"({{"payload":"{}","x":[{{"y":null}}],"payloadType":"{}",)"
                  R"("signatures":[{{"sig":"{}","z":1}}]}})",
                  url_safe(envelope.payload), kType, url_safe(envelope.signatures[0].signature));
  absl::StatusOr<DsseEnvelope> read = ParseEnvelope(json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->payload, envelope.payload);
  EXPECT_EQ(VerifyEnvelope(*read, kType, Trust({&key}))->size(), 1u);
}

// attack 6
TEST(DsseTest, RefusesMalformedEnvelopes) {
  const std::string cases[] = {
      "",
      "null",
      "[]",
      "{}",
      "\"x\"",
      "{",
      std::string(1000, '['),
      std::string("\0", 1),
      "\xff",
      R"({"payload":"","payloadType":"t","signatures":[{"sig":"AA=="}]} x)",
      R"({"payload":"","payload":"","payloadType":"t","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","payloadType":"t","signatures":[{"sig":"AA==","sig":"AA=="}]})",
      R"({"payload":"","payloadType":"t","signatures":[{"sig":"AA=="}],"signatures":[]})",
      R"({"payloadType":"t","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","payloadType":"","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","payloadType":"a b","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","payloadType":"\u00e9","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","payloadType":7,"signatures":[{"sig":"AA=="}]})",
      R"({"payload":7,"payloadType":"t","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"*","payloadType":"t","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"+-==","payloadType":"t","signatures":[{"sig":"AA=="}]})",
      R"({"payload":"","payloadType":"t","signatures":{}})",
      R"({"payload":"","payloadType":"t","signatures":[7]})",
      R"({"payload":"","payloadType":"t","signatures":[{}]})",
      R"({"payload":"","payloadType":"t","signatures":[{"sig":""}]})",
      R"({"payload":"","payloadType":"t","signatures":[{"sig":"A"}]})",
      R"({"payload":"","payloadType":"t","signatures":[{"sig":"AA==","keyid":7}]})",
  };
  for (const std::string& bad : cases) {
    absl::Status status = ParseEnvelope(bad).status();
    ExpectRefusal(status);
    EXPECT_EQ(Reason(status), "ENVELOPE_INVALID") << bad.substr(0, 200);
  }
}

// attack 14
TEST(DsseTest, CapsSizesAndCounts) {
  std::string signatures = R"({"sig":"AA=="})";
  auto envelope = [&] {
    return R"({"payload":"","payloadType":"t","signatures":[)" + signatures + "]}";
  };
  for (size_t i = 1; i < kMaxEnvelopeSignatures; ++i) signatures += R"(,{"sig":"AA=="})";
  EXPECT_TRUE(ParseEnvelope(envelope()).ok());
  signatures += R"(,{"sig":"AA=="})";
  EXPECT_EQ(Reason(ParseEnvelope(envelope()).status()), "ENVELOPE_INVALID");
  EXPECT_EQ(Reason(ParseEnvelope(std::string(kMaxEnvelopeBytes + 1, ' ')).status()),
            "ENVELOPE_INVALID");
  EXPECT_EQ(Reason(SignEnvelope(kType, std::string(kMaxEnvelopeBytes * 3 / 4, 'p'),
                                std::vector<const Signer*>{&GoldenKey()})
                       .status()),
            "ENVELOPE_INVALID");
  std::vector<const Signer*> twice = {&GoldenKey(), &GoldenKey()};
  EXPECT_EQ(Reason(SignEnvelope(kType, "p", twice).status()), "ENVELOPE_INVALID");
  for (std::string type : {std::string(), std::string("a b"), std::string(256, 't')}) {
    EXPECT_EQ(Reason(SignEnvelope(type, "p", std::vector<const Signer*>{&GoldenKey()}).status()),
              "ENVELOPE_INVALID");
  }
}

}  // namespace
}  // namespace dml
