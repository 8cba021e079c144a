// Overrides: what is set aside in an emergency, as commands and as facts for the gate. Functions
// without state; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/gate/evaluate_release.h"
#include "core/journal/release_records.h"
#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// The command that sets findings aside, by an OverrideClaim about the release. Whoever asks must
/// have signed it with a key of a role release, or of deployer or approver over the environment;
/// others who hold the role approver there agree by signing it, too: SIGNATURE_MISSING where nobody
/// else did. How many it takes is for the gate to say.
absl::StatusOr<Command> PrepareOverride(const Reader& state, const TrustDomain& trust,
                                        const Digest& release, std::string envelope);

/// What the gate is told of an override; `trust` null: nobody's signature counts.
OverrideFact OverrideFactOf(const ReleaseEnvelopeRecord& record, const TrustDomain* trust);

}  // namespace dml
