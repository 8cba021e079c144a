#include "storage/views/relation_index.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/wire/entry.h"
#include "storage/views/relation_keys.h"

namespace dml {
namespace {

using view_keys::RelationGroup;
using view_keys::Row;

// The key of a row, after the kind of thing and its name.
struct RowKey {
  RelationGroup group = RelationGroup::kAny;
  std::string scheme;
  std::string low;    // The least key; of provisions their version's.
  std::string range;  // Of relations.
  VariantName variant;
};

absl::StatusOr<RowKey> ReadKey(Row row, std::string_view rest) {
  KeyReader key(rest);
  RowKey out;
  DML_ASSIGN_OR_RETURN(const uint8_t group, key.U8());
  out.group = static_cast<RelationGroup>(group);
  if (out.group == RelationGroup::kPoint || out.group == RelationGroup::kSpan) {
    DML_ASSIGN_OR_RETURN(out.scheme, key.String());
    DML_ASSIGN_OR_RETURN(out.low, key.String());
    if (row == Row::kRelation) {
      DML_ASSIGN_OR_RETURN(out.range, key.String());
    }
  }
  DML_ASSIGN_OR_RETURN(out.variant.package.ns, key.String());
  DML_ASSIGN_OR_RETURN(out.variant.package.name, key.String());
  DML_ASSIGN_OR_RETURN(out.variant.version, key.String());
  DML_ASSIGN_OR_RETURN(const std::string platform, key.String());
  DML_ASSIGN_OR_RETURN(out.variant.platform, Platform::Parse(platform));
  return out;
}

// One question: the parts of the index in which its answers are, and how to tell them.
class Question {
 public:
  Question(const Reader& reader, Row row, RelationKind kind, std::string_view target,
           const VersionsAsked& asked)
      : reader_(reader),
        row_(row),
        kind_(kind),
        target_(target),
        asked_(asked),
        prefix_(view_keys::RelationPrefix(row, kind, target).Build()) {
    const bool is_any =
        !asked.version.has_value() && (!asked.range.has_value() || asked.range->IsAll());
    if (is_any) {
      parts_.push_back(PrefixRange(prefix_));
      return;
    }
    if (row == Row::kRelation) parts_.push_back(PrefixRange(Group(RelationGroup::kAny).Build()));
    const std::optional<VersionScheme> scheme =
        asked.version.has_value() ? asked.version->scheme() : asked.range->scheme();
    if (!scheme.has_value()) return;  // The empty range: nothing but what is about any version.
    std::string low, high;
    if (asked.version.has_value()) {
      low = high = asked.version->key();
    } else if (const auto span = asked.range->span(); span.has_value()) {
      low = span->low;
      high = span->high;
    }
    parts_.push_back(Keys(RelationGroup::kPoint, *scheme, low, high));
    if (row == Row::kRelation) parts_.push_back(Keys(RelationGroup::kSpan, *scheme, "", high));
  }

  absl::StatusOr<Page<RelationMatch>> Answer(const PageRequest& request,
                                             const RelationIndex::Filter& filter) {
    if (!request.after_key.empty() && !request.after_key.starts_with(prefix_)) {
      return InvalidArgument(ErrorReason("PAGE_TOKEN_INVALID"),
                             "the page token belongs to another list: start again without one");
    }
    Page<RelationMatch> page;
    std::string last;
    size_t scanned = 0;
    for (KeyRange part : parts_) {
      if (!request.after_key.empty()) {
        part.lower = std::max(part.lower, request.after_key + std::string(1, '\0'));
        if (!part.upper.empty() && part.lower >= part.upper) continue;
      }
      const auto cursor = reader_.NewCursor(Table::kViews, part);
      for (cursor->SeekToFirst(); cursor->Valid(); ++scanned) {
        if (page.items.size() == request.size || scanned == kMaxScanned) {
          page.next_key = last;
          return page;
        }
        last = std::string(cursor->key());
        DML_RETURN_IF_ERROR(Take(*cursor, filter, page));
      }
      DML_RETURN_IF_ERROR(cursor->status());
    }
    return page;
  }

