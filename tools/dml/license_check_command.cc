// dml license check: licenses of variants that are used together.
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/license_set_arguments.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct CheckArgs {
  LicenseSetArgs set;
  std::string outbound;
};

void DeclareCheck(CLI::App& app, CheckArgs& args) {
  DeclareLicenseSet(app, args.set);
  app.add_option("--outbound", args.outbound, "What the whole goes out under")
      ->type_name("EXPRESSION");
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
  DML_ASSIGN_OR_RETURN(LicenseSetQuestion question, ReadLicenseSet(context, args.set));
  question.outbound = args.outbound;
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
                    {"policyOutcome", answer.policy_outcome.has_value()
                                          ? Json(LicenseOutcomeName(*answer.policy_outcome))
                                          : Json(nullptr)},
                    {"variants", answer.variants},
                    {"findings", std::move(findings)}};
  if (answer.policy_outcome.has_value()) {
    reply.text.Fields({{"policy", OutcomeCell(*answer.policy_outcome)}});
  }
  reply.text.Fields({{"outcome", OutcomeCell(answer.outcome)},
                     {"variants", std::to_string(answer.variants)},
                     {"pairs", std::to_string(answer.pairs)},
                     {"matrix", answer.matrix_version}});
  AddFindings(shown, reply.text);
  const bool is_fine = answer.outcome == LicenseOutcome::kAllow &&
                       answer.policy_outcome.value_or(LicenseOutcome::kAllow) <=
                           LicenseOutcome::kAllowWithObligations;
  if (!is_fine) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddLicenseCheckCommand(CommandTree& tree, CLI::App& license) {
  tree.Add<CheckArgs>(license,
                      {"check", "Do the licenses of variants, or of a release, go together",
                       "dml license check acme/app@1.2.0 acme/lib@3.1.0 --outbound Apache-2.0"},
                      DeclareCheck, Check);
}

}  // namespace dml
