#include "client/verify.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include <fmt/ranges.h>

#include "client/chunk_fetcher.h"
#include "client/connection.h"
#include "client/download.h"
#include "client/file_io.h"
#include "client/publication.h"
#include "core/crypto/sha256.h"
#include "core/trust/schemed_signers.h"
#include "core/wire/entry.h"

namespace dml {
namespace {

constexpr size_t kMaxOtherFiles = 2 * kMaxManifestFiles;

// Whether an error of a call says something about the variant, so that it is a failed step.
bool IsVerdict(const absl::Status& status) {
  constexpr std::array<std::string_view, 5> kReasons = {"BLOB_DIGEST_MISMATCH", "ENTRY_INVALID",
                                                        "ENTRY_NOT_FOUND", "LOG_PROOF_INVALID",
                                                        "SERVER_ANSWER_INVALID"};
  return std::ranges::count(kReasons, Reason(status)) > 0;
}

absl::Status Wrong(std::string_view what) {
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "{}", what);
}

class Examiner {
 public:
  Examiner(Client& client, const VariantName& name) : client_(client), name_(name) {}

  absl::StatusOr<Examination> Run() {
    absl::StatusOr<VariantDetails> details = client_.GetVariant(name_);
    if (!details.ok() && !IsVerdict(details.status())) return details.status();
    if (!Step("documents", details.status(),
              details.ok() ? details->record.manifest.digest.ToString() : "")) {
      return std::move(out_);
    }
    out_.details = *std::move(details);
    const absl::Status manifest = CheckManifest();
    if (!Step("manifest", manifest, fmt::format("{} file(s)", out_.manifest.files.size()))) {
      return std::move(out_);
    }
    Step("package spec", CheckSpec(), name_.ResourceName());
    DML_ASSIGN_OR_RETURN(Trust trust, client_.GetTrust());
    std::string signers;
    const absl::Status publication = CheckSigners(trust, &signers);
    Step("publication", publication, signers);
    DML_ASSIGN_OR_RETURN(absl::Status entry, CheckEntry());
    Step("journal entry", entry, fmt::format("entry {}", out_.details.record.published_index));
    out_.report.passed =
        std::ranges::all_of(out_.report.steps, [](const auto& step) { return step.passed; });
    return std::move(out_);
  }

 private:
  bool Step(std::string what, const absl::Status& status, std::string detail) {
    if (!status.ok()) detail = std::string(Message(status));
    out_.report.steps.push_back({std::move(what), status.ok(), std::move(detail)});
    return status.ok();
  }

  absl::Status CheckManifest() {
    const VariantRecord& record = out_.details.record;
    DML_ASSIGN_OR_RETURN(out_.manifest, ParseManifest(out_.details.manifest));
    if (out_.manifest.config != record.spec) return Wrong("it names another package spec");
    uint64_t payload = 0;
    for (const ManifestFile& file : out_.manifest.files) payload += file.blob.size;
    if (out_.manifest.files.size() != record.file_count || payload != record.payload_size) {
      return Wrong("the library counts other files or bytes than it names");
    }
    return absl::OkStatus();
  }

  absl::Status CheckSpec() {
    DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(out_.details.spec));
    VariantName named{spec.package, spec.version.text(), spec.platform};
    if (named != name_) return Wrong(fmt::format("it describes {}", named.ResourceName()));
    return absl::OkStatus();
  }

