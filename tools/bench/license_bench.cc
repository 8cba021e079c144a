// Licenses: verdicts on long expressions, the index over 10^6 versions, leases of 64 clients. In
// this process, without gRPC; RocksDB with the daemon's options.
#include <algorithm>
#include <cmath>
#include <malloc.h>
#include <random>
#include <unistd.h>

#include "core/crypto/sha256.h"
#include "core/license/policy.h"
#include "core/os/file.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/library/library.h"
#include "storage/views/index_rows.h"
#include "storage/views/license_index.h"
#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

constexpr int kClauses = 64;
constexpr size_t kHeldVerdicts = 512;
constexpr int kMakings = 20;
constexpr size_t kVersions = 1'000'000;
constexpr size_t kVersionsOfPackage = 20;
constexpr size_t kRowsOfBatch = 20'000;
constexpr size_t kPageSize = 100;
constexpr int kClients = 64;

// Milliseconds of each call, for as long as a measurement takes.
template <typename Work>
absl::StatusOr<std::vector<double>> Time(double seconds, const Work& work) {
  std::vector<double> out;
  for (const double end = Now() + seconds; Now() < end;) {
    const double begin = Now();
    DML_RETURN_IF_ERROR(work());
    out.push_back((Now() - begin) * 1e3);
  }
  std::ranges::sort(out);
  return out;
}

void AddTimes(Report& report, const std::string& name, const std::vector<double>& sorted,
              double calibration_ms, const char* of) {
  const double p99 = Percentile(sorted, 0.99);
  report.Add(name + ", p99", p99, "ms",
             fmt::format("p50 {:.3f} ms, {} times; {:.1f} of {}", Percentile(sorted, 0.5),
                         sorted.size(), p99 / calibration_ms, of));
}

std::vector<std::string> SomeIds() {
  std::vector<std::string> out;
  for (const ListedId& id : BundledLicenseList().licenses()) {
    if (!id.deprecated) out.push_back(id.id);
  }
  return out;
}

// (A OR B) AND (C OR D) AND ..., of different licenses.
std::string TwoWayClauses(const std::vector<std::string>& ids) {
  std::string out;
  for (int i = 0; i < kClauses; ++i) {
    out += fmt::format("{}({} OR {})", i == 0 ? "" : " AND ", ids[2 * i], ids[2 * i + 1]);
  }
  return out;
}

absl::Status MeasureVerdicts(const Setup& setup, Report& report) {
  const LicenseList& list = BundledLicenseList();
  const std::vector<std::string> ids = SomeIds();
  const std::string text = TwoWayClauses(ids);
  LicenseRule allow{.id = "allow", .outcome = LicenseOutcome::kAllow};
  for (size_t i = 0; i < ids.size(); i += 2) allow.licenses.push_back(ids[i]);
  DML_ASSIGN_OR_RETURN(const LicensePolicy policy, LicensePolicy::Create("bench", {allow}, list));
  const auto verdict = [&]() -> absl::StatusOr<LicenseVerdict> {
    DML_ASSIGN_OR_RETURN(const LicenseExpression expression, LicenseExpression::Parse(text, list));
    return EvaluateLicense(expression, policy, list);
  };
  DML_ASSIGN_OR_RETURN(const auto lookups, Time(setup.seconds / 4, [&] {
                         size_t found = 0;
                         for (int i = 0; i < 2 * kClauses; ++i) {
                           found += list.FindLicense(ids[i]) != nullptr ? 1 : 0;
                         }
                         return found == 2 * kClauses
                                    ? absl::OkStatus()
                                    : Internal(ErrorReason("BENCH_ANSWER_WRONG"), "no license");
                       }));
  const double calibration = Percentile(lookups, 0.5);
  report.Add("look up 128 ids of the list, p50", calibration, "ms");
  DML_ASSIGN_OR_RETURN(const auto times, Time(setup.seconds, [&] { return verdict().status(); }));
  AddTimes(report, "read and judge 64 two-way clauses", times, calibration, "128 look-ups");

  // The making: pages that are free are given back first, so that each one used counts.
  uint64_t making = 0;
  for (int i = 0; i < kMakings; ++i) {
    ::malloc_trim(0);
    const uint64_t before = ResetPeakMemory(::getpid());
    DML_RETURN_IF_ERROR(verdict().status());
    const uint64_t peak = PeakMemory(::getpid());
    making = std::max(making, peak > before ? peak - before : 0);
  }
  report.Add("memory to read and judge it", static_cast<double>(making) / 1e3, "kB",
             fmt::format("the highest peak of {}, in whole pages", kMakings));

  std::vector<LicenseVerdict> held;
  held.reserve(kHeldVerdicts);
  DML_RETURN_IF_ERROR(verdict().status());
  const uint64_t before = ResetPeakMemory(::getpid());
  for (size_t i = 0; i < kHeldVerdicts; ++i) {
    DML_ASSIGN_OR_RETURN(LicenseVerdict one, verdict());
    held.push_back(std::move(one));
  }
  const uint64_t peak = PeakMemory(::getpid());
  report.Add("memory of one such verdict",
             static_cast<double>(peak > before ? peak - before : 0) / kHeldVerdicts / 1e3, "kB",
             fmt::format("peak of {} held at once, by their number", kHeldVerdicts));
  return absl::OkStatus();
}

