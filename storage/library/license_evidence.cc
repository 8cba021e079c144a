#include "storage/library/license_evidence.h"

#include <set>
#include <vector>

#include "core/evidence/claims.h"
#include "core/license/sbom.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

std::string SourceOf(const Digest& envelope) { return "attestation " + envelope.ToString(); }

ObservedLicense Fault(const Digest& envelope, std::string message) {
  ObservedLicense out;
  out.source = SourceOf(envelope);
  out.fault = std::move(message);
  return out;
}

absl::StatusOr<std::string> ReadPredicate(const std::string& bytes) {
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope, ParseEnvelope(bytes));
  DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(envelope.payload));
  return std::move(statement.predicate_json);
}

// The license that a person concluded, in words of the list.
absl::StatusOr<ConcludedLicense> ReadConclusion(const std::string& bytes, const LicenseList& list) {
  DML_ASSIGN_OR_RETURN(const std::string predicate, ReadPredicate(bytes));
  DML_ASSIGN_OR_RETURN(LicenseConclusion claim, ParseLicenseConclusion(predicate));
  ConcludedLicense out;
  DML_ASSIGN_OR_RETURN(out.expression, LicenseExpression::Parse(claim.license, list));
  out.reason = std::move(claim.reason);
  return out;
}

// Who signed it in the role, "" where the signers are not enough now.
std::string ConcludedBy(const TrustDomain* trust, const AttestationRecord& record,
                        const PackageName& package) {
  if (trust == nullptr) return "";
  const absl::StatusOr<Vouchers> vouchers =
      trust->CountSigners({record.ref.key_ids.begin(), record.ref.key_ids.end()},
                          SigningRole::kLicenseData, package.ToString());
  if (!vouchers.ok()) return "";
  std::string names;
  for (const std::string& holder : vouchers->holders) names += (names.empty() ? "" : ", ") + holder;
  return names;
}

}  // namespace

bool IsSbomPredicate(std::string_view predicate_type) {
  for (const std::string_view known : {kSpdxPredicate, kCycloneDxPredicate}) {
    if (predicate_type == known) return true;
    if (predicate_type.starts_with(known) && predicate_type[known.size()] == '/') return true;
  }
  return false;
}

absl::StatusOr<std::optional<ObservedLicense>> EvidenceCache::Observe(
    const Reader& state, const std::shared_ptr<const LicenseList>& list, const Digest& envelope,
    const std::string& purl) {
  {
    absl::MutexLock lock(&mutex_);
    if (list_ == list) {
      const auto found = read_.find({envelope, purl});
      if (found != read_.end()) return found->second;
    }
  }
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(state, envelope));
  std::optional<ObservedLicense> out;
  const absl::StatusOr<std::string> predicate = ReadPredicate(bytes);
  if (predicate.ok()) {
    const absl::StatusOr<Sbom> sbom = ReadSbom(*predicate, *list);
    out = sbom.ok() ? ObservedOf(*sbom, purl, SourceOf(envelope))
                    : Fault(envelope, std::string(Message(sbom.status())));
  } else {
    out = Fault(envelope, std::string(Message(predicate.status())));
  }
  absl::MutexLock lock(&mutex_);
  if (list_ != list || read_.size() >= kMaxCachedSboms) read_.clear();
  list_ = list;
  read_[{envelope, purl}] = out;
  return out;
}

absl::StatusOr<LicenseEvidence> EvidenceCache::Get(const Reader& state, const TrustDomain* trust,
                                                   const std::shared_ptr<const LicenseList>& list,
                                                   const VariantRecord& variant) {
  std::vector<Digest> sboms;
  std::vector<AttestationRecord> conclusions;
  DML_RETURN_IF_ERROR(
      LibraryView(state).ScanAttestations(variant.name, [&](const AttestationRecord& record) {
        if (IsSbomPredicate(record.ref.predicate_type)) {
          if (sboms.size() <= kMaxSbomsOfVariant) sboms.push_back(record.ref.envelope.digest);
        } else if (record.ref.predicate_type == kLicenseConclusionPredicate) {
          conclusions.push_back(record);
        }
        return true;
      }));
  LicenseEvidence out;
  if (sboms.size() > kMaxSbomsOfVariant) {
    out.observed.push_back(
        Fault(sboms.back(), fmt::format("more than {} SBOMs are attached", kMaxSbomsOfVariant)));
    sboms.clear();
  }
  for (const Digest& envelope : sboms) {
    DML_ASSIGN_OR_RETURN(auto observed, Observe(state, list, envelope, variant.purl));
    if (observed.has_value()) out.observed.push_back(*std::move(observed));
  }
  const AttestationRecord* newest = nullptr;
  std::string author;
  for (const AttestationRecord& record : conclusions) {
    if (newest != nullptr && record.index < newest->index) continue;
    std::string signers = ConcludedBy(trust, record, variant.name.package);
    if (signers.empty()) continue;
    newest = &record;
    author = std::move(signers);
  }
  if (newest == nullptr) return out;
  const Digest& envelope = newest->ref.envelope.digest;
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(state, envelope));
  absl::StatusOr<ConcludedLicense> concluded = ReadConclusion(bytes, *list);
  if (!concluded.ok()) {
    out.observed.push_back(Fault(envelope, std::string(Message(concluded.status()))));
    return out;
  }
  concluded->author = std::move(author);
  out.concluded = *std::move(concluded);
  return out;
}

}  // namespace dml
