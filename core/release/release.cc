#include "core/release/release.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/text.h"
#include "core/package/document_members.h"
#include "core/release/change_reader.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("RELEASE_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.release/v1"};
constexpr std::array<std::string_view, 4> kTypes = {"MAJOR", "MINOR", "PATCH", "EMERGENCY"};
constexpr std::array<std::string_view, 4> kActions = {"INSTALL", "UPGRADE", "REMOVE", "CONFIGURE"};
constexpr std::array<std::string_view, 2> kBackOuts = {"BASELINE", "RELEASE"};
constexpr size_t kMaxIdBytes = 128;

// How strictly a document is read: see ParseReleaseDraft.
enum class Stage { kSealed, kDraft };

bool Sorts(Stage stage) { return stage == Stage::kDraft; }

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

absl::StatusOr<ReleaseItem> ReadItem(const json& value, Stage stage) {
  ObjectReader in(value, kInvalid);
  ReleaseItem out;
  out.variant = document::ReadVariant(in, "variant");
  if (stage == Stage::kSealed || in.Has("manifest")) {
    in.ReadRequired("manifest", [&](const json& blob) -> absl::Status {
      DML_ASSIGN_OR_RETURN(out.manifest, document::ReadBlobRef(blob, kInvalid));
      if (out.manifest.digest != Digest()) return absl::OkStatus();
      return AtField(InvalidArgument(kInvalid, "is of no manifest"), "digest");
    });
  }
  out.action = static_cast<ReleaseAction>(in.Word("action", kActions) + 1);
  if (in.Has("previous")) out.previous = document::ReadVariant(in, "previous");
  in.Read("configuration", [&](const json& blob) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.configuration, document::ReadBlobRef(blob, kInvalid));
    return absl::OkStatus();
  });
  out.changes = ReadTextSet(in, "changes", kMaxReleaseChanges, kMaxIdBytes, Sorts(stage));
  out.nodes = in.StringMap("nodes", kMaxReleaseSelectorLabels, document::kMaxNameBytes);
  for (const auto& [key, label] : out.nodes) in.Check("nodes", ValidateLabel(key, label));
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(CheckAction(out));
  return out;
}

absl::Status ReadBackOut(const json& value, Release& out) {
  ObjectReader in(value, kInvalid);
  if (in.Word("to", kBackOuts) == 1) out.back_out = document::ReadDigest(in, "release");
  return in.Finish();
}

absl::Status ReadWindow(const json& value, Release& out) {
  ObjectReader in(value, kInvalid);
  ReleaseWindow window;
  window.from = document::ReadTime(in, "from", kInvalid);
  window.until = document::ReadTime(in, "until", kInvalid);
  if (window.until <= window.from) {
    in.Check("until", InvalidArgument(kInvalid, "is not after 'from'"));
  }
  out.window = window;
  return in.Finish();
}

