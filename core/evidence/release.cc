#include "core/evidence/release.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/evidence/members.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("RELEASE_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.release/v1"};
constexpr std::array<std::string_view, 4> kTypes = {"MAJOR", "MINOR", "PATCH", "EMERGENCY"};
constexpr std::array<std::string_view, 4> kActions = {"INSTALL", "UPGRADE", "REMOVE", "CONFIGURE"};
constexpr std::array<std::string_view, 2> kBackOuts = {"BASELINE", "RELEASE"};
constexpr size_t kMaxTitleBytes = 512;
constexpr size_t kMaxIdBytes = 128;

absl::Status CheckAscending(const std::vector<std::string>& words) {
  if (std::ranges::adjacent_find(words, std::greater_equal<>()) == words.end()) {
    return absl::OkStatus();
  }
  return InvalidArgument(kInvalid, "must be in ascending order, none twice");
}

absl::Status CheckAction(const ReleaseItem& item) {
  if (item.previous.has_value() != (item.action == ReleaseAction::kUpgrade)) {
    return AtField(InvalidArgument(kInvalid, "is for UPGRADE, and for nothing else"), "previous");
  }
  const bool is_right = item.action == ReleaseAction::kConfigure ? item.configuration.has_value()
                        : item.action == ReleaseAction::kRemove  ? !item.configuration.has_value()
                                                                 : true;
  if (is_right) return absl::OkStatus();
  return AtField(InvalidArgument(kInvalid, "CONFIGURE needs one, and REMOVE has none"),
                 "configuration");
}

absl::StatusOr<ReleaseItem> ReadItem(const json& value) {
  ObjectReader in(value, kInvalid);
  ReleaseItem out;
  out.variant = evidence::ReadVariant(in, "variant");
  in.ReadRequired("manifest", [&](const json& blob) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.manifest, evidence::ReadBlobRef(blob, kInvalid));
    return absl::OkStatus();
  });
  out.action = static_cast<ReleaseAction>(in.Word("action", kActions) + 1);
  if (in.Has("previous")) out.previous = evidence::ReadVariant(in, "previous");
  in.Read("configuration", [&](const json& blob) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.configuration, evidence::ReadBlobRef(blob, kInvalid));
    return absl::OkStatus();
  });
  out.changes = in.Strings("changes", kMaxReleaseChanges, kMaxIdBytes);
  in.Check("changes", CheckAscending(out.changes));
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(CheckAction(out));
  return out;
}

