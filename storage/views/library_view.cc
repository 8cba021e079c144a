#include "storage/views/library_view.h"

#include "core/wire/entry.h"
#include "storage/views/advisory_keys.h"
#include "storage/views/license_keys.h"
#include "storage/views/view_keys.h"

namespace dml {

template <typename Record>
LibraryState::Lookup<Record> LibraryView::Find(std::string_view key) const {
  DML_ASSIGN_OR_RETURN(auto bytes, reader_.Get(Table::kViews, key));
  if (!bytes.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(*bytes));
  return record;
}

template <typename Record>
absl::Status LibraryView::Scan(const std::string& prefix,
                               const std::function<bool(const Record&)>& visit) const {
  KeyRange range = PrefixRange(prefix);
  auto cursor = reader_.NewCursor(Table::kViews, range);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(cursor->value()));
    if (!visit(record)) return absl::OkStatus();
  }
  return cursor->status();
}

LibraryState::Lookup<NamespaceRecord> LibraryView::FindNamespace(std::string_view name) const {
  return Find<NamespaceRecord>(view_keys::Namespace(name));
}

LibraryState::Lookup<RetentionRecord> LibraryView::FindRetention(std::string_view ns) const {
  return Find<RetentionRecord>(view_keys::Retention(ns));
}

LibraryState::Lookup<PackageRecord> LibraryView::FindPackage(const PackageName& name) const {
  return Find<PackageRecord>(view_keys::Package(name));
}

LibraryState::Lookup<VariantRecord> LibraryView::FindEqualVersion(const PackageName& name,
                                                                  const Version& version) const {
  std::string prefix = view_keys::VersionPrefix(name, version).Build();
  KeyRange range = PrefixRange(prefix);
  auto cursor = reader_.NewCursor(Table::kViews, range);
  cursor->SeekToFirst();
  if (!cursor->Valid()) {
    DML_RETURN_IF_ERROR(cursor->status());
    return std::nullopt;
  }
  DML_ASSIGN_OR_RETURN(VariantRecord record, wire::Decode<VariantRecord>(cursor->value()));
  return record;
}

LibraryState::Lookup<VariantRecord> LibraryView::FindNthLiveVersion(const PackageName& name,
                                                                    uint32_t n) const {
  std::optional<VariantRecord> found;
  uint32_t seen = 0;
  std::string last;
  DML_RETURN_IF_ERROR(ScanVariants(name, [&](const VariantRecord& variant) {
    if (variant.state != VariantState::kPublished) return true;
    if (seen == 0 || variant.name.version != last) ++seen;
    last = variant.name.version;
    if (seen == n) found = variant;
    return seen < n;
  }));
  return found;
}

LibraryState::Lookup<VariantRecord> LibraryView::FindVariant(const VariantName& name) const {
  DML_ASSIGN_OR_RETURN(auto package, FindPackage(name.package));
  if (!package.has_value()) return std::nullopt;
  absl::StatusOr<Version> version = Version::Parse(package->scheme, name.version);
  if (!version.ok()) return std::nullopt;  // No such text can have been published.
  DML_ASSIGN_OR_RETURN(
      auto record, Find<VariantRecord>(view_keys::Variant(name.package, *version, name.platform)));
  if (record.has_value() && record->name.version != name.version) return std::nullopt;
  return record;
}

LibraryState::Lookup<AttestationRecord> LibraryView::FindAttestation(const VariantName& name,
                                                                     const Digest& envelope) const {
  return Find<AttestationRecord>(view_keys::Attestation(name, envelope));
}

LibraryState::Lookup<KeyRecord> LibraryView::FindKey(const Digest& id) const {
  return Find<KeyRecord>(view_keys::Key(id));
}

template <typename Record>
LibraryState::Lookup<Record> LibraryView::FindLast(const std::string& prefix) const {
  KeyRange range = PrefixRange(prefix);
  auto cursor = reader_.NewCursor(Table::kViews, range);
  cursor->SeekToLast();
  if (!cursor->Valid()) {
    DML_RETURN_IF_ERROR(cursor->status());
    return std::nullopt;
  }
  DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(cursor->value()));
  return record;
}

LibraryState::Lookup<RootRecord> LibraryView::FindRoot() const {
  return FindLast<RootRecord>(view_keys::Start(view_keys::Row::kRoot).Build());
}

LibraryState::Lookup<LicenseDataRecord> LibraryView::FindLicenseData(LicenseDataKind kind) const {
  return FindLast<LicenseDataRecord>(view_keys::LicenseDataPrefix(kind).Build());
}

