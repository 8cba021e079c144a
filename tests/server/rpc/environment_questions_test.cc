// CheckEnvironment, PlanUpgradeOrder and WhatBreaksIf over gRPC.
#include <gmock/gmock.h>

#include "tests/server/support/compatibility_fixture.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::SpecBuilder;
using testing::Target;

std::string Variant(const std::string& name, const std::string& version) {
  return "packages/acme/" + name + "/versions/" + version + "/variants/any";
}

class EnvironmentServiceTest : public testing::CompatibilityServiceFixture {
 protected:
  /// api 2 needs ledger >= 2 in the environment; api 1 and ledger are content with anything.
  EnvironmentServiceTest() {
    Publish(SpecBuilder("acme/api", "1").Build());
    Publish(SpecBuilder("acme/api", "2")
                .Requires({Target("acme/ledger", "vers:deb/>=2")}, RelationScope::kEnvironment)
                .Build());
    Publish(SpecBuilder("acme/ledger", "1").Build());
    Publish(SpecBuilder("acme/ledger", "2").Build());
    Publish(SpecBuilder("acme/driver", "1").On("linux", "arm64").Build());
  }
  template <typename Request>
  static v1::NodeState* AddNode(Request& request, const std::string& name,
                                const std::vector<std::string>& runs, uint32_t count = 0) {
    v1::NodeState* node = request.add_nodes();
    node->set_name(name);
    node->set_count(count);
    for (const std::string& variant : runs) node->add_runs(variant);
    return node;
  }
  std::string Check() { return Call(&Stub::CheckEnvironment, check_, checked_); }
  std::string Plan() { return Call(&Stub::PlanUpgradeOrder, plan_, planned_); }
  std::string Breaks() { return Call(&Stub::WhatBreaksIf, breaks_, broken_); }
  std::vector<std::string> Steps() const {
    std::vector<std::string> out;
    for (const v1::UpgradeStep& step : planned_.steps()) {
      out.push_back(fmt::format("{}: {} {}", step.wave(), step.node(), step.count()));
    }
    return out;
  }

  v1::CheckEnvironmentRequest check_;
  v1::CheckEnvironmentResponse checked_;
  v1::PlanUpgradeOrderRequest plan_;
  v1::PlanUpgradeOrderResponse planned_;
  v1::WhatBreaksIfRequest breaks_;
  v1::WhatBreaksIfResponse broken_;
};

TEST_F(EnvironmentServiceTest, SaysWhatIsWrongWhereAndWhoSignedIt) {
  AddNode(check_, "web-1", {Variant("api", "1")});
  AddNode(check_, "db", {Variant("ledger", "1")});
  ASSERT_EQ(Check(), "");
  EXPECT_EQ(checked_.outcome(), v1::COMPATIBILITY_OUTCOME_COMPATIBLE);
  EXPECT_EQ(checked_.index(), JournalSize());

  check_.mutable_nodes(0)->set_runs(0, Variant("api", "2"));
  ASSERT_EQ(Check(), "");
  EXPECT_EQ(checked_.outcome(), v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE);
  ASSERT_EQ(checked_.violations_size(), 1);
  const v1::EnvironmentFinding& found = checked_.violations(0);
  EXPECT_EQ(found.finding().rule(), "compatibility.wrong-version");
  EXPECT_EQ(found.finding().subject(), Variant("api", "2"));
  EXPECT_EQ(found.source(), "requires 0");
  EXPECT_THAT(found.signers(), ElementsAre("pat"));
  EXPECT_EQ(found.node(), "") << "about the environment as a whole";
}

TEST_F(EnvironmentServiceTest, AlikeNodesAreOneAndCounted) {
  const std::string driver = "packages/acme/driver/versions/1/variants/linux-arm64";
  AddNode(check_, "a", {driver}, 3)->set_platform("linux-amd64");
  AddNode(check_, "b", {driver})->set_platform("linux-arm64");
  AddNode(check_, "c", {driver})->set_platform("linux-amd64");
  ASSERT_EQ(Check(), "");
  ASSERT_EQ(checked_.violations_size(), 1);
  EXPECT_EQ(checked_.violations(0).node(), "a");
  EXPECT_EQ(checked_.violations(0).nodes(), 4u);
  EXPECT_EQ(checked_.violations(0).finding().rule(), "compatibility.platform-mismatch");
}

