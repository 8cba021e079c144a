#include "storage/views/list_view.h"

#include "core/wire/entry.h"
#include "storage/views/advisory_keys.h"
#include "storage/views/library_view.h"
#include "storage/views/license_keys.h"
#include "storage/views/permit_keys.h"
#include "storage/views/rollout_keys.h"
#include "storage/views/seat_keys.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

using view_keys::Row;

enum class Direction { kForward, kBackward };

// Walks the rows with a prefix; `read` turns a row into an item, or nullopt to leave it out.
template <typename T, typename Read>
absl::StatusOr<Page<T>> Walk(const Reader& reader, const std::string& prefix,
                             const PageRequest& request, Direction direction, Read read) {
  if (!request.after_key.empty() && !request.after_key.starts_with(prefix)) {
    return InvalidArgument(ErrorReason("PAGE_TOKEN_INVALID"),
                           "the page token belongs to another list: start again without one");
  }
  const bool forward = direction == Direction::kForward;
  KeyRange range = PrefixRange(prefix);
  // A key followed by NUL is the first key after it; a half-open upper bound leaves the key out.
  std::string resume = request.after_key + (forward ? std::string(1, '\0') : "");
  if (!request.after_key.empty()) (forward ? range.lower : range.upper) = resume;

  Page<T> page;
  auto cursor = reader.NewCursor(Table::kViews, range);
  forward ? cursor->SeekToFirst() : cursor->SeekToLast();
  std::string last;
  for (size_t scanned = 0; cursor->Valid(); forward ? cursor->Next() : cursor->Prev(), ++scanned) {
    if (page.items.size() == request.size || scanned == kMaxScanned) {
      page.next_key = last;
      return page;
    }
    last = std::string(cursor->key());
    DML_ASSIGN_OR_RETURN(std::optional<T> item, read(cursor->key(), cursor->value()));
    if (item.has_value()) page.items.push_back(*std::move(item));
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return page;
}

template <typename T>
auto DecodeRow(const std::function<bool(const T&)>& filter) {
  return [&filter](std::string_view, std::string_view value) -> absl::StatusOr<std::optional<T>> {
    DML_ASSIGN_OR_RETURN(T record, wire::Decode<T>(value));
    if (filter && !filter(record)) return std::nullopt;
    return record;
  };
}

template <typename T>
absl::StatusOr<Page<T>> WalkRecords(const Reader& reader, const std::string& prefix,
                                    const PageRequest& page,
                                    const std::function<bool(const T&)>& filter = {},
                                    Direction direction = Direction::kForward) {
  return Walk<T>(reader, prefix, page, direction, DecodeRow<T>(filter));
}

std::string NamespacePrefix(Row row, std::string_view ns) {
  KeyBuilder prefix = view_keys::Start(row);
  return ns.empty() ? prefix.Build() : prefix.String(ns).Build();
}

}  // namespace

ListView::Result<NamespaceRecord> ListView::Namespaces(
    const PageRequest& page, const Filter<NamespaceRecord>& filter) const {
  return WalkRecords<NamespaceRecord>(reader_, view_keys::Start(Row::kNamespace).Build(), page,
                                      filter);
}

ListView::Result<PackageRecord> ListView::Packages(std::string_view ns, const PageRequest& page,
                                                   const Filter<PackageRecord>& filter) const {
  return WalkRecords<PackageRecord>(reader_, NamespacePrefix(Row::kPackage, ns), page, filter);
}

ListView::Result<VariantRecord> ListView::Variants(const PackageName& name, const PageRequest& page,
                                                   const Filter<VariantRecord>& filter) const {
  return WalkRecords<VariantRecord>(reader_, view_keys::PackagePrefix(Row::kVariant, name).Build(),
                                    page, filter, Direction::kBackward);
}

ListView::Result<VariantRecord> ListView::AllVariants(std::string_view ns, const PageRequest& page,
                                                      const Filter<VariantRecord>& filter) const {
  return WalkRecords<VariantRecord>(reader_, NamespacePrefix(Row::kVariant, ns), page, filter);
}

ListView::Result<AttestationRecord> ListView::Attestations(const VariantName& name,
                                                           const PageRequest& page) const {
  return WalkRecords<AttestationRecord>(reader_, view_keys::AttestationPrefix(name).Build(), page);
}

ListView::Result<KeyRecord> ListView::Keys(const PageRequest& page) const {
  return WalkRecords<KeyRecord>(reader_, view_keys::Start(Row::kKey).Build(), page);
}

