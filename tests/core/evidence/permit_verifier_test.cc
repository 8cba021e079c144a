#include "core/evidence/permit_verifier.h"

#include "tests/core/evidence/permit_scene.h"
#include "tests/core/trust/test_keys.h"

namespace dml {
namespace {

using testing::PermitScene;
using testing::TimeOf;

class PermitVerifierTest : public ::testing::Test {
 protected:
  void ExpectAccepted(const PermitBundle& bundle) {
    const PermitVerdict verdict = scene_.Verify(bundle);
    EXPECT_TRUE(verdict.status.ok()) << verdict.status;
  }
  void ExpectRefused(const PermitBundle& bundle, const std::string& reason) {
    const PermitVerdict verdict = scene_.Verify(bundle);
    EXPECT_EQ(testing::ReasonOf(verdict), reason) << verdict.status;
  }
  // The root after the scene's.
  TrustRoot NextRoot() const {
    TrustRoot out = scene_.root;
    out.version = 2;
    return out;
  }

  PermitScene scene_;
};

TEST_F(PermitVerifierTest, AcceptsWhatEverybodySigned) {
  const PermitBundle bundle = scene_.Honest();
  const PermitVerdict verdict = scene_.Verify(bundle);
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  std::string steps;
  for (const VerificationStep& step : verdict.steps) {
    EXPECT_TRUE(step.passed) << step.what;
    EXPECT_NE(step.detail, "") << step.what;
    steps += step.what + ". ";
  }
  EXPECT_EQ(steps,
            "bundle. trust root. delegations. permit. place and time. release. policy. "
            "publications. approvals. journal entry. journal. freshness. ");
  EXPECT_EQ(verdict.release, scene_.release);
  EXPECT_EQ(verdict.permit, scene_.permit);
  EXPECT_EQ(verdict.release_digest, Sha256(bundle.release));
  EXPECT_EQ(verdict.approvers, (std::set<std::string>{"abe", "amy"}));
  EXPECT_EQ(verdict.log_index, 8u);
  EXPECT_EQ(verdict.decided, scene_.decided);
  EXPECT_EQ(verdict.as_of, scene_.witnessed);
}

TEST_F(PermitVerifierTest, RemembersWhatItHasSeen) {
  const PermitBundle bundle = scene_.Honest();
  const PermitMemory next = scene_.Verify(bundle).next;
  EXPECT_EQ(next.environment, "production/eu");
  EXPECT_EQ(next.node, "node-2");
  EXPECT_EQ(next.root, scene_.Pinned());
  ASSERT_TRUE(next.checkpoint.has_value());
  EXPECT_EQ(next.checkpoint->checkpoint.size, 12u);
  EXPECT_EQ(next.checkpoint->checkpoint.root, scene_.log.Root(12));
  EXPECT_EQ(next.checkpoint->key_id, scene_.Key("ci-log").public_key().id());
  EXPECT_EQ(next.policies.at("production").revision, 7u);
  // The same again is no news; what goes on is.
  scene_.memory = next;
  EXPECT_EQ(scene_.Verify(bundle).next, next);
  // A later policy is remembered in its place.
  scene_.memory.checkpoint.reset();
  scene_.policy.revision = scene_.permit.policy_revision = 8;
  scene_.permit.policy_uri = PolicyUri(scene_.root.origin, "production", 8);
  EXPECT_EQ(scene_.Verify(scene_.Honest()).next.policies.at("production").revision, 8u);
}

TEST_F(PermitVerifierTest, APermitIsActedUponOnce) {
  const PermitBundle bundle = scene_.Honest();
  PermitVerdict verdict = scene_.Verify(bundle);
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  scene_.memory.used["0f8fad5b-d9cb-469f-a165-000000000000"] = scene_.now - kMaxClockSkew;
  MarkUsed(verdict.permit, scene_.now, scene_.memory);
  EXPECT_EQ(scene_.memory.used,
            (std::map<std::string, Timestamp>{{verdict.permit.id, verdict.permit.expires}}))
      << "what has expired is forgotten";
  ExpectRefused(bundle, "PERMIT_USED");
  scene_.permit.id = "0f8fad5b-d9cb-469f-a165-708677289511";
  ExpectAccepted(scene_.Honest());
}

TEST_F(PermitVerifierTest, ABackOutPermitSaysThatItIsOne) {
  scene_.permit.is_back_out = true;
  const PermitVerdict back = scene_.Verify(scene_.Honest());
  ASSERT_TRUE(back.status.ok()) << back.status;
  EXPECT_TRUE(back.permit.is_back_out);
  scene_.permit.is_back_out = false;
  scene_.permit.back_out = "0f8fad5b-d9cb-469f-a165-708677289511";
  const PermitVerdict forth = scene_.Verify(scene_.Honest());
  ASSERT_TRUE(forth.status.ok()) << forth.status;
  EXPECT_EQ(forth.permit.back_out, scene_.permit.back_out);
  // What the entry says of it is what the permit says.
  PermitBundle bundle = scene_.Honest();
  scene_.permit.back_out = "0f8fad5b-d9cb-469f-a165-708677289522";
  scene_.Enter(bundle);
  ExpectRefused(bundle, "PERMIT_ENTRY_UNEXPECTED");
}

TEST_F(PermitVerifierTest, WhatElseTheEntrySaysDoesNotMatter) {
  scene_.decision.request = Sha256("request");
  scene_.decision.findings_size = 17;
  scene_.decision.seats = {{"db-2026", "web-1", 2}};
  ExpectAccepted(scene_.Honest());
  // But for findings that deny.
  scene_.decision.errors = {{"timing.closed", 1}};
  ExpectRefused(scene_.Honest(), "PERMIT_ENTRY_UNEXPECTED");
}

TEST_F(PermitVerifierTest, TheLogGoesOn) {
  PermitBundle bundle = scene_.Honest();
  scene_.memory = scene_.Verify(bundle).next;
  scene_.log_size = 30;
  scene_.Enter(bundle);
  bundle.history = {scene_.log.History(5, 30), scene_.log.History(12, 30)};
  const PermitVerdict verdict = scene_.Verify(bundle);
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  EXPECT_EQ(verdict.next.checkpoint->checkpoint.size, 30u);
  bundle.history[1].hashes[0] = Sha256("x");
  ExpectRefused(bundle, "CHECKPOINT_INCONSISTENT");
}

TEST_F(PermitVerifierTest, WalksToTheNewestRoot) {
  TrustRoot next = NextRoot();
  scene_.Know(next, {"sue"});
  next.roles[SigningRole::kRelease] = scene_.Role(1, {"sue"});
  const std::string envelope = scene_.SignRoot(next, {"rob", "ron"});
  PermitBundle bundle = scene_.Honest();
  ExpectAccepted(bundle);
  bundle.roots = {envelope};
  ExpectRefused(bundle, "THRESHOLD_NOT_MET");  // Rita seals no more.
  bundle.release_envelope = scene_.SignRelease(bundle.release, {"sue"});
  scene_.Seal(bundle);
  const PermitVerdict verdict = scene_.Verify(bundle);
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  EXPECT_EQ(verdict.next.root->root, next);
  // Whoever knows it already needs no walk, and does not go back.
  scene_.memory = verdict.next;
  ExpectAccepted(bundle);
  bundle.roots.clear();
  ExpectRefused(bundle, "ROOT_ROLLED_BACK");
}

// attack T4: a stolen log key signs the largest size; a root with another key ends that.
TEST_F(PermitVerifierTest, ARootWithAnotherLogKeyRecoversFromAFastForward) {
  PermitBundle bundle = scene_.Honest();
  scene_.memory = scene_.Verify(bundle).next;
  scene_.memory.checkpoint->checkpoint.size = (1ULL << 63) - 1;
  ExpectRefused(bundle, "CHECKPOINT_ROLLED_BACK");
  TrustRoot next = NextRoot();
  scene_.Know(next, {"ci-log.2"});
  next.roles[SigningRole::kLog] = scene_.Role(1, {"ci-log.2"});
  next.log_start_size = 12;
  bundle.roots = {scene_.SignRoot(next, {"rob", "ron"})};
  ExpectRefused(bundle, "PERMIT_NOT_LOGGED");
  scene_.log_by = {"ci-log.2"};
  scene_.Enter(bundle);
  const PermitVerdict verdict = scene_.Verify(bundle);
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  EXPECT_EQ(verdict.next.checkpoint->checkpoint.size, 12u);
  EXPECT_NE(verdict.steps[10].detail.find("set aside"), std::string::npos);
  next.log_start_size = 13;
  bundle.roots = {scene_.SignRoot(next, {"rob", "ron"})};
  ExpectRefused(bundle, "CHECKPOINT_NOT_BELIEVED");
}

TEST_F(PermitVerifierTest, ALogMayTakeSeveralKeys) {
  scene_.Know(scene_.root, {"ci-other"});
  scene_.root.roles[SigningRole::kLog] = scene_.Role(2, {"ci-log", "ci-other"});
  PermitBundle bundle = scene_.Honest();
  ExpectRefused(bundle, "PERMIT_NOT_LOGGED");
  scene_.log_by = {"ci-log", "ci-other"};
  scene_.Enter(bundle);
  ExpectAccepted(bundle);
}

TEST_F(PermitVerifierTest, ApproversMaySignOneEnvelopeOrOneEach) {
  PermitBundle bundle = scene_.Honest();
  bundle.approvals = {scene_.Approve(bundle.release, {"pat.2", "amy"})};
  scene_.Seal(bundle);
  ExpectAccepted(bundle);
  // An approval that has expired does no harm where there are enough.
  scene_.approval.expires = TimeOf("2026-06-01T11:00:00Z");
  bundle.approvals.push_back(scene_.Approve(bundle.release, {"abe"}));
  scene_.Seal(bundle);
  ExpectAccepted(bundle);
}

// Who takes two persons to pass a role on may pass it on to two persons, and not to three.
TEST_F(PermitVerifierTest, DelegatedApproversCountAsManyAsItTookToNameThem) {
  scene_.root.delegations[2].keys = scene_.Role(2, {"amy", "abe"});
  DelegationDocument document{{"production"}, 1, TimeOf("2027-01-01T00:00:00Z"), {}, {}};
  for (const char* name : {"tim", "tom", "ted"}) document.keys.push_back(scene_.Trust(name));
  std::ranges::sort(document.keys, {}, [](const TrustKey& key) { return key.key.id(); });
  document.delegations = {{"team",
                           SigningRole::kApprover,
                           {testing::Pattern("production/*")},
                           scene_.Role(1, {"tim", "tom", "ted"}),
                           false}};
  const auto bundle_of = [&](uint32_t approvers) {
    scene_.policy.approvers = approvers;
    PermitBundle bundle = scene_.Honest();
    bundle.delegations = {
        scene_.Sign(kDelegationPayloadType, *FormatDelegationDocument(document), {"amy", "abe"})};
    bundle.approvals = {scene_.Approve(bundle.release, {"tim", "tom", "ted"})};
    scene_.Seal(bundle);
    return bundle;
  };
  ExpectAccepted(bundle_of(2));
  ExpectRefused(bundle_of(3), "THRESHOLD_NOT_MET");
}

TEST_F(PermitVerifierTest, WhatIsRemovedNeedsNoPublisher) {
  // Nobody vouches for acme/old any more: that may be why it goes.
  ExpectAccepted(scene_.Honest());
  scene_.release.items[1].action = ReleaseAction::kInstall;
  PermitBundle bundle = scene_.Honest();
  ExpectAccepted(bundle);
  bundle.publications.erase(bundle.publications.begin() + 1);
  scene_.Seal(bundle);
  ExpectRefused(bundle, "THRESHOLD_NOT_MET");
}

TEST_F(PermitVerifierTest, WithoutNodesItIsForAllOfTheEnvironment) {
  scene_.permit.nodes.clear();
  scene_.memory.node = "";
  ExpectAccepted(scene_.Honest());
  scene_.memory.node = "node-99";
  ExpectAccepted(scene_.Honest());
}

TEST_F(PermitVerifierTest, WithoutWitnessesTheDecisionTellsTheAge) {
  scene_.policy.witnesses = 0;
  scene_.witnessed_by.clear();
  const PermitBundle bundle = scene_.Honest();
  EXPECT_EQ(scene_.Verify(bundle).as_of, scene_.decided);
  scene_.now = scene_.decided + std::chrono::hours(24);
  ExpectAccepted(bundle);
  scene_.now += std::chrono::microseconds(1);
  ExpectRefused(bundle, "CHECKPOINT_STALE");
}

TEST_F(PermitVerifierTest, SeveralWitnessesAreAsOldAsTheLastThatItTakes) {
  scene_.Know(scene_.root, {"wes", "wim.2"});
  scene_.root.roles[SigningRole::kWitness] = scene_.Role(1, {"wim", "wim.2", "wes"});
  scene_.policy.witnesses = 2;
  scene_.witnessed_by = {"wim", "wim.2"};
  ExpectRefused(scene_.Honest(), "WITNESSES_MISSING");  // One holder.
  scene_.witnessed_by = {"wim", "wes"};
  ExpectAccepted(scene_.Honest());
}

TEST_F(PermitVerifierTest, ExpiredDelegationsAreAbsentAndBadOnesRefused) {
  DelegationDocument document{{"acme"}, 1, TimeOf("2026-01-01T00:00:00Z"), {}, {}};
  PermitBundle bundle = scene_.Honest();
  bundle.delegations = {
      scene_.Sign(kDelegationPayloadType, *FormatDelegationDocument(document), {"ann"})};
  ExpectAccepted(bundle);
  bundle.delegations = {
      scene_.Sign(kDelegationPayloadType, *FormatDelegationDocument(document), {"carl"})};
  ExpectRefused(bundle, "THRESHOLD_NOT_MET");
  document.chain = {"nobody"};
  bundle.delegations = {
      scene_.Sign(kDelegationPayloadType, *FormatDelegationDocument(document), {"ann"})};
  ExpectRefused(bundle, "DELEGATION_UNKNOWN");
}

// permit-bundle.json and permit-root.json are made by make_permit_bundle.py beside them, not by
// this code.
TEST_F(PermitVerifierTest, GoldenBothWays) {
  const std::string golden = testing::GoldenFile("permit-bundle.json");
  absl::StatusOr<PermitBundle> bundle = ParsePermitBundle(golden);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  absl::StatusOr<TrustedRoot> pinned = OpenPinnedRoot(testing::GoldenFile("permit-root.json"));
  ASSERT_TRUE(pinned.ok()) << pinned.status();
  const PermitVerdict verdict = VerifyPermitBundle(*bundle, *pinned, scene_.now, scene_.memory);
  EXPECT_TRUE(verdict.status.ok()) << verdict.status;
  EXPECT_EQ(*FormatPermitBundle(*bundle), golden);
  // And what is made here is the same, byte for byte.
  EXPECT_EQ(*pinned, scene_.Pinned());
  EXPECT_EQ(scene_.SignRoot(scene_.root, {"rob", "ron"}), testing::GoldenFile("permit-root.json"));
  EXPECT_EQ(*FormatPermitBundle(scene_.Honest()), golden);
}

}  // namespace
}  // namespace dml