absl::Status ReadAcceptance(const json& value, Release& out) {
  ObjectReader in(value, kInvalid);
  RiskAcceptance risk;
  risk.accepted_by = document::ReadText(in, "acceptedBy", document::kMaxNameBytes, kInvalid);
  risk.up_to = static_cast<uint32_t>(in.Unsigned("upTo", 0, kMaxRiskScore));
  out.risk = risk;
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
    const bool is_known = item.manifest.digest != Digest();  // Not yet, in some drafts.
    if (!variants.insert(item.variant).second ||
        (is_known && !manifests.insert(item.manifest.digest).second)) {
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

void ReadNames(ObjectReader& in, Stage stage, Release& out) {
  in.Word("schema", kSchema);
  out.name = in.String("name", document::kMaxNameBytes);
  in.Check("name", ValidatePackagePart(out.name));
  out.version = in.String("version", document::kMaxNameBytes);
  in.Check("version", ValidateVersionText(out.version));
  out.type = static_cast<ReleaseType>(in.Word("type", kTypes) + 1);
  out.environments = ReadTextSet(in, "environments", kMaxReleaseEnvironments,
                                 document::kMaxNameBytes, Sorts(stage));
  for (const std::string& name : out.environments) {
    in.Check("environments", ValidateEnvironmentName(name));
  }
}

absl::StatusOr<Release> ReadRelease(const json& value, Stage stage) {
  ObjectReader in(value, kInvalid);
  Release out;
  ReadNames(in, stage, out);
  in.ForEach("items", kMaxReleaseItems, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.items.emplace_back(), ReadItem(item, stage));
    return absl::OkStatus();
  });
  in.ForEach("changes", kMaxReleaseChanges, [&](const json& change) -> absl::Status {
    ObjectReader members(change, kInvalid);
    out.changes.push_back(ReadChangeMembers(members, Sorts(stage)));
    return members.Finish();
  });
  in.Read("window", [&](const json& window) { return ReadWindow(window, out); });
  out.evidence =
      ReadTextSet(in, "evidence", kMaxReleaseEvidence, document::kMaxNameBytes, Sorts(stage));
  in.Read("risk", [&](const json& risk) { return ReadAcceptance(risk, out); });
  in.ReadRequired("backOut", [&](const json& back) { return ReadBackOut(back, out); });
  for (const auto& [key, is_empty] : {std::pair("environments", out.environments.empty()),
                                      std::pair("items", out.items.empty())}) {
    if (is_empty) in.Check(key, InvalidArgument(kInvalid, "is empty or missing"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(CheckWhole(out));
  return out;
}

// "release: line 7: items[1].action: ..."; no line where only JSON can read the document.
absl::Status Located(const absl::Status& status, std::string_view text) {
  const std::vector<FieldViolation> violations = FieldViolations(status);
  const absl::Status at = violations.empty() ? status : Annotate(status, violations.front().field);
  const auto lines = ParseStrictYaml(text, kMaxReleaseBytes, kInvalid);
  return Annotate(lines.ok() ? lines->AtLine(at) : at, "release");
}

json ItemJson(const ReleaseItem& item) {
  json out = {{"variant", item.variant.ResourceName()}, {"action", ReleaseActionName(item.action)}};
  if (item.manifest.digest != Digest()) out["manifest"] = document::BlobRefJson(item.manifest);
  if (item.previous.has_value()) out["previous"] = item.previous->ResourceName();
  if (item.configuration.has_value()) {
    out["configuration"] = document::BlobRefJson(*item.configuration);
  }
  if (!item.changes.empty()) out["changes"] = item.changes;
  if (!item.nodes.empty()) out["nodes"] = item.nodes;
  return out;
}

json ReleaseJson(const Release& release) {
  json items = json::array();
  for (const ReleaseItem& item : release.items) items.push_back(ItemJson(item));
  json changes = json::array();
  for (const ReleaseChange& change : release.changes) changes.push_back(ReleaseChangeJson(change));
  json back_out = json::object({{"to", kBackOuts[release.back_out.has_value() ? 1 : 0]}});
  if (release.back_out.has_value()) back_out["release"] = release.back_out->ToString();
  json out = {{"schema", kSchema[0]},
              {"name", release.name},
              {"version", release.version},
              {"type", ReleaseTypeName(release.type)},
              {"environments", release.environments},
              {"items", std::move(items)},
              {"changes", std::move(changes)},
              {"backOut", std::move(back_out)}};
  if (release.window.has_value()) {
    out["window"] = {{"from", FormatTime(release.window->from)},
                     {"until", FormatTime(release.window->until)}};
  }
  if (!release.evidence.empty()) out["evidence"] = release.evidence;
  if (release.risk.has_value()) {
    out["risk"] = {{"acceptedBy", release.risk->accepted_by}, {"upTo", release.risk->up_to}};
  }
  return out;
}

}  // namespace

std::string_view ReleaseTypeName(ReleaseType type) { return kTypes[static_cast<size_t>(type) - 1]; }

std::string_view ReleaseActionName(ReleaseAction action) {
  return kActions[static_cast<size_t>(action) - 1];
}

absl::StatusOr<ReleaseType> ParseReleaseType(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name);
  if (found != kTypes.end()) return static_cast<ReleaseType>(found - kTypes.begin() + 1);
  return InvalidArgument(kInvalid, "type '{}' is none of {}", Excerpt(name),
                         fmt::join(kTypes, ", "));
}

absl::StatusOr<Release> ParseRelease(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxReleaseBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "release");
  absl::StatusOr<Release> release = ReadRelease(*document, Stage::kSealed);
  if (!release.ok()) return Located(release.status(), text);
  return release;
}

absl::StatusOr<Release> ParseSealedRelease(std::string_view text) {
  DML_ASSIGN_OR_RETURN(Release release, ParseRelease(text));
  DML_ASSIGN_OR_RETURN(const std::string canonical, FormatRelease(release));
  if (text == canonical) return release;
  const auto [at, unused] = std::ranges::mismatch(text, canonical);
  return InvalidArgument(ErrorReason("RELEASE_NOT_CANONICAL"),
                         "release: line {} is not written as it is sealed: have the document "
                         "written by `dml release compose`",
                         std::count(text.begin(), at, '\n') + 1);
}

absl::StatusOr<Release> ParseReleaseDraft(std::string_view text) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxReleaseBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), "release");
  absl::StatusOr<Release> release = ReadRelease(document->value, Stage::kDraft);
  if (!release.ok()) return Located(release.status(), text);
  return release;
}

absl::StatusOr<std::string> FormatRelease(const Release& release) {
  std::string out = document::WriteDocument(ReleaseJson(release));
  DML_RETURN_IF_ERROR(ParseRelease(out).status());
  return out;
}

absl::StatusOr<std::string> FormatReleaseDraft(const Release& release) {
  std::string out = document::WriteDocument(ReleaseJson(release));
  DML_RETURN_IF_ERROR(ParseReleaseDraft(out).status());
  return out;
}

bool CoversEnvironment(std::string_view environment, std::string_view place) {
  return place.starts_with(environment) &&
         (place.size() == environment.size() || place[environment.size()] == '/');
}

}  // namespace dml
