#include "client/transfer.h"

#include <set>

#include "client/download.h"
#include "client/file_chunks.h"
#include "client/publication.h"
#include "client/upload.h"
#include "client/verify.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

VariantName NameOf(const PackageSpec& spec) {
  return {spec.package, spec.version.text(), spec.platform};
}

absl::Status CheckInput(const PublishInput& input) {
  if (input.keys.empty()) {
    return InvalidArgument(ErrorReason("PUBLISHER_KEY_MISSING"),
                           "no key was given; a package is published with a publisher's signature");
  }
  std::set<std::string> names;
  for (const LocalFile& file : input.files) {
    DML_RETURN_IF_ERROR(CheckFileName(file.name));
    if (!names.insert(file.name).second) {
      return InvalidArgument(ErrorReason("FILE_NAME_REPEATED"),
                             "two files are called {} in the package; give each its own name",
                             file.name);
    }
  }
  for (const std::string& name : names) {
    for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
      if (!names.contains(name.substr(0, end))) continue;
      return InvalidArgument(ErrorReason("FILE_NAME_CONFLICT"),
                             "{} would be a file and, for {}, a folder; rename one of them",
                             name.substr(0, end), name);
    }
  }
  return absl::OkStatus();
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
  Manifest manifest;
  manifest.config = {Sha256(input.spec_json), input.spec_json.size()};
  std::vector<std::filesystem::path> paths;
  for (const LocalFile& file : input.files) paths.push_back(file.path);
  DML_ASSIGN_OR_RETURN(std::vector<BlobRef> blobs,
                       UploadAll(client.connection(), spec.package.ns, paths, reporter));
  for (size_t i = 0; i < blobs.size(); ++i) {
    manifest.files.push_back({input.files[i].name, blobs[i], input.files[i].media_type});
  }
  std::string document = FormatManifest(manifest);
  DML_RETURN_IF_ERROR(ParseManifest(document).status());
  DML_ASSIGN_OR_RETURN(std::string publication,
                       SignPublication(NameOf(spec), Sha256(document), input.keys));
  std::vector<std::string> envelopes = {std::move(publication)};
  envelopes.insert(envelopes.end(), input.extra_envelopes.begin(), input.extra_envelopes.end());
  absl::StatusOr<Committed<VariantRecord>> done =
      client.PublishDocuments(document, input.spec_json, envelopes, options);
  if (Reason(done.status()) == "VERSION_EXISTS") {
    return FindPublished(client, NameOf(spec), {Sha256(document), document.size()}, done.status());
  }
  if (!done.ok()) return done.status();
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
