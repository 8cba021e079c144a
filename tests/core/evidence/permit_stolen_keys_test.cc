// The table of attackers, second part: the daemon's keys are stolen, alone and with those of
// others.
#include "tests/core/evidence/permit_attack.h"

namespace dml {
namespace {

using testing::DaemonAnd;
using testing::Edited;
using testing::ExpectRefused;
using testing::kDaemon;
using testing::Keys;
using testing::OtherBundle;
using testing::PermitScene;
using testing::TimeOf;

// A release that nobody sealed, signed by `by`, with a permit for it.
std::function<void(PermitScene&, PermitBundle&)> OwnRelease(const Keys& by) {
  return [by](PermitScene& s, PermitBundle& b) {
    s.release.items[2].manifest.digest = Sha256("malware");
    b.release = *FormatRelease(s.release);
    b.release_envelope = s.SignRelease(b.release, by);
    b.publications = {s.Publish(s.release.items[0], by), s.Publish(s.release.items[2], by)};
    b.approvals = {s.Approve(b.release, by)};
    s.Seal(b);
  };
}

// The honest release with these approvals, under a permit of the attacker's.
std::function<void(PermitScene&, PermitBundle&)> ApprovedBy(const std::vector<Keys>& envelopes) {
  return [envelopes](PermitScene& s, PermitBundle& b) {
    b.approvals.clear();
    for (const Keys& by : envelopes) b.approvals.push_back(s.Approve(b.release, by));
    s.Seal(b);
  };
}

// attack T9: whoever has the daemon's keys has none of what others sign.
TEST(StolenKeysTest, TheDaemonAlone) {
  ExpectRefused({
      // attack T1
      {"a release of its own", kDaemon, OwnRelease({"ci-permit"}), "THRESHOLD_NOT_MET"},
      {"a release of a stranger", kDaemon, OwnRelease({"eve"}), "THRESHOLD_NOT_MET"},
      {"a permit that no approver approved", kDaemon, ApprovedBy({}), "THRESHOLD_NOT_MET"},
      {"approvals of its own", kDaemon, ApprovedBy({{"ci-permit"}, {"ci-log"}}),
       "THRESHOLD_NOT_MET"},
      {"approvals of strangers", kDaemon, ApprovedBy({{"eve"}, {"eve2"}, {"eve3"}}),
       "THRESHOLD_NOT_MET"},
      {"a policy of its own", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.policy.approvers = 1;
         b.policy_envelope = s.SignPolicy({"ci-permit"});
         s.Seal(b);
       },
       "THRESHOLD_NOT_MET"},
      {"another revision than the policy has", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.policy_revision = 8;
         s.Seal(b);
       },
       "POLICY_UNEXPECTED"},
  });
}

TEST(StolenKeysTest, TheDaemonAndWhatOthersHaveSigned) {
  ExpectRefused({
      {"findings that no approver saw", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.approved_findings = Sha256("others");
         s.Seal(b);
       },
       "APPROVAL_UNEXPECTED"},
      {"a permit for another environment", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.memory.environment = s.permit.environment = "production/us";
         s.Seal(b);
       },
       "APPROVAL_UNEXPECTED"},
      {"a permit for an environment that the release is not for", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.memory.environment = s.permit.environment = "staging/eu";
         s.Seal(b);
       },
       "ENVIRONMENT_UNEXPECTED"},
      {"its own permit, and no witness has seen the log", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.nodes.clear();
         s.Seal(b);
       },
       "WITNESSES_MISSING"},
      {"a cosignature of another checkpoint", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         const LogProof seen = *ParseLogProof(b.log_proof);
         s.permit.nodes.clear();
         s.Seal(b);
         LogProof proof = *ParseLogProof(b.log_proof);
         Note note = *ParseNote(proof.checkpoint_note);
         note.signatures.push_back(ParseNote(seen.checkpoint_note)->signatures.back());
         proof.checkpoint_note = FormatNote(note);
         b.log_proof = FormatLogProof(proof);
       },
       "COSIGNATURE_INVALID"},
      {"an authority of another library", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.verifier = VerifierUri("elsewhere.example/dml");
         s.Seal(b);
       },
       "PERMIT_INVALID"},
  });
}

