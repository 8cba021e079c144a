#include "storage/library/cosigned_checkpoints.h"

#include <gtest/gtest.h>

#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "core/trust/log_policy.h"
#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using testing::LogKey;

class CosignedCheckpointsTest : public ::testing::Test {
 protected:
  std::string Newest() { return library_->checkpoint()->note; }
  void Grow() {
    ASSERT_TRUE(library_.Commit(NamespaceCreated{fmt::format("ns{}", ++names_), "", {}}).ok());
  }
  // The note with a line of this witness.
  static std::string Cosign(const std::string& text, const std::string& name, const PrivateKey& key,
                            Timestamp time = WallClockNow()) {
    Note note = *ParseNote(text);
    note.signatures.push_back(*CosignNote(note.text, name, key, time));
    return FormatNote(note);
  }
  static std::string Vkey(const std::string& name, const PrivateKey& key) {
    return FormatVerifierKey({name, key.public_key(), NoteKeyType::kCosignature});
  }
  // A witness hands in what it has cosigned, and says whose it is.
  absl::StatusOr<std::string> Come(const std::string& name, const PrivateKey& key,
                                   Timestamp time = WallClockNow()) {
    const std::string keys[] = {Vkey(name, key)};
    return kept_.Add(Cosign(Newest(), name, key, time), nullptr, keys);
  }
  std::string RefusalOf(const std::string& note, const TrustRoot* root = nullptr) {
    const std::string keys[] = {Vkey("w1", first_)};
    return Reason(kept_.Add(note, root, keys).status());
  }
  // A root that names a key of this holder as a witness', and nothing else.
  static TrustRoot RootOf(const PublicKey& key, const std::string& holder) {
    TrustRoot root;
    root.keys.push_back({key, SignatureScheme::kEd25519, holder, false});
    root.roles[SigningRole::kWitness] = {1, {key.id()}};
    return root;
  }
  size_t Lines(const std::string& note) { return ParseNote(note)->signatures.size(); }

  testing::TestLibrary library_;
  CosignedCheckpoints& kept_ = library_->cosigned();
  PrivateKey first_ = LogKey();
  PrivateKey second_ = LogKey();
  int names_ = 0;
};

TEST_F(CosignedCheckpointsTest, LinesComeTogether) {
  EXPECT_TRUE(kept_.Newest()->empty());
  const auto one = Come("w1", first_);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(Lines(*one), 2u);
  const auto two = Come("w2", second_);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(Lines(*two), 3u);
  EXPECT_EQ(*kept_.Newest(), std::vector<std::string>{*two});
  EXPECT_EQ(*kept_.WithCosignatures(Newest(), library_->checkpoint()->checkpoint.size), *two);
  const Witness known[] = {{"w1", first_.public_key(), "ann"}, {"w2", second_.public_key(), "bo"}};
  EXPECT_TRUE(RequireWitnesses(*ParseNote(*two), known, 2, Timestamp()).ok());
  EXPECT_TRUE(OpenCheckpoint(*two, library_->origin(), library_->log_key()).ok());
}

// attack 4
TEST_F(CosignedCheckpointsTest, AWitnessHasOneLineHoweverOftenItComes) {
  std::string last;
  for (int second = 1; second <= 20; ++second) {
    auto added = Come("w1", first_, FromMicros(second * 1'000'000));
    ASSERT_TRUE(added.ok()) << added.status();
    last = *added;
  }
  EXPECT_EQ(Lines(last), 2u);
  const Witness known[] = {{"w1", first_.public_key(), "ann"}};
  EXPECT_EQ(ReadCosignatures(*ParseNote(last), known)->at(0).time, FromMicros(20'000'000));
}

// attack T5
TEST_F(CosignedCheckpointsTest, NothingOfATimeThatIsStillToCome) {
  EXPECT_EQ(RefusalOf(Cosign(Newest(), "w1", first_, WallClockNow() + std::chrono::hours(1))),
            "COSIGNATURE_INVALID");
  EXPECT_TRUE(kept_.Newest()->empty());
  EXPECT_EQ(RefusalOf(Cosign(Newest(), "w1", first_, WallClockNow() + std::chrono::minutes(1))),
            "");
}

