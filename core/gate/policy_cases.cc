#include "core/gate/policy_cases.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "core/base/strict_yaml.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/gate/policy_cases_shape.h"

namespace dml {
namespace {

using nlohmann::json;
using std::chrono::hours;

constexpr ErrorReason kInvalid("POLICY_CASES_INVALID");
constexpr std::string_view kChange = "CASE";

absl::Status At(std::string_view field, const absl::Status& status) {
  return status.ok() ? status : AtField(InvalidArgument(kInvalid, "{}", Message(status)), field);
}

// Which of the words of a shape stands there; the shape lets no other pass.
template <typename Enum>
Enum WordOr(const json& value, const char* key, std::span<const std::string_view> words,
            Enum fallback, Enum first) {
  if (!value.contains(key)) return fallback;
  const auto at = std::ranges::find(words, value[key].get_ref<const std::string&>());
  return static_cast<Enum>(static_cast<int>(first) + (at - words.begin()));
}

std::vector<std::string> TextsOf(const json& value, const char* key) {
  std::vector<std::string> out;
  if (value.contains(key)) out = value[key].get<std::vector<std::string>>();
  return out;
}

// "acme/api@1.2.0" or "acme/api@1.2.0:linux-amd64".
absl::StatusOr<VariantName> ReadVariant(const std::string& text) {
  const size_t at = text.find('@');
  if (at == text.npos) {
    return InvalidArgument(kInvalid, "'{}' must be NAMESPACE/PACKAGE@VERSION[:PLATFORM]",
                           Excerpt(text));
  }
  VariantName out;
  DML_ASSIGN_OR_RETURN(out.package, PackageName::Parse(text.substr(0, at)));
  out.version = text.substr(at + 1);
  const size_t colon = out.version.rfind(':');
  if (colon != out.version.npos) {
    const auto platform = Platform::Parse(out.version.substr(colon + 1));
    if (platform.ok()) {
      out.platform = *platform;
      out.version.resize(colon);
    }
  }
  DML_RETURN_IF_ERROR(ValidateVersionText(out.version));
  return out;
}

absl::StatusOr<PolicyCase::Package> ReadPackage(const json& value, Timestamp now) {
  PolicyCase::Package out;
  absl::StatusOr<VariantName> variant = ReadVariant(value["variant"].get<std::string>());
  DML_RETURN_IF_ERROR(At("variant", variant.status()));
  out.variant = *std::move(variant);
  out.from = value.value("from", "");
  out.action = WordOr(value, "action", CaseActions(),
                      out.from.empty() ? ReleaseAction::kInstall : ReleaseAction::kUpgrade,
                      ReleaseAction::kInstall);
  if (out.from.empty() != (out.action != ReleaseAction::kUpgrade)) {
    return AtField(InvalidArgument(kInvalid, "is for UPGRADE, and for nothing else"), "from");
  }
  out.license = value.value("license", "NOASSERTION");
  out.state = WordOr(value, "state", CaseItemStates(), ItemState::kPublished, ItemState::kNotFound);
  out.publishers = TextsOf(value, "publishers");
  if (value.contains("scannedDaysAgo")) {
    out.facts.scanned = now - std::chrono::days(value["scannedDaysAgo"].get<uint64_t>());
    out.facts.is_clean = true;
  }
  for (std::string& type : TextsOf(value, "evidence")) out.facts.evidence.insert(std::move(type));
  for (std::string& id : TextsOf(value, "builders")) out.facts.builders.insert(std::move(id));
  return out;
}

DeploymentFact ReadDeployment(const json& value, const PolicyCase& one) {
  DeploymentFact out;
  out.environment = value["environment"].get<std::string>();
  out.release = value.value("same", false) ? Sha256(one.name) : Sha256("other than " + one.name);
  out.type = WordOr(value, "type", CaseTypes(), one.type, ReleaseType::kMajor);
  out.state = WordOr(value, "state", CaseDeploymentStates(), DeploymentState::kDeployed,
                     DeploymentState::kRollingOut);
  out.started = one.time - hours(value["hoursAgo"].get<uint64_t>());
  out.deployed = out.started;
  return out;
}

VulnerabilityFact ReadVulnerability(const json& value, const PolicyCase& one) {
  VulnerabilityFact out;
  out.id = value["id"].get<std::string>();
  out.severity = WordOr(value, "severity", CaseSeverities(), VulnerabilitySeverity::kCritical,
                        VulnerabilitySeverity::kNone);
  out.published = one.time - hours(value.value("hoursAgo", uint64_t{0}));
  out.is_not_affected = value.value("notAffected", false);
  out.subject = one.packages.empty() ? "" : one.packages.front().variant.ResourceName();
  return out;
}

absl::Status ReadFacts(const json& value, PolicyCase& out) {
  out.approvers = TextsOf(value, "approvers");
  out.deployer = value.value("deployer", "");
  out.is_authorized = value.value("authorized", true);
  out.is_in_flight = value.value("inFlight", false);
  if (value.contains("bytes")) out.bytes = value["bytes"].get<uint64_t>();
  if (value.contains("nodes")) out.nodes = value["nodes"].get<uint64_t>();
  if (value.contains("risk")) {
    const json& risk = value["risk"];
    out.risk = {risk["acceptedBy"].get<std::string>(),
                static_cast<uint32_t>(risk["upTo"].get<uint64_t>())};
  }
  if (value.contains("deployments")) {
    for (const json& item : value["deployments"]) {
      out.deployments.push_back(ReadDeployment(item, out));
    }
  }
  if (!value.contains("vulnerabilities")) return absl::OkStatus();
  out.vulnerabilities.emplace();
  for (const json& item : value["vulnerabilities"]) {
    out.vulnerabilities->push_back(ReadVulnerability(item, out));
  }
  return absl::OkStatus();
}

absl::Status ReadExpectation(const json& value, PolicyCase& out) {
  out.expected = value["expect"] == "ALLOW" ? Decision::kAllow : Decision::kDeny;
  out.expected_rules = TextsOf(value, "findings");
  std::ranges::sort(out.expected_rules);
  if (std::ranges::adjacent_find(out.expected_rules) != out.expected_rules.end()) {
    return AtField(InvalidArgument(kInvalid, "names one twice"), "findings");
  }
  // A denial without its reasons would pass for any other reason, too.
  if ((out.expected == Decision::kDeny) == !out.expected_rules.empty()) return absl::OkStatus();
  return AtField(InvalidArgument(kInvalid, "are the reasons of a DENY: say them, all of them"),
                 "findings");
}

absl::StatusOr<PolicyCase> ReadCase(const json& value) {
  PolicyCase out;
  out.name = value["name"].get<std::string>();
  out.environment = value["environment"].get<std::string>();
  DML_RETURN_IF_ERROR(At("environment", ValidateEnvironmentName(out.environment)));
  const auto time = ParseTime(value["at"].get<std::string>());
  if (!time.has_value()) {
    return AtField(InvalidArgument(kInvalid, "is no time such as 2027-03-27T22:00:00Z"), "at");
  }
  out.time = *time;
  out.type = WordOr(value, "type", CaseTypes(), ReleaseType::kMinor, ReleaseType::kMajor);
  for (size_t i = 0; i < value["packages"].size(); ++i) {
    absl::StatusOr<PolicyCase::Package> package = ReadPackage(value["packages"][i], out.time);
    if (!package.ok()) return AtField(package.status(), fmt::format("packages[{}]", i));
    out.packages.push_back(*std::move(package));
  }
  DML_RETURN_IF_ERROR(ReadFacts(value, out));
  DML_RETURN_IF_ERROR(ReadExpectation(value, out));
  return out;
}

absl::StatusOr<std::vector<PolicyCase>> ReadCases(const YamlDocument& document) {
  DML_RETURN_IF_ERROR(CheckShape(document.value, PolicyCasesShape(), kInvalid));
  std::vector<PolicyCase> out;
  std::set<std::string> names;
  const json& cases = document.value["cases"];
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string path = fmt::format("cases[{}]", i);
    absl::StatusOr<PolicyCase> one = ReadCase(cases[i]);
    if (!one.ok()) return AtField(one.status(), path);
    if (!names.insert(one->name).second) {
      return AtField(InvalidArgument(kInvalid, "'{}' is there twice", Excerpt(one->name)),
                     path + ".name");
    }
    const auto line = document.lines.find(path);
    one->line = line == document.lines.end() ? 0 : line->second;
    out.push_back(*std::move(one));
  }
  return out;
}

Release ReleaseOf(const PolicyCase& one) {
  Release out;
  out.name = "case";
  out.version = "1";
  out.type = one.type;
  out.environments = {one.environment};
  out.risk = one.risk;
  ReleaseChange change{.id = std::string(kChange), .title = one.name, .risk = ChangeRisk::kLow};
  if (one.is_authorized) change.authorized_by = "case";
  out.changes = {std::move(change)};
  for (const PolicyCase::Package& package : one.packages) {
    ReleaseItem item;
    item.variant = package.variant;
    item.action = package.action;
    item.changes = {std::string(kChange)};
    if (item.action == ReleaseAction::kUpgrade) {
      item.previous = package.variant;
      item.previous->version = package.from;
    }
    out.items.push_back(std::move(item));
  }
  return out;
}

// What EvaluateSet is asked about: everything but what is removed.
std::vector<Finding> FindOnSet(const PolicyCase& one, const Policy& policy,
                               const LicenseList& list) {
  GateInput in;
  in.environment = one.environment;
  in.policy = &policy;
  in.license_list = &list;
  in.time = one.time;
  std::deque<PackageSpec> specs;
  for (const PolicyCase::Package& package : one.packages) {
    if (package.action == ReleaseAction::kRemove) continue;
    GateItem item;
    item.name = package.variant;
    item.state = package.state;
    item.facts = package.facts;
    for (const std::string& person : package.publishers) {
      item.signatures.push_back({Sha256("key of " + person), person});
    }
    PackageSpec& spec = specs.emplace_back();
    spec.package = package.variant.package;
    const auto version = Version::Parse(VersionScheme::kSemver, package.variant.version);
    const auto generic = Version::Parse(VersionScheme::kGeneric, package.variant.version);
    spec.version = version.ok() ? *version : generic.value_or(Version());
    spec.platform = package.variant.platform;
    spec.declared_license = package.license;
    if (package.state != ItemState::kNotFound) item.spec = &spec;
    in.items.push_back(std::move(item));
  }
  if (in.items.empty()) return {};
  return EvaluateSet(in).findings;
}

}  // namespace

