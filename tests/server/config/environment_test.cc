#include "server/config/environment.h"

#include <gtest/gtest.h>

#include "server/config/command_line.h"
#include "server/config/config_changes.h"
#include "tests/core/os/scratch_folder.h"

namespace dml {
namespace {

using testing::ScratchFolder;

TEST(EnvironmentTest, AVariableIsNamedByItsSettingsPath) {
  EXPECT_EQ(VariableOf("limits.maxTransfers"), "DMLD_LIMITS_MAX_TRANSFERS");
  EXPECT_EQ(VariableOf("dataDir"), "DMLD_DATA_DIR");
  EXPECT_EQ(VariableOf("listen"), "DMLD_LISTEN");
  EXPECT_EQ(VariableOf("http.maxConnectionsPerAddress"), "DMLD_HTTP_MAX_CONNECTIONS_PER_ADDRESS");
}

TEST(EnvironmentTest, FlagsComeFirstThenTheEnvironmentThenTheFileThenTheDefaults) {
  ScratchFolder folder;
  folder.Write("dmld.yaml",
               "dataDir: from-file\nlisten: 127.0.0.1:1\n"
               "limits: {maxTransfers: 9, maxConcurrentStreams: 8}\n");
  const std::vector<std::string> environment = {
      "PATH=/bin", "DMLD_LISTEN=127.0.0.1:2", "DMLD_LIMITS_MAX_TRANSFERS=10",
      "DMLD_DATA_DIR=/from/environment", "DMLD_CONFIG=" + (folder.path() / "dmld.yaml").string()};
  auto line = ParseCommandLine({"--data-dir", "/from/flag"}, environment);
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->config.data_dir, "/from/flag");
  EXPECT_EQ(line->config.listen, "127.0.0.1:2");
  EXPECT_EQ(line->config.limits.max_transfers, 10);
  EXPECT_EQ(line->config.limits.max_concurrent_streams, 8);
  EXPECT_EQ(line->config.limits.max_open_files, ServerLimits().max_open_files);
  // A flag's file comes before the variable's.
  folder.Write("other.yaml", "dataDir: other\n");
  line = ParseCommandLine({"--config", (folder.path() / "other.yaml").string()},
                          {environment.begin() + 4, environment.end()});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->config.data_dir, folder.path() / "other");
}

TEST(EnvironmentTest, EveryKindOfSettingIsTaken) {
  const std::vector<std::string> environment = {
      "DMLD_DATA_DIR=data",
      "DMLD_SERVER_NAMES=[dml.example.com, 10.0.0.1]",
      "DMLD_READ_ONLY=true",
      "DMLD_TLS_CERTIFICATE=a.pem",
      "DMLD_TLS_KEY=/k",
      "DMLD_OBSERVATION_LISTEN=[::1]:7",
      "DMLD_OBSERVATION_ANONYMOUS=true",
      "DMLD_LOG_LEVEL=error",
      "DMLD_ADMISSION_REQUIRE=[sbom]",
      "DMLD_AUTH_JWT_ISSUERS=[{issuer: \"https://i\", audience: a, jwksFile: /j}]",
      "DMLD_SHUTDOWN_GRACE_SECONDS=3"};
  auto config = ServerConfigOf(environment);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data_dir, std::filesystem::current_path() / "data");
  EXPECT_EQ(config->server_names, (std::vector<std::string>{"dml.example.com", "10.0.0.1"}));
  EXPECT_TRUE(config->read_only);
  EXPECT_EQ(config->tls.certificate, std::filesystem::current_path() / "a.pem");
  EXPECT_EQ(config->observation, (ObservationConfig{"[::1]:7", true}));
  EXPECT_EQ(config->log.level, LogLevel::kError);
  EXPECT_TRUE(config->admission.require_sbom);
  ASSERT_EQ(config->auth.issuers.size(), 1u);
  EXPECT_EQ(config->shutdown_grace.count(), 3);
}

// A text that looks like something else stays text.
TEST(EnvironmentTest, TextIsTakenAsItIs) {
  const std::vector<std::string> environment = {"DMLD_DATA_DIR=/7", "DMLD_ADMISSION_CLAMD=true",
                                                "DMLD_TLS_CLIENT_CA=/a: b # c"};
  auto config = ServerConfigOf(environment);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->admission.clamd, "true");
  EXPECT_EQ(config->tls.client_ca, "/a: b # c");
}

TEST(EnvironmentTest, RefusesWhatItCannotUse) {
  auto problem = [](const std::string& line) {
    const auto config = ServerConfigOf(std::vector<std::string>{line});
    EXPECT_EQ(Reason(config.status()), "CONFIG_INVALID") << line;
    return std::string(Message(config.status()));
  };
  EXPECT_NE(problem("DMLD_LIMITS_MAX_TRANSFER=3").find("do you mean DMLD_LIMITS_MAX_TRANSFERS?"),
            std::string::npos);
  EXPECT_NE(problem("DMLD_LIMITS_MAX_TRANSFERS=many").find("DMLD_"), std::string::npos);
  EXPECT_NE(problem("DMLD_LIMITS_MAX_TRANSFERS=").find("DMLD_"), std::string::npos);
  EXPECT_NE(problem("DMLD_LIMITS={maxTransfers: 3}").find("no setting"), std::string::npos);
  EXPECT_NE(problem("DMLD_INSECURE_LOOPBACK=true").find("no setting"), std::string::npos)
      << "must never hide in an environment";
  EXPECT_NE(problem("DMLD_SERVER_NAMES=[a").find("YAML"), std::string::npos);
  EXPECT_NE(problem("DMLD_READ_ONLY=perhaps").find("true or false"), std::string::npos);
  EXPECT_NE(problem("DMLD_ADMISSION_REQUIRE=" + std::string(70'000, 'x')).find("at most"),
            std::string::npos);
}

TEST(ConfigChangesTest, TellsWhatDiffers) {
  ServerConfig before;
  before.data_dir = "/d";
  EXPECT_TRUE(ChangedSettings(before, before).empty());
  ServerConfig after = before;
  after.log.level = LogLevel::kDebug;
  after.limits.max_transfers = 3;
  after.server_names = {"a"};
  after.observation.listen = "127.0.0.1:1";
  EXPECT_EQ(ChangedSettings(before, after),
            (std::vector<std::string>{"limits.maxTransfers", "log.level", "observation.anonymous",
                                      "observation.listen", "serverNames"}));
}

}  // namespace
}  // namespace dml
