#include "tools/oci/layout_reader.h"

#include <algorithm>
#include <map>
#include <set>

#include <sys/stat.h>

#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/package/package_spec.h"
#include "core/rules/rules.h"
#include "core/trust/dsse.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr ErrorReason kInvalid("LAYOUT_INVALID");
constexpr ErrorReason kTypeUnknown("LAYOUT_TYPE_UNKNOWN");
constexpr ErrorReason kTooLarge("LAYOUT_TOO_LARGE");
constexpr uint64_t kMaxVariantEnvelopeBytes = 64 << 20;

absl::Status Damaged(const BlobRef& blob, const BlobRef& found) {
  return DataLoss(ErrorReason("LAYOUT_BLOB_DAMAGED"),
                  "the blob {} of {} bytes is damaged: found {} bytes with digest {}; copy the "
                  "layout again",
                  blob.digest.ToString(), blob.size, found.size, found.digest.ToString());
}

absl::Status SizeWrong(const BlobRef& blob, uint64_t found) {
  return DataLoss(ErrorReason("LAYOUT_BLOB_DAMAGED"),
                  "the blob {} has {} bytes, not {}; copy the layout again", blob.digest.ToString(),
                  found, blob.size);
}

absl::StatusOr<uint64_t> SizeOf(const FileDescriptor& file, const fs::path& path) {
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return IoError(errno, "read", path);
  return static_cast<uint64_t>(info.st_size);
}

std::string BlobName(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

absl::Status UnknownType(std::string_view what, std::string_view type, const BlobRef& blob) {
  return InvalidArgument(kTypeUnknown,
                         "{} has the type '{}', which is not of a library's layout; nothing is "
                         "imported of what is not understood",
                         what.empty() ? blob.digest.ToString() : what, Excerpt(type, 128));
}

// The entry must publish just this.
absl::Status CheckEntry(const VariantDocuments& documents, const BlobRef& manifest) {
  absl::StatusOr<LoggedEntry> logged = VerifyLogProof(documents.log_proof, nullptr);
  if (!logged.ok()) return Annotate(logged.status(), documents.name.ResourceName());
  return CheckPublishes(*logged, documents.name, manifest, documents.manifest.config);
}

// What was left out, or comes as a patch, must be of this variant, each file in one way.
absl::Status CheckLeftOut(const VariantDocuments& documents) {
  std::set<BlobRef> files;
  for (const ManifestFile& file : documents.manifest.files) files.insert(file.blob);
  for (const BlobRef& file : documents.patched) {
    const bool left_out =
        documents.left_out.has_value() && documents.left_out->blobs.contains(file.digest);
    if (files.contains(file) && !left_out) continue;
    return InvalidArgument(kInvalid,
                           "a patch makes {} of {} bytes, which is {} of {}; export again",
                           file.digest.ToString(), file.size,
                           left_out ? "left out, too," : "no file", documents.name.ResourceName());
  }
  if (!documents.left_out.has_value()) return absl::OkStatus();
  for (const auto& [digest, size] : documents.left_out->blobs) {
    if (files.contains({digest, size})) continue;
    return InvalidArgument(kInvalid, "{} is left out, but is no file of {}", digest.ToString(),
                           documents.name.ResourceName());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LayoutReader> LayoutReader::Open(const fs::path& folder) {
  DML_ASSIGN_OR_RETURN(SafeDirectory directory, SafeDirectory::Open(folder, /*create=*/false));
  LayoutReader out(std::move(directory));
  DML_ASSIGN_OR_RETURN(std::string marker, out.ReadDocument("oci-layout", kMaxLayoutMarkerBytes));
  DML_RETURN_IF_ERROR(CheckLayoutMarker(marker));
  DML_ASSIGN_OR_RETURN(std::string json, out.ReadDocument("index.json", kMaxIndexBytes));
  absl::StatusOr<ImageIndex> index = ParseImageIndex(json);
  if (!index.ok()) return Annotate(index.status(), "index.json");
  DML_RETURN_IF_ERROR(out.ReadManifests(*index));
  DML_RETURN_IF_ERROR(out.ReadVersionIndexes(*index));
  for (const LayoutVariant& variant : out.variants_) {
    if (!variant.envelopes.empty() && variant.log_proof.size > 0) continue;
    return FailedPrecondition(ErrorReason("LAYOUT_EVIDENCE_MISSING"),
                              "the layout has no {} of manifest {}: a copy without its evidence is "
                              "no copy; export it again, with dml export oci",
                              variant.envelopes.empty() ? "attestation" : "proof of publication",
                              variant.manifest.digest.ToString());
  }
  return out;
}

absl::StatusOr<std::string> LayoutReader::ReadDocument(std::string_view name,
                                                       uint64_t max_bytes) const {
  DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, folder_.Find(name, /*create=*/false));
  absl::StatusOr<FileDescriptor> file = SafeDirectory::OpenFile(place);
  if (file.status().code() == absl::StatusCode::kNotFound) {
    return InvalidArgument(kInvalid,
                           "there is no {}: it is no OCI image layout, or not a whole one",
                           place.path.string());
  }
  DML_RETURN_IF_ERROR(file.status());
  std::string out;
  DML_RETURN_IF_ERROR(ReadAt(*file, 0, max_bytes + 1, out, place.path));
  if (out.size() > max_bytes) {
    return ResourceExhausted(kTooLarge, "{} has more than {} bytes; export fewer variants at once",
                             place.path.string(), max_bytes);
  }
  return out;
}

fs::path LayoutReader::BlobPath(const Digest& digest) const {
  return folder_.path() / BlobName(digest);
}

absl::StatusOr<FileDescriptor> LayoutReader::OpenBlob(const BlobRef& blob) const {
  absl::StatusOr<SafeDirectory::Place> place =
      folder_.Find(BlobName(blob.digest), /*create=*/false);
  absl::StatusOr<FileDescriptor> file =
      place.ok() ? SafeDirectory::OpenFile(*place) : absl::StatusOr<FileDescriptor>(place.status());
  if (file.status().code() == absl::StatusCode::kNotFound) {
    return DataLoss(ErrorReason("LAYOUT_BLOB_MISSING"),
                    "the blob {} of {} bytes is named but not there, and was not left out on "
                    "purpose; copy the layout again",
                    blob.digest.ToString(), blob.size);
  }
  DML_RETURN_IF_ERROR(file.status());
  DML_ASSIGN_OR_RETURN(uint64_t size, SizeOf(*file, place->path));
  if (size != blob.size) return SizeWrong(blob, size);
  return file;
}

absl::StatusOr<std::string> LayoutReader::ReadBlob(const BlobRef& blob, uint64_t max_bytes) const {
  if (blob.size > max_bytes) {
    return ResourceExhausted(kTooLarge, "the document {} is said to have {} bytes; at most {}",
                             blob.digest.ToString(), blob.size, max_bytes);
  }
  DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenBlob(blob));
  std::string out;
  DML_RETURN_IF_ERROR(ReadAt(file, 0, blob.size, out, BlobPath(blob.digest)));
  const BlobRef found{Sha256(out), out.size()};
  if (found != blob) return Damaged(blob, found);
  return out;
}

absl::Status LayoutReader::CheckBlob(const BlobRef& blob) const {
  DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenBlob(blob));
  DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(file, BlobPath(blob.digest)));
  return found == blob ? absl::OkStatus() : Damaged(blob, found);
}

