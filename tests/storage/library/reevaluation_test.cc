// What was let go is judged again when what it was judged by changes.
#include "storage/library/reevaluation.h"

#include <gtest/gtest.h>

#include "storage/library/history_cache.h"
#include "storage/library/rollouts.h"
#include "storage/views/list_view.h"
#include "tests/support/release_world.h"

namespace dml {
namespace {

using testing::NameOf;
using testing::ReleaseWorld;
using testing::SpecBuilder;

constexpr char kPlace[] = "production/eu";

class ReevaluationTest : public ::testing::Test, protected ReleaseWorld {
 protected:
  ReevaluationTest() {
    SetPolicy("MIT");
    release_ = Seal("1.0.0");
    Approve(release_);
    Permit(release_);
  }
  void SetPolicy(std::string_view license) {
    const std::string policy = fmt::format(
        "schema: dml.policy/v1\ncontent: {{allowedNamespaces: [acme]}}\nsignatures: {{threshold: "
        "1}}\nlicenses: {{allow: [{}]}}\n",
        license);
    const auto before = *LibraryView(*library->Read()).FindPolicy("production");
    Do(PolicySet{"production",
                 {Sha256(policy), policy.size()},
                 before.has_value() ? before->Etag() : ""},
       {policy});
  }
  void Deploy(const Digest& release) {
    RolloutPlan plan;
    plan.waves = {{{}, 100}};
    const auto permit = Permit(release);
    ASSERT_EQ(Try(PrepareRollout(*library->Read(), release, kPlace, permit, plan)), "") << last;
    for (int i = 1; i <= 4; ++i) {
      const std::string node = fmt::format("environments/production/eu/nodes/web-{}", i);
      for (const NodeStage stage :
           {NodeStage::kStaged, NodeStage::kInstalled, NodeStage::kActive, NodeStage::kConfirmed}) {
        ASSERT_EQ(Try(PrepareReport({release, kPlace, node, stage, "", {}}, "")), "") << last;
      }
    }
  }
  size_t Run() {
    const auto made = reevaluator_.Run();
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(99);
  }
  std::vector<std::string> Found(const Digest& release) {
    auto state = library->Read();
    const auto record = LibraryView(*state).FindReevaluation(release, kPlace);
    std::vector<std::string> out;
    if (!record.ok() || !record->has_value()) return out;
    const auto findings = ReadReevaluation(*state, (*record)->found);
    EXPECT_TRUE(findings.ok()) << findings.status();
    for (const Finding& finding : *findings) out.push_back(finding.rule);
    return out;
  }

  TrustCache trust_;
  PolicyCache policies_;
  Reevaluator reevaluator_{*library, trust_, policies_, "dmld"};
  Digest release_;
};

TEST_F(ReevaluationTest, AChangedPolicyIsFoundOnceAndItsMendingToo) {
  EXPECT_EQ(Run(), 0u) << "all is well";
  SetPolicy("Apache-2.0");
  EXPECT_EQ(Run(), 1u);
  EXPECT_EQ(Found(release_), (std::vector<std::string>{"license.review"}));
  EXPECT_EQ(Run(), 0u) << "nothing has changed since";
  Do(NamespaceCreated{"other", "", {}});
  EXPECT_EQ(Run(), 0u) << "nothing that matters";
  const auto record = *LibraryView(*library->Read()).FindReevaluation(release_, kPlace);
  EXPECT_EQ(record->found.new_findings, 1u);
  EXPECT_EQ(record->author, "dmld");
  SetPolicy("MIT");
  EXPECT_EQ(Run(), 1u);
  EXPECT_EQ(Found(release_), std::vector<std::string>());
  ExpectViewsFollow();
}

TEST_F(ReevaluationTest, AWithdrawnVersionAndARevokedKeyAreFound) {
  Deploy(release_);
  EXPECT_EQ(Run(), 0u);
  Do(VersionWithdrawn{NameOf(SpecBuilder("acme/api", "1.0.0").Build()), "loses data"});
  EXPECT_EQ(Run(), 1u);
  EXPECT_EQ(Found(release_), (std::vector<std::string>{"content.withdrawn"}));
  Do(KeyRevoked{library.publisher().public_key().id(), "stolen"});
  EXPECT_EQ(Run(), 1u);
  const auto record = *LibraryView(*library->Read()).FindReevaluation(release_, kPlace);
  EXPECT_GT(record->found.new_findings, 0u);
  EXPECT_GT(record->found.findings, record->found.new_findings);

  HistoryCache history;
  const auto measures = history.Compute(*library->Read(), {});
  for (const Measure& measure : measures->periods.front().measures) {
    if (measure.id == "findings-open") {
      EXPECT_EQ(measure.count, record->found.findings);
    }
  }
}

TEST_F(ReevaluationTest, WhatWasReplacedIsNotJudgedAnyMore) {
  Deploy(release_);
  const Digest next = Seal("1.1.0");
  Approve(next);
  Deploy(next);
  EXPECT_EQ(Run(), 0u);
  SetPolicy("Apache-2.0");
  EXPECT_EQ(Run(), 1u);
  EXPECT_EQ(Found(release_), std::vector<std::string>()) << "it is not there any more";
  EXPECT_EQ(Found(next), (std::vector<std::string>{"license.review"}));
  EXPECT_EQ(ListView(*library->Read()).Reevaluations("", {})->items.size(), 1u);
  EXPECT_EQ(ListView(*library->Read()).Reevaluations("staging", {})->items.size(), 0u);
}

// A start folds the whole journal, and asked bit by bit it comes to the same.
TEST_F(ReevaluationTest, MeasuresAreTheSameHoweverOftenTheyAreAskedFor) {
  HistoryCache growing;
  ASSERT_TRUE(growing.Compute(*library->Read(), {}).ok());
  Deploy(release_);
  ASSERT_TRUE(growing.Compute(*library->Read(), {}).ok());
  SetPolicy("Apache-2.0");
  Run();
  const auto at_once = HistoryCache().Compute(*library->Read(), {.by = MeasureSpan::kDay});
  const auto bit_by_bit = growing.Compute(*library->Read(), {.by = MeasureSpan::kDay});
  ASSERT_TRUE(at_once.ok() && bit_by_bit.ok());
  EXPECT_EQ(at_once->periods, bit_by_bit->periods);
  EXPECT_EQ(at_once->index, bit_by_bit->index);
}

}  // namespace
}  // namespace dml
