// Nodes and what they run, as a document that people and inventories write.
//
// Strict YAML or JSON; an unknown or repeated member is an error with its line and path:
//   schema: dml.nodes/v1
//   nodes:
//     - name: web
//       platform: linux-amd64
//       count: 3
//       runs: [packages/acme/api/versions/2.4.1/variants/linux-amd64]
//       target: [packages/acme/api/versions/2.5.0/variants/linux-amd64]
// Required are schema, and name where it stands. Defaults: any platform, count 1, nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/package/names.h"

namespace dml {

/// Nodes that are alike.
struct NodeDescription {
  std::string name;
  Platform platform;  // Default: any.
  uint32_t count = 1;
  std::vector<VariantName> runs;    // On each of them.
  std::vector<VariantName> target;  // What an upgrade is to come to; none: not told.
};

inline constexpr std::string_view kNodesSchema = "dml.nodes/v1";
inline constexpr size_t kMaxNodesDocumentBytes = 16 << 20;
inline constexpr size_t kMaxNodeEntries = 10'000;
inline constexpr size_t kMaxVariantsOfNode = 4096;
inline constexpr size_t kMaxNodeNameBytes = 253;
inline constexpr uint32_t kMaxNodeCount = 1'000'000;

/// INVALID_ARGUMENT (NODES_INVALID, or the reason of the inner error such as NAME_INVALID), with
/// the line.
absl::StatusOr<std::vector<NodeDescription>> ParseNodesDocument(std::string_view text);

}  // namespace dml
