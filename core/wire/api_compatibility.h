// Domain values <-> API messages of the compatibility service; see core/wire/api.h.
#pragma once

#include "core/compat/environment_check.h"
#include "core/compat/nodes_document.h"
#include "core/compat/resolve_document.h"
#include "core/wire/api.h"
#include "dml/v1/compatibility.pb.h"

namespace dml::wire {

v1::ResolveMode ToApi(ResolveMode mode);
/// What is not told is kNewest. INVALID_ARGUMENT (RESOLVE_MODE_UNKNOWN).
absl::StatusOr<ResolveMode> From(v1::ResolveMode in);

v1::ResolveOutcome ToApi(Solvable solvable);
/// INVALID_ARGUMENT (RESOLVE_OUTCOME_UNKNOWN), the unspecified one too.
absl::StatusOr<Solvable> From(v1::ResolveOutcome in);

/// PACKAGE where it is not told. INVALID_ARGUMENT (RELATION_KIND_UNKNOWN).
absl::StatusOr<RelationKind> ReadRelationKind(const std::string& name);

void To(const RelationTarget& target, v1::WantedPackage* out);
/// INVALID_ARGUMENT: NAME_INVALID, RELATION_KIND_UNKNOWN, VERSION_RANGE_INVALID.
absl::StatusOr<RelationTarget> From(const v1::WantedPackage& in);

/// Pins alone of the constraints; `max_steps` stays as it is.
void To(const ResolveRequest& request, v1::ResolveProblem* out);
/// Limits first: INVALID_ARGUMENT (REQUEST_TOO_LARGE) beyond those of
/// core/compat/resolve_document.h. NAME_INVALID,
/// VERSION_RANGE_INVALID, TEXT_INVALID, RESOLVE_MODE_UNKNOWN, each with the field.
absl::StatusOr<ResolveRequest> From(const v1::ResolveProblem& in);

v1::CompatibilityOutcome ToApi(EnvironmentVerdict verdict);
/// INVALID_ARGUMENT (COMPATIBILITY_OUTCOME_UNKNOWN), the unspecified one too.
absl::StatusOr<EnvironmentVerdict> From(v1::CompatibilityOutcome in);

/// Without the signers.
void To(const EnvironmentViolation& violation, v1::EnvironmentFinding* out);
void To(const NodeDescription& node, v1::NodeState* out);

}  // namespace dml::wire
