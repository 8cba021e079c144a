// Certificates, authorities and issuers' keys replaced under a daemon that goes on.
#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/os/file.h"
#include "server/auth/bootstrap.h"
#include "server/daemon.h"
#include "tests/core/crypto/openssl_cli.h"
#include "tests/server/http/http_probe.h"
#include "tests/server/http/https_probe.h"
#include "tests/server/support/child_daemon.h"
#include "tests/server/support/jwt_maker.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using grpc::StatusCode;
using testing::CallEmpty;
using testing::HttpsProbe;
using testing::NewAuthority;
using testing::NewClient;
using testing::StatusOf;

constexpr char kGetStatus[] = "/dml.v1.AdminService/GetStatus";

class CertificateReloadTest : public ::testing::Test {
 protected:
  CertificateReloadTest() {
    WritePair(first_);
    Write("clients.pem", clients_.certificate_pem);
    config_.data_dir = folder_.path() / "data";
    config_.listen = "127.0.0.1:0";
    config_.http.listen = "127.0.0.1:0";
    config_.limits.max_open_files = 64;
    config_.tls = {folder_.path() / "server.pem", folder_.path() / "server.key",
                   folder_.path() / "clients.pem"};
  }

  void Begin() {
    auto daemon = Daemon::Start(config_);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
  }

  void Write(const char* name, std::string_view text) const {
    ASSERT_TRUE(WriteFileAtomically(folder_.path() / name, AsBytes(text), 0600).ok());
  }
  static CertificateWithKey NewServer(const CertificateWithKey& authority) {
    return *IssueServerCertificate(authority, {{"localhost"}, {"127.0.0.1"}},
                                   {testing::WallClock(), 10});
  }
  // A pair for the server that this authority has signed, so that clients tell servers apart by
  // whom they trust.
  void WritePair(const CertificateWithKey& authority) const {
    const CertificateWithKey pair = NewServer(authority);
    Write("server.pem", pair.certificate_pem);
    Write("server.key", testing::KeyPem(pair.key));
  }

  std::shared_ptr<grpc::Channel> Channel(const CertificateWithKey& trusted,
                                         const CertificateWithKey* client) const {
    return testing::OpenChannel(daemon_->client_address(), trusted.certificate_pem, client);
  }
  std::unique_ptr<HttpsProbe> Probe(const CertificateWithKey& trusted,
                                    const CertificateWithKey* client) const {
    return std::make_unique<HttpsProbe>(daemon_->http_address()->port, trusted.certificate_pem,
                                        client);
  }
  // What a new connection gets.
  StatusCode OverGrpc(const CertificateWithKey& trusted, const CertificateWithKey* client) const {
    return CallEmpty(Channel(trusted, client), kGetStatus).error_code();
  }
  int OverHttp(const CertificateWithKey& trusted, const CertificateWithKey* client) const {
    return StatusOf(Probe(trusted, client)->Get("/checkpoint"));
  }
  void ExpectServed(const CertificateWithKey& trusted, const CertificateWithKey& client) const {
    EXPECT_EQ(OverGrpc(trusted, &client), StatusCode::OK);
    EXPECT_EQ(OverHttp(trusted, &client), 200);
  }
  void ExpectNoHandshake(const CertificateWithKey& trusted,
                         const CertificateWithKey& client) const {
    EXPECT_EQ(OverGrpc(trusted, &client), StatusCode::UNAVAILABLE);
    EXPECT_EQ(OverHttp(trusted, &client), 0);
  }

