#include "core/gate/policy_shape.h"

#include <array>

#include "core/gate/policy.h"
#include "core/gate/release_rules.h"
#include "core/license/waiver.h"
#include "core/release/release.h"

namespace dml {
namespace {

using Kind = Shape::Kind;

constexpr size_t kMaxPatternBytes = 512;
constexpr size_t kMaxIdBytes = 128;
constexpr size_t kMaxReasonBytes = 1024;
constexpr uint64_t kMaxHours = 24 * 366;

constexpr Shape Text(uint64_t max, std::string_view pattern = "") {
  return {.kind = Kind::kText, .max = max, .pattern = pattern};
}
constexpr Shape Number(uint64_t min, uint64_t max) {
  return {.kind = Kind::kNumber, .min = min, .max = max};
}
constexpr Shape List(const Shape& element, uint64_t max, uint64_t min = 0) {
  return {.kind = Kind::kList, .element = &element, .min = min, .max = max};
}
constexpr Shape Object(std::span<const ShapeMember> members) {
  return {.kind = Kind::kObject, .members = members};
}
constexpr Shape Word(std::span<const std::string_view> words) {
  return {.kind = Kind::kWord, .words = words};
}

constexpr Shape kFlag = {.kind = Kind::kFlag};
constexpr Shape kPattern = Text(kMaxPatternBytes);
constexpr Shape kPatterns = List(kPattern, kMaxPolicyPatterns);
constexpr Shape kId = Text(kMaxIdBytes);
constexpr Shape kReason = Text(kMaxReasonBytes);
constexpr Shape kHours = Number(0, kMaxHours);
constexpr Shape kSomeHours = Number(1, kMaxHours);

constexpr std::string_view kSchemaWords[] = {kPolicySchema};
constexpr Shape kSchema = Word(kSchemaWords);

constexpr Shape kScanDays = Number(1, kMaxScanDays);
constexpr ShapeMember kContentMembers[] = {
    {"allowedNamespaces", &kPatterns, false, "Namespaces that packages may come from"},
    {"deniedPackages", &kPatterns, false, "Packages that are never deployed: namespace/name"},
    {"platforms", &kPatterns, false, "Platforms that they may be for, such as linux-*; all"},
    {"scannedWithinDays", &kScanDays, false, "The last scan is not older, and found it clean"},
    {"sbom", &kFlag, false, "Each has an attested bill of materials; false"}};
constexpr Shape kContent = Object(kContentMembers);

constexpr Shape kThreshold = Number(1, kMaxSignatureThreshold);
constexpr ShapeMember kSignatureMembers[] = {
    {"threshold", &kThreshold, true, "Distinct persons who must have signed each publication"},
    {"builders", &kPatterns, false, "Who built it, one of them, by its provenance; anybody"}};
constexpr Shape kSignatures = Object(kSignatureMembers);

constexpr std::string_view kNotProvenWords[] = {"DENY", "WARN"};
constexpr Shape kNotProven = Word(kNotProvenWords);
constexpr ShapeMember kCompatibilityMembers[] = {
    {"onNotProven", &kNotProven, false, "What to do where nothing is proven; DENY"}};
constexpr Shape kCompatibility = Object(kCompatibilityMembers);

// Licenses; core/gate/policy_licenses.cc reads them.
constexpr std::string_view kOutcomeWords[] = {"ALLOW", "ALLOW_WITH_OBLIGATIONS", "REVIEW", "DENY"};
constexpr std::string_view kProvisionWords[] = {"INTERNAL", "SERVICE", "DISTRIBUTED"};
constexpr std::string_view kCombinationWords[] = {"SEPARATE", "LINKED_DYNAMIC", "LINKED_STATIC",
                                                  "MERGED"};
constexpr Shape kOutcome = Word(kOutcomeWords);
constexpr Shape kProvision = Word(kProvisionWords);
constexpr Shape kCombination = Word(kCombinationWords);
constexpr Shape kProvisions = List(kProvision, 3);
constexpr Shape kCombinations = List(kCombination, 4);
constexpr ShapeMember kConditionMembers[] = {
    {"provisions", &kProvisions}, {"combinations", &kCombinations}, {"modified", &kFlag}};
constexpr Shape kCondition = Object(kConditionMembers);
constexpr Shape kObligations = List(kId, kMaxLicenseCategories);
constexpr ShapeMember kLicenseRuleMembers[] = {
    {"id", &kId, true},         {"outcome", &kOutcome, true},   {"licenses", &kPatterns},
    {"categories", &kPatterns}, {"obligations", &kObligations}, {"when", &kCondition}};
constexpr Shape kLicenseRule = Object(kLicenseRuleMembers);
constexpr ShapeMember kContextMembers[] = {{"environment", &kPattern},
                                           {"package", &kPattern},
                                           {"provision", &kProvision},
                                           {"combination", &kCombination},
                                           {"modified", &kFlag}};
constexpr Shape kContext = Object(kContextMembers);
constexpr Shape kWaiverText = Text(kMaxWaiverTextBytes);
constexpr ShapeMember kWaiverMembers[] = {
    {"id", &kWaiverText, true},     {"license", &kPattern, true},   {"package", &kPattern, true},
    {"reason", &kWaiverText, true}, {"author", &kWaiverText, true}, {"expires", &kId, true},
    {"when", &kCondition}};
constexpr Shape kWaiver = Object(kWaiverMembers);
constexpr Shape kLicenseRules = List(kLicenseRule, kMaxLicenseRules);
constexpr Shape kContexts = List(kContext, kMaxPolicyPatterns);
constexpr Shape kWaivers = List(kWaiver, kMaxLicenseWaivers);
constexpr ShapeMember kLicenseMembers[] = {
    {"allow", &kPatterns, false, "SPDX ids that may be used"},
    {"deny", &kPatterns, false, "SPDX ids that may not"},
    {"review", &kPatterns, false, "SPDX ids that a person must decide on; denied until then"},
    {"rules", &kLicenseRules, false, "Finer rules, also by category; the worst one holds"},
    {"contexts", &kContexts, false, "How packages are used; the first that names a place holds"},
    {"waivers", &kWaivers, false, "Exceptions for a package, until a day"}};
constexpr Shape kLicenses = Object(kLicenseMembers);

// The families of core/gate/release_rules.h; core/gate/read_release_rules.cc reads them.
constexpr std::string_view kTypeWords[] = {"MAJOR", "MINOR", "PATCH", "EMERGENCY"};
constexpr Shape kType = Word(kTypeWords);
constexpr Shape kTypes = List(kType, 4, 1);
constexpr ShapeMember kEnvironment = {"environment", &kPattern, false,
                                      "Where the rule holds, with what is below; everywhere"};
constexpr ShapeMember kForTypes = {"types", &kTypes, false, "Types of releases; all"};

constexpr Shape kApprovers = Number(1, kMaxSignatureThreshold);
constexpr ShapeMember kApprovalMembers[] = {
    kEnvironment,
    kForTypes,
    {"approvers", &kApprovers, true, "Different persons who must approve"},
    {"separatePublishers", &kFlag, false, "Whoever published an item does not count; true"},
    {"separateTesters", &kFlag, false, "Whoever attested a test does not count; true"},
    {"separateDeployers", &kFlag, false, "Whoever asks for the permit does not count; true"},
    {"validHours", &kSomeHours, false, "How long an approval holds; 720"}};
constexpr Shape kApprovalRule = Object(kApprovalMembers);

constexpr Shape kCount = Number(0, (1ULL << 53) - 1);
constexpr ShapeMember kSizeMembers[] = {kEnvironment,       kForTypes,
                                        {"items", &kCount}, {"changes", &kCount},
                                        {"bytes", &kCount}, {"nodes", &kCount}};
constexpr Shape kSizeRule = Object(kSizeMembers);

constexpr std::string_view kActionWords[] = {"INSTALL", "UPGRADE", "REMOVE", "CONFIGURE"};
constexpr Shape kAction = Word(kActionWords);
constexpr Shape kActions = List(kAction, 4, 1);
constexpr ShapeMember kAfterMembers[] = {
    {"environment", &kPattern, true, "Where the release was deployed before"},
    {"soakHours", &kHours, false, "And stayed for so long; 0"}};
constexpr Shape kAfter = Object(kAfterMembers);
constexpr Shape kRollouts = Number(1, 1000);
constexpr ShapeMember kScopeMembers[] = {
    kEnvironment,
    kForTypes,
    {"packages", &kPatterns, false, "What the release may touch: namespace/name; anything"},
    {"actions", &kActions, false, "What it may do; anything"},
    {"after", &kAfter, false, "Environments in order"},
    {"rollouts", &kRollouts, false, "At most so many at the same time, this one among them"},
    {"authorizedChanges", &kFlag, false, "Each item carries out an authorized change; true"}};
constexpr Shape kScopeRule = Object(kScopeMembers);

constexpr Shape kReleases = Number(1, 1'000'000);
constexpr ShapeMember kAtMostMembers[] = {{"releases", &kReleases, true},
                                          {"withinHours", &kSomeHours, true}};
constexpr Shape kAtMost = Object(kAtMostMembers);
constexpr Shape kAtMosts = List(kAtMost, 16);
constexpr ShapeMember kFrequencyMembers[] = {
    kEnvironment,
    kForTypes,
    {"betweenHours", &kHours, false, "From the start of one release to that of the next"},
    {"atMost", &kAtMosts, false, "So many within so many hours"}};
constexpr Shape kFrequencyRule = Object(kFrequencyMembers);

constexpr std::string_view kDayWords[] = {"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                          "FRIDAY", "SATURDAY", "SUNDAY"};
constexpr Shape kDay = Word(kDayWords);
constexpr Shape kDays = List(kDay, 7, 1);
constexpr Shape kWallTime = Text(5, "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$");
constexpr Shape kWallDateTime = Text(19, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$");
constexpr ShapeMember kWeeklyMembers[] = {
    {"days", &kDays, true, "On which it begins"},
    {"from", &kWallTime, true, "Is in the window"},
    {"until", &kWallTime, true, "Is not; on the next day where not later than `from`"}};
constexpr Shape kWeekly = Object(kWeeklyMembers);
constexpr Shape kWeeklies = List(kWeekly, kMaxFamilyRules);
constexpr ShapeMember kOnceMembers[] = {{"from", &kWallDateTime, true, "By the wall of the zone"},
                                        {"until", &kWallDateTime, true},
                                        {"reason", &kReason}};
constexpr Shape kOnce = Object(kOnceMembers);
constexpr Shape kOnces = List(kOnce, 1000);
constexpr Shape kZone = Text(64, "^[A-Z][A-Za-z0-9/_+-]*$");
constexpr std::string_view kInFlightWords[] = {"FINISH", "HALT"};
constexpr Shape kInFlight = Word(kInFlightWords);
constexpr ShapeMember kTimingMembers[] = {
    kEnvironment,
    kForTypes,
    {"zone", &kZone, true, "An IANA time zone, such as Europe/Berlin"},
    {"weekly", &kWeeklies, false, "When releases may go, every week"},
    {"once", &kOnces, false, "And once"},
    {"freezes", &kOnces, false, "When they may not, whatever the windows say"},
    {"inFlight", &kInFlight, false, "What has begun when its window ends; FINISH"}};
constexpr Shape kTimingRule = Object(kTimingMembers);

constexpr Shape kScore = Number(0, kMaxRiskScore);
constexpr Shape kPrincipals = List(kPattern, 1000, 1);
constexpr ShapeMember kRiskMembers[] = {
    kEnvironment,
    kForTypes,
    {"highest", &kScore, true, "Score that needs nobody's acceptance"},
    {"accepted", &kScore, false, "Score up to which a release may go if its risk was accepted"},
    {"acceptors", &kPrincipals, false, "Who may accept it: principal ids"}};
constexpr Shape kRiskRule = Object(kRiskMembers);

constexpr std::string_view kSeverityWords[] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
constexpr Shape kSeverity = Word(kSeverityWords);
constexpr ShapeMember kVulnerabilityMembers[] = {
    kEnvironment,
    kForTypes,
    {"highest", &kSeverity, true, "Severity that is acceptable"},
    {"fixWithinHours", &kHours, false, "A worse one is, so long after it was published; 0"}};
constexpr Shape kVulnerabilityRule = Object(kVulnerabilityMembers);

constexpr Shape kOverridable = List(kPattern, kMaxPolicyPatterns, 1);
constexpr Shape kOverrideHours = Number(1, static_cast<uint64_t>(kMaxOverride.count()));
constexpr ShapeMember kOverrideMembers[] = {
    kEnvironment,
    kForTypes,
    {"rules", &kOverridable, true, "Rules of findings that may be overridden, such as timing.*"},
    {"approvers", &kApprovers, false, "Persons who must agree, not the one who asks; 1"},
    {"longestHours", &kOverrideHours, false, "24"}};
constexpr Shape kOverrideRule = Object(kOverrideMembers);

constexpr Shape kApprovals = List(kApprovalRule, kMaxFamilyRules);
constexpr Shape kSizes = List(kSizeRule, kMaxFamilyRules);
constexpr Shape kScopes = List(kScopeRule, kMaxFamilyRules);
constexpr Shape kFrequencies = List(kFrequencyRule, kMaxFamilyRules);
constexpr Shape kTimings = List(kTimingRule, kMaxFamilyRules);
constexpr Shape kRisks = List(kRiskRule, kMaxFamilyRules);
constexpr Shape kVulnerabilities = List(kVulnerabilityRule, kMaxFamilyRules);
constexpr Shape kOverrides = List(kOverrideRule, kMaxFamilyRules);

constexpr ShapeMember kPolicyMembers[] = {
    {"schema", &kSchema, true, "What this document is"},
    {"content", &kContent, true, "What may be deployed at all"},
    {"signatures", &kSignatures, true, "Who must have signed it"},
    {"licenses", &kLicenses, true, "Under which licenses"},
    {"compatibility", &kCompatibility, false, "What must fit together"},
    {"approvals", &kApprovals, false, "Who must say yes"},
    {"size", &kSizes, false, "How big a release may be"},
    {"scope", &kScopes, false, "What it may touch, and in which order of environments"},
    {"frequency", &kFrequencies, false, "How often"},
    {"timing", &kTimings, false, "When"},
    {"risk", &kRisks, false, "How risky"},
    {"vulnerabilities", &kVulnerabilities, false, "With which known vulnerabilities"},
    {"override", &kOverrides, false, "Who may set what aside in an emergency"}};
constexpr Shape kPolicy = Object(kPolicyMembers);

}  // namespace

const Shape& PolicyShape() { return kPolicy; }

nlohmann::ordered_json PolicyJsonSchema() {
  return JsonSchemaOf(kPolicy, kPolicySchemaId, "Policy of an environment");
}

}  // namespace dml
