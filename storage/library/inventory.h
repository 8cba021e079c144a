// What is in use, and where.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/labels.h"
#include "core/release/release.h"
#include "storage/engine/engine.h"

namespace dml {

/// A variant that runs somewhere.
struct UsedVariant {
  std::string environment;
  std::string node;    // "" where the source knows no nodes.
  Labels node_labels;  // Of the nodes that it is for; empty: of all.
  VariantName variant;
  Digest manifest;
  std::string release;  // "releases/N/versions/V" that brought it; "": none did.
  Digest release_document;
  std::string state;  // Of the release there: "DEPLOYED", "ROLLING_OUT", ...
};

/// Who knows what runs. Implementations are thread-safe.
class InventorySource {
 public:
  virtual ~InventorySource() = default;

  /// All that runs in an environment and below it ("": everywhere) by environment, until `visit`
  /// answers false. `sees` says whether an environment may be looked into.
  virtual absl::Status Visit(const Reader& state, const std::string& environment,
                             const std::function<bool(const std::string&)>& sees,
                             const std::function<bool(const UsedVariant&)>& visit) const = 0;
};

/// By the releases that went to each environment (core/release/in_use.h). Knows no nodes.
class ReleaseInventory : public InventorySource {
 public:
  absl::Status Visit(const Reader& state, const std::string& environment,
                     const std::function<bool(const std::string&)>& sees,
                     const std::function<bool(const UsedVariant&)>& visit) const override;
};

}  // namespace dml
