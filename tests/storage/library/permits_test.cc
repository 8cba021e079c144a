// Permits in a library: decided, logged, proven, used, revoked and expired.
#include "storage/library/permits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/evidence/revocation_list.h"
#include "core/wire/entry.h"
#include "storage/journal/journal.h"
#include "tests/support/entitlement_terms.h"
#include "tests/support/permit_world.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PermitWorld;
using testing::TestLibrary;

class PermitsTest : public ::testing::Test {
 protected:
  std::set<std::string> Denied(const std::vector<Finding>& findings) const {
    std::set<std::string> out;
    for (const Finding& finding : findings) {
      if (finding.severity == Severity::kError) out.insert(finding.rule);
    }
    return out;
  }
  std::string Revoke(const std::string& id) {
    return std::string(Reason(library_.Commit(PermitRevoked{id, "it loses data"}).status()));
  }
  std::string Use(const std::string& id, const std::string& node) {
    return std::string(Reason(library_.Commit(PermitUsed{id, node, {}}).status()));
  }
  // The time of the journal goes on to this.
  void WaitUntil(Timestamp time) { library_.Wait(time - world_.Now()); }
  SeatPosition Seats() {
    const auto state = library_->Read();
    return PositionAt("db-2026", LibraryView(*state), library_->TimeOf(*state).value()).value();
  }
  void GrantSeats(uint64_t quantity) {
    const std::string contract = "contract";
    ASSERT_TRUE(library_
                    .Commit(MediaRegistered{"acme/contract",
                                            MediaKind::kDocument,
                                            "t",
                                            "vault",
                                            "pat",
                                            1,
                                            Sha256(contract),
                                            {}})
                    .ok());
    Entitlement terms;
    terms.id = "db-2026";
    terms.product = "db";
    terms.vendor = "acme";
    terms.quantity = quantity;
    terms.start = *ParseTime("2026-01-01T00:00:00Z");
    terms.expiry = *ParseTime("2027-01-01T00:00:00Z");
    terms.contract_digest = Sha256(contract).ToString();
    const auto granted = library_.Commit(testing::Granted(terms), {testing::kSomeEnvelope});
    ASSERT_TRUE(granted.ok()) << granted.status();
  }
  void ExpectViewsFollow() {
    EXPECT_THAT(library_->VerifyViews().value().differing_keys, IsEmpty());
  }

  TestLibrary library_;
  PermitWorld world_{library_};
};

TEST_F(PermitsTest, WhatMayGoGetsAPermitThatANodeBelieves) {
  const Digest digest = world_.Ready(world_.release);
  PermitRequest request = world_.Ask(digest);
  request.nodes = {"web-2", "web-1", "web-1"};
  const std::string id = world_.Issue(request);
  const PermitRecord record = world_.Record(id);
  EXPECT_TRUE(record.decided.allowed);
  EXPECT_THAT(record.decided.nodes, ElementsAre("web-1", "web-2"));
  EXPECT_THAT(record.decided.errors, IsEmpty());
  EXPECT_EQ(record.StateAt(world_.Now()), PermitState::kOpen);
  EXPECT_EQ(world_.Deployment(digest)->state, DeploymentState::kPermitted);

  const auto bundle = world_.Bundle(id);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(world_.Verify(*bundle, world_.NodeMemory("web-1")), "") << world_.last_verdict;
  EXPECT_EQ(world_.Verify(*bundle, world_.NodeMemory("db-1")), "NODE_UNEXPECTED");
  EXPECT_EQ(world_.Verify(*bundle, world_.NodeMemory("web-1", "production")),
            "ENVIRONMENT_UNEXPECTED");
  // By the text as well, which any bundle survives.
  const auto read = ParsePermitBundle(FormatPermitBundle(*bundle).value());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, *bundle);
  ExpectViewsFollow();
}

