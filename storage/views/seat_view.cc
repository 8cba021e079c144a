// LibraryView: entitlements and leases.
#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/seat_keys.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

template <typename Record>
absl::StatusOr<std::optional<Record>> FindRow(const Reader& reader, std::string_view key) {
  DML_ASSIGN_OR_RETURN(auto bytes, reader.Get(Table::kViews, key));
  if (!bytes.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(*bytes));
  return record;
}

absl::StatusOr<std::vector<LeaseRecord>> ReadLeases(const Reader& reader, KeyRange range,
                                                    size_t most) {
  std::vector<LeaseRecord> out;
  auto cursor = reader.NewCursor(Table::kViews, std::move(range));
  for (cursor->SeekToFirst(); cursor->Valid() && out.size() < most; cursor->Next()) {
    DML_ASSIGN_OR_RETURN(LeaseRecord record, wire::Decode<LeaseRecord>(cursor->value()));
    out.push_back(std::move(record));
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return out;
}

// The first key of ends after `time`; times before 1970 are no ends.
uint64_t After(Timestamp time) {
  const int64_t micros = ToMicros(time);
  return micros < 0 ? 0 : static_cast<uint64_t>(micros) + 1;
}

}  // namespace

absl::StatusOr<bool> LibraryView::HasDocument(const Digest& digest) const {
  DML_ASSIGN_OR_RETURN(auto metadata, reader_.Get(Table::kMetadata, digest.raw()));
  if (metadata.has_value()) return true;
  auto cursor =
      reader_.NewCursor(Table::kViews, PrefixRange(view_keys::MediaContentPrefix(digest).Build()));
  cursor->SeekToFirst();
  if (cursor->Valid()) return true;
  DML_RETURN_IF_ERROR(cursor->status());
  return false;
}

LibraryState::Found<EntitlementRecord> LibraryView::FindEntitlement(std::string_view id) const {
  return FindRow<EntitlementRecord>(reader_, view_keys::Entitlement(id));
}

LibraryState::Found<SeatUsage> LibraryView::FindSeatUsage(std::string_view entitlement) const {
  return FindRow<SeatUsage>(reader_, view_keys::SeatUsage(entitlement));
}

LibraryState::Found<LeaseRecord> LibraryView::FindLease(std::string_view id) const {
  const auto parts = SplitLeaseId(id);
  if (!parts.has_value()) return std::nullopt;
  return FindRow<LeaseRecord>(reader_, view_keys::Lease(parts->first, parts->second));
}

absl::StatusOr<std::vector<LeaseRecord>> LibraryView::LeasesEnding(std::string_view entitlement,
                                                                   Timestamp after, Timestamp until,
                                                                   size_t most) const {
  if (until < after) return std::vector<LeaseRecord>();
  KeyBuilder lower = view_keys::LeaseEndPrefix(entitlement);
  KeyBuilder upper = lower;
  return ReadLeases(reader_, {lower.U64(After(after)).Build(), upper.U64(After(until)).Build()},
                    most);
}

absl::StatusOr<std::vector<LeaseRecord>> LibraryView::LeasesEnding(std::string_view entitlement,
                                                                   Timestamp after,
                                                                   Timestamp until) const {
  return LeasesEnding(entitlement, after, until, SIZE_MAX);
}

absl::StatusOr<std::vector<LeaseRecord>> LibraryView::LeasesOf(std::string_view request) const {
  return ReadLeases(reader_, PrefixRange(view_keys::LeasePrefix(request).Build()), SIZE_MAX);
}

}  // namespace dml
