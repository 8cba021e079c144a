// Who wants a permit that the rules do not give, and who wants one to be good for something else.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/views/projector.h"
#include "tests/support/dying_engine.h"
#include "tests/support/entitlement_terms.h"
#include "tests/support/permit_world.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::DyingEngine;
using ::testing::IsEmpty;
using testing::PermitWorld;
using testing::TestLibrary;

std::set<std::string> Denied(const std::vector<Finding>& findings) {
  std::set<std::string> out;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kError) out.insert(finding.rule);
  }
  return out;
}

class PermitAttacksTest : public ::testing::Test {
 protected:
  std::set<std::string> DeniedNow(const Digest& digest) {
    const auto decision = world_.Decide(world_.Ask(digest));
    EXPECT_TRUE(decision.ok()) << decision.status();
    return decision.ok() ? Denied(decision->findings) : std::set<std::string>();
  }

  TestLibrary library_;
  PermitWorld world_{library_};
};

TEST_F(PermitAttacksTest, AnApprovalIsForItsReleaseAndItsFindings) {
  const Digest first = world_.Ready(world_.release);
  Release other = world_.MakeRelease("payments", "1.0.1", {"acme/api"});
  const Digest second = world_.Seal(other);
  // The approval of the first, sent for the second.
  const auto envelopes = *LibraryView(*library_->Read()).ReleaseEnvelopes(first);
  for (const ReleaseEnvelopeRecord& record : envelopes) {
    if (!record.is_approval()) continue;
    const std::string text = ReadMetadata(*library_->Read(), record.envelope.envelope).value();
    EXPECT_EQ(world_.Commit(PrepareApproval(*library_->Read(), *library_.Domain(), second, text)),
              "SUBJECT_UNEXPECTED");
    EXPECT_EQ(world_.Commit(PrepareApproval(*library_->Read(), *library_.Domain(), first, text)),
              "RELEASE_ENVELOPE_EXISTS")
        << "nor does it count twice";
  }
  EXPECT_EQ(DeniedNow(second), (std::set<std::string>{"approval.missing"}));
  // One for other findings than there are.
  EXPECT_EQ(world_.Approve(second, world_.amy, "production/eu", Sha256("others")), "");
  EXPECT_EQ(DeniedNow(second), (std::set<std::string>{"approval.missing"}));
  // One for another place.
  EXPECT_EQ(world_.Approve(second, world_.amy, "production"), "");
  EXPECT_EQ(DeniedNow(second), (std::set<std::string>{"approval.missing"}));
  EXPECT_EQ(world_.Approve(second, world_.amy), "");
  EXPECT_EQ(DeniedNow(second), std::set<std::string>());
}

TEST_F(PermitAttacksTest, NobodyApprovesTheirOwn) {
  const Digest digest = world_.Seal(world_.release);
  // Pat published the item, and is an approver, too.
  library_.Register(library_.publisher(), "pat", "approver", "*");
  EXPECT_EQ(world_.Approve(digest, library_.publisher()), "");
  EXPECT_EQ(DeniedNow(digest), (std::set<std::string>{"approval.missing"}));
  // Whoever asks for the permit is not who approved it.
  EXPECT_EQ(world_.Approve(digest, world_.amy), "");
  PermitRequest request = world_.Ask(digest);
  request.deployer = "amy";
  EXPECT_EQ(Denied(world_.Decide(request)->findings), (std::set<std::string>{"approval.missing"}));
}

// attack 44: what is decided on cannot be another thing when it is carried out.
TEST_F(PermitAttacksTest, WhatChangesBetweenDecisionAndEntryIsDecidedAgain) {
  const Digest digest = world_.Ready(world_.release);
  const auto changes = std::vector<std::pair<std::string, std::function<std::string()>>>{
      {"a withdrawn item",
       [&] {
         return std::string(
             Reason(library_.Commit(VersionWithdrawn{world_.release.items[0].variant, "loses data"})
                        .status()));
       }},
      {"a key",
       [&] {
         return std::string(
             Reason(library_.Commit(KeyRevoked{world_.amy.public_key().id(), "lost"}).status()));
       }},
      {"the policy",
       [&] {
         return world_.SetPolicy("production", std::string(testing::kPermitPolicy) + "# 2\n");
       }},
      {"the policy above, shadowed",
       [&] {
         return world_.SetPolicy("production/eu", std::string(testing::kPermitPolicy) + "# 3\n");
       }},
      {"a node",
       [&] {
         return std::string(
             Reason(library_.Commit(NodeCreated{"production/eu", "new", {}}).status()));
       }},
      {"an environment below",
       [&] {
         return std::string(
             Reason(library_.Commit(EnvironmentCreated{"production/eu/west", "", {}}).status()));
       }},
      {"the release itself", [&] {
         const auto record = *LibraryView(*library_->Read()).FindRelease(digest);
         return std::string(
             Reason(library_.Commit(ReleaseWithdrawn{digest, "no", record->Etag()}).status()));
       }}};
  for (const auto& [what, change] : changes) {
    auto decision = world_.Decide(world_.Ask(digest));
    ASSERT_TRUE(decision.ok()) << what << decision.status();
    ASSERT_EQ(change(), "") << what;
    EXPECT_EQ(Reason(world_.Carry(*std::move(decision)).status()), "STATE_CHANGED") << what;
  }
  EXPECT_EQ(DeniedNow(digest),
            (std::set<std::string>{"approval.missing", "content.withdrawn", "release.state"}));
}