  // Whether publishers enough have signed it, by the trust root that the client walked to.
  absl::Status CheckSigners(const Trust& trust, std::string* signers) const {
    std::vector<DsseEnvelope> publications;
    absl::Status verdict = Wrong("there is no attestation at all");
    for (const std::string& json : out_.details.envelopes) {
      absl::StatusOr<DsseEnvelope> envelope =
          ReadPublication(json, name_, out_.details.record.manifest.digest);
      if (envelope.ok()) {
        publications.push_back(*std::move(envelope));
      } else if (publications.empty()) {
        verdict = envelope.status();
      }
    }
    if (!publications.empty()) {
      DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                           SignatureSet::Create(publications, kInTotoPayloadType));
      absl::StatusOr<Vouchers> vouchers = trust.domain->VerifyTogether(
          signatures, SigningRole::kPublisher, name_.package.ToString());
      if (vouchers.ok()) {
        *signers = fmt::format("signed by {}", fmt::join(vouchers->holders, ", "));
        return absl::OkStatus();
      }
      verdict = vouchers.status();
    }
    const std::string revoked = RevokedSigner(trust, publications);
    return Wrong(fmt::format("no publication by who may publish {}: {}", name_.package.ToString(),
                             revoked.empty() ? Message(verdict) : revoked));
  }

  // What became of a key that signed the publication, "" where none of them was revoked.
  static std::string RevokedSigner(const Trust& trust,
                                   const std::vector<DsseEnvelope>& publications) {
    for (const KeyRecord& record : trust.revoked) {
      absl::StatusOr<PublicKey> key = PublicKey::FromSpkiDer(AsBytes(record.spki));
      absl::StatusOr<SignatureSet> signatures =
          SignatureSet::Create(publications, kInTotoPayloadType);
      if (!key.ok() || !signatures.ok()) continue;
      // How it wrote them is no longer known, and grants nothing.
      if (signatures->IsSignedBy({*key, UsualScheme(*key), "", false}) ||
          signatures->IsSignedBy({*key, SignatureScheme::kEcdsaP256P1363, "", false})) {
        return fmt::format("its key {} was revoked at entry {}: {}", key->id().ToString(),
                           record.revoked_index, record.revoke_reason);
      }
    }
    return "";
  }

  absl::StatusOr<absl::Status> CheckEntry() {
    const VariantRecord& record = out_.details.record;
    DML_ASSIGN_OR_RETURN(absl::StatusOr<Entry> entry, FetchEntry(record.published_index));
    if (!entry.ok()) return entry.status();
    const auto* published = std::get_if<VersionPublished>(&entry->payload);
    if (published == nullptr) {
      return Wrong(fmt::format("it is a {}", EntryKind(entry->payload)));
    }
    if (published->variant != name_ || published->manifest != record.manifest ||
        published->spec != record.spec) {
      return Wrong("it publishes another variant, manifest or package spec");
    }
    return absl::OkStatus();
  }

  // A proven entry; inside, a verdict against the library.
  absl::StatusOr<absl::StatusOr<Entry>> FetchEntry(uint64_t index) {
    absl::StatusOr<ProvenEntry> proven = client_.ProveEntry(index);
    if (!proven.ok() && !IsVerdict(proven.status())) return proven.status();
    if (!proven.ok()) return absl::StatusOr<Entry>(proven.status());
    return absl::StatusOr<Entry>(wire::DecodeEntry(proven->leaf));
  }

  Client& client_;
  const VariantName name_;
  Examination out_;
};

absl::Status CheckLocalFile(const SafeDirectory& directory, const ManifestFile& file) {
  DML_RETURN_IF_ERROR(CheckFileName(file.path));
  DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, directory.Find(file.path, /*create=*/false));
  DML_ASSIGN_OR_RETURN(FileDescriptor opened, SafeDirectory::OpenFile(place));
  DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(opened, place.path));
  if (found == file.blob) return absl::OkStatus();
  return Wrong(fmt::format("it has {} bytes and digest {}, not {} bytes and {}", found.size,
                           found.digest.ToString(), file.blob.size, file.blob.digest.ToString()));
}

