// dml policy init|set|show|check.
#include "client/policies.h"
#include "core/base/text.h"
#include "core/gate/lock_out.h"
#include "core/gate/policy.h"
#include "core/os/file.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/policy_signing.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct PolicyArgs {
  std::string environment;
  std::string file;
  std::string etag;
  std::string properties;
  PolicySigningArgs signing;
  std::string force_reason;
};

// Writes a document to a file where one is given, else shows it.
absl::Status Deliver(const std::string& document, const std::string& file, Reply& reply) {
  if (file.empty()) {
    reply.text.Block(document);
    return absl::OkStatus();
  }
  reply.document["file"] = file;
  reply.text.Line("wrote " + file);
  return WriteFileAtomically(file, AsBytes(document), 0644);
}

void DeclareOut(CLI::App& app, PolicyArgs& args) {
  app.add_option("--out", args.file, "Write the document's exact bytes there")->type_name("FILE");
}

absl::StatusOr<Reply> Init(Context&, const PolicyArgs& args) {
  Reply reply;
  std::string document(DefaultPolicyDocument());
  reply.document["policy"] = document;
  DML_RETURN_IF_ERROR(Deliver(document, args.file, reply));
  return reply;
}

void DeclareCheck(CLI::App& app, PolicyArgs& args) {
  app.add_option("file", args.file, "The document")->required()->type_name("FILE");
  app.add_option("--environment", args.environment,
                 "Would it lock everyone out there, from now on");
  AddLicensePropertiesOption(app, args.properties);
}

Json ToJson(const LicenseCondition& when) {
  Json provisions = Json::array();
  Json combinations = Json::array();
  for (auto provision : when.provisions) provisions.push_back(LicenseProvisionName(provision));
  for (auto combination : when.combinations) {
    combinations.push_back(LicenseCombinationName(combination));
  }
  Json out = {{"provisions", std::move(provisions)}, {"combinations", std::move(combinations)}};
  if (when.modified.has_value()) out["modified"] = *when.modified;
  return out;
}

Json ToJson(const LicenseRule& rule) {
  return {{"id", rule.id},
          {"outcome", LicenseOutcomeName(rule.outcome)},
          {"licenses", rule.licenses},
          {"categories", rule.categories},
          {"obligations", rule.obligations},
          {"when", ToJson(rule.when)}};
}

Json ToJson(const LicenseScope& scope) {
  return {{"environment", scope.environment},
          {"package", scope.package},
          {"context", ToJson(scope.context)}};
}

Json ToJson(const LicenseWaiver& waiver) {
  return {{"id", waiver.id},
          {"license", waiver.license},
          {"package", waiver.package},
          {"when", ToJson(waiver.when)},
          {"reason", waiver.reason},
          {"author", waiver.author},
          {"expires", FormatTime(waiver.expires)}};
}

// What a policy says of licenses.
void AddLicenses(const Policy& policy, std::vector<std::pair<std::string, Cell>>& fields,
                 Reply& reply) {
  Json lists = Json::object();
  Json rules = Json::array();
  for (const LicenseRule& rule : policy.licenses.rules()) {
    const bool is_list = rule.id == "allow" || rule.id == "deny" || rule.id == "review";
    if (is_list) lists[rule.id] = rule.licenses;
    if (!is_list) rules.push_back(ToJson(rule));
    std::vector<std::string> names = rule.licenses;
    names.insert(names.end(), rule.categories.begin(), rule.categories.end());
    fields.emplace_back("licenses: " + rule.id, JoinWords(names));
  }
  Json contexts = Json::array();
  for (const LicenseScope& scope : policy.license_scopes) {
    contexts.push_back(ToJson(scope));
    fields.emplace_back(
        fmt::format("context of {} in {}", scope.package.empty() ? "all" : scope.package,
                    scope.environment.empty() ? "all" : scope.environment),
        scope.context.ToString());
  }
  Json waivers = Json::array();
  for (const LicenseWaiver& waiver : policy.waivers.waivers()) {
    waivers.push_back(ToJson(waiver));
    fields.emplace_back("waiver: " + waiver.id,
                        fmt::format("{} of {} until {}", waiver.license, waiver.package,
                                    FormatTime(waiver.expires)));
  }
  reply.document["licenses"] = std::move(lists);
  reply.document["licenseRules"] = std::move(rules);
  reply.document["licenseContexts"] = std::move(contexts);
  reply.document["licenseWaivers"] = std::move(waivers);
}

// How many rules each family has that judges a release as a whole.
void AddFamilies(const ReleaseRules& rules, std::vector<std::pair<std::string, Cell>>& fields,
                 Reply& reply) {
  const std::pair<const char*, size_t> counts[] = {
      {"approvals", rules.approvals.size()},
      {"size", rules.size.size()},
      {"scope", rules.scope.size()},
      {"frequency", rules.frequency.size()},
      {"timing", rules.timing.size()},
      {"risk", rules.risk.size()},
      {"vulnerabilities", rules.vulnerabilities.size()},
      {"override", rules.override_rules.size()}};
  Json families = Json::object();
  for (const auto& [name, count] : counts) {
    families[name] = count;
    if (count > 0) fields.emplace_back(name, fmt::format("rules: {}", count));
  }
  reply.document["rules"] = std::move(families);
}