TEST_F(CosignedCheckpointsTest, OnlyWhatThisLogHasSigned) {
  const PrivateKey stranger = LogKey();
  const Checkpoint real = library_->checkpoint()->checkpoint;
  EXPECT_EQ(RefusalOf("no note"), "NOTE_INVALID");
  EXPECT_EQ(RefusalOf(Cosign(*SignCheckpoint(real, stranger), "w1", first_)), "SIGNATURE_MISSING");
  Checkpoint other = real;
  other.origin = "dml.test/other";
  EXPECT_EQ(RefusalOf(Cosign(*SignCheckpoint(other, stranger), "w1", first_)), "SIGNATURE_MISSING");
  Note changed = *ParseNote(Newest());
  changed.text.replace(changed.text.find('\n') + 1, 1, "9");
  EXPECT_EQ(RefusalOf(Cosign(FormatNote(changed), "w1", first_)), "SIGNATURE_INVALID");
  EXPECT_TRUE(kept_.Newest()->empty());
}

// A stolen log key: good signatures over a tree that this journal does not have.
TEST_F(CosignedCheckpointsTest, NotWhatAThiefHasSignedWithItsKey) {
  LibraryOptions options;
  options.origin = "dml.test/library";
  PrivateKey key = LogKey();
  const PrivateKey copy = *PrivateKey::FromPkcs8Pem(*key.ToPkcs8Pem());
  auto library = Library::Open(NewMemoryEngine(), std::move(key), options).value();
  Checkpoint forged = library->checkpoint()->checkpoint;
  forged.root = Sha256("another history");
  EXPECT_EQ(
      Reason(library->cosigned().Add(Cosign(*SignCheckpoint(forged, copy), "w1", first_)).status()),
      "CHECKPOINT_UNKNOWN");
  forged = library->checkpoint()->checkpoint;
  forged.size = uint64_t{1} << 62;
  EXPECT_EQ(
      Reason(library->cosigned().Add(Cosign(*SignCheckpoint(forged, copy), "w1", first_)).status()),
      "CHECKPOINT_UNKNOWN");
  const Checkpoint real = library->checkpoint()->checkpoint;
  const std::string extended =
      *SignNote(FormatCheckpointBody(real) + "extension\n", real.origin, copy);
  EXPECT_EQ(Reason(library->cosigned().Add(Cosign(extended, "w1", first_)).status()),
            "CHECKPOINT_UNKNOWN");
}

// attack 14
TEST_F(CosignedCheckpointsTest, LinesAreBounded) {
  for (size_t i = 1; i < kMaxNoteSignatures; ++i) {
    const PrivateKey other = LogKey();
    ASSERT_TRUE(Come(fmt::format("w{}", i), i == 3 ? first_ : other).ok()) << i;
  }
  EXPECT_EQ(Reason(Come("one-more", second_).status()), "COSIGNATURE_LIMIT");
  EXPECT_EQ(Lines(kept_.Newest()->at(0)), kMaxNoteSignatures);
  EXPECT_TRUE(Come("w3", first_).ok()) << "who is there may come again";
  const std::vector<std::string> many(kMaxNoteSignatures + 1, Vkey("w1", first_));
  EXPECT_EQ(Reason(kept_.Add(Cosign(Newest(), "w1", first_), nullptr, many).status()),
            "VERIFIER_KEY_INVALID");
}

// attack 4: nobody fills the places of others by coming under many names.
TEST_F(CosignedCheckpointsTest, OneKeyHasOneLineWhateverItCallsItself) {
  ASSERT_TRUE(Come("honest", second_).ok());
  std::string last;
  for (size_t i = 1; i <= 2 * kMaxNoteSignatures; ++i) {
    auto added = Come(fmt::format("w{}", i), first_);
    ASSERT_TRUE(added.ok()) << i << added.status();
    last = *added;
  }
  EXPECT_EQ(Lines(last), 3u);
  EXPECT_EQ(ParseNote(last)->signatures.back().name, "w32");
  // All at once; of one key the latest.
  std::string note = Newest();
  std::vector<std::string> keys;
  for (int i = 1; i <= 5; ++i) {
    const std::string name = fmt::format("at-once-{}", i);
    note = Cosign(note, name, first_, WallClockNow() - std::chrono::minutes(i));
    keys.push_back(Vkey(name, first_));
  }
  last = kept_.Add(note, nullptr, keys).value();
  EXPECT_EQ(Lines(last), 3u);
  EXPECT_EQ(ParseNote(last)->signatures.back().name, "at-once-1");

  // A witness that the root names is no better; and strangers who came before it are gone.
  const TrustRoot root = RootOf(first_.public_key(), "ann");
  for (int i = 1; i <= 3; ++i) {
    last = kept_.Add(Cosign(Newest(), fmt::format("named-{}", i), first_), &root).value();
    EXPECT_EQ(Lines(last), 2u) << i;
  }
}

