// What is known of a package's license, by who says so; never mixed.
//   declared    by the package itself, in its package spec
//   observed    by a scan or an SBOM attestation
//   concluded   by a person who looked into it
//   chosen      of the license that applies: the branch of an OR that the gate took
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.h"
#include "core/license/expression.h"
#include "core/license/sbom.h"

namespace dml {

struct ObservedLicense {
  std::string source;  // Of whom, such as the attestation's digest.
  LicenseExpression expression;
  bool ambiguous = false;  // A bare list, read as all at once.
  bool operator==(const ObservedLicense&) const = default;
};

struct ConcludedLicense {
  LicenseExpression expression;
  std::string author;
  std::string reason;
};

struct LicenseEvidence {
  LicenseExpression declared;
  std::vector<ObservedLicense> observed;
  std::optional<ConcludedLicense> concluded;
  std::string chosen;  // "" before the gate took one.
};

/// What the component of an SBOM with this package URL was observed under; nullopt where none or
/// several with different licenses have it.
std::optional<ObservedLicense> ObservedOf(const Sbom& sbom, std::string_view purl,
                                          std::string source);

/// The license to judge by: the concluded one, else the declared one where all that was observed is
/// covered by it, else all of them at once, so that doubt never allows more. An observation that
/// says nothing (NOASSERTION) counts for nothing. LICENSE_EXPRESSION_INVALID beyond the limits.
absl::StatusOr<LicenseExpression> EffectiveLicense(const LicenseEvidence& evidence,
                                                   const LicenseList& list);

/// Where they disagree, in the order observed. Rules:
///   license.observed-undeclared     warning (info once a license is concluded)
///   license.declared-not-observed   info: part of the declaration that no observation names
///   license.ambiguous-list          info: which of several licenses applies was not said
std::vector<Finding> EvidenceFindings(const LicenseEvidence& evidence, std::string_view subject);

}  // namespace dml
