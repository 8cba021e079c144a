// A permit from the decision to the files on a node, and back: what people and machines without an
// agent do with the command line.
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::CommandLibrary;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
approvals: [{approvers: 1}]
)";
constexpr char kPlace[] = "production/eu";

class PermitStoryTest : public CommandLibrary {
 protected:
  // A release that may go but for its permit.
  void BeginWithRelease() {
    ASSERT_NO_FATAL_FAILURE(Begin());
    for (const char* name : {"production", kPlace}) Do({"environment", "create", name});
    for (const char* node : {"web-1", "web-2"}) {
      Do({"node", "create", node, "--environment", kPlace, "--label", "tier=web"});
    }
    testing::WriteBytes(Path("policy.yaml"), kPolicy);
    Do({"policy", "set", "--environment", "production", Path("policy.yaml")});
    for (const auto& [name, role] : {std::pair("rita", "release"), std::pair("amy", "approver"),
                                     std::pair("paul", "policy")}) {
      Do({"key", "generate", "--out", Path(name)});
      Do({"key", "register", "--key", Path(name), "--owner", name, "--role", role, "--namespace",
          "*"});
    }
    content_ = testing::Noise("tool", 300'000);
    Publish("1.0.0", content_);
    Seal("1.0.0");
    root_ = (library_.data_dir() / "client" / "root.json").string();
  }
  void Seal(const std::string& version) {
    testing::WriteBytes(Path("changes.json"),
                        R"({"schema": "dml.changes/v1", "changes": [{"id": "CHG-1", "title":
                        "Pay by card", "packages": ["*"], "authorizedBy": "p-1"}]})");
    const std::string file = Path("release-" + version + ".json");
    Do({"release", "compose", "--name", "payments", "--version", version, "--type", "PATCH",
        "--environment", "production", "--variant", "acme/tool@1.0.0", "--changes",
        Path("changes.json"), "--out", file});
    Do({"release", "seal", file, "--key", Path("rita")});
  }
  void SignPolicy(const std::string& etag) {
    Do({"policy", "set", "--environment", "production", Path("policy.yaml"), "--etag", etag,
        "--key", Path("paul")});
  }
  std::string PolicyEtag() {
    return Do({"policy", "show", "--environment", "production"})["policy"]["etag"];
  }
  void Approve(const std::string& release) {
    Do({"release", "approve", release, "--environment", kPlace, "--key", Path("amy")});
  }
  Json Issue(int code, Words more = {}) {
    Words words = {"permit", "issue", "payments@1.0.0", "--environment", kPlace};
    words.insert(words.end(), more.begin(), more.end());
    return Do(words, code);
  }
  Json Verify(const std::string& file, int code, Words more = {}) {
    Words words = {"permit", "verify", file, "--root", root_, "--environment", kPlace};
    words.insert(words.end(), more.begin(), more.end());
    return Do(words, code);
  }
  Words Fetch(const std::string& folder, const std::string& node = "web-1") {
    return {"deploy",        "fetch", "--permit", Path("p.json"), "--root", root_,
            "--environment", kPlace,  "--node",   node,           "--out",  Path(folder)};
  }
  std::string Reason(const Words& words, int code) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  std::set<std::string> Denied(const Json& answer) {
    std::set<std::string> out;
    for (const auto& [rule, count] : answer["permit"]["errors"].items()) out.insert(rule);
    return out;
  }
  // From now on the commands are those of a machine.
  void BeNode(const std::string& name) {
    ChildOfDaemon({"issue-certificate", "--data-dir", library_.data_dir().string(), "--name", name,
                   "--role", "node", "--out", Path(name + "-profile"), "--server",
                   library_.AdminOptions().target});
    profile_ = Path(name + "-profile") + "/profile.yaml";
  }
  void ChildOfDaemon(const std::vector<std::string>& words) {
    testing::ChildDaemon issue(words, folder_.path() / "home");
    ASSERT_EQ(issue.Wait(), 0);
  }

  std::string content_;
  std::string root_;
};