absl::StatusOr<PatchReader> LayoutReader::OpenPatch(const BlobRef& blob) const {
  DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenBlob(blob));
  return PatchReader::Open(std::move(file), BlobPath(blob.digest));
}

// Variants first, so that evidence may stand before what it is about.
absl::Status LayoutReader::ReadManifests(const ImageIndex& index) {
  std::set<BlobRef> seen;
  std::map<BlobRef, size_t> places;  // Of variants_.
  std::vector<Artifact> artifacts;
  for (const Descriptor& descriptor : index.manifests) {
    if (descriptor.media_type == kImageIndexMediaType) continue;
    if (descriptor.media_type != kManifestMediaType) {
      return UnknownType("", descriptor.media_type, descriptor.blob);
    }
    if (!seen.insert(descriptor.blob).second) continue;
    DML_ASSIGN_OR_RETURN(std::string json, ReadBlob(descriptor.blob, kMaxManifestBytes));
    DML_ASSIGN_OR_RETURN(const std::string type, ReadArtifactType(json));
    if (!descriptor.artifact_type.empty() && descriptor.artifact_type != type) {
      return InvalidArgument(kInvalid, "index.json calls {} a '{}', but it is a '{}'",
                             descriptor.blob.digest.ToString(), Excerpt(descriptor.artifact_type),
                             Excerpt(type));
    }
    if (type == kManifestArtifactType) {
      places[descriptor.blob] = variants_.size();
      variants_.push_back({descriptor.blob, {}, {}, {}, {}});
      continue;
    }
    if (type != kAttestationArtifact && type != kLogProofArtifact && type != kLeftOutArtifact &&
        type != kPatchArtifact) {
      return UnknownType("", type, descriptor.blob);
    }
    DML_ASSIGN_OR_RETURN(artifacts.emplace_back(), ParseArtifact(json));
  }
  for (const Artifact& artifact : artifacts) {
    auto found = places.find(artifact.subject);
    if (found == places.end()) {
      return InvalidArgument(kInvalid, "evidence about manifest {}, which index.json does not list",
                             artifact.subject.digest.ToString());
    }
    DML_RETURN_IF_ERROR(AddEvidence(artifact, variants_[found->second]));
  }
  return absl::OkStatus();
}