// Every file of the manifest, as the library holds it. Files with the same content are read once.
absl::Status CheckStoredFiles(Connection& connection, const VariantName& name,
                              const Manifest& manifest, const ProgressFn& report,
                              std::vector<VerificationStep>& steps) {
  std::map<Digest, std::vector<const ManifestFile*>> by_content;
  uint64_t total = 0;
  for (const ManifestFile& file : manifest.files) {
    auto& same = by_content[file.blob.digest];
    if (same.empty()) total += file.blob.size;
    same.push_back(&file);
  }
  ProgressReporter progress(total, report);
  for (const auto& [digest, files] : by_content) {
    const absl::Status status = ReadStoredFile(connection, name, files.front()->blob, progress,
                                               [](std::string_view) { return absl::OkStatus(); });
    const bool verdict =
        absl::IsDataLoss(status) || Reason(status) == "PAYLOAD_COLLECTED" || IsVerdict(status);
    if (!status.ok() && !verdict) return status;
    for (const ManifestFile* file : files) {
      steps.push_back({"stored file " + file->path, status.ok(),
                       status.ok() ? digest.ToString() : std::string(Message(status))});
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadStoredFile(Connection& connection, const VariantName& name, const BlobRef& blob,
                            ProgressReporter& progress,
                            absl::FunctionRef<absl::Status(std::string_view raw)> sink) {
  const PullContext context{
      .connection = connection, .variant = name.ResourceName(), .channels = {connection.channel()}};
  ChunkPages pages(connection, context.variant, blob, /*with_bases=*/false);
  Sha256Hasher hasher;
  while (true) {
    DML_ASSIGN_OR_RETURN(std::optional<ChunkPage> page, pages.Next());
    if (!page.has_value()) break;
    ChunkFetcher fetcher(context, context.channels.front(), blob, {});
    DML_RETURN_IF_ERROR(
        fetcher.Fetch(page->chunks, [&](const PlacedChunk&, std::string_view raw, uint64_t sent) {
          hasher.Update(raw);
          progress.Sent(sent);
          progress.Done(raw.size());
          return sink(raw);
        }));
  }
  const Digest found = hasher.Finish();
  if (found == blob.digest) return absl::OkStatus();
  return Wrong(fmt::format("the library's chunks make up {}, not {}; publish the same file again",
                           found.ToString(), blob.digest.ToString()));
}

// Every file of the manifest, then whatever else is there.
absl::Status CheckFolder(const std::filesystem::path& path, const Manifest& manifest,
                         std::vector<VerificationStep>& steps) {
  DML_ASSIGN_OR_RETURN(SafeDirectory directory, SafeDirectory::Open(path, /*create=*/false));
  std::vector<std::string> expected;
  for (const ManifestFile& file : manifest.files) {
    absl::Status status = CheckLocalFile(directory, file);
    steps.push_back({"file " + file.path, status.ok(),
                     status.ok() ? file.blob.digest.ToString() : std::string(Message(status))});
    expected.push_back(file.path);
  }
  std::ranges::sort(expected);
  DML_ASSIGN_OR_RETURN(std::vector<std::string> found, directory.List(kMaxOtherFiles));
  std::vector<std::string> other;
  std::ranges::set_difference(found, expected, std::back_inserter(other));
  for (const std::string& name : other) {
    steps.push_back({"file " + name, false, "the manifest does not name it"});
  }
  return absl::OkStatus();
}

absl::StatusOr<Examination> ExamineVariant(Client& client, const VariantName& name) {
  return Examiner(client, name).Run();
}

absl::StatusOr<VerificationReport> VerifyVariant(Client& client, const VariantName& name,
                                                 const VerifyOptions& options) {
  DML_ASSIGN_OR_RETURN(Examination examination, ExamineVariant(client, name));
  VerificationReport report = std::move(examination.report);
  if (!report.passed) return report;
  const Manifest& manifest = examination.manifest;
  report.files_checked = !options.directory.empty() || options.content || manifest.files.empty();
  if (!options.directory.empty()) {
    DML_RETURN_IF_ERROR(CheckFolder(options.directory, manifest, report.steps));
  }
  if (options.content) {
    DML_RETURN_IF_ERROR(
        CheckStoredFiles(client.connection(), name, manifest, options.progress, report.steps));
  }
  report.passed = std::ranges::all_of(report.steps, [](const auto& step) { return step.passed; });
  return report;
}

}  // namespace dml
