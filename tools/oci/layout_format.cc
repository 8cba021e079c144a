#include "tools/oci/layout_format.h"

#include "core/base/strict_json.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr ErrorReason kInvalid("LAYOUT_INVALID");
constexpr size_t kMaxTypeBytes = 255;
constexpr size_t kMaxAnnotations = 64;
constexpr size_t kMaxAnnotationBytes = 4096;
constexpr std::string_view kLayoutVersion = "1.0.0";

// A member that, where it is there, can have one value only.
void Demand(ObjectReader& in, std::string_view key, std::string_view expected, bool required) {
  if (!required && !in.Has(key)) return;
  const std::string found = in.String(key, kMaxTypeBytes);
  if (found == expected) return;
  in.Check(key, InvalidArgument(kInvalid, "member '{}' is '{}'; it must be '{}'", key,
                                Excerpt(found), expected));
}

BlobRef ReadBlobRef(ObjectReader& in) {
  BlobRef blob;
  absl::StatusOr<Digest> digest = Digest::Parse(in.String("digest", 128));
  in.Check("digest", digest.status());
  if (digest.ok()) blob.digest = *digest;
  blob.size = in.Unsigned("size", 0, kMaxManifestTotalBytes);
  return blob;
}

absl::Status ReadPlatform(const json& value, Platform& platform) {
  ObjectReader in(value, kInvalid);
  platform.arch = in.String("architecture", kMaxTypeBytes);
  platform.os = in.String("os", kMaxTypeBytes);
  platform.variant = in.StringOr("variant", kMaxTypeBytes, "");
  DML_RETURN_IF_ERROR(in.Finish());
  return platform.Validate();
}

absl::StatusOr<Descriptor> ReadDescriptor(const json& value) {
  ObjectReader in(value, kInvalid);
  Descriptor out;
  out.media_type = in.String("mediaType", kMaxTypeBytes);
  out.blob = ReadBlobRef(in);
  out.artifact_type = in.StringOr("artifactType", kMaxTypeBytes, "");
  in.Read("platform", [&](const json& platform) { return ReadPlatform(platform, out.platform); });
  out.annotations = in.StringMap("annotations", kMaxAnnotations, kMaxAnnotationBytes);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

// A descriptor of which nothing but the blob may differ.
absl::Status ReadBlobOfType(const json& value, std::string_view media_type, BlobRef& blob) {
  ObjectReader in(value, kInvalid);
  Demand(in, "mediaType", media_type, /*required=*/true);
  blob = ReadBlobRef(in);
  return in.Finish();
}

absl::StatusOr<ImageIndex> ReadImageIndex(const json& document) {
  ObjectReader in(document, kInvalid);
  ImageIndex out;
  in.Unsigned("schemaVersion", 2, 2);
  Demand(in, "mediaType", kImageIndexMediaType, /*required=*/false);
  in.ForEach("manifests", kMaxIndexDescriptors, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.manifests.emplace_back(), ReadDescriptor(item));
    return absl::OkStatus();
  });
  out.annotations = in.StringMap("annotations", kMaxAnnotations, kMaxAnnotationBytes);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<Artifact> ReadArtifact(const json& document) {
  ObjectReader in(document, kInvalid);
  Artifact out;
  BlobRef config;
  in.Unsigned("schemaVersion", 2, 2);
  Demand(in, "mediaType", kManifestMediaType, /*required=*/true);
  out.type = in.String("artifactType", kMaxTypeBytes);
  in.ReadRequired(
      "config", [&](const json& value) { return ReadBlobOfType(value, kEmptyMediaType, config); });
  if (config != EmptyLayerBlob()) {
    in.Check("config", InvalidArgument(kInvalid, "the config must be the OCI empty blob, '{{}}'"));
  }
  size_t layers = 0;
  in.ForEach("layers", 1, [&](const json& value) -> absl::Status {
    ++layers;
    DML_ASSIGN_OR_RETURN(Descriptor layer, ReadDescriptor(value));
    out.layer_media_type = std::move(layer.media_type);
    out.layer = layer.blob;
    return absl::OkStatus();
  });
  if (layers != 1) in.Check("layers", InvalidArgument(kInvalid, "exactly one layer is needed"));
  in.ReadRequired("subject", [&](const json& value) {
    return ReadBlobOfType(value, kManifestMediaType, out.subject);
  });
  out.annotations = in.StringMap("annotations", kMaxAnnotations, kMaxAnnotationBytes);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

ordered_json BlobJson(std::string_view media_type, const BlobRef& blob) {
  return {{"mediaType", media_type}, {"digest", blob.digest.ToString()}, {"size", blob.size}};
}

ordered_json DescriptorJson(const Descriptor& descriptor) {
  ordered_json out = BlobJson(descriptor.media_type, descriptor.blob);
  const Platform& platform = descriptor.platform;
  if (platform != Platform{}) {
    out["platform"] = {{"architecture", platform.arch}, {"os", platform.os}};
    if (!platform.variant.empty()) out["platform"]["variant"] = platform.variant;
  }
  if (!descriptor.artifact_type.empty()) out["artifactType"] = descriptor.artifact_type;
  if (!descriptor.annotations.empty()) out["annotations"] = descriptor.annotations;
  return out;
}

std::string Dump(const ordered_json& document) {
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// One component: alphanumeric runs with one of "-._:@+" between them.
std::string ReferenceComponent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (IsAlphanumeric(text[i])) {
      out += text[i++];
      continue;
    }
    const size_t start = i;
    while (i < text.size() && !IsAlphanumeric(text[i])) ++i;
    if (start == 0 || i == text.size()) continue;
    const bool plain =
        i - start == 1 && std::string_view("-._:@+").find(text[start]) != std::string_view::npos;
    out += plain ? text[start] : '_';
  }
  return out;
}

