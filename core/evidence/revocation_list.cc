#include "core/evidence/revocation_list.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/package/document_members.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("REVOCATION_LIST_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.permit-revocations/v1"};

absl::StatusOr<RevokedPermit> ReadPermit(const json& value) {
  ObjectReader in(value, kInvalid);
  RevokedPermit out;
  out.id = in.String("id", document::kMaxNameBytes);
  in.Check("id", CheckPermitId(out.id));
  out.expires = document::ReadTime(in, "expires", kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<RevocationList> ReadList(const json& value) {
  ObjectReader in(value, kInvalid);
  RevocationList out;
  in.Word("schema", kSchema);
  out.origin = document::ReadText(in, "origin", document::kMaxNameBytes, kInvalid);
  out.number = in.Unsigned("number", 0, document::kMaxNumber);
  out.time = document::ReadTime(in, "time", kInvalid);
  out.journal_size = in.Unsigned("journalSize", 1, document::kMaxNumber);
  if (!in.Has("permits")) in.Check("permits", InvalidArgument(kInvalid, "is missing"));
  in.ForEach("permits", kMaxRevokedPermits, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.permits.emplace_back(), ReadPermit(item));
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  if (std::ranges::adjacent_find(out.permits, std::greater_equal<>(), &RevokedPermit::id) !=
      out.permits.end()) {
    return InvalidArgument(kInvalid, "permits must be in ascending order of id, none twice");
  }
  return out;
}

}  // namespace

absl::StatusOr<RevocationList> ParseRevocationList(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxRevocationListBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "revoked permits");
  absl::StatusOr<RevocationList> list = ReadList(*document);
  if (!list.ok()) return LocateError(list.status(), "revoked permits");
  return list;
}

absl::StatusOr<std::string> FormatRevocationList(const RevocationList& list) {
  json permits = json::array();
  for (const RevokedPermit& permit : list.permits) {
    permits.push_back({{"id", permit.id}, {"expires", FormatTime(permit.expires)}});
  }
  std::string out = document::WritePredicate({{"schema", kSchema[0]},
                                              {"origin", list.origin},
                                              {"number", list.number},
                                              {"time", FormatTime(list.time)},
                                              {"journalSize", list.journal_size},
                                              {"permits", std::move(permits)}});
  DML_RETURN_IF_ERROR(ParseRevocationList(out).status());
  return out;
}

absl::StatusOr<RevocationList> OpenRevocationList(
    std::string_view text, const TrustDomain& domain,
    const std::optional<RememberedRevocations>& seen) {
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope, ParseEnvelope(text));
  DML_RETURN_IF_ERROR(
      domain.Verify(envelope, kRevocationListPayloadType, SigningRole::kPermit, "").status());
  DML_ASSIGN_OR_RETURN(RevocationList list, ParseRevocationList(envelope.payload));
  if (list.origin != domain.root().origin) {
    return PermissionDenied(ErrorReason("REVOCATION_LIST_UNEXPECTED"),
                            "the list is of journal '{}', and the trust root of '{}'",
                            Excerpt(list.origin), domain.root().origin);
  }
  if (seen.has_value() && (list.number < seen->number || list.time < seen->time)) {
    return PermissionDenied(
        ErrorReason("REVOCATIONS_ROLLED_BACK"),
        "the list is number {} of {}, and number {} of {} was seen before: fetch it again",
        list.number, FormatTime(list.time), seen->number, FormatTime(seen->time));
  }
  return list;
}

absl::Status CheckNotRevoked(const RevocationList& list, const Permit& permit, uint64_t index,
                             Timestamp now) {
  if (std::ranges::binary_search(list.permits, permit.id, {}, &RevokedPermit::id)) {
    return PermissionDenied(ErrorReason("PERMIT_REVOKED"),
                            "permit {} is revoked, as list {} of {} says: ask for another",
                            permit.id, list.number, FormatTime(list.time));
  }
  if (list.journal_size <= index) {
    return PermissionDenied(ErrorReason("REVOCATIONS_STALE"),
                            "list {} knows of {} entries, and the permit is entry {}: fetch it "
                            "again (dml permit fetch-revocations)",
                            list.number, list.journal_size, index);
  }
  if (now - list.time > permit.max_revocation_age) {
    return PermissionDenied(
        ErrorReason("REVOCATIONS_STALE"),
        "list {} is of {}, longer ago than the {} seconds that a revocation may "
        "stay unseen: fetch it again (dml permit fetch-revocations)",
        list.number, FormatTime(list.time), permit.max_revocation_age.count());
  }
  return absl::OkStatus();
}

}  // namespace dml
