#include "tools/agent/inventory_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/core/agent/sets.h"
#include "tests/tools/agent/agent_program.h"
#include "tests/tools/agent/agent_scene.h"
#include "tools/agent/session.h"

namespace dml::agent {
namespace {

using testing::AgentScene;
using ::testing::ElementsAre;
using testing::MakeItem;
using testing::MakeSet;
using testing::ReadText;
using testing::RunAgentProgram;
using testing::WriteText;

std::vector<std::string> Lines(const NodeInventory& inventory) {
  std::vector<std::string> out;
  for (const InventoryItem& item : inventory.items) {
    out.push_back(fmt::format("{} {} {}{}", item.variant.package.name, item.variant.version,
                              item.use == InventoryUse::kRuns ? "runs" : "kept",
                              item.changed ? " changed" : ""));
  }
  return out;
}

TEST(InventoryReportTest, SaysWhatRunsWhatIsKeptAndWhatComes) {
  AgentState state = testing::Staging();
  state.active->items.push_back(MakeItem("acme/tool", "1.0.0"));
  state.previous = {MakeSet(3, {MakeItem("acme/api", "0.9.0"), MakeItem("acme/tool", "1.0.0")})};
  const VerifiedItem changed{MakeItem("acme/tool", "1.0.0"), {"bin/run: was changed"}};
  const NodeInventory inventory = MakeInventory(state, {changed}, {"/opt/mine"});
  EXPECT_THAT(Lines(inventory), ElementsAre("api 1.0.0 runs", "tool 1.0.0 runs changed",
                                            "api 0.9.0 kept", "api 2.0.0 kept", "tool 1.0.0 kept"));
  EXPECT_EQ(inventory.release, "payments 1");
  EXPECT_THAT(inventory.foreign, ElementsAre("/opt/mine"));
}

// The real program, offline.
TEST(InventoryReportTest, IsSignedWithTheNodesKey) {
  AgentScene scene(WallClockNow());
  scene.Configure(R"(handlers:
  - {name: apps, kind: DIRECTORY, packages: ["acme/*"], root: apps}
)");
  scene.AddPackage("acme/api", "1.0.0", {{"run", "api"}});
  scene.WritePermit({{"acme/api", "1.0.0"}});
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--output", "json"});
    const testing::ProgramEnd end = RunAgentProgram(scene.config_file(), words);
    EXPECT_EQ(end.code, 0) << end.out << end.err;
    return nlohmann::json::parse(end.out, nullptr, false);
  };
  run({"run-once", "--permit", scene.permit_file(), "--layout", scene.layout()});
  WriteText(scene.folder() / "apps/acme/mine/run", "mine");
  WriteText(scene.folder() / "apps/acme/api/current/files/run", "other");
  const PublicKey key = *PublicKey::FromSpkiPem(run({"enroll"})["publicKey"].get<std::string>());
  const std::string out = scene.folder() / "inventory.json";
  const auto printed = run({"inventory", "--out", out});
  EXPECT_EQ(printed["envelope"], ReadText(out));
  const auto inventory = OpenInventory(ReadText(out), key);
  ASSERT_TRUE(inventory.ok()) << inventory.status();
  EXPECT_EQ(inventory->node, "node-1");
  EXPECT_THAT(Lines(*inventory), ElementsAre("api 1.0.0 runs changed"));
  EXPECT_THAT(inventory->foreign, ElementsAre((scene.folder() / "apps/acme/mine").string()));
}

}  // namespace
}  // namespace dml::agent