// `version` may have an epoch, "1:2.0", which must not look like a version and a platform.
std::string MakeRefName(const PackageName& package, std::string_view version,
                        std::string_view platform, const Digest& digest) {
  const std::string plain_version = ReferenceComponent(version);
  std::string name = ReferenceComponent(package.ns) + "/" + ReferenceComponent(package.name) + "@";
  bool exact = name == package.ToString() + "@" && plain_version == version;
  for (char c : plain_version) {
    exact = exact && c != ':' && c != '@';
    name += c == ':' || c == '@' ? '_' : c;
  }
  if (!platform.empty()) {
    const std::string plain_platform = ReferenceComponent(platform);
    exact = exact && plain_platform == platform;
    name += ":" + plain_platform;
  }
  return exact ? name : name + "@" + digest.hex().substr(0, 16);
}

}  // namespace

absl::StatusOr<ImageIndex> ParseImageIndex(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxIndexBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "image index");
  absl::StatusOr<ImageIndex> index = ReadImageIndex(*document);
  if (!index.ok()) return LocateError(index.status(), "image index");
  return index;
}

absl::StatusOr<Artifact> ParseArtifact(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxArtifactBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "artifact manifest");
  absl::StatusOr<Artifact> artifact = ReadArtifact(*document);
  if (!artifact.ok()) return LocateError(artifact.status(), "artifact manifest");
  return artifact;
}

absl::Status CheckLayoutMarker(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxLayoutMarkerBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "oci-layout");
  ObjectReader in(*document, kInvalid);
  Demand(in, "imageLayoutVersion", kLayoutVersion, /*required=*/true);
  absl::Status status = in.Finish();
  return status.ok() ? status : LocateError(status, "oci-layout");
}

absl::StatusOr<std::string> ReadArtifactType(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxManifestBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "manifest");
  auto found = document->is_object() ? document->find("artifactType") : document->end();
  if (found == document->end() || !found->is_string()) {
    return InvalidArgument(kInvalid,
                           "the manifest has no artifactType, so that it is no package "
                           "of a library; container images are not imported");
  }
  return found->get<std::string>();
}

std::string FormatImageIndex(const ImageIndex& index) {
  ordered_json manifests = ordered_json::array();
  for (const Descriptor& descriptor : index.manifests) {
    manifests.push_back(DescriptorJson(descriptor));
  }
  ordered_json document = {{"schemaVersion", 2},
                           {"mediaType", kImageIndexMediaType},
                           {"manifests", std::move(manifests)}};
  if (!index.annotations.empty()) document["annotations"] = index.annotations;
  return Dump(document);
}

std::string FormatArtifact(const Artifact& artifact) {
  ordered_json document = {
      {"schemaVersion", 2},
      {"mediaType", kManifestMediaType},
      {"artifactType", artifact.type},
      {"config", BlobJson(kEmptyMediaType, EmptyLayerBlob())},
      {"layers", ordered_json::array({BlobJson(artifact.layer_media_type, artifact.layer)})},
      {"subject", BlobJson(kManifestMediaType, artifact.subject)}};
  if (!artifact.annotations.empty()) document["annotations"] = artifact.annotations;
  return Dump(document);
}

std::string FormatLayoutMarker() { return Dump({{"imageLayoutVersion", kLayoutVersion}}); }

std::string RefName(const VariantName& variant, const Digest& manifest) {
  return MakeRefName(variant.package, variant.version, variant.platform.VariantId(), manifest);
}

std::string RefName(const PackageName& package, std::string_view version, const Digest& index) {
  return MakeRefName(package, version, "", index);
}

}  // namespace dml
