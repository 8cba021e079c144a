// dml policy: what a team asks of its policy before it sets it.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/gate/policy.h"
#include "core/gate/policy_shape.h"
#include "core/os/file.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome Dml(std::vector<std::string> args) {
  std::ostringstream out;
  std::ostringstream err;
  Outcome run;
  args.insert(args.begin(), {"policy"});
  run.code = RunDml(args, out, err);
  run.out = out.str();
  run.err = err.str();
  return run;
}

class PolicyOfflineTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = (dir_.path() / name).string();
    EXPECT_TRUE(WriteFileAtomically(path, AsBytes(text), 0644).ok());
    return path;
  }

  testing::TempDir dir_;
  const std::string policy_ = Write("policy.yaml", DefaultPolicyDocument());
};

TEST_F(PolicyOfflineTest, PrintsTheSchemaThatItChecksBy) {
  const Outcome run = Dml({"schema"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out), json::parse(PolicyJsonSchema().dump()));
  const Outcome cases = Dml({"schema", "--cases", "--output", "json"});
  ASSERT_EQ(cases.code, 0) << cases.err;
  EXPECT_EQ(json::parse(cases.out)["title"], "Cases of a policy");
}

TEST_F(PolicyOfflineTest, Diff) {
  const Outcome same = Dml({"diff", policy_, policy_});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(same.out, "no difference\n");
  std::string text(DefaultPolicyDocument());
  text.replace(text.find("threshold: 1"), 12, "threshold: 2");
  const Outcome run = Dml({"diff", policy_, Write("next.yaml", text), "--output", "json"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["differences"],
            json::parse(R"([{"path": "signatures.threshold", "before": 1, "after": 2}])"));
  EXPECT_EQ(Dml({"diff", policy_, Write("bad.yaml", "x: 1\n")}).code, 2);
}

TEST_F(PolicyOfflineTest, TestsAPolicyByItsCases) {
  const std::string good = R"(schema: dml.policy-cases/v1
cases:
  - name: signed, licensed, approved
    environment: production
    at: "2027-01-01T00:00:00Z"
    packages: [{variant: acme/api@1.0.0, license: MIT, publishers: [ann]}]
    approvers: [amy]
    expect: ALLOW
)";
  const Outcome passed = Dml({"test", policy_, Write("cases.yaml", good)});
  EXPECT_EQ(passed.code, 0) << passed.err;
  EXPECT_EQ(passed.out, "1 of 1 cases passed\n");
  std::string bad = good;
  bad.replace(bad.find("license: MIT"), 12, "license: SSPL-1.0");
  const std::string file = Write("bad.yaml", bad);
  const Outcome failed = Dml({"test", policy_, file});
  EXPECT_EQ(failed.code, 3);
  EXPECT_THAT(failed.out, HasSubstr(file + ":3: signed, licensed, approved"));
  EXPECT_THAT(failed.out, HasSubstr("decided  DENY: license.denied"));
  EXPECT_THAT(failed.out, HasSubstr("0 of 1 cases passed"));
  const Outcome machine = Dml({"test", policy_, file, "--output", "json"});
  EXPECT_EQ(json::parse(machine.out)["failed"], 1);
  EXPECT_EQ(json::parse(machine.out)["cases"][0]["passed"], false);
  const Outcome refused = Dml({"test", policy_, Write("none.yaml", "cases: []\n")});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("none.yaml: cases: line 1: "));
}

TEST_F(PolicyOfflineTest, CheckTellsOfLockingOut) {
  const Outcome good = Dml({"check", policy_, "--environment", "production", "--output", "json"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(json::parse(good.out)["rules"]["approvals"], 1);
  EXPECT_EQ(json::parse(good.out)["lockOuts"], json::array());
  std::string text(DefaultPolicyDocument());
  text.replace(text.find("size: []"), 8, "size: [{items: 0}]");
  const std::string bad = Write("bad.yaml", text);
  EXPECT_EQ(Dml({"check", bad}).code, 0) << "it is a policy";
  const Outcome run = Dml({"check", bad, "--environment", "production"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.out, HasSubstr("it would lock everyone out of production"));
  EXPECT_THAT(run.out, HasSubstr("lock-out.size"));
}

}  // namespace
}  // namespace dml
