// What an agent does with permits, content and clocks that are not what they should be.
#include "tools/agent/engine.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "core/trust/root_walk.h"
#include "tests/tools/agent/agent_scene.h"
#include "tools/agent/fake_handler.h"
#include "tools/agent/handlers.h"
#include "tools/agent/layout_source.h"
#include "tools/agent/session.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;
using testing::AgentScene;
using ::testing::HasSubstr;
using testing::PermittedItem;
using testing::ReadText;
using testing::TimeOf;
using testing::WriteText;

constexpr char kHandlers[] = R"(handlers:
  - {name: apps, kind: DIRECTORY, packages: [acme/api], root: apps, executables: ["bin/*"]}
  - {name: probes, kind: FAKE, packages: ["acme/*"], file: probe}
)";

// A layout that is away at times.
class FlakySource final : public ContentSource {
 public:
  explicit FlakySource(fs::path layout) : layout_(std::move(layout)) {}

  absl::StatusOr<std::string> FetchManifest(const DeploymentSet& set,
                                            const SetItem& item) override {
    if (away) return Unavailable(ErrorReason("SERVER_AWAY"), "nobody answers");
    return layout_.FetchManifest(set, item);
  }
  absl::Status FetchFiles(const DeploymentSet& set, const SetItem& item, const Manifest& manifest,
                          const fs::path& folder, const std::vector<fs::path>& local) override {
    if (away_for_files) return Unavailable(ErrorReason("SERVER_AWAY"), "nobody answers");
    locals = local;
    return layout_.FetchFiles(set, item, manifest, folder, local);
  }
  absl::StatusOr<std::string> FetchConfiguration(const DeploymentSet& set,
                                                 const BlobRef& configuration) override {
    return layout_.FetchConfiguration(set, configuration);
  }

  bool away = false;
  bool away_for_files = false;
  std::vector<fs::path> locals;

 private:
  LayoutSource layout_;
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() : scene_(TimeOf("2026-06-01T12:00:00Z")), source_(scene_.layout()) {
    now_ = scene_.now;
    for (const char* version : {"1.0.0", "2.0.0", "3.0.0"}) {
      for (const char* package : {"acme/api", "acme/probe"}) {
        scene_.AddPackage(package, version, {{"bin/run", std::string(package) + version}});
      }
    }
    Open(kHandlers);
  }

  // As after a restart.
  void Open(const std::string& members) {
    engine_.reset();
    store_.reset();
    scene_.Configure(members);
    absl::StatusOr<AgentConfig> config = LoadAgentConfig(scene_.config_file());
    ASSERT_TRUE(config.ok()) << config.status();
    handlers_ = MakeHandlers(*config);
    auto store = StateStore::Open(config->state_dir, "production/eu", "node-1");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::make_unique<StateStore>(*std::move(store));
    EngineHooks hooks;
    hooks.now = [this] { return now_; };
    hooks.reached = [this](std::string_view point) {
      if (point == at_) then_();
    };
    const TrustedRoot pinned = *OpenPinnedRoot(ReadText(scene_.folder() / "root.json"));
    engine_.emplace(*config, pinned, handlers_, &source_, *store_, hooks);
  }

  std::string Accept(const std::string& bundle) { return Reason(engine_->Accept(bundle).status()); }

  // Carries a permit out to its end.
  StageReport Deploy(const std::string& bundle) {
    const auto accepted = engine_->Accept(bundle);
    EXPECT_TRUE(accepted.ok()) << accepted.status();
    const auto run = engine_->Run();
    EXPECT_TRUE(run.ok() && run->waiting.ok()) << run.status();
    return engine_->state().last.value_or(StageReport());
  }
  StageReport Deploy(const std::vector<PermittedItem>& items) {
    return Deploy(scene_.PermitText(items));
  }

  std::string Running() const { return ReadText(current() / "files/bin/run"); }
  fs::path current() const { return scene_.folder() / "apps/acme/api/current"; }

  AgentScene scene_;
  FlakySource source_;
  Timestamp now_;
  std::string at_;
  std::function<void()> then_;
  HandlerTable handlers_;
  std::unique_ptr<StateStore> store_;
  std::optional<Engine> engine_;
};

const PermittedItem kFirst{"acme/api", "1.0.0"};
const PermittedItem kSecond{"acme/api", "2.0.0", ReleaseAction::kUpgrade, "1.0.0"};