// attack 35: nothing that a document names is fetched; see also
// tests/integration/named_urls_test.cc.
TEST_F(PermitAttacksTest, LinksOfChangesAreTextAndNothingElse) {
  Release release = world_.MakeRelease("links", "1.0.0", {"acme/api"});
  release.changes[0].link = "http://169.254.169.254/latest/meta-data";
  const Digest digest = world_.Ready(release);
  const std::string id = world_.Issue(world_.Ask(digest));
  const PermitBundle bundle = world_.Bundle(id).value();
  EXPECT_NE(bundle.release.find("169.254.169.254"), std::string::npos);
  EXPECT_EQ(world_.Verify(bundle, world_.NodeMemory("web-1")), "") << world_.last_verdict;
  EXPECT_EQ(bundle.permit.find("169.254"), std::string::npos);
}

// attack T10: a publisher of one namespace cannot have its packages permitted as those of another.
TEST_F(PermitAttacksTest, WhoPublishesElsewhereDoesNotCountHere) {
  const Digest digest = world_.Ready(world_.release);
  EXPECT_EQ(DeniedNow(digest), std::set<std::string>());
  // From now on pat publishes other/* alone, and somebody else acme/*.
  TrustRoot& root = library_.trust().root();
  root.roles.erase(SigningRole::kPublisher);
  const PrivateKey ann = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.trust().Give(library_.publisher().public_key(), "pat", SigningRole::kPublisher, "other");
  library_.Register(ann, "ann", "publisher", "acme");
  const std::set<std::string> denied = DeniedNow(digest);
  EXPECT_TRUE(denied.contains("signature.threshold") || denied.contains("signature.trust"))
      << ::testing::PrintToString(denied);
  const std::string id = world_.Issue(world_.Ask(digest));
  EXPECT_FALSE(world_.Record(id).decided.allowed);
}

TEST_F(PermitAttacksTest, APermitIsForItsReleaseAlone) {
  const Digest first = world_.Ready(world_.release);
  const Digest second = world_.Ready(world_.MakeRelease("payments", "1.0.1", {"acme/api"}));
  const PermitBundle one = world_.Bundle(world_.Issue(world_.Ask(first))).value();
  const PermitBundle two = world_.Bundle(world_.Issue(world_.Ask(second))).value();
  const PermitMemory node = world_.NodeMemory("web-1");
  ASSERT_EQ(world_.Verify(one, node), "") << world_.last_verdict;
  ASSERT_EQ(world_.Verify(two, node), "") << world_.last_verdict;
  // Each part of one in the other.
  using Part = void (*)(PermitBundle&, const PermitBundle&);
  for (const auto& [what, part] : std::vector<std::pair<std::string, Part>>{
           {"permit", [](PermitBundle& to, const PermitBundle& from) { to.permit = from.permit; }},
           {"release",
            [](PermitBundle& to, const PermitBundle& from) {
              to.release = from.release;
              to.release_envelope = from.release_envelope;
            }},
           {"approvals",
            [](PermitBundle& to, const PermitBundle& from) { to.approvals = from.approvals; }},
           {"log proof",
            [](PermitBundle& to, const PermitBundle& from) { to.log_proof = from.log_proof; }}}) {
    PermitBundle mixed = one;
    part(mixed, two);
    EXPECT_NE(world_.Verify(mixed, node), "") << what;
  }
}

TEST_F(PermitAttacksTest, TwoAtOnceGetOneSeatOnce) {
  const std::string contract = "contract";
  ASSERT_TRUE(
      library_
          .Commit(MediaRegistered{
              "acme/contract", MediaKind::kDocument, "t", "vault", "pat", 1, Sha256(contract), {}})
          .ok());
  Entitlement terms;
  terms.id = "db-2026";
  terms.product = "db";
  terms.vendor = "acme";
  terms.quantity = 1;
  terms.start = *ParseTime("2026-01-01T00:00:00Z");
  terms.expiry = *ParseTime("2027-01-01T00:00:00Z");
  terms.contract_digest = Sha256(contract).ToString();
  ASSERT_TRUE(library_.Commit(testing::Granted(terms), {testing::kSomeEnvelope}).ok());
  const Digest digest = world_.Ready(world_.release);
  PermitRequest request = world_.Ask(digest);
  request.seats = {{"db-2026", "web-1", 1}};
  auto one = world_.Decide(request);
  auto two = world_.Decide(request);
  ASSERT_TRUE(one->allowed && two->allowed) << "both on the same state";
  EXPECT_EQ(Reason(world_.Carry(*std::move(one)).status()), "");
  const std::string refused = std::string(Reason(world_.Carry(*std::move(two)).status()));
  EXPECT_TRUE(refused == "SEATS_EXHAUSTED" || refused == "STATE_CHANGED") << refused;
  EXPECT_FALSE(world_.Decide(request)->allowed);
}

