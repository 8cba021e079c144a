// What a verdict on a license means to people, as findings, and what a new policy would change.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.h"
#include "core/license/policy.h"

namespace dml {

/// Everything that a verdict has to say, in the order of the text; empty where a plain license is
/// plainly allowed. Rules:
///   license.denied, license.review   error: a license of the branch taken; info: of another branch
///   license.waived                   warning: a waiver decided
///   license.waiver-expired           warning: one would have, and has expired
///   license.chosen                   info: which branch of an OR was taken
///   license.deprecated-id            info: an id that the list has as deprecated
std::vector<Finding> LicenseFindings(const LicenseVerdict& verdict, std::string_view subject,
                                     const LicenseList& list);

/// Something under a license, for a dry run.
struct LicenseSubject {
  std::string name;
  LicenseExpression expression;
  LicenseCircumstances circumstances{};
};

/// A subject that a new policy judges otherwise: another outcome, branch or obligations.
struct LicenseChange {
  std::string name;
  std::string expression;
  LicenseVerdict before;
  LicenseVerdict after;
};

struct LicenseDryRun {
  /// Subjects by outcome before (first index) and after (second).
  std::array<std::array<size_t, 4>, 4> counts{};
  std::vector<LicenseChange> changes;  // In the order of the subjects.

  /// Subjects that were allowed and would not be, and the other way round.
  size_t blocked() const;
  size_t unblocked() const;
};

/// What would change for these subjects if `after` took the place of `before`. Changes nothing.
LicenseDryRun DryRunLicensePolicy(const LicensePolicy& before, const LicensePolicy& after,
                                  std::span<const LicenseSubject> subjects,
                                  const LicenseList& list);

}  // namespace dml
