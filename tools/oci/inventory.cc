#include "tools/oci/inventory.h"

#include <utility>

#include <absl/functional/function_ref.h>

#include "core/base/strict_json.h"
#include "core/package/manifest.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("INVENTORY_INVALID");
constexpr ErrorReason kLayoutInvalid("LAYOUT_INVALID");
constexpr std::string_view kInventorySchema[] = {"dml.inventory/v1"};
constexpr std::string_view kLeftOutSchema[] = {"dml.left-out/v1"};
constexpr size_t kMaxOriginBytes = 255;
constexpr size_t kMaxDigestBytes = 128;
constexpr int kVariantsPage = 500;

// The members of an object; their number is limited by the document's size.
absl::Status ForEachMember(const json& value, ErrorReason reason,
                           absl::FunctionRef<absl::Status(const std::string&, const json&)> read) {
  if (!value.is_object()) {
    return InvalidArgument(reason, "expected an object, found {}", JsonTypeName(value));
  }
  for (const auto& [key, member] : value.items()) {
    absl::Status status = read(key, member);
    if (!status.ok()) return AtField(status, key);
  }
  return absl::OkStatus();
}

absl::Status ReadBlobs(const json& value, ErrorReason reason, BlobSizes& blobs) {
  return ForEachMember(value, reason, [&](const std::string& key, const json& size) {
    absl::StatusOr<Digest> digest = Digest::Parse(key);
    if (!digest.ok()) return digest.status();
    if (!size.is_number_unsigned() || size.get<uint64_t>() > kMaxManifestTotalBytes) {
      return InvalidArgument(reason, "expected a size in bytes");
    }
    blobs.emplace(*digest, size.get<uint64_t>());
    return absl::OkStatus();
  });
}

json BlobsJson(const BlobSizes& blobs) {
  json out = json::object();
  for (const auto& [digest, size] : blobs) out[digest.ToString()] = size;
  return out;
}

absl::Status ReadVariants(const json& value, const std::string& ns,
                          std::map<VariantName, Digest>& variants) {
  return ForEachMember(
      value, kInvalid, [&](const std::string& key, const json& manifest) -> absl::Status {
        DML_ASSIGN_OR_RETURN(VariantName name, VariantName::Parse(key));
        if (name.package.ns != ns) {
          return InvalidArgument(kInvalid, "it is not in namespace {}", ns);
        }
        DML_ASSIGN_OR_RETURN(std::string text, JsonText(manifest, kMaxDigestBytes, kInvalid));
        DML_ASSIGN_OR_RETURN(Digest digest, Digest::Parse(text));
        variants.emplace(std::move(name), digest);
        return absl::OkStatus();
      });
}

absl::Status ReadNamespace(const std::string& ns, const json& value, Inventory& out) {
  DML_RETURN_IF_ERROR(ValidateNamespace(ns));
  Inventory::Namespace& listed = out.namespaces[ns];
  ObjectReader in(value, kInvalid);
  in.ReadRequired("variants",
                  [&](const json& item) { return ReadVariants(item, ns, listed.variants); });
  in.ReadRequired("blobs",
                  [&](const json& item) { return ReadBlobs(item, kInvalid, listed.blobs); });
  return in.Finish();
}

