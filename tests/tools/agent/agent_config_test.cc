#include "tools/agent/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/agent/library_source.h"
#include "tools/agent/loop.h"

namespace dml::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr char kGood[] = R"(environment: production/eu
node: node-1
labels: {site: eu}
stateDir: state
rootFile: root.json
keepSets: 2
limits: {diskBytes: 1000, bytesPerSecond: 1000000}
poll: {intervalSeconds: 30, jitterPercent: 10}
handlers:
  - name: apps
    kind: DIRECTORY
    packages: ["acme/*", "other/tool"]
    root: /opt/dml
    unpack: true
  - {name: debs, kind: DEB, packages: ["debian/*"]}
  - {name: rest, kind: EXEC, packages: ["*/*"], scripts: scripts, timeLimitSeconds: 5}
)";

TEST(AgentConfigTest, ReadsWhatItSays) {
  const auto config = ParseAgentConfig(kGood, "/etc/dml-agent/agent.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->state_dir, "/etc/dml-agent/state");
  EXPECT_EQ(config->facts.labels.at("site"), "eu");
  EXPECT_EQ(config->facts.platforms, OwnPlatforms());
  ASSERT_EQ(config->facts.rules.size(), 4u);
  EXPECT_EQ(config->facts.rules[1].handler, "apps");
  EXPECT_EQ(config->facts.rules[2].handler, "debs");
  EXPECT_EQ(config->keep_sets, 2u);
  ASSERT_EQ(config->handlers.size(), 3u);
  EXPECT_TRUE(config->handlers[0].unpack);
  EXPECT_EQ(config->handlers[1].root, "/");
  EXPECT_EQ(config->handlers[2].scripts, "/etc/dml-agent/scripts");
  EXPECT_EQ(config->handlers[2].time_limit, seconds(5));
}

TEST(AgentConfigTest, BadOnesAreRefusedWithTheLine) {
  struct Case {
    const char* from;
    const char* to;
    const char* says;
  };
  for (const Case& each :
       {Case{"node: node-1", "node: Node 1", "line 2"},
        Case{"environment: production/eu\n", "", "environment"},
        Case{"keepSets: 2", "keepSets: 0", "keepSets"},
        Case{"keepSets: 2", "keepSet: 2", "keepSet"},
        Case{"bytesPerSecond: 1000000", "bytesPerSecond: 10", "less than 65536"},
        Case{"kind: EXEC", "kind: SHELL", "handlers[2].kind"},
        Case{"root: /opt/dml\n    unpack: true", "scripts: /opt", "handlers[0]"},
        Case{"name: debs", "name: apps", "two are called apps"},
        Case{"packages: [\"debian/*\"]", "packages: []", "packages"},
        Case{"\"acme/*\"", "\"Acme/*\"", "packages"}, Case{"site: eu", "Site: eu", "labels"}}) {
    std::string bad = kGood;
    const size_t at = bad.find(each.from);
    ASSERT_NE(at, bad.npos) << each.from;
    bad.replace(at, std::string(each.from).size(), each.to);
    const absl::Status status = ParseAgentConfig(bad, "agent.yaml").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << each.to;
    std::string said(Message(status));
    for (const FieldViolation& violation : FieldViolations(status)) said += " " + violation.field;
    EXPECT_THAT(said, HasSubstr(each.says)) << each.to;
    EXPECT_THAT(said, HasSubstr("agent.yaml"));
  }
}

TEST(AgentLoopTest, DelaysDoubleUpToTheIntervalAndHonorWhatIsAsked) {
  const absl::Status failed = Unavailable(ErrorReason("SERVER_AWAY"), "nobody answers");
  const seconds interval(60);
  EXPECT_EQ(DelayAfter(absl::OkStatus(), 0, interval, 20, 0), interval);
  EXPECT_EQ(DelayAfter(absl::OkStatus(), 0, interval, 20, 1), milliseconds(72'000));
  EXPECT_EQ(DelayAfter(failed, 1, interval, 0, 0.5), seconds(1));
  EXPECT_EQ(DelayAfter(failed, 4, interval, 0, 0.5), seconds(8));
  EXPECT_EQ(DelayAfter(failed, 1000, interval, 0, 0.5), interval);
  const absl::Status asked = WithRetryAfter(failed, seconds(300));
  EXPECT_EQ(DelayAfter(asked, 1, interval, 0, 0.5), seconds(300));
  EXPECT_EQ(DelayAfter(asked, 1, interval, 50, 1), seconds(450)) << "never earlier";
}

TEST(ThrottleTest, WaitsUntilTheRateIsKept) {
  const Throttle none(0);
  EXPECT_EQ(none.Delay(1 << 30, milliseconds(0)), milliseconds(0));
  const Throttle throttle(1'000'000);
  EXPECT_EQ(throttle.Delay(2'000'000, milliseconds(500)), milliseconds(1500));
  EXPECT_EQ(throttle.Delay(2'000'000, milliseconds(5000)), milliseconds(0));
  EXPECT_EQ(throttle.Delay(1 << 30, milliseconds(0)), milliseconds(10'000)) << "a stream may not "
                                                                               "stand still";
}

}  // namespace
}  // namespace dml::agent
