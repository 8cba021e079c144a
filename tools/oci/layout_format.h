// The JSON documents of an OCI image layout (github.com/opencontainers/image-spec, v1.1:
// image-layout.md, image-index.md, manifest.md, descriptor.md), as far as a library's layouts have
// them. docs/formats.md, "OCI layout", says what stands where.
//
// Strict readers (core/base/strict_json.h): unknown members are refused, sizes and counts limited
// before anything is built. Pure functions; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/package/manifest.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kImageIndexMediaType = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kEmptyMediaType = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view kEmptyJson = "{}";  // What a descriptor of that type names.

// Evidence about a variant: artifacts (struct Artifact) whose subject is the variant's manifest.
inline constexpr std::string_view kAttestationArtifact = "application/vnd.dml.attestation.v1+json";
inline constexpr std::string_view kLogProofArtifact = "application/vnd.dml.log-proof.v1+json";
inline constexpr std::string_view kLeftOutArtifact = "application/vnd.dml.left-out.v1+json";
inline constexpr std::string_view kPatchArtifact = "application/vnd.dml.patch.v1";
// What their one layer is.
inline constexpr std::string_view kEnvelopeMediaType = "application/vnd.dsse.envelope.v1+json";
inline constexpr std::string_view kLogProofMediaType = "application/vnd.c2sp.tlog-proof.v1";
inline constexpr std::string_view kLeftOutMediaType = "application/vnd.dml.left-out.v1+json";
inline constexpr std::string_view kPatchMediaType = "application/vnd.dml.patch.v1";

// Annotations.
inline constexpr std::string_view kRefNameKey = "org.opencontainers.image.ref.name";
inline constexpr std::string_view kVariantKey = "dev.dml.variant";  // Resource name of a variant.
/// Of an index.json from which something was left out: digest of the inventory that decided.
inline constexpr std::string_view kSinceKey = "dev.dml.since";

inline constexpr size_t kMaxLayoutMarkerBytes = 4096;
inline constexpr size_t kMaxIndexBytes = 8 << 20;
inline constexpr size_t kMaxIndexDescriptors = 16384;
inline constexpr size_t kMaxArtifactBytes = 64 << 10;

using Annotations = std::map<std::string, std::string>;

struct Descriptor {
  std::string media_type;
  BlobRef blob;
  std::string artifact_type;  // "": not said.
  Platform platform;          // Any: not said.
  Annotations annotations;
  bool operator==(const Descriptor&) const = default;
};

/// index.json, or an image index that is a blob.
struct ImageIndex {
  std::vector<Descriptor> manifests;
  Annotations annotations;
  bool operator==(const ImageIndex&) const = default;
};

/// An image manifest that says one thing about another manifest: an empty config, one layer.
struct Artifact {
  std::string type;
  std::string layer_media_type;
  BlobRef layer;
  BlobRef subject;  // An image manifest.
  Annotations annotations;
  bool operator==(const Artifact&) const = default;
};

/// All readers: INVALID_ARGUMENT (LAYOUT_INVALID, DIGEST_INVALID, NAME_INVALID) with the path of
/// the member. At most kMaxIndexBytes and kMaxIndexDescriptors; kMaxArtifactBytes.
absl::StatusOr<ImageIndex> ParseImageIndex(std::string_view json);
absl::StatusOr<Artifact> ParseArtifact(std::string_view json);
/// The file oci-layout, which must name layout version 1.0.0 (that of image-spec 1.0 and 1.1).
absl::Status CheckLayoutMarker(std::string_view json);
/// The artifactType within an image manifest of any kind: what it is, whoever points to it. At most
/// kMaxManifestBytes.
absl::StatusOr<std::string> ReadArtifactType(std::string_view json);

/// Compact JSON in the specification's order of members.
std::string FormatImageIndex(const ImageIndex& index);
std::string FormatArtifact(const Artifact& artifact);
std::string FormatLayoutMarker();

/// A reference by image-layout.md's grammar, by which other tools find the variant: its short form
/// "acme/api@2.4.1:linux-amd64". Where a character is not allowed there, "_" stands in its place,
/// and the manifest's first 16 hex digits follow after "@", so that no two variants share one.
std::string RefName(const VariantName& variant, const Digest& manifest);
/// The same for the image index of a version, "acme/api@2.4.1".
std::string RefName(const PackageName& package, std::string_view version, const Digest& index);

}  // namespace dml
