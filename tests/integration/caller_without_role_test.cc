// Somebody whom an identity provider knows, and whom nobody has given a role.
#include "tests/integration/support/command_library.h"
#include "tests/server/support/jwt_maker.h"

namespace dml {
namespace {

using testing::WriteBytes;

constexpr char kIssuer[] = "https://login.example";

class CallerWithoutRoleTest : public testing::CommandLibrary {
 protected:
  CallerWithoutRoleTest() {
    WriteBytes(Path("jwks.json"), provider_.KeySet());
    WriteBytes(config_, fmt::format("auth:\n  clientCertificates: OPTIONAL\n  jwtIssuers:\n    - "
                                    "{{issuer: \"{}\", audience: dml, jwksFile: {}}}\n",
                                    kIssuer, Path("jwks.json")));
  }
  // From now on the caller whom the provider calls "ci".
  void Become() {
    WriteBytes(Path("token"), provider_.Token(kIssuer));
    std::filesystem::permissions(
        Path("token"), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const ClientOptions admin = library_.AdminOptions();
    WriteBytes(
        Path("ci.yaml"),
        fmt::format("server: \"{}\"\ncaFile: {}\ntokenFile: {}\nlogOrigin: {}\n"
                    "logKeyFile: {}\n",
                    admin.target, (library_.data_dir() / "tls" / "ca.pem").string(), Path("token"),
                    admin.log_origin, (library_.data_dir() / "client" / "log.pem").string()));
    profile_ = Path("ci.yaml");
  }

  testing::JwtMaker provider_;
};

TEST_F(CallerWithoutRoleTest, KnowsWhoItIsAndMayAskNothingElse) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Become();
  const Json me = Do({"auth", "whoami"});
  EXPECT_EQ(me["principal"], "https://login.example#ci");
  EXPECT_EQ(me["grants"].size(), 0u);
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunDml({"--profile", profile_, "auth", "whoami"}, out, err), 0);
  EXPECT_NE(out.str().find("you have no role"), std::string::npos) << out.str();
  EXPECT_NE(err.str().find("dml role grant https://login.example#ci"), std::string::npos)
      << err.str();
  for (const Words& words : {Words{"namespace", "list"}, Words{"auth", "permissions"},
                             Words{"log", "checkpoint"}, Words{"key", "list"}}) {
    EXPECT_EQ(Do(words, 5)["error"]["reason"], "ROLE_REQUIRED") << words[0];
  }

  profile_.clear();
  Do({"role", "grant", "https://login.example#ci", "--role", "reader"});
  Become();
  EXPECT_EQ(Do({"auth", "whoami"})["grants"].size(), 1u);
  Do({"namespace", "list"});
}

}  // namespace
}  // namespace dml
