#include "tools/oci/oci_export.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "core/evidence/log_proof.h"
#include "core/package/manifest.h"
#include "tools/oci/layout_format.h"
#include "tools/oci/layout_writer.h"
#include "tools/oci/patch_export.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPredicateTypeKey = "dev.dml.predicate-type";
constexpr size_t kMaxAnnotatedType = 255;

absl::Status RefuseReport(const VariantName& name, const VerificationReport& report) {
  std::string failed;
  for (const VerificationStep& step : report.steps) {
    if (!step.passed) failed += fmt::format("; {}: {}", step.what, step.detail);
  }
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "{} is not exported, it does not verify{}",
                  name.ResourceName(), failed);
}

class Exporter {
 public:
  Exporter(Client& client, const OciExportOptions& options, const ProgressFn& progress,
           LayoutWriter writer)
      : client_(client), options_(options), progress_(progress), writer_(std::move(writer)) {}

  absl::StatusOr<OciExport> Run() {
    DML_RETURN_IF_ERROR(writer_.AddBytes(kEmptyJson).status());
    const std::set<VariantName> names(options_.variants.begin(), options_.variants.end());
    for (const VariantName& name : names) DML_RETURN_IF_ERROR(ExportVariant(name));
    DML_RETURN_IF_ERROR(AddVersionIndexes());
    if (options_.since.has_value()) {
      index_.annotations[std::string(kSinceKey)] = options_.since_digest.ToString();
    }
    const std::string json = FormatImageIndex(index_);
    if (index_.manifests.size() > kMaxIndexDescriptors || json.size() > kMaxIndexBytes) {
      return ResourceExhausted(ErrorReason("LAYOUT_TOO_LARGE"),
                               "{} manifests in {} bytes of index.json, at most {} in {}; export "
                               "fewer variants at once",
                               index_.manifests.size(), json.size(), kMaxIndexDescriptors,
                               kMaxIndexBytes);
    }
    out_.blob_bytes = writer_.blob_bytes();
    DML_RETURN_IF_ERROR(writer_.Finish(json));
    return std::move(out_);
  }

 private:
  absl::Status ExportVariant(const VariantName& name) {
    DML_ASSIGN_OR_RETURN(VariantDetails details, client_.GetVariant(name));
    const VariantRecord& record = details.record;
    ExportedVariant& exported = out_.variants.emplace_back();
    exported.name = name;
    exported.manifest = record.manifest.digest;
    if (record.state == VariantState::kQuarantined || record.state == VariantState::kRejected) {
      return FailedPrecondition(
          ErrorReason(record.state == VariantState::kQuarantined ? "VERSION_QUARANTINED"
                                                                 : "VERSION_REJECTED"),
          "{} is {} ({}): it is not exported, as nobody there would learn of it{}",
          name.ResourceName(), VariantStateName(record.state), record.admission_reason,
          record.state == VariantState::kQuarantined
              ? "; who decides on quarantine lets it out (dml quarantine release)"
              : "");
    }
    if (record.state != VariantState::kPublished) {
      return FailedPrecondition(ErrorReason("VARIANT_WITHDRAWN"),
                                "{} was withdrawn ({}): it is not exported, as nobody there would "
                                "learn of it",
                                name.ResourceName(), record.withdraw_reason);
    }
    DML_ASSIGN_OR_RETURN(exported.left_out, IsThere(name, exported.manifest));
    if (exported.left_out) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
    exported.files = manifest.files.size();
    LeftOut left_out{options_.since_digest, {}};
    std::optional<KnownChunks::Patch> patch;
    DML_RETURN_IF_ERROR(AddFiles(name, manifest, left_out, patch));
    if (patch.has_value()) exported.files_patched = patch->files.size();
    for (const ManifestFile& file : manifest.files) {
      if (left_out.blobs.contains(file.blob.digest)) ++exported.files_left_out;
    }
    DML_RETURN_IF_ERROR(AddDocuments(details));
    exported.attestations = details.envelopes.size();
    if (patch.has_value()) {
      DML_RETURN_IF_ERROR(
          AddArtifact(kPatchArtifact, kPatchMediaType, patch->blob, record.manifest, {}));
    }
    return left_out.blobs.empty() ? absl::OkStatus()
                                  : AddEvidence(kLeftOutArtifact, kLeftOutMediaType,
                                                FormatLeftOut(left_out), record.manifest, {});
  }

  absl::StatusOr<bool> IsThere(const VariantName& name, const Digest& manifest) const {
    const Digest* there = options_.since.has_value() ? options_.since->FindVariant(name) : nullptr;
    if (there == nullptr || *there == manifest) return there != nullptr;
    return FailedPrecondition(ErrorReason("VARIANT_CONFLICT"),
                              "{} has manifest {} here and {} in the inventory of {}: one of them "
                              "is not what its name says, and it could not be imported",
                              name.ResourceName(), manifest.ToString(), there->ToString(),
                              options_.since->origin);
  }

  // Fetches and verifies the variant; where none of its files is needed, only verifies it.
  absl::Status AddFiles(const VariantName& name, const Manifest& manifest, LeftOut& left_out,
                        std::optional<KnownChunks::Patch>& patch) {
    bool needed = false;
    for (const ManifestFile& file : manifest.files) {
      if (options_.since.has_value() && options_.since->HasBlob(name.package.ns, file.blob)) {
        left_out.blobs.emplace(file.blob.digest, file.blob.size);
      } else {
        needed = needed || !writer_.Has(file.blob.digest);
      }
    }
    if (!needed) {
      DML_ASSIGN_OR_RETURN(VerificationReport report, VerifyVariant(client_, name, {}));
      return report.passed ? absl::OkStatus() : RefuseReport(name, report);
    }
    const fs::path files = writer_.scratch() / "files";
    DML_RETURN_IF_ERROR(DownloadVariant(client_, name, files, {}, progress_).status());
    DML_ASSIGN_OR_RETURN(patch, AddPatch(name, manifest, left_out, files));
    for (const ManifestFile& file : manifest.files) {
      if (left_out.blobs.contains(file.blob.digest)) continue;
      if (patch.has_value() && patch->files.contains(file.blob)) continue;
      DML_RETURN_IF_ERROR(writer_.AddFile(file.blob, files / file.path));
    }
    std::error_code ignored;
    fs::remove_all(files, ignored);
    return absl::OkStatus();
  }

