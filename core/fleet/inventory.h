// An inventory: what a node says is in use on it, signed with its key. docs/formats.md,
// "Inventory", has the grammar. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/crypto/keys.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kInventoryPayloadType = "application/vnd.dml.inventory.v1+json";
inline constexpr size_t kMaxInventoryBytes = 700 << 10;  // Fits an envelope, in base64.
inline constexpr size_t kMaxInventoryItems = 2048;
inline constexpr size_t kMaxInventoryForeign = 256;

enum class InventoryUse { kRuns = 1, kKept };  // Kept: to go back to, beside what runs.

struct InventoryItem {
  VariantName variant;
  BlobRef manifest;
  std::optional<Digest> configuration;
  InventoryUse use = InventoryUse::kRuns;
  bool changed = false;  // It is not as it was put there.
  bool operator==(const InventoryItem&) const = default;
};

struct NodeInventory {
  std::string environment;
  std::string node;
  uint64_t sequence = 0;             // From 1 on; goes up with every inventory of a node.
  Timestamp time;                    // By the node's clock; whole seconds.
  std::string release;               // "payments 2.0.0"; "": none brought it.
  std::string permit;                // Likewise.
  std::vector<InventoryItem> items;  // Ascending by variant, those that run first; none twice.
  std::vector<std::string> foreign;  // Software that is not from the library: where it is;
                                     // ascending, distinct.
  bool operator==(const NodeInventory&) const = default;
};

/// Reads a document strictly. INVALID_ARGUMENT (INVENTORY_INVALID, or the reason of the name that
/// is wrong) with the place.
absl::StatusOr<NodeInventory> ParseInventory(std::string_view json);
/// Compact, members in alphabetical order. The errors of the parser for what it would refuse.
absl::StatusOr<std::string> FormatInventory(const NodeInventory& inventory);

/// What it says is in use, whenever it says so: the SHA-256 of the document without sequence and
/// time.
Digest ContentOf(const NodeInventory& inventory);

/// The inventory in an envelope that this key signed. The errors of ParseEnvelope, VerifyEnvelope
/// and ParseInventory.
absl::StatusOr<NodeInventory> OpenInventory(std::string_view envelope, const PublicKey& node_key);

}  // namespace dml
