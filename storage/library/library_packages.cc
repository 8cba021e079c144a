#include "storage/library/library_packages.h"

#include <set>
#include <utility>

#include "core/compat/resolver.h"
#include "storage/journal/journal.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/relation_index.h"

namespace dml {

absl::StatusOr<std::unique_ptr<LibraryPackages>> LibraryPackages::Open(
    const Reader& state, TrustCache& trust, SpecCache& specs, LibraryPackagesOptions options) {
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(const uint64_t index, journal.Size());
  DML_ASSIGN_OR_RETURN(const StoredEntry last, journal.At(index - 1));
  auto domain = trust.Get(state, last.entry.time);
  if (!domain.ok() && Reason(domain.status()) != "ROOT_MISSING") return domain.status();
  return std::unique_ptr<LibraryPackages>(
      new LibraryPackages(state, specs, std::move(options),
                          domain.ok() ? *std::move(domain) : nullptr, index, last.entry.time));
}

LibraryPackages::LibraryPackages(const Reader& state, SpecCache& specs,
                                 LibraryPackagesOptions options,
                                 std::shared_ptr<const TrustDomain> trust, uint64_t index,
                                 Timestamp time)
    : state_(state),
      specs_(specs),
      options_(std::move(options)),
      trust_(std::move(trust)),
      index_(index),
      publications_(state, trust_.get()),
      advisories_(state, trust_.get(), time) {}

absl::StatusOr<std::vector<SourcePackage>> LibraryPackages::FindProviders(
    RelationKind kind, std::string_view name) const {
  absl::MutexLock lock(&mutex_);
  std::vector<SourcePackage> out;
  if (kind == RelationKind::kPackage) {
    absl::StatusOr<PackageName> package = PackageName::Parse(name);
    if (package.ok()) DML_RETURN_IF_ERROR(AddVersions(*package, out));
  }
  DML_RETURN_IF_ERROR(AddProviders(kind, name, out));
  return out;
}

absl::Status LibraryPackages::AddVersions(const PackageName& package,
                                          std::vector<SourcePackage>& out) const {
  if (!Sees(package)) return absl::OkStatus();
  PageRequest page{1000, ""};
  do {
    DML_ASSIGN_OR_RETURN(Page<VariantRecord> found, ListView(state_).Variants(package, page));
    for (const VariantRecord& record : found.items) DML_RETURN_IF_ERROR(Add(record, out));
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

absl::Status LibraryPackages::AddProviders(RelationKind kind, std::string_view name,
                                           std::vector<SourcePackage>& out) const {
  const LibraryView view(state_);
  std::set<VariantName> added;
  PageRequest page{1000, ""};
  do {
    DML_ASSIGN_OR_RETURN(Page<RelationMatch> found,
                         RelationIndex(state_).Provides(kind, name, {}, page));
    for (const RelationMatch& match : found.items) {
      // Its own versions are all there already.
      const bool own = kind == RelationKind::kPackage && match.variant.package.ToString() == name;
      if (own || !Sees(match.variant.package) || !added.insert(match.variant).second) continue;
      DML_ASSIGN_OR_RETURN(const auto record, view.FindVariant(match.variant));
      if (record.has_value()) DML_RETURN_IF_ERROR(Add(*record, out));
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

absl::Status LibraryPackages::Add(const VariantRecord& record,
                                  std::vector<SourcePackage>& out) const {
  if (record.state != VariantState::kPublished) return absl::OkStatus();
  if (options_.stop && options_.stop()) {
    return MakeError(absl::StatusCode::kCancelled, ErrorReason("CALL_CANCELED"),
                     "the search was stopped");
  }
  auto known = read_.find(record.name);
  if (known == read_.end()) {
    DML_ASSIGN_OR_RETURN(std::optional<SourcePackage> package, Read(record));
    known = read_.emplace(record.name, std::move(package)).first;
  }
  if (known->second.has_value()) out.push_back(*known->second);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SourcePackage>> LibraryPackages::Read(
    const VariantRecord& record) const {
  if (bytes_ + record.spec.size > options_.max_document_bytes ||
      read_.size() >= kMaxResolveCandidates) {
    return ResourceExhausted(ErrorReason("UNIVERSE_TOO_LARGE"),
                             "undecided: what can be required has more than {} package specs, or "
                             "more than {} bytes of them",
                             kMaxResolveCandidates, options_.max_document_bytes);
  }
  DML_ASSIGN_OR_RETURN(const PublicationSigners signers, publications_.SignersOf(record.name));
  if (signers.signatures.empty() || !signers.trust_fault.empty())
    return std::optional<SourcePackage>();
  bytes_ += record.spec.size;
  SourcePackage out;
  DML_ASSIGN_OR_RETURN(auto published, specs_.Get(state_, record.spec));
  DML_ASSIGN_OR_RETURN(
      out.spec, advisories_.Amend(std::move(published), !options_.in_use.contains(record.name)));
  out.manifest = record.manifest.digest.ToString();
  return std::optional(std::move(out));
}

}  // namespace dml
