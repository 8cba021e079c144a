#include "core/trust/cosignature.h"

#include "tests/core/trust/test_keys.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using testing::KeyRing;
using testing::kNow;

constexpr char kText[] =
    "library.example/dml\n"
    "3\n"
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";

class CosignatureTest : public ::testing::Test {
 protected:
  CosignatureTest() {
    for (const char* name : {"w1.example", "w2.example", "w3.example"}) {
      witnesses_.push_back({name, ring_[name].public_key(), name});
    }
    note_.text = kText;
    note_.signatures.push_back({"library.example/dml", 7, "the log's own, which is not looked at"});
  }

  void Cosign(const std::string& name, Timestamp time = kNow, const std::string& text = kText,
              const std::string& key = "") {
    absl::StatusOr<NoteSignature> line =
        CosignNote(text, name, ring_[key.empty() ? name : key], time);
    ASSERT_TRUE(line.ok()) << line.status();
    note_.signatures.push_back(*line);
  }
  std::string Require(uint32_t threshold, Timestamp not_before = kNow) {
    return Reason(RequireWitnesses(note_, witnesses_, threshold, not_before));
  }

  KeyRing ring_;
  std::vector<Witness> witnesses_;
  Note note_;
};

TEST_F(CosignatureTest, SurviveTheFormOfANote) {
  Cosign("w1.example");
  Cosign("w2.example", kNow + std::chrono::milliseconds(1500));
  absl::StatusOr<Note> note = ParseNote(FormatNote(note_));
  ASSERT_TRUE(note.ok()) << note.status();
  absl::StatusOr<std::vector<Cosignature>> found = ReadCosignatures(*note, witnesses_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, (std::vector<Cosignature>{
                        {"w1.example", "w1.example", kNow},
                        {"w2.example", "w2.example", kNow + std::chrono::seconds(1)}}));
}

// The bytes of the specification, put together by hand.
TEST_F(CosignatureTest, AreOverTheBytesOfTheSpecification) {
  const PrivateKey& key = testing::GoldenKey();
  const Timestamp time = testing::TimeOf("2023-03-01T12:34:56Z");  // 1677674096.
  absl::StatusOr<NoteSignature> line = CosignNote(kText, "witness.example/w1", key, time);
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->signature.substr(0, 8), std::string("\0\0\0\0\x63\xff\x46\x70", 8));
  EXPECT_EQ(line->signature.size(), 72u);
  EXPECT_TRUE(key.public_key()
                  .Verify(AsBytes("cosignature/v1\ntime 1677674096\n" + std::string(kText)),
                          AsBytes(line->signature.substr(8)))
                  .ok());
  EXPECT_NE(line->key_id, NoteKeyId("witness.example/w1", key.public_key()))
      << "a key that cosigns is another than one that signs";
}

// attack T5: a clock far ahead would keep a frozen log fresh for as long.
TEST_F(CosignatureTest, WhatIsStillToComeCountsAsAbsent) {
  Cosign("w1.example", kNow + std::chrono::hours(300 * 24));
  EXPECT_EQ(Reason(RequireWitnesses(note_, witnesses_, 1, kNow, kNow + kMaxCosignatureSkew)),
            "WITNESSES_MISSING");
  Cosign("w2.example", kNow + kMaxCosignatureSkew);
  EXPECT_TRUE(RequireWitnesses(note_, witnesses_, 1, kNow, kNow + kMaxCosignatureSkew).ok());
  EXPECT_EQ(CosignatureTime(note_.signatures.back()), kNow + kMaxCosignatureSkew);
  EXPECT_EQ(CosignatureTime(note_.signatures.front()), std::nullopt);
}

// attack 4
TEST_F(CosignatureTest, WitnessesCountOnceAndSoDoTheirHolders) {
  Cosign("w1.example");
  Cosign("w1.example", kNow + std::chrono::seconds(5));
  EXPECT_EQ(Require(1), "");
  EXPECT_EQ(Require(2), "WITNESSES_MISSING");
  Cosign("w2.example");
  EXPECT_EQ(Require(2), "");
  witnesses_[1].holder = witnesses_[0].holder;
  EXPECT_EQ(Require(2), "WITNESSES_MISSING") << "two witnesses of one holder";
  Cosign("w3.example");
  EXPECT_EQ(Require(2), "");
  EXPECT_EQ(Require(3), "WITNESSES_MISSING");
  EXPECT_EQ(Require(0), "");
}

// attack T5
TEST_F(CosignatureTest, OldOnesDoNotCountWhereFreshOnesAreDemanded) {
  Cosign("w1.example", kNow - std::chrono::hours(1));
  EXPECT_EQ(Require(1), "WITNESSES_MISSING");
  EXPECT_EQ(Require(1, kNow - std::chrono::hours(1)), "");
  Cosign("w1.example");
  EXPECT_EQ(Require(1), "") << "the latest of a witness counts";
}

TEST_F(CosignatureTest, StrangersAreAbsent) {
  Cosign("stranger.example");
  EXPECT_EQ(Require(1), "WITNESSES_MISSING");
  Cosign("w1.example", kNow, kText, "stranger.example");
  EXPECT_EQ(Require(1), "WITNESSES_MISSING") << "a known name with another key";
}

// attack 3, 16: what was made for something else is no mere absence.
TEST_F(CosignatureTest, OverAnotherCheckpointOrTimeIsRefused) {
  const std::vector<NoteSignature> before = note_.signatures;
  Cosign("w1.example", kNow, "library.example/dml\n4\nAAAA\n");
  EXPECT_EQ(Require(1), "COSIGNATURE_INVALID");
  for (size_t at = 0; at < 72; ++at) {
    note_.signatures = before;
    Cosign("w1.example");
    note_.signatures.back().signature[at] ^= 1;
    EXPECT_EQ(Require(1), "COSIGNATURE_INVALID") << at;
  }
  for (size_t size = 0; size < 72; ++size) {
    note_.signatures = before;
    Cosign("w1.example");
    note_.signatures.back().signature.resize(size);
    EXPECT_EQ(Require(1), "COSIGNATURE_INVALID") << size;
  }
  note_.signatures = before;
  const std::string own = *ring_["w1.example"].Sign(AsBytes(kText));
  note_.signatures.push_back(
      {"w1.example",
       NoteKeyId("w1.example", ring_["w1.example"].public_key(), NoteKeyType::kCosignature),
       std::string(8, '\0') + own});
  EXPECT_EQ(Require(1), "COSIGNATURE_INVALID") << "a signature over the note itself";
}

TEST_F(CosignatureTest, WhatNoWitnessCanSayIsNotSigned) {
  EXPECT_EQ(Reason(CosignNote(kText, "a b", ring_["w1.example"], kNow).status()), "NOTE_INVALID");
  EXPECT_EQ(Reason(CosignNote(kText, "w", ring_["w.p256"], kNow).status()), "KEY_UNSUPPORTED");
  EXPECT_EQ(
      Reason(CosignNote(kText, "w", ring_["w1.example"], testing::TimeOf("1969-12-31T23:59:59Z"))
                 .status()),
      "COSIGNATURE_INVALID");
}

}  // namespace
}  // namespace dml
