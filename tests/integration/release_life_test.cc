// The life of releases in an organization, as its people see it: planned, built, tested, denied for
// five reasons, each of which is mended, approved, permitted, rolled out, failed, backed out,
// reviewed, made anew, and measured.
#include "core/base/time.h"
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::CommandLibrary;

class ReleaseLifeTest : public CommandLibrary {
 protected:
  // Rita releases, amy approves, tim tests, paul writes the policy; ann publishes.
  void BeginWithPeople() {
    ASSERT_NO_FATAL_FAILURE(Begin());
    for (const auto& [name, role] : {std::pair("rita", "release"), std::pair("amy", "approver"),
                                     std::pair("tim", "tester"), std::pair("paul", "policy")}) {
      Do({"key", "generate", "--out", Path(name)});
      Do({"key", "register", "--key", Path(name), "--owner", name, "--role", role, "--namespace",
          "*"});
    }
    for (const char* place : {"staging", "production"}) Do({"environment", "create", place});
    Do({"node", "create", "test-1", "--environment", "staging"});
    for (int i = 1; i <= 3; ++i) {
      Do({"node", "create", fmt::format("web-{}", i), "--environment", "production", "--label",
          i == 1 ? "ring=canary" : "ring=rest"});
    }
    for (const char* place : {"staging", "production"}) {
      Do({"policy", "set", "--environment", place, Policy(), "--key", Path("paul")});
    }
  }
  // Production is frozen these days.
  std::string Policy() {
    const auto wall = [](Timestamp time) { return FormatTime(time).substr(0, 19); };
    const Timestamp now = WallClockNow();
    testing::WriteBytes(Path("policy.yaml"),
                        fmt::format(R"(schema: dml.policy/v1
content: {{allowedNamespaces: [acme]}}
signatures: {{threshold: 1}}
licenses: {{allow: [MIT]}}
approvals: [{{approvers: 1}}]
scope: [{{environment: production, after: {{environment: staging}}}}]
timing: [{{environment: production, zone: UTC, freezes: [{{from: "{}", until: "{}", reason: holidays}}]}}]
override: [{{rules: ["timing.*"], approvers: 1}}]
)",
                                    wall(now - hours(48)), wall(now + hours(48))));
    return Path("policy.yaml");
  }
  std::string Compose(const std::string& version, const std::string& variant, bool is_authorized,
                      const std::string& type) {
    testing::WriteBytes(Path("changes.json"),
                        fmt::format(R"({{"schema": "dml.changes/v1", "changes": [{{"id": "CHG-1",
                        "title": "Pay by card", "risk": "LOW", "packages": ["*"]{}}}]}})",
                                    is_authorized ? R"(, "authorizedBy": "p-1")" : ""));
    const std::string file = Path("release-" + version + ".json");
    Do({"release",       "compose",
        "--name",        "payments",
        "--version",     version,
        "--type",        type,
        "--environment", "staging",
        "--environment", "production",
        "--variant",     variant,
        "--changes",     Path("changes.json"),
        "--evidence",    "https://example.test/report",
        "--out",         file});
    return file;
  }
  void Seal(const std::string& version, const std::string& variant, bool is_authorized = true,
            const std::string& type = "PATCH") {
    const std::string file = Compose(version, variant, is_authorized, type);
    digests_[version] = Do({"release", "seal", file, "--key", Path("rita")})["release"]["digest"];
  }
  void Test(const std::string& version) {
    Do({"attest", "sign", "--type", "https://example.test/report", "--subject", digests_[version],
        "--key", Path("tim"), "--out", Path("report-" + version)});
    Do({"release", "attach", "payments@" + version, Path("report-" + version)});
  }
  void Approve(const std::string& version, const std::string& place) {
    Do({"release", "approve", "payments@" + version, "--environment", place, "--key", Path("amy")});
  }
  std::set<std::string> Denied(const std::string& version, const std::string& place) {
    const Json answer =
        Do({"release", "evaluate", "payments@" + version, "--environment", place}, 3);
    std::set<std::string> out;
    for (const Json& finding : answer["findings"]) {
      if (finding["severity"] == "ERROR") out.insert(finding["rule"].get<std::string>());
    }
    return out;
  }
  // Permitted and begun.
  Json Start(const std::string& version, const std::string& place, Words more = {}) {
    const std::string permit =
        Do({"permit", "issue", "payments@" + version, "--environment", place})["permit"]["id"];
    Words words = {"rollout",  "start", "payments@" + version, "--environment", place,
                   "--permit", permit};
    words.insert(words.end(), more.begin(), more.end());
    return Do(words)["rollout"];
  }
  Json Report(const std::string& version, const std::string& place, const std::string& node,
              const std::string& stage, int code = 0) {
    return Do({"rollout", "report", "payments@" + version, stage, "--environment", place, "--node",
               fmt::format("environments/{}/nodes/{}", place, node), "--reason", "says so"},
              code);
  }
  void Confirm(const std::string& version, const std::string& place, const std::string& node) {
    for (const char* stage : {"STAGED", "INSTALLED", "ACTIVE", "CONFIRMED"}) {
      Report(version, place, node, stage);
    }
  }
  void GoThroughStaging(const std::string& version) {
    Approve(version, "staging");
    Start(version, "staging");
    Confirm(version, "staging", "test-1");
  }
  Json Status(const std::string& version) {
    return Do(
        {"rollout", "status", "payments@" + version, "--environment", "production"})["rollout"];
  }
  void Override(const std::string& version) {
    Do({"release", "override", "payments@" + version, "--environment", "production", "--rule",
        "timing.*", "--reason", "customers cannot pay", "--valid", "2h", "--key", Path("rita"),
        "--key", Path("amy")});
  }
  std::string Reason(const Words& words, int code = 1) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  static Json Measure(const Json& answer, const std::string& id, const std::string& part = "") {
    for (const Json& measure : answer["periods"][0]["measures"]) {
      if (measure["id"] == id && measure["part"] == part) return measure;
    }
    return nullptr;
  }

  std::map<std::string, std::string> digests_;
};

