#include "core/trust/note.h"

#include <gtest/gtest.h>

#include "core/crypto/random.h"
#include "tests/core/trust/test_keys.h"

namespace dml {
namespace {

using testing::ExpectRefusal;
using testing::GoldenKey;

// The example key and note of Go's golang.org/x/mod/sumdb/note, the format's first implementation.
constexpr char kPeterPrivate[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIIEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"
    "-----END PRIVATE KEY-----\n";
constexpr char kPeterPublic[] = "1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6";
constexpr char kPeterText[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr char kPeterLine[] =
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
constexpr char kEnochLine[] =
    "— EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/"
    "5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

std::string PeterNote() { return std::string(kPeterText) + "\n" + kPeterLine; }

const NoteVerifier& Peter() {
  static const NoteVerifier* const verifier =
      new NoteVerifier{"PeterNeumann", PrivateKey::FromPkcs8Pem(kPeterPrivate)->public_key()};
  return *verifier;
}

TEST(NoteTest, MatchesGosExample) {
  PrivateKey key = *PrivateKey::FromPkcs8Pem(kPeterPrivate);
  EXPECT_EQ(HexEncode(AsBytes(key.public_key().raw_ed25519())), kPeterPublic);
  EXPECT_EQ(NoteKeyId("PeterNeumann", key.public_key()), 0xc74f20a3u);
  EXPECT_EQ(*SignNote(kPeterText, "PeterNeumann", key), PeterNote());
  absl::StatusOr<Note> note = VerifyNote(PeterNote(), Peter());
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(note->text, kPeterText);
  EXPECT_EQ(FormatNote(*note), PeterNote());
}

TEST(NoteTest, ParsesTheExampleOfTheSpecification) {
  constexpr char kText[] =
      "Ognuno sta solo sul cuor della terra\n"
      "trafitto da un raggio di sole:\n"
      "\n"
      "ed è subito sera.\n";
  std::string text = std::string(kText) +
                     "\n— quasimodo.example/salvatore "
                     "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQ"
                     "waqP3ZekRwNtIc=\n";
  absl::StatusOr<Note> note = ParseNote(text);
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(note->text, kText) << "an empty line may stand in the text";
  ASSERT_EQ(note->signatures.size(), 1u);
  EXPECT_EQ(note->signatures[0].name, "quasimodo.example/salvatore");
  EXPECT_EQ(note->signatures[0].key_id, 0x367ba04bu);
  EXPECT_EQ(note->signatures[0].signature.size(), 64u);
  EXPECT_EQ(FormatNote(*note), text);
}

TEST(NoteTest, UnknownSignaturesAreKeptAndIgnored) {
  for (std::string note :
       {PeterNote() + kEnochLine, std::string(kPeterText) + "\n" + kEnochLine + kPeterLine}) {
    absl::StatusOr<Note> opened = VerifyNote(note, Peter());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->signatures.size(), 2u);
    EXPECT_EQ(FormatNote(*opened), note);
  }
  // A witness's cosignature: 8 bytes of time before the signature.
  std::string cosignature =
      "— witness.example/w " + Base64Encode(AsBytes(std::string(4 + 8 + 64, '\x04'))) + "\n";
  EXPECT_TRUE(VerifyNote(PeterNote() + cosignature, Peter()).ok());
  // attack 7
  EXPECT_EQ(Reason(VerifyNote(std::string(kPeterText) + "\n" + kEnochLine, Peter()).status()),
            "SIGNATURE_MISSING");
}

TEST(NoteTest, TheKeyNeedsNameAndId) {
  const NoteVerifier& peter = Peter();
  EXPECT_EQ(Reason(VerifyNote(PeterNote(), {"PeterNeuman", peter.key}).status()),
            "SIGNATURE_MISSING");
  EXPECT_EQ(Reason(VerifyNote(PeterNote(), {"PeterNeumann", GoldenKey().public_key()}).status()),
            "SIGNATURE_MISSING");
  // Same name and id, but a signature by another key.
  std::string forged_text = "forged\n";
  std::string signature = *GoldenKey().Sign(AsBytes(forged_text));
  Note forged{forged_text, {{"PeterNeumann", 0xc74f20a3, signature}}};
  EXPECT_EQ(Reason(VerifyNote(FormatNote(forged), peter).status()), "SIGNATURE_INVALID");
  // One good line does not make up for a bad one of the same key.
  Note mixed = *ParseNote(PeterNote());
  mixed.signatures.push_back({"PeterNeumann", 0xc74f20a3, std::string(64, 'x')});
  EXPECT_EQ(Reason(VerifyNote(FormatNote(mixed), peter).status()), "SIGNATURE_INVALID");
}

TEST(NoteTest, EveryChangedByteIsRefused) {
  const std::string good = PeterNote();
  for (size_t i = 0; i < good.size(); ++i) {
    for (int flip : {0x01, 0x02, 0x20, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      ExpectRefusal(VerifyNote(bad, Peter()).status());
    }
    ExpectRefusal(VerifyNote(good.substr(0, i), Peter()).status());
    std::string inserted = good;
    inserted.insert(i, 1, 'A');
    ExpectRefusal(VerifyNote(inserted, Peter()).status());
  }
}

TEST(NoteTest, RefusesMalformedNotes) {
  const std::string text = kPeterText;
  const std::string line = kPeterLine;
  const std::string cases[] = {
      "",
      "\n",
      "\n\n",
      text,
      text + "\n",
      text + line,
      "\n" + line,
      text + "\n" + line.substr(0, line.size() - 1),
      text + "\n" + line + "\n",
      text + "\n" + line + "Unexpected line.\n",
      text + "\n" + line.substr(4),
      "\x01" + text + "\n" + line,
      "\xff" + text + "\n" + line,
      "\t" + text + "\n" + line,
      "a\r\n" + text + "\n" + line,
      text + "\n— Bad Name AAAAAAAA\n",
      text + "\n— a+b AAAAAAAA\n",
      text + "\n—  AAAAAAAA\n",
      text +
          "\n— a\xc2\xa0"
          "b AAAAAAAA\n",
      text +
          "\n— a\xe3\x80\x80"
          "b AAAAAAAA\n",
      text + "\n— a\n",
      text + "\n— a \n",
      text + "\n— a AAAAAA==\n",   // A key id without a signature.
      text + "\n— a AAAAAAB\n",    // No padding.
      text + "\n— a AAAAAAA=x\n",  // Behind the padding.
      text + "\n— a AAAAAAB=\n",   // Trailing bits.
      text + "\n— a AAAAA-A=\n",   // Another alphabet.
      text + "\n— " + std::string(256, 'n') + " AAAAAAAA\n",
  };
  for (const std::string& bad : cases) {
    absl::Status status = ParseNote(bad).status();
    ExpectRefusal(status);
    EXPECT_EQ(Reason(status), "NOTE_INVALID") << bad;
  }
  EXPECT_TRUE(ParseNote(text + "\n— a AAAAAAA=\n").ok());
}

TEST(NoteTest, CapsSizeAndSignatures) {
  std::string lines;
  for (size_t i = 0; i < kMaxNoteSignatures; ++i) lines += kPeterLine;
  EXPECT_TRUE(VerifyNote(std::string(kPeterText) + "\n" + lines, Peter()).ok());
  // attack 14
  EXPECT_EQ(Reason(ParseNote(std::string(kPeterText) + "\n" + lines + kPeterLine).status()),
            "NOTE_INVALID");
  std::string long_text(kMaxNoteBytes, 'a');
  EXPECT_EQ(Reason(ParseNote(long_text + "\n\n" + kPeterLine).status()), "NOTE_INVALID");
  EXPECT_EQ(Reason(SignNote(long_text + "\n", "n", GoldenKey()).status()), "NOTE_INVALID");
  EXPECT_EQ(Reason(ParseNote(std::string(kMaxNoteBytes, '\n')).status()), "NOTE_INVALID");
}

TEST(NoteTest, SignsOnlyWhatCanBeRead) {
  for (std::string text : {std::string(), std::string("no end"), std::string("a\tb\n"),
                           std::string("a\0b\n", 4), std::string("\xff\n")}) {
    EXPECT_EQ(Reason(SignNote(text, "name", GoldenKey()).status()), "NOTE_INVALID") << text;
  }
  for (std::string name : {"", "a b", "a+b", "a\nb", "a\x7f", "\xff", "a\xe2\x80\x82z"}) {
    EXPECT_EQ(Reason(SignNote("text\n", name, GoldenKey()).status()), "NOTE_INVALID") << name;
  }
  PrivateKey ecdsa = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  EXPECT_EQ(Reason(SignNote("text\n", "name", ecdsa).status()), "KEY_UNSUPPORTED");
  EXPECT_EQ(Reason(VerifyNote(PeterNote(), {"PeterNeumann", ecdsa.public_key()}).status()),
            "KEY_UNSUPPORTED");
  // Text that looks like signatures stays text.
  std::string tricky = "text\n\n" + std::string(kPeterLine);
  absl::StatusOr<std::string> note = SignNote(tricky, "key.example", GoldenKey());
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(VerifyNote(*note, {"key.example", GoldenKey().public_key()})->text, tricky);
  EXPECT_EQ(Reason(VerifyNote(*note, Peter()).status()), "SIGNATURE_MISSING");
}

TEST(NoteTest, RandomBytesNeverCrash) {
  std::array<uint8_t, 512> bytes;
  for (int round = 0; round < 2000; ++round) {
    FillRandom(bytes);
    std::string text = kPeterText + std::string("\n— ") +
                       std::string(AsText(ByteSpan(bytes).first(bytes[0] % 64))) + "\n";
    if (absl::Status status = VerifyNote(text, Peter()).status(); status.ok()) {
      FAIL() << HexEncode(AsBytes(text));
    }
  }
}

}  // namespace
}  // namespace dml
