// The table of attackers, first part: nobody's keys are stolen, or the log's, or all but the
// root's.
#include "tests/core/evidence/permit_attack.h"

namespace dml {
namespace {

using testing::Attack;
using testing::DaemonAnd;
using testing::Edited;
using testing::ExpectRefused;
using testing::kAllButRoot;
using testing::kDaemon;
using testing::Keys;
using testing::kNone;
using testing::OtherBundle;
using testing::PermitScene;
using testing::TimeOf;

TEST(PermitAttackersTest, WhoeverStandsBetweenHasNoKey) {
  ExpectRefused({
      // attack T1
      {"a permit by a stranger", kNone,
       [](PermitScene& s, PermitBundle& b) {
         s.permit_by = {"eve"};
         s.SignPermit(b);
       },
       "THRESHOLD_NOT_MET"},
      // attack 7
      {"a permit without signatures", kNone,
       [](PermitScene&, PermitBundle& b) {
         b.permit = Edited(b.permit, [](DsseEnvelope& e) { e.signatures.clear(); });
       },
       "SIGNATURE_MISSING"},
      {"no permit", kNone, [](PermitScene&, PermitBundle& b) { b.permit.clear(); },
       "ENVELOPE_INVALID"},
      {"no approvals", kNone, [](PermitScene&, PermitBundle& b) { b.approvals.clear(); },
       "PERMIT_INPUTS_UNEXPECTED"},
      {"no proof", kNone, [](PermitScene&, PermitBundle& b) { b.log_proof.clear(); },
       "LOG_PROOF_INVALID"},
      // attack T7
      {"publications of another bundle", kNone,
       [](PermitScene& s, PermitBundle& b) { b.publications = OtherBundle(s).publications; },
       "PERMIT_INPUTS_UNEXPECTED"},
      {"release of another bundle", kNone,
       [](PermitScene& s, PermitBundle& b) {
         b.release = OtherBundle(s).release;
         b.release_envelope = OtherBundle(s).release_envelope;
       },
       "SUBJECT_UNEXPECTED"},
      {"release and permit of another bundle", kNone,
       [](PermitScene& s, PermitBundle& b) {
         b.release = OtherBundle(s).release;
         b.release_envelope = OtherBundle(s).release_envelope;
         b.permit = OtherBundle(s).permit;
       },
       "PERMIT_INPUTS_UNEXPECTED"},
      {"policy document of another bundle", kNone,
       [](PermitScene& s, PermitBundle& b) { b.policy = OtherBundle(s).policy; },
       "SUBJECT_UNEXPECTED"},
      {"policy of another bundle", kNone,
       [](PermitScene& s, PermitBundle& b) {
         b.policy = OtherBundle(s).policy;
         b.policy_envelope = OtherBundle(s).policy_envelope;
       },
       "PERMIT_INPUTS_UNEXPECTED"},
      // attack 3
      {"the logged decision of another permit", kNone,
       [](PermitScene& s, PermitBundle& b) { b.log_proof = OtherBundle(s).log_proof; },
       "PERMIT_ENTRY_UNEXPECTED"},
  });
}

TEST(PermitAttackersTest, APermitIsForOnePlace) {
  ExpectRefused({
      // attack 15
      {"another environment", kNone,
       [](PermitScene& s, PermitBundle&) { s.memory.environment = "production/us"; },
       "ENVIRONMENT_UNEXPECTED"},
      {"the environment above", kNone,
       [](PermitScene& s, PermitBundle&) { s.memory.environment = "production"; },
       "ENVIRONMENT_UNEXPECTED"},
      {"no environment", kNone, [](PermitScene& s, PermitBundle&) { s.memory.environment = ""; },
       "ENVIRONMENT_REQUIRED"},
      {"another node", kNone, [](PermitScene& s, PermitBundle&) { s.memory.node = "node-3"; },
       "NODE_UNEXPECTED"},
      {"no node", kNone, [](PermitScene& s, PermitBundle&) { s.memory.node = ""; },
       "NODE_UNEXPECTED"},
  });
}

// attack T5, 5: nothing is good for ever.
TEST(PermitAttackersTest, TimePasses) {
  const auto at = [](const char* time) {
    return [time](PermitScene& s, PermitBundle&) { s.now = TimeOf(time); };
  };
  ExpectRefused({
      {"before it is valid", kNone, at("2026-06-01T09:59:59Z"), "PERMIT_NOT_YET_VALID"},
      {"a frozen mirror", kNone, at("2026-06-02T08:10:01Z"), "CHECKPOINT_STALE"},
      {"a permit that expired", kNone, at("2026-06-07T00:00:00Z"), "PERMIT_EXPIRED"},
      {"a root that expired", kNone, at("2027-01-01T00:00:00Z"), "ROOT_EXPIRED"},
      {"a frozen mirror, and the permit allows less than the policy", kNone,
       at("2026-06-01T11:00:00Z"), "CHECKPOINT_STALE",
       [](PermitScene& s) {
         s.permit.max_revocation_age = std::chrono::hours(1);
         s.witnessed = TimeOf("2026-06-01T09:59:59Z");
         s.now = TimeOf("2026-06-01T10:30:00Z");
       }},
      {"a decision of the future, never to be stale", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.decided = TimeOf("2026-06-06T00:00:00Z");
         s.Enter(b);
       },
       "CLOCK_BEHIND", [](PermitScene& s) { s.policy.witnesses = 0; }},
      {"a witness of the future", DaemonAnd({"wim"}),
       [](PermitScene& s, PermitBundle& b) {
         s.witnessed = TimeOf("2026-06-06T00:00:00Z");
         s.Enter(b);
       },
       "WITNESSES_MISSING"},
      {"a permit renewed after the approvals expired", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         s.now = s.decided = s.permit.not_before = TimeOf("2026-06-09T00:00:00Z");
         s.permit.expires = TimeOf("2026-07-09T00:00:00Z");
         s.Seal(b);
       },
       "APPROVAL_EXPIRED"},
      {"one of two approvals expired", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         PermitScene earlier;
         earlier.approval.expires = TimeOf("2026-06-01T11:00:00Z");
         b.approvals[0] = earlier.Approve(b.release, {"amy"});
         s.Seal(b);
       },
       "APPROVAL_EXPIRED"},
  });
}

