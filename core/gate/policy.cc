#include "core/gate/policy.h"

#include <algorithm>
#include <array>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/gate/policy_licenses.h"
#include "core/gate/policy_shape.h"
#include "core/gate/read_release_rules.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("POLICY_INVALID");
constexpr size_t kMaxPatternBytes = 512;

// A pattern is valid where some name that it matches is.
std::string ExampleOf(std::string_view pattern) {
  std::string example(pattern);
  if (example.ends_with('*')) example.back() = 'a';
  return example;
}

absl::Status AsPolicyError(const absl::Status& status) {
  return status.ok() ? status : InvalidArgument(kInvalid, "{}", Message(status));
}

void CheckNoneEmpty(ObjectReader& in, std::string_view key, const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].empty()) continue;
    in.Check(fmt::format("{}[{}]", key, i), InvalidArgument(kInvalid, "matches nothing"));
  }
}

void ReadContentRules(ObjectReader& in, ContentRules& rules) {
  rules.platforms = in.Strings("platforms", kMaxPolicyPatterns, kMaxPatternBytes);
  CheckNoneEmpty(in, "platforms", rules.platforms);
  if (in.Has("scannedWithinDays")) {
    rules.scanned_within = std::chrono::days(in.Unsigned("scannedWithinDays", 1, kMaxScanDays));
  }
  in.Read("sbom", [&](const json& value) -> absl::Status {
    if (!value.is_boolean()) return InvalidArgument(kInvalid, "member 'sbom' is not true or false");
    rules.demands_sbom = value.get<bool>();
    return absl::OkStatus();
  });
}

absl::Status ReadContent(const json& value, Policy& policy) {
  ObjectReader in(value, kInvalid);
  policy.allowed_namespaces = in.Strings("allowedNamespaces", kMaxPolicyPatterns, kMaxPatternBytes);
  policy.denied_packages = in.Strings("deniedPackages", kMaxPolicyPatterns, kMaxPatternBytes);
  for (size_t i = 0; i < policy.allowed_namespaces.size(); ++i) {
    in.Check(fmt::format("allowedNamespaces[{}]", i),
             AsPolicyError(ValidateNamespace(ExampleOf(policy.allowed_namespaces[i]))));
  }
  for (size_t i = 0; i < policy.denied_packages.size(); ++i) {
    in.Check(fmt::format("deniedPackages[{}]", i),
             ValidatePackagePattern(policy.denied_packages[i]));
  }
  ReadContentRules(in, policy.content);
  if (policy.allowed_namespaces.empty()) {
    in.Check("allowedNamespaces",
             InvalidArgument(kInvalid,
                             "member 'allowedNamespaces' must name at least one; '*' in "
                             "quotes stands for every namespace"));
  }
  return in.Finish();
}

absl::Status ReadSignatures(const json& value, Policy& policy) {
  ObjectReader in(value, kInvalid);
  policy.signature_threshold =
      static_cast<uint32_t>(in.Unsigned("threshold", 1, kMaxSignatureThreshold));
  policy.content.builders = in.Strings("builders", kMaxPolicyPatterns, kMaxBuilderBytes);
  CheckNoneEmpty(in, "builders", policy.content.builders);
  return in.Finish();
}

absl::Status ReadCompatibility(const json& value, Policy& policy) {
  constexpr std::array<std::string_view, 2> kActions = {"DENY", "WARN"};
  ObjectReader in(value, kInvalid);
  policy.on_not_proven = static_cast<NotProvenAction>(in.WordOr("onNotProven", kActions, 0));
  return in.Finish();
}

absl::StatusOr<Policy> ReadPolicy(const json& document, std::string_view text,
                                  const LicenseList& list, const LicenseProperties* properties) {
  Policy policy;
  policy.digest = Sha256(text);
  ObjectReader in(document, kInvalid);
  std::string schema = in.String("schema", kMaxPatternBytes);
  if (schema != kPolicySchema) {
    in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                       Excerpt(schema), kPolicySchema));
  }
  in.ReadRequired("content", [&](const json& value) { return ReadContent(value, policy); });
  in.ReadRequired("signatures", [&](const json& value) { return ReadSignatures(value, policy); });
  in.ReadRequired("licenses", [&](const json& value) {
    return ReadPolicyLicenses(value, list, properties, policy);
  });
  in.Read("compatibility", [&](const json& value) { return ReadCompatibility(value, policy); });
  for (const ShapeMember& member : PolicyShape().members) {
    in.Read(member.name,
            [&](const json& value) { return CheckShape(value, *member.shape, kInvalid); });
  }
  DML_RETURN_IF_ERROR(in.Finish());
  DML_ASSIGN_OR_RETURN(policy.release_rules, ReadReleaseRules(document));
  return policy;
}

constexpr std::string_view kDefaultDocument =
    R"(# The policy of an environment: what must hold before anything is deployed there.
#
# Everything that is not allowed here is denied: a namespace that no pattern names, a license in none
# of the lists, a package with too few signatures. An unknown word in this file is an error.
# A pattern is a name, or the start of one followed by "*"; write it in quotes.
schema: dml.policy/v1