TEST_F(PermitStoryTest, FromADenialToTheFilesOnANode) {
  ASSERT_NO_FATAL_FAILURE(BeginWithRelease());
  // Nobody signed the policy, nobody approved the release.
  const Json denied = Issue(3, {"--out", Path("none.json")});
  EXPECT_EQ(Denied(denied), (std::set<std::string>{"approval.missing", "permit.policy-unsigned"}));
  EXPECT_FALSE(std::filesystem::exists(Path("none.json")));
  const std::string denial = denied["permit"]["id"];
  const Json explained = Do({"gate", "explain", "permit.policy-unsigned", "--permit", denial});
  EXPECT_NE(explained["changes"][0].get<std::string>().find("dml policy set"), std::string::npos);
  EXPECT_EQ(explained["otherErrors"], 1);
  EXPECT_EQ(Do({"policy", "show", "--environment", "production"})["policy"]["envelope"], nullptr);

  const std::string etag = PolicyEtag();
  EXPECT_EQ(Reason({"policy", "set", "--environment", "production", Path("policy.yaml"), "--etag",
                    etag, "--key", Path("amy")},
                   5),
            "THRESHOLD_NOT_MET");
  SignPolicy(etag);
  Approve("payments@1.0.0");
  EXPECT_EQ(
      Do({"gate", "batch", "payments@1.0.0", "--environment", kPlace})["items"][0]["decision"],
      "ALLOW");
  EXPECT_EQ(Issue(0, {"--dry-run"})["commit"], nullptr);
  const Json permit = Issue(0, {"--node", "web-1", "--out", Path("p.json")});
  EXPECT_EQ(permit["permit"]["state"], "OPEN");
  const std::string id = permit["permit"]["id"];

  // Offline, by the pinned root alone.
  const Json unchecked = Verify(Path("p.json"), 7, {"--node", "web-1"});
  EXPECT_EQ(unchecked["good"], true);
  EXPECT_EQ(unchecked["revocation"]["checked"], false);
  Do({"permit", "fetch-revocations", "--out", Path("list.json")});
  const Json good =
      Verify(Path("p.json"), 0, {"--node", "web-1", "--revocations", Path("list.json")});
  EXPECT_EQ(good["revocation"]["list"], 0);
  EXPECT_EQ(good["permit"]["approvers"], Json::array({"amy"}));
  EXPECT_EQ(Verify(Path("p.json"), 3, {"--node", "web-2"})["reason"], "NODE_UNEXPECTED");
  EXPECT_EQ(Do({"permit", "verify", Path("p.json"), "--root", root_, "--environment", "staging"},
               3)["reason"],
            "ENVIRONMENT_UNEXPECTED");
  EXPECT_EQ(
      Verify(Path("p.json"), 3, {"--node", "web-1", "--at", "2099-01-01T00:00:00Z"})["reason"],
      "ROOT_EXPIRED");
  std::string edited = testing::ReadBytes(Path("p.json"));
  edited[edited.find("CHG-1") + 4] = '2';
  testing::WriteBytes(Path("edited.json"), edited);
  EXPECT_EQ(Verify(Path("edited.json"), 3, {"--node", "web-1"})["reason"], "SUBJECT_UNEXPECTED");

  // What a permit names, and what it does not.
  Words words = Fetch("got");
  words.insert(words.end(), {"--report", Path("report.json"), "--key", Path("rita"), "--memory",
                             Path("memory.json")});
  const Json fetched = Do(words);
  ASSERT_EQ(fetched["items"].size(), 1u);
  EXPECT_EQ(testing::ReadBytes(Path("got/acme/tool/1.0.0/any/tool")), content_);
  const Json report = Do({"attest", "verify", Path("report.json"), "--key", Path("rita.pub"),
                          "--type", "https://dml.dev/deploy-report/v1"});
  EXPECT_EQ(report["predicate"]["permit"], id);
  EXPECT_EQ(Do(words, 3)["reason"], "PERMIT_USED") << "on that node, by its memory";
  EXPECT_EQ(Do({"permit", "use", id, "--node", "web-1"})["permit"]["uses"], 1);
  EXPECT_EQ(Reason({"permit", "use", id, "--node", "web-1"}, 1), "PERMIT_USED");
  EXPECT_EQ(Do({"permit", "show", id})["uses"][0]["node"], "web-1");
  EXPECT_EQ(Do({"release", "show", "payments@1.0.0"})["deployments"][0]["state"], "ROLLING_OUT");

  Do({"permit", "revoke", id, "--reason", "it loses data"});
  EXPECT_EQ(Reason({"permit", "fetch", id, "--out", Path("again.json")}, 1), "PERMIT_REVOKED");
  EXPECT_EQ(Do(Fetch("got-2"), 3)["reason"], "PERMIT_REVOKED") << "the list is asked for";
  Do({"permit", "fetch-revocations", "--out", Path("newer.json")});
  // Whoever has seen that it is revoked is not told otherwise by the list of before.
  const auto by = [&](const char* list, int code) {
    return Verify(Path("p.json"), code,
                  {"--node", "web-1", "--revocations", Path(list), "--memory", Path("memory")});
  };
  EXPECT_EQ(by("list.json", 0)["good"], true);
  EXPECT_EQ(by("newer.json", 3)["good"], false);
  EXPECT_EQ(by("list.json", 3)["good"], false);
  Do({"permit", "fetch-revocations", "--out", Path("list.json")});
  EXPECT_EQ(
      Verify(Path("p.json"), 3, {"--node", "web-1", "--revocations", Path("list.json")})["reason"],
      "PERMIT_REVOKED");
  EXPECT_EQ(Do({"permit", "list", "--environment", kPlace})["items"].size(), 2u);
  EXPECT_EQ(Do({"permit", "list", "--environment", kPlace, "--valid"})["items"].size(), 0u);
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
  Do({"log", "verify"});
}