// Versions of packages under one to three licenses, some common and most rare.
class Versions {
 public:
  Versions() : ids_(SomeIds()) {}

  PackageSpec Make(size_t number) {
    PackageSpec spec;
    spec.package = {"bench", fmt::format("p{:06}", number / kVersionsOfPackage)};
    spec.version =
        *Version::Parse(VersionScheme::kSemver, fmt::format("1.{}.0", number % kVersionsOfPackage));
    spec.declared_license = Id();
    const size_t more = random_() % 3;
    for (size_t i = 0; i < more; ++i) {
      spec.declared_license += (random_() % 2 == 0 ? " OR " : " AND ") + Id();
    }
    return spec;
  }
  const std::vector<std::string>& ids() const { return ids_; }

  // Few ids often, many seldom: the n-th about 1/n as often as the first.
  const std::string& Id() {
    const double share = std::generate_canonical<double, 32>(random_);
    const auto rank = static_cast<size_t>(std::pow(static_cast<double>(ids_.size()), share)) - 1;
    return ids_[std::min(rank, ids_.size() - 1)];
  }

 private:
  const std::vector<std::string> ids_;
  std::mt19937_64 random_{20260101};
};

absl::Status Fill(Engine& engine, Versions& versions, Report& report) {
  const double begin = Now();
  uint64_t rows = 0;
  auto batch = engine.NewBatch();
  uint64_t in_batch = 0;
  for (size_t i = 0; i < kVersions; ++i) {
    const PackageSpec spec = versions.Make(i);
    const VariantName name{spec.package, spec.version.text(), spec.platform};
    DML_ASSIGN_OR_RETURN(const auto found, IndexRows(name, spec));
    for (const IndexRow& row : found) batch->Put(Table::kViews, row.key, row.value);
    rows += found.size();
    in_batch += found.size();
    if (in_batch < kRowsOfBatch && i + 1 < kVersions) continue;
    DML_RETURN_IF_ERROR(engine.Commit(std::move(batch), Durability::kBuffered));
    batch = engine.NewBatch();
    in_batch = 0;
  }
  report.Add("rows of 10^6 versions", static_cast<double>(rows), "rows",
             fmt::format("made and written in {:.0f} s", Now() - begin));
  return absl::OkStatus();
}

struct IndexQuestion {
  const char* name;
  std::function<LicenseIndex::Result(const LicenseIndex&, const PageRequest&)> ask;
};

std::vector<IndexQuestion> Questions(Versions& versions) {
  // A category of a third of all licenses, and one of ten rare ones.
  auto category = [&versions](size_t from, size_t step) {
    std::set<LicenseKey> out;
    for (size_t i = from; i < versions.ids().size(); i += step) {
      out.insert({VersionOfLicense(versions.ids()[i], false), ""});
    }
    return out;
  };
  return {
      {"by id", [&versions](const LicenseIndex& index,
                            const PageRequest& page) { return index.ByName(versions.Id(), page); }},
      {"by expression part",
       [&versions](const LicenseIndex& index, const PageRequest& page) -> LicenseIndex::Result {
         DML_ASSIGN_OR_RETURN(const auto part,
                              LicenseExpression::Parse(versions.Id() + " OR " + versions.Id(),
                                                       BundledLicenseList()));
         return index.ByPart(LicensePartDigest(part), page);
       }},
      {"by category of a third of all licenses",
       [licenses = category(0, 3)](const LicenseIndex& index, const PageRequest& page) {
         return index.ByLicenses(licenses, page);
       }},
      {"by category of few rare licenses",
       [licenses = category(40, 67)](const LicenseIndex& index, const PageRequest& page) {
         return index.ByLicenses(licenses, page);
       }},
      {"unknown, of which there are none",
       [](const LicenseIndex& index, const PageRequest& page) {
         return index.WhereName(
             [](std::string_view name) {
               return BundledLicenseList().FindLicense(name) == nullptr;
             },
             page);
       }},
  };
}