content:
  # Namespaces that packages may come from. Narrow this to your own and those that you trust,
  # such as ["acme", "debian"].
  allowedNamespaces:
    - "*"
  # Packages that must not be deployed, whatever else holds: "namespace/name".
  deniedPackages: []
  # Only for these platforms; without the line, for all.
  # platforms: ["linux-*", any]
  # Each package must have been scanned within so many days, and found to be clean.
  # scannedWithinDays: 30
  # Each package must have an attested bill of materials (SPDX or CycloneDX).
  # sbom: true

signatures:
  # How many different persons must have signed the publication of each package with a key that
  # holds the role publisher. Two keys of one person count once. At least 1.
  threshold: 1
  # Attested provenance (SLSA) must name one of these builders; without the line, none is asked for.
  # builders: ["https://ci.example.com/*"]

licenses:
  # SPDX license ids (https://spdx.org/licenses), and references of your own such as
  # "LicenseRef-acme-*". "MIT OR GPL-3.0-only" needs one of the two, AND needs both.
  # A license that is in no list is under review, which denies too.
  allow:
    - 0BSD
    - Apache-2.0
    - BSD-2-Clause
    - BSD-3-Clause
    - BSL-1.0
    - CC0-1.0
    - ISC
    - MIT
    - MIT-0
    - Unlicense
    - Zlib
  # A person must decide; move what was decided to allow or deny.
  review:
    - GPL-2.0-only
    - GPL-3.0-only
    - LGPL-2.1-only
    - LGPL-3.0-only
    - MPL-2.0
  deny:
    - BUSL-1.1
    - SSPL-1.0
  # How what goes to an environment is used; the first entry that names the place holds. Without
  # one it is taken to be given to others, merged and modified, which licenses ask most of.
  contexts: []
  #  - environment: staging        # and what is below it
  #    package: "acme/*"
  #    provision: INTERNAL         # or SERVICE, DISTRIBUTED
  #    combination: LINKED_DYNAMIC # or SEPARATE, LINKED_STATIC, MERGED
  #    modified: false
  # A license that may be used in one place for a time, though it is denied or under review.
  waivers: []
  #  - id: legal-17
  #    license: GPL-3.0-only
  #    package: acme/tool
  #    reason: replaced by the end of the year
  #    author: ann
  #    expires: 2030-12-31T00:00:00Z

compatibility:
  # What to do where it can be proven neither that packages fit together nor that they do not.
  onNotProven: DENY  # or WARN

# What follows judges a release as a whole. Each is a list of rules; `environment` says where a rule
# holds, with what is below, and `types` for which releases. The most specific one applies.
approvals:
  # Different persons who must approve, none of whom published an item, tested it or deploys it.
  - approvers: 1
    validHours: 168
#  - types: [MAJOR]
#    approvers: 2
size: []
#  - types: [PATCH]
#    items: 20
#    bytes: 1000000000
scope: []
#  - after: {environment: staging, soakHours: 24}
frequency: []
#  - types: [MAJOR]
#    atMost: [{releases: 1, withinHours: 2160}]
timing: []
#  - zone: Europe/Berlin
#    weekly: [{days: [TUESDAY, THURSDAY], from: "22:00", until: "02:00"}]
#    freezes: [{from: "2030-12-20T00:00:00", until: "2031-01-02T00:00:00", reason: holidays}]
risk: []
#  - highest: 100
#    accepted: 200
#    acceptors: [PRINCIPAL-ID]
vulnerabilities: []
#  - highest: MEDIUM
#    fixWithinHours: 336
override: []
#  - rules: ["timing.*", "frequency.*"]
#    approvers: 1
)";

}  // namespace

absl::StatusOr<Policy> ParsePolicy(std::string_view text, const LicenseList& list,
                                   const LicenseProperties* properties) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxPolicyBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), "policy");
  absl::StatusOr<Policy> policy = ReadPolicy(document->value, text, list, properties);
  if (!policy.ok()) return Annotate(document->AtLine(policy.status()), "policy");
  return policy;
}

std::string_view DefaultPolicyDocument() { return kDefaultDocument; }

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  if (!pattern.ends_with('*')) return pattern == text;
  return text.starts_with(pattern.substr(0, pattern.size() - 1));
}

absl::Status ValidatePackagePattern(std::string_view pattern) {
  return AsPolicyError(PackageName::Parse(ExampleOf(pattern)).status());
}

LicenseContext LicenseContextOf(const Policy& policy, std::string_view environment,
                                std::string_view package) {
  for (const LicenseScope& scope : policy.license_scopes) {
    const std::string& outer = scope.environment;
    const bool within = outer.empty() || environment == outer ||
                        (environment.starts_with(outer) && environment[outer.size()] == '/');
    if (within && (scope.package.empty() || MatchesPattern(scope.package, package))) {
      return scope.context;
    }
  }
  return {};
}

bool IsNamespaceAllowed(const Policy& policy, const PackageName& package) {
  return std::ranges::any_of(policy.allowed_namespaces, [&](const std::string& pattern) {
    return MatchesPattern(pattern, package.ns);
  });
}

std::string_view DenyingPattern(const Policy& policy, const PackageName& package) {
  std::string name = package.ToString();
  for (const std::string& pattern : policy.denied_packages) {
    if (MatchesPattern(pattern, name)) return pattern;
  }
  return "";
}

}  // namespace dml