TEST_F(PermitStoryTest, AMachineFetchesByItsPermitAlone) {
  ASSERT_NO_FATAL_FAILURE(BeginWithRelease());
  SignPolicy(PolicyEtag());
  Approve("payments@1.0.0");
  Issue(0, {"--node", "web-1", "--out", Path("p.json")});
  Publish("2.0.0", testing::Noise("newer", 1000));
  ASSERT_NO_FATAL_FAILURE(BeNode("web-2"));
  EXPECT_EQ(Reason(Fetch("got-2", "web-1"), 4), "PERMIT_NOT_FOUND") << "it is not web-1";
  ASSERT_NO_FATAL_FAILURE(BeNode("web-1"));
  EXPECT_EQ(Reason({"package", "get", "acme/tool@1.0.0", "--out", Path("x")}, 5), "ROLE_REQUIRED");
  Do(Fetch("got-1"));
  EXPECT_EQ(testing::ReadBytes(Path("got-1/acme/tool/1.0.0/any/tool")), content_);
}

TEST_F(PermitStoryTest, AfterAKillThePermitIsWhatItWas) {
  ASSERT_NO_FATAL_FAILURE(BeginWithRelease());
  SignPolicy(PolicyEtag());
  Approve("payments@1.0.0");
  const std::string id = Issue(0)["permit"]["id"];
  const Json before = Do({"permit", "show", id});
  // Nobody has fetched the permit yet.
  library_.Kill();
  ASSERT_TRUE(library_.Start());
  EXPECT_EQ(Do({"permit", "show", id})["statement"], before["statement"]);
  Do({"permit", "fetch", id, "--out", Path("p.json")});
  EXPECT_EQ(Verify(Path("p.json"), 7)["permit"]["id"], id);
}

}  // namespace
}  // namespace dml