absl::Status LayoutReader::AddEvidence(const Artifact& artifact, LayoutVariant& variant) const {
  const std::string_view layer_type = artifact.type == kAttestationArtifact ? kEnvelopeMediaType
                                      : artifact.type == kLogProofArtifact  ? kLogProofMediaType
                                      : artifact.type == kPatchArtifact     ? kPatchMediaType
                                                                            : kLeftOutMediaType;
  if (artifact.layer_media_type != layer_type) {
    return UnknownType("the layer of evidence", artifact.layer_media_type, artifact.layer);
  }
  if (artifact.type == kAttestationArtifact) {
    if (variant.envelopes.size() == kMaxVariantAttestations) {
      return ResourceExhausted(kTooLarge, "manifest {} has more than {} attestations",
                               variant.manifest.digest.ToString(), kMaxVariantAttestations);
    }
    if (std::ranges::count(variant.envelopes, artifact.layer) == 0) {
      variant.envelopes.push_back(artifact.layer);
    }
    return absl::OkStatus();
  }
  const bool second = artifact.type == kLogProofArtifact ? variant.log_proof.size > 0
                      : artifact.type == kPatchArtifact  ? variant.patch.has_value()
                                                         : variant.left_out.has_value();
  if (second || artifact.layer.size == 0) {
    return InvalidArgument(kInvalid, "manifest {} has an empty or a second '{}'",
                           variant.manifest.digest.ToString(), artifact.type);
  }
  if (artifact.type == kLogProofArtifact) {
    variant.log_proof = artifact.layer;
  } else if (artifact.type == kPatchArtifact) {
    variant.patch = artifact.layer;
  } else {
    variant.left_out = artifact.layer;
  }
  return absl::OkStatus();
}

// For other tools only; here they need not be right, but must not name what is not there.
absl::Status LayoutReader::ReadVersionIndexes(const ImageIndex& index) const {
  std::set<BlobRef> listed;
  for (const LayoutVariant& variant : variants_) listed.insert(variant.manifest);
  std::set<BlobRef> seen;
  for (const Descriptor& descriptor : index.manifests) {
    if (descriptor.media_type != kImageIndexMediaType) continue;
    if (!seen.insert(descriptor.blob).second) continue;
    DML_ASSIGN_OR_RETURN(std::string json, ReadBlob(descriptor.blob, kMaxIndexBytes));
    DML_ASSIGN_OR_RETURN(ImageIndex version, ParseImageIndex(json));
    for (const Descriptor& variant : version.manifests) {
      if (variant.media_type == kManifestMediaType && listed.contains(variant.blob)) continue;
      return InvalidArgument(kInvalid, "image index {} names {}, which index.json does not list",
                             descriptor.blob.digest.ToString(), variant.blob.digest.ToString());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<VariantDocuments> LayoutReader::Load(const LayoutVariant& variant) const {
  VariantDocuments out;
  DML_ASSIGN_OR_RETURN(out.manifest_json, ReadBlob(variant.manifest, kMaxManifestBytes));
  DML_ASSIGN_OR_RETURN(out.manifest, ParseManifest(out.manifest_json));
  DML_ASSIGN_OR_RETURN(out.spec_json, ReadBlob(out.manifest.config, kMaxPackageSpecBytes));
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(out.spec_json));
  out.name = {spec.package, spec.version.text(), spec.platform};
  uint64_t envelope_bytes = 0;
  for (const BlobRef& envelope : variant.envelopes) {
    envelope_bytes += std::min<uint64_t>(envelope.size, kMaxVariantEnvelopeBytes + 1);
    if (envelope_bytes > kMaxVariantEnvelopeBytes) {
      return ResourceExhausted(kTooLarge, "{}: more than {} bytes of attestations",
                               out.name.ResourceName(), kMaxVariantEnvelopeBytes);
    }
    DML_ASSIGN_OR_RETURN(out.envelopes.emplace_back(), ReadBlob(envelope, kMaxEnvelopeBytes));
  }
  DML_ASSIGN_OR_RETURN(std::string proof, ReadBlob(variant.log_proof, kMaxLogProofBytes));
  DML_ASSIGN_OR_RETURN(out.log_proof, ParseLogProof(proof));
  if (variant.left_out.has_value()) {
    DML_ASSIGN_OR_RETURN(std::string json, ReadBlob(*variant.left_out, kMaxLeftOutBytes));
    DML_ASSIGN_OR_RETURN(out.left_out.emplace(), ParseLeftOut(json));
  }
  if (variant.patch.has_value()) {
    DML_ASSIGN_OR_RETURN(PatchReader patch, OpenPatch(*variant.patch));
    for (const PatchBase& base : patch.header().bases) {
      if (base.variant.package == out.name.package) continue;
      return InvalidArgument(kInvalid, "a patch of {} rests on {}, which is another package",
                             out.name.ResourceName(), base.variant.ResourceName());
    }
    out.patched.insert(patch.header().files.begin(), patch.header().files.end());
  }
  DML_RETURN_IF_ERROR(CheckEntry(out, variant.manifest));
  DML_RETURN_IF_ERROR(CheckLeftOut(out));
  return out;
}

}  // namespace dml
