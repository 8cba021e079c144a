#include "client/transfer.h"

#include "client/download.h"
#include "client/file_chunks.h"
#include "client/publication.h"
#include "client/publication_draft.h"
#include "client/signing_keys.h"
#include "client/upload.h"
#include "client/verify.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

VariantName NameOf(const PackageSpec& spec) {
  return {spec.package, spec.version.text(), spec.platform};
}

// What others have signed must be this: nothing is uploaded otherwise.
absl::Status CheckInput(const PublishInput& input) {
  DML_RETURN_IF_ERROR(CheckFileNames(input.files));
  if (!input.keys.empty()) return absl::OkStatus();
  if (input.extra_envelopes.empty()) {
    return InvalidArgument(ErrorReason("PUBLISHER_KEY_MISSING"),
                           "no key was given; a package is published with a publisher's signature");
  }
  DML_ASSIGN_OR_RETURN(PublicationDraft draft, DraftPublication(input.spec_json, input.files));
  return RequirePublicationOf(draft, input.extra_envelopes);
}

// An error of a publication, in place of which a revoked key is told.
absl::Status ExplainRefusal(Client& client, const PublishInput& input, const absl::Status& status) {
  if (Reason(status) != "SIGNATURE_MISSING" && Reason(status) != "THRESHOLD_NOT_MET") return status;
  const absl::Status revoked = CheckNotRevoked(client, input.keys);
  return Reason(revoked) == "KEY_REVOKED" ? revoked : status;
}

}  // namespace

absl::StatusOr<CommittedOnce<VariantRecord>> PublishPackage(Client& client,
                                                            const PublishInput& input,
                                                            const ProgressFn& progress,
                                                            const MutationOptions& options) {
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(input.spec_json));
  DML_RETURN_IF_ERROR(CheckInput(input));
  uint64_t total = 0;
  for (const LocalFile& file : input.files) {
    DML_ASSIGN_OR_RETURN(uint64_t size, FileSize(file.path));
    total += size;
  }
  ProgressReporter reporter(total, progress);
  std::vector<std::filesystem::path> paths;
  for (const LocalFile& file : input.files) paths.push_back(file.path);
  DML_ASSIGN_OR_RETURN(std::vector<BlobRef> blobs,
                       UploadAll(client.connection(), spec.package.ns, paths, reporter));
  DML_ASSIGN_OR_RETURN(std::string document, MakeManifest(input.spec_json, input.files, blobs));
  std::vector<std::string> envelopes;
  if (!input.keys.empty()) {
    DML_ASSIGN_OR_RETURN(const SchemedSigners signers, SignersFor(client, input.keys));
    DML_ASSIGN_OR_RETURN(envelopes.emplace_back(),
                         SignPublication(NameOf(spec), Sha256(document), signers.get()));
  }
  envelopes.insert(envelopes.end(), input.extra_envelopes.begin(), input.extra_envelopes.end());
  absl::StatusOr<Committed<VariantRecord>> done =
      client.PublishDocuments(document, input.spec_json, envelopes, options);
  if (Reason(done.status()) == "VERSION_EXISTS") {
    return FindPublished(client, NameOf(spec), {Sha256(document), document.size()}, done.status());
  }
  if (!done.ok()) return ExplainRefusal(client, input, done.status());
  return CommittedOnce<VariantRecord>{*std::move(done), false};
}

absl::StatusOr<DownloadResult> DownloadVariant(Client& client, const VariantName& name,
                                               const std::filesystem::path& directory,
                                               const DownloadOptions& options,
                                               const ProgressFn& progress) {
  if (options.channels < 1 || options.channels > kMaxDownloadChannels) {
    return AtField(
        InvalidArgument(ErrorReason("DOWNLOAD_OPTIONS_INVALID"), "{} channels; use 1 to {}",
                        options.channels, kMaxDownloadChannels),
        "channels");
  }
  DML_ASSIGN_OR_RETURN(Examination examination, ExamineVariant(client, name));
  for (const VerificationStep& step : examination.report.steps) {
    if (step.passed) continue;
    return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"),
                    "{} is not what it should be, nothing was fetched: {}: {}; ask its publisher "
                    "and the library's operator",
                    name.ResourceName(), step.what, step.detail);
  }
  const VariantRecord& record = examination.details.record;
  if (record.state == VariantState::kWithdrawn && !options.allow_withdrawn) {
    return FailedPrecondition(ErrorReason("VARIANT_WITHDRAWN"),
                              "{} was withdrawn at entry {}: {}; nothing was fetched: take another "
                              "version, or ask for the withdrawn one expressly",
                              name.ResourceName(), record.withdrawn_index, record.withdraw_reason);
  }
  DownloadResult out;
  out.details = std::move(examination.details);
  out.manifest = std::move(examination.manifest);
  uint64_t total = 0;
  for (const ManifestFile& file : out.manifest.files) {
    DML_RETURN_IF_ERROR(CheckFileName(file.path));
    total += file.blob.size;
  }
  DML_ASSIGN_OR_RETURN(SafeDirectory root, SafeDirectory::Open(directory, /*create=*/true));
  ProgressReporter reporter(total, progress);
  DML_RETURN_IF_ERROR(
      FetchFiles(client.connection(), name, out.manifest.files, root, options, reporter));
  for (const ManifestFile& file : out.manifest.files) out.files.push_back(directory / file.path);
  out.fetched_bytes = reporter.sent();
  return out;
}

}  // namespace dml
