#include "server/runtime/metrics.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/server/support/metrics_text.h"

namespace dml {
namespace {

using testing::MetricsText;

constexpr char kGet[] = "/dml.v1.CatalogService/GetPackage";

TEST(MetricsTest, CallsAreCountedByMethodAndCode) {
  Metrics metrics("1.2");
  const absl::Status missing = NotFound(ErrorReason("PACKAGE_NOT_FOUND"), "m");
  const absl::Status full = ResourceExhausted(ErrorReason("QUEUE_FULL"), "m");
  metrics.CallEnded({kGet, absl::OkStatus(), std::chrono::milliseconds(3)});
  metrics.CallEnded({kGet, missing, std::chrono::milliseconds(30)});
  metrics.CallEnded({kGet, full, std::chrono::milliseconds(1)});
  metrics.CallEnded({"/http/tile", absl::OkStatus(), std::chrono::milliseconds(1)});
  const MetricsText text(metrics.Text());
  const std::string method = "method=\"GetPackage\",service=\"CatalogService\"";
  EXPECT_EQ(text.Value("dmld_calls_total{code=\"OK\"," + method + "}"), 1);
  EXPECT_EQ(text.Value("dmld_calls_total{code=\"NOT_FOUND\"," + method + "}"), 1);
  EXPECT_EQ(text.Value("dmld_calls_total{code=\"OK\",method=\"tile\",service=\"http\"}"), 1);
  EXPECT_EQ(text.Value("dmld_call_seconds_count{" + method + "}"), 3);
  EXPECT_EQ(text.Value("dmld_call_seconds_bucket{" + method + ",le=\"0.005\"}"), 2);
  EXPECT_NEAR(text.Value("dmld_call_seconds_sum{" + method + "}"), 0.034, 1e-9);
  // What is missing is an answer; what has no place is a refusal.
  EXPECT_EQ(text.Value("dmld_calls_refused_total{reason=\"QUEUE_FULL\"}"), 1);
  EXPECT_EQ(text.Value("dmld_calls_refused_total{reason=\"PACKAGE_NOT_FOUND\"}"), -1);
  EXPECT_EQ(text.Value("dmld_build_info{version=\"1.2\"}"), 1);
}

TEST(MetricsTest, DecisionsAreCountedByAnswerAndRule) {
  Metrics metrics("1");
  const std::vector<Finding> findings = {{.rule = "timing.window"}, {.rule = "timing.window"}};
  metrics.Decided("set", false, findings);
  metrics.Decided("release", true, {});
  const MetricsText text(metrics.Text());
  EXPECT_EQ(text.Value("dmld_gate_decisions_total{decision=\"deny\",kind=\"set\"}"), 1);
  EXPECT_EQ(text.Value("dmld_gate_decisions_total{decision=\"allow\",kind=\"set\"}"), 0);
  EXPECT_EQ(text.Value("dmld_gate_decisions_total{decision=\"allow\",kind=\"release\"}"), 1);
  EXPECT_EQ(text.Value("dmld_gate_findings_total{rule=\"timing.window\"}"), 2);
}

TEST(MetricsTest, CommitsTellTheirSizeAndTime) {
  Metrics metrics("1");
  metrics.Committed({3, 2, std::chrono::milliseconds(7), std::chrono::milliseconds(1), false});
  metrics.Committed({1, 0, {}, {}, false});  // All refused: nothing was written.
  metrics.Committed({5, 5, std::chrono::seconds(1), {}, true});
  const MetricsText text(metrics.Text());
  EXPECT_EQ(text.Value("dmld_entries_committed_total"), 2);
  EXPECT_EQ(text.Value("dmld_commit_sync_seconds_count"), 1);
  EXPECT_EQ(text.Value("dmld_commit_sync_seconds_bucket{le=\"0.01\"}"), 1);
  EXPECT_EQ(text.Value("dmld_commit_sync_seconds_bucket{le=\"0.005\"}"), 0);
  EXPECT_EQ(text.Value("dmld_commit_group_commands_count"), 3);
  EXPECT_EQ(text.Value("dmld_commit_failures_total"), 1);
}

TEST(MetricsTest, SourcesAreAskedAtEachScrape) {
  Metrics metrics("1");
  int asked = 0;
  metrics.AddSource([&](MetricSink& sink) {
    sink.Gauge("dmld_table_rows", "Rows", ++asked, {{"table", "meta"}});
    sink.Gauge("dmld_table_rows", "Rows", 7, {{"table", "\"\n\\"}});
    sink.Counter("dmld_things_total", "Things", 3);
  });
  EXPECT_EQ(MetricsText(metrics.Text()).Value("dmld_things_total"), 3);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("dmld_table_rows{table=\"meta\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("{table=\"\\\"\\n\\\\\"} 7"), std::string::npos) << "escaped: " << text;
  EXPECT_NE(text.find("# TYPE dmld_things_total counter\n"), std::string::npos);
}

// However many words there are, memory stays bounded.
TEST(MetricsTest, WordsBeyondTheLimitCountTogether) {
  Metrics metrics("1");
  std::vector<Finding> findings(1000);
  for (size_t i = 0; i < findings.size(); ++i) findings[i].rule = fmt::format("rule-{}", i);
  metrics.Decided("set", false, findings);
  metrics.Decided("set", false, findings);
  const MetricsText text(metrics.Text());
  EXPECT_EQ(text.Value("dmld_gate_findings_total{rule=\"rule-0\"}"), 2);
  EXPECT_EQ(text.Value("dmld_gate_findings_total{rule=\"rule-999\"}"), -1);
  EXPECT_GT(text.Value("dmld_gate_findings_total{rule=\"other\"}"), 0);
}

TEST(MetricsTest, ManyThreadsLoseNothing) {
  Metrics metrics("1");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k) {
        metrics.CallEnded({kGet, absl::OkStatus(), std::chrono::microseconds(1)});
        if (k % 100 == 0) EXPECT_FALSE(metrics.Text().empty());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(MetricsText(metrics.Text())
                .Value("dmld_calls_total{code=\"OK\",method=\"GetPackage\",service="
                       "\"CatalogService\"}"),
            2000);
}

}  // namespace
}  // namespace dml
