#include "storage/library/references.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/crypto/sha256.h"
#include "core/package/package_spec.h"
#include "core/package/references.h"
#include "core/trust/dsse.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("REFERENCES_INVALID");
constexpr SigningRole kPublishers[] = {SigningRole::kPublisher};

absl::Status CheckSize(std::span<const std::string> specs) {
  size_t bytes = 0;
  for (const std::string& spec : specs) bytes += spec.size();
  if (specs.size() <= kMaxReferenceBatch && bytes <= kMaxReferenceSpecBytes) {
    return absl::OkStatus();
  }
  return AtField(InvalidArgument(kInvalid, "{} specs of {} bytes; a batch has at most {} of {}",
                                 specs.size(), bytes, kMaxReferenceBatch, kMaxReferenceSpecBytes),
                 "specs");
}

class BatchReader {
 public:
  BatchReader(const Reader& state, const TrustDomain& trust, const ReferenceBatch& document,
              SignatureSet& signatures)
      : view_(state), trust_(trust), document_(document), signatures_(signatures) {}

  absl::Status Add(const std::string& bytes, const Digest& expected) {
    const Digest digest = Sha256(bytes);
    if (digest != expected) {
      return InvalidArgument(kInvalid, "the batch names {} here, and the spec sent is {}",
                             expected.ToString(), digest.ToString());
    }
    DML_ASSIGN_OR_RETURN(const PackageSpec spec, ParsePackageSpec(bytes));
    DML_RETURN_IF_ERROR(CheckSpec(spec));
    DML_RETURN_IF_ERROR(CheckSigned(spec.package));
    PublishedReference reference{{spec.package, spec.version.text(), spec.platform},
                                 {digest, bytes.size()}};
    if (!named_.insert(reference.variant).second) {
      return InvalidArgument(kInvalid, "the batch has {} twice", reference.variant.ResourceName());
    }
    DML_ASSIGN_OR_RETURN(const bool is_new, Judge(reference, spec.version));
    if (is_new) references_.push_back(std::move(reference));
    return absl::OkStatus();
  }

  // What is to be entered, and what is not.
  ReferencesPublished Finish(ReferencesPrepared& out) {
    out.ns = document_.ns;
    out.present = present_;
    out.refused = std::move(refused_);
    std::ranges::sort(references_, {}, &PublishedReference::variant);
    ReferencesPublished entry;
    entry.ns = document_.ns;
    entry.scheme = scheme_.value_or(VersionScheme::kSemver);
    entry.references = std::move(references_);
    entry.key_ids.assign(key_ids_.begin(), key_ids_.end());
    return entry;
  }

 private:
  absl::Status CheckSpec(const PackageSpec& spec) {
    if (!spec.is_reference) {
      return InvalidArgument(kInvalid, "the spec of {} {} is not of kind REFERENCE",
                             spec.package.ToString(), spec.version.text());
    }
    if (spec.package.ns != document_.ns) {
      return InvalidArgument(kInvalid, "{} is not in namespace {}, as the batch is",
                             spec.package.ToString(), document_.ns);
    }
    if (!scheme_.has_value()) scheme_ = spec.version.scheme();
    if (scheme_ == spec.version.scheme()) return absl::OkStatus();
    return InvalidArgument(kInvalid, "{} follows the scheme {}, others of the batch {}",
                           spec.package.ToString(), VersionSchemeName(spec.version.scheme()),
                           VersionSchemeName(*scheme_));
  }