// Whether nothing could be deployed by the policy any more.
absl::Status AddLockOuts(const Policy& policy, const std::string& environment, Reply& reply) {
  if (environment.empty()) return absl::OkStatus();
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(environment));
  const std::vector<Finding> found = FindLockOuts(policy, environment, {.time = WallClockNow()});
  Json findings = Json::array();
  for (const Finding& finding : found) findings.push_back(ToJson(finding));
  reply.document["lockOuts"] = std::move(findings);
  if (found.empty()) return absl::OkStatus();
  reply.text.Line({"it would lock everyone out of " + environment, Style::kBad});
  AddFindings(found, reply.text);
  reply.code = ExitCode::kNegative;
  return absl::OkStatus();
}

absl::StatusOr<Reply> Check(Context&, const PolicyArgs& args) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(args.file, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(const auto properties,
                       ReadLicenseProperties(args.properties, BundledLicenseList()));
  absl::StatusOr<Policy> policy =
      ParsePolicy(text, BundledLicenseList(), properties.has_value() ? &*properties : nullptr);
  if (!policy.ok()) return Annotate(policy.status(), args.file);
  Reply reply;
  const char* not_proven = policy->on_not_proven == NotProvenAction::kWarn ? "WARN" : "DENY";
  reply.document = {{"digest", policy->digest.ToString()},
                    {"allowedNamespaces", policy->allowed_namespaces},
                    {"deniedPackages", policy->denied_packages},
                    {"signatureThreshold", policy->signature_threshold},
                    {"onNotProven", not_proven}};
  reply.text.Line({args.file + " is a policy", Style::kGood});
  std::vector<std::pair<std::string, Cell>> fields = {
      {"digest", policy->digest.ToString()},
      {"allowed namespaces", JoinWords(policy->allowed_namespaces)},
      {"denied packages", JoinWords(policy->denied_packages)},
      {"signatures", fmt::format("{}", policy->signature_threshold)}};
  AddLicenses(*policy, fields, reply);
  fields.emplace_back("when not proven", not_proven);
  AddFamilies(policy->release_rules, fields, reply);
  reply.text.Fields(std::move(fields));
  DML_RETURN_IF_ERROR(AddLockOuts(*policy, args.environment, reply));
  return reply;
}

void DeclareSet(CLI::App& app, PolicyArgs& args) {
  app.add_option("--environment", args.environment, "Whose policy it is")->required();
  app.add_option("file", args.file, "The document")->required()->type_name("FILE");
  app.add_option("--etag", args.etag,
                 "Of the revision that it replaces, as dml policy show prints it; none for the "
                 "first");
  DeclarePolicySigning(app, args.signing);
  app.add_option("--force-reason", args.force_reason,
                 "Set it though it would lock everyone out, for this reason, which the journal "
                 "keeps");
}

absl::StatusOr<Reply> Set(Context& context, const PolicyArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(args.file, kMaxPolicyBytes));
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return InvalidArgument(ErrorReason("POLICY_INVALID"), "{} is {}", args.file, fault);
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  PolicyChange change{
      .document = text, .etag = args.etag, .force_reason = args.force_reason, .envelope = {}};
  if (!args.signing.keys.empty()) {
    DML_ASSIGN_OR_RETURN(change.envelope,
                         SignPolicy(context, args.signing, args.environment, text));
  }
  DML_ASSIGN_OR_RETURN(auto done, PolicyClient(*client).Set(args.environment, change));
  const PolicyRecord& record = done.value.record;
  Reply reply = CommittedReply(
      "policy", ToJson(record), done.commit,
      fmt::format("set revision {} of the policy of {}", record.revision, record.environment));
  if (record.envelope.size == 0) {
    reply.notes.push_back(
        "nobody signed it, so nothing is permitted by it: give --key of the role policy");
  }
  return reply;
}

void DeclareShow(CLI::App& app, PolicyArgs& args) {
  app.add_option("--environment", args.environment, "Whose policy it is")->required();
  DeclareOut(app, args);
}

absl::StatusOr<Reply> Show(Context& context, const PolicyArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(PolicyDocument policy, client->GetPolicy(args.environment));
  const PolicyRecord& record = policy.record;
  Reply reply;
  reply.document = {{"policy", ToJson(record)}, {"document", policy.text}};
  reply.text.Fields(
      {{"environment", record.environment},
       {"revision", fmt::format("{}", record.revision)},
       {"etag", record.Etag()},
       {"signed", record.envelope.size > 0 ? "yes" : "no: nothing is permitted by it"},
       {"set",
        fmt::format("{} by {}, entry {}", FormatTime(record.time), record.author, record.index)}});
  reply.text.Line("");
  DML_RETURN_IF_ERROR(Deliver(policy.text, args.file, reply));
  return reply;
}

}  // namespace

void AddPolicyCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("policy", "Policies of environments");
  tree.Add<PolicyArgs>(
      noun,
      {"init", "A starting policy with comments, offline", "dml policy init --out policy.yaml"},
      DeclareOut, Init);
  tree.Add<PolicyArgs>(noun,
                       {"check", "Is a document a policy, offline", "dml policy check policy.yaml"},
                       DeclareCheck, Check);
  tree.Add<PolicyArgs>(noun,
                       {"set", "Set the policy of an environment",
                        "dml policy set --environment production/eu policy.yaml"},
                       DeclareSet, Set);
  tree.Add<PolicyArgs>(noun,
                       {"show", "The policy of an environment",
                        "dml policy show --environment production/eu --out policy.yaml"},
                       DeclareShow, Show);
  AddPolicyOfflineCommands(tree, noun);
}

}  // namespace dml