TEST_F(EnvironmentServiceTest, AChangeIsJudgedByWhatIsNew) {
  AddNode(check_, "web-1", {Variant("api", "2")});
  AddNode(check_, "db", {Variant("ledger", "1")});
  check_.add_install(Variant("ledger", "2"));
  check_.add_install_on("db");
  ASSERT_EQ(Check(), "");
  EXPECT_EQ(checked_.outcome(), v1::COMPATIBILITY_OUTCOME_COMPATIBLE);
  check_.set_install(0, Variant("api", "1"));
  ASSERT_EQ(Check(), "");
  EXPECT_EQ(checked_.outcome(), v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE);
  EXPECT_TRUE(checked_.violations(0).before());
  check_.set_install_on(0, "dbb");
  EXPECT_EQ(Check(), "NODE_UNKNOWN");
  EXPECT_EQ(fields(), "install_on[0]");
}

TEST_F(EnvironmentServiceTest, WhatBreaksIsWhatWasNotWrongBefore) {
  AddNode(breaks_, "web", {Variant("api", "2")});
  AddNode(breaks_, "db", {Variant("ledger", "2")});
  breaks_.add_remove("packages/acme/ledger");
  ASSERT_EQ(Breaks(), "");
  EXPECT_EQ(broken_.outcome(), v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE);
  ASSERT_EQ(broken_.violations_size(), 1);
  EXPECT_EQ(broken_.violations(0).finding().rule(), "compatibility.requirement-missing");
  EXPECT_THAT(broken_.violations(0).signers(), ElementsAre("pat"));
  breaks_.set_remove(0, Variant("ledger", "1"));
  EXPECT_EQ(Breaks(), "NOTHING_CHANGES") << "another version runs";
  breaks_.clear_remove();
  EXPECT_EQ(Breaks(), "CHANGE_REQUIRED");
  breaks_.add_upgrade(Variant("ledger", "1"));
  ASSERT_EQ(Breaks(), "");
  EXPECT_EQ(broken_.violations(0).finding().rule(), "compatibility.wrong-version");

  breaks_.mutable_nodes(1)->set_runs(0, Variant("ledger", "1"));
  breaks_.set_upgrade(0, Variant("api", "1"));
  ASSERT_EQ(Breaks(), "");
  EXPECT_EQ(broken_.outcome(), v1::COMPATIBILITY_OUTCOME_COMPATIBLE) << "it mends something";
}

TEST_F(EnvironmentServiceTest, PlansAnOrderThatKeepsEverythingCompatible) {
  AddNode(plan_, "web", {Variant("api", "1")}, 2);
  AddNode(plan_, "db", {Variant("ledger", "1")});
  plan_.add_upgrade(Variant("api", "2"));
  plan_.add_upgrade(Variant("ledger", "2"));
  ASSERT_EQ(Plan(), "");
  EXPECT_EQ(planned_.outcome(), v1::RESOLVE_OUTCOME_SOLVED);
  EXPECT_THAT(Steps(), ElementsAre("1: db 1", "2: web 2"));
  EXPECT_EQ(planned_.wave_count(), 2u);
  EXPECT_EQ(planned_.step_count(), 2u);
  plan_.set_page_size(1);
  ASSERT_EQ(Plan(), "");
  EXPECT_THAT(Steps(), ElementsAre("1: db 1"));
  plan_.set_page_token(planned_.next_page_token());
  ASSERT_EQ(Plan(), "");
  EXPECT_THAT(Steps(), ElementsAre("2: web 2"));
}

TEST_F(EnvironmentServiceTest, SaysWhatLeavesNoOrder) {
  AddNode(plan_, "web", {Variant("api", "1")});
  AddNode(plan_, "db", {Variant("ledger", "1")});
  plan_.mutable_nodes(0)->add_target(Variant("api", "2"));
  ASSERT_EQ(Plan(), "");
  EXPECT_EQ(planned_.outcome(), v1::RESOLVE_OUTCOME_UNSOLVABLE);
  EXPECT_TRUE(planned_.minimal());
  ASSERT_EQ(planned_.reasons_size(), 1);
  EXPECT_EQ(planned_.reasons(0).node(), "web");
  EXPECT_EQ(planned_.reasons(0).source(), "requires 0");
  EXPECT_THAT(planned_.reasons(0).signers(), ElementsAre("pat"));

  plan_.set_max_steps(1);
  ASSERT_EQ(Plan(), "");
  EXPECT_EQ(planned_.outcome(), v1::RESOLVE_OUTCOME_UNDECIDED);
  EXPECT_THAT(planned_.steps(), IsEmpty());
}

