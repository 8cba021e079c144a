// What is measured on a whole Debian index.
#pragma once

#include "tools/bench/sections.h"

namespace dml::bench {

/// The solver on Setup::packages in this process, beside libsolv's tools and dose-debcheck where
/// they are installed.
absl::Status MeasureDebianSolver(const Setup& setup, Report& report);

}  // namespace dml::bench
