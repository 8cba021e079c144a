#include "core/gate/evaluate.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/base/text.h"
#include "core/compat/closed_world.h"
#include "core/license/expression.h"
#include "core/license/findings.h"

namespace dml {
namespace {

constexpr size_t kMaxRevokedNamed = 4;  // In a finding.

class Evaluation {
 public:
  explicit Evaluation(const GateInput& input)
      : input_(input), environment_("environments/" + input.environment) {}

  GateResult Run() {
    CheckInput();
    for (const GateItem& item : input_.items) CheckItem(item);
    CheckCompatibility();
    std::sort(findings_.begin(), findings_.end());
    findings_.erase(std::unique(findings_.begin(), findings_.end()), findings_.end());
    bool denied = std::ranges::any_of(
        findings_, [](const Finding& finding) { return finding.severity == Severity::kError; });
    return {denied ? Decision::kDeny : Decision::kAllow, std::move(findings_)};
  }

 private:
  void Add(std::string_view rule, Severity severity, std::string_view subject, std::string message,
           std::string remedy) {
    findings_.push_back(
        {std::string(rule), severity, std::string(subject), std::move(message), std::move(remedy)});
  }

  void Deny(std::string_view rule, std::string_view subject, std::string message,
            std::string remedy) {
    Add(rule, Severity::kError, subject, std::move(message), std::move(remedy));
  }

  void CheckInput() {
    if (input_.policy == nullptr) {
      Deny(
          "policy.missing", environment_,
          fmt::format("environment {} has no policy, so everything is denied", input_.environment),
          fmt::format("write a starting policy with `dml policy init`, adapt it, and set it for {}",
                      input_.environment));
    }
    if (!input_.root_fault.empty()) {
      Deny("trust.root-expired", environment_, input_.root_fault,
           "set the next trust root: dml root renew, dml root sign, dml root set");
    }
    if (input_.items.empty()) {
      Deny("content.empty", environment_, "no package was named", "name at least one package");
    }
  }

  void CheckItem(const GateItem& item) {
    std::string subject = item.name.ResourceName();
    if (item.state == ItemState::kNotFound || item.spec == nullptr) {
      Deny("content.not-found", subject, "it is not in the library",
           "publish it, or correct the name, version or platform");
    }
    auto because = [&](std::string_view what) {
      return item.withdrawal_reason.empty() ? std::string(what)
                                            : fmt::format("{}: {}", what, item.withdrawal_reason);
    };
    if (item.state == ItemState::kWithdrawn) {
      Deny("content.withdrawn", subject, because("it was withdrawn"), "take another version");
    }
    if (item.state == ItemState::kQuarantined) {
      Deny("content.quarantined", subject, because("it is in quarantine"),
           "let somebody look at it and release it, or take another version");
    }
    if (item.state == ItemState::kRejected) {
      Deny("content.rejected", subject, because("it was rejected"), "take another version");
    }
    if (item.spec != nullptr && item.spec->is_reference) {
      Deny("content.reference", subject, "it is a reference, for planning: its files are not there",
           "import the package itself, with its files, in a namespace of its own");
    }
    if (input_.policy == nullptr) return;
    CheckNames(item, subject);
    if (item.state != ItemState::kNotFound) {
      CheckContentRules(input_.policy->content, item.facts, item.name, input_.time, findings_);
    }
    if (item.state != ItemState::kNotFound) CheckSignatures(item, subject);
    if (item.spec != nullptr) CheckLicense(item, subject);
  }

  void CheckNames(const GateItem& item, const std::string& subject) {
    const Policy& policy = *input_.policy;
    if (!IsNamespaceAllowed(policy, item.name.package)) {
      Deny(
          "content.namespace", subject,
          fmt::format("namespace {} is not allowed in {}", item.name.package.ns,
                      input_.environment),
          fmt::format("add '{}' to content.allowedNamespaces of the policy", item.name.package.ns));
    }
    std::string_view pattern = DenyingPattern(policy, item.name.package);
    if (!pattern.empty()) {
      Deny("content.denied", subject,
           fmt::format("package {} is denied by '{}'", item.name.package.ToString(), pattern),
           "take another package, or remove the pattern from content.deniedPackages of the policy");
    }
  }

  // The number of persons who signed. A key vouches for one person or, where the input contradicts
  // itself, for none.
  static size_t CountPersons(const std::vector<PublisherSignature>& signatures) {
    std::map<Digest, std::set<std::string>> owners;
    for (const PublisherSignature& signature : signatures) {
      owners[signature.key_id].insert(signature.person);
    }
    std::set<std::string> persons;
    for (const auto& [key, names] : owners) {
      if (names.size() == 1 && !names.begin()->empty()) persons.insert(*names.begin());
    }
    return persons.size();
  }

