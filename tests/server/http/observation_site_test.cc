#include "server/http/observation_site.h"

#include <gtest/gtest.h>

#include "server/daemon.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/http/http_probe.h"
#include "tests/server/http/https_probe.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using testing::NewAuthority;
using testing::NewClient;
using testing::ScratchFolder;

class ObservationSiteTest : public ::testing::Test {
 protected:
  ObservationSite Site(bool open) {
    return {guard_,
            {.metrics = [] { return std::string("x 1\n"); },
             .ready = [this] { return ready_; },
             .open = open}};
  }

  absl::Status ready_;
  CertificateWithKey authority_ = NewAuthority();
  Authenticator authenticator_{{}, nullptr};
  CallGuard guard_{authenticator_};
};

TEST_F(ObservationSiteTest, TellsFiguresAndHealth) {
  const ObservationSite site = Site(true);
  const HttpAnswer metrics = site.Answer({"/metrics", "", {}, "p"});
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.body, "x 1\n");
  EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(metrics.cache_control, "no-store");
  EXPECT_EQ(site.Answer({"/readyz", "", {}, "p"}).body, "ready\n");
  ready_ = Unavailable(ErrorReason("STORAGE_IO"), "a write failed");
  const HttpAnswer unready = site.Answer({"/readyz", "", {}, "p"});
  EXPECT_EQ(unready.status, 503);
  EXPECT_EQ(unready.body, "not ready: a write failed\n");
  EXPECT_EQ(site.Answer({"/healthz", "", {}, "p"}).status, 200) << "it still lives";
}

// attack 34
TEST_F(ObservationSiteTest, NothingElseIsThere) {
  const ObservationSite site = Site(true);
  for (const char* target : {"/", "/metrics/", "/metrics?x", "/METRICS", "//metrics", "/%6detrics",
                             "/metrics/../metrics", "/debug/pprof", "/%2F%2F../etc/passwd"}) {
    EXPECT_EQ(site.Answer({target, "", {}, "p"}).status, 404) << target;
  }
}

// attack 33: a port for internal use asks for a role, too.
TEST_F(ObservationSiteTest, AsksForARoleWhereItIsNotOpen) {
  const ObservationSite site = Site(false);
  const std::string nobody = NewClient(authority_, {"nothing"}).certificate_pem;
  const std::string reader = NewClient(authority_, {"reader"}).certificate_pem;
  const std::string operator_of = NewClient(authority_, {"operator"}).certificate_pem;
  for (const char* target : {"/metrics", "/readyz"}) {
    EXPECT_EQ(site.Answer({target, "", {}, "p"}).status, 401) << target;
    EXPECT_EQ(site.Answer({target, nobody, {}, "p"}).status, 403) << target;
    EXPECT_EQ(site.Answer({target, operator_of, {}, "p"}).status, 200) << target;
  }
  EXPECT_EQ(site.Answer({"/metrics", reader, {}, "p"}).status, 403)
      << "figures are of the whole library";
  EXPECT_EQ(site.Answer({"/readyz", reader, {}, "p"}).status, 200);
  EXPECT_EQ(site.Answer({"/healthz", "", {}, "p"}).status, 200);
}

class ObservationInDaemonTest : public ::testing::Test {
 protected:
  ObservationInDaemonTest() {
    config_.data_dir = folder_.path() / "data";
    config_.listen = "127.0.0.1:0";
    config_.limits.max_open_files = 64;
  }
  // The port of the observation; 0 where the daemon does not start.
  int Start() {
    auto daemon = Daemon::Start(config_);
    EXPECT_TRUE(daemon.ok()) << daemon.status();
    if (!daemon.ok()) return 0;
    daemon_ = *std::move(daemon);
    const auto address = daemon_->observation_address();
    return address.has_value() ? address->port : 0;
  }
  CertificateWithKey Admin() {
    return {folder_.Read("data/client/admin.pem"),
            *PrivateKey::FromPkcs8Pem(folder_.Read("data/client/admin.key"))};
  }

  ScratchFolder folder_;
  ServerConfig config_;
  std::unique_ptr<Daemon> daemon_;
};

// attack 41
TEST_F(ObservationInDaemonTest, NobodyListensUnlessConfiguredAndThenOnLoopback) {
  ASSERT_EQ(Start(), 0);
  EXPECT_EQ(daemon_->observation_address(), std::nullopt);
  auto config = ParseServerConfig("observation: {}", "/etc/dmld.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(ParseListenAddress(config->observation.listen)->loopback);
  EXPECT_FALSE(config->observation.anonymous);
}

TEST_F(ObservationInDaemonTest, OnLoopbackItIsPlainAndOpen) {
  config_.observation.listen = "127.0.0.1:0";
  const int port = Start();
  EXPECT_EQ(testing::BodyOf(testing::Get(port, "/readyz")), "ready\n");
  EXPECT_EQ(testing::BodyOf(testing::Get(port, "/healthz")), "alive\n");
  EXPECT_NE(testing::Get(port, "/metrics").find("\ndmld_ready 1\n"), std::string::npos);
  EXPECT_EQ(testing::StatusOf(testing::Get(port, "/checkpoint")), 404) << "the log is elsewhere";
}

// attacks 33 and 41
TEST_F(ObservationInDaemonTest, ElsewhereItWantsTlsACertificateAndARole) {
  config_.observation.listen = "0.0.0.0:0";
  const int port = Start();
  EXPECT_EQ(testing::StatusOf(testing::Get(port, "/metrics")), 0) << "no plain HTTP";
  const std::string ca = folder_.Read("data/tls/ca.pem");
  EXPECT_EQ(testing::HttpsProbe(port, ca, nullptr).Get("/healthz"), "") << "no certificate";
  const CertificateWithKey admin = Admin();
  EXPECT_EQ(testing::StatusOf(testing::HttpsProbe(port, ca, &admin).Get("/metrics")), 200);
  const CertificateWithKey stranger = NewClient(NewAuthority(), {"admin"});
  EXPECT_EQ(testing::HttpsProbe(port, ca, &stranger).Get("/metrics"), "");
}

TEST_F(ObservationInDaemonTest, OnlyAnExplicitSettingOpensIt) {
  config_.observation = {"0.0.0.0:0", true};
  const int port = Start();
  const std::string ca = folder_.Read("data/tls/ca.pem");
  EXPECT_EQ(testing::StatusOf(testing::HttpsProbe(port, ca, nullptr).Get("/metrics")), 200);
  EXPECT_EQ(testing::StatusOf(testing::Get(port, "/metrics")), 0) << "still no plain HTTP";
}

}  // namespace
}  // namespace dml
