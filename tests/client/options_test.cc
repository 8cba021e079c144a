#include "client/options.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/keys.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

constexpr char kProfile[] =
    "server: library.example:7443\n"
    "serverName: library.example\n"
    "caFile: ca.pem\n"
    "certificateFile: me.pem\n"
    "privateKeyFile: keys/me.key\n"
    "logOrigin: library.example/dml\n"
    "logKeyFile: log.pub\n";

class ProfileTest : public ::testing::Test {
 protected:
  ProfileTest() {
    dir_.Write("ca.pem", "the ca");
    dir_.Write("me.pem", "my certificate");
    dir_.Write("keys/me.key", "my key");
    fs::permissions(dir_ / "keys/me.key", fs::perms::owner_read | fs::perms::owner_write);
    dir_.Write("log.pub", "the log key");
  }
  absl::StatusOr<ClientOptions> Load(const std::string& text) {
    return LoadProfile(dir_.Write("profile.yaml", text));
  }
  TempDir dir_;
};

TEST_F(ProfileTest, NamesServerFilesAndLog) {
  absl::StatusOr<ClientOptions> options = Load(kProfile);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->target, "library.example:7443");
  EXPECT_EQ(options->server_name, "library.example");
  EXPECT_EQ(options->ca_pem, "the ca");
  EXPECT_EQ(options->certificate_pem, "my certificate");
  EXPECT_EQ(options->private_key_pem, "my key");
  EXPECT_EQ(options->log_origin, "library.example/dml");
  EXPECT_EQ(options->log_key_pem, "the log key");
  EXPECT_EQ(options->state_file, dir_ / "profile.yaml.checkpoint");
  EXPECT_FALSE(options->insecure_loopback);
}

TEST_F(ProfileTest, ErrorsNameTheProfileAndTheLine) {
  struct Case {
    std::string text, line;
  };
  std::string good = kProfile;
  for (const Case& c : std::vector<Case>{
           {good + "colour: red\n", "line 8"},
           {good + "server: again:1\n", "line 8"},
           {good + "insecureLoopback: yes please\n", "line 8"},
           {good + "insecureLoopback: true\n", "line 8"},
           {"server: [a]\n" + good.substr(good.find('\n') + 1), "line 1"},
           {"server: localhost:1\ninsecureLoopback: true\nlogOrigin: {a: b}\n", "line 3"},
           {"server: x:1\n", "line 1"},
           {"- a\n", "line 1"},
           {"server: &anchor x\n", "line 1"},
       }) {
    absl::Status status = Load(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_EQ(Reason(status), "PROFILE_INVALID") << c.text;
    EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr("profile.yaml")) << c.text;
    EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr(c.line)) << c.text;
  }
}

TEST_F(ProfileTest, ThePrivateKeyIsForItsOwnerAlone) {
  for (fs::perms extra : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write}) {
    fs::permissions(dir_ / "keys/me.key", fs::perms::owner_read | fs::perms::owner_write | extra);
    EXPECT_EQ(Reason(Load(kProfile).status()), "FILE_NOT_PRIVATE");
  }
}

TEST_F(ProfileTest, AFileThatIsMissingIsNamed) {
  fs::remove(dir_ / "log.pub");
  absl::Status status = Load(kProfile).status();
  EXPECT_EQ(Reason(status), "FILE_NOT_FOUND");
  EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr("log.pub"));
}

TEST_F(ProfileTest, WithoutTlsOnlyOnThisMachine) {
  auto load = [&](const std::string& server) {
    return Load("server: '" + server +
                "'\ninsecureLoopback: true\nlogOrigin: o\nlogKeyFile: log.pub\n");
  };
  for (const char* server : {"127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/run/dmld.sock"}) {
    EXPECT_TRUE(load(server).ok()) << server << load(server).status();
  }
  for (const char* server : {"library.example:1", "127.evil.example:1", "10.0.0.1:1",
                             "localhost.example:1", "127.0.0.1.example:1"}) {
    EXPECT_EQ(Reason(load(server).status()), "PROFILE_INVALID") << server;
  }
}

TEST(ClientOptionsTest, ValidateNamesTheField) {
  ClientOptions good;
  good.target = "127.0.0.1:1";
  good.insecure_loopback = true;
  good.log_origin = "o";
  good.log_key_pem = "k";
  ASSERT_TRUE(good.Validate().ok());
  auto field = [&](const std::function<void(ClientOptions&)>& change) {
    ClientOptions options = good;
    change(options);
    absl::Status status = options.Validate();
    EXPECT_EQ(Reason(status), "CLIENT_OPTIONS_INVALID");
    std::vector<FieldViolation> violations = FieldViolations(status);
    return violations.empty() ? "" : violations[0].field;
  };
  EXPECT_EQ(field([](auto& o) { o.target = ""; }), "target");
  EXPECT_EQ(field([](auto& o) { o.target = "no-port"; }), "target");
  EXPECT_EQ(field([](auto& o) { o.target = "h:1"; }), "insecure_loopback");
  EXPECT_EQ(field([](auto& o) { o.insecure_loopback = false; }), "ca_pem");
  EXPECT_EQ(field([](auto& o) { o.log_origin = ""; }), "log_origin");
  EXPECT_EQ(field([](auto& o) { o.log_key_pem = ""; }), "log_key_pem");
  EXPECT_EQ(field([](auto& o) { o.retry.max_attempts = 0; }), "retry.max_attempts");
  EXPECT_EQ(field([](auto& o) { o.unary_timeout = {}; }), "unary_timeout");
  EXPECT_EQ(field([](auto& o) { o.stall_timeout = {}; }), "stall_timeout");
  EXPECT_EQ(field([](auto& o) { o.log_check_interval = std::chrono::milliseconds(-1); }),
            "log_check_interval");
}

TEST(FindProfileTest, GivenThenVariableThenConfigFolder) {
  TempDir dir;
  ::setenv("XDG_CONFIG_HOME", dir.path().c_str(), 1);
  ::unsetenv("DML_PROFILE");
  absl::Status missing = FindProfile("").status();
  EXPECT_EQ(Reason(missing), "PROFILE_NOT_FOUND");
  EXPECT_THAT(std::string(Message(missing)), ::testing::HasSubstr("DML_PROFILE"));
  dir.Write("dml/profile.yaml", "");
  EXPECT_EQ(*FindProfile(""), dir / "dml/profile.yaml");
  ::setenv("DML_PROFILE", "/some/profile", 1);
  EXPECT_EQ(*FindProfile(""), "/some/profile");
  EXPECT_EQ(*FindProfile("mine.yaml"), "mine.yaml");
  ::unsetenv("DML_PROFILE");
  ::unsetenv("XDG_CONFIG_HOME");
}

}  // namespace
}  // namespace dml
