// in-toto Statements v1 (in-toto/attestation, spec/v1/statement.md): a claim of some type about
// some bytes, the payload of a DSSE envelope. Pure functions; any thread.
//
// The bytes that were signed stay in the envelope; a Statement is what was read from them, never
// their replacement.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";

// Predicate types with a meaning here; others are kept, and policy can name them.
inline constexpr std::string_view kPublicationPredicate = "https://dml.dev/publication/v1";
inline constexpr std::string_view kProvenancePredicate = "https://slsa.dev/provenance/v1";
inline constexpr std::string_view kSpdxPredicate = "https://spdx.dev/Document";
inline constexpr std::string_view kCycloneDxPredicate = "https://cyclonedx.org/bom";
inline constexpr std::string_view kTestResultPredicate =
    "https://in-toto.io/attestation/test-result/v0.1";
inline constexpr std::string_view kVexPredicate = "https://openvex.dev/ns";
inline constexpr std::string_view kVerificationSummaryPredicate =
    "https://slsa.dev/verification_summary/v1";

inline constexpr size_t kMaxStatementBytes = 1 << 20;
inline constexpr size_t kMaxSubjects = 64;

/// Bytes that a statement is about. They are matched by digest alone.
struct Subject {
  std::string name;  // May be empty.
  Digest sha256;
  bool operator==(const Subject&) const = default;
};

struct Statement {
  std::vector<Subject> subjects;
  std::string predicate_type;
  // The predicate as compact JSON, "{}" where there is none. For reading: members are sorted, and
  // numbers may be written differently than in the signed bytes.
  std::string predicate_json;
  bool operator==(const Statement&) const = default;
};

/// Reads a statement of at most kMaxStatementBytes: `_type` exactly kStatementType, 1 to
/// kMaxSubjects subjects, each with a SHA-256 digest (other algorithms are ignored), none twice
/// (same name and digest), a predicate type. Unknown members are ignored, as the specification
/// demands; a member twice is an error. INVALID_ARGUMENT (STATEMENT_INVALID).
absl::StatusOr<Statement> ParseStatement(std::string_view json);

/// The document, compact, members in alphabetical order. Refuses (STATEMENT_INVALID) what
/// ParseStatement would refuse, and a predicate_json that is not an object.
absl::StatusOr<std::string> FormatStatement(const Statement& statement);

/// Predicate kPublicationPredicate: the signer publishes the subject, a manifest, as this variant.
struct PublicationPredicate {
  VariantName variant;
  std::string manifest_media_type;
  bool operator==(const PublicationPredicate&) const = default;
};

/// Reads {"manifestMediaType","package":"ns/name","platform":"linux-amd64","version"}, all
/// required, no others: a member that is not understood might take the claim back.
/// INVALID_ARGUMENT (PUBLICATION_INVALID, or the reason of the name that is wrong).
absl::StatusOr<PublicationPredicate> ParsePublicationPredicate(std::string_view json);

/// The document, compact, members in alphabetical order.
std::string FormatPublicationPredicate(const PublicationPredicate& predicate);

}  // namespace dml
