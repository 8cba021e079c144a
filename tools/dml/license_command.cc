// dml license eval; the others are in files of their own.
#include "core/gate/policy.h"
#include "core/license/findings.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/batch.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

// Licenses on the command line, in place of a policy document.
struct RuleLists {
  std::vector<std::string> allow;
  std::vector<std::string> oblige;
  std::vector<std::string> review;
  std::vector<std::string> deny;

  bool empty() const { return allow.empty() && oblige.empty() && review.empty() && deny.empty(); }
};

struct EvalArgs {
  std::string expression;
  std::string variant;
  bool batch = false;
  std::string environment;
  std::string policy;
  RuleLists lists;
  std::string list;
  std::string properties;
};

// A policy with what it was read by.
struct OfflineRules {
  LicenseList list;
  LicensePolicy licenses;
  LicenseContext context{};
};

void AddLicenses(CLI::App& app, const char* name, std::vector<std::string>& licenses,
                 const char* description) {
  AddRepeated(app, name, licenses, description)->delimiter(',')->type_name("LICENSE,...");
}

void DeclareEval(CLI::App& app, EvalArgs& args) {
  CLI::Option_group& subject = *app.add_option_group("Subject", "Exactly one of them");
  subject.add_option("expression", args.expression, "An SPDX license expression");
  subject.add_option("--package", args.variant, "A variant, for the license that it declares");
  AddBatchFlag(subject, args.batch);
  subject.require_option(1);
  CLI::Option_group& rules =
      *app.add_option_group("Rules", "One of them, or licenses by outcome, offline");
  rules.add_option("--environment", args.environment, "By its policy");
  rules.add_option("--policy", args.policy, "By a policy document; with an expression, offline")
      ->type_name("FILE");
  AddLicenses(rules, "--allow", args.lists.allow, "Allow these");
  AddLicenses(rules, "--allow-with-obligations", args.lists.oblige,
              "Allow these, with obligations");
  AddLicenses(rules, "--review", args.lists.review,
              "Have these looked at, as any that is not named");
  AddLicenses(rules, "--deny", args.lists.deny, "Deny these");
  AddLicenseListOption(app, args.list);
  AddLicensePropertiesOption(app, args.properties);
}

absl::Status CheckEval(const EvalArgs& args) {
  const int sources = (args.environment.empty() ? 0 : 1) + (args.policy.empty() ? 0 : 1) +
                      (args.lists.empty() ? 0 : 1);
  if (sources != 1) {
    return InvalidArgument(
        kArgumentInvalid,
        "give one of --environment, --policy, and lists such as --allow A,B; see: "
        "dml license eval --help");
  }
  const bool offline = args.variant.empty() && args.environment.empty();
  if ((!args.list.empty() || !args.properties.empty()) && !offline) {
    return InvalidArgument(kArgumentInvalid,
                           "--license-list and --license-properties are for what is answered "
                           "offline");
  }
  if (args.batch && !args.environment.empty()) {
    return InvalidArgument(kArgumentInvalid, "--batch is offline; give --policy or --allow");
  }
  if (!args.variant.empty() && !args.lists.empty()) {
    return InvalidArgument(kArgumentInvalid, "--package needs --environment or --policy");
  }
  return absl::OkStatus();
}

absl::StatusOr<LicensePolicy> PolicyOfLists(const RuleLists& lists, const LicenseList& list) {
  std::vector<LicenseRule> rules;
  auto add = [&rules](const char* id, LicenseOutcome outcome,
                      const std::vector<std::string>& licenses) {
    LicenseRule rule{.id = id, .outcome = outcome};
    for (const std::string& license : licenses) {
      if (license.find_first_not_of(' ') != license.npos) rule.licenses.push_back(license);
    }
    rules.push_back(std::move(rule));
  };
  add("allow", LicenseOutcome::kAllow, lists.allow);
  add("allow-with-obligations", LicenseOutcome::kAllowWithObligations, lists.oblige);
  add("review", LicenseOutcome::kReview, lists.review);
  add("deny", LicenseOutcome::kDeny, lists.deny);
  return LicensePolicy::Create("command line", std::move(rules), list);
}

absl::StatusOr<OfflineRules> ReadRules(const EvalArgs& args) {
  OfflineRules out;
  DML_ASSIGN_OR_RETURN(out.list, ReadLicenseList(args.list));
  if (args.policy.empty()) {
    DML_ASSIGN_OR_RETURN(out.licenses, PolicyOfLists(args.lists, out.list));
    return out;
  }
  DML_ASSIGN_OR_RETURN(const auto properties, ReadLicenseProperties(args.properties, out.list));
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.policy, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(
      Policy policy, ParsePolicy(text, out.list, properties.has_value() ? &*properties : nullptr));
  out.context = LicenseContextOf(policy, "", "");
  out.licenses = std::move(policy.licenses);
  return out;
}

absl::StatusOr<LicenseAnswer> EvaluateOffline(const EvalArgs& args) {
  DML_ASSIGN_OR_RETURN(const OfflineRules rules, ReadRules(args));
  DML_ASSIGN_OR_RETURN(LicenseExpression expression,
                       LicenseExpression::Parse(args.expression, rules.list));
  LicenseVerdict verdict =
      EvaluateLicense(expression, rules.licenses, rules.list, {.context = rules.context});
  LicenseAnswer out;
  out.outcome = verdict.outcome;
  out.expression = expression.ToString();
  out.chosen = verdict.chosen;
  out.findings = LicenseFindings(verdict, "the license", rules.list);
  out.reasons = std::move(verdict.reasons);
  out.obligations = std::move(verdict.obligations);
  out.context = verdict.context;
  out.license_list_version = verdict.list_version;
  out.license_properties_version = verdict.properties_version;
  return out;
}

