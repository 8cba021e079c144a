// Small calls through dml::client and dmld over TLS on loopback: publishing and asking.
#include <fstream>
#include <mutex>
#include <set>

#include "client/connection.h"
#include "core/os/file.h"
#include "dml/v1/content.grpc.pb.h"
#include "tools/bench/bench_daemon.h"

namespace dml::bench {
namespace {

constexpr int kPublishers = 64;
constexpr size_t kFileBytes = 4096;

std::string Calls(int clients) {
  return fmt::format("{} client{}", clients, clients == 1 ? "" : "s");
}

// Every client publishes versions of a package of its own.
absl::Status PublishFor(const Setup& setup, const BenchDaemon& daemon, bool with_file,
                        Report& report) {
  const std::filesystem::path folder = setup.work_dir / "publish-files";
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_ASSIGN_OR_RETURN(std::vector<Client> clients, daemon.Connect(kPublishers));
  const std::string what = with_file ? "with a 4 KiB file" : "without files";
  std::mutex mutex;
  std::set<uint64_t> groups;  // Journal sizes that were signed: one for each group of entries.
  auto work = [&](int client, uint64_t iteration) -> absl::Status {
    PublishInput input;
    input.keys = {&daemon.publisher()};
    input.spec_json =
        FormatPackageSpec(MakeSpec(fmt::format("{}-{}", with_file ? "file" : "bare", client),
                                   fmt::format("1.0.{}", iteration)));
    if (with_file) {
      const std::filesystem::path file = folder / fmt::format("{}", client);
      std::ofstream(file, std::ios::binary) << MakeContent(
          ContentKind::kRandom, kFileBytes, (static_cast<uint64_t>(client) << 32) + iteration);
      input.files = {{file, "file"}};
    }
    DML_ASSIGN_OR_RETURN(auto published, PublishPackage(clients[client], input, nullptr));
    if (iteration == 0) return absl::OkStatus();
    std::lock_guard lock(mutex);
    groups.insert(published.commit.checkpoint.size);
    return absl::OkStatus();
  };
  const double cpu = CpuSeconds(daemon.pid());
  DML_ASSIGN_OR_RETURN(ClientRun run, RunClients(kPublishers, 3 * setup.seconds, work));
  const double calls = static_cast<double>(run.calls);
  report.Add(fmt::format("publish {}, {}", what, Calls(kPublishers)), run.rate(), "publishes/s",
             fmt::format("p50 {:.0f} ms, p99 {:.0f} ms, server CPU {:.2f} ms each", run.p50_ms,
                         run.p99_ms, (CpuSeconds(daemon.pid()) - cpu) * 1e3 / calls));
  report.Add(fmt::format("entries in a group, {}", what),
             calls / static_cast<double>(groups.size()), "entries");
  return absl::OkStatus();
}

struct Question {
  std::string name;
  std::function<absl::Status(Client&)> ask;
};

// A program, its libraries and theirs: five variants.
absl::StatusOr<std::vector<VariantName>> PublishSet(const BenchDaemon& daemon) {
  DML_ASSIGN_OR_RETURN(Client client, daemon.Connect());
  std::vector<VariantName> names;
  for (const PackageSpec& spec :
       {MakeSpec("base", "1.0.0"), MakeSpec("net", "2.1.0", {"base"}),
        MakeSpec("store", "3.0.4", {"base"}), MakeSpec("ui", "1.4.0", {"base", "net"}),
        MakeSpec("app", "5.0.0", {"net", "store", "ui"})}) {
    PublishInput input;
    input.spec_json = FormatPackageSpec(spec);
    input.keys = {&daemon.publisher()};
    DML_RETURN_IF_ERROR(PublishPackage(client, input, nullptr).status());
    names.push_back(NameOf(spec));
  }
  return names;
}

std::vector<Question> Questions(const std::vector<VariantName>& set) {
  auto wrong = [](std::string_view what) {
    return Internal(ErrorReason("BENCH_ANSWER_WRONG"), "{} gave an unexpected answer", what);
  };
  return {
      {"GetCapabilities",
       [](Client& client) {
         return client.connection()
             .Call(&v1::ContentService::Stub::GetCapabilities, v1::GetCapabilitiesRequest())
             .status();
       }},
      {"GetVariant", [set](Client& client) { return client.GetVariant(set.back()).status(); }},
      {"EvaluateLicense",
       [wrong](Client& client) -> absl::Status {
         DML_ASSIGN_OR_RETURN(LicenseAnswer answer,
                              client.EvaluateLicense("MIT OR GPL-2.0-only", kEnvironment, ""));
         return answer.outcome == LicenseOutcome::kAllow ? absl::OkStatus()
                                                         : wrong("EvaluateLicense");
       }},
      {"CheckSet of 5",
       [set, wrong](Client& client) -> absl::Status {
         DML_ASSIGN_OR_RETURN(CompatibilityAnswer answer, client.CheckSet(set));
         return answer.outcome == CompatibilityOutcome::kCompatible ? absl::OkStatus()
                                                                    : wrong("CheckSet");
       }},
      {"gate Evaluate of 5",
       [set, wrong](Client& client) -> absl::Status {
         DML_ASSIGN_OR_RETURN(GateAnswer answer, client.Evaluate(set, kEnvironment));
         return answer.allowed ? absl::OkStatus() : wrong("Evaluate");
       }},
  };
}

}  // namespace

absl::Status MeasurePublish(const Setup& setup, Report& report) {
  DML_ASSIGN_OR_RETURN(auto daemon, BenchDaemon::Start(setup, "publish"));
  DML_RETURN_IF_ERROR(PublishFor(setup, *daemon, /*with_file=*/false, report));
  return PublishFor(setup, *daemon, /*with_file=*/true, report);
}

absl::Status MeasureQueries(const Setup& setup, Report& report) {
  DML_ASSIGN_OR_RETURN(auto daemon, BenchDaemon::Start(setup, "queries"));
  DML_ASSIGN_OR_RETURN(std::vector<VariantName> set, PublishSet(*daemon));
  for (int count : {1, 8, 64}) {
    DML_ASSIGN_OR_RETURN(std::vector<Client> clients, daemon->Connect(count));
    const double empty =
        report.Find(fmt::format("empty call, TLS 1.3, {}", Calls(count))).value_or(0);
    for (const Question& question : Questions(set)) {
      const double cpu = CpuSeconds(daemon->pid());
      DML_ASSIGN_OR_RETURN(ClientRun run,
                           RunClients(count, setup.seconds, [&](int client, uint64_t) {
                             return question.ask(clients[client]);
                           }));
      report.Add(fmt::format("{}, {}", question.name, Calls(count)), run.rate(), "calls/s",
                 fmt::format(
                     "{:.2f} of the empty call; p50 {:.2f} ms, p99 {:.2f} ms, server CPU {:.0f} us",
                     run.rate() / empty, run.p50_ms, run.p99_ms,
                     (CpuSeconds(daemon->pid()) - cpu) * 1e6 / static_cast<double>(run.calls)));
    }
  }
  return absl::OkStatus();
}

}  // namespace dml::bench
