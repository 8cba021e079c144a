#include "server/admission/admission.h"

#include <algorithm>

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/package/manifest.h"
#include "core/package/package_spec.h"
#include "core/trust/statement.h"
#include "storage/library/publication_signers.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr std::string_view kAuthor = "dmld";

// The metadata blob of a command.
absl::StatusOr<std::string> BytesOf(const Command& command, const BlobRef& ref) {
  for (const std::string& bytes : command.metadata) {
    if (bytes.size() == ref.size && Sha256(bytes) == ref.digest) return bytes;
  }
  return Internal(ErrorReason("METADATA_MISSING"), "the command lacks the blob {}",
                  ref.digest.ToString());
}

// The worse of two.
void Merge(const ScanReport& report, const std::string& path, ScanReport& worst) {
  auto rank = [](ScanVerdict verdict) {
    switch (verdict) {
      case ScanVerdict::kClean:
        return 0;
      case ScanVerdict::kNotFullyScanned:
        return 1;
      case ScanVerdict::kError:
        return 2;
      case ScanVerdict::kInfected:
        break;
    }
    return 3;
  };
  if (rank(report.verdict) <= rank(worst.verdict)) return;
  worst.verdict = report.verdict;
  worst.finding = fmt::format("{}: {}", path, report.finding);
}

}  // namespace

Admission::Admission(Library& library, AdmissionOptions options,
                     std::unique_ptr<MalwareScanner> scanner)
    : library_(library), options_(std::move(options)), scanner_(std::move(scanner)) {
  if (scanner_ == nullptr && !options_.clamd.empty()) {
    scanner_ = std::make_unique<ClamdScanner>(ClamdOptions{options_.clamd});
  }
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

Admission::~Admission() {
  thread_.request_stop();
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::StatusOr<ScanReport> Admission::Version() { return scanner_->Version(); }

std::vector<std::string> Admission::Missing(const std::string& declared_license,
                                            const std::set<std::string>& predicates) const {
  auto has = [&](std::string_view predicate) {
    return predicates.contains(std::string(predicate));
  };
  std::vector<std::string> out;
  const bool undeclared = declared_license == "NONE" || declared_license == "NOASSERTION";
  if (options_.require_license && undeclared && !has(kLicenseConclusionPredicate)) {
    out.push_back("no license is declared");
  }
  if (options_.require_provenance && !has(kProvenancePredicate)) {
    out.push_back("it has no provenance");
  }
  if (options_.require_sbom && !has(kSpdxPredicate) && !has(kCycloneDxPredicate)) {
    out.push_back("it has no SBOM");
  }
  return out;
}

bool Admission::IsBad(const ScanReport& report) const {
  const bool unscanned =
      report.verdict == ScanVerdict::kError || report.verdict == ScanVerdict::kNotFullyScanned;
  return report.verdict == ScanVerdict::kInfected || (unscanned && !options_.accept_unscanned);
}

absl::Status Admission::Examine(Command& command) {
  auto& published = std::get<VersionPublished>(command.payload);
  DML_ASSIGN_OR_RETURN(std::string spec_bytes, BytesOf(command, published.spec));
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(spec_bytes));
  std::set<std::string> predicates;
  for (const AttestationRef& ref : published.attestations) predicates.insert(ref.predicate_type);
  std::vector<std::string> reasons = Missing(spec.declared_license, predicates);
  if (scanner_ != nullptr) {
    DML_ASSIGN_OR_RETURN(std::string manifest_bytes, BytesOf(command, published.manifest));
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(manifest_bytes));
    DML_ASSIGN_OR_RETURN(ScanReport report, ScanFiles(manifest));
    if (IsBad(report)) {
      reasons.push_back(
          fmt::format("malware scan: {}: {}", ScanVerdictName(report.verdict), report.finding));
    }
    published.scan = std::move(report);
  }
  if (reasons.empty()) return absl::OkStatus();
  published.admission = AdmissionState::kQuarantined;
  published.quarantine_reason = Excerpt(fmt::format("{}", fmt::join(reasons, "; ")), 1024);
  return absl::OkStatus();
}

