#include "tools/oci/oci_import.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "client/publication.h"
#include "core/crypto/sha256.h"
#include "core/trust/authority.h"
#include "core/trust/statement.h"
#include "tools/oci/layout_reader.h"
#include "tools/oci/layout_tar.h"
#include "tools/oci/patch_import.h"
#include "tools/oci/work_folder.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using Result = ImportedVariant::Result;

// What one publish may carry (TOO_MANY_ATTESTATIONS, and a message of 4 MiB); the rest is attached.
constexpr size_t kMaxPublishEnvelopes = 16;
constexpr size_t kMaxPublishBytes = 3 << 20;

absl::Status NotVerified(const VariantName& name, std::string_view what) {
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "{}: {}; nothing was imported",
                  name.ResourceName(), what);
}

// One variant's way into the library.
struct Plan {
  const LayoutVariant* variant;
  std::vector<size_t> envelopes;  // Those to bring, by index; publications first.
  std::set<Digest> present;       // Envelopes that the library has.
  ImportedVariant outcome;
};

absl::StatusOr<WorkFolder> MakeWorkFolder(const OciImportOptions& options) {
  if (!options.work_dir.empty()) return WorkFolder::Make(options.work_dir);
  std::error_code error;
  absl::StatusOr<WorkFolder> beside =
      WorkFolder::Make(fs::absolute(options.from, error).parent_path());
  if (beside.ok()) return beside;
  return WorkFolder::Make(fs::temp_directory_path(error));
}

class Importer {
 public:
  Importer(Client& client, const OciImportOptions& options, const ProgressFn& progress,
           const LayoutReader& layout)
      : client_(client),
        options_(options),
        progress_(progress),
        layout_(layout),
        patched_(client, [this] { return WorkDir(); }, progress) {}

  absl::StatusOr<OciImport> Run() {
    DML_ASSIGN_OR_RETURN(trust_, client_.GetTrust());
    for (const LayoutVariant& variant : layout_.variants()) {
      DML_RETURN_IF_ERROR(Verify(variant));
    }
    OciImport out;
    for (const Plan& plan : plans_) DML_RETURN_IF_ERROR(Upload(plan, out));
    for (Plan& plan : plans_) DML_RETURN_IF_ERROR(Publish(plan, /*validate_only=*/true));
    for (Plan& plan : plans_) {
      DML_RETURN_IF_ERROR(Publish(plan, /*validate_only=*/false));
      DML_RETURN_IF_ERROR(AttachRest(plan));
      out.variants.push_back(std::move(plan.outcome));
    }
    out.source_log_checked = options_.source_log_key.has_value();
    return out;
  }

 private:
  absl::Status Verify(const LayoutVariant& variant) {
    DML_ASSIGN_OR_RETURN(VariantDocuments documents, layout_.Load(variant));
    Plan plan{&variant, {}, {}, {}};
    plan.outcome.name = documents.name;
    plan.outcome.manifest = variant.manifest.digest;
    if (!names_.insert(documents.name).second) {
      return InvalidArgument(ErrorReason("LAYOUT_INVALID"),
                             "two manifests of the layout are {}; one variant has one manifest",
                             documents.name.ResourceName());
    }
    DML_RETURN_IF_ERROR(VerifyEnvelopes(documents, plan));
    const PublicKey* log_key =
        options_.source_log_key.has_value() ? &*options_.source_log_key : nullptr;
    absl::StatusOr<LoggedEntry> logged = VerifyLogProof(documents.log_proof, log_key);
    if (!logged.ok()) return NotVerified(documents.name, Message(logged.status()));
    plan.outcome.source_log = logged->checkpoint.origin;
    plan.outcome.source_index = logged->entry.index;
    for (const ManifestFile& file : documents.manifest.files) {
      if (!IsWhole(documents, file.blob) || !checked_.insert(file.blob).second) continue;
      absl::Status sound = layout_.CheckBlob(file.blob);
      if (!sound.ok()) return Annotate(sound, file.path);
    }
    if (variant.patch.has_value()) DML_RETURN_IF_ERROR(layout_.CheckBlob(*variant.patch));
    DML_RETURN_IF_ERROR(CompareWithLibrary(plan));
    plans_.push_back(std::move(plan));
    return absl::OkStatus();
  }

  static bool IsWhole(const VariantDocuments& documents, const BlobRef& blob) {
    const bool left_out =
        documents.left_out.has_value() && documents.left_out->blobs.contains(blob.digest);
    return !left_out && !documents.patched.contains(blob);
  }

