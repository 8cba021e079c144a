#include "core/release/risk.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/release/release_builder.h"

namespace dml {
namespace {

using testing::Configure;
using testing::Install;
using testing::ReleaseOf;
using testing::Remove;
using testing::Upgrade;

TEST(RiskTest, CountsWhatTheDocumentTells) {
  Release release = ReleaseOf({Install("acme/a@1.0.0"), Upgrade("acme/b@1.3.0", "1.2.0"),
                               Upgrade("acme/c@2.0.0", "1.9.9"), Upgrade("acme/d@1.0.0", "1.0.1"),
                               Upgrade("acme/e@1:2-3", "1:2-2"), Remove("acme/f@1.0.0"),
                               Configure("acme/g@1.0.0", "x")});
  release.type = ReleaseType::kEmergency;
  release.changes.push_back(testing::Change("CHG-2", ChangeRisk::kMedium));
  release.changes.push_back(testing::Change("CHG-3", ChangeRisk::kUnknown));
  release.changes.push_back(testing::Change("CHG-4", ChangeRisk::kHigh));
  release.changes[3].authorized_by = "";
  release.items[0].changes = {"CHG-4"};
  release.items[5].changes = {};
  const RiskFacts facts = RiskFactsOf(release);
  EXPECT_EQ(facts, (RiskFacts{.installs = 1,
                              .upgrades = 4,
                              .removals = 1,
                              .configurations = 1,
                              .major_jumps = 2,  // c, and e, of which nobody can tell.
                              .downgrades = 1,
                              .unauthorized_items = 2,
                              .high_risk_changes = 2,
                              .medium_risk_changes = 1,
                              .emergencies = 1}));
  EXPECT_EQ(DescribeRisk(ScoreRisk(facts)),
            "129: installs 2 (1), upgrades 4 (4), removals 3 (1), configurations 2 (1), "
            "major-jumps 20 (2), downgrades 15 (1), unauthorized-items 40 (2), "
            "high-risk-changes 20 (2), medium-risk-changes 3 (1), emergencies 20 (1)");
}

TEST(RiskTest, NothingIsNoRisk) {
  EXPECT_EQ(ScoreRisk({}).total, 0u);
  EXPECT_EQ(DescribeRisk(ScoreRisk({})), "0");
}

TEST(RiskTest, EachFactCountsByItsWeightUpToItsMost) {
  for (const RiskWeight& weight : RiskWeights()) {
    RiskFacts facts;
    facts.*weight.count = 1;
    EXPECT_EQ(ScoreRisk(facts).total, weight.points) << weight.fact;
    facts.*weight.count = weight.per;
    EXPECT_EQ(ScoreRisk(facts).total, weight.points) << weight.fact;
    facts.*weight.count = weight.per + 1ull;
    EXPECT_EQ(ScoreRisk(facts).total, std::min(weight.most, 2 * weight.points)) << weight.fact;
    for (uint64_t many : {uint64_t{1} << 32, std::numeric_limits<uint64_t>::max()}) {
      facts.*weight.count = many;
      EXPECT_EQ(ScoreRisk(facts).total, weight.most) << weight.fact;
    }
    ASSERT_EQ(ScoreRisk(facts).parts.size(), 1u);
    EXPECT_EQ(ScoreRisk(facts).parts[0].fact, weight.fact);
  }
}

TEST(RiskTest, MoreOfAFactIsNeverLess) {
  for (const RiskWeight& weight : RiskWeights()) {
    uint32_t last = 0;
    for (uint64_t count = 0; count < 1200; ++count) {
      RiskFacts facts;
      facts.*weight.count = count;
      const uint32_t total = ScoreRisk(facts).total;
      ASSERT_GE(total, last) << weight.fact << " " << count;
      last = total;
    }
    EXPECT_EQ(last, weight.most) << weight.fact;
  }
}

}  // namespace
}  // namespace dml
