#include "server/daemon.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/access/access_token.h"
#include "core/os/file.h"
#include "server/auth/authorization_table.h"
#include "server/auth/bootstrap.h"
#include "server/auth/issue.h"
#include "server/auth/listen_address_file.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/jwt_maker.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::CallEmpty;
using testing::ScratchFolder;

class DaemonTest : public ::testing::Test {
 protected:
  DaemonTest() {
    config_.data_dir = folder_.path() / "data";
    config_.listen = "127.0.0.1:0";
    config_.limits.max_open_files = 64;
  }

  std::unique_ptr<Daemon> Start() {
    auto daemon = Daemon::Start(config_);
    EXPECT_TRUE(daemon.ok()) << daemon.status();
    return daemon.ok() ? *std::move(daemon) : nullptr;
  }
  std::string StartReason() { return Reason(Daemon::Start(config_).status()); }

  // As the administrator whom the first start made.
  grpc::Status CallAsAdmin(const Daemon& daemon, const std::string& method) {
    const std::string key = folder_.Read("data/client/admin.key");
    const CertificateWithKey admin{folder_.Read("data/client/admin.pem"),
                                   *PrivateKey::FromPkcs8Pem(key)};
    return CallEmpty(
        testing::OpenChannel(daemon.client_address(), folder_.Read("data/tls/ca.pem"), &admin),
        method);
  }

  ScratchFolder folder_;
  ServerConfig config_;
};

TEST_F(DaemonTest, TheFirstStartServesItsAdministratorAndNobodyElse) {
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  EXPECT_GT(daemon->address().port, 0);
  const grpc::Status status = CallAsAdmin(*daemon, testing::kHealthCheck);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(CallAsAdmin(*daemon, "/dml.v1.AdminService/VerifyViews").ok());
  auto nobody =
      testing::OpenChannel(daemon->client_address(), folder_.Read("data/tls/ca.pem"), nullptr);
  EXPECT_EQ(CallEmpty(nobody, testing::kHealthCheck).error_code(), grpc::StatusCode::UNAVAILABLE);
}

// attacks 31 and 43: every method x every role, over the network.
TEST_F(DaemonTest, EveryMethodIsServedForItsRolesAlone) {
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  for (int i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    const std::string name(RoleName(role));
    auto issued = IssueCertificate({config_.data_dir, name, role, folder_.path() / name, "", 1},
                                   testing::WallClock());
    ASSERT_TRUE(issued.ok()) << issued.status();
    const CertificateWithKey caller{
        folder_.Read(name + "/" + name + ".pem"),
        *PrivateKey::FromPkcs8Pem(folder_.Read(name + "/" + name + ".key"))};
    auto channel =
        testing::OpenChannel(daemon->client_address(), folder_.Read("data/tls/ca.pem"), &caller);
    for (const AuthorizationRow& row : AuthorizationTable()) {
      if (!row.method.starts_with("/dml.")) continue;
      // A watch would not end by itself: start_index is beyond all entries.
      const bool watch = row.method.ends_with("/WatchEntries");
      grpc::ClientContext context;
      const grpc::Status status = testing::CallRaw(channel, std::string(row.method), context,
                                                   watch ? "\x08\xff\xff\xff\xff\x0f" : "");
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << row.method;
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << row.method;
      EXPECT_NE(status.error_code(), grpc::StatusCode::INTERNAL)
          << row.method << ": " << status.error_message();
      EXPECT_EQ(status.error_code() == grpc::StatusCode::PERMISSION_DENIED, !row.roles.Has(role))
          << name << " " << row.method << ": " << status.error_message();
    }
  }
}

TEST_F(DaemonTest, TellsWhereItListens) {
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  const std::string address = daemon->address().ToString();
  EXPECT_EQ(*ReadListenAddress(config_.data_dir), address);
  EXPECT_NE(folder_.Read("data/client/profile.yaml").find("server: \"" + address + "\""),
            std::string::npos);
}

