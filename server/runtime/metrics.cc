#include "server/runtime/metrics.h"

#include <map>
#include <sstream>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "core/base/status.h"

namespace dml {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;

// Words of the program are few; what is beyond would be a mistake, and counts together.
constexpr size_t kMaxWords = 512;
constexpr char kOtherWords[] = "other";

const Histogram::BucketBoundaries& CallBounds() {
  static const Histogram::BucketBoundaries bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                     0.25,  0.5,    1,     2.5,  5,     10,   60};
  return bounds;
}

const Histogram::BucketBoundaries& CommitBounds() {
  static const Histogram::BucketBoundaries bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05,   0.1,   0.25,   0.5,   1,    5};
  return bounds;
}

const Histogram::BucketBoundaries& GroupBounds() {
  static const Histogram::BucketBoundaries bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256};
  return bounds;
}

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// "/dml.v1.CatalogService/GetPackage" -> "CatalogService", "GetPackage"; "/http/tile" -> "http",
// "tile".
std::pair<std::string, std::string> SplitMethod(std::string_view method) {
  const size_t slash = method.rfind('/');
  std::string_view service = slash == std::string_view::npos ? "" : method.substr(0, slash);
  const size_t last = service.find_last_of("./");
  if (last != std::string_view::npos) service = service.substr(last + 1);
  return {std::string(service), std::string(method.substr(slash + 1))};
}

// Counters of one family by one word, made as they come.
class Words {
 public:
  Words(Family<Counter>& family, prometheus::Labels labels, std::string name)
      : family_(family), labels_(std::move(labels)), name_(std::move(name)) {}

  void Add(std::string_view word) {
    auto it = counters_.find(word);
    if (it == counters_.end()) {
      const std::string known(counters_.size() < kMaxWords ? word : kOtherWords);
      prometheus::Labels labels = labels_;
      labels[name_] = known;
      it = counters_.try_emplace(known, &family_.Add(labels)).first;
    }
    it->second->Increment();
  }

 private:
  Family<Counter>& family_;
  const prometheus::Labels labels_;
  const std::string name_;
  std::map<std::string, Counter*, std::less<>> counters_;
};