TEST_F(EngineTest, InstallsUpgradesConfiguresAndRemoves) {
  EXPECT_EQ(Deploy({kFirst}).stage, NodeStage::kConfirmed);
  EXPECT_EQ(Running(), "acme/api1.0.0");
  EXPECT_EQ(fs::status(current() / "files/bin/run").permissions() & fs::perms::owner_exec,
            fs::perms::owner_exec);
  EXPECT_EQ(Deploy({kSecond}).stage, NodeStage::kConfirmed);
  EXPECT_EQ(Running(), "acme/api2.0.0");
  ASSERT_FALSE(source_.locals.empty()) << "what is there is looked into first";
  EXPECT_THAT(source_.locals[0].string(), HasSubstr("versions/1.0.0-"));

  PermittedItem configure{"acme/api", "2.0.0", ReleaseAction::kConfigure};
  configure.configuration = "port: 1";
  EXPECT_EQ(Deploy({configure}).stage, NodeStage::kConfirmed);
  EXPECT_EQ(ReadText(current() / "configuration"), "port: 1");
  EXPECT_EQ(Running(), "acme/api2.0.0");

  EXPECT_EQ(Deploy({{"acme/api", "2.0.0", ReleaseAction::kRemove}}).stage, NodeStage::kConfirmed);
  EXPECT_FALSE(fs::exists(fs::symlink_status(current())));
  EXPECT_TRUE(engine_->state().active->items.empty());
}

TEST_F(EngineTest, KeepsTheSetBeforeAndNothingOlder) {
  Deploy({kFirst});
  Deploy({kSecond});
  Deploy({{"acme/api", "3.0.0", ReleaseAction::kUpgrade, "2.0.0"}});
  std::set<std::string> versions;
  for (const auto& entry : fs::directory_iterator(scene_.folder() / "apps/acme/api/versions")) {
    versions.insert(entry.path().filename().string().substr(0, 5));
  }
  EXPECT_EQ(versions, (std::set<std::string>{"2.0.0", "3.0.0"}));
  EXPECT_TRUE(fs::is_empty(store_->content_folder())) << "installed, so not needed twice";
}

TEST_F(EngineTest, UndoGoesBackOnceAndOnlyFromThatPermit) {
  Deploy({kFirst});
  const std::string first = engine_->state().active->permit;
  Deploy({kSecond});
  const std::string second = engine_->state().active->permit;
  EXPECT_EQ(Reason(engine_->Undo(first, "the wave failed")), "PERMIT_UNEXPECTED");
  ASSERT_TRUE(engine_->Undo(second, "the wave failed").ok());
  ASSERT_TRUE(engine_->Run().ok());
  EXPECT_EQ(Running(), "acme/api1.0.0");
  EXPECT_EQ(engine_->state().last->stage, NodeStage::kBackedOut);
  EXPECT_EQ(Reason(engine_->Undo(first, "again")), "NOTHING_KEPT");
}

TEST_F(EngineTest, PermitsAreJudgedBeforeAnythingIsDone) {
  const std::string good = scene_.PermitText({kFirst});
  EXPECT_EQ(Accept(good.substr(0, good.size() / 2)), "PERMIT_BUNDLE_INVALID") << "truncated";

  scene_.scene.permit.nodes = {"node-2"};
  EXPECT_EQ(Accept(scene_.PermitText({kFirst})), "NODE_UNEXPECTED") << "wrongly addressed";
  scene_.scene.permit.nodes = {"node-1"};
  scene_.scene.permit.expires = now_ - std::chrono::seconds(1);
  EXPECT_EQ(Accept(scene_.PermitText({kFirst})), "PERMIT_EXPIRED");
  scene_.scene.permit.expires = now_ + std::chrono::hours(1);

  PermitBundle swapped = scene_.Permit({kFirst});
  swapped.permit = scene_.Permit({{"acme/probe", "1.0.0"}}).permit;
  EXPECT_NE(Accept(*FormatPermitBundle(swapped)), "") << "a permit for another release";
  EXPECT_EQ(engine_->state().generation, 0u);
  EXPECT_FALSE(fs::exists(scene_.folder() / "apps"));
}

TEST_F(EngineTest, APermitIsGoodForOnceAndNoneGoesBack) {
  const std::string first = scene_.PermitText({kFirst});
  const std::string second = scene_.PermitText({kSecond});
  Deploy(first);
  EXPECT_EQ(Accept(first), "PERMIT_USED");
  Deploy(second);
  // Its checkpoint is older than the one seen since.
  EXPECT_EQ(Accept(first), "CHECKPOINT_ROLLED_BACK");
  Open(kHandlers);
  EXPECT_EQ(Accept(second), "PERMIT_USED") << "after a restart, too";
  EXPECT_EQ(Running(), "acme/api2.0.0");
}