TEST(StolenKeysTest, TheDaemonAndItsLog) {
  ExpectRefused({
      // attack 3
      {"the log holds another entry", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.log_proof = s.ProofOf(VersionWithdrawn{s.release.items[0].variant, "old"});
       },
       "PERMIT_ENTRY_UNEXPECTED"},
      {"the log denies", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.decision.allowed = false;
         s.Enter(b);
       },
       "PERMIT_DENIED"},
      {"the permit's key without the log's",
       {"ci-permit"},
       [](PermitScene& s, PermitBundle& b) {
         s.permit.expires = TimeOf("2027-06-01T00:00:00Z");
         s.SignPermit(b);
       },
       "PERMIT_ENTRY_UNEXPECTED"},
      {"the permit's key and a log of its own",
       {"ci-permit"},
       [](PermitScene& s, PermitBundle& b) {
         s.log_by = {"ci-permit", "eve"};
         s.Seal(b);
       },
       "PERMIT_NOT_LOGGED"},
      {"decided on entries that come later", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.journal_size = 9;
         s.Seal(b);
       },
       "PERMIT_ENTRY_UNEXPECTED"},
      {"a log of another origin", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.root.origin = "elsewhere.example/dml";
         s.Enter(b);
         s.root.origin = "library.example/dml";
       },
       "CHECKPOINT_ORIGIN_UNEXPECTED"},
      {"an entry that another proof leads to", kDaemon,
       [](PermitScene&, PermitBundle& b) {
         LogProof proof = *ParseLogProof(b.log_proof);
         proof.index = 7;
         b.log_proof = FormatLogProof(proof);
       },
       "PERMIT_NOT_LOGGED"},
      {"an entry that says more than is understood", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.entry_extra = std::string("\xc0\x3e\x01", 3);  // Field 1000: 1.
         s.Enter(b);
       },
       "PERMIT_ENTRY_UNEXPECTED"},
  });
}

// attack 16, 17, T3: each envelope is of the type, by the role and about the thing that it must be.
TEST(StolenKeysTest, EnvelopesForSomethingElse) {
  const auto other_type = [](const std::string& envelope, PermitScene& s, const Keys& by) {
    const std::string signed_as =
        s.Sign("application/vnd.other+json", ParseEnvelope(envelope)->payload, by);
    return Edited(signed_as, [](DsseEnvelope& e) { e.payload_type = kInTotoPayloadType; });
  };
  ExpectRefused({
      {"a signature over another payload type", DaemonAnd({"amy", "abe"}),
       [=](PermitScene& s, PermitBundle& b) {
         b.approvals = {other_type(b.approvals[0], s, {"amy", "abe"})};
         s.Seal(b);
       },
       "THRESHOLD_NOT_MET"},
      {"a permit over another payload type", kDaemon,
       [=](PermitScene& s, PermitBundle& b) {
         b.permit =
             s.Sign("application/vnd.other+json", ParseEnvelope(b.permit)->payload, {"ci-permit"});
         s.Enter(b);
       },
       "PAYLOAD_TYPE_UNEXPECTED"},
      {"a permit of another predicate", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.permit = s.Claim(kProvenancePredicate, Sha256(b.release), "{}", {"ci-permit"});
         s.Enter(b);
       },
       "PREDICATE_UNEXPECTED"},
      {"approvals of another release", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.approvals = OtherBundle(s).approvals;
         s.Seal(b);
       },
       "SUBJECT_UNEXPECTED"},
      {"publications as approvals", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.approvals.push_back(b.publications[0]);
         s.Seal(b);
       },
       "PREDICATE_UNEXPECTED"},
      {"a publisher's test result as publication", DaemonAnd({"carl"}),
       [](PermitScene& s, PermitBundle& b) {
         b.publications[1] =
             s.Claim(kTestResultPredicate, s.release.items[2].manifest.digest, "{}", {"carl"});
         s.Seal(b);
       },
       "PREDICATE_UNEXPECTED"},
      {"a publication of two things", DaemonAnd({"carl"}),
       [](PermitScene& s, PermitBundle& b) {
         Statement statement = *ParseStatement(ParseEnvelope(b.publications[1])->payload);
         statement.subjects.push_back({"", Sha256("more")});
         b.publications[1] = s.Sign(kInTotoPayloadType, *FormatStatement(statement), {"carl"});
         s.Seal(b);
       },
       "SUBJECT_UNEXPECTED"},
  });
}

