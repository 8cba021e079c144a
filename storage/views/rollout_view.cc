// Reads rollouts and what was found of releases afterwards.
#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/rollout_keys.h"

namespace dml {
namespace {

template <typename Record>
RolloutLookup::Sought<Record> FindRow(const Reader& reader, const std::string& key) {
  DML_ASSIGN_OR_RETURN(auto bytes, reader.Get(Table::kViews, key));
  if (!bytes.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(Record record, wire::Decode<Record>(*bytes));
  return record;
}

}  // namespace

RolloutLookup::Sought<RolloutRecord> LibraryView::FindRollout(const Digest& release,
                                                              std::string_view environment) const {
  return FindRow<RolloutRecord>(reader_, view_keys::Rollout(environment, release));
}

RolloutLookup::Sought<RolloutNodeRecord> LibraryView::FindRolloutNode(const Digest& release,
                                                                      std::string_view environment,
                                                                      std::string_view node) const {
  return FindRow<RolloutNodeRecord>(reader_, view_keys::RolloutNode(environment, release, node));
}

RolloutLookup::Sought<ReevaluationRecord> LibraryView::FindReevaluation(
    const Digest& release, std::string_view environment) const {
  return FindRow<ReevaluationRecord>(reader_, view_keys::Reevaluation(environment, release));
}

absl::StatusOr<std::vector<RolloutRecord>> LibraryView::OpenRollouts() const {
  std::vector<RolloutRecord> out;
  const auto cursor = reader_.NewCursor(
      Table::kViews, PrefixRange(view_keys::Start(view_keys::Row::kRolloutOpen).Build()));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    KeyReader key(cursor->key());
    DML_RETURN_IF_ERROR(key.U8().status());
    DML_ASSIGN_OR_RETURN(const std::string environment, key.String());
    DML_ASSIGN_OR_RETURN(const std::string raw, key.String());
    DML_ASSIGN_OR_RETURN(const Digest release, Digest::FromBytes(raw));
    DML_ASSIGN_OR_RETURN(auto record, FindRollout(release, environment));
    if (record.has_value()) out.push_back(*std::move(record));
  }
  DML_RETURN_IF_ERROR(cursor->status());
  return out;
}

}  // namespace dml
