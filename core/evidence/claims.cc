#include "core/evidence/claims.h"

#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/package/document_members.h"
#include "core/release/release.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("CLAIM_INVALID");
constexpr size_t kMaxClaimBytes = 16 << 10;

// The text as a JSON object for `read`, which takes its members; errors with the document's name.
template <typename Read>
auto ReadObject(std::string_view text, std::string_view what, const Read& read)
    -> absl::StatusOr<decltype(read(std::declval<ObjectReader&>()))> {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxClaimBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), what);
  ObjectReader in(*document, kInvalid);
  auto out = read(in);
  if (absl::Status status = in.Finish(); !status.ok()) return LocateError(status, what);
  return out;
}

}  // namespace

absl::StatusOr<ReleaseClaim> ParseReleaseClaim(std::string_view text) {
  return ReadObject(text, "release predicate", [](ObjectReader& in) {
    const std::string_view types[] = {kReleaseMediaType};
    ReleaseClaim out;
    in.Word("mediaType", types);
    out.name = in.String("name", document::kMaxNameBytes);
    in.Check("name", ValidatePackagePart(out.name));
    out.version = in.String("version", document::kMaxNameBytes);
    in.Check("version", ValidateVersionText(out.version));
    return out;
  });
}

absl::StatusOr<PolicyClaim> ParsePolicyClaim(std::string_view text) {
  return ReadObject(text, "policy predicate", [](ObjectReader& in) {
    PolicyClaim out;
    out.environment = document::ReadEnvironment(in, "environment");
    out.revision = in.Unsigned("revision", 1, document::kMaxNumber);
    out.approvers = static_cast<uint32_t>(in.Unsigned("approvers", 1, kMaxEnvelopeSignatures));
    out.separate_publishers = document::ReadBool(in, "separatePublishers", kInvalid);
    out.publishers = static_cast<uint32_t>(in.Unsigned("publishers", 1, kMaxEnvelopeSignatures));
    out.witnesses = static_cast<uint32_t>(in.Unsigned("witnesses", 0, kMaxEnvelopeSignatures));
    out.max_revocation_age = document::ReadRevocationAge(in, "maxRevocationAge");
    return out;
  });
}

absl::StatusOr<ApprovalClaim> ParseApprovalClaim(std::string_view text) {
  return ReadObject(text, "approval predicate", [](ObjectReader& in) {
    ApprovalClaim out;
    out.environment = document::ReadEnvironment(in, "environment");
    out.findings = document::ReadDigest(in, "findings");
    out.expires = document::ReadTime(in, "expires", kInvalid);
    return out;
  });
}

absl::StatusOr<LicenseDataClaim> ParseLicenseDataClaim(std::string_view text) {
  return ReadObject(text, "license-data predicate", [](ObjectReader& in) {
    constexpr std::array<std::string_view, 4> kKinds = {"list", "matrix", "properties", "texts"};
    LicenseDataClaim out;
    out.kind = static_cast<LicenseDataKind>(in.Word("kind", kKinds) + 1);
    out.version = document::ReadText(in, "version", kMaxLicenseDataVersionBytes, kInvalid);
    out.revision = in.Unsigned("revision", 1, document::kMaxNumber);
    return out;
  });
}

absl::StatusOr<LicenseConclusion> ParseLicenseConclusion(std::string_view text) {
  return ReadObject(text, "license-conclusion predicate", [](ObjectReader& in) {
    LicenseConclusion out;
    out.license = document::ReadText(in, "license", kMaxConclusionLicenseBytes, kInvalid);
    out.reason = document::ReadText(in, "reason", kMaxConclusionReasonBytes, kInvalid);
    return out;
  });
}

std::string FormatReleaseClaim(const ReleaseClaim& claim) {
  return document::WritePredicate(
      {{"mediaType", kReleaseMediaType}, {"name", claim.name}, {"version", claim.version}});
}

std::string FormatPolicyClaim(const PolicyClaim& claim) {
  return document::WritePredicate({{"environment", claim.environment},
                                   {"revision", claim.revision},
                                   {"approvers", claim.approvers},
                                   {"separatePublishers", claim.separate_publishers},
                                   {"publishers", claim.publishers},
                                   {"witnesses", claim.witnesses},
                                   {"maxRevocationAge", claim.max_revocation_age.count()}});
}

std::string FormatApprovalClaim(const ApprovalClaim& claim) {
  return document::WritePredicate({{"environment", claim.environment},
                                   {"findings", claim.findings.ToString()},
                                   {"expires", FormatTime(claim.expires)}});
}

std::string FormatLicenseDataClaim(const LicenseDataClaim& claim) {
  return document::WritePredicate({{"kind", LicenseDataKindName(claim.kind)},
                                   {"version", claim.version},
                                   {"revision", claim.revision}});
}

std::string FormatLicenseConclusion(const LicenseConclusion& conclusion) {
  return document::WritePredicate({{"license", conclusion.license}, {"reason", conclusion.reason}});
}

absl::StatusOr<ClaimEnvelope> ReadClaim(std::string_view text, std::string_view predicate_type) {
  ClaimEnvelope out;
  DML_ASSIGN_OR_RETURN(out.envelope, ParseEnvelope(text));
  if (out.envelope.payload_type != kInTotoPayloadType) {
    return PermissionDenied(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                            "the envelope holds '{}', not '{}'; send an envelope over the latter",
                            Excerpt(out.envelope.payload_type), kInTotoPayloadType);
  }
  DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(out.envelope.payload));
  if (statement.predicate_type != predicate_type) {
    return PermissionDenied(ErrorReason("PREDICATE_UNEXPECTED"),
                            "the statement is a '{}', not a '{}'",
                            Excerpt(statement.predicate_type), predicate_type);
  }
  if (statement.subjects.size() != 1) {
    return PermissionDenied(ErrorReason("SUBJECT_UNEXPECTED"),
                            "the statement is about {} subjects, not about one",
                            statement.subjects.size());
  }
  out.subject = statement.subjects.front().sha256;
  out.predicate_json = std::move(statement.predicate_json);
  return out;
}

absl::StatusOr<ClaimEnvelope> ReadClaimAbout(std::string_view text, std::string_view predicate_type,
                                             const Digest& subject) {
  DML_ASSIGN_OR_RETURN(ClaimEnvelope out, ReadClaim(text, predicate_type));
  if (out.subject == subject) return out;
  return PermissionDenied(ErrorReason("SUBJECT_UNEXPECTED"), "the statement is about {}, not {}",
                          out.subject.ToString(), subject.ToString());
}

absl::StatusOr<std::string> FormatClaim(std::string_view predicate_type, const Subject& subject,
                                        std::string_view predicate_json) {
  return FormatStatement({{subject}, std::string(predicate_type), std::string(predicate_json)});
}

}  // namespace dml
