#include "core/license/findings.h"

namespace dml {
namespace {

bool Allows(LicenseOutcome outcome) { return outcome < LicenseOutcome::kReview; }

void AddOutcome(const LicenseReason& reason, std::string_view subject,
                std::vector<Finding>& findings) {
  if (Allows(reason.outcome)) return;
  const bool denied = reason.outcome == LicenseOutcome::kDeny;
  findings.push_back({.rule = denied ? "license.denied" : "license.review",
                      .severity = reason.chosen ? Severity::kError : Severity::kInfo,
                      .subject = std::string(subject),
                      .message = reason.explanation,
                      .remedy = !reason.chosen ? ""
                                : denied ? "take a package under a license that the policy allows, "
                                           "or have the license waived"
                                         : "decide on it, and let the policy name it"});
}

void AddWaivers(const LicenseReason& reason, std::string_view subject,
                std::vector<Finding>& findings) {
  if (!reason.waiver.empty()) {
    findings.push_back({.rule = "license.waived",
                        .severity = Severity::kWarning,
                        .subject = std::string(subject),
                        .message = reason.explanation,
                        .remedy = "before the waiver expires, replace the package or renew it"});
  }
  for (const std::string& waiver : reason.expired_waivers) {
    findings.push_back({.rule = "license.waiver-expired",
                        .severity = Severity::kWarning,
                        .subject = std::string(subject),
                        .message = fmt::format("{}: waiver '{}' has expired", reason.leaf, waiver),
                        .remedy = "replace the package, or have the license waived again"});
  }
}

void AddDeprecated(const LicenseReason& reason, std::string_view subject, const LicenseList& list,
                   std::vector<Finding>& findings) {
  if (reason.deprecated.empty()) return;
  std::string replacement = ReplacementOfLicense(reason.deprecated, list);
  findings.push_back({.rule = "license.deprecated-id",
                      .severity = Severity::kInfo,
                      .subject = std::string(subject),
                      .message = fmt::format("{}: the license list {} has '{}' as deprecated",
                                             reason.leaf, list.version(), reason.deprecated),
                      .remedy = replacement.empty() ? "declare the license by another id"
                                                    : fmt::format("write {}", replacement)});
}

bool SameAnswer(const LicenseVerdict& a, const LicenseVerdict& b) {
  return a.outcome == b.outcome && a.chosen == b.chosen && a.obligations == b.obligations;
}

size_t CountOf(const LicenseDryRun& run, bool before, bool after) {
  size_t count = 0;
  for (size_t i = 0; i < 4; ++i) {
    for (size_t k = 0; k < 4; ++k) {
      const bool counts = Allows(static_cast<LicenseOutcome>(i)) == before &&
                          Allows(static_cast<LicenseOutcome>(k)) == after;
      if (counts) count += run.counts[i][k];
    }
  }
  return count;
}

}  // namespace

std::vector<Finding> LicenseFindings(const LicenseVerdict& verdict, std::string_view subject,
                                     const LicenseList& list) {
  std::vector<Finding> findings;
  bool has_other_branch = false;
  for (const LicenseReason& reason : verdict.reasons) {
    AddOutcome(reason, subject, findings);
    AddWaivers(reason, subject, findings);
    AddDeprecated(reason, subject, list, findings);
    has_other_branch |= !reason.chosen;
  }
  if (has_other_branch) {
    findings.push_back({.rule = "license.chosen",
                        .severity = Severity::kInfo,
                        .subject = std::string(subject),
                        .message = fmt::format("taken under {}, which is {}", verdict.chosen,
                                               LicenseOutcomeName(verdict.outcome)),
                        .remedy = ""});
  }
  return findings;
}

size_t LicenseDryRun::blocked() const { return CountOf(*this, true, false); }
size_t LicenseDryRun::unblocked() const { return CountOf(*this, false, true); }

LicenseDryRun DryRunLicensePolicy(const LicensePolicy& before, const LicensePolicy& after,
                                  std::span<const LicenseSubject> subjects,
                                  const LicenseList& list) {
  LicenseDryRun run;
  for (const LicenseSubject& subject : subjects) {
    LicenseVerdict old_verdict =
        EvaluateLicense(subject.expression, before, list, subject.circumstances);
    LicenseVerdict new_verdict =
        EvaluateLicense(subject.expression, after, list, subject.circumstances);
    run.counts[static_cast<size_t>(old_verdict.outcome)]
              [static_cast<size_t>(new_verdict.outcome)] += 1;
    if (SameAnswer(old_verdict, new_verdict)) continue;
    run.changes.push_back({subject.name, subject.expression.ToString(), std::move(old_verdict),
                           std::move(new_verdict)});
  }
  return run;
}

}  // namespace dml