TEST(StolenKeysTest, OtherItemsThanTheReleases) {
  ExpectRefused({
      // attack T3
      {"the publication of something that is not in the release", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.publications = OtherBundle(s).publications;
         s.Seal(b);
       },
       "PUBLICATION_UNEXPECTED"},
      {"something more in the order of items", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.order.push_back(s.permit.order[0]);
         s.permit.order.back().version = "6.6.6";
         s.Seal(b);
       },
       "ORDER_UNEXPECTED"},
      {"an item out of the order, another twice", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.order[0] = s.permit.order[1];
         s.Seal(b);
       },
       "ORDER_UNEXPECTED"},
      {"an item without a publication", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.publications.pop_back();
         s.Seal(b);
       },
       "THRESHOLD_NOT_MET"},
      {"the name of another release", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit.resource = ReleaseUri(s.root.origin, "payments", "3.0.0");
         s.Seal(b);
       },
       "RELEASE_UNEXPECTED"},
  });
}

// attack 4, T9: as many persons as it takes, not as many keys, signatures or names.
TEST(StolenKeysTest, FewerApproversThanItTakes) {
  // Somebody passes on to persons made up what they may, or may not, do.
  const auto made_up_by = [](const std::string& who) {
    return [who](PermitScene& s, PermitBundle& b) {
      DelegationDocument document{{"production"}, 1, TimeOf("2027-01-01T00:00:00Z"), {}, {}};
      document.keys = {s.Trust("eve1"), s.Trust("eve2")};
      std::ranges::sort(document.keys, {}, [](const TrustKey& key) { return key.key.id(); });
      document.delegations = {{"friends",
                               SigningRole::kApprover,
                               {testing::Pattern("production/*")},
                               s.Role(1, {"eve1", "eve2"}),
                               false}};
      b.delegations = {s.Sign(kDelegationPayloadType, *FormatDelegationDocument(document), {who})};
      b.approvals = {s.Approve(b.release, {"eve1"}), s.Approve(b.release, {"eve2"}),
                     s.Approve(b.release, {who})};
      s.Seal(b);
    };
  };
  ExpectRefused({
      {"one of two", DaemonAnd({"amy"}), ApprovedBy({{"amy"}}), "THRESHOLD_NOT_MET"},
      {"one key twice in an envelope", DaemonAnd({"amy"}), ApprovedBy({{"amy", "amy"}}),
       "THRESHOLD_NOT_MET"},
      {"one person with two keys", DaemonAnd({"pat", "pat.2"}), ApprovedBy({{"pat"}, {"pat.2"}}),
       "THRESHOLD_NOT_MET"},
      {"one person and the daemon", DaemonAnd({"amy"}), ApprovedBy({{"amy", "ci-permit"}}),
       "THRESHOLD_NOT_MET"},
      {"one person and holders of other roles", DaemonAnd({"amy", "rita", "paul", "carl"}),
       ApprovedBy({{"amy", "rita", "paul", "carl"}}), "THRESHOLD_NOT_MET"},
      {"one person who makes others up", DaemonAnd({"amy"}), made_up_by("amy"),
       "THRESHOLD_NOT_MET"},
      {"a delegation that nobody gave", DaemonAnd({"ann"}), made_up_by("ann"), "THRESHOLD_NOT_MET"},
  });
}

