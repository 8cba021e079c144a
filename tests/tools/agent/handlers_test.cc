// Handlers that run programs: scripts of an operator, and dpkg.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/agent/agent_scene.h"
#include "tools/agent/deb_handler.h"
#include "tools/agent/exec_handler.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ReadText;
using testing::TempDir;
using testing::WriteText;

SetItem Item(const std::string& version) {
  SetItem out;
  out.variant = {*PackageName::Parse("acme/hello"), version, *Platform::Parse("linux-amd64")};
  out.manifest = {Sha256(version), 1};
  out.handler = "h";
  return out;
}

class ExecHandlerTest : public ::testing::Test {
 protected:
  ExecHandlerTest() {
    for (const char* name : {"install", "activate", "health", "rollback"}) {
      Script(name, "env | grep ^DML_ | sort >> " + log().string());
    }
  }
  fs::path scripts() const { return folder_.path() / "scripts"; }
  fs::path log() const { return folder_.path() / "log"; }
  void Script(const std::string& name, const std::string& text) {
    WriteText(scripts() / name, "#!/bin/sh\n" + text + "\n", /*may_run=*/true);
  }
  ExecHandler Make(std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    return ExecHandler({scripts(), limit, 1000});
  }

  TempDir folder_;
  SetItem one_ = Item("1.0.0"), two_ = Item("2.0.0");
  HandlerStep step_{&one_, &two_, {"/old", ""}, {"/new", "/new-configuration"}, "permit-1"};
};

TEST_F(ExecHandlerTest, ScriptsAreToldWhatIsBeforeAndAfter) {
  ExecHandler handler = Make();
  ASSERT_TRUE(handler.Check(step_).ok());
  ASSERT_TRUE(handler.Activate(step_).ok());
  EXPECT_EQ(ReadText(log()),
            "DML_ACTION=UPGRADE\nDML_CONFIGURATION=/new-configuration\nDML_FILES=/new/files\n"
            "DML_MANIFEST=" +
                two_.manifest.digest.ToString() +
                "\nDML_PACKAGE=acme/hello\nDML_PERMIT=permit-1\nDML_PLATFORM=linux-amd64\n"
                "DML_PREVIOUS_CONFIGURATION=\nDML_PREVIOUS_FILES=/old/files\n"
                "DML_PREVIOUS_MANIFEST=" +
                one_.manifest.digest.ToString() +
                "\nDML_PREVIOUS_PLATFORM=linux-amd64\nDML_PREVIOUS_VERSION=1.0.0\n"
                "DML_STEP=activate\nDML_VERSION=2.0.0\n");
}

TEST_F(ExecHandlerTest, AScriptThatIsMissingIsSeenBeforeAnythingIsDone) {
  fs::remove(scripts() / "rollback");
  EXPECT_EQ(Reason(Make().Check(step_)), "HOOK_MISSING");
}

TEST_F(ExecHandlerTest, FailuresHangsAndFloodsAreErrors) {
  Script("check", "echo 'the database is away'; exit 1");
  const absl::Status failed = Make().Check(step_);
  EXPECT_EQ(Reason(failed), "HOOK_FAILED");
  EXPECT_THAT(std::string(Message(failed)), HasSubstr("the database is away"));
  Script("install", "exec sleep 1000");
  EXPECT_EQ(Reason(Make(std::chrono::milliseconds(200)).Install(step_)), "HOOK_TIMED_OUT");
  Script("health", "head -c 3000000 /dev/zero; exit 9");
  const absl::Status flooded = Make().CheckHealth(step_);
  EXPECT_EQ(Reason(flooded), "HOOK_FAILED");
  EXPECT_LT(Message(flooded).size(), 1500u);
}

// dpkg works on a system of its own here, below a folder.
class DebHandlerTest : public ::testing::Test {
 protected:
  DebHandlerTest() {
    for (const char* name : {"status", "available"}) WriteText(dpkg() / name, "");
    for (const char* name : {"updates", "info", "triggers"}) fs::create_directories(dpkg() / name);
    one_content_ = Build("1.0-1");
    two_content_ = Build("2.0-1");
  }
  fs::path root() const { return folder_.path() / "root"; }
  fs::path dpkg() const { return root() / "var/lib/dpkg"; }
  fs::path hello() const { return root() / "usr/share/hello.txt"; }