ListView::Result<SignatureMatch> ListView::Signatures(const Digest& key_id,
                                                      const PageRequest& page) const {
  std::string prefix = view_keys::SignaturePrefix(key_id).Build();
  return Walk<SignatureMatch>(
      reader_, prefix, page, Direction::kForward,
      [&](std::string_view key,
          std::string_view value) -> absl::StatusOr<std::optional<SignatureMatch>> {
        SignatureMatch match;
        KeyReader rest(key.substr(prefix.size()));
        DML_ASSIGN_OR_RETURN(match.index, rest.U64());
        DML_ASSIGN_OR_RETURN(std::string envelope, rest.String());
        DML_ASSIGN_OR_RETURN(match.envelope, Digest::FromBytes(envelope));
        DML_ASSIGN_OR_RETURN(match.variant, VariantName::Parse(value));
        return match;
      });
}

ListView::Result<RootRecord> ListView::Roots(const PageRequest& page) const {
  return WalkRecords<RootRecord>(reader_, view_keys::Start(Row::kRoot).Build(), page);
}

ListView::Result<DelegationRecord> ListView::Delegations(const PageRequest& page) const {
  return WalkRecords<DelegationRecord>(reader_, view_keys::Start(Row::kDelegation).Build(), page);
}

ListView::Result<LicenseDataRecord> ListView::LicenseData(std::optional<LicenseDataKind> kind,
                                                          const PageRequest& page) const {
  const KeyBuilder prefix =
      kind.has_value() ? view_keys::LicenseDataPrefix(*kind) : view_keys::Start(Row::kLicenseData);
  return WalkRecords<LicenseDataRecord>(reader_, KeyBuilder(prefix).Build(), page);
}

ListView::Result<AdvisoryRecord> ListView::Advisories(const PageRequest& page,
                                                      const Filter<AdvisoryRecord>& filter) const {
  const LibraryView view(reader_);
  return Walk<AdvisoryRecord>(
      reader_, view_keys::Start(Row::kAdvisory).Build(), page, Direction::kForward,
      [&](std::string_view,
          std::string_view value) -> absl::StatusOr<std::optional<AdvisoryRecord>> {
        DML_ASSIGN_OR_RETURN(AdvisoryRecord record, wire::Decode<AdvisoryRecord>(value));
        if (filter && !filter(record)) return std::nullopt;
        DML_ASSIGN_OR_RETURN(const auto last, view.FindAdvisory(record.set.id));
        if (!last.has_value() || last->set.revision != record.set.revision) return std::nullopt;
        return record;
      });
}

ListView::Result<AdvisoryRecord> ListView::AdvisoriesOf(const PackageName& package,
                                                        const PageRequest& page) const {
  const LibraryView view(reader_);
  const std::string prefix = view_keys::AdvisoryOfPrefix(package).Build();
  return Walk<AdvisoryRecord>(
      reader_, prefix, page, Direction::kForward,
      [&](std::string_view key, std::string_view) -> absl::StatusOr<std::optional<AdvisoryRecord>> {
        KeyReader rest(key.substr(prefix.size()));
        DML_ASSIGN_OR_RETURN(const std::string id, rest.String());
        return view.FindAdvisory(id);
      });
}

ListView::Result<GrantRecord> ListView::Grants(const PageRequest& page) const {
  return WalkRecords<GrantRecord>(reader_, view_keys::Start(Row::kGrant).Build(), page);
}

ListView::Result<TokenRecord> ListView::Tokens(const PageRequest& page) const {
  return WalkRecords<TokenRecord>(reader_, view_keys::Start(Row::kToken).Build(), page);
}

ListView::Result<HoldRecord> ListView::Holds(const PageRequest& page,
                                             const Filter<HoldRecord>& filter) const {
  return WalkRecords<HoldRecord>(reader_, view_keys::Start(Row::kHold).Build(), page, filter);
}

ListView::Result<MediaRecord> ListView::Media(const PageRequest& page,
                                              const Filter<MediaRecord>& filter) const {
  return WalkRecords<MediaRecord>(reader_, view_keys::Start(Row::kMedia).Build(), page, filter);
}

ListView::Result<ReleaseRecord> ListView::Releases(const PageRequest& page,
                                                   const Filter<ReleaseRecord>& filter) const {
  return WalkRecords<ReleaseRecord>(reader_, view_keys::Start(Row::kReleaseName).Build(), page,
                                    filter);
}

ListView::Result<CustodyRecord> ListView::Custody(std::string_view name,
                                                  const PageRequest& page) const {
  return WalkRecords<CustodyRecord>(reader_, view_keys::CustodyPrefix(name).Build(), page);
}

