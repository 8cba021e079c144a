// The examples below deploy/ are what they say: each is read, or run, as an operator would have it.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/paths.h"
#include "tests/tools/agent/agent_scene.h"
#include "tools/agent/agent_config.h"
#include "tools/agent/exec_handler.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;
using testing::ReadText;
using testing::SourceDir;
using testing::TempDir;
using testing::WriteText;

fs::path Examples() { return SourceDir() / "deploy" / "agent"; }

TEST(AgentExamplesTest, TheConfigurationIsReadAndHasEachHandler) {
  const fs::path file = Examples() / "agent.yaml";
  const auto config = ParseAgentConfig(ReadText(file), file);
  ASSERT_TRUE(config.ok()) << config.status();
  std::vector<HandlerKind> kinds;
  for (const HandlerConfig& handler : config->handlers) kinds.push_back(handler.kind);
  EXPECT_THAT(kinds, ::testing::ElementsAre(HandlerKind::kDirectory, HandlerKind::kExec,
                                            HandlerKind::kDeb));
  EXPECT_EQ(config->handlers[1].scripts, Examples() / "handlers" / "service");
}

// A service manager that writes down what it is asked.
TEST(AgentExamplesTest, TheScriptsOfAServiceInstallSwitchAndGoBack) {
  TempDir folder;
  const fs::path scripts = folder.path() / "handlers";
  fs::copy(Examples() / "handlers", scripts, fs::copy_options::recursive);
  WriteText(folder.path() / "systemctl",
            "#!/bin/sh\necho \"$@\" >> " + (folder.path() / "asked").string() + "\n", true);
  const std::string service = "DML_SERVICE_ROOT=" + (folder.path() / "services").string() +
                              "\nPATH=" + folder.path().string() + ":$PATH\n";
  WriteText(scripts / "service.sh", service + ReadText(scripts / "service.sh"));
  ExecHandler handler({scripts / "service", std::chrono::seconds(60)});

  SetItem one, two;
  one.variant = {*PackageName::Parse("acme/web"), "1.0.0", Platform()};
  one.manifest = {Sha256("one"), 3};
  two = one;
  two.variant.version = "2.0.0";
  two.manifest = {Sha256("two"), 3};
  WriteText(folder.path() / "one/files/run", "one");
  WriteText(folder.path() / "two/files/run", "two");
  WriteText(folder.path() / "configuration", "port: 1");
  const HandlerStep first{nullptr, &one, {}, {folder.path() / "one", ""}, "permit-1"};
  const HandlerStep second{&one,
                           &two,
                           {folder.path() / "one", ""},
                           {folder.path() / "two", folder.path() / "configuration"},
                           "permit-2"};
  const fs::path current = folder.path() / "services/web/current";
  ASSERT_TRUE(handler.Check(first).ok());
  for (const HandlerStep* step : {&first, &second}) {
    for (int i = 0; i < 2; ++i) {  // Each of them twice, as after a kill.
      absl::Status status = handler.Install(*step);
      EXPECT_TRUE(status.ok()) << status;
      status = handler.Activate(*step);
      EXPECT_TRUE(status.ok()) << status;
    }
    EXPECT_TRUE(handler.CheckHealth(*step).ok());
  }
  EXPECT_EQ(ReadText(current / "run"), "two");
  EXPECT_EQ(ReadText(current / "configuration"), "port: 1");
  EXPECT_FALSE(handler.CheckHealth(first).ok()) << "another version runs";
  ASSERT_TRUE(handler.RollBack(second).ok());
  EXPECT_EQ(ReadText(current / "run"), "one");
  ASSERT_TRUE(handler.Clean(two).ok());
  EXPECT_FALSE(fs::exists(folder.path() / "services/web" /
                          ("2.0.0-" + two.manifest.digest.hex().substr(0, 12))));
  const HandlerStep remove{&one, nullptr, {folder.path() / "one", ""}, {}, "permit-3"};
  ASSERT_TRUE(handler.Activate(remove).ok());
  EXPECT_FALSE(fs::exists(fs::symlink_status(current)));
  EXPECT_NE(ReadText(folder.path() / "asked").find("restart web.service"), std::string::npos);
}

}  // namespace
}  // namespace dml::agent