TEST_F(ReleaseLifeTest, FromAPlanToItsMeasures) {
  ASSERT_NO_FATAL_FAILURE(BeginWithPeople());
  Publish("1.0.0", "one");

  // A first try, denied for five reasons.
  Seal("1.0.0", "acme/tool@1.0.0", /*is_authorized=*/false);
  EXPECT_EQ(Denied("1.0.0", "production"),
            (std::set<std::string>{"approval.missing", "release.evidence", "scope.order",
                                   "scope.unauthorized", "timing.freeze"}));
  EXPECT_EQ(Do({"permit", "issue", "payments@1.0.0", "--environment", "production"},
               3)["permit"]["state"],
            "DENIED");
  Do({"release", "withdraw", "payments@1.0.0", "--reason", "nobody authorized the change"});

  // One after the other is mended: authorized, tested, deployed to staging first,
  Seal("1.0.1", "acme/tool@1.0.0");
  EXPECT_EQ(Denied("1.0.1", "production"),
            (std::set<std::string>{"approval.missing", "release.evidence", "scope.order",
                                   "timing.freeze"}));
  Test("1.0.1");
  EXPECT_EQ(Denied("1.0.1", "production"),
            (std::set<std::string>{"approval.missing", "scope.order", "timing.freeze"}));
  GoThroughStaging("1.0.1");
  EXPECT_EQ(Denied("1.0.1", "production"),
            (std::set<std::string>{"approval.missing", "timing.freeze"}));
  // the freeze set aside by two who may,
  EXPECT_EQ(Reason({"release", "override", "payments@1.0.1", "--environment", "production",
                    "--rule", "timing.*", "--reason", "why", "--key", Path("rita")},
                   5),
            "SIGNATURE_MISSING")
      << "nobody agrees";
  Override("1.0.1");
  EXPECT_EQ(Denied("1.0.1", "production"), (std::set<std::string>{"approval.missing"}));
  // and approved.
  Approve("1.0.1", "production");

  // It goes wave by wave, and fails.
  const Json started = Start("1.0.1", "production", {"--wave", "ring=canary", "--wave", "100%"});
  EXPECT_EQ(started["state"], "ROLLING_OUT");
  EXPECT_EQ(started["baseline"], nullptr);
  EXPECT_EQ(Reason({"rollout", "report", "payments@1.0.1", "STAGED", "--environment", "production",
                    "--node", "environments/production/nodes/web-2"}),
            "ROLLOUT_STEP_UNEXPECTED")
      << "its wave has not begun";
  Confirm("1.0.1", "production", "web-1");
  EXPECT_EQ(Status("1.0.1")["wave"], 1);
  Report("1.0.1", "production", "web-2", "STAGED");
  EXPECT_EQ(Report("1.0.1", "production", "web-2", "FAILED")["rollout"]["state"], "HALTED");
  EXPECT_EQ(Status("1.0.1")["backsOut"], true);
  EXPECT_EQ(Reason({"rollout", "resume", "payments@1.0.1", "--environment", "production"}),
            "ROLLOUT_STEP_UNEXPECTED");
  Report("1.0.1", "production", "web-1", "BACKED_OUT");
  EXPECT_EQ(Report("1.0.1", "production", "web-2", "BACKED_OUT")["rollout"]["state"], "BACKED_OUT");
  EXPECT_EQ(Do({"release", "review", "payments@1.0.1", "--environment", "production", "--reason",
                "a test was missing"})["deployment"]["state"],
            "REVIEWED");

  // What mends it is nobody's plan.
  Publish("1.1.0", "two");
  Seal("1.1.0", "acme/tool@1.1.0", true, "EMERGENCY");
  Test("1.1.0");
  GoThroughStaging("1.1.0");
  Override("1.1.0");
  Approve("1.1.0", "production");
  Start("1.1.0", "production");
  for (const char* node : {"web-1", "web-2", "web-3"}) Confirm("1.1.0", "production", node);
  EXPECT_EQ(Status("1.1.0")["state"], "DEPLOYED");

  const Json measures = Do({"measures", "--environment", "production"});
  EXPECT_EQ(Measure(measures, "change-fail-rate")["count"], 1);
  EXPECT_EQ(Measure(measures, "change-fail-rate")["total"], 2);
  EXPECT_EQ(Measure(measures, "back-outs", "1 of 3 nodes failed")["count"], 1);
  EXPECT_EQ(Measure(measures, "recovery-time")["count"], 1);
  EXPECT_EQ(Measure(measures, "rework-rate")["count"], 1);
  EXPECT_EQ(Measure(measures, "overrides")["count"], 1) << "of two one was reviewed";
  EXPECT_EQ(Measure(measures, "overrides")["total"], 2);
  EXPECT_EQ(Measure(measures, "permits", "issued")["count"], 2);
  EXPECT_EQ(Measure(measures, "permits", "denied by scope.unauthorized")["count"], 1);
  EXPECT_EQ(Measure(measures, "inventory-age")["known"], false);
  EXPECT_EQ(Measure(Do({"measures", "--service", "acme/other"}), "change-fail-rate")["total"], 0);
  EXPECT_EQ(Reason({"measures", "--service", "no package"}), "SERVICE_INVALID");

  // Later something becomes known of what is deployed.
  Do({"package", "withdraw", "acme/tool@1.1.0", "--reason", "loses data"});
  Do({"log", "watch", "--kind", "release_reevaluated", "--start", "0", "--count", "1"});
  const Json found = Do({"gate", "findings", "--environment", "production"}, 3);
  ASSERT_EQ(found["items"].size(), 1u);
  EXPECT_EQ(found["items"][0]["release"], "releases/payments/versions/1.1.0");
  EXPECT_EQ(found["items"][0]["findings"][0]["rule"], "content.withdrawn");

  const Json diff = Do({"release", "diff", "payments@1.0.1", "payments@1.1.0", "--library"});
  EXPECT_EQ(diff["same"], false);
  EXPECT_EQ(diff["items"][0]["after"]["variant"], "packages/acme/tool/versions/1.1.0/variants/any");
  EXPECT_NE(
      Do({"release", "notes", "payments@1.1.0"})["notes"].get<std::string>().find("Pay by card"),
      std::string::npos);
  const Json list = Do({"release", "list", "--filter", "type = EMERGENCY AND state = TESTED"});
  ASSERT_EQ(list["items"].size(), 1u);
  EXPECT_EQ(list["items"][0]["release"], "payments@1.1.0");
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
  Do({"log", "verify"});
}

TEST_F(ReleaseLifeTest, APolicyThatLocksEveryoneOutNeedsAReason) {
  ASSERT_NO_FATAL_FAILURE(BeginWithPeople());
  const std::string etag = Do({"policy", "show", "--environment", "production"})["policy"]["etag"];
  testing::WriteBytes(Path("tight.yaml"), R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
approvals: [{approvers: 3}]
)");
  Words set = {"policy", "set", "--environment", "production", Path("tight.yaml"),
               "--etag", etag,  "--key",         Path("paul")};
  EXPECT_EQ(Reason(set), "POLICY_LOCKS_OUT");
  set.insert(set.end(), {"--force-reason", "all is to stand still"});
  Do(set);
  const Json entries = Do({"log", "entries", "--kind", "policy_set", "--newest-first"});
  EXPECT_NE(entries["items"][0]["summary"].get<std::string>().find("all is to stand still"),
            std::string::npos);
}

}  // namespace
}  // namespace dml
