// A release from its draft to its review, as the people of an organization see it.
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::CommandLibrary;

constexpr std::string_view kPolicy = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
approvals: [{approvers: 1}]
size: [{types: [PATCH], items: 1}]
scope: [{environment: production, after: {environment: staging}}]
)";

class ReleaseStoryTest : public CommandLibrary {
 protected:
  void BeginWithPeople() {
    ASSERT_NO_FATAL_FAILURE(Begin());
    for (const char* name : {"staging", "production"}) {
      Do({"environment", "create", name});
      testing::WriteBytes(Path("policy.yaml"), kPolicy);
      Do({"policy", "set", "--environment", name, Path("policy.yaml")});
    }
    for (const auto& [name, role] :
         {std::pair("rita", "release"), std::pair("amy", "approver"), std::pair("tim", "tester")}) {
      Do({"key", "generate", "--out", Path(name)});
      Do({"key", "register", "--key", Path(name), "--owner", name, "--role", role, "--namespace",
          "*"});
    }
    Publish("1.0.0", "one");
  }
  std::string Compose(const std::string& version, const std::string& changes) {
    testing::WriteBytes(Path("changes.json"),
                        R"({"schema": "dml.changes/v1", "changes": [{"id": "CHG-1", "title":
                        "Pay by card", "risk": "LOW")" +
                            changes + "}]}");
    const std::string file = Path("release-" + version + ".json");
    Do({"release",       "compose",
        "--name",        "payments",
        "--version",     version,
        "--type",        "PATCH",
        "--environment", "staging",
        "--environment", "production",
        "--variant",     "acme/tool@1.0.0",
        "--changes",     Path("changes.json"),
        "--evidence",    "https://example.test/report",
        "--out",         file});
    return file;
  }
  std::set<std::string> Denied(const Json& answer) {
    std::set<std::string> out;
    for (const Json& finding : answer["findings"]) {
      if (finding["severity"] == "ERROR") out.insert(finding["rule"].get<std::string>());
    }
    return out;
  }
  Json Evaluate(const std::string& environment, int code) {
    return Do({"release", "evaluate", "payments@1.0.1", "--environment", environment}, code);
  }
  std::string Reason(const Words& words, int code = 1) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
};

TEST_F(ReleaseStoryTest, FromADraftToAnApprovalAndBack) {
  ASSERT_NO_FATAL_FAILURE(BeginWithPeople());

  // Nobody authorized the change, nobody tested it, nobody approved it, and staging has not seen
  // it.
  const std::string first = Compose("1.0.0", R"(, "packages": ["*"])");
  EXPECT_EQ(Reason({"release", "seal", first, "--key", Path("amy")}, 5), "THRESHOLD_NOT_MET");
  Do({"release", "seal", first, "--key", Path("rita")});
  EXPECT_EQ(Reason({"release", "seal", first, "--key", Path("rita")}), "RELEASE_EXISTS");
  EXPECT_EQ(Denied(Do({"release", "evaluate", "payments@1.0.0", "--environment", "production"}, 3)),
            (std::set<std::string>{"approval.missing", "release.evidence", "scope.order",
                                   "scope.unauthorized"}));
  Do({"release", "withdraw", "payments@1.0.0", "--reason", "nobody said yes"});

  const std::string second = Compose("1.0.1", R"(, "packages": ["*"], "authorizedBy": "p-1")");
  const std::string digest =
      Do({"release", "seal", second, "--key", Path("rita")})["release"]["digest"];
  EXPECT_EQ(Denied(Evaluate("staging", 3)),
            (std::set<std::string>{"approval.missing", "release.evidence"}));

  Do({"attest", "sign", "--type", "https://example.test/report", "--subject", digest, "--key",
      Path("tim"), "--out", Path("report.json")});
  EXPECT_EQ(Do({"release", "attach", "payments@1.0.1", Path("report.json")})["release"]["state"],
            "TESTED");
  EXPECT_EQ(Reason({"release", "attach", "payments@1.0.1", Path("report.json")}),
            "RELEASE_ENVELOPE_EXISTS");

  EXPECT_EQ(Reason({"release", "approve", "payments@1.0.1", "--environment", "staging", "--key",
                    Path("tim")},
                   5),
            "SIGNATURE_MISSING");
  const Json approved = Do(
      {"release", "approve", "payments@1.0.1", "--environment", "staging", "--key", Path("amy")});
  EXPECT_EQ(approved["deployment"]["state"], "APPROVED");
  const Json allowed = Evaluate("staging", 0);
  EXPECT_EQ(allowed["decision"], "ALLOW");
  EXPECT_EQ(allowed["approvedFindings"], approved["approvedFindings"]);
  EXPECT_EQ(Denied(Evaluate("production", 3)),
            (std::set<std::string>{"approval.missing", "scope.order"}));

  EXPECT_EQ(Reason({"release", "record", "payments@1.0.1", "start", "--environment", "staging"}),
            "RELEASE_STATE_UNEXPECTED")
      << "there is no permit";
  EXPECT_EQ(
      Reason({"release", "record", "payments@1.0.1", "start", "--environment", "production"}, 4),
      "DEPLOYMENT_NOT_FOUND");

  // Something of substance changes: what was approved is not what there is any more.
  Do({"package", "withdraw", "acme/tool@1.0.0", "--reason", "loses data"});
  EXPECT_EQ(Denied(Evaluate("staging", 3)),
            (std::set<std::string>{"approval.missing", "content.withdrawn"}));

  const Json shown = Do({"release", "show", "payments@1.0.1", "--out", Path("shown.json")});
  EXPECT_EQ(shown["envelopes"].size(), 3u);
  EXPECT_EQ(testing::ReadBytes(Path("shown.json")), testing::ReadBytes(second));
  const Json list = Do({"release", "list"});
  ASSERT_EQ(list["items"].size(), 2u);
  EXPECT_EQ(list["items"][0]["state"], "WITHDRAWN");
  EXPECT_EQ(Reason({"release", "show", "payments@9.9.9"}, 4), "RELEASE_NOT_FOUND");
  EXPECT_EQ(Reason({"release", "show", "payments"}, 2), "ARGUMENT_INVALID");
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
  Do({"log", "verify"});
}

}  // namespace
}  // namespace dml