ListView::Result<PermitRecord> ListView::PermitsIn(std::string_view environment,
                                                   Timestamp expire_after, const PageRequest& page,
                                                   const Filter<PermitRecord>& filter) const {
  const std::string prefix = view_keys::PermitInPrefix(environment).Build();
  PageRequest from = page;
  if (from.after_key.empty() && expire_after > Timestamp()) {
    // Above all keys of that time, whose ids begin with a digit or letter.
    from.after_key = view_keys::PermitInPrefix(environment)
                         .U64(static_cast<uint64_t>(ToMicros(expire_after)))
                         .U8(0xff)
                         .Build();
  }
  return Walk<PermitRecord>(
      reader_, prefix, from, Direction::kForward,
      [&](std::string_view key, std::string_view) -> absl::StatusOr<std::optional<PermitRecord>> {
        KeyReader rest(key.substr(prefix.size()));
        DML_RETURN_IF_ERROR(rest.U64().status());
        DML_ASSIGN_OR_RETURN(const std::string id, rest.String());
        DML_ASSIGN_OR_RETURN(auto record, LibraryView(reader_).FindPermit(id));
        if (!record.has_value() || (filter && !filter(*record))) return std::nullopt;
        return record;
      });
}

ListView::Result<PermitUseRecord> ListView::PermitUses(std::string_view id,
                                                       const PageRequest& page) const {
  return WalkRecords<PermitUseRecord>(reader_, view_keys::PermitUsePrefix(id).Build(), page);
}

ListView::Result<EntitlementRecord> ListView::Entitlements(
    const PageRequest& page, const Filter<EntitlementRecord>& filter) const {
  return WalkRecords<EntitlementRecord>(reader_, view_keys::Start(Row::kEntitlement).Build(), page,
                                        filter);
}

ListView::Result<LeaseRecord> ListView::Leases(std::string_view entitlement,
                                               const PageRequest& page,
                                               const Filter<LeaseRecord>& filter) const {
  if (entitlement.empty()) {
    return WalkRecords<LeaseRecord>(reader_, view_keys::Start(Row::kLease).Build(), page, filter);
  }
  std::string prefix = view_keys::LeaseOfPrefix(entitlement).Build();
  return Walk<LeaseRecord>(
      reader_, prefix, page, Direction::kForward,
      [&](std::string_view key, std::string_view) -> absl::StatusOr<std::optional<LeaseRecord>> {
        KeyReader rest(key.substr(prefix.size()));
        DML_ASSIGN_OR_RETURN(std::string request, rest.String());
        DML_ASSIGN_OR_RETURN(uint64_t index, rest.U64());
        DML_ASSIGN_OR_RETURN(auto bytes,
                             reader_.Get(Table::kViews, view_keys::Lease(request, index)));
        if (!bytes.has_value()) return std::nullopt;
        DML_ASSIGN_OR_RETURN(LeaseRecord record, wire::Decode<LeaseRecord>(*bytes));
        if (filter && !filter(record)) return std::nullopt;
        return record;
      });
}

ListView::Result<EnvironmentRecord> ListView::Environments(
    const PageRequest& page, const Filter<EnvironmentRecord>& filter) const {
  return WalkRecords<EnvironmentRecord>(reader_, view_keys::Start(Row::kEnvironment).Build(), page,
                                        filter);
}

ListView::Result<NodeRecord> ListView::Nodes(std::string_view environment,
                                             const PageRequest& page) const {
  return WalkRecords<NodeRecord>(reader_, view_keys::NodePrefix(environment).Build(), page);
}

namespace {

// Of one environment, or of all.
std::string InEnvironment(Row row, std::string_view environment) {
  KeyBuilder key = view_keys::Start(row);
  return environment.empty() ? key.Build() : key.String(environment).Build();
}

}  // namespace

ListView::Result<RolloutRecord> ListView::Rollouts(std::string_view environment,
                                                   const PageRequest& page,
                                                   const Filter<RolloutRecord>& filter) const {
  return WalkRecords<RolloutRecord>(reader_, InEnvironment(Row::kRollout, environment), page,
                                    filter);
}

ListView::Result<RolloutNodeRecord> ListView::RolloutNodes(
    const Digest& release, std::string_view environment, const PageRequest& page,
    const Filter<RolloutNodeRecord>& filter) const {
  return WalkRecords<RolloutNodeRecord>(
      reader_, view_keys::RolloutNodePrefix(environment, release).Build(), page, filter);
}

ListView::Result<ReevaluationRecord> ListView::Reevaluations(
    std::string_view environment, const PageRequest& page,
    const Filter<ReevaluationRecord>& filter) const {
  return WalkRecords<ReevaluationRecord>(reader_, InEnvironment(Row::kReevaluation, environment),
                                         page, filter);
}

}  // namespace dml
