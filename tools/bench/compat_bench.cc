// Compatibility: checks of sets and environments, and a whole archive's index.
#include <algorithm>
#include <deque>
#include <random>

#include "client/references.h"
#include "client/uses.h"
#include "core/compat/closed_world.h"
#include "core/compat/environment_check.h"
#include "tools/bench/bench_daemon.h"
#include "tools/bench/debian_bench.h"
#include "tools/import/deb_references.h"

namespace dml::bench {
namespace {

constexpr int kSetSize = 2000;
constexpr int kClauses = 19'000;
constexpr double kSetTarget = 200;    // Microseconds, in this process.
constexpr double kCallTarget = 1;     // Milliseconds, p99 of a call.
constexpr double kNodesTarget = 10;   // Milliseconds.
constexpr double kImportTarget = 60;  // Seconds.
constexpr int kRuns = 200;

// A compatible set: package i is of version 1.0.i and requires some of those before it.
std::vector<PackageSpec> MakeSet(int size, int clauses) {
  std::mt19937 random(1);
  std::vector<PackageSpec> out;
  for (int i = 0; i < size; ++i) {
    PackageSpec spec = MakeSpec(fmt::format("p{}", i), fmt::format("1.0.{}", i));
    const int count = i == 0 ? 0 : clauses / size + (i % size < clauses % size ? 1 : 0);
    for (int n = 0; n < count; ++n) {
      const int on = static_cast<int>(random() % static_cast<unsigned>(i));
      Requirement requirement;
      const VersionComparator least{VersionOp::kGreaterEqual, out[on].version};
      requirement.any_of.push_back(
          {RelationKind::kPackage, out[on].package.ToString(),
           VersionRange::FromComparators(VersionScheme::kSemver, {&least, 1}).value()});
      spec.requires_all.push_back(std::move(requirement));
    }
    out.push_back(std::move(spec));
  }
  return out;
}

absl::Status Wrong(std::string_view what) {
  return Internal(ErrorReason("BENCH_ANSWER_WRONG"), "{} gave an unexpected answer", what);
}

absl::Status MeasureSet(Report& report) {
  const std::vector<PackageSpec> specs = MakeSet(kSetSize, kClauses);
  ClosedWorld world;
  std::vector<size_t> all;
  for (const PackageSpec& spec : specs) all.push_back(world.Add(spec));
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    const double begin = Now();
    if (!world.Check(all).empty()) return Wrong("the check of a set");
    times.push_back((Now() - begin) * 1e6);
  }
  std::ranges::sort(times);
  report.Add(fmt::format("a set of {} packages, {} clauses, checked", kSetSize, kClauses),
             Percentile(times, 0.5), "us",
             fmt::format("p99 {:.0f} us, target {} us", Percentile(times, 0.99), kSetTarget));
  return absl::OkStatus();
}

// 10 000 nodes in 100 configurations of 200 packages, and a release of 200 for all of them.
absl::Status MeasureNodes(Report& report) {
  constexpr int kConfigurations = 100, kItems = 200, kNodes = 10'000;
  const std::vector<PackageSpec> base = MakeSet(kItems, 4 * kItems);
  std::vector<PackageSpec> release = base;
  for (PackageSpec& spec : release) {
    spec.version = Version::Parse(VersionScheme::kSemver, "2.0.0").value();
  }
  std::deque<PackageSpec> own;  // What tells configurations apart.
  std::vector<NodeGroup> groups;
  for (int i = 0; i < kConfigurations; ++i) {
    NodeGroup group{fmt::format("c{}", i), {}, kNodes / kConfigurations, {}};
    for (const PackageSpec& spec : base) group.packages.push_back(&spec);
    group.packages.push_back(&own.emplace_back(MakeSpec(fmt::format("own{}", i), "1.0.0")));
    groups.push_back(std::move(group));
  }
  std::vector<const PackageSpec*> set;
  for (const PackageSpec& spec : release) set.push_back(&spec);
  std::vector<size_t> changed;
  for (size_t i = 0; i < groups.size(); ++i) changed.push_back(i);
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const double begin = Now();
    const EnvironmentAnswer answer = CheckChange(groups, changed, set);
    times.push_back((Now() - begin) * 1000);
    if (answer.verdict != EnvironmentVerdict::kCompatible) return Wrong("the check of nodes");
  }
  std::ranges::sort(times);
  report.Add("10 000 nodes in 100 configurations against a release of 200", Percentile(times, 0.5),
             "ms", fmt::format("target {} ms", kNodesTarget));
  return absl::OkStatus();
}

