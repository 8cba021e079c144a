// Who uses whom in a set of packages, by what they require.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/status.h"
#include "core/package/package_spec.h"

namespace dml {

/// Package `from` requires what package `to` offers; indexes in the set.
struct DependencyEdge {
  uint32_t from = 0;
  uint32_t to = 0;
  RelationKind kind = RelationKind::kPackage;
  RelationScope scope = RelationScope::kNode;
  auto operator<=>(const DependencyEdge&) const = default;
};

/// All of them, ordered, each once: every package that meets an alternative of a requirement, or
/// may (its version is of another scheme than the range), but not the package itself. On one node
/// only packages whose platforms fit are met. INVALID_ARGUMENT (SET_TOO_LARGE) where there are more
/// than `max_edges`.
absl::StatusOr<std::vector<DependencyEdge>> DependencyEdges(std::span<const PackageSpec* const> set,
                                                            size_t max_edges);

}  // namespace dml