// What nobody can be told to have signed takes nobody's place.
TEST_F(CosignedCheckpointsTest, LinesOfWhomNobodyKnowsAreNotKept) {
  const std::string note = Cosign(Newest(), "w2", second_);
  const auto unsaid = kept_.Add(note);
  EXPECT_EQ(Reason(unsaid.status()), "COSIGNATURE_MISSING");
  EXPECT_NE(Message(unsaid.status()).find("dml root add-key --role witness"), std::string::npos);
  EXPECT_EQ(RefusalOf(note), "COSIGNATURE_MISSING") << "it came with the key of w1";
  // Under the name and id of w1, and not signed by it.
  Note forged = *ParseNote(Cosign(Newest(), "w1", second_));
  forged.signatures.back().key_id = NoteKeyId("w1", first_.public_key(), NoteKeyType::kCosignature);
  EXPECT_EQ(RefusalOf(FormatNote(forged)), "COSIGNATURE_INVALID");
  const std::string log_key[] = {FormatVerifierKey({"w2", second_.public_key()})};
  EXPECT_EQ(Reason(kept_.Add(note, nullptr, log_key).status()), "VERIFIER_KEY_INVALID");
  const std::string no_key[] = {"w2+00000000+AAAA"};
  EXPECT_EQ(Reason(kept_.Add(note, nullptr, no_key).status()), "VERIFIER_KEY_INVALID");
  EXPECT_TRUE(kept_.Newest()->empty());
}

TEST_F(CosignedCheckpointsTest, LinesThatAreNoCosignaturesAreNotKept) {
  EXPECT_EQ(RefusalOf(Newest()), "COSIGNATURE_MISSING");
  Note note = *ParseNote(Newest());
  note.signatures.push_back({"w1", 7, "short"});
  EXPECT_EQ(RefusalOf(FormatNote(note)), "COSIGNATURE_MISSING");
}

TEST_F(CosignedCheckpointsTest, WhereWitnessesAreKnownTheirLinesMustBeGood) {
  const TrustRoot root = RootOf(first_.public_key(), "ann");
  EXPECT_EQ(RefusalOf(Cosign(Newest(), "w2", second_), &root), "COSIGNATURE_MISSING");
  // A line under the witness' name and key id that somebody else has made.
  Note forged = *ParseNote(Cosign(Newest(), "w1", second_));
  forged.signatures.back().key_id = NoteKeyId("w1", first_.public_key(), NoteKeyType::kCosignature);
  EXPECT_EQ(RefusalOf(FormatNote(forged), &root), "COSIGNATURE_INVALID");
  const auto good = kept_.Add(Cosign(Cosign(Newest(), "w2", second_), "w1", first_), &root);
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(Lines(*good), 2u) << "the stranger's line is left out";
}

TEST_F(CosignedCheckpointsTest, TheNewestFewAreKept) {
  const std::string oldest = Newest();
  std::vector<std::string> notes;
  for (size_t i = 0; i <= CosignedCheckpoints::kMaxCheckpoints; ++i) {
    notes.insert(notes.begin(), *Come("w1", first_));
    Grow();
  }
  notes.pop_back();
  EXPECT_EQ(*kept_.Newest(), notes);
  EXPECT_EQ(RefusalOf(Cosign(oldest, "w1", first_)), "CHECKPOINT_SUPERSEDED");
  EXPECT_EQ(*kept_.WithCosignatures("as it was", 1), "as it was");
}

}  // namespace
}  // namespace dml