TEST_F(PermitsTest, TheBundleGoesOnFromWhatANodeRemembers) {
  const Digest digest = world_.Ready(world_.release);
  const std::string first = world_.Issue(world_.Ask(digest));
  const PermitVerdict seen = VerifyPermitBundle(world_.Bundle(first).value(), world_.Root(),
                                                world_.Now(), world_.NodeMemory("web-1"));
  ASSERT_TRUE(seen.status.ok()) << seen.status;
  const std::string second = world_.Issue(world_.Ask(digest));
  EXPECT_EQ(world_.Verify(world_.Bundle(second).value(), seen.next), "HISTORY_MISSING");
  BundleWishes wishes;
  wishes.history_sizes = {seen.next.checkpoint->checkpoint.size, 3, 1'000'000, 0};
  wishes.after_root = world_.Root().root.version;
  const PermitBundle bundle = world_.Bundle(second, wishes).value();
  EXPECT_THAT(bundle.roots, IsEmpty());
  EXPECT_EQ(bundle.history.size(), 2u);
  EXPECT_EQ(world_.Verify(bundle, seen.next), "") << world_.last_verdict;
}

TEST_F(PermitsTest, ADenialIsLoggedWithItsFindings) {
  const Digest digest = world_.Seal(world_.release);
  const std::string id = world_.Issue(world_.Ask(digest));
  const PermitRecord record = world_.Record(id);
  EXPECT_FALSE(record.decided.allowed);
  EXPECT_EQ(record.StateAt(world_.Now()), PermitState::kDenied);
  EXPECT_THAT(record.decided.errors, ElementsAre(RuleCount{"approval.missing", 1}));
  const auto state = library_->Read();
  const auto findings = FindingsOf(*state, record.decided);
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_EQ(Denied(*findings), (std::set<std::string>{"approval.missing"}));
  EXPECT_EQ(FindingsDigest(*findings), record.decided.findings);
  EXPECT_EQ(Reason(world_.Bundle(id).status()), "PERMIT_DENIED");
  EXPECT_EQ(Revoke(id), "PERMIT_DENIED");
  EXPECT_EQ(Use(id, "web-1"), "PERMIT_DENIED");
  // The entry is small: findings are beside it.
  const StoredEntry entry = JournalView(*state).At(record.index).value();
  EXPECT_LT(entry.leaf.size(), 600u);
}

TEST_F(PermitsTest, APolicyThatNobodySignedPermitsNothing) {
  ASSERT_EQ(world_.SetPolicy("production/eu", std::string(testing::kPermitPolicy), nullptr, false),
            "");
  const Digest digest = world_.Ready(world_.release);
  const auto decision = world_.Decide(world_.Ask(digest));
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->release.verdict.decision, Decision::kAllow);
  EXPECT_EQ(Denied(decision->findings), (std::set<std::string>{"permit.policy-unsigned"}));
  EXPECT_NE(decision->findings.front().remedy.find("dml policy set"), std::string::npos);
  ASSERT_EQ(world_.SetPolicy("production/eu", std::string(testing::kPermitPolicy)), "");
  EXPECT_TRUE(world_.Decide(world_.Ask(digest))->allowed);
  // Whoever signed it counts no more.
  ASSERT_TRUE(library_.Commit(KeyRevoked{world_.paul.public_key().id(), "lost"}).ok());
  EXPECT_EQ(Denied(world_.Decide(world_.Ask(digest))->findings),
            (std::set<std::string>{"permit.policy-unsigned"}));
}

TEST_F(PermitsTest, ThePolicyIsSignedByTheRoleForWhatItSays) {
  const std::string policy(testing::kPermitPolicy);
  EXPECT_EQ(world_.SetPolicy("production", policy, &world_.rita), "THRESHOLD_NOT_MET");
  const PrivateKey eve = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  EXPECT_EQ(world_.SetPolicy("production", policy, &eve), "THRESHOLD_NOT_MET");
  EXPECT_EQ(world_.SetPolicy("production", policy + "# more\n"), "");
}

TEST_F(PermitsTest, NodesAreThoseOfTheEnvironment) {
  const Digest digest = world_.Ready(world_.release);
  PermitRequest request = world_.Ask(digest);
  request.node_labels = {{"tier", "web"}};
  EXPECT_THAT(world_.Decide(request)->decided().nodes, ElementsAre("web-1", "web-2"));
  request.node_labels = {{"tier", "none"}};
  EXPECT_EQ(Reason(world_.Decide(request).status()), "NODE_NOT_FOUND")
      << "no node must never mean all";
  request.node_labels = {};
  request.nodes = {"web-1", "web-9"};
  EXPECT_EQ(Reason(world_.Decide(request).status()), "NODE_NOT_FOUND");
  request.node_labels = {{"tier", "web"}};
  EXPECT_EQ(Reason(world_.Decide(request).status()), "PERMIT_INVALID");
  request = world_.Ask(digest, "nowhere");
  EXPECT_EQ(Reason(world_.Decide(request).status()), "ENVIRONMENT_NOT_FOUND");
}