// attack T8
TEST(PermitAttackersTest, NothingThatWasSeenGoesBack) {
  const auto remember = [](PermitScene& s, PermitBundle& b) { s.memory = s.Verify(b).next; };
  ExpectRefused({
      {"an older checkpoint", kNone,
       [=](PermitScene& s, PermitBundle& b) {
         remember(s, b);
         s.memory.checkpoint->checkpoint.size = 13;
       },
       "CHECKPOINT_ROLLED_BACK"},
      {"an older policy", kNone,
       [=](PermitScene& s, PermitBundle&) { s.memory.policies["production"] = {8, {}}; },
       "POLICY_ROLLED_BACK"},
      {"the policy of the environment above", kNone,
       [=](PermitScene& s, PermitBundle&) { s.memory.policies["production/eu"] = {1, {}}; },
       "POLICY_ROLLED_BACK"},
      {"another policy of the same revision", kNone,
       [=](PermitScene& s, PermitBundle&) { s.memory.policies["production"] = {7, Sha256("x")}; },
       "POLICY_FORKED"},
      {"an older root", kNone,
       [=](PermitScene& s, PermitBundle&) {
         s.memory.root = s.Pinned();
         s.memory.root->root.version = 2;
       },
       "ROOT_ROLLED_BACK"},
      {"another root of the same version", kNone,
       [=](PermitScene& s, PermitBundle&) { s.memory.root = {s.root, Sha256("another")}; },
       "ROOT_FORKED"},
      // attack T9: the log's key is stolen.
      {"a second history of the same size",
       {"ci-log"},
       [=](PermitScene& s, PermitBundle& b) {
         remember(s, b);
         s.log_past = "forged";
         s.Enter(b);
       },
       "CHECKPOINT_FORKED"},
      {"a second history that is longer",
       {"ci-log"},
       [=](PermitScene& s, PermitBundle& b) {
         remember(s, b);
         s.log_past = "forged";
         s.log_size = 20;
         s.Enter(b);
         b.history = {s.log.History(12, 20)};
       },
       "CHECKPOINT_INCONSISTENT"},
      {"a longer history, and no proof that it goes on",
       {"ci-log"},
       [=](PermitScene& s, PermitBundle& b) {
         remember(s, b);
         s.log_size = 20;
         s.Enter(b);
         b.history = {s.log.History(11, 20), s.log.History(13, 20)};
       },
       "HISTORY_MISSING"},
  });
}

// Root N as the root role really signed it.
std::string HonestRoot(uint64_t version) {
  PermitScene scene;
  scene.root.version = version;
  return scene.SignRoot(scene.root, {"rob", "ron"});
}

