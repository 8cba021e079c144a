// A baseline: the package variants that were in use on a node before a release came, so that it can
// be gone back to. A text, one resource name a line, ascending. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/package/names.h"

namespace dml {

inline constexpr size_t kMaxBaselineVariants = 10'000;
inline constexpr size_t kMaxBaselineBytes = 2 << 20;

/// Ascending, each once, whatever the order that they come in. INVALID_ARGUMENT (BASELINE_INVALID)
/// above the limits.
absl::StatusOr<std::string> FormatBaseline(std::vector<VariantName> variants);
/// BASELINE_INVALID with the line for anything that FormatBaseline does not write.
absl::StatusOr<std::vector<VariantName>> ParseBaseline(std::string_view text);

}  // namespace dml
