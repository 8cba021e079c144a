// dml license eval|find.
#include "core/gate/policy.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct EvalArgs {
  std::string expression;
  std::string variant;
  std::string environment;
  std::string policy;
};

void DeclareEval(CLI::App& app, EvalArgs& args) {
  CLI::Option_group& subject = *app.add_option_group("Subject", "Exactly one of them");
  subject.add_option("expression", args.expression, "An SPDX license expression");
  subject.add_option("--package", args.variant, "A variant, for the license that it declares");
  subject.require_option(1);
  CLI::Option_group& rules = *app.add_option_group("Rules", "Exactly one of them");
  rules.add_option("--environment", args.environment, "By its policy");
  rules.add_option("--policy", args.policy, "By a policy document; with an expression, offline")
      ->type_name("FILE");
  rules.require_option(1);
}

absl::StatusOr<LicenseAnswer> EvaluateOffline(const std::string& text,
                                              const std::string& policy_text) {
  const LicenseList& list = BundledLicenseList();
  DML_ASSIGN_OR_RETURN(Policy policy, ParsePolicy(policy_text, list));
  DML_ASSIGN_OR_RETURN(LicenseExpression expression, LicenseExpression::Parse(text, list));
  LicenseVerdict verdict = EvaluateLicense(expression, policy.licenses, list);
  LicenseAnswer out;
  out.outcome = verdict.outcome;
  out.expression = expression.ToString();
  out.chosen = verdict.chosen;
  for (const LicenseReason& reason : verdict.reasons) {
    out.reasons.push_back({reason.leaf, reason.outcome, reason.rule});
  }
  out.license_list_version = verdict.list_version;
  return out;
}

absl::StatusOr<LicenseAnswer> Ask(Context& context, const EvalArgs& args) {
  std::string policy;
  if (!args.environment.empty()) {
    DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  }
  if (!args.policy.empty()) {
    DML_ASSIGN_OR_RETURN(policy, ReadFile(args.policy, kMaxPolicyBytes));
    if (args.variant.empty()) return EvaluateOffline(args.expression, policy);
  }
  if (args.variant.empty()) {
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    return client->EvaluateLicense(args.expression, args.environment, policy);
  }
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  return client->EvaluateVariantLicense(name, args.environment, policy);
}

Style OutcomeStyle(LicenseOutcome outcome) {
  if (outcome == LicenseOutcome::kDeny) return Style::kBad;
  return outcome == LicenseOutcome::kReview ? Style::kWarning : Style::kGood;
}

Cell OutcomeCell(LicenseOutcome outcome) {
  return {std::string(LicenseOutcomeName(outcome)), OutcomeStyle(outcome)};
}

absl::StatusOr<Reply> Eval(Context& context, const EvalArgs& args) {
  DML_ASSIGN_OR_RETURN(LicenseAnswer answer, Ask(context, args));
  Reply reply;
  Json reasons = Json::array();
  TextTable table{{"LICENSE", "OUTCOME", "RULE"}, {}};
  for (const LicenseAnswer::Reason& reason : answer.reasons) {
    reasons.push_back({{"license", reason.license},
                       {"outcome", std::string(LicenseOutcomeName(reason.outcome))},
                       {"rule", reason.rule}});
    table.rows.push_back({reason.license, OutcomeCell(reason.outcome),
                          reason.rule.empty() ? "no rule names it" : reason.rule});
  }
  reply.document = {{"outcome", std::string(LicenseOutcomeName(answer.outcome))},
                    {"expression", answer.expression},
                    {"chosen", answer.chosen},
                    {"reasons", std::move(reasons)},
                    {"licenseListVersion", answer.license_list_version},
                    {"policyRevision", answer.policy_revision}};
  reply.text.Fields({{"outcome", OutcomeCell(answer.outcome)},
                     {"expression", answer.expression},
                     {"chosen", answer.chosen},
                     {"license list", answer.license_list_version}});
  reply.text.Line("");
  reply.text.Add(std::move(table));
  if (answer.outcome == LicenseOutcome::kDeny || answer.outcome == LicenseOutcome::kReview) {
    reply.code = ExitCode::kNegative;
  }
  return reply;
}

struct FindArgs {
  std::string license;
};

void DeclareFind(CLI::App& app, FindArgs& args) {
  app.add_option("license", args.license, "A license id, such as GPL-2.0-only")->required();
}

absl::StatusOr<Reply> Find(Context& context, const FindArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<LicenseUse>(context, "", [&](const ListOptions& options) {
                         return client->FindByLicense(args.license, options);
                       }));
  return ListReply(
      page, {"VARIANT", "LICENSE"},
      [](const LicenseUse& item) {
        return Json{{"variant", item.variant.ResourceName()}, {"license", item.declared_license}};
      },
      [](const LicenseUse& item) {
        return std::vector<Cell>{item.variant.ResourceName(), item.declared_license};
      });
}

}  // namespace

void AddLicenseCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("license", "Licenses of packages");
  tree.Add<EvalArgs>(noun,
                     {"eval", "May software under a license go to an environment",
                      "dml license eval 'MIT OR GPL-2.0-only' --policy policy.yaml"},
                     DeclareEval, Eval);
  tree.Add<FindArgs>(
      noun,
      {"find", "Find variants whose license names an id", "dml license find GPL-2.0-only --all"},
      DeclareFind, Find);
}

}  // namespace dml
