// Witnesses that speak HTTP, and policies that demand them.
#include "core/trust/log_policy.h"

#include "tests/integration/support/command_library.h"
#include "tests/support/http_witness.h"

namespace dml {
namespace {

using testing::HttpWitness;
using testing::ReadBytes;
using testing::WriteBytes;

class LogPolicyCommandTest : public testing::CommandLibrary {
 protected:
  // A key in a file of this name, and in memory.
  PrivateKey NewKey(const std::string& name) {
    Do({"key", "generate", "--out", Path(name)});
    return *PrivateKey::FromPkcs8Pem(ReadBytes(Path(name)));
  }
  std::string Vkey(const std::string& name) {
    return Do({"log", "vkey", "--key", Path(name), "--name", name + ".example"})["vkey"]
        .get<std::string>();
  }
  std::string Policy(const std::string& text) {
    WriteBytes(Path("policy"), text);
    return Path("policy");
  }
};

TEST_F(LogPolicyCommandTest, TheQuorumCosignsAndIsDemanded) {
  Begin();
  const auto log = ParseVerifierKey(Do({"log", "vkey"})["vkey"].get<std::string>());
  ASSERT_TRUE(log.ok()) << log.status();
  const PrivateKey one_key = NewKey("w1");
  const PrivateKey two_key = NewKey("w2");
  HttpWitness one("w1.example", one_key, log->name, log->key);
  HttpWitness two("w2.example", two_key, log->name, log->key);
  const std::string text = fmt::format(
      "log {}\nwitness one {} {}\nwitness two {} {}\ngroup both all one two\nquorum both\n",
      FormatVerifierKey(*log), Vkey("w1"), one.url(), Vkey("w2"), two.url());
  const Words verify = {"log", "verify", "--policy", Policy(text)};
  EXPECT_EQ(Do(verify, 3)["error"]["reason"], "WITNESSES_MISSING");
  const Words request = {"log", "request-cosignatures", "--policy", Path("policy")};
  EXPECT_EQ(Do(request)["quorum"], true);
  EXPECT_EQ(Do(verify)["witnessed"]["witnesses"].size(), 2U);
  // They follow: each has seen the log before, and asks for the proof.
  Do({"namespace", "create", "second"});
  const Json again = Do(request);
  EXPECT_EQ(again["quorum"], true);
  EXPECT_EQ(again["checkpoint"]["size"], one.size());
  EXPECT_EQ(Do(verify)["witnessed"]["size"], one.size());

  // One that has seen another history is told, and the quorum is not there.
  Do({"namespace", "create", "third"});
  Checkpoint other{log->name, one.size(), Sha256("another history")};
  two.Remember(other);
  const Json told = Do(request, 3);
  EXPECT_EQ(told["quorum"], false);
  EXPECT_EQ(told["witnesses"][0]["cosigned"], true);
  EXPECT_EQ(told["witnesses"][1]["reason"], "WITNESS_DISAGREES");
}

TEST_F(LogPolicyCommandTest, PoliciesForOtherLogsAndWithoutPlacesAreRefused) {
  Begin();
  const PrivateKey key = NewKey("w1");
  const std::string witness = "witness one " + Vkey("w1") + "\n";
  EXPECT_EQ(Do({"log", "request-cosignatures", "--policy", Policy(witness + "quorum one\n")},
               2)["error"]["reason"],
            "ARGUMENT_INVALID");
  const std::string other =
      "log " + FormatVerifierKey({"other.example", key.public_key()}) + "\n" + witness;
  EXPECT_EQ(
      Do({"log", "verify", "--policy", Policy(other + "quorum none\n")}, 3)["error"]["reason"],
      "LOG_KEY_MISMATCH");
  const Json bad = Do({"log", "verify", "--policy", Policy(witness + "quorum two\n")}, 2);
  EXPECT_EQ(bad["error"]["reason"], "LOG_POLICY_INVALID");
  EXPECT_NE(bad["error"]["message"].get<std::string>().find("line 2"), std::string::npos);
  EXPECT_EQ(
      Do({"log", "verify", "--policy", Path("policy"), "--witnesses", "1"}, 2)["error"]["reason"],
      "ARGUMENT_INVALID");
}

}  // namespace
}  // namespace dml