TEST_F(EngineTest, AForkedLogIsSeen) {
  Deploy({kFirst});
  AgentScene other(scene_.now);
  other.AddPackage("acme/probe", "1.0.0", {{"a", "a"}});
  other.AddPackage("acme/api", "1.0.0", {{"bin/run", "another"}});
  other.next_permit = 7;
  other.Permit({kFirst});
  EXPECT_EQ(Accept(other.PermitText({{"acme/probe", "1.0.0"}})), "CHECKPOINT_INCONSISTENT");
}

TEST_F(EngineTest, AClockThatIsBehindInstallsNothing) {
  Deploy({kFirst});
  const std::string second = scene_.PermitText({kSecond});
  now_ -= std::chrono::hours(24);
  EXPECT_EQ(Accept(second), "CLOCK_BEHIND");
  now_ += std::chrono::hours(24);
  EXPECT_EQ(Accept(second), "");
  now_ -= std::chrono::hours(24);
  const auto run = engine_->Run();
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(Reason(run->waiting), "CLOCK_BEHIND") << "it waits for the clock";
  EXPECT_EQ(run->phase, AgentPhase::kStaging);
  now_ += std::chrono::hours(24);
  EXPECT_EQ(engine_->Run()->phase, AgentPhase::kIdle);
  EXPECT_EQ(Running(), "acme/api2.0.0");
}

TEST_F(EngineTest, AClockThatIsADayAheadFailsSafely) {
  const std::string first = scene_.PermitText({kFirst});
  now_ += std::chrono::hours(25);
  EXPECT_EQ(Accept(first), "CHECKPOINT_STALE");
}

TEST_F(EngineTest, WaitsWhileTheServerIsAwayUntilThePermitExpires) {
  source_.away = true;
  ASSERT_EQ(Accept(scene_.PermitText({kFirst})), "");
  EXPECT_EQ(Reason(engine_->Run()->waiting), "SERVER_AWAY");
  now_ += std::chrono::hours(24 * 3);
  source_.away = false;
  source_.away_for_files = true;
  EXPECT_EQ(engine_->Run()->phase, AgentPhase::kStaging);
  Open(kHandlers);
  now_ += std::chrono::hours(24 * 4);
  source_.away_for_files = false;
  EXPECT_EQ(engine_->Run()->phase, AgentPhase::kIdle);
  EXPECT_EQ(engine_->state().last->reason, "PERMIT_EXPIRED");
  EXPECT_FALSE(fs::exists(scene_.folder() / "apps"));
}

// attack 37
TEST_F(EngineTest, OtherBytesThanThePermitNamesAreNotTaken) {
  scene_.Damage("acme/api1.0.0", "acme/api1.0.1");
  EXPECT_EQ(Deploy({kFirst}).reason, "BLOB_DIGEST_MISMATCH");
  EXPECT_FALSE(fs::exists(fs::symlink_status(current())));
  EXPECT_TRUE(fs::is_empty(store_->content_folder())) << "nothing of it is left";
}

TEST_F(EngineTest, BytesThatChangeAfterTheyWereFetchedAreNotInstalled) {
  at_ = "INSTALLING.begun";
  then_ = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(store_->content_folder())) {
      if (entry.path().filename() == "run") WriteText(entry.path(), "acme/api6.6.6");
    }
  };
  EXPECT_EQ(Deploy({kFirst}).reason, "BLOB_DIGEST_MISMATCH");
  EXPECT_FALSE(fs::exists(fs::symlink_status(current())));
}