TEST(StolenKeysTest, OnePersonInTwoRoles) {
  // Ann, who publishes acme/*, may approve too: with this key or another.
  const auto ann_approves = [](const std::string& key, bool separate) {
    return [=](PermitScene& s) {
      s.Know(s.root, {key});
      s.root.delegations[2].keys = s.Role(1, {"amy", "abe", key});
      s.policy.separate_publishers = separate;
    };
  };
  ExpectRefused({
      {"the publisher approves", DaemonAnd({"ann", "amy"}), ApprovedBy({{"ann"}, {"amy"}}),
       "SEPARATION_OF_DUTIES", ann_approves("ann", true)},
      {"the publisher approves with another key", DaemonAnd({"ann.2", "amy"}),
       ApprovedBy({{"ann.2", "amy"}}), "SEPARATION_OF_DUTIES", ann_approves("ann.2", true)},
      {"the policy lets the publisher approve, and then it lacks a witness",
       DaemonAnd({"ann", "amy"}), ApprovedBy({{"ann"}, {"amy"}}), "WITNESSES_MISSING",
       ann_approves("ann", false)},
  });
}

// Amy and abe, who may, pass approving on to ann's key, and call her zed.
TEST(StolenKeysTest, OneKeyUnderTwoNames) {
  PermitScene scene;
  scene.root.delegations[2].keys = scene.Role(2, {"amy", "abe"});
  DelegationDocument document{{"production"}, 1, TimeOf("2027-01-01T00:00:00Z"), {}, {}};
  document.keys = {scene.Trust("ann"), scene.Trust("tom")};
  document.keys[0].holder = "zed";
  std::ranges::sort(document.keys, {}, [](const TrustKey& key) { return key.key.id(); });
  document.delegations = {{"team",
                           SigningRole::kApprover,
                           {testing::Pattern("production/*")},
                           scene.Role(1, {"ann", "tom"}),
                           false}};
  for (const bool separate : {true, false}) {
    scene.policy.separate_publishers = separate;
    PermitBundle bundle = scene.Honest();
    bundle.delegations = {
        scene.Sign(kDelegationPayloadType, *FormatDelegationDocument(document), {"amy", "abe"})};
    bundle.approvals = {scene.Approve(bundle.release, {"ann", "tom"})};
    scene.Seal(bundle);
    EXPECT_EQ(testing::ReasonOf(scene.Verify(bundle)), separate ? "SEPARATION_OF_DUTIES" : "");
  }
}

TEST(StolenKeysTest, OnePublisher) {
  ExpectRefused({
      // attack T1: outside of what the publisher may publish.
      {"a package of another namespace", DaemonAnd({"ann"}),
       [](PermitScene& s, PermitBundle& b) {
         b.publications[1] = s.Publish(s.release.items[2], {"ann"});
         s.Seal(b);
       },
       "THRESHOLD_NOT_MET"},
      {"one of two publishers", DaemonAnd({"ann"}),
       [](PermitScene& s, PermitBundle& b) {
         b.publications[0] = s.Publish(s.release.items[0], {"ann", "ann", "eve"});
         s.Seal(b);
       },
       "THRESHOLD_NOT_MET",
       [](PermitScene& s) {
         s.policy.publishers = 2;
         s.publishers = {{"acme", {"ann", "bea"}}, {"other", {"carl", "cleo"}}};
         s.Know(s.root, {"bea", "cleo"});
         s.root.delegations[0].keys = s.Role(1, {"ann", "bea"});
         s.root.delegations[1].keys = s.Role(1, {"carl", "cleo"});
       }},
      {"the manifest under another name", DaemonAnd({"ann"}),
       [](PermitScene& s, PermitBundle& b) {
         ReleaseItem item = s.release.items[0];
         item.variant.version = "2.0.1";
         b.publications[0] = s.Publish(item, {"ann"});
         s.Seal(b);
       },
       "PUBLICATION_UNEXPECTED"},
  });
}

