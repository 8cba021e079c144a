#include "core/fleet/inventory.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/package/document_members.h"
#include "core/trust/dsse.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("INVENTORY_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.inventory/v1"};
constexpr std::array<std::string_view, 2> kUses = {"RUNS", "KEPT"};
constexpr size_t kMaxForeignBytes = 512;

absl::StatusOr<InventoryItem> ReadItem(const json& value) {
  ObjectReader in(value, kInvalid);
  InventoryItem out;
  out.variant = document::ReadVariant(in, "variant");
  in.ReadRequired("manifest", [&](const json& blob) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.manifest, document::ReadBlobRef(blob, kInvalid));
    return absl::OkStatus();
  });
  if (in.Has("configuration")) out.configuration = document::ReadDigest(in, "configuration");
  out.use = static_cast<InventoryUse>(in.Word("use", kUses) + 1);
  out.changed = document::ReadBool(in, "changed", kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

json ItemJson(const InventoryItem& item) {
  json out = {{"variant", item.variant.ResourceName()},
              {"manifest", document::BlobRefJson(item.manifest)},
              {"use", kUses[static_cast<size_t>(item.use) - 1]},
              {"changed", item.changed}};
  if (item.configuration.has_value()) out["configuration"] = item.configuration->ToString();
  return out;
}

// Of one variant a node may keep several configurations.
auto OrderOf(const InventoryItem& item) {
  return std::tuple(item.use, item.variant, item.manifest, item.configuration);
}

absl::Status CheckOrder(const NodeInventory& inventory) {
  for (size_t i = 1; i < inventory.items.size(); ++i) {
    if (OrderOf(inventory.items[i - 1]) < OrderOf(inventory.items[i])) continue;
    return AtField(InvalidArgument(kInvalid, "must be in ascending order, none twice"), "items");
  }
  for (size_t i = 1; i < inventory.foreign.size(); ++i) {
    if (inventory.foreign[i - 1] < inventory.foreign[i]) continue;
    return AtField(InvalidArgument(kInvalid, "must be in ascending order, none twice"), "foreign");
  }
  return absl::OkStatus();
}

absl::StatusOr<NodeInventory> ReadInventory(const json& value) {
  ObjectReader in(value, kInvalid);
  NodeInventory out;
  in.Word("schema", kSchema);
  out.environment = document::ReadEnvironment(in, "environment");
  out.node = in.String("node", document::kMaxNameBytes);
  in.Check("node", ValidateNodeName(out.node));
  out.sequence = in.Unsigned("sequence", 1, document::kMaxNumber);
  out.time = document::ReadTime(in, "time", kInvalid);
  out.release = in.StringOr("release", document::kMaxNameBytes, "");
  out.permit = in.StringOr("permit", document::kMaxNameBytes, "");
  in.ForEach("items", kMaxInventoryItems, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(item));
    return absl::OkStatus();
  });
  out.foreign = in.Strings("foreign", kMaxInventoryForeign, kMaxForeignBytes);
  for (const std::string& line : out.foreign) {
    if (!HasControlCharacters(line)) continue;
    in.Check("foreign", InvalidArgument(kInvalid, "holds a control character"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(CheckOrder(out));
  return out;
}

json InventoryJson(const NodeInventory& inventory) {
  json items = json::array();
  for (const InventoryItem& item : inventory.items) items.push_back(ItemJson(item));
  json out = {{"schema", kSchema[0]},
              {"environment", inventory.environment},
              {"node", inventory.node},
              {"items", std::move(items)},
              {"foreign", inventory.foreign}};
  if (!inventory.release.empty()) out["release"] = inventory.release;
  if (!inventory.permit.empty()) out["permit"] = inventory.permit;
  return out;
}

}  // namespace

absl::StatusOr<NodeInventory> ParseInventory(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxInventoryBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "inventory");
  absl::StatusOr<NodeInventory> inventory = ReadInventory(*document);
  if (!inventory.ok()) return LocateError(inventory.status(), "inventory");
  return inventory;
}

absl::StatusOr<std::string> FormatInventory(const NodeInventory& inventory) {
  json document = InventoryJson(inventory);
  document["sequence"] = inventory.sequence;
  document["time"] = FormatTime(inventory.time);
  std::string out = document::WritePredicate(document);
  DML_RETURN_IF_ERROR(ParseInventory(out).status());
  return out;
}

Digest ContentOf(const NodeInventory& inventory) {
  return Sha256(document::WritePredicate(InventoryJson(inventory)));
}

absl::StatusOr<NodeInventory> OpenInventory(std::string_view text, const PublicKey& node_key) {
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope, ParseEnvelope(text));
  DML_RETURN_IF_ERROR(VerifyEnvelope(envelope, kInventoryPayloadType, {{node_key}}).status());
  return ParseInventory(envelope.payload);
}

}  // namespace dml
