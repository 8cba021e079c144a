// References: batches of them made into commands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// Most bytes of the specs of one batch: they travel in one message.
inline constexpr size_t kMaxReferenceSpecBytes = 3 << 20;

struct ReferenceRefusal {
  VariantName variant;
  absl::Status why;
};

struct ReferencesPrepared {
  std::string ns;
  std::optional<Command> command;         // Of those that are new; none where there are none.
  size_t published = 0;                   // In the command.
  size_t present = 0;                     // There before with the same spec.
  std::vector<ReferenceRefusal> refused;  // Bound to something else, or of another scheme.
};

/// The command for a batch (core/package/references.h). `specs` are those that it names, in its
/// order, each of kind REFERENCE, in its namespace and all of one version scheme; the envelope is
/// signed by who may publish every one of the packages. INVALID_ARGUMENT (REFERENCES_INVALID, and
/// the errors of ParseReferenceBatch and ParsePackageSpec), NOT_FOUND (NAMESPACE_NOT_FOUND), those
/// of TrustDomain::Signers and CountSigners, with the field where it lies.
absl::StatusOr<ReferencesPrepared> PrepareReferences(const Reader& state, const TrustDomain& trust,
                                                     std::string envelope,
                                                     std::span<const std::string> specs);

}  // namespace dml
