// Reads the views: who relates to a thing, and who provides it, by versions of it.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "storage/views/list_view.h"

namespace dml {

/// Which versions of the thing are asked about; at most one of both, none: whatever.
struct VersionsAsked {
  std::optional<Version> version;
  std::optional<VersionRange> range;
};

/// Pages of relations as of ListView: they end early after kMaxScanned rows.
class RelationIndex {
 public:
  using Filter = std::function<bool(const RelationMatch&)>;  // Empty: all.

  /// `reader` must outlive it.
  explicit RelationIndex(const Reader& reader) : reader_(reader) {}

  /// Who requires, conflicts with, breaks or replaces the thing named in a version asked about: its
  /// range holds the version, or one version at least of the range. Takes time for what is found
  /// and for the different ranges that begin below what is asked, not for all relations.
  absl::StatusOr<Page<RelationMatch>> Relations(RelationKind kind, std::string_view target,
                                                const VersionsAsked& asked, const PageRequest& page,
                                                const Filter& filter = {}) const;
  /// Who provides it in a version asked about; without one also who names none.
  absl::StatusOr<Page<RelationMatch>> Provides(RelationKind kind, std::string_view target,
                                               const VersionsAsked& asked, const PageRequest& page,
                                               const Filter& filter = {}) const;

 private:
  const Reader& reader_;
};

}  // namespace dml
