// Reads permits, their uses and revocations.
#include <algorithm>

#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/permit_keys.h"

namespace dml {
namespace {

template <typename Record>
absl::StatusOr<std::optional<Record>> FindRow(const Reader& reader, const std::string& key) {
  DML_ASSIGN_OR_RETURN(auto bytes, reader.Get(Table::kViews, key));
  if (!bytes.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(*bytes));
  return record;
}

// The permit whose time and id end a key of an index.
absl::StatusOr<PermitRecord> Named(const LibraryView& view, std::string_view time_and_id) {
  KeyReader rest(time_and_id);
  DML_RETURN_IF_ERROR(rest.U64().status());
  DML_ASSIGN_OR_RETURN(const std::string id, rest.String());
  DML_ASSIGN_OR_RETURN(auto found, view.FindPermit(id));
  if (found.has_value()) return *std::move(found);
  return DataLoss(ErrorReason("VIEWS_INCONSISTENT"), "an index names permit {}, which is not there",
                  id);
}

}  // namespace

PermitLookup::FoundPermit<PermitRecord> LibraryView::FindPermit(std::string_view id) const {
  return FindRow<PermitRecord>(reader_, view_keys::Permit(id));
}

PermitLookup::FoundPermit<PermitUseRecord> LibraryView::FindPermitUse(std::string_view id,
                                                                      std::string_view node) const {
  return FindRow<PermitUseRecord>(reader_, view_keys::PermitUse(id, node));
}

absl::StatusOr<Timestamp> LibraryView::PermittedUntil(const Digest& release,
                                                      std::string_view environment,
                                                      Timestamp now) const {
  const KeyBuilder prefix = view_keys::PermitOfPrefix(release, environment);
  const KeyRange all = PrefixRange(prefix.Build());
  const std::string now_key =
      KeyBuilder(prefix).U64(static_cast<uint64_t>(ToMicros(now)) + 1).Build();
  const auto cursor = reader_.NewCursor(Table::kViews, {now_key, all.upper});
  // The last one is the answer, but for those that were revoked or denied.
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) {
    DML_ASSIGN_OR_RETURN(const PermitRecord permit,
                         Named(*this, cursor->key().substr(prefix.Build().size())));
    if (permit.CheckValid(now).ok() && !permit.decided.is_back_out) return permit.decided.expires;
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return Timestamp();
}

absl::StatusOr<LibraryView::Revocations> LibraryView::RevokedPermits(Timestamp now,
                                                                     size_t most) const {
  Revocations out;
  DML_ASSIGN_OR_RETURN(const auto count, reader_.Get(Table::kViews, view_keys::RevocationCount()));
  if (count.has_value()) {
    DML_ASSIGN_OR_RETURN(out.count, KeyReader(*count).U64());
  }
  const KeyRange all = PrefixRange(view_keys::Start(view_keys::Row::kRevokedPermit).Build());
  const std::string first = view_keys::Start(view_keys::Row::kRevokedPermit)
                                .U64(static_cast<uint64_t>(ToMicros(now)) + 1)
                                .Build();
  const auto cursor = reader_.NewCursor(Table::kViews, {first, all.upper});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    if (out.permits.size() == most) {
      return ResourceExhausted(ErrorReason("REVOCATION_LIST_TOO_LARGE"),
                               "more than {} revoked permits have not expired yet; give permits "
                               "for a shorter time",
                               most);
    }
    DML_ASSIGN_OR_RETURN(out.permits.emplace_back(), Named(*this, cursor->key().substr(1)));
  }
  DML_RETURN_IF_ERROR(cursor->status());
  std::ranges::sort(out.permits, {}, [](const PermitRecord& r) { return r.decided.id; });
  return out;
}

}  // namespace dml