  testing::ScratchFolder folder_;
  const CertificateWithKey first_ = NewAuthority(), second_ = NewAuthority();  // Of the server.
  const CertificateWithKey clients_ = NewAuthority();
  const CertificateWithKey alice_ = NewClient(clients_, {"reader"});
  ServerConfig config_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(CertificateReloadTest, NewConnectionsGetTheNewPairAndOldOnesGoOn) {
  Begin();
  const auto old_channel = Channel(first_, &alice_);
  const auto old_probe = Probe(first_, &alice_);
  EXPECT_TRUE(CallEmpty(old_channel, kGetStatus).ok());
  EXPECT_EQ(StatusOf(old_probe->Get("/checkpoint")), 200);
  WritePair(second_);
  ExpectServed(first_, alice_);  // Nobody has looked yet.
  daemon_->ReloadFiles();
  ExpectServed(second_, alice_);
  ExpectNoHandshake(first_, alice_);
  // These trust the first alone, so they are the connections from before.
  EXPECT_TRUE(CallEmpty(old_channel, kGetStatus).ok());
  EXPECT_EQ(StatusOf(old_probe->Get("/checkpoint")), 200);
  daemon_->ReloadFiles();
  ExpectServed(second_, alice_);
}

TEST_F(CertificateReloadTest, AHalfRotatedPairLeavesHandshakesWorking) {
  Begin();
  const CertificateWithKey next = NewServer(second_);
  Write("server.pem", next.certificate_pem);
  daemon_->ReloadFiles();
  ExpectServed(first_, alice_);
  Write("server.key", testing::KeyPem(next.key).substr(0, 80));
  daemon_->ReloadFiles();
  ExpectServed(first_, alice_);
  Write("server.key", testing::KeyPem(next.key));
  daemon_->ReloadFiles();
  ExpectServed(second_, alice_);
}

TEST_F(CertificateReloadTest, ClientsOfAReplacedAuthorityAreRefusedThoseOfTheNewOneAreNot) {
  Begin();
  const CertificateWithKey next = NewAuthority();
  const CertificateWithKey bea = NewClient(next, {"reader"});
  ExpectServed(first_, alice_);
  ExpectNoHandshake(first_, bea);
  Write("clients.pem", clients_.certificate_pem + next.certificate_pem);  // While both are in use.
  daemon_->ReloadFiles();
  ExpectServed(first_, alice_);
  ExpectServed(first_, bea);
  Write("clients.pem", next.certificate_pem);
  daemon_->ReloadFiles();
  ExpectNoHandshake(first_, alice_);
  ExpectServed(first_, bea);
  Write("clients.pem", "garbage");
  daemon_->ReloadFiles();
  ExpectNoHandshake(first_, alice_);
  ExpectServed(first_, bea);
}

TEST_F(CertificateReloadTest, ChangesDoNotDisturbHandshakesUnderWay) {
  constexpr int kThreads = 4;
  constexpr int kConnections = 25;
  Begin();
  std::atomic<int> refused = 0;
  std::atomic<int> running = kThreads;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, over_grpc = i % 2 == 0] {
      for (int k = 0; k < kConnections; ++k) {
        const bool served = over_grpc ? OverGrpc(first_, &alice_) == StatusCode::OK
                                      : OverHttp(first_, &alice_) == 200;
        if (!served) ++refused;
      }
      --running;
    });
  }
  int changes = 0;
  for (; running > 0; ++changes) {
    WritePair(first_);
    daemon_->ReloadFiles();
  }
  threads.clear();
  EXPECT_GT(changes, 0);
  EXPECT_EQ(refused, 0) << "of " << kThreads * kConnections << " in " << changes << " changes";
}

// Connections outlive the change; what they may do does not.
TEST_F(CertificateReloadTest, ARemovedAuthorityActsOnTheNextCallOfAnOpenConnection) {
  Begin();
  const auto channel = Channel(first_, &alice_);
  const auto probe = Probe(first_, &alice_);
  EXPECT_TRUE(CallEmpty(channel, kGetStatus).ok());
  EXPECT_EQ(StatusOf(probe->Get("/checkpoint")), 200);
  Write("clients.pem", NewAuthority().certificate_pem);
  daemon_->ReloadFiles();
  const grpc::Status refused = CallEmpty(channel, kGetStatus);
  EXPECT_EQ(refused.error_code(), StatusCode::UNAUTHENTICATED) << refused.error_message();
  EXPECT_NE(refused.error_message().find("no authority that is trusted now"), std::string::npos)
      << refused.error_message();
  EXPECT_EQ(StatusOf(probe->Get("/checkpoint")), 401);
  Write("clients.pem", clients_.certificate_pem);
  daemon_->ReloadFiles();
  EXPECT_TRUE(CallEmpty(channel, kGetStatus).ok());
  EXPECT_EQ(StatusOf(probe->Get("/checkpoint")), 200);
}

