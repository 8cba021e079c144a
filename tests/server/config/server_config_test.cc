#include "server/config/server_config.h"

#include <gtest/gtest.h>

#include "server/config/command_line.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/jwt_maker.h"

namespace dml {
namespace {

using testing::ScratchFolder;

absl::StatusOr<ServerConfig> Parse(std::string_view yaml) {
  return ParseServerConfig(yaml, "/etc/dml/dmld.yaml");
}

TEST(ServerConfigTest, ReadsEverySetting) {
  auto config = Parse(R"(dataDir: data
listen: "[::1]:9000"
serverNames: [dml.example.com, 192.0.2.1]
tls: {certificate: /tls/server.pem, key: server.key, clientCa: ca.pem}
limits:
  maxMessageBytes: 8388608
  maxTransfers: 7
  transferBytes: 100000000
  stallTimeoutSeconds: 60
  uploadLeaseSeconds: 7200
  maxConcurrentStreams: 8
  blockCacheBytes: 10000000
  writeBufferBytes: 20000000
  maxOpenFiles: 900
  clockStepSeconds: 86400
content: {chunkAverageBytes: 65536, looseBytes: 1000, packBytes: 2000000}
maintenance: {markBytes: 2000000, scrubBytesPerSecond: 100000, repackIntervalSeconds: 60, repackBytesPerSecond: 1048577}
audit: {linesPerSecond: 7}
log: {level: debug, format: json}
selfProbe: {intervalSeconds: 5, maxFailures: 2}
shutdownGraceSeconds: 3
)");
  ASSERT_TRUE(config.ok()) << config.status();
  ServerConfig expected;
  expected.data_dir = "/etc/dml/data";
  expected.listen = "[::1]:9000";
  expected.server_names = {"dml.example.com", "192.0.2.1"};
  expected.tls = {"/tls/server.pem", "/etc/dml/server.key", "/etc/dml/ca.pem"};
  expected.limits = {8388608, 7, 100000000, 60, 7200, 8, 10000000, 20000000, 900, 86400};
  expected.content = {65536, 1000, 2000000};
  expected.maintenance = {2000000, 100000, 60, 1048577};
  expected.audit = {7};
  expected.log = {LogLevel::kDebug, LogFormat::kJson};
  expected.self_probe = {std::chrono::seconds(5), 2};
  expected.shutdown_grace = std::chrono::seconds(3);
  EXPECT_EQ(*config, expected);
  EXPECT_TRUE(config->Validate().ok());
}

TEST(ServerConfigTest, WhatIsNotNamedKeepsItsDefault) {
  auto config = Parse("limits: {maxTransfers: 1}");
  ASSERT_TRUE(config.ok()) << config.status();
  ServerConfig expected;
  expected.limits.max_transfers = 1;
  EXPECT_EQ(*config, expected);
}

TEST(ServerConfigTest, HttpIsServedOnlyWhereItIsNamed) {
  EXPECT_EQ(Parse("dataDir: /x")->http, HttpConfig());
  EXPECT_EQ(Parse("http: {}")->http, (HttpConfig{"127.0.0.1:7480", false, 16}));
  EXPECT_EQ(Parse("http: {listen: '[::1]:1', publicLog: true, maxConnectionsPerAddress: 64}")->http,
            (HttpConfig{"[::1]:1", true, 64}));
  EXPECT_EQ(Reason(Parse("http: {publicLog: yes please}").status()), "CONFIG_INVALID");
  EXPECT_EQ(Reason(Parse("http: {publicLogs: true}").status()), "CONFIG_INVALID");
}

TEST(ServerConfigTest, FormatIsReadBackAsTheSame) {
  ServerConfig config;
  config.data_dir = "/var/lib/a \"quoted\" # folder";
  config.server_names = {"a.example", "::1"};
  config.tls.client_ca = "/x";
  config.http = {"0.0.0.0:1", true, 3};
  config.limits.max_message_bytes = 5 << 20;
  config.limits.upload_lease_seconds = 4000;
  config.maintenance.scrub_bytes_per_second = 70'000;
  config.log = {LogLevel::kError, LogFormat::kJson};
  config.shutdown_grace = std::chrono::seconds(0);
  auto again = Parse(FormatServerConfig(config));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, config);
}

TEST(ServerConfigTest, UnknownKeysAreErrorsWithPlaceAndNearestName) {
  auto status = Parse("dataDir: /x\nlimits:\n    maxTransfer: 3\n").status();
  EXPECT_EQ(Reason(status), "CONFIG_INVALID");
  EXPECT_TRUE(Message(status).starts_with("/etc/dml/dmld.yaml:3:5: ")) << status;
  EXPECT_NE(Message(status).find("'maxTransfers'"), std::string_view::npos) << status;
  for (const char* flag : {"insecureLoopback: true", "acceptMissingCheckpoint: true"}) {
    EXPECT_FALSE(Parse(flag).ok()) << "must never hide in a file: " << flag;
  }
}

TEST(ServerConfigTest, RefusesBadFiles) {
  for (const char* yaml :
       {"", "[]", "listen: 7", "limits: 3", "limits: {maxTransfers: -1}",
        "limits: {maxTransfers: 1.5}", "limits: {maxTransfers: many}", "log: {level: loud}",
        "dataDir: a\ndataDir: b", "tls: {certificate: [a]}", "serverNames: dml.example.com",
        "dataDir: &a x\nlisten: *a", "dataDir: [", "shutdownGraceSeconds: 99999999999999999999"}) {
    EXPECT_EQ(Reason(Parse(yaml).status()), "CONFIG_INVALID") << yaml;
  }
}

std::string Problem(const std::function<void(ServerConfig&)>& change) {
  ServerConfig config;
  config.data_dir = "/data";
  change(config);
  const absl::Status status = config.Validate();
  if (status.ok()) return "";
  EXPECT_EQ(Reason(status), "CONFIG_INVALID");
  const auto violations = FieldViolations(status);
  return violations.empty() ? "?" : violations[0].field;
}

TEST(ServerConfigTest, ValidateNamesTheSetting) {
  EXPECT_EQ(Problem([](ServerConfig&) {}), "");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.data_dir = ""; }), "dataDir");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.listen = "localhost:1"; }), "listen");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.tls.key = "k"; }), "tls");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.limits.max_message_bytes = 65 << 20; }),
            "limits.maxMessageBytes");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.limits.max_transfers = 0; }), "limits.maxTransfers");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.http.listen = "localhost:1"; }), "http.listen");
  EXPECT_EQ(Problem([](ServerConfig& c) {
              c.http.listen = "0.0.0.0:1";
              c.insecure_loopback = true;
            }),
            "http.listen");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.observation.listen = "metrics:1"; }),
            "observation.listen");
  EXPECT_EQ(Problem([](ServerConfig& c) {
              c.observation = {"0.0.0.0:1", true};
              c.insecure_loopback = true;
            }),
            "observation.listen");
  for (const int connections : {0, 65}) {
    EXPECT_EQ(Problem([&](ServerConfig& c) { c.http = {"127.0.0.1:1", false, connections}; }),
              "http.maxConnectionsPerAddress");
  }
  // Three quarters of it are one principal's, and an upload must fit them.
  EXPECT_EQ(Problem([](ServerConfig& c) { c.limits.transfer_bytes = 22'369'621; }),
            "limits.transferBytes");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.limits.transfer_bytes = 22'369'622; }), "");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.limits.max_open_files = 1; }), "limits.maxOpenFiles");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.content.chunk_average_bytes = 100'000; }),
            "content.chunkAverageBytes");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.content.pack_bytes = 0; }), "content.packBytes");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.maintenance.repack_interval_seconds = -1; }),
            "maintenance.repackIntervalSeconds");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.audit.lines_per_second = 0; }), "audit.linesPerSecond");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.self_probe.max_failures = 0; }),
            "selfProbe.maxFailures");
  EXPECT_EQ(Problem([](ServerConfig& c) { c.server_names.resize(49, "a"); }), "serverNames");
}

