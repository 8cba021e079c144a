#include "core/compat/violation.h"

namespace dml {

std::string_view ViolationKindName(ViolationKind kind) {
  switch (kind) {
    case ViolationKind::kMissing:
      return "MISSING";
    case ViolationKind::kWrongVersion:
      return "WRONG_VERSION";
    case ViolationKind::kPlatformMismatch:
      return "PLATFORM_MISMATCH";
    case ViolationKind::kConflict:
      return "CONFLICT";
    case ViolationKind::kBreaks:
      return "BREAKS";
    case ViolationKind::kTwoVersions:
      return "TWO_VERSIONS";
    case ViolationKind::kSkew:
      return "SKEW";
    case ViolationKind::kUpgradePath:
      return "UPGRADE_PATH";
    case ViolationKind::kDenied:
      return "DENIED";
    case ViolationKind::kNotProven:
      return "NOT_PROVEN";
  }
  return "";
}

namespace {

std::string_view RuleOf(ViolationKind kind) {
  switch (kind) {
    case ViolationKind::kMissing:
      return "compatibility.requirement-missing";
    case ViolationKind::kWrongVersion:
      return "compatibility.wrong-version";
    case ViolationKind::kPlatformMismatch:
      return "compatibility.platform-mismatch";
    case ViolationKind::kConflict:
      return "compatibility.conflict";
    case ViolationKind::kBreaks:
      return "compatibility.breaks";
    case ViolationKind::kTwoVersions:
      return "compatibility.two-versions";
    case ViolationKind::kSkew:
      return "compatibility.skew";
    case ViolationKind::kUpgradePath:
      return "compatibility.upgrade-path";
    case ViolationKind::kDenied:
      return "compatibility.denied";
    case ViolationKind::kNotProven:
      break;
  }
  return "compatibility.not-proven";
}

}  // namespace

Finding ToFinding(const Violation& violation, Severity severity, std::string_view set_subject) {
  std::string message = violation.requirement;
  if (!violation.source.empty()) message += fmt::format(" [{}]", violation.source);
  for (size_t i = 0; i < violation.found.size(); ++i) {
    const Candidate& candidate = violation.found[i];
    message += fmt::format("{}{}", i == 0 ? "; found " : ", ", candidate.package);
    if (!candidate.version.empty()) message += fmt::format(" with {}", candidate.version);
  }
  if (violation.found_count > violation.found.size()) {
    message += fmt::format(" and {} more", violation.found_count - violation.found.size());
  }
  return {std::string(RuleOf(violation.kind)), severity,
          violation.package.empty() ? std::string(set_subject) : violation.package,
          std::move(message), violation.remedy};
}

}  // namespace dml
