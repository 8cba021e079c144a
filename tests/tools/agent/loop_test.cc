// The loop in the test's own process: it ends by a signal, as an operator would end it.
#include "tools/agent/loop.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/agent/agent_scene.h"

namespace dml::agent {
namespace {

using testing::AgentScene;
using testing::ReadText;
using testing::WriteText;

constexpr char kMembers[] = R"(layout: layout
permitFile: permit.json
poll: {intervalSeconds: 1, jitterPercent: 0}
handlers:
  - {name: probes, kind: FAKE, packages: ["acme/*"], file: probe}
)";

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() : scene_(WallClockNow()) {
    scene_.Configure(kMembers);
    scene_.AddPackage("acme/probe", "1.0.0", {{"a", "a"}});
  }

  // Until a line is logged that says this.
  absl::Status RunUntil(const std::string& line) {
    EngineHooks hooks;
    bool is_told = false;
    // The signal comes to another thread, and so a little later.
    hooks.stops = [&] { return is_told; };
    hooks.log = [&](std::string_view said) {
      if (said.find(line) == said.npos) return;
      is_told = true;
      ::raise(SIGTERM);
    };
    return RunLoop(*LoadAgentConfig(scene_.config_file()), hooks);
  }

  AgentScene scene_;
};

TEST_F(LoopTest, CarriesOutThePermitThatLiesThereAndEndsWhenTold) {
  scene_.WritePermit({{"acme/probe", "1.0.0"}});
  const absl::Status status = RunUntil("CHECKING -> IDLE");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(ReadText(scene_.folder() / "probe"), "acme/probe 1.0.0\n");
}

TEST_F(LoopTest, EndsAfterTheStateThatIsUnderWayAndGoesOnTheNextTime) {
  scene_.WritePermit({{"acme/probe", "1.0.0"}});
  ASSERT_TRUE(RunUntil("INSTALLING -> ACTIVATING").ok());
  EXPECT_EQ(ReadAgentState(scene_.folder() / "state")->phase, AgentPhase::kActivating);
  EXPECT_EQ(ReadText(scene_.folder() / "probe"), "");
  ASSERT_TRUE(RunUntil("CHECKING -> IDLE").ok());
  EXPECT_EQ(ReadText(scene_.folder() / "probe"), "acme/probe 1.0.0\n");
}

TEST_F(LoopTest, APermitThatIsRefusedIsSaidOnceAndAnotherOneTakenOn) {
  WriteText(scene_.permit_file(), "no permit");
  EngineHooks hooks;
  int refusals = 0;
  hooks.log = [&](std::string_view said) {
    refusals += said.find("permit bundle") != said.npos ? 1 : 0;
    if (said.find("CHECKING -> IDLE") != said.npos) ::raise(SIGTERM);
  };
  AgentConfig config = *LoadAgentConfig(scene_.config_file());
  auto session = Session::Open(config, "", hooks);
  ASSERT_TRUE(session.ok()) << session.status();
  std::string seen;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(TakeTurn((*session)->engine(), config.permit_file, seen, hooks.log).ok());
  }
  EXPECT_EQ(refusals, 1);
  (*session).reset();
  scene_.WritePermit({{"acme/probe", "1.0.0"}});
  ASSERT_TRUE(RunLoop(config, hooks).ok());
  EXPECT_EQ(ReadText(scene_.folder() / "probe"), "acme/probe 1.0.0\n");
}

}  // namespace
}  // namespace dml::agent
