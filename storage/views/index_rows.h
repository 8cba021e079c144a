// The rows by which a published variant is found through its license and its relations.
#pragma once

#include <string>
#include <vector>

#include "core/package/package_spec.h"

namespace dml {

struct IndexRow {
  std::string key;
  std::string value;
  bool stays = false;  // Of others, too: never deleted.
};

/// License, relation and provision rows of a variant: put when it is published, deleted when it is
/// withdrawn, but for those that stay. The same input gives the same rows in the same order.
absl::StatusOr<std::vector<IndexRow>> IndexRows(const VariantName& name, const PackageSpec& spec);

}  // namespace dml