TEST_F(EngineTest, AReleaseLargerThanTheDiskIsNotBegun) {
  Open("\n" + std::string(kHandlers));
  scene_.AddPackage("acme/probe", "9.0.0", {{"a", std::string(100'000, 'a')}});
  Open(kHandlers);
  std::string config = ReadText(scene_.config_file());
  const size_t at = config.find("limits: {minFreeBytes: 0}");
  for (const char* limits : {"limits: {diskBytes: 50000, minFreeBytes: 0}",
                             "limits: {minFreeBytes: 4611686018427387}"}) {
    std::string changed = config;
    changed.replace(at, 25, limits);
    WriteText(scene_.config_file(), changed);
    AgentConfig limited = *LoadAgentConfig(scene_.config_file());
    EngineHooks hooks;
    hooks.now = [this] { return now_; };
    Engine engine(limited, *OpenPinnedRoot(ReadText(scene_.folder() / "root.json")), handlers_,
                  &source_, *store_, hooks);
    ASSERT_TRUE(engine.Accept(scene_.PermitText({{"acme/probe", "9.0.0"}})).ok());
    ASSERT_TRUE(engine.Run().ok());
    EXPECT_THAT(engine.state().last->reason, ::testing::AnyOf("DISK_LIMIT", "DISK_FULL"));
    EXPECT_EQ(engine.state().phase, AgentPhase::kIdle);
    EXPECT_TRUE(fs::is_empty(store_->content_folder()));
  }
}

// Whatever is left on a disk, for as long as it lives.
class Filler {
 public:
  explicit Filler(const fs::path& folder) : file_(folder / "filler") {
    std::ofstream out(file_, std::ios::binary);
    for (const size_t block : {size_t{64} << 10, size_t{1}}) {
      const std::string bytes(block, 'x');
      while (out.write(bytes.data(), static_cast<std::streamsize>(block)).flush()) continue;
      out.clear();
    }
  }
  ~Filler() { fs::remove(file_); }

 private:
  const fs::path file_;
};

TEST_F(EngineTest, ADiskThatFillsUpMeanwhileEndsItAndTheStateSaysSo) {
  Deploy({kFirst});
  engine_.reset();
  store_.reset();
  const fs::path disk = scene_.folder() / "state";
  fs::rename(disk, scene_.folder() / "before");
  fs::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=8m,mode=0700") != 0) {
    GTEST_SKIP() << "no file system can be mounted here";
  }
  fs::copy(scene_.folder() / "before", disk, fs::copy_options::recursive);
  scene_.AddPackage("acme/api", "2.0.0", {{"bin/run", std::string(3 << 20, 'a')}});
  Open(kHandlers);
  std::optional<Filler> filler;
  at_ = "STAGING.planned";
  then_ = [&] { filler.emplace(disk); };
  EXPECT_EQ(Deploy({kSecond}).reason, "DISK_FULL");
  EXPECT_EQ(Running(), "acme/api1.0.0");
  EXPECT_EQ(ReadAgentState(disk)->last->reason, "DISK_FULL") << "it was written in spite of it";
  filler.reset();
  at_.clear();
  EXPECT_EQ(Deploy({kSecond}).stage, NodeStage::kConfirmed) << "by another permit, with space";
  engine_.reset();
  store_.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(EngineTest, VerifyTellsWhatWasChangedAfterwards) {
  Deploy({kFirst, {"acme/probe", "1.0.0"}});
  const auto intact = engine_->Verify();
  ASSERT_TRUE(intact.ok()) << intact.status();
  for (const VerifiedItem& item : *intact) {
    EXPECT_TRUE(item.differences.empty()) << item.differences[0];
  }
  WriteText(current() / "files/bin/run", "mine");
  WriteText(current() / "files/more", "mine");
  WriteText(scene_.folder() / "probe", "");
  const auto changed = engine_->Verify();
  ASSERT_TRUE(changed.ok()) << changed.status();
  ASSERT_EQ((*changed)[0].differences.size(), 2u);
  EXPECT_THAT((*changed)[0].differences[0], HasSubstr("files/bin/run: was changed"));
  EXPECT_THAT((*changed)[0].differences[1], HasSubstr("files/more: was added"));
  EXPECT_EQ((*changed)[1].differences.size(), 1u);
}

TEST_F(EngineTest, AStateDirectoryIsOfOneNode) {
  Deploy({kFirst});
  engine_.reset();
  store_.reset();
  const fs::path folder = scene_.folder() / "state";
  EXPECT_EQ(Reason(StateStore::Open(folder, "production/eu", "node-2").status()),
            "NODE_UNEXPECTED");
  EXPECT_EQ(Reason(StateStore::Open(folder, "production/us", "node-1").status()),
            "NODE_UNEXPECTED");
  WriteText(folder / "state.json", "{");
  EXPECT_EQ(Reason(StateStore::Open(folder, "production/eu", "node-1").status()),
            "AGENT_STATE_DAMAGED");
}

TEST_F(EngineTest, AMemoryThatIsGoneIsNotForgottenAbout) {
  Deploy({kFirst});
  engine_.reset();
  store_.reset();
  fs::remove(scene_.folder() / "state/permit-memory.json");
  EXPECT_EQ(Reason(StateStore::Open(scene_.folder() / "state", "production/eu", "node-1").status()),
            "AGENT_STATE_DAMAGED")
      << "else old permits would be good again";
}

}  // namespace
}  // namespace dml::agent