TEST_F(DaemonTest, KeepsItsIdentityOverRestarts) {
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  const std::string origin = folder_.Read("data/origin");
  const std::string ca = folder_.Read("data/tls/ca.pem");
  daemon->Shutdown(std::chrono::seconds(1));
  daemon->Shutdown(std::chrono::seconds(1));
  daemon = Start();
  ASSERT_NE(daemon, nullptr);
  EXPECT_EQ(folder_.Read("data/origin"), origin);
  EXPECT_EQ(folder_.Read("data/tls/ca.pem"), ca);
  EXPECT_TRUE(CallAsAdmin(*daemon, testing::kHealthCheck).ok());
}

TEST_F(DaemonTest, ADataDirectoryHasOneDaemon) {
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  EXPECT_EQ(StartReason(), "DATA_DIR_IN_USE");
  EXPECT_TRUE(CallAsAdmin(*daemon, testing::kHealthCheck).ok()) << "the first goes on";
}

TEST_F(DaemonTest, AnAddressHasOneDaemon) {
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  config_.listen = daemon->address().ToString();
  config_.data_dir = folder_.path() / "other";
  EXPECT_EQ(StartReason(), "ADDRESS_IN_USE");
}

TEST_F(DaemonTest, RefusesADataDirectoryOfANewerVersion) {
  ASSERT_NE(Start(), nullptr);
  ASSERT_TRUE(WriteFileAtomically(config_.data_dir / "format",
                                  AsBytes(std::string_view("{\"format\":2}\n")), 0600)
                  .ok());
  EXPECT_EQ(StartReason(), "DATA_DIR_NEWER");
}

TEST_F(DaemonTest, RefusesAJournalBehindItsCheckpoint) {
  ASSERT_NE(Start(), nullptr);
  fs::remove_all(config_.data_dir / "db");  // As after restoring too old a backup.
  EXPECT_EQ(StartReason(), "JOURNAL_BEHIND_CHECKPOINT");
}

TEST_F(DaemonTest, WithoutItsSignedCheckpointItStartsOnlyWhenToldTo) {
  ASSERT_NE(Start(), nullptr);
  fs::remove(config_.data_dir / "signed-checkpoint");
  EXPECT_EQ(StartReason(), "CHECKPOINT_MISSING");
  config_.accept_missing_checkpoint = true;
  ASSERT_NE(Start(), nullptr);
  EXPECT_EQ(StartReason(), "CHECKPOINT_PRESENT") << "it is for one start";
  config_.accept_missing_checkpoint = false;
  ASSERT_NE(Start(), nullptr);
}

TEST_F(DaemonTest, RefusesAFolderOfSomethingElse) {
  ASSERT_TRUE(MakePrivateDirectory(config_.data_dir).ok());
  folder_.Write("data/holiday.jpg", "x");
  EXPECT_EQ(StartReason(), "DATA_DIR_FOREIGN");
}

TEST_F(DaemonTest, KeysOfIssuersAreReadBeforeAnythingIsMade) {
  config_.auth.issuers = {{"https://login.example", "dml", folder_.path() / "jwks.json"}};
  EXPECT_EQ(StartReason(), "JWKS_INVALID") << "no such file";
  folder_.Write("jwks.json", "{\"keys\":[");
  EXPECT_EQ(StartReason(), "JWKS_INVALID");
  EXPECT_FALSE(fs::exists(config_.data_dir));
  folder_.Write("jwks.json", testing::JwtMaker().KeySet());
  EXPECT_NE(Start(), nullptr);
}

TEST_F(DaemonTest, CertificatesThatAreNamedAreReadBeforeAnythingIsMade) {
  const CertificateWithKey authority = testing::NewAuthority();
  config_.tls.client_ca = folder_.path() / "c.pem";
  EXPECT_EQ(StartReason(), "TLS_FILES_INVALID") << "no such file";
  folder_.Write("c.pem", "-----BEGIN CERTIFICATE-----");
  EXPECT_EQ(StartReason(), "TLS_FILES_INVALID");
  folder_.Write("c.pem", authority.certificate_pem);
  config_.tls.certificate = folder_.path() / "s.pem";
  config_.tls.key = folder_.path() / "s.key";
  EXPECT_EQ(StartReason(), "TLS_FILES_INVALID") << "no such file";
  EXPECT_FALSE(fs::exists(config_.data_dir));
  config_.tls.certificate.clear();
  config_.tls.key.clear();
  EXPECT_NE(Start(), nullptr) << "the authority alone, beside the first start's own certificate";
}