// attack 8: a policy cannot demand nobody; and claims with members that nobody understands are
// none.
TEST(StolenKeysTest, ThePolicyKeyAndOthers) {
  const auto policy_says = [](const std::string& from, const std::string& to) {
    return [=](PermitScene& s, PermitBundle& b) {
      std::string predicate = FormatPolicyClaim(s.policy);
      predicate.replace(predicate.find(from), from.size(), to);
      b.policy_envelope = s.Claim(kPolicyPredicate, Sha256(b.policy), predicate, {"paul"});
      b.approvals.clear();
      s.Seal(b);
    };
  };
  const Keys policy = DaemonAnd({"paul"});
  ExpectRefused({
      {"nobody need approve", policy, policy_says(R"("approvers":2)", R"("approvers":0)"),
       "CLAIM_INVALID"},
      {"less than nobody", policy, policy_says(R"("approvers":2)", R"("approvers":-1)"),
       "CLAIM_INVALID"},
      {"half a person", policy, policy_says(R"("approvers":2)", R"("approvers":0.5)"),
       "CLAIM_INVALID"},
      {"nobody need publish", policy, policy_says(R"("publishers":1)", R"("publishers":0)"),
       "CLAIM_INVALID"},
      {"nothing said of approvers", policy, policy_says(R"("approvers":2,)", ""), "CLAIM_INVALID"},
      {"one approver, and none is there", policy,
       policy_says(R"("approvers":2)", R"("approvers":1)"), "THRESHOLD_NOT_MET"},
      {"a member that nobody understands", policy,
       policy_says(R"("approvers":2)", R"("approvers":2,"unless":"never")"), "CLAIM_INVALID"},
      {"a policy for elsewhere", policy,
       [](PermitScene& s, PermitBundle& b) {
         s.policy.environment = "production/us";
         s.permit.policy_uri = PolicyUri(s.root.origin, "production/us", 7);
         b.policy_envelope = s.SignPolicy({"paul"});
         s.Seal(b);
       },
       "ENVIRONMENT_UNEXPECTED"},
      {"an approval on a condition", DaemonAnd({"amy"}),
       [](PermitScene& s, PermitBundle& b) {
         std::string predicate = FormatApprovalClaim(s.approval);
         predicate.insert(1, R"("onlyIf":"friday",)");
         b.approvals[0] = s.Claim(kApprovalPredicate, Sha256(b.release), predicate, {"amy"});
         s.Seal(b);
       },
       "CLAIM_INVALID"},
      {"a permit on a condition", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.permit_extra = R"("https://dml.dev/permit/v2":{"denied":true})";
         s.Seal(b);
       },
       "PERMIT_INVALID"},
  });
}

// Roots as code may make them, past what their documents may say: a machine never approves.
TEST(StolenKeysTest, MachinesDoNotApprove) {
  PermitScene scene;
  scene.Know(scene.root, {"ci-bot"});
  scene.root.delegations[2].keys = scene.Role(1, {"amy", "ci-bot"});
  EXPECT_EQ(Reason(FormatTrustRoot(scene.root).status()), "ROOT_INVALID");
  PermitBundle bundle = scene.Honest();
  bundle.approvals = {scene.Approve(bundle.release, {"amy", "ci-bot"})};
  scene.Seal(bundle);
  const PermitVerdict verdict =
      VerifyPermitBundle(bundle, {scene.root, Sha256("root")}, scene.now, scene.memory);
  EXPECT_EQ(testing::ReasonOf(verdict), "THRESHOLD_NOT_MET") << verdict.status;
}

}  // namespace
}  // namespace dml
