// The product tree of a CSAF document: which packages its product ids mean.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tools/import/advisory_import.h"

namespace dml {

/// What a product id means; `why` where it means no package with versions that can be told.
struct CsafProduct {
  std::optional<Purl> purl;
  std::optional<std::string> range;  // VERS, of a branch "product_version_range".
  std::string name;
};

/// By product id. Reads branches, full_product_names and relationships (a component is what it is
/// by itself). INVALID_ARGUMENT (ADVISORY_IMPORT_INVALID) for another shape, an id twice, or more
/// than 100 000 products.
absl::StatusOr<std::map<std::string, CsafProduct>> ReadCsafProducts(const nlohmann::json& tree);

}  // namespace dml