TEST_F(PermitsTest, TimesMakeAPermit) {
  const Digest digest = world_.Ready(world_.release);
  PermitRequest request = world_.Ask(digest);
  request.expires = request.not_before;
  EXPECT_EQ(Reason(world_.Decide(request).status()), "PERMIT_INVALID");
  request.not_before -= hours(48);
  request.expires -= hours(1);
  EXPECT_EQ(Reason(world_.Decide(request).status()), "PERMIT_INVALID") << "it is over";
  request = world_.Ask(digest);
  request.expires = request.not_before + kMaxPermitTime + std::chrono::minutes(1);
  EXPECT_EQ(Reason(world_.Decide(request).status()), "PERMIT_INVALID") << "it is too long";
  request = world_.Ask(digest);
  request.not_before += hours(2);
  const std::string id = world_.Issue(request);
  EXPECT_EQ(world_.Record(id).StateAt(world_.Now()), PermitState::kPending);
  EXPECT_EQ(world_.Verify(world_.Bundle(id).value(), world_.NodeMemory("web-1")),
            "PERMIT_NOT_YET_VALID");
  EXPECT_EQ(Use(id, "web-1"), "PERMIT_NOT_YET_VALID");
  WaitUntil(request.not_before + hours(1));
  EXPECT_EQ(world_.Verify(world_.Bundle(id).value(), world_.NodeMemory("web-1")), "")
      << world_.last_verdict;
  WaitUntil(request.expires);
  EXPECT_EQ(Reason(world_.Bundle(id).status()), "PERMIT_EXPIRED");
  EXPECT_EQ(Use(id, "web-1"), "PERMIT_EXPIRED");
  EXPECT_EQ(Revoke(id), "PERMIT_EXPIRED");
}

TEST_F(PermitsTest, ANodeActsOnAPermitOnce) {
  const Digest digest = world_.Ready(world_.release);
  PermitRequest request = world_.Ask(digest);
  request.nodes = {"web-1", "web-2"};
  const std::string id = world_.Issue(request);
  EXPECT_EQ(Use(id, "db-1"), "NODE_UNEXPECTED");
  EXPECT_EQ(Use(id, "web-9"), "NODE_UNEXPECTED");
  EXPECT_EQ(Use(id, "web-1"), "");
  EXPECT_EQ(world_.Deployment(digest)->state, DeploymentState::kRollingOut);
  EXPECT_NE(world_.Deployment(digest)->started, Timestamp());
  EXPECT_EQ(Use(id, "web-1"), "PERMIT_USED");
  EXPECT_EQ(Use(id, "web-2"), "");
  EXPECT_EQ(world_.Record(id).use_count, 2u);
  EXPECT_EQ(Use("9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11", "web-1"), "PERMIT_NOT_FOUND");
  ExpectViewsFollow();
}

TEST_F(PermitsTest, WhatIsRevokedCountsForNothing) {
  const Digest digest = world_.Ready(world_.release);
  const std::string first = world_.Issue(world_.Ask(digest));
  const std::string second = world_.Issue(world_.Ask(digest));
  const PermitBundle before = world_.Bundle(first).value();
  EXPECT_EQ(Reason(library_.Commit(PermitRevoked{first, ""}).status()), "REASON_REQUIRED");
  EXPECT_EQ(Revoke(first), "");
  EXPECT_EQ(world_.Deployment(digest)->state, DeploymentState::kPermitted) << "one is left";
  EXPECT_EQ(Revoke(first), "PERMIT_REVOKED");
  EXPECT_EQ(Use(first, "web-1"), "PERMIT_REVOKED");
  EXPECT_EQ(Reason(world_.Bundle(first).status()), "PERMIT_REVOKED");

  // A bundle from before is told by the list.
  const auto list =
      SignRevocations(*library_->Read(), library_->origin(), world_.permit_key, world_.Now());
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->number, 1u);
  const PermitVerdict verdict =
      VerifyPermitBundle(before, world_.Root(), world_.Now(), world_.NodeMemory("web-1"));
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  const auto opened = OpenRevocationList(list->envelope, *library_.Domain());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(Reason(CheckNotRevoked(*opened, verdict.permit, verdict.log_index, world_.Now())),
            "PERMIT_REVOKED");

  EXPECT_EQ(Revoke(second), "");
  EXPECT_EQ(world_.Deployment(digest)->state, DeploymentState::kApproved) << "none is left";
  // What has expired is left out, and the number stays.
  WaitUntil(world_.Now() + hours(25));
  const auto later =
      SignRevocations(*library_->Read(), library_->origin(), world_.permit_key, world_.Now());
  const auto shorter = OpenRevocationList(later->envelope, *library_.Domain());
  EXPECT_EQ(shorter->number, 2u);
  EXPECT_THAT(shorter->permits, IsEmpty());
  ExpectViewsFollow();
}