// attack 41
TEST(ServerConfigTest, InsecureMeansLoopbackOnly) {
  auto insecure = [](const char* listen) {
    return Problem([&](ServerConfig& c) {
      c.insecure_loopback = true;
      c.listen = listen;
    });
  };
  for (const char* good : {"127.0.0.1:0", "127.1.2.3:7443", "[::1]:7443"}) {
    EXPECT_EQ(insecure(good), "") << good;
  }
  for (const char* bad : {"0.0.0.0:7443", "[::]:7443", "10.0.0.1:7443", "128.0.0.1:1",
                          "[::ffff:127.0.0.1]:1", "localhost:1", "[fe80::1]:1"}) {
    EXPECT_EQ(insecure(bad), "listen") << bad;
  }
  EXPECT_TRUE(ParseListenAddress(ServerConfig().listen)->loopback) << "the default is loopback";
}

TEST(ListenAddressTest, RefusesWhatIsNotAddressAndPort) {
  for (const char* bad :
       {"", ":", ":7443", "7443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1: 1", "127.0.0.1:1 ", "::1:7443", "[127.0.0.1]:1", "[::1]",
        "[::1", "unix:/x", "a.example:1", "127.1:1", "127.0.0.1:99999999999999999999"}) {
    EXPECT_EQ(Reason(ParseListenAddress(bad).status()), "CONFIG_INVALID") << bad;
  }
  EXPECT_EQ(ParseListenAddress("[::]:0")->ToString(), "[::]:0");
  EXPECT_TRUE(ParseListenAddress("[::]:0")->wildcard);
  EXPECT_TRUE(ParseListenAddress("0.0.0.0:0")->wildcard);
  EXPECT_EQ(ParseListenAddress("127.0.0.1:80")->ToString(), "127.0.0.1:80");
}

