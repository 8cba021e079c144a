#include "core/package/manifest.h"

#include <algorithm>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/package/names.h"
#include "core/package/package_spec.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("MANIFEST_INVALID");
constexpr std::string_view kEmptyMediaType = "application/vnd.oci.empty.v1+json";
constexpr std::string_view kTitleKey = "org.opencontainers.image.title";
constexpr size_t kMaxMediaTypeBytes = 255;
constexpr size_t kMaxAnnotations = 64;
constexpr size_t kMaxAnnotationBytes = 4096;

// RFC 6838 section 4.2, restricted names, at most 127 a part.
bool IsMediaType(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  for (std::string_view part : {text.substr(0, slash), text.substr(slash + 1)}) {
    if (part.empty() || part.size() > 127) return false;
    for (size_t i = 0; i < part.size(); ++i) {
      char c = part[i];
      bool alphanumeric =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!alphanumeric && (i == 0 || std::string_view("!#$&-^_.+").find(c) == std::string::npos)) {
        return false;
      }
    }
  }
  return true;
}

// A member that must have exactly one value.
void Demand(ObjectReader& in, std::string_view key, std::string_view expected) {
  std::string found = in.String(key, kMaxMediaTypeBytes);
  if (found != expected) {
    in.Check(key, InvalidArgument(kInvalid, "member '{}' is '{}'; it must be '{}'", key,
                                  Excerpt(found), expected));
  }
}

BlobRef ReadBlobRef(ObjectReader& in) {
  BlobRef blob;
  std::string digest = in.String("digest", 128);
  absl::StatusOr<Digest> parsed = Digest::Parse(digest);
  in.Check("digest", parsed.status());
  if (parsed.ok()) blob.digest = *parsed;
  blob.size = in.Unsigned("size", 0, kMaxManifestTotalBytes);
  return blob;
}

absl::Status ReadConfig(const json& value, Manifest& manifest) {
  ObjectReader in(value, kInvalid);
  Demand(in, "mediaType", kPackageSpecMediaType);
  manifest.config = ReadBlobRef(in);
  if (manifest.config.size > kMaxPackageSpecBytes) {
    in.Check("size", InvalidArgument(kInvalid, "a package spec of {} bytes; at most {} are allowed",
                                     manifest.config.size, kMaxPackageSpecBytes));
  }
  return in.Finish();
}

absl::Status ReadTitle(const json& value, std::string& path) {
  ObjectReader in(value, kInvalid);
  path = in.String(kTitleKey, kMaxAnnotationBytes);
  in.Check(kTitleKey, ValidateFilePath(path));
  return in.Finish();
}

absl::StatusOr<ManifestFile> ReadFile(const json& value) {
  ObjectReader in(value, kInvalid);
  ManifestFile file;
  file.media_type = in.String("mediaType", kMaxMediaTypeBytes);
  if (!IsMediaType(file.media_type)) {
    in.Check("mediaType",
             InvalidArgument(kInvalid, "'{}' is not a media type", Excerpt(file.media_type)));
  }
  if (file.media_type == kEmptyMediaType) {
    in.Check("mediaType", InvalidArgument(kInvalid, "the empty layer must be the only one"));
  }
  file.blob = ReadBlobRef(in);
  in.ReadRequired("annotations", [&](const json& title) { return ReadTitle(title, file.path); });
  DML_RETURN_IF_ERROR(in.Finish());
  return file;
}

absl::Status ReadEmptyLayer(const json& value) {
  ObjectReader in(value, kInvalid);
  Demand(in, "mediaType", kEmptyMediaType);
  if (ReadBlobRef(in) != EmptyLayerBlob()) {
    in.Check("digest", InvalidArgument(kInvalid, "the empty layer must be {} with size {}",
                                       EmptyLayerBlob().digest.ToString(), EmptyLayerBlob().size));
  }
  return in.Finish();
}

bool IsEmptyLayer(const json& layers) {
  if (!layers.is_array() || layers.size() != 1 || !layers[0].is_object()) return false;
  auto type = layers[0].find("mediaType");
  return type != layers[0].end() && *type == kEmptyMediaType;
}

// Paths with '/' before every other character: what lies inside a folder comes right after it.
bool PathLess(std::string_view a, std::string_view b) {
  auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<uint8_t>(c)); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

