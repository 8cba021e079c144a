// What a decision on a release reads, as stamps: where one has moved, it must be made again.
#pragma once

#include <string_view>
#include <vector>

#include "core/release/release.h"
#include "core/rules/command.h"
#include "storage/engine/engine.h"

namespace dml {

/// Keys, license data, advisories, the release, its items' packages, and its environment with what
/// is above and below it and where else the release went.
absl::StatusOr<std::vector<StampSeen>> StampsOfDecision(const Reader& state, const Release& release,
                                                        const Digest& digest,
                                                        std::string_view environment);

}  // namespace dml