  StagedContent Build(const std::string& version) {
    const fs::path tree = folder_.path() / ("tree-" + version);
    WriteText(tree / "DEBIAN/control",
              "Package: hello\nVersion: " + version +
                  "\nArchitecture: all\nMaintainer: Ann <ann@acme.example>\nDescription: greets\n");
    WriteText(tree / "usr/share/hello.txt", "hello " + version);
    const fs::path content = folder_.path() / ("content-" + version);
    fs::create_directories(content / "files");
    const std::string command = "dpkg-deb --root-owner-group --build " + tree.string() + " " +
                                (content / "files" / "hello.deb").string() + " > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return {content, ""};
  }

  TempDir folder_;
  StagedContent one_content_, two_content_;
  SetItem one_ = Item("1.0-1"), two_ = Item("2.0-1");
};

TEST_F(DebHandlerTest, InstallsUpgradesRollsBackAndRemoves) {
  DebHandler handler({root(), "", std::chrono::seconds(60)});
  const HandlerStep install{nullptr, &one_, {}, one_content_, "permit-1"};
  ASSERT_TRUE(handler.Check(install).ok());
  ASSERT_TRUE(handler.Install(install).ok());
  EXPECT_FALSE(fs::exists(hello())) << "nothing before it is activated";
  for (int i = 0; i < 2; ++i) {  // Twice is as good.
    const absl::Status status = handler.Activate(install);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(ReadText(hello()), "hello 1.0-1");
  EXPECT_TRUE(handler.CheckHealth(install).ok());

  const HandlerStep upgrade{&one_, &two_, one_content_, two_content_, "permit-2"};
  EXPECT_EQ(Reason(handler.CheckHealth(upgrade)), "DEB_NOT_INSTALLED");
  ASSERT_TRUE(handler.Activate(upgrade).ok());
  EXPECT_EQ(ReadText(hello()), "hello 2.0-1");
  const absl::Status back = handler.RollBack(upgrade);
  ASSERT_TRUE(back.ok()) << back;
  EXPECT_EQ(ReadText(hello()), "hello 1.0-1");

  const HandlerStep remove{&one_, nullptr, one_content_, {}, "permit-3"};
  ASSERT_TRUE(handler.Activate(remove).ok());
  EXPECT_FALSE(fs::exists(hello()));
  ASSERT_TRUE(handler.RollBack(remove).ok());
  EXPECT_EQ(ReadText(hello()), "hello 1.0-1");
  ASSERT_TRUE(handler.RollBack(install).ok());
  EXPECT_FALSE(fs::exists(hello()));
}

TEST_F(DebHandlerTest, VerifyTellsWhatWasChanged) {
  DebHandler handler({root(), "", std::chrono::seconds(60)});
  ASSERT_TRUE(handler.Activate({nullptr, &one_, {}, one_content_, ""}).ok());
  EXPECT_THAT(*handler.Verify(one_, one_content_), ::testing::IsEmpty());
  WriteText(hello(), "mine");
  EXPECT_THAT(*handler.Verify(one_, one_content_),
              ::testing::ElementsAre(HasSubstr("/usr/share/hello.txt")));
  EXPECT_THAT(*handler.Verify(two_, two_content_),
              ::testing::ElementsAre(HasSubstr("not 'installed 2.0-1'")));
}

TEST_F(DebHandlerTest, WhatIsNoDebIsRefused) {
  DebHandler handler({root(), "", std::chrono::seconds(60)});
  WriteText(two_content_.folder / "files/other.deb", "no archive");
  EXPECT_EQ(Reason(handler.Install({nullptr, &two_, {}, two_content_, ""})), "DEB_UNEXPECTED");
  fs::remove(two_content_.folder / "files/hello.deb");
  EXPECT_EQ(Reason(handler.Install({nullptr, &two_, {}, two_content_, ""})), "HOOK_FAILED");
  fs::remove(two_content_.folder / "files/other.deb");
  EXPECT_EQ(Reason(handler.Install({nullptr, &two_, {}, two_content_, ""})), "DEB_UNEXPECTED");
}

}  // namespace
}  // namespace dml::agent
