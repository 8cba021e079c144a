// The real agent, killed in every state and before and after each of its steps, and restarted: it
// ends where the table of core/agent/agent_state.cc says, with all of a set or with none of it.
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <set>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>

#include "core/agent/agent_state.h"
#include "core/agent/state_document.h"
#include "tests/tools/agent/agent_program.h"
#include "tests/tools/agent/agent_scene.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;
using testing::AgentScene;
using testing::ProgramEnd;
using testing::ReadText;
using testing::RunAgentProgram;
using testing::TempDir;
using testing::WriteText;

// A service made of a file: what runs is in "running", and version 2 fails where "broken" is.
constexpr char kScript[] = R"sh(#!/bin/sh
set -e
cd "$(dirname "$0")/.."
put() {
  rm -f running.new
  if [ -n "$1" ]; then echo "$1" > running.new; mv running.new running; else rm -f running; fi
}
case "$1" in
  install) test -d "$DML_FILES"; touch "installed-$DML_VERSION" ;;
  activate) put "$DML_VERSION" ;;
  health) test "$(cat running)" = "$DML_VERSION"; test "$DML_VERSION" = 1.0.0 || test ! -e broken ;;
  rollback) put "$DML_PREVIOUS_VERSION" ;;
  clean) rm -f "installed-$DML_PREVIOUS_VERSION" ;;
esac
)sh";

constexpr char kHandlers[] = R"(handlers:
  - {name: apps, kind: DIRECTORY, packages: ["acme/app*"], root: apps}
  - {name: services, kind: EXEC, packages: [acme/service], scripts: scripts}
  - {name: probes, kind: FAKE, packages: [acme/probe], file: probe}
)";

class KillTest : public ::testing::Test {
 protected:
  // A node that runs version 1 of everything, and a permit for version 2.
  static void SetUpTestSuite() {
    scene_ = new AgentScene(WallClockNow());
    scene_->Configure(kHandlers);
    for (const char* step : {"install", "activate", "health", "rollback", "clean"}) {
      WriteText(scene_->folder() / "scripts" / step, kScript, /*may_run=*/true);
    }
    for (const char* version : {"1.0.0", "2.0.0"}) {
      for (const char* package : {"acme/app", "acme/app2", "acme/service", "acme/probe"}) {
        scene_->AddPackage(package, version,
                           {{"bin/run", std::string(package) + " " + version}, {"same", "same"}});
      }
    }
    scene_->WritePermit({{"acme/app", "1.0.0"},
                         {"acme/app2", "1.0.0"},
                         {"acme/service", "1.0.0"},
                         {"acme/probe", "1.0.0"}});
    const ProgramEnd first = Run(scene_->folder());
    ASSERT_EQ(first.code, 0) << first.out << first.err;
    const ReleaseAction up = ReleaseAction::kUpgrade;
    scene_->WritePermit({{"acme/app", "2.0.0", up, "1.0.0"},
                         {"acme/app2", "2.0.0", up, "1.0.0"},
                         {"acme/service", "2.0.0", up, "1.0.0"},
                         {"acme/probe", "2.0.0", up, "1.0.0"}});
  }
  static void TearDownTestSuite() { delete scene_; }

  static ProgramEnd Run(const fs::path& folder, const std::string& kill_at = "") {
    return RunAgentProgram(
        folder / "agent.yaml",
        {"--output", "json", "run-once", "--permit", (folder / "permit.json").string(), "--layout",
         (folder / "layout").string()},
        kill_at);
  }

