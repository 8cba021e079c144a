// dml license check: licenses of variants that are used together.
#include "client/licenses.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct CheckArgs {
  std::vector<std::string> variants;
  std::string outbound;
  std::string environment;
  ContextArgs context;
};

void DeclareCheck(CLI::App& app, CheckArgs& args) {
  app.add_option("variant", args.variants, "NAMESPACE/PACKAGE@VERSION[:PLATFORM] each")->required();
  app.add_option("--outbound", args.outbound, "What the whole goes out under")
      ->type_name("EXPRESSION");
  app.add_option("--environment", args.environment,
                 "By whose policy each is used, and under which branch of its license");
  AddContextOptions(app, args.context);
}

Json ToJson(const LicenseSetFinding& item) {
  Json out = dml::ToJson(item.finding);
  out["conflict"] = nullptr;
  if (!item.conflict.has_value()) return out;
  const LicenseComparison& verdict = item.conflict->verdict;
  out["conflict"] = {{"outboundVariant", item.conflict->outbound_variant},
                     {"inboundVariant", item.conflict->inbound_variant},
                     {"outcome", LicenseOutcomeName(verdict.outcome)},
                     {"outbound", verdict.outbound},
                     {"inbound", verdict.inbound},
                     {"context", dml::ToJson(verdict.context)},
                     {"explanation", verdict.explanation},
                     {"matrix", verdict.source}};
  return out;
}

absl::StatusOr<Reply> Check(Context& context, const CheckArgs& args) {
  LicenseSetQuestion question;
  question.outbound = args.outbound;
  question.environment = args.environment;
  if (!args.environment.empty()) DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  if (args.context.given()) question.context = ContextOf(args.context);
  DML_ASSIGN_OR_RETURN(question.variants, ResolveVariants(context, args.variants));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const LicenseSetAnswer answer, LicenseClient(*client).CheckSet(question));
  Reply reply;
  Json findings = Json::array();
  std::vector<Finding> shown;
  for (const LicenseSetFinding& item : answer.findings) {
    findings.push_back(ToJson(item));
    shown.push_back(item.finding);
  }
  reply.document = {{"outcome", LicenseOutcomeName(answer.outcome)},
                    {"pairs", answer.pairs},
                    {"index", answer.index},
                    {"matrix", answer.matrix_version},
                    {"licenseListVersion", answer.license_list_version},
                    {"policyRevision", answer.policy_revision},
                    {"findings", std::move(findings)}};
  reply.text.Fields({{"outcome", OutcomeCell(answer.outcome)},
                     {"pairs", std::to_string(answer.pairs)},
                     {"matrix", answer.matrix_version}});
  AddFindings(shown, reply.text);
  if (answer.outcome != LicenseOutcome::kAllow) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddLicenseCheckCommand(CommandTree& tree, CLI::App& license) {
  tree.Add<CheckArgs>(license,
                      {"check", "Do the licenses of variants go together",
                       "dml license check acme/app@1.2.0 acme/lib@3.1.0 --outbound Apache-2.0"},
                      DeclareCheck, Check);
}

}  // namespace dml
