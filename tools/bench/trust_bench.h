// The parts of the section "trust", in the order in which they are measured.
#pragma once

#include "tools/bench/sections.h"

namespace dml::bench {

/// Signing and verifying, beside what `openssl speed` says of this machine.
absl::Status MeasureSignatures(const Setup& setup, Report& report);
/// Proofs and tiles of a journal of a million entries.
absl::Status MeasureProofs(const Setup& setup, Report& report);
/// Publishing into a library in this process, with signatures and with these left out.
absl::Status MeasureSignedPublish(const Setup& setup, Report& report);

}  // namespace dml::bench
