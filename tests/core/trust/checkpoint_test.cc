#include "core/trust/checkpoint.h"

#include <limits>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "tests/core/crypto/openssl_cli.h"
#include "tests/core/trust/test_keys.h"

namespace dml {
namespace {

using testing::ExpectRefusal;
using testing::GoldenFile;
using testing::GoldenKey;

constexpr char kOrigin[] = "library.example/journal";

Checkpoint GoldenCheckpoint() { return {kOrigin, 20852163, Sha256("the root")}; }

TEST(CheckpointTest, MatchesTheGoldenFilesInBothDirections) {
  EXPECT_EQ(*SignCheckpoint(GoldenCheckpoint(), GoldenKey()), GoldenFile("checkpoint.txt"));
  EXPECT_EQ(*OpenCheckpoint(GoldenFile("checkpoint.txt"), kOrigin, GoldenKey().public_key()),
            GoldenCheckpoint());
  Checkpoint empty{kOrigin, 0, Sha256("")};
  EXPECT_EQ(*SignCheckpoint(empty, GoldenKey()), GoldenFile("empty-checkpoint.txt"));
  EXPECT_EQ(*OpenCheckpoint(GoldenFile("empty-checkpoint.txt"), kOrigin, GoldenKey().public_key()),
            empty);
}

TEST(CheckpointTest, ParsesTheExampleOfTheSpecification) {
  constexpr char kNote[] =
      "example.com/behind-the-sofa\n"
      "20852163\n"
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
      "\n"
      "— example.com/behind-the-sofa "
      "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
      "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
  absl::StatusOr<Note> note = ParseNote(kNote);
  ASSERT_TRUE(note.ok()) << note.status();
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpointBody(note->text);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint->size, 20852163u);
  EXPECT_EQ(checkpoint->root.hex(),
            "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
  EXPECT_EQ(FormatCheckpointBody(*checkpoint), note->text);
}

TEST(CheckpointTest, RoundTripsSizes) {
  for (uint64_t size :
       {uint64_t{1}, uint64_t{10}, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()}) {
    Checkpoint checkpoint{kOrigin, size, Sha256("r")};
    EXPECT_EQ(*ParseCheckpointBody(FormatCheckpointBody(checkpoint)), checkpoint);
  }
}

TEST(CheckpointTest, RefusesOtherForms) {
  const std::string root = Base64Encode(Sha256("r").bytes());
  const std::string cases[] = {
      "",
      "o",
      "o\n",
      "o\n1\n",
      "o\n1\n" + root,
      "\n1\n" + root + "\n",
      "o\n\n" + root + "\n",
      "o\n01\n" + root + "\n",
      "o\n00\n" + root + "\n",
      "o\n+1\n" + root + "\n",
      "o\n-1\n" + root + "\n",
      "o\n1 \n" + root + "\n",
      "o\n 1\n" + root + "\n",
      "o\n0x1\n" + root + "\n",
      "o\n1e3\n" + root + "\n",
      "o\n18446744073709551616\n" + root + "\n",
      "o\n1\n" + root + " \n",
      "o\n1\n" + root.substr(0, root.size() - 1) + "\n",
      "o\n1\n" + Base64Encode(AsBytes(std::string(31, 'r'))) + "\n",
      "o\n1\n" + Base64Encode(AsBytes(std::string(33, 'r'))) + "\n",
      "o\n1\n" + root + "\n\n",
      "o\n1\n" + root + "\nextension",
      "o\n1\n" + root + "\nextension\n\n",
      "o\n0\n" + root + "\n",  // The empty tree has one root only.
      "o\xff\n1\n" + root + "\n",
      "o\r\n1\n" + root + "\n",
  };
  for (const std::string& bad : cases) {
    absl::Status status = ParseCheckpointBody(bad).status();
    ExpectRefusal(status);
    EXPECT_EQ(Reason(status), "CHECKPOINT_INVALID") << bad;
  }
}

TEST(CheckpointTest, ExtensionLinesAreIgnored) {
  std::string text = FormatCheckpointBody(GoldenCheckpoint()) + "extension\nanother one\n";
  EXPECT_EQ(*ParseCheckpointBody(text), GoldenCheckpoint());
  std::string note = *SignNote(text, kOrigin, GoldenKey());
  EXPECT_EQ(*OpenCheckpoint(note, kOrigin, GoldenKey().public_key()), GoldenCheckpoint());
}

TEST(CheckpointTest, IsBoundToOriginAndKey) {
  std::string note = GoldenFile("checkpoint.txt");
  PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  EXPECT_EQ(Reason(OpenCheckpoint(note, kOrigin, other.public_key()).status()),
            "SIGNATURE_MISSING");
  EXPECT_EQ(Reason(OpenCheckpoint(note, "other.example", GoldenKey().public_key()).status()),
            "SIGNATURE_MISSING");
  // The log's key under its name, but over the checkpoint of another log.
  Checkpoint foreign{"other.example", 5, Sha256("r")};
  std::string confused = *SignNote(FormatCheckpointBody(foreign), kOrigin, GoldenKey());
  EXPECT_EQ(Reason(OpenCheckpoint(confused, kOrigin, GoldenKey().public_key()).status()),
            "CHECKPOINT_ORIGIN_UNEXPECTED");
  std::string no_checkpoint = *SignNote("just text\n", kOrigin, GoldenKey());
  EXPECT_EQ(Reason(OpenCheckpoint(no_checkpoint, kOrigin, GoldenKey().public_key()).status()),
            "CHECKPOINT_INVALID");
}

TEST(CheckpointTest, SignsOnlyWhatCanBeOpened) {
  EXPECT_EQ(Reason(SignCheckpoint({kOrigin, 0, Sha256("r")}, GoldenKey()).status()),
            "CHECKPOINT_INVALID");
  for (const char* origin : {"", "a b", "a+b", "a\nb"}) {
    EXPECT_EQ(Reason(SignCheckpoint({origin, 1, Sha256("r")}, GoldenKey()).status()),
              "NOTE_INVALID");
  }
}

TEST(CheckpointTest, EveryChangedByteIsRefused) {
  const std::string good = GoldenFile("checkpoint.txt");
  for (size_t i = 0; i < good.size(); ++i) {
    for (int flip : {0x01, 0x20, 0x80}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      ExpectRefusal(OpenCheckpoint(bad, kOrigin, GoldenKey().public_key()).status());
    }
  }
}

TEST(CheckpointTest, OpenSslCommandAgrees) {
  DML_SKIP_WITHOUT_OPENSSL();
  testing::ScratchFolder folder;
  Note note = *ParseNote(*SignCheckpoint(GoldenCheckpoint(), GoldenKey()));
  folder.Write("text", note.text);
  folder.Write("signature", note.signatures.at(0).signature);
  folder.Write("public.pem", GoldenKey().public_key().ToPem());
  std::string verify = "pkeyutl -verify -rawin -pubin -inkey public.pem -sigfile signature -in ";
  EXPECT_TRUE(testing::RunOpenSsl(folder, verify + "text"));
  folder.Write("text", note.text + "\n");
  EXPECT_FALSE(testing::RunOpenSsl(folder, verify + "text"));
}

}  // namespace
}  // namespace dml