absl::StatusOr<ReleaseChange> ReadChange(const json& value) {
  ObjectReader in(value, kInvalid);
  ReleaseChange out;
  out.id = evidence::ReadText(in, "id", kMaxIdBytes, kInvalid);
  out.title = evidence::ReadText(in, "title", kMaxTitleBytes, kInvalid);
  out.authorized_by = evidence::ReadText(in, "authorizedBy", evidence::kMaxNameBytes, kInvalid);
  if (in.Has("key")) out.key = evidence::ReadDigest(in, "key");
  if (in.Has("link")) out.link = evidence::ReadText(in, "link", evidence::kMaxNameBytes, kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::Status ReadBackOut(const json& value, Release& out) {
  ObjectReader in(value, kInvalid);
  if (in.Word("to", kBackOuts) == 1) out.back_out = evidence::ReadDigest(in, "release");
  return in.Finish();
}

// What no item says by itself.
absl::Status CheckWhole(const Release& release) {
  std::set<std::string> ids;
  for (const ReleaseChange& change : release.changes) {
    if (!ids.insert(change.id).second) {
      return InvalidArgument(kInvalid, "change '{}' is there twice", Excerpt(change.id));
    }
  }
  std::set<VariantName> variants;
  std::set<Digest> manifests;
  for (const ReleaseItem& item : release.items) {
    const std::string name = item.variant.ResourceName();
    if (!variants.insert(item.variant).second || !manifests.insert(item.manifest.digest).second) {
      return InvalidArgument(kInvalid, "{}, or its manifest, is there twice", name);
    }
    for (const std::string& id : item.changes) {
      if (ids.contains(id)) continue;
      return InvalidArgument(kInvalid, "{} carries out change '{}', which is not in the release",
                             name, Excerpt(id));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Release> ReadRelease(const json& value) {
  ObjectReader in(value, kInvalid);
  Release out;
  in.Word("schema", kSchema);
  out.name = in.String("name", evidence::kMaxNameBytes);
  in.Check("name", ValidatePackagePart(out.name));
  out.version = in.String("version", evidence::kMaxNameBytes);
  in.Check("version", ValidateVersionText(out.version));
  out.type = static_cast<ReleaseType>(in.Word("type", kTypes) + 1);
  out.environments = in.Strings("environments", kMaxReleaseEnvironments, evidence::kMaxNameBytes);
  for (const std::string& name : out.environments) {
    in.Check("environments", ValidateEnvironmentName(name));
  }
  in.Check("environments", CheckAscending(out.environments));
  in.ForEach("items", kMaxReleaseItems, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(item));
    return absl::OkStatus();
  });
  in.ForEach("changes", kMaxReleaseChanges, [&](const json& change) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.changes.emplace_back(), ReadChange(change));
    return absl::OkStatus();
  });
  in.ReadRequired("backOut", [&](const json& back) { return ReadBackOut(back, out); });
  for (const auto& [key, is_empty] : {std::pair("environments", out.environments.empty()),
                                      std::pair("items", out.items.empty())}) {
    if (is_empty) in.Check(key, InvalidArgument(kInvalid, "is empty or missing"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(CheckWhole(out));
  return out;
}

json ItemJson(const ReleaseItem& item) {
  json out = {{"variant", item.variant.ResourceName()},
              {"manifest", evidence::BlobRefJson(item.manifest)},
              {"action", ReleaseActionName(item.action)}};
  if (item.previous.has_value()) out["previous"] = item.previous->ResourceName();
  if (item.configuration.has_value()) {
    out["configuration"] = evidence::BlobRefJson(*item.configuration);
  }
  if (!item.changes.empty()) out["changes"] = item.changes;
  return out;
}

json ChangeJson(const ReleaseChange& change) {
  json out = {{"id", change.id}, {"title", change.title}, {"authorizedBy", change.authorized_by}};
  if (change.key.has_value()) out["key"] = change.key->ToString();
  if (!change.link.empty()) out["link"] = change.link;
  return out;
}

}  // namespace

std::string_view ReleaseActionName(ReleaseAction action) {
  return kActions[static_cast<size_t>(action) - 1];
}

absl::StatusOr<Release> ParseRelease(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxReleaseBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "release");
  absl::StatusOr<Release> release = ReadRelease(*document);
  if (!release.ok()) return LocateError(release.status(), "release");
  return release;
}

absl::StatusOr<std::string> FormatRelease(const Release& release) {
  json items = json::array();
  for (const ReleaseItem& item : release.items) items.push_back(ItemJson(item));
  json changes = json::array();
  for (const ReleaseChange& change : release.changes) changes.push_back(ChangeJson(change));
  json back_out = json::object({{"to", kBackOuts[release.back_out.has_value() ? 1 : 0]}});
  if (release.back_out.has_value()) back_out["release"] = release.back_out->ToString();
  const json document = {{"schema", kSchema[0]},
                         {"name", release.name},
                         {"version", release.version},
                         {"type", kTypes[static_cast<size_t>(release.type) - 1]},
                         {"environments", release.environments},
                         {"items", std::move(items)},
                         {"changes", std::move(changes)},
                         {"backOut", std::move(back_out)}};
  std::string out = evidence::WriteDocument(document);
  DML_RETURN_IF_ERROR(ParseRelease(out).status());
  return out;
}

bool CoversEnvironment(std::string_view environment, std::string_view place) {
  return place.starts_with(environment) &&
         (place.size() == environment.size() || place[environment.size()] == '/');
}

}  // namespace dml
