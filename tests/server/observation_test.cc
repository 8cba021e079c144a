// The daemon's figures as a whole: what it tells, what is documented, and what deploy/ builds upon.
#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/strict_yaml.h"
#include "server/auth/bootstrap.h"
#include "server/daemon.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/http/http_probe.h"
#include "tests/server/support/metrics_text.h"
#include "tests/server/support/tls_world.h"
#include "tests/support/paths.h"

namespace dml {
namespace {

using testing::MetricsText;
using testing::ScratchFolder;

std::string ReadSource(const std::string& name) {
  std::ifstream in(testing::SourceDir() / name);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

// Names of figures in a text.
std::set<std::string> NamesIn(const std::string& text) {
  static const std::regex name("\\b(dmld|process)_[a-z0-9_]+");
  std::set<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    out.insert(it->str());
  }
  return out;
}

class ObservationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerConfig config;
    config.data_dir = folder_.path() / "data";
    config.listen = "127.0.0.1:0";
    config.observation.listen = "127.0.0.1:0";
    config.limits.max_open_files = 64;
    config.backup.folder = folder_.path() / "backups";
    auto daemon = Daemon::Start(config);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    // One call that succeeds and one that is refused.
    auto channel = Channel({"admin"});
    EXPECT_TRUE(testing::CallEmpty(channel, "/dml.v1.AdminService/VerifyViews").ok());
    EXPECT_FALSE(testing::CallEmpty(Channel({"nothing"}), "/dml.v1.AdminService/GetStatus").ok());
  }

  std::shared_ptr<grpc::Channel> Channel(const std::vector<std::string>& roles) {
    const std::string key = folder_.Read("data/client/admin.key");
    const CertificateWithKey admin{folder_.Read("data/client/admin.pem"),
                                   *PrivateKey::FromPkcs8Pem(key)};
    const std::string ca = folder_.Read("data/tls/ca.pem");
    if (roles.front() == "admin") return testing::OpenChannel(address(), ca, &admin);
    const CertificateWithKey authority{ca,
                                       *PrivateKey::FromPkcs8Pem(folder_.Read("data/keys/ca.key"))};
    const CertificateWithKey other = testing::NewClient(authority, roles);
    return testing::OpenChannel(address(), ca, &other);
  }
  std::string address() const { return daemon_->client_address(); }

  MetricsText Scrape() {
    return MetricsText(
        testing::BodyOf(testing::Get(daemon_->observation_address()->port, "/metrics")));
  }
  std::string Health(const std::string& service) {
    grpc::ClientContext context;
    std::string answer;
    std::string request;
    if (!service.empty()) {
      request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    }
    const grpc::Status status =
        testing::CallRaw(Channel({"admin"}), testing::kHealthCheck, context, request, &answer);
    if (!status.ok()) return status.error_message();
    return answer == std::string("\x08\x01") ? "SERVING" : "NOT_SERVING";
  }

