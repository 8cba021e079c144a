// Requests about releases made into commands: documents are read, what they name is looked up and
// signatures are verified here, on a snapshot, outside the sequencer. Functions without state; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "core/release/release.h"
#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// The command that seals a release. The document must be written as it is sealed (RELEASE_INVALID,
/// RELEASE_NOT_CANONICAL), its envelope a ReleaseClaim of the same name and version
/// (RELEASE_UNEXPECTED; the errors of ReadClaimAbout) with the threshold of the role release
/// (THRESHOLD_NOT_MET). Each item's variant must be published with that very manifest:
/// VARIANT_NOT_FOUND, MANIFEST_MISMATCH, VARIANT_NOT_PUBLISHED (withdrawn, in quarantine or
/// rejected; not asked of what is removed). A release to return to must be sealed
/// (RELEASE_NOT_FOUND). `configurations` are those that items name, each once and all of them:
/// CONFIGURATION_MISSING, CONFIGURATION_UNEXPECTED, CONFIGURATION_TOO_LARGE;
/// CONFIGURATION_HOLDS_SECRET where one looks as if it did. Every error has the field where it
/// lies.
absl::StatusOr<Command> PrepareSeal(const Reader& state, const TrustDomain& trust,
                                    std::string document, std::string envelope,
                                    std::vector<std::string> configurations = {});

/// The command that attaches an attestation. Signers count who may vouch, in one role or another,
/// for the packages of all items: SIGNATURE_MISSING where nobody's good signature is on it.
/// PREDICATE_UNEXPECTED for what has a meaning of its own (seals, approvals, permits, ...).
absl::StatusOr<Command> PrepareReleaseAttestation(const Reader& state, const TrustDomain& trust,
                                                  const Digest& release, std::string envelope);

/// The command that approves a release, by an ApprovalClaim which says where. SIGNATURE_MISSING
/// where no approver for that environment signed it.
absl::StatusOr<Command> PrepareApproval(const Reader& state, const TrustDomain& trust,
                                        const Digest& release, std::string envelope);

/// The document of a release that is sealed. NOT_FOUND (RELEASE_NOT_FOUND); those of ReadMetadata.
absl::StatusOr<Release> LoadRelease(const Reader& state, const Digest& document);

}  // namespace dml