// The guard judges by what the client sent in the handshake, not by its own certificate alone.
TEST_F(CertificateReloadTest, ClientsMayBringTheAuthorityBetween) {
  DML_SKIP_WITHOUT_OPENSSL();
  folder_.Write("ca.ext", "basicConstraints=critical,CA:TRUE\n");
  folder_.Write("bea.ext", "subjectAltName=URI:spiffe://test.example/principals/bea\n");
  const std::string key = " -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 ";
  for (const std::string& step :
       {"req -x509 -subj /CN=root -keyout root.key -out clients.pem" + key,
        "req -new -subj /CN=middle -keyout middle.key -out middle.csr" + key,
        std::string("x509 -req -in middle.csr -CA clients.pem -CAkey root.key -out middle.pem "
                    "-extfile ca.ext -days 2"),
        "req -new -subj /OU=reader/CN=bea -keyout bea.key -out bea.csr" + key,
        std::string("x509 -req -in bea.csr -CA middle.pem -CAkey middle.key -out bea.pem "
                    "-extfile bea.ext -days 2")}) {
    ASSERT_TRUE(testing::RunOpenSsl(folder_, step)) << step << ": " << folder_.Read("output");
  }
  Begin();
  const CertificateWithKey bea{folder_.Read("bea.pem") + folder_.Read("middle.pem"),
                               *PrivateKey::FromPkcs8Pem(folder_.Read("bea.key"))};
  ExpectServed(first_, bea);
  const CertificateWithKey alone{folder_.Read("bea.pem"),
                                 *PrivateKey::FromPkcs8Pem(folder_.Read("bea.key"))};
  ExpectNoHandshake(first_, alone);
}

TEST_F(CertificateReloadTest, OptionalCertificatesStayOptionalAndAreJudged) {
  config_.auth.certificates_optional = true;
  Begin();
  const CertificateWithKey next = NewAuthority();
  const CertificateWithKey bea = NewClient(next, {"reader"});
  for (const CertificateWithKey* reader : {&alice_, &bea}) {
    EXPECT_EQ(OverGrpc(first_, nullptr), StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(OverHttp(first_, nullptr), 401);
    ExpectServed(first_, *reader);
    ExpectNoHandshake(first_, reader == &alice_ ? bea : alice_);
    Write("clients.pem", next.certificate_pem);
    daemon_->ReloadFiles();
  }
}

TEST_F(CertificateReloadTest, Tls13AloneStaysSo) {
  DML_SKIP_WITHOUT_OPENSSL();
  Begin();
  WritePair(second_);
  daemon_->ReloadFiles();
  Write("second.pem", second_.certificate_pem);
  Write("alice.pem", alice_.certificate_pem);
  Write("alice.key", testing::KeyPem(alice_.key));
  for (const std::string& address :
       {daemon_->client_address(), daemon_->http_address()->ToString()}) {
    const std::string connect = "s_client -connect " + address +
                                " -CAfile second.pem -cert alice.pem -key alice.key -alpn h2 "
                                "-verify_return_error </dev/null ";
    EXPECT_TRUE(testing::RunOpenSsl(folder_, connect + "-tls1_3")) << folder_.Read("output");
    EXPECT_FALSE(testing::RunOpenSsl(folder_, connect + "-tls1_2")) << address;
  }
}

TEST_F(CertificateReloadTest, TokensAreJudgedByTheKeysInTheFile) {
  const testing::JwtMaker before, after;
  constexpr char kIssuer[] = "https://login.example";
  Write("keys.json", before.KeySet());
  config_.auth.issuers = {{kIssuer, "dml", folder_.path() / "keys.json"}};
  Begin();
  const auto channel = Channel(first_, &alice_);
  auto knows = [&](const testing::JwtMaker& maker) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + maker.Token(kIssuer));
    const grpc::Status status =
        testing::CallRaw(channel, "/dml.v1.AdminService/GetStatus", context, "");
    EXPECT_TRUE(status.error_code() == StatusCode::UNAUTHENTICATED ||
                status.error_code() == StatusCode::PERMISSION_DENIED)
        << status.error_message();
    return status.error_code() == StatusCode::PERMISSION_DENIED;  // Somebody without a role.
  };
  EXPECT_TRUE(knows(before));
  EXPECT_FALSE(knows(after));
  Write("keys.json", after.KeySet());
  daemon_->ReloadFiles();
  EXPECT_FALSE(knows(before));
  EXPECT_TRUE(knows(after));
  Write("keys.json", "{}");
  daemon_->ReloadFiles();
  EXPECT_TRUE(knows(after));
}