  ScratchFolder folder_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(ObservationTest, FiguresAreOfWhatIsThere) {
  const MetricsText text = Scrape();
  EXPECT_EQ(text.Value("dmld_calls_total{code=\"OK\",method=\"VerifyViews\",service="
                       "\"AdminService\"}"),
            1);
  EXPECT_EQ(text.Value("dmld_calls_refused_total{reason=\"ROLE_REQUIRED\"}"), 1);
  EXPECT_EQ(text.Value("dmld_journal_entries"), 2) << "the library and its root";
  EXPECT_EQ(text.Value("dmld_entries_committed_total"), 1) << "the root; the first is not queued";
  EXPECT_GT(text.Value("dmld_table_rows{table=\"journal\"}"), 0);
  EXPECT_EQ(text.Value("dmld_trust_root_version"), 1);
  EXPECT_EQ(text.Value("dmld_ready"), 1);
  EXPECT_EQ(text.Value("dmld_transfers_limit"), 32);
  EXPECT_GT(text.Value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(text.Value("process_open_fds"), 5);
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(text.Value("process_start_time_seconds"), now, 3600);
  EXPECT_GT(text.Value("dmld_trust_root_expiry_time_seconds"), now);
}

// Dashboards, alerts and documentation name figures that there are, and every figure is documented.
TEST_F(ObservationTest, DeployAndDocumentationNameWhatThereIs) {
  const MetricsText text = Scrape();
  std::set<std::string> there;
  for (const auto& [name, kind] : text.kinds()) there.insert(name);
  const std::set<std::string> documented = NamesIn(ReadSource("docs/operations.md"));
  for (const std::string& name : there) {
    EXPECT_TRUE(documented.contains(name)) << name << " is not in docs/operations.md";
  }
  // Of a service that is no dmld yet, figures of words that did not come up here.
  for (const char* file : {"docs/operations.md", "deploy/observation/dml-alerts.yml",
                           "deploy/observation/dml-dashboard.json"}) {
    const std::set<std::string> named = NamesIn(ReadSource(file));
    EXPECT_GT(named.size(), 10u) << file;
    for (const std::string& name : named) {
      // dmld_gate_findings_total comes with the first finding; "dmld_measured_" names a group.
      if (name == "dmld_gate_findings_total" || name.ends_with("_")) continue;
      EXPECT_TRUE(there.contains(text.FamilyOf(name))) << file << " names " << name;
    }
  }
}

TEST_F(ObservationTest, AlertsAreRulesAsPrometheusReadsThem) {
  auto document = ParseStrictYaml(ReadSource("deploy/observation/dml-alerts.yml"), 1 << 20,
                                  ErrorReason("ALERTS_INVALID"));
  ASSERT_TRUE(document.ok()) << document.status();
  std::set<std::string> names;
  for (const auto& group : document->value["groups"]) {
    EXPECT_TRUE(group["name"].is_string());
    for (const auto& rule : group["rules"]) {
      const std::string name = rule.value("alert", "");
      EXPECT_TRUE(names.insert(name).second && !name.empty()) << name << " twice";
      EXPECT_FALSE(rule.value("expr", "").empty()) << name;
      const std::string severity = rule["labels"].value("severity", "");
      EXPECT_TRUE(severity == "warning" || severity == "critical") << name;
      EXPECT_FALSE(rule["annotations"].value("summary", "").empty()) << name;
      EXPECT_FALSE(rule["annotations"].value("action", "").empty()) << name;
    }
  }
  EXPECT_GE(names.size(), 10u);
}

TEST_F(ObservationTest, TheDashboardIsWhole) {
  const auto board =
      nlohmann::json::parse(ReadSource("deploy/observation/dml-dashboard.json"), nullptr, false);
  ASSERT_TRUE(board.is_object());
  std::set<int> ids;
  for (const auto& panel : board["panels"]) {
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second) << "two panels of one id";
    EXPECT_FALSE(panel["title"].get<std::string>().empty());
    EXPECT_FALSE(panel["targets"].empty()) << panel["title"];
    for (const auto& target : panel["targets"]) {
      EXPECT_FALSE(target["expr"].get<std::string>().empty()) << panel["title"];
    }
  }
  EXPECT_GE(ids.size(), 12u);
}

TEST_F(ObservationTest, HealthIsToldByService) {
  EXPECT_EQ(Health(""), "SERVING");
  EXPECT_EQ(Health("dml.v1.CatalogService"), "SERVING");
  EXPECT_EQ(Health("dml.v1.ReleaseService"), "SERVING");
  EXPECT_NE(Health("dml.v1.NoService"), "SERVING");
}

TEST_F(ObservationTest, ACallKeepsTheIdThatItCameWith) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "build-17");
  EXPECT_TRUE(
      testing::CallRaw(Channel({"admin"}), "/dml.v1.AdminService/GetStatus", context, "").ok());
  auto [id, end] = context.GetServerTrailingMetadata().equal_range("x-request-id");
  ASSERT_NE(id, end);
  EXPECT_EQ(std::string(id->second.data(), id->second.size()), "build-17");

  grpc::ClientContext forged;
  forged.AddMetadata("x-request-id", "a b");
  EXPECT_TRUE(
      testing::CallRaw(Channel({"admin"}), "/dml.v1.AdminService/GetStatus", forged, "").ok());
  std::tie(id, end) = forged.GetServerTrailingMetadata().equal_range("x-request-id");
  ASSERT_NE(id, end);
  EXPECT_EQ(id->second.size(), 16u) << "an id of the daemon's own";
}

TEST_F(ObservationTest, WhatCanChangeChanges) {
  ServerConfig config;
  config.data_dir = folder_.path() / "data";
  config.limits.max_transfers = 5;
  config.limits.transfer_bytes = 100 << 20;
  daemon_->Reload(config);
  EXPECT_EQ(Scrape().Value("dmld_transfers_limit"), 5);
  EXPECT_EQ(Scrape().Value("dmld_transfer_memory_limit_bytes"), 100 << 20);
  config.limits.max_transfers = 33;  // There are threads for 32.
  daemon_->Reload(config);
  EXPECT_EQ(Scrape().Value("dmld_transfers_limit"), 5);
  config.limits.max_transfers = 32;
  daemon_->Reload(config);
  EXPECT_EQ(Scrape().Value("dmld_transfers_limit"), 32);
}

}  // namespace
}  // namespace dml