// What sources say, as families in the order of their names.
class Gathered : public MetricSink {
 public:
  void Gauge(const char* name, const char* help, double value, Labels labels) override {
    Add(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  void Counter(const char* name, const char* help, double value, Labels labels) override {
    Add(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value = value;
  }

  std::vector<prometheus::MetricFamily> Take() {
    std::vector<prometheus::MetricFamily> out;
    for (auto& [name, family] : families_) out.push_back(std::move(family));
    return out;
  }

 private:
  prometheus::ClientMetric& Add(const char* name, const char* help, prometheus::MetricType type,
                                Labels labels) {
    prometheus::MetricFamily& family = families_[name];
    family.name = name;
    family.help = help;
    family.type = type;
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (auto& [label, value] : labels) metric.label.push_back({label, std::move(value)});
    return metric;
  }

  std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace

struct Metrics::Families {
  struct Method {
    Histogram* seconds;
    Words codes;
  };

  explicit Families(std::string_view version) {
    auto& build = prometheus::BuildGauge()
                      .Name("dmld_build_info")
                      .Help("1; its label says which version runs")
                      .Register(registry);
    build.Add({{"version", std::string(version)}}).Set(1);
    for (const char* kind : {"set", "release", "permit"}) {
      for (const char* decision : {"allow", "deny"}) {
        decided[std::string(kind) + decision] =
            &decisions.Add({{"kind", kind}, {"decision", decision}});
      }
    }
  }

  Method& MethodOf(std::string_view method) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    auto it = methods.find(method);
    if (it != methods.end()) return it->second;
    const auto [service, name] = SplitMethod(methods.size() < kMaxWords ? method : kOtherWords);
    const prometheus::Labels labels = {{"service", service}, {"method", name}};
    return methods
        .try_emplace(std::string(method),
                     Method{&call_seconds.Add(labels, CallBounds()), Words(calls, labels, "code")})
        .first->second;
  }

  prometheus::Registry registry;
  Family<Counter>& calls = BuildCounter()
                               .Name("dmld_calls_total")
                               .Help("Calls that have ended, by method and status code")
                               .Register(registry);
  Family<Histogram>& call_seconds = BuildHistogram()
                                        .Name("dmld_call_seconds")
                                        .Help("Time that calls took, transfers as a whole")
                                        .Register(registry);
  Family<Counter>& refusals =
      BuildCounter()
          .Name("dmld_calls_refused_total")
          .Help(
              "Calls refused for want of permission, place or a state that allows them, by reason")
          .Register(registry);
  Family<Counter>& decisions = BuildCounter()
                                   .Name("dmld_gate_decisions_total")
                                   .Help("Decisions of the gate, by what was asked and the answer")
                                   .Register(registry);
  Family<Counter>& findings = BuildCounter()
                                  .Name("dmld_gate_findings_total")
                                  .Help("Findings of all decisions, by rule")
                                  .Register(registry);
  Histogram& commit_seconds = BuildHistogram()
                                  .Name("dmld_commit_sync_seconds")
                                  .Help("Time of the synced write of a group of commands")
                                  .Register(registry)
                                  .Add({}, CommitBounds());
  Histogram& sign_seconds = BuildHistogram()
                                .Name("dmld_checkpoint_sign_seconds")
                                .Help("Time to sign the checkpoint and keep it durably")
                                .Register(registry)
                                .Add({}, CommitBounds());
  Histogram& group_commands = BuildHistogram()
                                  .Name("dmld_commit_group_commands")
                                  .Help("Commands decided in one group")
                                  .Register(registry)
                                  .Add({}, GroupBounds());
  Counter& entries = BuildCounter()
                         .Name("dmld_entries_committed_total")
                         .Help("Entries that became durable")
                         .Register(registry)
                         .Add({});
  Counter& commits_failed = BuildCounter()
                                .Name("dmld_commit_failures_total")
                                .Help("Groups whose write failed")
                                .Register(registry)
                                .Add({});

  absl::Mutex mutex;
  std::map<std::string, Method, std::less<>> methods ABSL_GUARDED_BY(mutex);
  Words reasons ABSL_GUARDED_BY(mutex){refusals, {}, "reason"};
  Words rules ABSL_GUARDED_BY(mutex){findings, {}, "rule"};
  std::map<std::string, Counter*, std::less<>> decided;  // By kind and decision; constant.

  absl::Mutex sources_mutex;
  std::vector<Source> sources ABSL_GUARDED_BY(sources_mutex);
};

Metrics::Metrics(std::string_view version) : families_(std::make_unique<Families>(version)) {}

Metrics::~Metrics() = default;

void Metrics::CallEnded(const CallSeen& call) {
  const absl::StatusCode code = call.status.code();
  const bool refused =
      code == absl::StatusCode::kUnauthenticated || code == absl::StatusCode::kPermissionDenied ||
      code == absl::StatusCode::kResourceExhausted || code == absl::StatusCode::kUnavailable ||
      code == absl::StatusCode::kFailedPrecondition || code == absl::StatusCode::kAborted;
  absl::MutexLock lock(&families_->mutex);
  Families::Method& method = families_->MethodOf(call.method);
  method.seconds->Observe(Seconds(call.took));
  method.codes.Add(absl::StatusCodeToString(code));
  if (refused) families_->reasons.Add(Reason(call.status));
}

void Metrics::Decided(std::string_view kind, bool allowed, std::span<const Finding> findings) {
  const auto counter = families_->decided.find(std::string(kind) + (allowed ? "allow" : "deny"));
  if (counter != families_->decided.end()) counter->second->Increment();
  absl::MutexLock lock(&families_->mutex);
  for (const Finding& finding : findings) families_->rules.Add(finding.rule);
}

void Metrics::Committed(const GroupCommit& group) {
  families_->group_commands.Observe(static_cast<double>(group.commands));
  if (group.failed) {
    families_->commits_failed.Increment();
    return;
  }
  if (group.entries == 0) return;
  families_->commit_seconds.Observe(Seconds(group.sync));
  families_->sign_seconds.Observe(Seconds(group.sign));
  families_->entries.Increment(static_cast<double>(group.entries));
}

void Metrics::AddSource(Source source) {
  absl::MutexLock lock(&families_->sources_mutex);
  families_->sources.push_back(std::move(source));
}

std::string Metrics::Text() const {
  Gathered gathered;
  {
    absl::MutexLock lock(&families_->sources_mutex);
    for (const Source& source : families_->sources) source(gathered);
  }
  std::ostringstream out;
  const prometheus::TextSerializer serializer;
  serializer.Serialize(out, families_->registry.Collect());
  serializer.Serialize(out, gathered.Take());
  return std::move(out).str();
}

}  // namespace dml