void Admission::JudgeAndLog(const VariantName& name, bool may_scan) {
  const absl::Status status = Judge(name, may_scan);
  if (!status.ok()) spdlog::warn("judging {}: {}", name.ResourceName(), Message(status));
}

absl::Status Admission::Judge(const VariantName& name, bool may_scan) {
  const std::unique_ptr<Snapshot> state = library_.Read();
  const LibraryView view(*state);
  DML_ASSIGN_OR_RETURN(std::optional<VariantRecord> record, view.FindVariant(name));
  if (!record.has_value() || record->state != VariantState::kQuarantined ||
      record->admission_index != record->published_index) {
    return absl::OkStatus();
  }
  std::set<std::string> predicates;
  DML_RETURN_IF_ERROR(view.ScanAttestations(name, [&](const AttestationRecord& attestation) {
    predicates.insert(attestation.ref.predicate_type);
    return true;
  }));
  if (!Missing(record->declared_license, predicates).empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const auto trust, LoadTrust(*state, WallClockNow()));
  DML_ASSIGN_OR_RETURN(const PublicationSigners signers,
                       PublicationReader(*state, trust.get()).SignersOf(name));
  if (!signers.trust_fault.empty()) return absl::OkStatus();
  std::optional<ScanReport> scan;
  if (scanner_ != nullptr && (!record->scan.has_value() || IsBad(*record->scan))) {
    if (record->scan.has_value() && record->scan->verdict == ScanVerdict::kInfected) {
      return absl::OkStatus();
    }
    if (!may_scan) {
      absl::MutexLock lock(&mutex_);
      pending_.insert(name);
      return absl::OkStatus();
    }
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(*state, record->manifest));
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(bytes));
    DML_ASSIGN_OR_RETURN(scan, ScanFiles(manifest));
    if (IsBad(*scan)) return Commit(VariantScanned{name, *scan});
  }
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(*state));
  return Commit(
      AdmissionDecided{name, AdmissionState::kAccepted,
                       "all checks pass, with what was attached since it was published", scan},
      {std::move(seen)});
}

void Admission::JudgePending() {
  std::set<VariantName> names;
  {
    absl::MutexLock lock(&mutex_);
    names.swap(pending_);
  }
  for (const VariantName& name : names) JudgeAndLog(name, /*may_scan=*/true);
}

absl::StatusOr<ScanReport> Admission::ScanFiles(const Manifest& manifest) {
  ScanReport out;
  out.verdict = ScanVerdict::kClean;
  if (absl::StatusOr<ScanReport> version = scanner_->Version(); version.ok()) {
    out.scanner = version->scanner;
    out.signatures = version->signatures;
  }
  ContentStore& content = library_.content();
  for (const ManifestFile& file : manifest.files) {
    DML_ASSIGN_OR_RETURN(ScanReport report, scanner_->Scan([&](const auto& write) -> absl::Status {
      DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(content, file.blob.digest));
      for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
        DML_ASSIGN_OR_RETURN(ChunkRef chunk, list.At(i));
        DML_ASSIGN_OR_RETURN(std::string raw, content.chunks().LoadVerified(chunk));
        DML_RETURN_IF_ERROR(write(raw));
      }
      return absl::OkStatus();
    }));
    Merge(report, file.path, out);
  }
  out.finding = Excerpt(out.finding, 512);
  return out;
}

absl::Status Admission::Commit(EntryPayload payload, std::vector<StampSeen> decided_on) {
  Command command;
  command.author = std::string(kAuthor);
  command.decided_on = std::move(decided_on);
  command.payload = std::move(payload);
  return library_.Commit(std::move(command)).status();
}

