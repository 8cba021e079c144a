#include "core/gate/policy_cases_shape.h"

#include "core/gate/policy_cases.h"

namespace dml {
namespace {

using Kind = Shape::Kind;

constexpr std::string_view kTypes[] = {"MAJOR", "MINOR", "PATCH", "EMERGENCY"};
constexpr std::string_view kActions[] = {"INSTALL", "UPGRADE", "REMOVE", "CONFIGURE"};
constexpr std::string_view kItemStates[] = {"NOT_FOUND", "PUBLISHED", "WITHDRAWN", "QUARANTINED",
                                            "REJECTED"};
constexpr std::string_view kDeploymentStates[] = {"ROLLING_OUT", "DEPLOYED", "HALTED", "BACKED_OUT",
                                                  "REVIEWED"};
constexpr std::string_view kSeverities[] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
constexpr std::string_view kDecisions[] = {"ALLOW", "DENY"};
constexpr std::string_view kSchemas[] = {kPolicyCasesSchema};

constexpr uint64_t kMaxCount = (1ULL << 53) - 1;

constexpr Shape Word(std::span<const std::string_view> words) {
  return {.kind = Kind::kWord, .words = words};
}
constexpr Shape List(const Shape& element, uint64_t max, uint64_t min = 0) {
  return {.kind = Kind::kList, .element = &element, .min = min, .max = max};
}
constexpr Shape Object(std::span<const ShapeMember> members) {
  return {.kind = Kind::kObject, .members = members};
}

constexpr Shape kFlag = {.kind = Kind::kFlag};
constexpr Shape kText = {.kind = Kind::kText, .max = 1024};
constexpr Shape kCount = {.kind = Kind::kNumber, .max = kMaxCount};
constexpr Shape kHours = {.kind = Kind::kNumber, .max = 24 * 366 * 10};
constexpr Shape kDays = {.kind = Kind::kNumber, .max = kMaxScanDays};
constexpr Shape kScore = {.kind = Kind::kNumber, .max = kMaxRiskScore};
constexpr Shape kTexts = List(kText, 1000);
constexpr Shape kType = Word(kTypes);
constexpr Shape kAction = Word(kActions);
constexpr Shape kItemState = Word(kItemStates);
constexpr Shape kDeploymentState = Word(kDeploymentStates);
constexpr Shape kSeverity = Word(kSeverities);
constexpr Shape kDecision = Word(kDecisions);
constexpr Shape kSchema = Word(kSchemas);

constexpr ShapeMember kPackageMembers[] = {
    {"variant", &kText, true, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]"},
    {"action", &kAction, false, "INSTALL, or UPGRADE where `from` is there"},
    {"from", &kText, false, "Version that an upgrade takes the place of"},
    {"license", &kText, false, "As declared; NOASSERTION"},
    {"state", &kItemState, false, "In the library; PUBLISHED"},
    {"publishers", &kTexts, false, "Persons who signed its publication"},
    {"scannedDaysAgo", &kDays, false, "And found to be clean; never"},
    {"evidence", &kTexts, false, "Predicate types of its attestations"},
    {"builders", &kTexts, false, "Ids that its provenance names"}};
constexpr Shape kPackage = Object(kPackageMembers);
constexpr Shape kPackages = List(kPackage, kMaxReleaseItems, 1);

constexpr ShapeMember kRiskMembers[] = {{"acceptedBy", &kText, true}, {"upTo", &kScore, true}};
constexpr Shape kRisk = Object(kRiskMembers);

constexpr ShapeMember kDeploymentMembers[] = {
    {"environment", &kText, true},
    {"hoursAgo", &kHours, true, "When it started and, where it was, was deployed"},
    {"same", &kFlag, false, "It was this very release; false"},
    {"type", &kType, false, "That of this release"},
    {"state", &kDeploymentState, false, "DEPLOYED"}};
constexpr Shape kDeployment = Object(kDeploymentMembers);
constexpr Shape kDeployments = List(kDeployment, 1000);

constexpr ShapeMember kVulnerabilityMembers[] = {{"id", &kText, true},
                                                 {"severity", &kSeverity, true},
                                                 {"hoursAgo", &kHours, false, "Published; 0"},
                                                 {"notAffected", &kFlag, false, "By VEX; false"}};
constexpr Shape kVulnerability = Object(kVulnerabilityMembers);
constexpr Shape kVulnerabilities = List(kVulnerability, 1000);

constexpr ShapeMember kCaseMembers[] = {
    {"name", &kText, true, "What the case is about"},
    {"environment", &kText, true},
    {"at", &kText, true, "When it is asked, RFC 3339"},
    {"type", &kType, false, "MINOR"},
    {"packages", &kPackages, true},
    {"approvers", &kTexts, false, "Persons who have approved what is found"},
    {"deployer", &kText, false, "Person who asks for the permit"},
    {"authorized", &kFlag, false, "Somebody authorized its change; true"},
    {"inFlight", &kFlag, false, "It has begun there; false"},
    {"bytes", &kCount, false, "Not known"},
    {"nodes", &kCount, false, "Not known"},
    {"risk", &kRisk, false, "Its risk is accepted"},
    {"deployments", &kDeployments, false, "What went there, or elsewhere, before"},
    {"vulnerabilities", &kVulnerabilities, false, "Known ones; not there: nobody has looked"},
    {"expect", &kDecision, true},
    {"findings", &kTexts, false, "The rules of all reasons of a DENY"}};
constexpr Shape kCase = Object(kCaseMembers);
constexpr Shape kCases = List(kCase, kMaxPolicyCases);
constexpr ShapeMember kDocumentMembers[] = {{"schema", &kSchema, true}, {"cases", &kCases, true}};
constexpr Shape kDocument = Object(kDocumentMembers);

}  // namespace

const Shape& PolicyCasesShape() { return kDocument; }
std::span<const std::string_view> CaseTypes() { return kTypes; }
std::span<const std::string_view> CaseActions() { return kActions; }
std::span<const std::string_view> CaseItemStates() { return kItemStates; }
std::span<const std::string_view> CaseDeploymentStates() { return kDeploymentStates; }
std::span<const std::string_view> CaseSeverities() { return kSeverities; }

nlohmann::ordered_json PolicyCasesJsonSchema() {
  return JsonSchemaOf(kDocument, "https://dml.dev/schema/policy-cases/v1", "Cases of a policy");
}

}  // namespace dml