absl::Status MeasureImport(const Setup& setup, const BenchDaemon& daemon, Report& report) {
  DML_ASSIGN_OR_RETURN(Client client, daemon.Connect());
  ReferenceClient publisher(client);
  const Signer* keys[] = {&daemon.publisher()};
  uint64_t published = 0, batches = 0;
  const double begin = Now();
  DML_ASSIGN_OR_RETURN(const DebReferences read,
                       ReadDebReferences(setup.packages, kNamespace,
                                         [&](const ReferenceSpecs& specs) -> absl::Status {
                                           DML_ASSIGN_OR_RETURN(
                                               const ReferencesAnswer answer,
                                               publisher.Publish(kNamespace, "bench", specs, keys));
                                           published += answer.published;
                                           ++batches;
                                           return absl::OkStatus();
                                         }));
  const double seconds = Now() - begin;
  report.Add("a Packages index imported through the daemon", seconds, "s",
             fmt::format("{} of {} packages in {} batches, {} faults; server CPU {:.1f} s; target "
                         "{} s for 63 000",
                         published, read.packages, batches, read.fault_count,
                         CpuSeconds(daemon.pid()), kImportTarget));
  return absl::OkStatus();
}

// A set over gRPC: the first packages of the index and what they need, as the resolver has it.
absl::Status MeasureCalls(const Setup& setup, const BenchDaemon& daemon, Report& report) {
  DML_ASSIGN_OR_RETURN(Client client, daemon.Connect());
  DML_ASSIGN_OR_RETURN(auto page, client.ListPackages(kNamespace, {.page_size = kSetSize / 2}));
  std::vector<VariantName> set;
  for (const PackageRecord& package : page.items) {
    DML_ASSIGN_OR_RETURN(const auto variants, client.ListVariants(package.name, {.page_size = 1}));
    for (const VariantRecord& variant : variants.items) set.push_back(variant.name);
  }
  DML_ASSIGN_OR_RETURN(ClientRun run, RunClients(1, setup.seconds, [&](int, uint64_t) {
                         return client.CheckSet(set).status();
                       }));
  report.Add(fmt::format("CheckSet of {} packages over gRPC, p99", set.size()), run.p99_ms, "ms",
             fmt::format("p50 {:.2f} ms; all pages of its violations; target {} ms", run.p50_ms,
                         kCallTarget));
  DML_ASSIGN_OR_RETURN(run, RunClients(1, setup.seconds, [&](int, uint64_t) {
                         return client
                             .WhoRequires(RelationKind::kPackage,
                                          std::string(kNamespace) + "/libc6", "vers:deb/>=2.37",
                                          {.page_size = 100})
                             .status();
                       }));
  report.Add("WhoRequires libc6 in a version from 2.37 on, p99", run.p99_ms, "ms",
             fmt::format("p50 {:.2f} ms, a page of 100 of the index", run.p50_ms));
  DML_ASSIGN_OR_RETURN(run, RunClients(1, setup.seconds, [&](int, uint64_t) {
                         return client
                             .WhoRequires(RelationKind::kPackage,
                                          std::string(kNamespace) + "/libc6", "deb:1.0",
                                          {.page_size = 100})
                             .status();
                       }));
  report.Add("WhoRequires libc6 1.0, p99", run.p99_ms, "ms",
             fmt::format("p50 {:.2f} ms; nearly nobody does", run.p50_ms));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureCompat(const Setup& setup, Report& report) {
  DML_RETURN_IF_ERROR(MeasureSet(report));
  DML_RETURN_IF_ERROR(MeasureNodes(report));
  if (setup.packages.empty()) return absl::OkStatus();
  DML_RETURN_IF_ERROR(MeasureDebianSolver(setup, report));
  DML_ASSIGN_OR_RETURN(auto daemon, BenchDaemon::Start(setup, "compat"));
  DML_RETURN_IF_ERROR(MeasureImport(setup, *daemon, report));
  return MeasureCalls(setup, *daemon, report);
}

}  // namespace dml::bench