  // The files that lie in a folder and of which the receiver has enough in parts.
  absl::StatusOr<std::optional<KnownChunks::Patch>> AddPatch(const VariantName& name,
                                                             const Manifest& manifest,
                                                             const LeftOut& left_out,
                                                             const fs::path& folder) {
    if (!options_.since.has_value()) return std::nullopt;
    if (!known_.has_value() || known_->first != name.package) {
      DML_ASSIGN_OR_RETURN(KnownChunks known,
                           KnownChunks::Take(client_, *options_.since, name.package));
      known_.emplace(name.package, std::move(known));
    }
    std::vector<ManifestFile> wanted;
    for (const ManifestFile& file : manifest.files) {
      const bool there = left_out.blobs.contains(file.blob.digest) || writer_.Has(file.blob.digest);
      if (!there) wanted.push_back(file);
    }
    const fs::path path = writer_.scratch() / "patch";
    DML_ASSIGN_OR_RETURN(std::optional<KnownChunks::Patch> patch,
                         known_->second.WritePatch(client_, name, wanted, folder, path));
    if (patch.has_value()) DML_RETURN_IF_ERROR(writer_.AddFile(patch->blob, path));
    return patch;
  }

  absl::Status AddDocuments(const VariantDetails& details) {
    const VariantRecord& record = details.record;
    DML_RETURN_IF_ERROR(writer_.AddBytes(details.manifest).status());
    DML_RETURN_IF_ERROR(writer_.AddBytes(details.spec).status());
    Descriptor descriptor{std::string(kManifestMediaType),
                          record.manifest,
                          std::string(kManifestArtifactType),
                          record.name.platform,
                          {}};
    descriptor.annotations[std::string(kVariantKey)] = record.name.ResourceName();
    versions_[{record.name.package, record.name.version}].push_back(descriptor);
    descriptor.annotations[std::string(kRefNameKey)] = RefName(record.name, record.manifest.digest);
    index_.manifests.push_back(std::move(descriptor));
    for (size_t i = 0; i < details.envelopes.size(); ++i) {
      const std::string& type = details.attestations[i].ref.predicate_type;
      Annotations annotations;
      if (type.size() <= kMaxAnnotatedType) annotations[std::string(kPredicateTypeKey)] = type;
      DML_RETURN_IF_ERROR(AddEvidence(kAttestationArtifact, kEnvelopeMediaType,
                                      details.envelopes[i], record.manifest,
                                      std::move(annotations)));
    }
    DML_ASSIGN_OR_RETURN(ProvenEntry entry, client_.ProveEntry(record.published_index));
    LogProof proof{entry.index, std::move(entry.leaf), std::move(entry.proof),
                   std::move(entry.checkpoint_note)};
    return AddEvidence(kLogProofArtifact, kLogProofMediaType, FormatLogProof(proof),
                       record.manifest, {});
  }

  absl::Status AddEvidence(std::string_view type, std::string_view media_type,
                           std::string_view bytes, const BlobRef& subject,
                           Annotations annotations) {
    DML_ASSIGN_OR_RETURN(BlobRef layer, writer_.AddBytes(bytes));
    return AddArtifact(type, media_type, layer, subject, std::move(annotations));
  }

  absl::Status AddArtifact(std::string_view type, std::string_view media_type, const BlobRef& layer,
                           const BlobRef& subject, Annotations annotations) {
    Artifact artifact;
    artifact.type = type;
    artifact.layer_media_type = media_type;
    artifact.layer = layer;
    artifact.subject = subject;
    artifact.annotations = annotations;
    DML_ASSIGN_OR_RETURN(BlobRef manifest, writer_.AddBytes(FormatArtifact(artifact)));
    index_.manifests.push_back(
        {std::string(kManifestMediaType), manifest, std::string(type), {}, std::move(annotations)});
    return absl::OkStatus();
  }

  absl::Status AddVersionIndexes() {
    for (auto& [version, variants] : versions_) {
      DML_ASSIGN_OR_RETURN(BlobRef blob,
                           writer_.AddBytes(FormatImageIndex({std::move(variants), {}})));
      index_.manifests.push_back(
          {std::string(kImageIndexMediaType),
           blob,
           "",
           {},
           {{std::string(kRefNameKey), RefName(version.first, version.second, blob.digest)}}});
    }
    return absl::OkStatus();
  }

  Client& client_;
  const OciExportOptions& options_;
  const ProgressFn& progress_;
  LayoutWriter writer_;
  std::optional<std::pair<PackageName, KnownChunks>> known_;  // Of the package at hand.
  ImageIndex index_;
  std::map<std::pair<PackageName, std::string>, std::vector<Descriptor>> versions_;
  OciExport out_;
};

}  // namespace

absl::StatusOr<OciExport> ExportOci(Client& client, const OciExportOptions& options,
                                    const ProgressFn& progress) {
  DML_ASSIGN_OR_RETURN(LayoutWriter writer, LayoutWriter::Create(options.to));
  return Exporter(client, options, progress, std::move(writer)).Run();
}

}  // namespace dml