TEST(CommandLineTest, FlagsComeBeforeTheFileAndTheFileBeforeDefaults) {
  ScratchFolder folder;
  folder.Write("dmld.yaml", "dataDir: from-file\nlisten: 127.0.0.1:1\nlimits: {maxTransfers: 9}\n");
  const std::string file = (folder.path() / "dmld.yaml").string();
  auto only_file = ParseCommandLine({"--config", file});
  ASSERT_TRUE(only_file.ok()) << only_file.status();
  EXPECT_EQ(only_file->action, CommandLine::Action::kServe);
  EXPECT_EQ(only_file->config.data_dir, folder.path() / "from-file");
  EXPECT_EQ(only_file->config.listen, "127.0.0.1:1");

  auto both = ParseCommandLine(
      {"--config", file, "--data-dir", "/flag", "--listen", "127.0.0.1:2", "--insecure-loopback"});
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->config.data_dir, "/flag");
  EXPECT_EQ(both->config.listen, "127.0.0.1:2");
  EXPECT_EQ(both->config.limits.max_transfers, 9);
  EXPECT_EQ(both->config.self_probe, SelfProbeConfig());
  EXPECT_TRUE(both->config.insecure_loopback);
  EXPECT_FALSE(both->config.accept_missing_checkpoint);

  auto once = ParseCommandLine({"--data-dir", "/d", "--accept-missing-checkpoint"});
  EXPECT_TRUE(once.ok() && once->config.accept_missing_checkpoint);
}

TEST(CommandLineTest, CommandsReadTheConfigurationToo) {
  ScratchFolder folder;
  folder.Write("dmld.yaml", "dataDir: from-file\nserverNames: [dml.example.com]\n");
  const std::string file = (folder.path() / "dmld.yaml").string();
  const std::pair<const char*, CommandLine::Action> kCommands[] = {
      {"renew-certificate", CommandLine::Action::kRenewCertificate},
      {"rebuild-index", CommandLine::Action::kRebuildIndex}};
  for (const auto& [command, action] : kCommands) {
    auto line = ParseCommandLine({command, "--config", file});
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(line->action, action);
    EXPECT_EQ(line->config.data_dir, folder.path() / "from-file");
    EXPECT_EQ(line->config.server_names, std::vector<std::string>{"dml.example.com"});
    EXPECT_EQ(Reason(ParseCommandLine({command}).status()), "CONFIG_INVALID");
  }
}

TEST(CommandLineTest, PrintsInsteadOfServing) {
  for (const char* flag : {"--help", "--version"}) {
    auto line = ParseCommandLine({flag});
    ASSERT_TRUE(line.ok()) << line.status();
    EXPECT_EQ(line->action, CommandLine::Action::kPrint);
    EXPECT_NE(line->output.find("dmld"), std::string::npos);
  }
  auto checked = ParseCommandLine({"--data-dir", "/d", "--check-config"});
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->action, CommandLine::Action::kPrint);
  auto printed = ParseCommandLine({"--data-dir", "/d", "--print-config"});
  ASSERT_TRUE(printed.ok());
  EXPECT_EQ(*Parse(printed->output), printed->config);
}

// The keys of issuers are read: what the daemon would refuse to start with is no good
// configuration.
TEST(CommandLineTest, ChecksTheKeysOfIssuers) {
  const ScratchFolder folder;
  const std::string file = folder.path() / "dmld.yaml";
  auto check = [&](const char* flag) {
    return Reason(ParseCommandLine({"--config", file, flag}).status());
  };
  folder.Write("dmld.yaml",
               "dataDir: data\nauth:\n  jwtIssuers:\n    - {issuer: \"https://login.example\", "
               "audience: dml, jwksFile: jwks.json}\n");
  EXPECT_EQ(check("--check-config"), "JWKS_INVALID") << "the file is missing";
  folder.Write("jwks.json", "{}");
  EXPECT_EQ(check("--check-config"), "JWKS_INVALID");
  folder.Write("jwks.json", testing::JwtMaker().KeySet());
  EXPECT_EQ(check("--check-config"), "");
}