TEST_F(PermitAttacksTest, TwoReleasesAtOnceDoNotBothStart) {
  ASSERT_EQ(world_.SetPolicy("production",
                             std::string(testing::kPermitPolicy) + "scope: [{rollouts: 1}]\n"),
            "");
  const Digest first = world_.Ready(world_.release);
  const Digest second = world_.Ready(world_.MakeRelease("other", "1.0.0", {"acme/api"}));
  auto one = world_.Decide(world_.Ask(first));
  auto two = world_.Decide(world_.Ask(second));
  ASSERT_TRUE(one->allowed && two->allowed);
  EXPECT_EQ(Reason(world_.Carry(*std::move(one)).status()), "");
  EXPECT_EQ(Reason(world_.Carry(*std::move(two)).status()), "STATE_CHANGED");
  EXPECT_EQ(DeniedNow(second), (std::set<std::string>{"scope.rollouts"}))
      << "what is permitted may start at any moment";
}

TEST_F(PermitAttacksTest, ARequestIsAnsweredOnce) {
  const Digest digest = world_.Ready(world_.release);
  const PermitRequest request = world_.Ask(digest);
  auto decision = world_.Decide(request);
  const std::string id = decision->decided().id;
  ASSERT_EQ(Reason(world_.Carry(*std::move(decision), "r-1").status()), "");
  const auto answered = FindAnswered(*library_->Read(), "dora", "r-1", request.ToDigest());
  ASSERT_TRUE(answered.ok()) << answered.status();
  ASSERT_TRUE(answered->has_value());
  EXPECT_EQ((*answered)->decided.id, id);
  PermitRequest other = request;
  other.nodes = {"web-1"};
  EXPECT_EQ(Reason(FindAnswered(*library_->Read(), "dora", "r-1", other.ToDigest()).status()),
            "REQUEST_ID_REUSED");
  EXPECT_FALSE(FindAnswered(*library_->Read(), "eve", "r-1", request.ToDigest())->has_value())
      << "ids are each author's own";
  // Another decision under the same id is refused by the sequencer.
  EXPECT_EQ(Reason(world_.Carry(*world_.Decide(request), "r-1").status()), "REQUEST_ID_REUSED");
}

// Killed at the entry: either all of it is there or nothing, and the permit is made again.
TEST(PermitCrashTest, WhatIsThereAfterAKillIsWhatWasDecided) {
  for (const bool last_is_done : {false, true}) {
    SCOPED_TRACE(last_is_done);
    const auto dying = std::make_shared<DyingEngine>(NewMemoryEngine(), INT_MAX, last_is_done);
    TestLibrary library(std::make_unique<testing::ForwardingEngine>(dying));
    PermitWorld world(library);
    const Digest digest = world.Ready(world.release);
    const PermitRequest request = world.Ask(digest);
    auto decision = world.Decide(request);
    const std::string id = decision->decided().id;
    dying->Allow(1);
    EXPECT_FALSE(world.Carry(*std::move(decision), "r-1").ok());
    dying->Allow(INT_MAX);
    // As after a restart: whoever asked asks again.
    library.Commit(EnvironmentCreated{"after", "", {}}).IgnoreError();
    auto answered = FindAnswered(*library->Read(), "dora", "r-1", request.ToDigest());
    ASSERT_TRUE(answered.ok()) << answered.status();
    EXPECT_EQ(answered->has_value(), last_is_done);
    if (!answered->has_value()) {
      EXPECT_EQ(world.Record(id).decided.id, "") << "nothing of it is there";
      EXPECT_EQ(world.Deployment(digest)->state, DeploymentState::kApproved);
      ASSERT_TRUE(world.Carry(*world.Decide(request), "r-1").ok());
      answered = FindAnswered(*library->Read(), "dora", "r-1", request.ToDigest());
    }
    ASSERT_TRUE(answered->has_value());
    const std::string there = (*answered)->decided.id;
    // The same permit each time that it is made.
    const PermitBundle one = world.Bundle(there).value();
    const PermitBundle two = world.Bundle(there).value();
    EXPECT_EQ(one, two);
    EXPECT_EQ(world.Verify(one, world.NodeMemory("web-1")), "") << world.last_verdict;
    EXPECT_THAT(library->VerifyViews().value().differing_keys, IsEmpty());
  }
}

}  // namespace
}  // namespace dml