  // "; its key sha256:... was revoked", with each key; "" where there is none.
  static std::string DescribeRevoked(const std::vector<Digest>& revoked) {
    const std::set<Digest> keys(revoked.begin(), revoked.end());
    if (keys.empty()) return "";
    std::string words;
    size_t named = 0;
    for (auto key = keys.begin(); key != keys.end() && named < kMaxRevokedNamed; ++key, ++named) {
      words += (named == 0 ? "" : ", ") + key->ToString();
    }
    if (keys.size() > named) words += fmt::format(" and {} more", keys.size() - named);
    return fmt::format("; its key{} {} {} revoked", keys.size() == 1 ? "" : "s", words,
                       keys.size() == 1 ? "was" : "were");
  }

  void CheckSignatures(const GateItem& item, const std::string& subject) {
    size_t needed = std::max<size_t>(input_.policy->signature_threshold, 1);
    size_t found = CountPersons(item.signatures);
    // Whatever the policy asks for: clients refuse what the trust root does not let be published.
    if (found > 0 && !item.trust_fault.empty()) {
      Deny("signature.trust", subject,
           fmt::format("the trust root demands more signatures: {}{}", item.trust_fault,
                       DescribeRevoked(item.revoked_keys)),
           "have those who are missing sign it with their own keys: dml package sign");
    }
    if (found >= needed) return;
    Deny("signature.threshold", subject,
         fmt::format("signed by {} of the {} distinct publishers that are needed{}", found, needed,
                     DescribeRevoked(item.revoked_keys)),
         fmt::format("have {} more publisher{} sign it with their own keys: dml package sign",
                     needed - found, needed - found == 1 ? "" : "s"));
  }

  // The license to judge by; nullopt, with a finding, where there is none.
  std::optional<LicenseExpression> LicenseOf(const GateItem& item, const std::string& subject) {
    const std::string& declared = item.spec->declared_license;
    const LicenseList& list = *input_.license_list;
    LicenseEvidence evidence = item.evidence;
    absl::StatusOr<LicenseExpression> expression = LicenseExpression::Parse(declared, list);
    if (expression.ok()) {
      evidence.declared = *std::move(expression);
      for (Finding& finding : EvidenceFindings(evidence, subject)) {
        findings_.push_back(std::move(finding));
      }
      expression = EffectiveLicense(evidence, list);
    }
    if (expression.ok()) return *std::move(expression);
    Deny("license.review", subject,
         fmt::format("license '{}' cannot be read with license list {}: {}", Excerpt(declared, 256),
                     list.version(), Message(expression.status())),
         "load a license list that has it, or declare the license otherwise");
    return std::nullopt;
  }

  void CheckLicense(const GateItem& item, const std::string& subject) {
    const LicenseList& list = *input_.license_list;
    const std::optional<LicenseExpression> expression = LicenseOf(item, subject);
    if (!expression.has_value()) return;
    const std::string package = item.spec->package.ToString();
    const LicenseVerdict verdict =
        EvaluateLicense(*expression, input_.policy->licenses, list,
                        {.context = LicenseContextOf(*input_.policy, input_.environment, package),
                         .package = package,
                         .time = input_.time,
                         .waivers = &input_.policy->waivers});
    // What denies is told below, once for the whole expression.
    for (Finding& finding : LicenseFindings(verdict, subject, list)) {
      if (finding.severity != Severity::kError) findings_.push_back(std::move(finding));
    }
    if (verdict.outcome <= LicenseOutcome::kAllowWithObligations) return;
    bool denied = verdict.outcome == LicenseOutcome::kDeny;
    std::string reasons;
    for (const LicenseReason& reason : verdict.reasons) {
      if (!reason.chosen || reason.outcome != verdict.outcome) continue;
      reasons += (reasons.empty() ? "" : "; ") + reason.explanation;
    }
    Deny(denied ? "license.denied" : "license.review", subject,
         fmt::format("license '{}' {}: {}", Excerpt(expression->ToString(), 256),
                     denied ? "is denied" : "needs a review", Excerpt(reasons, 1024)),
         LicenseRemedy(*expression, denied));
  }

  static std::string LicenseRemedy(const LicenseExpression& expression, bool denied) {
    if (denied) {
      return "take a package under a license that the policy allows, change its licenses, or add a "
             "waiver to licenses.waivers";
    }
    if (expression.is_none() || expression.is_no_assertion()) {
      return "find out its license, and publish a version whose package spec declares it";
    }
    return "decide on it, and add it to licenses.allow or licenses.deny of the policy";
  }

  void CheckCompatibility() {
    std::vector<const PackageSpec*> specs;
    for (const GateItem& item : input_.items) {
      if (item.spec != nullptr) specs.push_back(item.spec);
    }
    for (const Violation& violation : CheckClosedSet(specs)) AddViolation(violation);
  }

  void AddViolation(const Violation& violation) {
    bool warn = violation.kind == ViolationKind::kNotProven && input_.policy != nullptr &&
                input_.policy->on_not_proven == NotProvenAction::kWarn;
    findings_.push_back(
        ToFinding(violation, warn ? Severity::kWarning : Severity::kError, environment_));
  }

  const GateInput& input_;
  const std::string environment_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view DecisionName(Decision decision) {
  return decision == Decision::kAllow ? "ALLOW" : "DENY";
}

GateResult EvaluateSet(const GateInput& input) { return Evaluation(input).Run(); }

}  // namespace dml