absl::StatusOr<Inventory> ReadInventory(const json& document) {
  ObjectReader in(document, kInvalid);
  Inventory out;
  in.Word("schema", kInventorySchema);
  out.origin = in.String("origin", kMaxOriginBytes);
  out.log_size = in.Unsigned("logSize", 0, INT64_MAX);
  in.ReadRequired("namespaces", [&](const json& value) {
    return ForEachMember(value, kInvalid, [&](const std::string& ns, const json& item) {
      return ReadNamespace(ns, item, out);
    });
  });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<LeftOut> ReadLeftOut(const json& document) {
  ObjectReader in(document, kLayoutInvalid);
  LeftOut out;
  in.Word("schema", kLeftOutSchema);
  absl::StatusOr<Digest> inventory = Digest::Parse(in.String("inventory", kMaxDigestBytes));
  in.Check("inventory", inventory.status());
  if (inventory.ok()) out.inventory = *inventory;
  in.ReadRequired("blobs",
                  [&](const json& value) { return ReadBlobs(value, kLayoutInvalid, out.blobs); });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

bool Inventory::HasBlob(const std::string& ns, const BlobRef& blob) const {
  auto listed = namespaces.find(ns);
  if (listed == namespaces.end()) return false;
  auto found = listed->second.blobs.find(blob.digest);
  return found != listed->second.blobs.end() && found->second == blob.size;
}

const Digest* Inventory::FindVariant(const VariantName& name) const {
  auto listed = namespaces.find(name.package.ns);
  if (listed == namespaces.end()) return nullptr;
  auto found = listed->second.variants.find(name);
  return found == listed->second.variants.end() ? nullptr : &found->second;
}

absl::StatusOr<Inventory> ParseInventory(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxInventoryBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "inventory");
  absl::StatusOr<Inventory> inventory = ReadInventory(*document);
  if (!inventory.ok()) return LocateError(inventory.status(), "inventory");
  return inventory;
}

absl::StatusOr<std::string> FormatInventory(const Inventory& inventory) {
  json namespaces = json::object();
  for (const auto& [ns, listed] : inventory.namespaces) {
    json variants = json::object();
    for (const auto& [name, manifest] : listed.variants) {
      variants.emplace(name.ResourceName(), manifest.ToString());
    }
    namespaces[ns] = {{"variants", std::move(variants)}, {"blobs", BlobsJson(listed.blobs)}};
  }
  const nlohmann::json document = {{"schema", kInventorySchema[0]},
                                   {"origin", inventory.origin},
                                   {"logSize", inventory.log_size},
                                   {"namespaces", std::move(namespaces)}};
  std::string text = document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (text.size() > kMaxInventoryBytes) {
    return ResourceExhausted(ErrorReason("INVENTORY_TOO_LARGE"),
                             "the inventory has {} bytes; at most {}: take it of a part of the "
                             "library, with a filter",
                             text.size(), kMaxInventoryBytes);
  }
  return text;
}

absl::StatusOr<std::vector<VariantRecord>> FindLiveVariants(Client& client,
                                                            const std::string& filter) {
  std::vector<VariantRecord> out;
  ListOptions options{.page_size = kVariantsPage, .filter = filter};
  do {
    DML_ASSIGN_OR_RETURN(ListPage<VariantRecord> page, client.SearchVariants(options));
    for (VariantRecord& record : page.items) {
      if (record.state != VariantState::kPublished) continue;
      out.push_back(std::move(record));
    }
    options.page_token = page.next_page_token;
  } while (!options.page_token.empty());
  return out;
}

absl::StatusOr<Inventory> TakeInventory(Client& client, const std::string& filter) {
  Inventory out;
  DML_ASSIGN_OR_RETURN(Checkpoint checkpoint, client.GetCheckpoint());
  out.origin = std::move(checkpoint.origin);
  out.log_size = checkpoint.size;
  DML_ASSIGN_OR_RETURN(std::vector<VariantRecord> records, FindLiveVariants(client, filter));
  for (const VariantRecord& record : records) {
    if (record.payload_collected) continue;
    DML_ASSIGN_OR_RETURN(VariantDetails details, client.GetVariant(record.name));
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
    Inventory::Namespace& listed = out.namespaces[record.name.package.ns];
    listed.variants.emplace(record.name, details.record.manifest.digest);
    for (const ManifestFile& file : manifest.files) {
      listed.blobs.emplace(file.blob.digest, file.blob.size);
    }
  }
  return out;
}

absl::StatusOr<LeftOut> ParseLeftOut(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxLeftOutBytes, kLayoutInvalid);
  if (!document.ok()) return LocateError(document.status(), "list of what was left out");
  absl::StatusOr<LeftOut> left_out = ReadLeftOut(*document);
  if (!left_out.ok()) return LocateError(left_out.status(), "list of what was left out");
  return left_out;
}

std::string FormatLeftOut(const LeftOut& left_out) {
  const nlohmann::json document = {{"schema", kLeftOutSchema[0]},
                                   {"inventory", left_out.inventory.ToString()},
                                   {"blobs", BlobsJson(left_out.blobs)}};
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace dml