absl::Status CheckPathsApart(const std::vector<ManifestFile>& files) {
  std::vector<std::string_view> paths;
  paths.reserve(files.size());
  for (const ManifestFile& file : files) paths.push_back(file.path);
  std::sort(paths.begin(), paths.end(), PathLess);
  for (size_t i = 1; i < paths.size(); ++i) {
    std::string_view before = paths[i - 1], path = paths[i];
    if (path == before) {
      return InvalidArgument(kInvalid, "two layers are named '{}'", Excerpt(path, 256));
    }
    if (path.starts_with(before) && path[before.size()] == '/') {
      return InvalidArgument(kInvalid, "'{}' is a file, so that '{}' cannot lie inside it",
                             Excerpt(before, 256), Excerpt(path, 256));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTotalSize(const Manifest& manifest) {
  uint64_t left = kMaxManifestTotalBytes - manifest.config.size;
  for (const ManifestFile& file : manifest.files) {
    if (file.blob.size > left) {
      return InvalidArgument(kInvalid, "the sizes of all layers add up to more than {} bytes",
                             kMaxManifestTotalBytes);
    }
    left -= file.blob.size;
  }
  return absl::OkStatus();
}

void ReadLayers(ObjectReader& in, const json& document, Manifest& manifest) {
  constexpr std::string_view kLayers = "layers";
  if (in.Has(kLayers) && IsEmptyLayer(document[kLayers])) {
    in.ForEach(kLayers, 1, ReadEmptyLayer);
    return;
  }
  in.ForEach(kLayers, kMaxManifestFiles, [&](const json& layer) -> absl::Status {
    DML_ASSIGN_OR_RETURN(ManifestFile file, ReadFile(layer));
    manifest.files.push_back(std::move(file));
    return absl::OkStatus();
  });
  if (manifest.files.empty()) {
    in.Check(kLayers, InvalidArgument(kInvalid,
                                      "at least one layer is needed; a package without files has "
                                      "the OCI empty layer"));
  }
  in.Check(kLayers, CheckPathsApart(manifest.files));
}

absl::StatusOr<Manifest> ReadManifest(const json& document) {
  ObjectReader in(document, kInvalid);
  Manifest manifest;
  in.Unsigned("schemaVersion", 2, 2);
  Demand(in, "mediaType", kManifestMediaType);
  Demand(in, "artifactType", kManifestArtifactType);
  in.ReadRequired("config", [&](const json& value) { return ReadConfig(value, manifest); });
  ReadLayers(in, document, manifest);
  manifest.annotations = in.StringMap("annotations", kMaxAnnotations, kMaxAnnotationBytes);
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(AtField(CheckTotalSize(manifest), "layers"));
  return manifest;
}

nlohmann::ordered_json DescriptorJson(std::string_view media_type, const BlobRef& blob) {
  return {{"mediaType", media_type}, {"digest", blob.digest.ToString()}, {"size", blob.size}};
}

}  // namespace

const BlobRef& EmptyLayerBlob() {
  static const BlobRef blob{Sha256("{}"), 2};
  return blob;
}

uint64_t Manifest::total_size() const {
  uint64_t total = config.size;
  for (const ManifestFile& file : files) total += file.blob.size;
  return total;
}

absl::StatusOr<Manifest> ParseManifest(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxManifestBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "manifest");
  absl::StatusOr<Manifest> manifest = ReadManifest(*document);
  if (!manifest.ok()) return LocateError(manifest.status(), "manifest");
  return manifest;
}

std::string FormatManifest(const Manifest& manifest) {
  std::vector<ManifestFile> files = manifest.files;
  std::sort(files.begin(), files.end());
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const ManifestFile& file : files) {
    nlohmann::ordered_json layer = DescriptorJson(file.media_type, file.blob);
    layer["annotations"] = {{std::string(kTitleKey), file.path}};
    layers.push_back(std::move(layer));
  }
  if (layers.empty()) layers.push_back(DescriptorJson(kEmptyMediaType, EmptyLayerBlob()));
  nlohmann::ordered_json document = {
      {"schemaVersion", 2},
      {"mediaType", kManifestMediaType},
      {"artifactType", kManifestArtifactType},
      {"config", DescriptorJson(kPackageSpecMediaType, manifest.config)},
      {"layers", std::move(layers)}};
  if (!manifest.annotations.empty()) document["annotations"] = manifest.annotations;
  return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace dml
