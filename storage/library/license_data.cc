#include "storage/library/license_data.h"

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/gate/policy.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr LicenseDataKind kKinds[] = {LicenseDataKind::kList, LicenseDataKind::kMatrix,
                                      LicenseDataKind::kProperties, LicenseDataKind::kTexts};

absl::Status CheckSize(const std::string& bytes, size_t most, std::string_view field) {
  if (bytes.size() <= most) return absl::OkStatus();
  return AtField(InvalidArgument(ErrorReason("LICENSE_DATA_INVALID"),
                                 "the {} has {} bytes; at most {}", field, bytes.size(), most),
                 field);
}

absl::Status CheckPolicy(const Reader& state, const std::string& environment,
                         const LicenseData& data) {
  DML_ASSIGN_OR_RETURN(auto record, LibraryView(state).FindPolicy(environment));
  if (!record.has_value()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const std::string document, ReadMetadata(state, record->document));
  const absl::Status status = ParsePolicy(document, *data.list, data.properties.get()).status();
  if (status.ok()) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("LICENSE_DATA_IN_USE"),
                            "the policy of {} could not be read any more: {}; change it first",
                            environment, Message(status));
}

// That all policies in force mean something by the new data.
absl::Status CheckPolicies(const Reader& state, const LicenseData& data) {
  PageRequest page;
  page.size = 1000;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Environments(page));
    for (const EnvironmentRecord& environment : found.items) {
      DML_RETURN_IF_ERROR(CheckPolicy(state, environment.name, data));
    }
    page.after_key = found.next_key;
  } while (!page.after_key.empty());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LicenseDocuments> LoadLicenseDocuments(const Reader& state) {
  LicenseDocuments out;
  for (const LicenseDataKind kind : kKinds) {
    DML_ASSIGN_OR_RETURN(auto record, LibraryView(state).FindLicenseData(kind));
    if (!record.has_value()) continue;
    LicenseDocument& document = out[kind];
    document.version = record->set.version;
    DML_ASSIGN_OR_RETURN(document.text, ReadMetadata(state, record->set.content));
  }
  return out;
}

absl::StatusOr<LicenseDataChange> PrepareSetLicenseData(const Reader& state,
                                                        const TrustDomain& trust,
                                                        std::string envelope, std::string content) {
  DML_RETURN_IF_ERROR(CheckSize(content, kMaxLicenseDataBytes, "content"));
  DML_RETURN_IF_ERROR(CheckSize(envelope, kMaxLicenseDataEnvelopeBytes, "envelope"));
  const BlobRef content_ref{Sha256(content), content.size()};
  absl::StatusOr<ClaimEnvelope> claim =
      ReadClaimAbout(envelope, kLicenseDataPredicate, content_ref.digest);
  if (!claim.ok()) return AtField(claim.status(), "envelope");
  absl::StatusOr<LicenseDataClaim> says = ParseLicenseDataClaim(claim->predicate_json);
  if (!says.ok()) return AtField(says.status(), "envelope");
  absl::StatusOr<Vouchers> vouchers =
      trust.Verify(claim->envelope, kInTotoPayloadType, SigningRole::kLicenseData,
                   LicenseDataKindName(says->kind));
  if (!vouchers.ok()) return AtField(vouchers.status(), "envelope");

  DML_ASSIGN_OR_RETURN(LicenseDocuments documents, LoadLicenseDocuments(state));
  DML_ASSIGN_OR_RETURN(const LicenseData before, ReadLicenseData(documents));
  documents[says->kind] = {says->version, content};
  absl::StatusOr<LicenseData> after = ReadLicenseData(documents);
  if (!after.ok()) return AtField(after.status(), "content");
  DML_RETURN_IF_ERROR(CheckPolicies(state, *after));

  LicenseDataChange out;
  out.changes = DiffLicenseData(says->kind, before, *after, kMaxLicenseDataChanges);
  DML_ASSIGN_OR_RETURN(StampSeen trusted, SeenTrust(state));
  DML_ASSIGN_OR_RETURN(StampSeen data, SeenLicenseData(state));
  out.command.decided_on = {std::move(trusted), std::move(data)};
  out.command.payload = LicenseDataSet{
      says->kind, says->revision, says->version, {Sha256(envelope), envelope.size()}, content_ref};
  out.command.metadata = {std::move(envelope), std::move(content)};
  return out;
}

absl::StatusOr<StampSeen> SeenLicenseData(const Reader& state) {
  DML_ASSIGN_OR_RETURN(uint64_t index, LibraryView(state).Stamp(kLicenseDataStamp));
  return StampSeen{std::string(kLicenseDataStamp), index};
}

}  // namespace dml
