// Requests about rollouts made into commands, and what time does to rollouts. Functions without
// state; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/rules/command.h"
#include "core/rules/rollouts.h"
#include "storage/library/library.h"

namespace dml {

/// The command that starts a rollout: to the nodes of the environment and what is below it that
/// items of the release touch, those of the permit where it names some. FAILED_PRECONDITION
/// (NODES_MISSING) where there is none; ROLLOUT_INVALID, RELEASE_NOT_FOUND, PERMIT_INVALID. The
/// baseline is the release that was deployed there last and is neither backed out nor withdrawn.
absl::StatusOr<Command> PrepareRollout(const Reader& state, const Digest& release,
                                       const std::string& environment, const std::string& permit,
                                       const RolloutPlan& plan);

/// The command of a node's report; `envelope`, where it is not empty, must be a DSSE envelope
/// (ENVELOPE_INVALID). It is kept as it is: whose signatures it has is for its readers.
absl::StatusOr<Command> PrepareReport(NodeReported report, std::string envelope);

/// Enters that time went by for each rollout that it moves on, as `author`; how many there were.
/// The first error ends it, but for what somebody else was faster with.
absl::StatusOr<size_t> TickRollouts(Library& library, const std::string& author);

}  // namespace dml
