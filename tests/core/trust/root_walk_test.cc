#include "core/trust/root_walk.h"

#include <cstdlib>

#include "tests/core/trust/test_keys.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using testing::ExpectRefusal;
using testing::KeyRing;
using testing::kNow;
using testing::TimeOf;

class RootWalkTest : public ::testing::Test {
 protected:
  RootWalkTest() : first_(testing::SmallRoot(ring_)) {
    pinned_ = *OpenPinnedRoot(testing::SignedRoot(ring_, first_, {"pat", "ann"}));
  }

  // The root after another, where nothing else changes.
  static TrustRoot Next(TrustRoot root) {
    ++root.version;
    return root;
  }
  std::string Sign(const TrustRoot& root, const std::vector<std::string>& by) {
    return testing::SignedRoot(ring_, root, by);
  }
  absl::StatusOr<TrustedRoot> Walk(const std::vector<std::string>& envelopes,
                                   Timestamp now = kNow) {
    return WalkRoots(pinned_, envelopes, now);
  }
  std::string WalkReason(const std::vector<std::string>& envelopes, Timestamp now = kNow) {
    const absl::Status status = Walk(envelopes, now).status();
    if (!status.ok()) ExpectRefusal(status);
    return Reason(status);
  }

  KeyRing ring_;
  TrustRoot first_;
  TrustedRoot pinned_;
};

TEST_F(RootWalkTest, KeysAreReplacedStepByStep) {
  TrustRoot second = Next(first_);
  second.keys = ring_.List({"ann", "bob", "ci-log"});
  second.roles[SigningRole::kRoot] = ring_.Role(2, {"ann", "bob"});
  TrustRoot third = Next(second);
  third.keys = ring_.List({"bob", "cat", "ci-log"});
  third.roles[SigningRole::kRoot] = ring_.Role(2, {"bob", "cat"});
  const std::string two = Sign(second, {"pat", "ann", "bob"});
  const std::string three = Sign(third, {"ann", "bob", "cat"});
  absl::StatusOr<TrustedRoot> at = Walk({two, three});
  ASSERT_TRUE(at.ok()) << at.status();
  EXPECT_TRUE(at->root == third);
  EXPECT_EQ(WalkReason({}), "");
  // A newer root is walked from, too, and passes over what came before it.
  at = WalkRoots(*Walk({two}), std::vector{two, three}, kNow);
  EXPECT_TRUE(at.ok()) << at.status();
}

// attack T9: the thresholds of the old and of the new root, not of one of them.
TEST_F(RootWalkTest, OldAndNewHoldersMustBothAgree) {
  TrustRoot second = Next(first_);
  second.keys = ring_.List({"bob", "cat", "ci-log"});
  second.roles[SigningRole::kRoot] = ring_.Role(2, {"bob", "cat"});
  EXPECT_EQ(WalkReason({Sign(second, {"bob", "cat"})}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann"})}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann", "bob"})}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "bob", "cat"})}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann", "bob", "cat"})}), "");
  EXPECT_EQ(WalkReason({Sign(Next(first_), {"ci-log", "pat"})}), "THRESHOLD_NOT_MET")
      << "the daemon's key is none of the root's";
}

TEST_F(RootWalkTest, NoVersionIsSkipped) {
  const TrustRoot second = Next(first_);
  EXPECT_EQ(WalkReason({Sign(Next(second), {"pat", "ann"})}), "ROOT_VERSION_UNEXPECTED");
  EXPECT_EQ(WalkReason({Sign(Next(second), {"pat", "ann"}), Sign(second, {"pat", "ann"})}),
            "ROOT_VERSION_UNEXPECTED");
}

// attack T4: a version far ahead is no step, however it is signed.
TEST_F(RootWalkTest, FastForwardIsNoStep) {
  TrustRoot far = first_;
  far.version = (uint64_t{1} << 53) - 1;
  EXPECT_EQ(WalkReason({Sign(far, {"pat", "ann"})}), "ROOT_VERSION_UNEXPECTED");
}

// attack T8, 9
TEST_F(RootWalkTest, OlderRootsNeverTakeTheirPlaceAgain) {
  TrustRoot second = Next(first_);
  second.keys = ring_.List({"ann", "bob", "ci-log"});
  second.roles[SigningRole::kRoot] = ring_.Role(2, {"ann", "bob"});
  const TrustedRoot at = *Walk({Sign(second, {"pat", "ann", "bob"})});
  absl::StatusOr<TrustedRoot> still =
      WalkRoots(at, std::vector{Sign(first_, {"pat", "ann"})}, kNow);
  ASSERT_TRUE(still.ok()) << still.status();
  EXPECT_TRUE(*still == at);
}

TEST_F(RootWalkTest, TwoRootsOfOneVersionAreEvidence) {
  TrustRoot other = first_;
  other.expires = TimeOf("2028-01-01T00:00:00Z");
  EXPECT_EQ(WalkReason({Sign(other, {"pat", "ann"})}), "ROOT_FORKED");
  EXPECT_EQ(WalkReason({Sign(first_, {"ann", "pat"})}), "") << "the same, signed again";
}