absl::Status MeasureIndex(const Setup& setup, Report& report) {
  const auto folder = setup.work_dir / "licenses";
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_ASSIGN_OR_RETURN(auto engine, OpenRocksEngine(folder / "db", RocksEngineOptions{}));
  Versions versions;
  DML_RETURN_IF_ERROR(Fill(*engine, versions, report));
  const auto state = engine->NewSnapshot();
  DML_ASSIGN_OR_RETURN(const auto walks, Time(setup.seconds, [&]() -> absl::Status {
                         auto cursor = state->NewCursor(Table::kViews, KeyRange{});
                         const auto row = static_cast<char>(5);
                         cursor->Seek(std::string(1, row) + '\x01' + versions.Id());
                         for (size_t i = 0; i < kPageSize && cursor->Valid(); ++i) cursor->Next();
                         return cursor->status();
                       }));
  const double calibration = Percentile(walks, 0.99);
  report.Add("a cursor to a random row and over 100, p99", calibration, "ms",
             fmt::format("p50 {:.3f} ms", Percentile(walks, 0.5)));
  const LicenseIndex index(*state);
  PageRequest page;
  page.size = kPageSize;
  for (const IndexQuestion& question : Questions(versions)) {
    size_t items = 0;
    DML_ASSIGN_OR_RETURN(const auto times, Time(setup.seconds, [&]() -> absl::Status {
                           DML_ASSIGN_OR_RETURN(const auto found, question.ask(index, page));
                           items += found.items.size();
                           return absl::OkStatus();
                         }));
    AddTimes(report, fmt::format("first page {} ({} items)", question.name, items / times.size()),
             times, calibration, "the cursor's p99");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Library>> OpenSeats(const std::filesystem::path& folder) {
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_ASSIGN_OR_RETURN(auto engine, OpenRocksEngine(folder / "db", RocksEngineOptions{}));
  LibraryOptions options;
  options.origin = "bench.dml/seats";
  options.signed_checkpoint_file = folder / "signed-checkpoint";
  DML_ASSIGN_OR_RETURN(
      auto library, Library::Open(std::move(engine), PrivateKey::Generate(KeyAlgorithm::kEd25519),
                                  std::move(options)));
  Entitlement terms;
  terms.id = "seats";
  terms.product = "product";
  terms.vendor = "vendor";
  terms.quantity = 1'000'000;
  terms.start = *ParseTime("2025-01-01T00:00:00Z");
  terms.expiry = *ParseTime("2099-01-01T00:00:00Z");
  terms.contract_digest = Sha256("contract").ToString();
  const std::string claim = "a claim";  // Whose signatures the rules do not look at.
  for (EntryPayload payload :
       {EntryPayload(EnvironmentCreated{"production", "", {}}),
        EntryPayload(MediaRegistered{"bench/contract",
                                     MediaKind::kDocument,
                                     "t",
                                     "vault",
                                     "pat",
                                     1,
                                     Sha256("contract"),
                                     {}}),
        EntryPayload(EntitlementGranted{terms, 1, {Sha256(claim), claim.size()}})}) {
    Command command;
    command.author = "bench";
    command.payload = std::move(payload);
    if (!MetadataBlobs(command.payload).empty()) command.metadata = {claim};
    DML_RETURN_IF_ERROR(library->Commit(std::move(command)).status());
  }
  return library;
}

absl::Status MeasureLeases(const Setup& setup, Report& report) {
  DML_ASSIGN_OR_RETURN(auto library, OpenSeats(setup.work_dir / "seats"));
  auto commit = [&](EntryPayload payload, std::string request_id = "") {
    Command command;
    command.author = "bench";
    command.payload = std::move(payload);
    command.request_id = std::move(request_id);
    return library->Commit(std::move(command)).status();
  };
  DML_ASSIGN_OR_RETURN(
      const ClientRun plain, RunClients(kClients, setup.seconds, [&](int client, uint64_t i) {
        return commit(NodeCreated{"production", fmt::format("n-{}-{}", client, i), {}});
      }));
  report.Add("a commit without seats, 64 clients", plain.rate(), "commits/s",
             fmt::format("p50 {:.1f} ms, p99 {:.1f} ms", plain.p50_ms, plain.p99_ms));
  DML_ASSIGN_OR_RETURN(
      const ClientRun leases,
      RunClients(kClients, 2 * setup.seconds, [&](int client, uint64_t i) -> absl::Status {
        const std::string id = fmt::format("c{}-{}", client, i);
        DML_RETURN_IF_ERROR(
            commit(SeatsReserved{id, "production", std::chrono::hours(1), {{"seats", id, 1}}}, id));
        DML_RETURN_IF_ERROR(commit(LeaseCommitted{id + "/0", std::chrono::hours(2)}));
        return commit(LeaseReleased{id + "/0", false, ""});
      }));
  const double rate = 3 * leases.rate();
  report.Add("lease operations, 64 clients", rate, "operations/s",
             fmt::format("reserve, commit, release; {:.2f} of the commits without seats",
                         rate / plain.rate()));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureLicense(const Setup& setup, Report& report) {
  DML_RETURN_IF_ERROR(MeasureVerdicts(setup, report));
  DML_RETURN_IF_ERROR(MeasureIndex(setup, report));
  return MeasureLeases(setup, report);
}

}  // namespace dml::bench