  // A node of its own for a case.
  struct Node {
    TempDir temp;
    fs::path folder() const { return temp.path() / "node"; }
  };
  static std::unique_ptr<Node> Copy(bool is_broken) {
    auto out = std::make_unique<Node>();
    fs::copy(scene_->folder(), out->folder(),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    fs::permissions(out->folder() / "state", fs::perms::owner_all);
    fs::permissions(out->folder() / "scripts", fs::perms::owner_all);
    if (is_broken) WriteText(out->folder() / "broken", "");
    return out;
  }

  // All of it runs in this version, and nothing of the other one is left but what is kept.
  static void ExpectRuns(const fs::path& folder, const std::string& version) {
    for (const std::string app : {"app", "app2"}) {
      EXPECT_EQ(ReadText(folder / "apps/acme" / app / "current/files/bin/run"),
                "acme/" + app + " " + version);
    }
    EXPECT_EQ(ReadText(folder / "running"), version + "\n");
    EXPECT_EQ(ReadText(folder / "probe"), "acme/probe " + version + "\n");
    const auto state = ParseAgentState(ReadText(folder / "state/state.json"));
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(state->phase, AgentPhase::kIdle);
    for (const SetItem& item : state->active->items) EXPECT_EQ(item.variant.version, version);
    EXPECT_TRUE(state->retired.empty());
  }

  // The points that a run passes, in order.
  static std::vector<std::string> PointsOf(bool is_broken) {
    std::vector<std::string> out = {"IDLE.remembered",    "STAGING.begun",    "STAGING.planned",
                                    "STAGING.step",       "STAGING.done",     "INSTALLING.entered",
                                    "INSTALLING.begun",   "INSTALLING.step",  "INSTALLING.done",
                                    "ACTIVATING.entered", "ACTIVATING.begun", "ACTIVATING.step",
                                    "ACTIVATING.done",    "CHECKING.entered", "CHECKING.begun",
                                    "CHECKING.step",      "CHECKING.done"};
    if (is_broken) {
      for (const char* point : {"ROLLING_BACK.entered", "ROLLING_BACK.begun", "ROLLING_BACK.step",
                                "ROLLING_BACK.done", "IDLE.cleaned"}) {
        out.emplace_back(point);
      }
    }
    out.emplace_back("IDLE.entered");
    return out;
  }

  static AgentScene* scene_;
};

AgentScene* KillTest::scene_ = nullptr;

TEST_F(KillTest, KilledAnywhereItEndsWithTheNewSet) {
  std::set<AgentPhase> killed_in;
  for (const std::string& point : PointsOf(false)) {
    const auto node = Copy(false);
    const ProgramEnd killed = Run(node->folder(), point);
    ASSERT_EQ(killed.signal, SIGKILL) << point << " was not reached: " << killed.out << killed.err;
    const auto state = ParseAgentState(ReadText(node->folder() / "state/state.json"));
    ASSERT_TRUE(state.ok()) << point << ": " << state.status();
    killed_in.insert(state->phase);
    const ProgramEnd again = Run(node->folder());
    EXPECT_EQ(again.code, 0) << point << ": " << again.out << again.err;
    EXPECT_EQ(nlohmann::json::parse(again.out)["last"]["stage"], "CONFIRMED") << point;
    ExpectRuns(node->folder(), "2.0.0");
    EXPECT_TRUE(fs::exists(node->folder() / "installed-1.0.0")) << "kept, to go back to";
  }
  EXPECT_EQ(killed_in.size(), 5u) << "every state but that of rolling back";
}

TEST_F(KillTest, KilledAnywhereItEndsWithTheOldSetWhereTheNewOneIsNotHealthy) {
  for (const std::string& point : PointsOf(true)) {
    const auto node = Copy(true);
    const ProgramEnd killed = Run(node->folder(), point);
    ASSERT_EQ(killed.signal, SIGKILL) << point << " was not reached: " << killed.out << killed.err;
    const ProgramEnd again = Run(node->folder());
    EXPECT_EQ(again.code, 3) << point << ": " << again.out << again.err;
    const auto document = nlohmann::json::parse(again.out);
    EXPECT_EQ(document["last"]["stage"], "BACKED_OUT") << point;
    EXPECT_EQ(document["last"]["reason"], "ROLLED_BACK") << point;
    ExpectRuns(node->folder(), "1.0.0");
    EXPECT_FALSE(fs::exists(node->folder() / "installed-2.0.0")) << point << ": cleaned up";
    size_t versions = 0;
    for ([[maybe_unused]] const auto& entry :
         fs::directory_iterator(node->folder() / "apps/acme/app/versions")) {
      ++versions;
    }
    EXPECT_EQ(versions, 1u) << point;
  }
}

TEST_F(KillTest, KilledInOneStateAgainAndAgainItGivesUp) {
  const auto node = Copy(false);
  for (uint32_t i = 0; i < kMaxPhaseAttempts; ++i) {
    ASSERT_EQ(Run(node->folder(), "CHECKING.begun").signal, SIGKILL) << i;
  }
  const ProgramEnd end = Run(node->folder());
  EXPECT_EQ(end.code, 3) << end.out << end.err;
  EXPECT_NE(end.out.find("ATTEMPTS_EXHAUSTED"), end.out.npos) << end.out;
  ExpectRuns(node->folder(), "1.0.0");
}

TEST_F(KillTest, TwoAgentsWithOneStateDirectory) {
  const auto node = Copy(false);
  const auto state = node->folder() / "state";
  const int held = ::open((state / "lock").c_str(), O_RDWR);
  ASSERT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
  const ProgramEnd end = Run(node->folder());
  ::close(held);
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.err.find("AGENT_RUNNING"), end.err.npos) << end.err;
}

}  // namespace
}  // namespace dml::agent
