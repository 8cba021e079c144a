// Releases as arguments name them.
#pragma once

#include <string_view>

#include "client/releases.h"

namespace dml {

inline constexpr char kReleaseNameHelp[] = "NAME@VERSION";

/// INVALID_ARGUMENT (ARGUMENT_INVALID) for what is not NAME@VERSION.
absl::StatusOr<ReleaseName> ParseReleaseName(std::string_view text);

}  // namespace dml
