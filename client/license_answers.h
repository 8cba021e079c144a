// What a library answers to questions on licenses (client/client.h, client/licenses.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/license/compatibility.h"
#include "core/license/notice.h"
#include "core/license/policy.h"
#include "core/package/names.h"

namespace dml {

/// What is known of a variant's license beyond what it declares (core/license/evidence.h).
struct LicenseObservation {
  std::string source;
  std::string expression;
  bool ambiguous = false;
  std::vector<std::string> unread;
  std::string fault;
};

struct LicenseAnswer {
  LicenseOutcome outcome = LicenseOutcome::kReview;
  std::string expression;
  std::string chosen;
  std::vector<LicenseReason> reasons;  // Without expired waivers and the other rules.
  std::vector<std::string> obligations;
  LicenseContext context;  // That was judged.
  std::vector<Finding> findings;
  std::string license_list_version;
  std::string license_properties_version;  // "" where the policy goes by no category.
  uint64_t policy_revision = 0;
  // Of a variant; `expression` is what these come to.
  std::string declared;
  std::vector<LicenseObservation> observed;
  std::string concluded;  // "" where nobody concluded one.
  std::string concluded_by;
  std::string concluded_reason;
};

struct LicenseUse {
  VariantName variant;
  std::string declared_license;
};

/// One license in another that is not allowed, or of which that is not known.
struct LicenseSetConflict {
  std::string outbound_variant;  // Resource name of what the other is a part; "" is the whole.
  std::string inbound_variant;
  LicenseComparison verdict;
};

struct LicenseSetFinding {
  Finding finding;
  std::optional<LicenseSetConflict> conflict;
};

/// What a notice has to tell (core/license/notice.h, WriteNotice).
struct LicenseReportAnswer {
  NoticeInput notice;                // All but the title.
  std::vector<std::string> missing;  // Ids of licenses whose texts the library does not have.
  uint64_t index = 0;
  std::string license_texts_version;  // "" where it has none.
  uint64_t policy_revision = 0;       // 0 without an environment.
};

/// Of a policy on one license.
struct LicensePolicyVerdict {
  std::optional<LicenseOutcome> outcome;  // nullopt: there is no policy, and nothing is allowed.
  std::string chosen;
  std::vector<std::string> obligations;
  std::string explanation;
};

/// What a new policy would judge otherwise.
struct LicensePolicyChange {
  VariantName variant;
  std::string license;
  LicensePolicyVerdict before;
  LicensePolicyVerdict after;
};

struct LicenseSetAnswer {
  LicenseOutcome outcome = LicenseOutcome::kReview;  // The worst of all pairs.
  std::vector<LicenseSetFinding> findings;           // All of them.
  uint64_t pairs = 0;                                // Looked at.
  uint64_t index = 0;
  std::string matrix_version;
  std::string license_list_version;
  uint64_t policy_revision = 0;  // 0 without an environment.
  /// The worst verdict of the environment's policy on one of them; nullopt without an environment.
  std::optional<LicenseOutcome> policy_outcome;
  uint64_t variants = 0;  // Looked at.
};

}  // namespace dml