TEST_F(EnvironmentServiceTest, WhatWasWithdrawnMayStillRun) {
  ASSERT_TRUE(
      library_.Commit(VersionWithdrawn{NameOf(SpecBuilder("acme/ledger", "1").Build()), "bad"})
          .ok());
  AddNode(check_, "db", {Variant("ledger", "1")});
  EXPECT_EQ(Check(), "");
  check_.mutable_nodes(0)->set_runs(0, Variant("ledger", "3"));
  EXPECT_EQ(Check(), "VARIANT_NOT_FOUND");
  EXPECT_EQ(fields(), "nodes[0].runs[0]");
}

// attack 43
TEST_F(EnvironmentServiceTest, OthersAskAboutTheirNamespacesAlone) {
  Publish(SpecBuilder("other/tls", "1").Build());
  AddNode(check_, "a", {"packages/other/tls/versions/1/variants/any"});
  Be({{"reader", "namespaces/acme"}});
  EXPECT_EQ(Check(), "ROLE_REQUIRED");
  check_.mutable_nodes(0)->set_runs(0, "packages/other/none/versions/1/variants/any");
  EXPECT_EQ(Check(), "ROLE_REQUIRED") << "as for one that is there";
  check_.mutable_nodes(0)->set_runs(0, Variant("api", "1"));
  EXPECT_EQ(Check(), "");
  Be({{"node", ""}});
  EXPECT_EQ(Check(), "ROLE_REQUIRED");
  EXPECT_EQ(Plan(), "ROLE_REQUIRED");
  EXPECT_EQ(Breaks(), "ROLE_REQUIRED");
}

TEST_F(EnvironmentServiceTest, BadInputIsRefusedWithItsField) {
  EXPECT_EQ(Check(), "NODES_REQUIRED");
  AddNode(check_, "", {});
  EXPECT_EQ(Check(), "NODE_NAME_INVALID");
  EXPECT_EQ(fields(), "nodes[0].name");
  check_.mutable_nodes(0)->set_name("a");
  AddNode(check_, "a", {});
  EXPECT_EQ(Check(), "NODE_NAME_INVALID") << "twice";
  EXPECT_EQ(fields(), "nodes[1].name");
  check_.mutable_nodes(1)->set_name(std::string(254, 'a'));
  EXPECT_EQ(Check(), "NODE_NAME_INVALID");
  check_.mutable_nodes(1)->set_name("b\n");
  EXPECT_EQ(Check(), "NODE_NAME_INVALID");
  check_.mutable_nodes(1)->set_name("b");
  check_.mutable_nodes(1)->set_platform("Linux");
  EXPECT_EQ(Check(), "NAME_INVALID");
  EXPECT_EQ(fields(), "nodes[1].platform");
  check_.mutable_nodes(1)->set_platform("");
  check_.mutable_nodes(1)->add_runs("acme/api@1");
  EXPECT_EQ(Check(), "NAME_INVALID");
  EXPECT_EQ(fields(), "nodes[1].runs[0]");
  check_.mutable_nodes(1)->clear_runs();
  check_.add_install("x");
  EXPECT_EQ(Check(), "NAME_INVALID");
  EXPECT_EQ(fields(), "install[0]");
  check_.clear_install();
  check_.set_page_token("x");
  EXPECT_EQ(Check(), "PAGE_TOKEN_INVALID");
}

TEST_F(EnvironmentServiceTest, LimitsComeFirst) {
  for (int i = 0; i <= 10'000; ++i) AddNode(check_, "", {});
  EXPECT_EQ(Check(), "REQUEST_TOO_LARGE");
  check_.clear_nodes();
  v1::NodeState* node = AddNode(check_, "a", {});
  for (int i = 0; i <= 100'000; ++i) node->add_runs("x");
  EXPECT_EQ(Check(), "REQUEST_TOO_LARGE");
  for (int i = 0; i <= 1000; ++i) AddNode(plan_, "", {});
  EXPECT_EQ(Plan(), "REQUEST_TOO_LARGE");
  EXPECT_THAT(fields(), HasSubstr("nodes"));
}

}  // namespace
}  // namespace dml
