#include "client/package_bundle.h"

#include <algorithm>
#include <utility>

#include "client/file_io.h"
#include "client/publication.h"
#include "client/verify.h"
#include "core/base/strict_json.h"
#include "core/crypto/sha256.h"
#include "core/evidence/log_proof.h"
#include "core/package/package_spec.h"
#include "core/rules/rules.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("PACKAGE_BUNDLE_INVALID");
constexpr std::string_view kSchema[] = {"dml.package-bundle/v1"};

absl::Status Wrong(std::string_view what) {
  return DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "{}", what);
}

absl::StatusOr<PackageBundle> ReadBundle(const nlohmann::json& value) {
  ObjectReader in(value, kInvalid);
  PackageBundle out;
  in.Word("schema", kSchema);
  out.manifest = in.String("manifest", kMaxManifestBytes);
  out.spec = in.String("spec", kMaxPackageSpecBytes);
  out.attestations = in.Strings("attestations", kMaxVariantAttestations, kMaxEnvelopeBytes);
  out.log_proof = in.String("logProof", kMaxLogProofBytes);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

class Verifier {
 public:
  Verifier(const PackageBundle& bundle, const BundleTrust& trust)
      : bundle_(bundle), trust_(trust) {}

  BundleVerdict Run() {
    if (!Step("documents", CheckDocuments(), manifest_.digest.ToString())) return Done();
    std::string publishers;
    const absl::Status published = CheckPublished(publishers);
    Step("publication", published, publishers);
    const absl::Status logged = CheckLog();
    Step("journal entry", logged,
         fmt::format("entry {} of {}, {}", out_.log_index, out_.log_origin,
                     FormatTime(out_.published)));
    return Done();
  }

 private:
  bool Step(std::string what, const absl::Status& status, std::string detail) {
    if (!status.ok()) detail = std::string(Message(status));
    out_.report.steps.push_back({std::move(what), status.ok(), std::move(detail)});
    return status.ok();
  }

  BundleVerdict Done() {
    out_.report.passed =
        std::ranges::all_of(out_.report.steps, [](const auto& step) { return step.passed; });
    return std::move(out_);
  }

  absl::Status CheckDocuments() {
    manifest_ = {Sha256(bundle_.manifest), bundle_.manifest.size()};
    DML_ASSIGN_OR_RETURN(out_.manifest, ParseManifest(bundle_.manifest));
    const BlobRef spec{Sha256(bundle_.spec), bundle_.spec.size()};
    if (out_.manifest.config != spec) return Wrong("its manifest names another package spec");
    DML_ASSIGN_OR_RETURN(PackageSpec parsed, ParsePackageSpec(bundle_.spec));
    out_.variant = {parsed.package, parsed.version.text(), parsed.platform};
    return absl::OkStatus();
  }

  // By whom, of all publications of it that are here: with a trust root they count together.
  absl::Status CheckPublished(std::string& publishers) const {
    std::vector<DsseEnvelope> publications;
    for (const std::string& json : bundle_.attestations) {
      absl::StatusOr<DsseEnvelope> envelope = ReadPublication(json, out_.variant, manifest_.digest);
      if (envelope.ok()) publications.push_back(*std::move(envelope));
    }
    if (publications.empty()) return Wrong("the bundle has no publication of it");
    DML_ASSIGN_OR_RETURN(publishers, Vouch(publications));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Vouch(const std::vector<DsseEnvelope>& publications) const {
    if (trust_.domain.has_value()) {
      DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                           SignatureSet::Create(publications, kInTotoPayloadType));
      DML_ASSIGN_OR_RETURN(Vouchers vouchers,
                           trust_.domain->VerifyTogether(signatures, SigningRole::kPublisher,
                                                         out_.variant.package.ToString()));
      return fmt::format("by {}", fmt::join(vouchers.holders, ", "));
    }
    absl::Status verdict;
    for (const DsseEnvelope& envelope : publications) {
      absl::StatusOr<std::vector<Digest>> ids =
          VerifyEnvelope(envelope, kInTotoPayloadType, trust_.publishers);
      if (ids.ok()) return fmt::format("signed by {}", ids->front().ToString());
      verdict = ids.status();
    }
    return verdict;
  }

  std::vector<PublicKey> LogKeys() const {
    if (!trust_.domain.has_value()) return {*trust_.log_key};
    std::vector<PublicKey> out;
    absl::StatusOr<Authority> log = RootAuthority(trust_.domain->root(), SigningRole::kLog);
    if (!log.ok()) return out;
    for (const TrustKey& key : log->keys) out.push_back(key.key);
    return out;
  }

  absl::Status CheckLog() {
    DML_ASSIGN_OR_RETURN(LogProof proof, ParseLogProof(bundle_.log_proof));
    absl::Status verdict = Wrong("no key of the log is trusted");
    for (const PublicKey& key : LogKeys()) {
      absl::StatusOr<LoggedEntry> logged = VerifyLogProof(proof, &key);
      verdict = logged.status();
      if (!logged.ok()) continue;
      DML_RETURN_IF_ERROR(CheckOrigin(logged->checkpoint));
      out_.log_origin = logged->checkpoint.origin;
      out_.log_index = logged->entry.index;
      out_.published = logged->entry.time;
      return CheckPublishes(*logged, out_.variant, manifest_, out_.manifest.config);
    }
    if (!trust_.domain.has_value()) return verdict;
    return Annotate(verdict,
                    "if the log's key was replaced since, make the bundle again (dml package "
                    "bundle), or give the root that names the key");
  }

  // A root is of one log, and says below which size its key is not believed.
  absl::Status CheckOrigin(const Checkpoint& checkpoint) const {
    if (!trust_.domain.has_value()) return absl::OkStatus();
    const TrustRoot& root = trust_.domain->root();
    if (checkpoint.origin != root.origin) {
      return Wrong(fmt::format("its log is {}, and the trust root is of {}", checkpoint.origin,
                               root.origin));
    }
    if (checkpoint.size >= root.log_start_size) return absl::OkStatus();
    return Wrong(
        fmt::format("its checkpoint has size {}, and the trust root believes the log's "
                    "key from {} on: make the bundle again",
                    checkpoint.size, root.log_start_size));
  }

  const PackageBundle& bundle_;
  const BundleTrust& trust_;
  BlobRef manifest_;
  BundleVerdict out_;
};

absl::Status CheckPath(const std::filesystem::path& path, BundleVerdict& verdict) {
  std::error_code ignored;
  std::vector<VerificationStep>& steps = verdict.report.steps;
  if (std::filesystem::is_directory(path, ignored)) {
    return CheckFolder(path, verdict.manifest, steps);
  }
  DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenRegular(path));
  DML_ASSIGN_OR_RETURN(BlobRef blob, HashFile(file, path));
  auto found = std::ranges::find(verdict.manifest.files, blob, &ManifestFile::blob);
  const bool is_one = found != verdict.manifest.files.end();
  steps.push_back({"file " + path.string(), is_one,
                   is_one ? fmt::format("is {}", found->path)
                          : fmt::format("none of its files has {} bytes and digest {}", blob.size,
                                        blob.digest.ToString())});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PackageBundle> ParsePackageBundle(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxPackageBundleBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "package bundle");
  absl::StatusOr<PackageBundle> bundle = ReadBundle(*document);
  if (!bundle.ok()) return LocateError(bundle.status(), "package bundle");
  return bundle;
}