// attack T5: old ones may have expired, the last one may not.
TEST_F(RootWalkTest, OnlyTheLastRootMustNotHaveExpired) {
  TrustRoot second = Next(first_);
  second.expires = TimeOf("2030-01-01T00:00:00Z");
  const Timestamp later = TimeOf("2029-12-31T23:59:59Z");
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann"})}, later), "");
  EXPECT_EQ(WalkReason({}, later), "ROOT_EXPIRED");
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann"})}, second.expires), "ROOT_EXPIRED");
}

TEST_F(RootWalkTest, AJournalIsReplacedOnlyWhereTheRootSaysSo) {
  TrustRoot second = Next(first_);
  second.origin = "new.example/dml";
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann"})}), "ROOT_ORIGIN_UNEXPECTED");
  second.previous_origin = "elsewhere.example/dml";
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann"})}), "ROOT_ORIGIN_UNEXPECTED");
  second.previous_origin = first_.origin;
  EXPECT_EQ(WalkReason({Sign(second, {"pat", "ann"})}), "");
}

// Under the name that was left, another history was signed.
TEST_F(RootWalkTest, AJournalNeverReturnsToANameThatItHad) {
  TrustRoot second = Next(first_);
  second.origin = "new.example/dml";
  second.previous_origin = first_.origin;
  TrustRoot back = Next(second);
  back.origin = first_.origin;
  back.previous_origin = second.origin;
  const std::string there = Sign(second, {"pat", "ann"});
  EXPECT_EQ(WalkReason({there, Sign(back, {"pat", "ann"})}), "ROOT_ORIGIN_USED");
  EXPECT_EQ(Reason(OpenNextRoot(second, Sign(back, {"pat", "ann"})).status()), "ROOT_ORIGIN_USED");
  // By way of a third, too.
  TrustRoot third = Next(second);
  third.origin = "third.example/dml";
  third.previous_origin = second.origin;
  back = Next(third);
  back.origin = first_.origin;
  back.previous_origin = third.origin;
  EXPECT_EQ(WalkReason({there, Sign(third, {"pat", "ann"})}), "");
  EXPECT_EQ(WalkReason({there, Sign(third, {"pat", "ann"}), Sign(back, {"pat", "ann"})}),
            "ROOT_ORIGIN_USED");
}

TEST_F(RootWalkTest, AnExpiredRootSaysWhatToDo) {
  const absl::Status expired = CheckRootExpiry(first_, first_.expires);
  EXPECT_NE(Message(expired).find("dml root fetch, renew, sign, set"), std::string_view::npos);
}

// attack T1, 16
TEST_F(RootWalkTest, SignaturesAreOverARootAndNothingElse) {
  const std::string text = *FormatTrustRoot(Next(first_));
  for (std::string_view type :
       {std::string_view("application/json"), kDelegationPayloadType, kInTotoPayloadType}) {
    EXPECT_EQ(WalkReason({FormatEnvelope(ring_.Sign(type, text, {"pat", "ann"}))}),
              "PAYLOAD_TYPE_UNEXPECTED");
  }
  DsseEnvelope envelope = ring_.Sign("text/plain", text, {"pat", "ann"});
  envelope.payload_type = kTrustRootPayloadType;
  EXPECT_EQ(WalkReason({FormatEnvelope(envelope)}), "THRESHOLD_NOT_MET");
}

// attack 6, 7: whatever is broken is refused, and never sounds like success.
TEST_F(RootWalkTest, BrokenEnvelopesAreRefused) {
  const std::string good = Sign(Next(first_), {"pat", "ann"});
  ASSERT_EQ(WalkReason({good}), "");
  for (size_t size = 0; size < good.size(); size += 7) {
    EXPECT_NE(WalkReason({good.substr(0, size)}), "");
  }
  for (size_t at = 0; at < good.size(); at += 5) {
    std::string bad = good;
    bad[at] ^= 0x04;
    // A hint may change, and with it nothing; whatever else changed is noticed.
    const absl::StatusOr<TrustedRoot> walked = Walk({bad});
    if (walked.ok()) {
      EXPECT_TRUE(walked->root == Next(first_));
    } else {
      ExpectRefusal(walked.status());
    }
  }
  EXPECT_EQ(Reason(OpenPinnedRoot(Sign(first_, {"pat"})).status()), "THRESHOLD_NOT_MET");
  EXPECT_EQ(Reason(OpenPinnedRoot(Sign(first_, {"eve", "mal"})).status()), "THRESHOLD_NOT_MET");
}

// attack T2, 14
TEST_F(RootWalkTest, AChainWithoutEndIsRefusedUnread) {
  const std::vector<std::string> endless(kMaxRootSteps + 1);
  EXPECT_EQ(WalkReason(endless), "ROOT_CHAIN_TOO_LONG");
}

}  // namespace
}  // namespace dml