// attack T9: all keys are stolen but those of the root role, or one of those.
TEST(PermitAttackersTest, OnlyTheRootRoleNamesSigners) {
  const auto next = [](PermitScene& s, uint64_t version, const Keys& by) {
    TrustRoot root = s.root;
    root.version = version;
    s.Know(root, {"eve"});
    root.roles[SigningRole::kPermit] = s.Role(1, {"eve"});
    return s.SignRoot(root, by);
  };
  Keys and_one_root = kAllButRoot;
  and_one_root.push_back("rob");
  ExpectRefused({
      {"a new root by strangers", kAllButRoot,
       [=](PermitScene& s, PermitBundle& b) { b.roots = {next(s, 2, {"eve", "rita"})}; },
       "THRESHOLD_NOT_MET"},
      {"a new root by one of two", and_one_root,
       [=](PermitScene& s, PermitBundle& b) { b.roots = {next(s, 2, {"rob", "rob"})}; },
       "THRESHOLD_NOT_MET"},
      {"a root whose own keys are good, and the pinned one's are not asked", and_one_root,
       [=](PermitScene& s, PermitBundle& b) {
         TrustRoot root = s.root;
         root.version = 2;
         s.Know(root, {"eve"});
         root.roles[SigningRole::kRoot] = s.Role(1, {"eve"});
         b.roots = {s.SignRoot(root, {"eve"})};
       },
       "THRESHOLD_NOT_MET"},
      {"a root version skipped", kNone,
       [](PermitScene&, PermitBundle& b) { b.roots = {HonestRoot(3)}; }, "ROOT_VERSION_UNEXPECTED"},
      {"a gap between roots", kNone,
       [](PermitScene&, PermitBundle& b) { b.roots = {HonestRoot(2), HonestRoot(4)}; },
       "ROOT_VERSION_UNEXPECTED"},
      {"revoked keys of approvers", kAllButRoot,
       [](PermitScene& s, PermitBundle&) {
         s.memory.revoked_keys = {s.Key("amy").public_key().id()};
       },
       "THRESHOLD_NOT_MET"},
      {"the daemon's key, revoked", kDaemon,
       [](PermitScene& s, PermitBundle&) {
         s.memory.revoked_keys = {s.Key("ci-permit").public_key().id()};
       },
       "THRESHOLD_NOT_MET"},
      {"the log's key, revoked", kDaemon,
       [](PermitScene& s, PermitBundle&) {
         s.memory.revoked_keys = {s.Key("ci-log").public_key().id()};
       },
       "PERMIT_NOT_LOGGED"},
      {"an older policy, signed again", kAllButRoot,
       [](PermitScene& s, PermitBundle& b) {
         s.memory = s.Verify(b).next;
         s.policy.revision = s.permit.policy_revision = 6;
         s.permit.policy_uri = PolicyUri(s.root.origin, "production", 6);
         b.policy_envelope = s.SignPolicy({"paul"});
         s.Seal(b);
       },
       "POLICY_ROLLED_BACK"},
  });
}

// attack 14: caps come before work.
TEST(PermitAttackersTest, EndlessDataEnds) {
  ExpectRefused({
      {"publications without end", kDaemon,
       [](PermitScene&, PermitBundle& b) {
         for (size_t i = 0; i <= kMaxBundlePublications; ++i) {
           b.publications.push_back(fmt::format("{}", i));
         }
       },
       "PERMIT_BUNDLE_INVALID"},
      {"roots without end", kNone,
       [](PermitScene&, PermitBundle& b) {
         for (size_t i = 0; i <= kMaxRootSteps; ++i) b.roots.push_back(fmt::format("{}", i));
       },
       "PERMIT_BUNDLE_INVALID"},
      {"signatures without end", kNone,
       [](PermitScene&, PermitBundle& b) {
         b.permit = Edited(b.permit, [](DsseEnvelope& e) {
           e.signatures.resize(kMaxEnvelopeSignatures + 1, e.signatures[0]);
         });
       },
       "ENVELOPE_INVALID"},
      {"a document without end", kNone,
       [](PermitScene&, PermitBundle& b) { b.permit.resize(kMaxEnvelopeBytes + 1, ' '); },
       "ENVELOPE_INVALID"},
      {"an approval twice", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.approvals = {b.approvals[0], b.approvals[0]};
         s.Seal(b);
       },
       "PERMIT_BUNDLE_INVALID"},
      {"a publication twice", kDaemon,
       [](PermitScene& s, PermitBundle& b) {
         b.publications.push_back(b.publications[0]);
         s.Seal(b);
       },
       "PERMIT_BUNDLE_INVALID"},
  });
  const std::string endless = R"({"schema":")" + std::string(kMaxPermitBundleBytes, 'x');
  EXPECT_EQ(Reason(ParsePermitBundle(endless).status()), "PERMIT_BUNDLE_INVALID");
}

}  // namespace
}  // namespace dml