TEST_F(PermitsTest, SeatsAreReservedWithItAndFreeAgainAfterIt) {
  GrantSeats(3);
  const Digest digest = world_.Ready(world_.release);
  PermitRequest request = world_.Ask(digest);
  request.seats = {{"db-2026", "web-1", 2}};
  const std::string first = world_.Issue(request);
  EXPECT_EQ(Seats().reserved, 2u);
  // There is one left.
  const auto decision = world_.Decide(request);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(Denied(decision->findings), (std::set<std::string>{"permit.seats"}));
  const std::string denied = world_.Issue(request);
  EXPECT_FALSE(world_.Record(denied).decided.allowed);
  EXPECT_EQ(Seats().reserved, 2u) << "a denial takes none";
  EXPECT_EQ(Revoke(first), "");
  EXPECT_EQ(Seats().reserved, 0u);
  const std::string second = world_.Issue(request);
  EXPECT_EQ(Seats().reserved, 2u);
  // What a node has taken stays with it.
  ASSERT_TRUE(library_.Commit(LeaseCommitted{"permit-" + second + "/0", hours(48)}).ok());
  EXPECT_EQ(Revoke(second), "");
  EXPECT_EQ(Seats().in_use, 2u);
  request.seats = {{"db-2026", "web-2", 1}};
  world_.Issue(request);
  EXPECT_EQ(Seats().reserved, 1u);
  WaitUntil(request.expires);
  EXPECT_EQ(Seats().reserved, 0u) << "it has expired";
  ExpectViewsFollow();
}

TEST_F(PermitsTest, AnExpiredPermitIsNone) {
  const Digest digest = world_.Ready(world_.release);
  world_.Issue(world_.Ask(digest));
  WaitUntil(world_.Now() + hours(25));
  const auto state = world_.Deployment(digest);
  EXPECT_EQ(state->state, DeploymentState::kPermitted) << "as of its last entry";
  EXPECT_EQ(state->AsOf(world_.Now()).state, DeploymentState::kApproved);
  EXPECT_EQ(Reason(library_
                       .Commit(ReleaseMoved{digest, "production/eu", DeploymentEvent::kStart, "",
                                            state->Etag()})
                       .status()),
            "RELEASE_STATE_UNEXPECTED");
  world_.Issue(world_.Ask(digest));
  EXPECT_EQ(world_.Deployment(digest)->AsOf(world_.Now()).state, DeploymentState::kPermitted);
  ExpectViewsFollow();
}

TEST_F(PermitsTest, TheOrderIsOneInWhichWhatIsRequiredComesFirst) {
  world_.PublishPackage("acme/zlib", "1.0.0");
  const Digest digest =
      world_.Ready(world_.MakeRelease("pair", "1.0.0", {"acme/api", "acme/zlib"}));
  const std::string id = world_.Issue(world_.Ask(digest));
  const PermitVerdict verdict = VerifyPermitBundle(world_.Bundle(id).value(), world_.Root(),
                                                   world_.Now(), world_.NodeMemory("web-1"));
  ASSERT_TRUE(verdict.status.ok()) << verdict.status;
  EXPECT_EQ(verdict.permit.order.size(), 2u);
}

}  // namespace
}  // namespace dml
