// A permit: the library's signed word that a release may go to an environment. An in-toto statement
// about the release document with SLSA's verification summary as predicate
// (https://slsa.dev/spec/v1.0/verification_summary), so that other verifiers read it too; what is
// ours is in one extension member, kPermitExtension. Never enough alone: core/evidence/
// permit_verifier.h. Pure functions; any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/journal/permit_entries.h"
#include "core/release/release.h"

namespace dml {

inline constexpr std::string_view kPermitExtension = "https://dml.dev/permit/v1";

inline constexpr size_t kMaxPermitInputs = 4096;

struct Permit {
  // Of the summary. Texts that say what the rest says; see VerifierUri and its like.
  std::string verifier;
  std::string resource;
  std::string policy_uri;
  Timestamp decided;
  Digest policy;               // Of the document.
  std::vector<Digest> inputs;  // Of the attestations' envelopes, in the bundle's order.
  // Of the extension.
  std::string id;  // UUID.
  std::string environment;
  std::vector<std::string> nodes;  // Ascending, distinct; empty: all of the environment.
  Timestamp not_before;
  Timestamp expires;  // After not_before.
  std::chrono::seconds max_revocation_age{0};
  uint64_t journal_size = 0;  // Decided on the journal's first entries, so many.
  uint64_t policy_revision = 0;
  Digest findings;                 // Of all findings in order.
  Digest approved_findings;        // As the approvers saw them (ApprovalClaim).
  std::vector<VariantName> order;  // Of all items, as they are to be carried out.
  std::string back_out;            // The permit by which it is backed out; "": none was given.
  bool is_back_out = false;        // It leads back, so that older versions are meant.
  bool operator==(const Permit&) const = default;
};

/// "dml:<origin>"
std::string VerifierUri(std::string_view origin);
/// "dml:<origin>/releases/<name>/versions/<version>"
std::string ReleaseUri(std::string_view origin, std::string_view name, std::string_view version);
/// "dml:<origin>/environments/<environment>/policies/<revision>"
std::string PolicyUri(std::string_view origin, std::string_view environment, uint64_t revision);

/// Reads the predicate strictly: a member of the summary that is not understood is refused, too.
/// INVALID_ARGUMENT (PERMIT_INVALID, or the reason of the name that is wrong) with the place;
/// PERMISSION_DENIED (PERMIT_DENIED) for a summary whose result is FAILED.
absl::StatusOr<Permit> ParsePermitPredicate(std::string_view json);

/// The predicate, compact, members in alphabetical order. The errors of the parser for what it
/// would refuse.
absl::StatusOr<std::string> FormatPermitPredicate(const Permit& permit);

}  // namespace dml
