// Several people at once: each act is entered whole or not at all, and nobody's is lost.
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "storage/library/rollouts.h"
#include "tests/support/release_world.h"

namespace dml {
namespace {

using testing::ReleaseWorld;

constexpr char kPlace[] = "production/eu";

class ReleaseRaceTest : public ::testing::Test, protected ReleaseWorld {
 protected:
  // The reasons of what came of two commands that are sent at the same time, in any order.
  std::multiset<std::string> AtOnce(Command first, Command second) {
    std::vector<Command> commands = {std::move(first), std::move(second)};
    std::vector<std::string> reasons(commands.size());
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < commands.size(); ++i) {
        commands[i].author = "tester";
        threads.emplace_back(
            [&, i] { reasons[i] = Reason(library->Commit(std::move(commands[i])).status()); });
      }
    }
    return {reasons.begin(), reasons.end()};
  }
  Command Approval(const Digest& release, const PrivateKey& key) {
    return PrepareApproval(
               *library->Read(), *library.Domain(), release,
               testing::Envelope(key, release, kApprovalPredicate,
                                 FormatApprovalClaim({kPlace, Sha256("findings"),
                                                      *ParseTime("2030-01-01T00:00:00Z")})))
        .value();
  }
  Command Steering(const Digest& release, RolloutAction action, const std::string& etag) {
    Command out;
    out.payload = RolloutSteered{release, kPlace, action, "why", etag};
    return out;
  }
};

TEST_F(ReleaseRaceTest, TwoApproversBothCount) {
  for (int round = 0; round < 5; ++round) {
    const Digest release = Seal(fmt::format("1.{}.0", round));
    EXPECT_EQ(AtOnce(Approval(release, amy), Approval(release, ann)),
              (std::multiset<std::string>{"", ""}));
    std::set<Digest> approvers;
    const auto envelopes = *LibraryView(*library->Read()).ReleaseEnvelopes(release);
    for (const ReleaseEnvelopeRecord& record : envelopes) {
      if (record.is_approval()) {
        approvers.insert(record.envelope.key_ids.begin(), record.envelope.key_ids.end());
      }
    }
    EXPECT_EQ(approvers, (std::set<Digest>{amy.public_key().id(), ann.public_key().id()}));
    EXPECT_EQ(Deployment(release)->state, DeploymentState::kApproved);
  }
  ExpectViewsFollow();
}

// attack: one approval sent twice at once.
TEST_F(ReleaseRaceTest, OneApprovalTwiceCountsOnce) {
  const Digest release = Seal("1.0.0");
  const Command approval = Approval(release, amy);
  EXPECT_EQ(AtOnce(approval, approval),
            (std::multiset<std::string>{"", "RELEASE_ENVELOPE_EXISTS"}));
}

TEST_F(ReleaseRaceTest, OneRolloutAndOneHandOnIt) {
  RolloutPlan plan;
  plan.waves = {{{}, 100}};
  const Digest release = Seal("1.0.0");
  Approve(release);
  const std::string permit = Permit(release);
  const auto start = [&] {
    return PrepareRollout(*library->Read(), release, kPlace, permit, plan).value();
  };
  std::multiset<std::string> reasons = AtOnce(start(), start());
  EXPECT_EQ(reasons.count(""), 1u);
  // The other one was decided on a state that is gone, or finds the rollout there.
  EXPECT_EQ(reasons.count("STATE_CHANGED") + reasons.count("ROLLOUT_EXISTS"), 1u);

  const std::string etag =
      LibraryView(*library->Read()).FindRollout(release, kPlace)->value().Etag();
  EXPECT_EQ(AtOnce(Steering(release, RolloutAction::kPause, etag),
                   Steering(release, RolloutAction::kBackOut, etag)),
            (std::multiset<std::string>{"", "ETAG_MISMATCH"}));
  ExpectViewsFollow();
}

}  // namespace
}  // namespace dml