  absl::Status VerifyEnvelopes(const VariantDocuments& documents, Plan& plan) const {
    const std::string& ns = documents.name.package.ns;
    std::vector<size_t> others;
    for (size_t i = 0; i < documents.envelopes.size(); ++i) {
      absl::StatusOr<bool> publication =
          VerifyAttestation(documents, plan.outcome.manifest, documents.envelopes[i]);
      if (publication.ok()) {
        (*publication ? plan.envelopes : others).push_back(i);
        continue;
      }
      if (!options_.leave_out_untrusted || Reason(publication.status()) != "SIGNATURE_MISSING") {
        return NotVerified(
            documents.name,
            fmt::format("attestation {}: {} (keys of this library for namespace {} count; register "
                        "what is missing with dml key register, or leave out such attestations)",
                        Sha256(documents.envelopes[i]).ToString(), Message(publication.status()),
                        ns));
      }
      ++plan.outcome.attestations_left_out;
    }
    if (plan.envelopes.empty()) {
      return NotVerified(documents.name, fmt::format("no publication is signed by a key that may "
                                                     "publish in {} here",
                                                     ns));
    }
    plan.envelopes.insert(plan.envelopes.end(), others.begin(), others.end());
    return absl::OkStatus();
  }

  // Whether it is a publication, once its subject is right and somebody has signed it whom this
  // library's trust root lets publish the package, or vouch for it.
  absl::StatusOr<bool> VerifyAttestation(const VariantDocuments& documents, const Digest& manifest,
                                         const std::string& json) const {
    DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(json));
    DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(envelope.payload));
    const bool publication = statement.predicate_type == kPublicationPredicate;
    if (publication) {
      DML_RETURN_IF_ERROR(ReadPublication(json, documents.name, manifest).status());
    }
    const bool about = std::ranges::any_of(
        statement.subjects, [&](const Subject& subject) { return subject.sha256 == manifest; });
    if (!about) {
      return InvalidArgument(ErrorReason("ATTESTATION_OF_OTHER_SUBJECT"),
                             "it is about another manifest");
    }
    constexpr SigningRole kPublishers[] = {SigningRole::kPublisher};
    DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                         SignatureSet::Create(std::span(&envelope, 1), kInTotoPayloadType));
    DML_ASSIGN_OR_RETURN(
        std::vector<Digest> signers,
        trust_.domain->Signers(signatures,
                               publication ? std::span<const SigningRole>(kPublishers)
                                           : std::span<const SigningRole>(kPackageRoles),
                               documents.name.package.ToString()));
    if (!signers.empty()) return publication;
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "nobody has signed it whom trust root {} names for {}",
                            trust_.root.root.version, documents.name.package.ToString());
  }

  absl::Status CompareWithLibrary(Plan& plan) const {
    absl::StatusOr<VariantDetails> details = client_.GetVariant(plan.outcome.name);
    if (Reason(details.status()) == "VARIANT_NOT_FOUND" ||
        Reason(details.status()) == "PACKAGE_NOT_FOUND") {
      return absl::OkStatus();
    }
    DML_RETURN_IF_ERROR(details.status());
    const VariantRecord& record = details->record;
    if (record.manifest.digest != plan.outcome.manifest) {
      return AlreadyExists(ErrorReason("VERSION_EXISTS"),
                           "{} has manifest {} in this library, and {} in the layout: a version "
                           "never changes; nothing was imported",
                           record.name.ResourceName(), record.manifest.digest.ToString(),
                           plan.outcome.manifest.ToString());
    }
    plan.outcome.result =
        record.state == VariantState::kPublished ? Result::kPresent : Result::kWithdrawn;
    for (const AttestationRecord& known : details->attestations) {
      plan.present.insert(known.ref.envelope.digest);
    }
    return absl::OkStatus();
  }

  absl::Status Upload(const Plan& plan, OciImport& out) {
    if (plan.outcome.result != Result::kPublished) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(VariantDocuments documents, layout_.Load(*plan.variant));
    const std::string& ns = documents.name.package.ns;
    for (const ManifestFile& file : documents.manifest.files) {
      if (!IsWhole(documents, file.blob)) continue;
      DML_RETURN_IF_ERROR(Send(ns, file.blob, layout_.BlobPath(file.blob.digest), out));
    }
    const bool all_sent = std::ranges::all_of(
        documents.patched, [&](const BlobRef& file) { return uploaded_.contains({ns, file}); });
    if (!plan.variant->patch.has_value() || all_sent) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(PatchReader patch, layout_.OpenPatch(*plan.variant->patch));
    return patched_.Make(std::move(patch), [&](const BlobRef& file, const fs::path& path) {
      const size_t before = out.files_uploaded;
      DML_RETURN_IF_ERROR(Send(ns, file, path, out));
      out.files_patched += out.files_uploaded - before;
      return absl::OkStatus();
    });
  }

  absl::Status Send(const std::string& ns, const BlobRef& file, const fs::path& path,
                    OciImport& out) {
    if (!uploaded_.insert({ns, file}).second) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(BlobRef sent, UploadFile(client_, ns, path, progress_));
    if (sent != file) {
      return DataLoss(ErrorReason("LAYOUT_BLOB_DAMAGED"),
                      "{} was changed while it was imported; nothing was published", path.string());
    }
    ++out.files_uploaded;
    return absl::OkStatus();
  }

  absl::StatusOr<fs::path> WorkDir() {
    if (!work_.has_value()) {
      DML_ASSIGN_OR_RETURN(WorkFolder made, MakeWorkFolder(options_));
      work_.emplace(std::move(made));
    }
    return work_->path();
  }

  absl::Status Publish(Plan& plan, bool validate_only) const {
    if (plan.outcome.result != Result::kPublished) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(VariantDocuments documents, layout_.Load(*plan.variant));
    std::vector<std::string> envelopes;
    size_t bytes = documents.manifest_json.size() + documents.spec_json.size();
    for (size_t index : plan.envelopes) {
      std::string& envelope = documents.envelopes[index];
      bytes += envelope.size();
      const bool full = envelopes.size() == kMaxPublishEnvelopes || bytes > kMaxPublishBytes;
      if (full && !envelopes.empty()) break;
      if (!validate_only) plan.present.insert(Sha256(envelope));
      envelopes.push_back(std::move(envelope));
    }
    MutationOptions mutation;
    mutation.validate_only = validate_only;
    absl::Status status =
        client_.PublishDocuments(documents.manifest_json, documents.spec_json, envelopes, mutation)
            .status();
    if (status.ok() && !validate_only) plan.outcome.attestations_added = envelopes.size();
    if (Reason(status) != "BLOB_NOT_FOUND" || !documents.left_out.has_value()) return status;
    return FailedPrecondition(
        ErrorReason("LAYOUT_BLOB_LEFT_OUT"),
        "{} needs a file that was left out, because inventory {} says that this library has it: "
        "{}; export again without --since, or with an inventory of this library",
        documents.name.ResourceName(), documents.left_out->inventory.ToString(), Message(status));
  }

  absl::Status AttachRest(Plan& plan) const {
    if (plan.outcome.result == Result::kWithdrawn) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(VariantDocuments documents, layout_.Load(*plan.variant));
    for (size_t index : plan.envelopes) {
      const std::string& envelope = documents.envelopes[index];
      if (!plan.present.insert(Sha256(envelope)).second) continue;
      absl::Status status = client_.Attach(documents.name, envelope).status();
      if (Reason(status) == "ATTESTATION_EXISTS") continue;
      DML_RETURN_IF_ERROR(status);
      ++plan.outcome.attestations_added;
    }
    return absl::OkStatus();
  }

  Client& client_;
  const OciImportOptions& options_;
  const ProgressFn& progress_;
  const LayoutReader& layout_;
  std::optional<WorkFolder> work_;
  PatchedFiles patched_;
  Trust trust_;
  std::vector<Plan> plans_;
  std::set<VariantName> names_;
  std::set<BlobRef> checked_;
  std::set<std::pair<std::string, BlobRef>> uploaded_;
};

absl::StatusOr<OciImport> ImportFolder(Client& client, const OciImportOptions& options,
                                       const fs::path& folder, const ProgressFn& progress) {
  DML_ASSIGN_OR_RETURN(LayoutReader layout, LayoutReader::Open(folder));
  return Importer(client, options, progress, layout).Run();
}

}  // namespace

absl::StatusOr<OciImport> ImportOci(Client& client, const OciImportOptions& options,
                                    const ProgressFn& progress) {
  std::error_code error;
  if (fs::is_directory(options.from, error)) {
    return ImportFolder(client, options, options.from, progress);
  }
  DML_ASSIGN_OR_RETURN(WorkFolder work, MakeWorkFolder(options));
  DML_RETURN_IF_ERROR(UnpackLayout(options.from, work.path()));
  return ImportFolder(client, options, work.path(), progress);
}

}  // namespace dml
