// Requests made into commands: everything slow or checkable without the current state.
//
// Documents are parsed, digests computed and signatures verified here, on a snapshot, outside the
// sequencer; the rules look at the outcome once more against the state that they find. Functions
// without state; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/package/manifest.h"
#include "core/package/package_spec.h"
#include "core/rules/command.h"
#include "storage/content/content_store.h"
#include "storage/engine/engine.h"

namespace dml {

/// An envelope whose signatures were checked.
struct CheckedEnvelope {
  AttestationRef ref;     // key_ids: registered, unrevoked keys with a good signature.
  std::string predicate;  // JSON.
  Digest statement;       // Of the bytes that were signed.
};

/// Verifies an in-toto statement about `subject` in a DSSE envelope against the library's unrevoked
/// keys: those that the signatures' key ids name, and where one names none, those that cover
/// namespace `ns`, at most 256, the ones that name it before the ones for all namespaces.
/// INVALID_ARGUMENT (ENVELOPE_INVALID, STATEMENT_INVALID, ATTESTATION_OF_OTHER_SUBJECT;
/// KEY_ID_REQUIRED where none of those is good and there are more), PERMISSION_DENIED
/// (SIGNATURE_MISSING, PAYLOAD_TYPE_UNEXPECTED).
absl::StatusOr<CheckedEnvelope> CheckEnvelope(const Reader& state, const std::string& envelope,
                                              const Digest& subject, std::string_view ns);

/// Manifest and spec of a variant together: they travel in one message with room to spare.
inline constexpr size_t kMaxDocumentBytes = 2 << 20;

/// The command that publishes a variant. Its files must be visible in its namespace (NOT_FOUND,
/// BLOB_NOT_FOUND), the manifest must name this spec (INVALID_ARGUMENT, MANIFEST_SPEC_MISMATCH),
/// and one envelope must be the publication of exactly this variant (PUBLICATION_MISSING,
/// PUBLICATION_MISMATCH). Documents above kMaxDocumentBytes are DOCUMENTS_TOO_LARGE. Every error
/// has the field where it lies.
absl::StatusOr<Command> PreparePublish(const Reader& state, ContentStore& content,
                                       std::string manifest, std::string spec,
                                       std::span<const std::string> envelopes);

/// The command that attaches a further attestation to a published variant; a publication must be
/// one of exactly this variant (PUBLICATION_MISMATCH), as when publishing. ALREADY_EXISTS
/// (ATTESTATION_EXISTS) where all its signers have this statement attached in other envelopes; the
/// same envelope again passes here, for the rules to tell a retry.
absl::StatusOr<Command> PrepareAttach(const Reader& state, const VariantName& name,
                                      std::string envelope);

}  // namespace dml
