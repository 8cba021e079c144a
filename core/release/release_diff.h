// What is different between two releases: packages, versions, licenses, sizes and changes. Pure
// functions; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/release/release.h"

namespace dml {

/// What a release document does not tell of a variant, where the library knows it.
struct VariantFacts {
  std::string license;  // As declared.
  uint64_t bytes = 0;   // Of all its files.
  bool operator==(const VariantFacts&) const = default;
};
using VariantFactsMap = std::map<VariantName, VariantFacts>;

enum class DiffKind { kAdded = 1, kRemoved, kChanged };
std::string_view DiffKindName(DiffKind kind);  // "ADDED", "REMOVED", "CHANGED".

/// An item, by package and platform.
struct ItemDiff {
  DiffKind kind = DiffKind::kChanged;
  std::optional<ReleaseItem> before;         // None where added.
  std::optional<ReleaseItem> after;          // None where removed.
  std::optional<VariantFacts> facts_before;  // Where known.
  std::optional<VariantFacts> facts_after;
  /// Which parts differ, of a changed one: "version", "manifest", "action", "previous",
  /// "configuration", "changes", "nodes", "license", "size".
  std::vector<std::string> parts;
};

struct ChangeDiff {
  DiffKind kind = DiffKind::kChanged;
  std::optional<ReleaseChange> before;
  std::optional<ReleaseChange> after;
};

/// A member of the release itself, as text; "" where it is not there.
struct MemberDiff {
  std::string member;  // "type", "environments", "window", "evidence", "risk", "backOut", ...
  std::string before;
  std::string after;
  bool operator==(const MemberDiff&) const = default;
};

struct ReleaseDiff {
  std::vector<MemberDiff> members;  // In the order of the structure Release.
  std::vector<ItemDiff> items;      // By package and platform.
  std::vector<ChangeDiff> changes;  // By id.
  int64_t bytes = 0;                // More, or fewer, of what is installed; of known variants only.
  bool empty() const { return members.empty() && items.empty() && changes.empty(); }
};

/// An item is the same one where package and platform are; of several of them, where the version is
/// too.
ReleaseDiff DiffReleases(const Release& before, const Release& after, const VariantFactsMap& facts);

}  // namespace dml