absl::StatusOr<std::string> FormatPackageBundle(const PackageBundle& bundle) {
  const nlohmann::json document = {{"schema", kSchema[0]},
                                   {"manifest", bundle.manifest},
                                   {"spec", bundle.spec},
                                   {"attestations", bundle.attestations},
                                   {"logProof", bundle.log_proof}};
  std::string out = document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (out.size() > kMaxPackageBundleBytes) {
    return ResourceExhausted(ErrorReason("PACKAGE_BUNDLE_TOO_LARGE"),
                             "the bundle has {} bytes; at most {}", out.size(),
                             kMaxPackageBundleBytes);
  }
  return out;
}

absl::StatusOr<PackageBundle> FetchPackageBundle(Client& client, const VariantName& name) {
  DML_ASSIGN_OR_RETURN(Examination examined, ExamineVariant(client, name));
  for (const VerificationStep& step : examined.report.steps) {
    if (step.passed) continue;
    return Wrong(fmt::format("{}: {}: {}", name.ResourceName(), step.what, step.detail));
  }
  DML_ASSIGN_OR_RETURN(ProvenEntry entry,
                       client.ProveEntry(examined.details.record.published_index));
  LogProof proof{entry.index, std::move(entry.leaf), std::move(entry.proof),
                 std::move(entry.checkpoint_note)};
  return PackageBundle{std::move(examined.details.manifest), std::move(examined.details.spec),
                       std::move(examined.details.envelopes), FormatLogProof(proof)};
}

absl::StatusOr<BundleVerdict> VerifyPackageBundle(const PackageBundle& bundle,
                                                  const BundleTrust& trust,
                                                  std::span<const std::filesystem::path> paths) {
  if (!trust.domain.has_value() && (!trust.log_key.has_value() || trust.publishers.empty())) {
    return InvalidArgument(ErrorReason("TRUST_REQUIRED"),
                           "say what you trust: a trust root, or the key of the log and at least "
                           "one of a publisher");
  }
  BundleVerdict out = Verifier(bundle, trust).Run();
  if (!out.report.passed) return out;
  out.report.files_checked = !paths.empty() || out.manifest.files.empty();
  for (const std::filesystem::path& path : paths) DML_RETURN_IF_ERROR(CheckPath(path, out));
  out.report.passed =
      std::ranges::all_of(out.report.steps, [](const auto& step) { return step.passed; });
  return out;
}

}  // namespace dml
