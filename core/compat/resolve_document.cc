#include "core/compat/resolve_document.h"

#include <algorithm>
#include <array>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("RESOLVE_REQUEST_INVALID");
constexpr size_t kMaxVariantBytes = 1024;
constexpr std::array<std::string_view, 5> kKinds = {"PACKAGE", "ABI", "SERVICE", "SCHEMA",
                                                    "CAPABILITY"};
constexpr std::array<std::string_view, 3> kModes = {"NEWEST", "MINIMAL_CHANGE", "OLDEST"};

template <typename T>
void Take(ObjectReader& in, std::string_view key, absl::StatusOr<T> value, T& out) {
  in.Check(key, value.status());
  if (value.ok()) out = *std::move(value);
}

absl::Status ReadWanted(const json& value, std::vector<RelationTarget>& wanted) {
  ObjectReader in(value, kInvalid);
  RelationTarget target;
  target.kind = static_cast<RelationKind>(in.WordOr("kind", kKinds, 0));
  target.name = in.String("name", kMaxRelationNameBytes);
  in.Check("name", ValidateRelationName(target.kind, target.name));
  target.range = VersionRange::All();
  const std::string range = in.StringOr("range", kMaxRangeBytes, "");
  if (in.Has("range")) Take(in, "range", VersionRange::ParseVers(range), target.range);
  DML_RETURN_IF_ERROR(in.Finish());
  wanted.push_back(std::move(target));
  return absl::OkStatus();
}

absl::Status ReadPin(const json& value, std::vector<ResolveConstraint>& pins) {
  ObjectReader in(value, kInvalid);
  ResolveConstraint pin;
  Take(in, "package", PackageName::Parse(in.String("package", kMaxRelationNameBytes)), pin.package);
  Take(in, "range", VersionRange::ParseVers(in.String("range", kMaxRangeBytes)), pin.allowed);
  pin.source = in.StringOr("source", kMaxPinSourceBytes, "");
  if (HasControlCharacters(pin.source)) {
    in.Check("source", InvalidArgument(kInvalid, "has control characters; write one line"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  pins.push_back(std::move(pin));
  return absl::OkStatus();
}

absl::StatusOr<ResolveRequest> Read(const json& document) {
  ObjectReader in(document, kInvalid);
  ResolveRequest out;
  const std::string schema = in.String("schema", kMaxVariantBytes);
  if (schema != kResolveSchema) {
    in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                       Excerpt(schema), kResolveSchema));
  }
  in.ForEach("wanted", kMaxResolveWanted,
             [&](const json& value) { return ReadWanted(value, out.wanted); });
  in.ForEach("pins", kMaxResolvePins,
             [&](const json& value) { return ReadPin(value, out.constraints); });
  in.ForEach("inUse", kMaxResolveInUse, [&](const json& value) -> absl::Status {
    DML_ASSIGN_OR_RETURN(std::string text, JsonText(value, kMaxVariantBytes, kInvalid));
    DML_ASSIGN_OR_RETURN(VariantName name, VariantName::Parse(text));
    out.in_use.push_back(std::move(name));
    return absl::OkStatus();
  });
  out.mode = static_cast<ResolveMode>(in.WordOr("mode", kModes, 0));
  const std::string platform = in.StringOr("platform", kMaxVariantBytes, "");
  if (in.Has("platform")) Take(in, "platform", Platform::Parse(platform), out.platform);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

absl::Status ValidateRelationName(RelationKind kind, std::string_view name) {
  const bool visible =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (name.empty() || name.size() > kMaxRelationNameBytes || !visible) {
    return InvalidArgument(ErrorReason("NAME_INVALID"),
                           "a name is 1 to {} visible ASCII characters; this has {} bytes",
                           kMaxRelationNameBytes, name.size());
  }
  return kind == RelationKind::kPackage ? PackageName::Parse(name).status() : absl::OkStatus();
}

absl::StatusOr<ResolveRequest> ParseResolveDocument(std::string_view text) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxResolveDocumentBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), "resolve request");
  absl::StatusOr<ResolveRequest> request = Read(document->value);
  if (!request.ok()) return Annotate(document->AtLine(request.status()), "resolve request");
  return request;
}

}  // namespace dml
