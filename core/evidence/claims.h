// What signers of a release, a policy, an approval and license data claim: in-toto predicates, each
// about one subject. Every reader here is strict, against in-toto's habit: a member that is not
// understood might take the claim back. Pure functions; any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/license/data_set.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"

namespace dml {

inline constexpr std::string_view kReleasePredicate = "https://dml.dev/release/v1";
inline constexpr std::string_view kPolicyPredicate = "https://dml.dev/policy/v1";
inline constexpr std::string_view kLicenseDataPredicate = "https://dml.dev/license-data/v1";
inline constexpr std::string_view kLicenseConclusionPredicate =
    "https://dml.dev/license-conclusion/v1";
inline constexpr std::string_view kApprovalPredicate = "https://dml.dev/approval/v1";

/// The signer seals the subject, a release document. Signing role: release.
struct ReleaseClaim {
  std::string name;
  std::string version;
  bool operator==(const ReleaseClaim&) const = default;
};

/// The signer puts the subject, a policy document, in force in an environment and what is below it.
/// The rest is what of it a verifier needs who reads no policies. Signing role: policy.
struct PolicyClaim {
  std::string environment;
  uint64_t revision = 0;            // From 1 on; goes up with every change.
  uint32_t approvers = 1;           // Different persons who must approve; 1 to 16: never nobody.
  bool separate_publishers = true;  // Whoever published an item does not count as approver.
  uint32_t publishers = 1;          // Different holders who must publish each item; 1 to 16.
  uint32_t witnesses = 0;           // Different witnesses of the checkpoint; 0 to 16.
  std::chrono::seconds max_revocation_age{0};  // How old the view of the journal may be.
  bool operator==(const PolicyClaim&) const = default;
};

/// The signer lets the subject, a release document, go to an environment, having seen findings.
/// Signing role: approver over the environment.
struct ApprovalClaim {
  std::string environment;
  Digest findings;  // ReleaseVerdict::approved_findings, of core/gate/evaluate_release.h.
  Timestamp expires;
  bool operator==(const ApprovalClaim&) const = default;
};

/// The signer has a library judge licenses by the subject, a document of this kind. Signing role:
/// license-data.
struct LicenseDataClaim {
  LicenseDataKind kind = LicenseDataKind::kList;
  std::string version;    // By which verdicts name it.
  uint64_t revision = 0;  // From 1 on; goes up with every change of its kind.
  bool operator==(const LicenseDataClaim&) const = default;
};

/// The signer looked into the license of the subject, a manifest, and concluded what it is. Signing
/// role: license-data.
struct LicenseConclusion {
  std::string license;  // Expression, in any form.
  std::string reason;   // 1 to kMaxConclusionReasonBytes bytes.
  bool operator==(const LicenseConclusion&) const = default;
};
inline constexpr size_t kMaxConclusionReasonBytes = 1024;
inline constexpr size_t kMaxConclusionLicenseBytes = 8192;

/// INVALID_ARGUMENT (CLAIM_INVALID, or the reason of the name that is wrong) with the place.
absl::StatusOr<ReleaseClaim> ParseReleaseClaim(std::string_view json);
absl::StatusOr<PolicyClaim> ParsePolicyClaim(std::string_view json);
absl::StatusOr<ApprovalClaim> ParseApprovalClaim(std::string_view json);
absl::StatusOr<LicenseDataClaim> ParseLicenseDataClaim(std::string_view json);
absl::StatusOr<LicenseConclusion> ParseLicenseConclusion(std::string_view json);

/// The documents, compact, members in alphabetical order.
std::string FormatReleaseClaim(const ReleaseClaim& claim);
std::string FormatPolicyClaim(const PolicyClaim& claim);
std::string FormatApprovalClaim(const ApprovalClaim& claim);
std::string FormatLicenseDataClaim(const LicenseDataClaim& claim);
std::string FormatLicenseConclusion(const LicenseConclusion& conclusion);

/// An envelope over a claim about one subject. Whose signatures it has is not looked at.
struct ClaimEnvelope {
  DsseEnvelope envelope;
  Digest subject;
  std::string predicate_json;
};

/// Reads an envelope's text. PERMISSION_DENIED: PAYLOAD_TYPE_UNEXPECTED, PREDICATE_UNEXPECTED,
/// SUBJECT_UNEXPECTED where there is more than one; the errors of ParseEnvelope and ParseStatement.
absl::StatusOr<ClaimEnvelope> ReadClaim(std::string_view text, std::string_view predicate_type);
/// The same of a claim about `subject`: SUBJECT_UNEXPECTED for another one, too.
absl::StatusOr<ClaimEnvelope> ReadClaimAbout(std::string_view text, std::string_view predicate_type,
                                             const Digest& subject);

/// The statement of a claim. The errors of FormatStatement.
absl::StatusOr<std::string> FormatClaim(std::string_view predicate_type, const Subject& subject,
                                        std::string_view predicate_json);

}  // namespace dml