  absl::Status CheckSigned(const PackageName& package) {
    if (package == last_signed_) return absl::OkStatus();
    const std::string subject = package.ToString();
    DML_ASSIGN_OR_RETURN(const std::vector<Digest> signers,
                         trust_.Signers(signatures_, kPublishers, subject));
    const std::set<Digest> keys(signers.begin(), signers.end());
    DML_RETURN_IF_ERROR(trust_.CountSigners(keys, SigningRole::kPublisher, subject).status());
    // Only keys that may publish all of them vouch for the batch.
    if (!last_signed_.has_value()) {
      key_ids_ = keys;
    } else {
      std::erase_if(key_ids_, [&](const Digest& id) { return !keys.contains(id); });
    }
    last_signed_ = package;
    if (!key_ids_.empty()) return absl::OkStatus();
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "no key that signed the batch may publish all of its packages; make "
                            "a batch for each publisher");
  }

  // Whether it is to be entered.
  absl::StatusOr<bool> Judge(const PublishedReference& reference, const Version& version) {
    const VariantName& name = reference.variant;
    DML_ASSIGN_OR_RETURN(const auto variant, view_.FindVariant(name));
    if (variant.has_value() && variant->spec == reference.spec) {
      ++present_;
      return false;
    }
    if (variant.has_value()) {
      return Refuse(name, AlreadyExists(ErrorReason("VERSION_BOUND"),
                                        "it is there with another spec, {}; a version never "
                                        "changes",
                                        variant->spec.digest.ToString()));
    }
    DML_ASSIGN_OR_RETURN(const auto package, view_.FindPackage(name.package));
    if (package.has_value() && package->scheme != version.scheme()) {
      return Refuse(name,
                    FailedPrecondition(ErrorReason("VERSION_SCHEME_FIXED"),
                                       "versions of {} follow the scheme {}, not {}",
                                       name.package.ToString(), VersionSchemeName(package->scheme),
                                       VersionSchemeName(version.scheme())));
    }
    DML_ASSIGN_OR_RETURN(const auto equal, view_.FindEqualVersion(name.package, version));
    const std::string& text =
        equal.has_value()
            ? equal->name.version
            : texts_.try_emplace({name.package, version.key()}, version.text()).first->second;
    if (text == version.text()) return true;
    return Refuse(name, AlreadyExists(ErrorReason("VERSION_EQUAL_EXISTS"),
                                      "it has the same precedence as {}; only one can be", text));
  }

  bool Refuse(const VariantName& name, absl::Status why) {
    refused_.push_back({name, std::move(why)});
    return false;
  }

  const LibraryView view_;
  const TrustDomain& trust_;
  const ReferenceBatch& document_;
  SignatureSet& signatures_;
  std::optional<VersionScheme> scheme_;
  std::optional<PackageName> last_signed_;
  std::set<Digest> key_ids_;
  std::set<VariantName> named_;
  std::map<std::pair<PackageName, std::string>, std::string> texts_;  // By version key.
  std::vector<PublishedReference> references_;
  std::vector<ReferenceRefusal> refused_;
  size_t present_ = 0;
};

}  // namespace

absl::StatusOr<ReferencesPrepared> PrepareReferences(const Reader& state, const TrustDomain& trust,
                                                     std::string envelope_bytes,
                                                     std::span<const std::string> specs) {
  DML_RETURN_IF_ERROR(CheckSize(specs));
  absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(envelope_bytes);
  if (!envelope.ok()) return AtField(envelope.status(), "envelope");
  absl::StatusOr<SignatureSet> signatures =
      SignatureSet::Create(std::span(&*envelope, 1), kReferenceBatchPayloadType);
  if (!signatures.ok()) return AtField(signatures.status(), "envelope");
  absl::StatusOr<ReferenceBatch> document = ParseReferenceBatch(envelope->payload);
  if (!document.ok()) return AtField(document.status(), "envelope");
  if (document->specs.size() != specs.size()) {
    return AtField(InvalidArgument(kInvalid, "the batch names {} specs, and {} were sent",
                                   document->specs.size(), specs.size()),
                   "specs");
  }
  DML_ASSIGN_OR_RETURN(const auto ns, LibraryView(state).FindNamespace(document->ns));
  if (!ns.has_value()) {
    return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"),
                    "no namespace {}; create it with: dml namespace create {}", document->ns,
                    document->ns);
  }
  BatchReader batch(state, trust, *document, *signatures);
  for (size_t i = 0; i < specs.size(); ++i) {
    const absl::Status added = batch.Add(specs[i], document->specs[i]);
    if (!added.ok()) return AtField(added, fmt::format("specs[{}]", i));
  }
  ReferencesPrepared out;
  ReferencesPublished entry = batch.Finish(out);
  out.published = entry.references.size();
  if (entry.references.empty()) return out;
  entry.envelope = {Sha256(envelope_bytes), envelope_bytes.size()};
  Command& command = out.command.emplace();
  DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(state));
  command.decided_on = {std::move(seen)};
  for (const PublishedReference& reference : entry.references) {
    command.metadata.push_back(FormatReferenceManifest(reference.spec));
  }
  command.metadata.insert(command.metadata.end(), specs.begin(), specs.end());
  command.metadata.push_back(std::move(envelope_bytes));
  command.payload = std::move(entry);
  return out;
}

}  // namespace dml