absl::StatusOr<std::vector<PolicyCase>> ParsePolicyCases(std::string_view text) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxPolicyCasesBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), "cases");
  absl::StatusOr<std::vector<PolicyCase>> cases = ReadCases(*document);
  if (!cases.ok()) return Annotate(document->AtLine(cases.status()), "cases");
  return cases;
}

PolicyCaseOutcome RunPolicyCase(const PolicyCase& one, const Policy& policy,
                                const LicenseList& list) {
  const Release release = ReleaseOf(one);
  ReleaseInput in;
  in.release = &release;
  in.digest = Sha256(one.name);
  in.environment = one.environment;
  in.rules = &policy.release_rules;
  in.time = one.time;
  in.tzdata = TzdataVersion();
  in.set = FindOnSet(one, policy, list);
  in.deployer = one.deployer;
  in.deployments = one.deployments;
  in.is_in_flight = one.is_in_flight;
  in.bytes = one.bytes;
  in.nodes = one.nodes;
  in.vulnerabilities = one.vulnerabilities;
  for (const PolicyCase::Package& package : one.packages) {
    in.publishers.insert(package.publishers.begin(), package.publishers.end());
  }
  const Digest seen = EvaluateRelease(in).approved_findings;
  for (const std::string& person : one.approvers) {
    in.approvals.push_back({person, Sha256("key of " + person), seen, one.time, Timestamp::max()});
  }
  const ReleaseVerdict verdict = EvaluateRelease(in);
  PolicyCaseOutcome out;
  out.decision = verdict.decision;
  out.findings = verdict.findings;
  std::set<std::string> rules;
  for (const Finding& finding : verdict.findings) {
    if (finding.severity == Severity::kError) rules.insert(finding.rule);
  }
  out.rules.assign(rules.begin(), rules.end());
  out.passed = out.decision == one.expected && out.rules == one.expected_rules;
  return out;
}

}  // namespace dml
