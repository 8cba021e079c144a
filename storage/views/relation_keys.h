// Keys of the rows of relations and provisions; see view_keys.h.
//
// Under the thing that they name relations are ordered by the versions that they are about, so that
// those about a version are found without looking at all: first those about any version, then
// those about exactly one by its key, then the others by the least key that they may hold. Those
// with equal ranges stand together, and so are judged, and passed over, at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/crypto/sha256.h"
#include "storage/views/view_keys.h"

namespace dml::view_keys {

enum class RelationGroup : uint8_t { kAny = 0, kPoint = 1, kSpan = 2, kNever = 3 };

/// VERS texts up to this are a part of the key as they are; of longer ones their digest is.
inline constexpr size_t kMaxRangeInKey = 64;

inline KeyBuilder RelationGroupPrefix(Row row, RelationKind kind, std::string_view target,
                                      RelationGroup group) {
  return RelationPrefix(row, kind, target).U8(static_cast<uint8_t>(group));
}
/// Those about versions of one scheme, of a group that has such.
inline KeyBuilder RelationSchemePrefix(Row row, RelationKind kind, std::string_view target,
                                       RelationGroup group, VersionScheme scheme) {
  return RelationGroupPrefix(row, kind, target, group).String(VersionSchemeName(scheme));
}
inline KeyBuilder RelationRangePrefix(RelationKind kind, std::string_view target,
                                      const VersionRange& range) {
  constexpr Row kRow = Row::kRelation;
  if (range.IsAll()) return RelationGroupPrefix(kRow, kind, target, RelationGroup::kAny);
  const std::optional<VersionRange::Span> span = range.span();
  if (!span.has_value()) return RelationGroupPrefix(kRow, kind, target, RelationGroup::kNever);
  const RelationGroup group = span->is_point ? RelationGroup::kPoint : RelationGroup::kSpan;
  const std::string text = range.ToVers();
  return RelationSchemePrefix(kRow, kind, target, group, *range.scheme())
      .String(span->low)
      .String(text.size() <= kMaxRangeInKey ? text : Sha256(text).raw());
}
inline KeyBuilder ProvisionPrefix(RelationKind kind, std::string_view target,
                                  const std::optional<Version>& version) {
  constexpr Row kRow = Row::kProvides;
  if (!version.has_value()) {
    return RelationGroupPrefix(kRow, kind, target, RelationGroup::kAny);
  }
  return RelationSchemePrefix(kRow, kind, target, RelationGroup::kPoint, version->scheme())
      .String(version->key());
}
/// After one of these prefixes: who declares it.
inline std::string Declared(KeyBuilder prefix, const VariantName& name, uint64_t ordinal) {
  return prefix.String(name.package.ns)
      .String(name.package.name)
      .String(name.version)
      .String(name.platform.VariantId())
      .U64(ordinal)
      .Build();
}

}  // namespace dml::view_keys
