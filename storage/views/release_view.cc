// Reads releases, their envelopes and where they went.
#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/release_keys.h"

namespace dml {
namespace {

template <typename Record>
ReleaseLookup::Maybe<Record> FindRow(const Reader& reader, const std::string& key) {
  DML_ASSIGN_OR_RETURN(auto bytes, reader.Get(Table::kViews, key));
  if (!bytes.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(*bytes));
  return record;
}

template <typename Record>
absl::StatusOr<std::vector<Record>> AllRows(const Reader& reader, const KeyBuilder& prefix) {
  std::vector<Record> out;
  const auto cursor = reader.NewCursor(Table::kViews, PrefixRange(prefix.Build()));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(out.emplace_back(), wire::Decode<Record>(cursor->value()));
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return out;
}

}  // namespace

ReleaseLookup::Maybe<ReleaseRecord> LibraryView::FindRelease(const Digest& document) const {
  return FindRow<ReleaseRecord>(reader_, view_keys::Release(document));
}

ReleaseLookup::Maybe<ReleaseRecord> LibraryView::FindRelease(std::string_view name,
                                                             std::string_view version) const {
  return FindRow<ReleaseRecord>(reader_, view_keys::ReleaseName(name, version));
}

ReleaseLookup::Maybe<ReleaseEnvelopeRecord> LibraryView::FindReleaseEnvelope(
    const Digest& release, const Digest& envelope) const {
  return FindRow<ReleaseEnvelopeRecord>(reader_, view_keys::ReleaseEnvelope(release, envelope));
}

ReleaseLookup::Maybe<DeploymentRecord> LibraryView::FindDeployment(
    const Digest& release, std::string_view environment) const {
  return FindRow<DeploymentRecord>(reader_, view_keys::Deployment(release, environment));
}

absl::StatusOr<std::vector<ReleaseEnvelopeRecord>> LibraryView::ReleaseEnvelopes(
    const Digest& release) const {
  return AllRows<ReleaseEnvelopeRecord>(reader_, view_keys::ReleaseEnvelopePrefix(release));
}

absl::StatusOr<std::vector<DeploymentRecord>> LibraryView::DeploymentsOf(
    const Digest& release) const {
  return AllRows<DeploymentRecord>(reader_, view_keys::DeploymentPrefix(release));
}

absl::StatusOr<std::vector<DeploymentRecord>> LibraryView::DeploymentsIn(
    std::string_view environment) const {
  return AllRows<DeploymentRecord>(reader_, view_keys::DeploymentInPrefix(environment));
}

}  // namespace dml
