// The real agent, its power cut in every state: what it did not sync is gone. Restarted on what is
// left, it ends with all of the new set or, where nothing of it had begun to run, may still begin.
#include <csignal>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/agent/state_document.h"
#include "tests/support/paths.h"
#include "tests/support/power_loss/durable_tree.h"
#include "tests/tools/agent/agent_program.h"
#include "tests/tools/agent/agent_scene.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;
using testing::AgentScene;
using testing::BinaryDir;
using testing::ProgramEnd;
using testing::ReadText;
using testing::RunAgentProgram;
using testing::TempDir;
using testing::WriteText;

constexpr char kHandlers[] = R"(handlers:
  - {name: apps, kind: DIRECTORY, packages: ["acme/app*"], root: apps}
  - {name: probes, kind: FAKE, packages: [acme/probe], file: probe/runs}
)";

const char* const kPoints[] = {"IDLE.remembered", "STAGING.begun",   "STAGING.planned",
                               "STAGING.step",    "STAGING.done",    "INSTALLING.entered",
                               "INSTALLING.step", "INSTALLING.done", "ACTIVATING.entered",
                               "ACTIVATING.step", "ACTIVATING.done", "CHECKING.entered",
                               "CHECKING.done",   "IDLE.entered"};

class PowerLossTest : public ::testing::Test {
 protected:
  PowerLossTest() : scene_(WallClockNow()) {
    scene_.Configure(kHandlers);
    fs::create_directories(scene_.folder() / "probe");
    for (const char* version : {"1.0.0", "2.0.0"}) {
      for (const char* package : {"acme/app", "acme/app2", "acme/probe"}) {
        scene_.AddPackage(package, version,
                          {{"bin/run", std::string(package) + " " + version}, {"a/b/c", "same"}});
      }
    }
    scene_.WritePermit({{"acme/app", "1.0.0"}, {"acme/app2", "1.0.0"}, {"acme/probe", "1.0.0"}});
  }

  static ProgramEnd Run(const fs::path& folder, const std::string& kill_at = "",
                        const fs::path& store = "") {
    std::vector<std::string> environment;
    if (!store.empty()) {
      environment = {"LD_PRELOAD=" + (BinaryDir() / "tests/libdml_power_loss.so").string(),
                     "DML_POWER_LOSS_ROOT=" + folder.string(),
                     "DML_POWER_LOSS_STORE=" + store.string()};
    }
    return RunAgentProgram(
        folder / "agent.yaml",
        {"--output", "json", "run-once", "--permit", (folder / "permit.json").string(), "--layout",
         (folder / "layout").string()},
        kill_at, environment);
  }

  // Cuts the power there, and starts it again on what is left.
  void CutAt(const std::string& point, const std::string& version) {
    TempDir temp;
    const fs::path node = temp.path() / "node", store = temp.path() / "store";
    const fs::path left = temp.path() / "left";
    fs::copy(scene_.folder(), node, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    if (fs::exists(node / "state")) fs::permissions(node / "state", fs::perms::owner_all);
    fs::create_directories(store);
    testing::RecordAll(store, node);
    const ProgramEnd killed = Run(node, point, store);
    ASSERT_EQ(killed.signal, SIGKILL) << point << ": " << killed.out << killed.err;
    testing::RebuildTree(store, testing::DurableKey(node), left);
    const ProgramEnd again = Run(left);
    ASSERT_EQ(again.code, 0) << point << ": " << again.out << again.err;
    for (const std::string app : {"app", "app2"}) {
      const fs::path files = left / "apps/acme" / app / "current/files";
      EXPECT_EQ(ReadText(files / "bin/run"), "acme/" + app + " " + version) << point;
      EXPECT_EQ(ReadText(files / "a/b/c"), "same") << point;
    }
    EXPECT_EQ(ReadText(left / "probe/runs"), "acme/probe " + version + "\n") << point;
    const ProgramEnd verified =
        RunAgentProgram(left / "agent.yaml", {"--output", "json", "verify"});
    EXPECT_EQ(verified.code, 0) << point << ": " << verified.out << verified.err;
  }

  AgentScene scene_;
};

TEST_F(PowerLossTest, OfAnAgentThatBegins) {
  for (const std::string& point : {"IDLE.remembered", "STAGING.done", "INSTALLING.done",
                                   "ACTIVATING.step", "ACTIVATING.done", "IDLE.entered"}) {
    CutAt(point, "1.0.0");
  }
}

TEST_F(PowerLossTest, OfOneThatUpgrades) {
  const ProgramEnd first = Run(scene_.folder());
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  const ReleaseAction up = ReleaseAction::kUpgrade;
  scene_.WritePermit({{"acme/app", "2.0.0", up, "1.0.0"},
                      {"acme/app2", "2.0.0", up, "1.0.0"},
                      {"acme/probe", "2.0.0", up, "1.0.0"}});
  for (const char* point : kPoints) CutAt(point, "2.0.0");
}

}  // namespace
}  // namespace dml::agent