TEST(CommandLineTest, RefusesBadUsage) {
  auto reason = [](const std::vector<std::string>& arguments) {
    return Reason(ParseCommandLine(arguments).status());
  };
  EXPECT_EQ(reason({}), "CONFIG_INVALID");  // No data directory.
  EXPECT_EQ(reason({"--data-dir"}), "USAGE_INVALID");
  EXPECT_EQ(reason({"--data-dir", "/d", "--bogus"}), "USAGE_INVALID");
  EXPECT_EQ(reason({"serve"}), "USAGE_INVALID");
  EXPECT_EQ(reason({"--config", "/nowhere/dmld.yaml"}), "FILE_NOT_FOUND");
  EXPECT_EQ(reason({"--data-dir", "/d", "--listen", "0.0.0.0:1", "--insecure-loopback"}),
            "CONFIG_INVALID");
  EXPECT_EQ(reason({"issue-certificate", "--name", "a"}), "USAGE_INVALID");
  EXPECT_EQ(reason({"issue-certificate", "--data-dir", "/d", "--name", "a", "--role", "root",
                    "--out", "/o"}),
            "USAGE_INVALID");
}

TEST(CommandLineTest, IssuesCertificates) {
  auto line = ParseCommandLine({"issue-certificate", "--data-dir", "/d", "--name", "alice",
                                "--role", "publisher", "--out", "/o", "--days", "30"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->action, CommandLine::Action::kIssueCertificate);
  EXPECT_EQ(line->issue.name, "alice");
  EXPECT_EQ(line->issue.role, Role::kPublisher);
  EXPECT_EQ(line->issue.days, 30);
  EXPECT_EQ(line->issue.server, "");
}

TEST(ServerConfigTest, AuthAndAdmissionAreReadAndWrittenAlike) {
  auto config = ParseServerConfig(
      "dataDir: /var/lib/dml\nauth:\n  clientCertificates: OPTIONAL\n  jwtIssuers:\n"
      "    - {issuer: \"https://login.example\", audience: dml, jwksFile: keys.json}\n"
      "admission: {clamd: /run/clamd.ctl, unscanned: ACCEPT, require: [sbom, license],\n"
      "            rescanHours: 24, quarantineDays: 30}\n",
      "/etc/dml/dmld.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->auth.certificates_optional);
  EXPECT_EQ(config->auth.issuers.at(0).jwks_file, "/etc/dml/keys.json");
  EXPECT_TRUE(config->admission.accept_unscanned);
  EXPECT_TRUE(config->admission.require_sbom && config->admission.require_license);
  EXPECT_FALSE(config->admission.require_provenance);
  EXPECT_TRUE(config->Validate().ok());
  auto again = ParseServerConfig(FormatServerConfig(*config), "/etc/dml/dmld.yaml");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(*again == *config);
  config->admission.rescan_interval = {};
  EXPECT_EQ(Reason(config->Validate()), "CONFIG_INVALID") << "nothing would end a quarantine";
  config->admission.quarantine_days = {};
  EXPECT_TRUE(config->Validate().ok());
  const JwtIssuerConfig issuer = config->auth.issuers[0];
  config->auth.issuers.push_back(issuer);
  EXPECT_EQ(Reason(config->Validate()), "CONFIG_INVALID") << "twice";
  config->auth.issuers[1].issuer = "https://login.example#eu";
  EXPECT_EQ(Reason(config->Validate()), "CONFIG_INVALID") << "#eu#7 could be of either";
  config->auth.issuers[1].issuer = "https://login.example/eu";
  EXPECT_TRUE(config->Validate().ok());
  config->auth.issuers.pop_back();
  config->auth.issuers[0].audience.clear();
  EXPECT_EQ(Reason(config->Validate()), "CONFIG_INVALID");
  for (const char* bad :
       {"auth: {clientCertificates: SOMETIMES}\n", "admission: {require: [luck]}\n",
        "admission: {clamav: x}\n", "auth: {jwtIssuers: [{issuer: x}]}\n"}) {
    EXPECT_EQ(Reason(ParseServerConfig(bad, "dmld.yaml").status()), "CONFIG_INVALID") << bad;
  }
}

}  // namespace
}  // namespace dml
