// What a library has, as a document that can be carried to another one, so that an export for it
// leaves out what is there already. A hint that nobody signs: whoever imports checks everything.
//
//   {"schema": "dml.inventory/v1", "origin": text, "logSize": number,
//    "namespaces": {NAMESPACE: {"variants": {RESOURCE-NAME: MANIFEST-DIGEST, ...},
//                               "blobs": {DIGEST: size, ...}}, ...}}
//
// Blobs are listed by namespace, because content is only ever visible within one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"

namespace dml {

inline constexpr size_t kMaxInventoryBytes = 64 << 20;
inline constexpr size_t kMaxLeftOutBytes = 8 << 20;

using BlobSizes = std::map<Digest, uint64_t>;

struct Inventory {
  struct Namespace {
    std::map<VariantName, Digest> variants;  // Live ones, with their manifests.
    BlobSizes blobs;                         // All files of theirs.
    bool operator==(const Namespace&) const = default;
  };
  std::string origin;
  uint64_t log_size = 0;  // The library had all of it at this size of its journal.
  std::map<std::string, Namespace> namespaces;

  bool HasBlob(const std::string& ns, const BlobRef& blob) const;
  /// The manifest of a variant; null where it is not listed.
  const Digest* FindVariant(const VariantName& name) const;
  bool operator==(const Inventory&) const = default;
};

/// INVALID_ARGUMENT (INVENTORY_INVALID, NAME_INVALID, DIGEST_INVALID) with the place.
absl::StatusOr<Inventory> ParseInventory(std::string_view json);
/// The same content gives the same bytes. RESOURCE_EXHAUSTED (INVENTORY_TOO_LARGE) where
/// ParseInventory would refuse them.
absl::StatusOr<std::string> FormatInventory(const Inventory& inventory);

/// The records of all variants that match a filter (docs/filter.md) and are not withdrawn, in the
/// library's order.
absl::StatusOr<std::vector<VariantRecord>> FindLiveVariants(Client& client,
                                                            const std::string& filter);

/// What the library has of the live variants that match a filter.
absl::StatusOr<Inventory> TakeInventory(Client& client, const std::string& filter);

/// Files of one variant that an export left out, as a document that goes with it:
///   {"schema": "dml.left-out/v1", "inventory": DIGEST, "blobs": {DIGEST: size, ...}}
struct LeftOut {
  Digest inventory;  // Of the inventory document that lists them.
  BlobSizes blobs;
  bool operator==(const LeftOut&) const = default;
};
/// INVALID_ARGUMENT (LAYOUT_INVALID, DIGEST_INVALID) with the place.
absl::StatusOr<LeftOut> ParseLeftOut(std::string_view json);
std::string FormatLeftOut(const LeftOut& left_out);

}  // namespace dml
