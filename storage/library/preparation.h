// Requests made into commands: everything slow or checkable without the current state.
//
// Documents are parsed, digests computed and signatures verified here, on a snapshot, outside the
// sequencer; the rules look at the outcome once more against the state that they find. Functions
// without state; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/license/license_list.h"
#include "core/package/manifest.h"
#include "core/package/package_spec.h"
#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/content/content_store.h"
#include "storage/engine/engine.h"

namespace dml {

/// An envelope whose signatures were checked.
struct CheckedEnvelope {
  AttestationRef ref;     // key_ids: those with a good signature that may vouch for the package.
  std::string predicate;  // JSON.
  Digest statement;       // Of the bytes that were signed.
};

/// Verifies an in-toto statement about `subject` in a DSSE envelope against the keys that may make
/// such a claim about the package: a publication is a publisher's, the conclusion of a license
/// license-data's, anything else may be any role's that vouches for packages. INVALID_ARGUMENT
/// (ENVELOPE_INVALID, STATEMENT_INVALID, ATTESTATION_OF_OTHER_SUBJECT; KEY_ID_REQUIRED as of
/// TrustDomain::Signers), PERMISSION_DENIED (SIGNATURE_MISSING, PAYLOAD_TYPE_UNEXPECTED).
absl::StatusOr<CheckedEnvelope> CheckEnvelope(const TrustDomain& trust, const std::string& envelope,
                                              const Digest& subject, const PackageName& package);

/// Manifest and spec of a variant together: they travel in one message with room to spare.
inline constexpr size_t kMaxDocumentBytes = 2 << 20;

/// The command that publishes a variant. Its files must be visible in its namespace (NOT_FOUND,
/// BLOB_NOT_FOUND), the manifest must name this spec (INVALID_ARGUMENT, MANIFEST_SPEC_MISMATCH),
/// and the envelopes that are publications must be of exactly this variant (PUBLICATION_MISSING,
/// PUBLICATION_MISMATCH) and together have the publishers' threshold (THRESHOLD_NOT_MET). Documents
/// above kMaxDocumentBytes are DOCUMENTS_TOO_LARGE. Every error has the field where it lies.
///
/// A license that the spec declares must be one by `list`, the one in force, or else by the one
/// that is built in: LICENSE_EXPRESSION_INVALID. What the former alone knows must be written as it
/// is there (LICENSE_NOT_CANONICAL), so that it means the same to whoever has another list.
absl::StatusOr<Command> PreparePublish(const Reader& state, const TrustDomain& trust,
                                       const LicenseList& list, ContentStore& content,
                                       std::string manifest, std::string spec,
                                       std::span<const std::string> envelopes);

/// The command that attaches a further attestation to a published variant; a publication must be
/// one of exactly this variant (PUBLICATION_MISMATCH), as when publishing, and the conclusion of a
/// license one that `list` can read (CLAIM_INVALID, LICENSE_EXPRESSION_INVALID). ALREADY_EXISTS
/// (ATTESTATION_EXISTS) where all its signers have this statement attached in other envelopes; the
/// same envelope again passes here, for the rules to tell a retry.
absl::StatusOr<Command> PrepareAttach(const Reader& state, const TrustDomain& trust,
                                      const LicenseList& list, const VariantName& name,
                                      std::string envelope);

}  // namespace dml
