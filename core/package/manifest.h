// The manifest: the document that names a package variant's blobs.
//
// It is an OCI image manifest 1.1 (https://github.com/opencontainers/image-spec, manifest.md) with
// artifactType kManifestArtifactType: `config` is the package spec, `layers` are the files, each
// named by its annotation org.opencontainers.image.title. The stored bytes are those that were
// uploaded; its digest is the digest of those bytes, never of a value printed again.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"

namespace dml {

inline constexpr std::string_view kManifestMediaType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kManifestArtifactType = "application/vnd.dml.package.v1+json";
inline constexpr std::string_view kPackageSpecMediaType =
    "application/vnd.dml.package.spec.v1+json";
inline constexpr std::string_view kDefaultFileMediaType = "application/octet-stream";

inline constexpr size_t kMaxManifestBytes = 4 << 20;
inline constexpr size_t kMaxManifestFiles = 65536;
/// OCI sizes are signed 64-bit; the sum over a manifest must stay within that too.
inline constexpr uint64_t kMaxManifestTotalBytes = INT64_MAX;

/// One file of the package: its name (ValidateFilePath) and the blob that holds its bytes.
struct ManifestFile {
  std::string path;
  BlobRef blob;
  std::string media_type = std::string(kDefaultFileMediaType);
  auto operator<=>(const ManifestFile&) const = default;
};

struct Manifest {
  BlobRef config;                   // The package spec.
  std::vector<ManifestFile> files;  // No two with one path, none inside another.
  std::map<std::string, std::string> annotations;

  /// Bytes of all blobs, the package spec included; a blob named twice counts twice.
  uint64_t total_size() const;
  bool operator==(const Manifest&) const = default;
};

/// Reads a manifest of one meaning only: mediaType is demanded inside the document, and every
/// member that is not part of the format above (`manifests`, `fsLayers`, `subject`, ...) is
/// refused. No file at all is the one OCI empty layer. INVALID_ARGUMENT with reason
/// MANIFEST_INVALID (or PATH_INVALID, DIGEST_INVALID for those) and the path of the member.
absl::StatusOr<Manifest> ParseManifest(std::string_view json);

/// The document for a manifest that an author made up, files sorted by path: the same content gives
/// the same bytes. ParseManifest reads it back where the manifest is valid.
std::string FormatManifest(const Manifest& manifest);

/// The OCI empty blob, which stands in `layers` where there is no file: the two bytes "{}". It need
/// not be uploaded.
const BlobRef& EmptyLayerBlob();

}  // namespace dml