absl::Status Admission::ScanVariant(const VariantRecord& record) {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(*library_.Read(), record.manifest));
  DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(bytes));
  DML_ASSIGN_OR_RETURN(ScanReport report, ScanFiles(manifest));
  {
    absl::MutexLock lock(&mutex_);
    ++progress_.variants;
    progress_.bytes += record.payload_size;
    progress_.infected += report.verdict == ScanVerdict::kInfected;
    progress_.not_fully_scanned += report.verdict == ScanVerdict::kNotFullyScanned;
    progress_.errors += report.verdict == ScanVerdict::kError;
  }
  // What is published though this was found has been looked at, and released as a false alarm.
  const bool decided = record.scan.has_value() && record.scan->verdict == report.verdict &&
                       record.scan->finding == report.finding;
  if (report.verdict == ScanVerdict::kInfected && !decided) {
    spdlog::warn("malware found in {}: {}", record.name.ResourceName(), report.finding);
    return Commit(AdmissionDecided{record.name, AdmissionState::kQuarantined,
                                   fmt::format("malware scan: infected: {}", report.finding),
                                   report});
  }
  // A scanner that is down says nothing about what was clean before.
  const bool is_new = report.verdict != ScanVerdict::kError && record.scan != report;
  return is_new ? Commit(VariantScanned{record.name, report}) : absl::OkStatus();
}

absl::Status Admission::EndQuarantine(const VariantRecord& record) {
  if (options_.quarantine_days.count() == 0) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(StoredEntry since, JournalView(*library_.Read()).At(record.admission_index));
  if (WallClockNow() < since.entry.time + options_.quarantine_days) return absl::OkStatus();
  return Commit(
      AdmissionDecided{record.name, AdmissionState::kRejected,
                       fmt::format("in quarantine for {} days: {}",
                                   options_.quarantine_days.count(), record.admission_reason),
                       std::nullopt});
}

bool Admission::StartScan() {
  absl::MutexLock lock(&mutex_);
  if (progress_.running || wanted_) return false;
  wanted_ = true;
  return true;
}

ScanProgress Admission::progress() const {
  absl::MutexLock lock(&mutex_);
  ScanProgress out = progress_;
  out.running = out.running || wanted_;
  return out;
}

void Admission::ScanAll(const std::stop_token& stop) {
  PageRequest page;
  do {
    auto snapshot = library_.Read();
    auto found = ListView(*snapshot).AllVariants("", page);
    if (!found.ok()) {
      spdlog::error("scan: {}", Message(found.status()));
      return;
    }
    for (const VariantRecord& record : found->items) {
      if (stop.stop_requested()) return;
      absl::Status status;
      if (record.state == VariantState::kQuarantined) status = EndQuarantine(record);
      const bool scanned = scanner_ != nullptr && record.state == VariantState::kPublished;
      if (scanned && !record.payload_collected) status = ScanVariant(record);
      if (!status.ok()) spdlog::warn("scan of {}: {}", record.name.ResourceName(), Message(status));
    }
    page.after_key = found->next_key;
  } while (!page.after_key.empty());
}

void Admission::Run(std::stop_token stop) {
  absl::Time next = absl::InfiniteFuture();
  auto plan = [&] {
    if (options_.rescan_interval.count() > 0) {
      next = absl::Now() + absl::Hours(options_.rescan_interval.count());
    }
  };
  plan();
  while (!stop.stop_requested()) {
    {
      absl::MutexLock lock(&mutex_);
      auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return wanted_ || stopping_ || !pending_.empty();
      };
      mutex_.AwaitWithDeadline(absl::Condition(&ready), next);
      if (stopping_) return;
    }
    JudgePending();
    {
      absl::MutexLock lock(&mutex_);
      if (!wanted_ && absl::Now() < next) continue;
      wanted_ = false;
      progress_ = {};
      progress_.running = true;
      progress_.start_time = WallClockNow();
    }
    ScanAll(stop);
    plan();
    absl::MutexLock lock(&mutex_);
    progress_.running = false;
    progress_.finish_time = WallClockNow();
  }
}

}  // namespace dml