LibraryState::Lookup<AdvisoryRecord> LibraryView::FindAdvisory(std::string_view id) const {
  return FindLast<AdvisoryRecord>(view_keys::AdvisoryPrefix(id).Build());
}

LibraryState::Lookup<DelegationRecord> LibraryView::FindDelegation(
    const std::vector<std::string>& chain) const {
  return Find<DelegationRecord>(view_keys::Delegation(chain));
}

absl::StatusOr<std::vector<DelegationRecord>> LibraryView::AllDelegations() const {
  std::vector<DelegationRecord> out;
  DML_RETURN_IF_ERROR(Scan<DelegationRecord>(view_keys::Start(view_keys::Row::kDelegation).Build(),
                                             [&](const DelegationRecord& record) {
                                               out.push_back(record);
                                               return true;
                                             }));
  return out;
}

LibraryState::Lookup<GrantRecord> LibraryView::FindGrant(std::string_view principal,
                                                         const AccessGrant& grant) const {
  return Find<GrantRecord>(view_keys::Grant(principal, grant.role, grant.scope));
}

absl::StatusOr<std::vector<GrantRecord>> LibraryView::GrantsOf(std::string_view principal) const {
  std::vector<GrantRecord> out;
  DML_RETURN_IF_ERROR(
      Scan<GrantRecord>(view_keys::GrantPrefix(principal).Build(), [&](const GrantRecord& record) {
        out.push_back(record);
        return true;
      }));
  return out;
}

LibraryState::Lookup<TokenRecord> LibraryView::FindToken(std::string_view id) const {
  return Find<TokenRecord>(view_keys::Token(id));
}

LibraryState::Lookup<HoldRecord> LibraryView::FindHold(const VariantName& variant,
                                                       std::string_view name) const {
  return Find<HoldRecord>(view_keys::Hold(variant, name));
}

LibraryState::Lookup<MediaRecord> LibraryView::FindMedia(std::string_view name) const {
  return Find<MediaRecord>(view_keys::Media(name));
}

absl::Status LibraryView::ScanKeys(const std::function<bool(const KeyRecord&)>& visit) const {
  return Scan<KeyRecord>(view_keys::Start(view_keys::Row::kKey).Build(), visit);
}

LibraryState::Lookup<EnvironmentRecord> LibraryView::FindEnvironment(std::string_view name) const {
  return Find<EnvironmentRecord>(view_keys::Environment(name));
}

LibraryState::Lookup<NodeRecord> LibraryView::FindNode(std::string_view environment,
                                                       std::string_view node) const {
  return Find<NodeRecord>(view_keys::Node(environment, node));
}

LibraryState::Lookup<PolicyRecord> LibraryView::FindPolicy(std::string_view environment) const {
  return Find<PolicyRecord>(view_keys::Policy(environment));
}

LibraryState::Lookup<PolicyRecord> LibraryView::FindPolicyInForce(
    std::string_view environment) const {
  while (true) {
    DML_ASSIGN_OR_RETURN(auto policy, FindPolicy(environment));
    if (policy.has_value()) return policy;
    size_t slash = environment.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    environment = environment.substr(0, slash);
  }
}

LibraryState::Lookup<RequestRecord> LibraryView::FindRequest(std::string_view author,
                                                             std::string_view request_id) const {
  return Find<RequestRecord>(view_keys::Request(author, request_id));
}

absl::StatusOr<uint64_t> LibraryView::Stamp(std::string_view name) const {
  DML_ASSIGN_OR_RETURN(auto bytes, reader_.Get(Table::kViews, view_keys::Stamp(name)));
  if (!bytes.has_value()) return 0;
  return KeyReader(*bytes).U64();
}

absl::Status LibraryView::ScanVariants(
    const PackageName& name, const std::function<bool(const VariantRecord&)>& visit) const {
  std::string prefix = view_keys::PackagePrefix(view_keys::Row::kVariant, name).Build();
  KeyRange range = PrefixRange(prefix);
  auto cursor = reader_.NewCursor(Table::kViews, range);
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) {
    DML_ASSIGN_OR_RETURN(VariantRecord record, wire::Decode<VariantRecord>(cursor->value()));
    if (!visit(record)) return absl::OkStatus();
  }
  return cursor->status();
}

absl::Status LibraryView::ScanAttestations(
    const VariantName& name, const std::function<bool(const AttestationRecord&)>& visit) const {
  return Scan<AttestationRecord>(view_keys::AttestationPrefix(name).Build(), visit);
}

}  // namespace dml
