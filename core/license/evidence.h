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
  /// Texts that are no expression of the license list. What they say is not known.
  std::vector<std::string> unread{};
  /// Why nothing could be read of the source, "" where it could.
  std::string fault{};

  /// Whether what was observed is known, though it may be nothing.
  bool read() const { return unread.empty() && fault.empty(); }
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

/// What the component of an SBOM with this package URL was observed under, or, where none has it,
/// what the document is about; nullopt where there is neither, or several with different licenses.
std::optional<ObservedLicense> ObservedOf(const Sbom& sbom, std::string_view purl,
                                          std::string source);

/// The license to judge by: the concluded one, else the declared one where all that was observed is
/// covered by it, else all of them at once, so that doubt never allows more. An observation that
/// says nothing (NOASSERTION) counts for nothing; after one that could not be read nothing is known
/// (NOASSERTION). LICENSE_EXPRESSION_INVALID beyond the limits.
absl::StatusOr<LicenseExpression> EffectiveLicense(const LicenseEvidence& evidence,
                                                   const LicenseList& list);

/// Where they disagree, in the order observed. Rules:
///   license.observation-unread      warning (info once a license is concluded)
///   license.observed-undeclared     warning (info once a license is concluded)
///   license.declared-not-observed   info: part of the declaration that no observation names
///   license.ambiguous-list          info: which of several licenses applies was not said
///   license.concluded               info: what a person concluded takes the place of the rest
std::vector<Finding> EvidenceFindings(const LicenseEvidence& evidence, std::string_view subject);

}  // namespace dml
