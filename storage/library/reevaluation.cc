#include "storage/library/reevaluation.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/crypto/sha256.h"
#include "core/gate/findings.h"
#include "storage/journal/journal.h"
#include "storage/library/release_decision.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr int kPageSize = 1000;

template <typename... Payloads>
bool IsOneOf(const EntryPayload& payload) {
  return (std::holds_alternative<Payloads>(payload) || ...);
}

// What approving or waiting changes is left out: that is asked anew each time anyway.
std::vector<Finding> ErrorsOf(const ReleaseVerdict& verdict) {
  std::vector<Finding> out;
  for (const Finding& finding : verdict.findings) {
    if (finding.severity == Severity::kError && !IsOfPassing(finding.rule)) out.push_back(finding);
  }
  return out;
}

}  // namespace

struct Reevaluator::Let {
  Digest release;
  std::string environment;
};

bool MayChangeFindings(const EntryPayload& payload) {
  return IsOneOf<PolicySet, AdvisorySet, KeyRevoked, RootSet, DelegationSet, LicenseDataSet,
                 EntitlementGranted, EntitlementAmended, VersionWithdrawn, AdmissionDecided,
                 VariantScanned, AttestationAttached, ReleaseWithdrawn>(payload);
}

absl::StatusOr<std::vector<Finding>> ReadReevaluation(const Reader& state,
                                                      const ReleaseReevaluated& found) {
  if (found.findings == 0) return std::vector<Finding>();
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(state, found.report));
  return ParseFindings(bytes);
}

absl::StatusOr<bool> Reevaluator::IsDue(const Reader& state) {
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(const uint64_t size, journal.Size());
  bool out = !seen_.has_value();
  for (uint64_t index = seen_.value_or(size); index < size && !out; ++index) {
    DML_ASSIGN_OR_RETURN(const StoredEntry stored, journal.At(index));
    out = MayChangeFindings(stored.entry.payload);
  }
  if (!out) seen_ = size;
  return out;
}

absl::StatusOr<std::vector<Reevaluator::Let>> Reevaluator::LetGoIn(const Reader& state,
                                                                   const std::string& environment,
                                                                   Timestamp now) const {
  DML_ASSIGN_OR_RETURN(std::vector<DeploymentRecord> records,
                       LibraryView(state).DeploymentsIn(environment));
  std::vector<Let> out;
  std::vector<const DeploymentRecord*> deployed;
  for (DeploymentRecord& record : records) {
    record = record.AsOf(now);
    const bool is_open = record.state == DeploymentState::kPermitted ||
                         record.state == DeploymentState::kRollingOut ||
                         record.state == DeploymentState::kHalted;
    if (is_open) out.push_back({record.release, environment});
    // What was reviewed may have been deployed, or backed out before.
    DML_ASSIGN_OR_RETURN(const auto rollout,
                         LibraryView(state).FindRollout(record.release, environment));
    const bool went_back =
        rollout.has_value() && rollout->progress.state != DeploymentState::kDeployed;
    const bool is_deployed =
        record.state == DeploymentState::kDeployed ||
        (record.state == DeploymentState::kReviewed && record.deployed != Timestamp());
    if (is_deployed && !went_back) deployed.push_back(&record);
  }
  // The last first: what all packages of a release were replaced by since, is not there any more.
  std::ranges::sort(deployed, std::ranges::greater(), &DeploymentRecord::deployed);
  std::set<std::string> replaced;
  for (const DeploymentRecord* record : deployed) {
    DML_ASSIGN_OR_RETURN(const Release release, LoadRelease(state, record->release));
    bool is_there = false;
    for (const ReleaseItem& item : release.items) {
      const bool is_last = replaced.insert(item.variant.package.ToString()).second;
      is_there = is_there || is_last;
    }
    if (is_there) out.push_back({record->release, environment});
  }
  return out;
}

absl::StatusOr<std::vector<Reevaluator::Let>> Reevaluator::LetGo(const Reader& state,
                                                                 Timestamp now) const {
  std::vector<Let> out;
  PageRequest page;
  page.size = kPageSize;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Environments(page));
    for (const EnvironmentRecord& environment : found.items) {
      DML_ASSIGN_OR_RETURN(std::vector<Let> here, LetGoIn(state, environment.name, now));
      std::ranges::move(here, std::back_inserter(out));
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  return out;
}

// Whether something else is found than the last time; that is entered then.
absl::StatusOr<bool> Reevaluator::Judge(const Reader& state, const Let& let, Timestamp now) {
  DML_ASSIGN_OR_RETURN(
      const ReleaseDecision decision,
      EvaluateReleaseGate(state, trust_, policies_, {let.release, let.environment, now, ""}));
  std::vector<Finding> errors = ErrorsOf(decision.verdict);
  std::string report = FormatFindings(errors);
  while (report.size() > kMaxFindingsBytes) {
    errors.resize(errors.size() / 2);
    report = FormatFindings(errors);
  }
  std::vector<Finding> before;
  DML_ASSIGN_OR_RETURN(const auto last,
                       LibraryView(state).FindReevaluation(let.release, let.environment));
  if (last.has_value()) {
    DML_ASSIGN_OR_RETURN(before, ReadReevaluation(state, last->found));
  }
  if (errors == before) return false;
  std::vector<Finding> fresh;
  std::ranges::set_difference(errors, before, std::back_inserter(fresh));
  // An empty blob would be none.
  if (report.empty()) report = "\n";
  const ReleaseReevaluated found{let.release,
                                 let.environment,
                                 decision.index,
                                 static_cast<uint32_t>(errors.size()),
                                 static_cast<uint32_t>(fresh.size()),
                                 {Sha256(report), report.size()}};
  Command command;
  command.author = author_;
  command.payload = found;
  command.metadata = {std::move(report)};
  DML_RETURN_IF_ERROR(library_.Commit(std::move(command)).status());
  if (on_found_) on_found_(found, errors);
  return true;
}

absl::StatusOr<size_t> Reevaluator::Run() {
  auto state = library_.Read();
  DML_ASSIGN_OR_RETURN(const bool is_due, IsDue(*state));
  if (!is_due) return 0;
  DML_ASSIGN_OR_RETURN(const uint64_t size, JournalView(*state).Size());
  DML_ASSIGN_OR_RETURN(const Timestamp now, library_.TimeOf(*state));
  DML_ASSIGN_OR_RETURN(const std::vector<Let> let_go, LetGo(*state, now));
  size_t out = 0;
  for (const Let& let : let_go) {
    DML_ASSIGN_OR_RETURN(const bool is_new, Judge(*state, let, now));
    if (is_new) ++out;
  }
  seen_ = size;
  return out;
}

}  // namespace dml