absl::StatusOr<Reply> EvaluateLines(Context& context, const EvalArgs& args) {
  DML_ASSIGN_OR_RETURN(const OfflineRules rules, ReadRules(args));
  return AnswerLines(context, kBatchLineTooLong, [&](std::string_view line) {
    const auto expression = LicenseExpression::Parse(line, rules.list);
    if (!expression.ok()) return InvalidLine(expression.status());
    return std::string(LicenseOutcomeName(
        EvaluateLicense(*expression, rules.licenses, rules.list, {.context = rules.context})
            .outcome));
  });
}

absl::StatusOr<LicenseAnswer> Ask(Context& context, const EvalArgs& args) {
  std::string policy;
  if (!args.environment.empty()) {
    DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  } else if (args.variant.empty()) {
    return EvaluateOffline(args);
  } else {
    DML_ASSIGN_OR_RETURN(policy, ReadFile(args.policy, kMaxPolicyBytes));
  }
  if (args.variant.empty()) {
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    return client->EvaluateLicense(args.expression, args.environment, policy);
  }
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  return client->EvaluateVariantLicense(name, args.environment, policy);
}

Json ToJson(const LicenseReason& reason) {
  return {{"license", reason.leaf},
          {"outcome", LicenseOutcomeName(reason.outcome)},
          {"rule", reason.rule},
          {"pattern", reason.pattern},
          {"policyOutcome", LicenseOutcomeName(reason.policy_outcome)},
          {"waiver", reason.waiver},
          {"chosen", reason.chosen},
          {"explanation", reason.explanation}};
}

// Of a variant: who says what its license is.
void AddEvidence(const LicenseAnswer& answer, Reply& reply) {
  if (answer.declared.empty()) return;
  Json observed = Json::array();
  TextTable table{{"EVIDENCE", "LICENSE", "SOURCE"},
                  {{"declared", answer.declared, "package spec"}}};
  for (const LicenseObservation& item : answer.observed) {
    observed.push_back({{"source", item.source},
                        {"expression", item.expression},
                        {"ambiguous", item.ambiguous},
                        {"unread", item.unread},
                        {"fault", item.fault}});
    const bool read = item.fault.empty() && item.unread.empty();
    table.rows.push_back(
        {"observed", read ? Cell{item.expression} : Cell{"not read", Style::kBad}, item.source});
  }
  Json concluded;
  if (!answer.concluded.empty()) {
    concluded = {{"expression", answer.concluded},
                 {"author", answer.concluded_by},
                 {"reason", answer.concluded_reason}};
    table.rows.push_back({"concluded", answer.concluded, answer.concluded_by});
  }
  reply.document["evidence"] = {{"declared", answer.declared},
                                {"observed", std::move(observed)},
                                {"concluded", std::move(concluded)}};
  reply.text.Line("");
  reply.text.Add(std::move(table));
}

absl::StatusOr<Reply> Eval(Context& context, const EvalArgs& args) {
  DML_RETURN_IF_ERROR(CheckEval(args));
  if (args.batch) return EvaluateLines(context, args);
  DML_ASSIGN_OR_RETURN(LicenseAnswer answer, Ask(context, args));
  Reply reply;
  Json reasons = Json::array();
  TextTable table{{"LICENSE", "OUTCOME", "RULE"}, {}};
  for (const LicenseReason& reason : answer.reasons) {
    reasons.push_back(ToJson(reason));
    table.rows.push_back({reason.leaf, OutcomeCell(reason.outcome),
                          reason.rule.empty() ? "no rule names it" : reason.rule});
  }
  Json findings = Json::array();
  for (const Finding& finding : answer.findings) findings.push_back(ToJson(finding));
  reply.document = {{"outcome", LicenseOutcomeName(answer.outcome)},
                    {"expression", answer.expression},
                    {"chosen", answer.chosen},
                    {"obligations", answer.obligations},
                    {"context", ToJson(answer.context)},
                    {"reasons", std::move(reasons)},
                    {"findings", std::move(findings)},
                    {"licenseListVersion", answer.license_list_version},
                    {"licensePropertiesVersion", answer.license_properties_version},
                    {"policyRevision", answer.policy_revision}};
  reply.text.Fields({{"outcome", OutcomeCell(answer.outcome)},
                     {"expression", answer.expression},
                     {"chosen", answer.chosen},
                     {"obligations", JoinWords(answer.obligations)},
                     {"context", answer.context.ToString()},
                     {"license list", answer.license_list_version}});
  reply.text.Line("");
  reply.text.Add(std::move(table));
  AddEvidence(answer, reply);
  AddFindings(answer.findings, reply.text);
  if (answer.outcome == LicenseOutcome::kDeny || answer.outcome == LicenseOutcome::kReview) {
    reply.code = ExitCode::kNegative;
  }
  return reply;
}

}  // namespace

void AddLicenseCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("license", "Licenses of packages");
  tree.Add<EvalArgs>(noun,
                     {"eval", "May software under a license go to an environment",
                      "dml license eval 'MIT OR GPL-2.0-only' --policy policy.yaml"},
                     DeclareEval, Eval);
  AddLicenseFindCommand(tree, noun);
  AddLicenseDryRunCommand(tree, noun);
  AddLicenseReportCommand(tree, noun);
  AddLicenseCheckCommand(tree, noun);
  AddLicenseConcludeCommand(tree, noun);
  AddLicenseOfflineCommands(tree, noun);
  AddLicenseDataCommands(tree, noun);
}

}  // namespace dml