TEST_F(CertificateReloadTest, TheOwnCertificateIsRenewedUnderTheDaemon) {
  config_.tls = {};
  Begin();
  const std::string ca = folder_.Read("data/tls/ca.pem");
  const CertificateWithKey own{ca, PrivateKey::Generate(KeyAlgorithm::kEcdsaP256)};
  const CertificateWithKey admin{folder_.Read("data/client/admin.pem"),
                                 *PrivateKey::FromPkcs8Pem(folder_.Read("data/client/admin.key"))};
  const std::string before = Probe(own, &admin)->ServerCertificate();
  EXPECT_TRUE(before.starts_with(folder_.Read("data/tls/server.pem"))) << before;
  const auto renewed =
      RenewServerCertificate({config_.data_dir, {"dml.example.com"}, testing::WallClock()});
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  daemon_->ReloadFiles();
  const std::string after = Probe(own, &admin)->ServerCertificate();
  EXPECT_TRUE(after.starts_with(folder_.Read("data/tls/server.pem"))) << after;
  EXPECT_NE(after, before);
  ExpectServed(own, admin);
}

TEST_F(CertificateReloadTest, WithoutTlsThereIsNothingToLookAt) {
  config_.tls = {};
  config_.insecure_loopback = true;
  Begin();
  daemon_->ReloadFiles();
  EXPECT_EQ(StatusOf(testing::Get(daemon_->http_address()->port, "/checkpoint")), 200);
}

// The program looks every few seconds, and at once on SIGHUP.
TEST_F(CertificateReloadTest, TheProgramLooksByItselfAndWhenToldTo) {
  Write("dmld.yaml",
        "dataDir: data\nlisten: 127.0.0.1:0\ntls: {certificate: server.pem, "
        "key: server.key, clientCa: clients.pem}\n");
  testing::ChildDaemon process({"--config", (folder_.path() / "dmld.yaml").string()},
                               folder_.path() / "home");
  const std::string line = process.ReadLine();
  ASSERT_TRUE(line.starts_with("listening on ")) << line;
  const std::string address = line.substr(std::string("listening on ").size());
  auto serves = [&](const CertificateWithKey& authority) {
    return CallEmpty(testing::OpenChannel(address, authority.certificate_pem, &alice_), kGetStatus)
        .ok();
  };
  // Until the daemon has taken another set into use so many times.
  auto await_taken = [&](int times) {
    const std::string line_start = "new connections are served with";
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    int seen = 0;
    while (seen < times && std::chrono::steady_clock::now() < deadline) {
      const std::string log = folder_.Read("home/dmld.log");
      seen = 0;
      for (size_t at = 0; (at = log.find(line_start, at)) != std::string::npos; ++at) ++seen;
    }
    EXPECT_EQ(seen, times);
  };
  EXPECT_TRUE(serves(first_));
  WritePair(second_);
  await_taken(1);
  EXPECT_TRUE(serves(second_)) << "it has looked by itself";
  WritePair(first_);
  process.Signal(SIGHUP);
  await_taken(2);
  EXPECT_TRUE(serves(first_));
  EXPECT_NE(folder_.Read("home/dmld.log").find("SIGHUP"), std::string::npos);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << "a hang-up ends nothing";
}

}  // namespace
}  // namespace dml