TEST_F(DaemonTest, InsecureServesWithoutTls) {
  config_.insecure_loopback = true;
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  auto channel = grpc::CreateChannel(daemon->client_address(), grpc::InsecureChannelCredentials());
  EXPECT_TRUE(CallEmpty(channel, testing::kHealthCheck).ok());
  EXPECT_NE(folder_.Read("data/client/profile.yaml").find("insecureLoopback: true"),
            std::string::npos);
}

TEST_F(DaemonTest, OverridesReplaceTheCertificatesOfTheFirstStart) {
  const CertificateWithKey authority = testing::NewAuthority();
  auto server =
      IssueServerCertificate(authority, {{"localhost"}, {"127.0.0.1"}}, {testing::WallClock(), 1});
  ASSERT_TRUE(server.ok()) << server.status();
  auto write = [&](const char* name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(folder_.path() / name, AsBytes(text), 0600).ok());
    return folder_.path() / name;
  };
  config_.tls = {write("s.pem", server->certificate_pem),
                 write("s.key", testing::KeyPem(server->key)),
                 write("c.pem", authority.certificate_pem)};
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  const CertificateWithKey alice = testing::NewClient(authority, {"reader"});
  EXPECT_TRUE(
      CallEmpty(testing::OpenChannel(daemon->client_address(), authority.certificate_pem, &alice),
                testing::kHealthCheck)
          .ok());
  EXPECT_FALSE(CallAsAdmin(*daemon, testing::kHealthCheck).ok());
}

// attacks 32 and 43: over the network, what is refused leaves its line, and a token that was sent
// leaves none of itself.
TEST_F(DaemonTest, RefusedCallsLeaveTheirLinesInTheAuditLog) {
  config_.auth.certificates_optional = true;
  auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  EXPECT_TRUE(CallAsAdmin(*daemon, "/dml.v1.AdminService/VerifyViews").ok());
  auto nobody =
      testing::OpenChannel(daemon->client_address(), folder_.Read("data/tls/ca.pem"), nullptr);
  constexpr char kMethod[] = "/dml.v1.AccessService/ListTokens";
  EXPECT_EQ(CallEmpty(nobody, kMethod).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  const AccessToken token = NewAccessToken();
  const std::string sent = FormatAccessToken(token);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + sent);
  const std::string request =
      "\x7a\x0e"
      "secret request";  // A field that nobody knows.
  EXPECT_EQ(testing::CallRaw(nobody, kMethod, context, request).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  ASSERT_TRUE(
      IssueCertificate({config_.data_dir, "ann", Role::kReader, folder_.path() / "ann", "", 1},
                       testing::WallClock())
          .ok());
  const CertificateWithKey ann{folder_.Read("ann/ann.pem"),
                               *PrivateKey::FromPkcs8Pem(folder_.Read("ann/ann.key"))};
  auto channel =
      testing::OpenChannel(daemon->client_address(), folder_.Read("data/tls/ca.pem"), &ann);
  EXPECT_EQ(CallEmpty(channel, kMethod).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  daemon->Shutdown(std::chrono::seconds(1));

  const std::string log = folder_.Read("data/audit/audit-000001.jsonl");
  std::istringstream in(log);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 3u) << log;
  EXPECT_EQ(lines[0]["reason"], "CREDENTIALS_REQUIRED");
  EXPECT_EQ(lines[0]["principal"], "-");
  EXPECT_EQ(lines[1]["reason"], "TOKEN_INVALID");
  EXPECT_EQ(lines[2]["reason"], "ROLE_REQUIRED");
  EXPECT_TRUE(lines[2]["principal"].get<std::string>().ends_with("/principals/ann")) << log;
  for (const nlohmann::json& line : lines) {
    EXPECT_EQ(line["method"], kMethod);
    EXPECT_TRUE(line["peer"].get<std::string>().starts_with("ipv4:127.0.0.1:")) << log;
  }
  for (const std::string& secret : {sent, sent.substr(sent.rfind('_') + 1), token.id,
                                    std::string("Bearer"), std::string("secret request")}) {
    EXPECT_EQ(log.find(secret), std::string::npos) << secret;
  }
}

}  // namespace
}  // namespace dml