 private:
  KeyBuilder Group(RelationGroup group) const {
    return view_keys::RelationGroupPrefix(row_, kind_, target_, group);
  }

  // From the first row of a least key to the last one; "": no bound.
  KeyRange Keys(RelationGroup group, VersionScheme scheme, const std::string& low,
                const std::string& high) const {
    const KeyBuilder all = view_keys::RelationSchemePrefix(row_, kind_, target_, group, scheme);
    KeyRange out = PrefixRange(KeyBuilder(all).Build());
    if (!low.empty()) out.lower = KeyBuilder(all).String(low).Build();
    if (!high.empty()) out.upper = PrefixRange(KeyBuilder(all).String(high).Build()).upper;
    return out;
  }

  // Looks at the row, and moves on: to the next one, or past all others of a range that is not
  // asked about.
  absl::Status Take(Cursor& cursor, const RelationIndex::Filter& filter,
                    Page<RelationMatch>& page) {
    DML_ASSIGN_OR_RETURN(RowKey key, ReadKey(row_, cursor.key().substr(prefix_.size())));
    DML_ASSIGN_OR_RETURN(RelationRecord record, wire::Decode<RelationRecord>(cursor.value()));
    if (!IsAsked(key, record)) {
      const KeyBuilder alike =
          Group(key.group).String(key.scheme).String(key.low).String(key.range);
      if (row_ == Row::kRelation) {
        cursor.Seek(PrefixRange(KeyBuilder(alike).Build()).upper);
      } else {
        cursor.Next();
      }
      return absl::OkStatus();
    }
    cursor.Next();
    RelationMatch match{std::move(key.variant), std::move(record)};
    if (!filter || filter(match)) page.items.push_back(std::move(match));
    return absl::OkStatus();
  }

  bool IsAsked(const RowKey& key, const RelationRecord& record) {
    if (key.group == RelationGroup::kAny) return true;
    if (!asked_.version.has_value() && !asked_.range.has_value()) return true;
    if (row_ == Row::kProvides) {
      const absl::StatusOr<VersionScheme> scheme = ParseVersionScheme(key.scheme);
      if (!scheme.ok()) return false;
      const auto version = Version::Parse(*scheme, record.range);
      return version.ok() && (asked_.version.has_value() ? version->key() == asked_.version->key()
                                                         : asked_.range->Contains(*version));
    }
    if (record.range != judged_) {
      judged_ = record.range;
      const auto range = VersionRange::ParseVers(record.range);
      is_asked_ = range.ok() &&
                  (asked_.version.has_value()
                       ? range->Contains(*asked_.version)
                       : asked_.range->IsAll() || !Intersect(*range, *asked_.range).IsEmpty());
    }
    return is_asked_;
  }

  const Reader& reader_;
  const Row row_;
  const RelationKind kind_;
  const std::string_view target_;
  const VersionsAsked& asked_;
  const std::string prefix_;
  std::vector<KeyRange> parts_;  // Ascending, disjoint.
  std::string judged_;           // The range that was looked at last, and what came of it.
  bool is_asked_ = false;
};

}  // namespace

absl::StatusOr<Page<RelationMatch>> RelationIndex::Relations(RelationKind kind,
                                                             std::string_view target,
                                                             const VersionsAsked& asked,
                                                             const PageRequest& page,
                                                             const Filter& filter) const {
  return Question(reader_, Row::kRelation, kind, target, asked).Answer(page, filter);
}

absl::StatusOr<Page<RelationMatch>> RelationIndex::Provides(RelationKind kind,
                                                            std::string_view target,
                                                            const VersionsAsked& asked,
                                                            const PageRequest& page,
                                                            const Filter& filter) const {
  return Question(reader_, Row::kProvides, kind, target, asked).Answer(page, filter);
}

}  // namespace dml
