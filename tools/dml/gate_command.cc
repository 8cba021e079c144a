// dml gate evaluate.
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct EvaluateArgs {
  std::string environment;
  std::vector<std::string> variants;
};

void DeclareEvaluate(CLI::App& app, EvaluateArgs& args) {
  app.add_option("--environment", args.environment, "Where they are to go")->required();
  app.add_option("variant", args.variants, "NAMESPACE/PACKAGE@VERSION[:PLATFORM] each")->required();
}

absl::StatusOr<Reply> Evaluate(Context& context, const EvaluateArgs& args) {
  DML_ASSIGN_OR_RETURN(std::vector<VariantName> names, ResolveVariants(context, args.variants));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(GateAnswer answer, client->Evaluate(names, args.environment));
  Reply reply;
  Json findings = Json::array();
  for (const Finding& finding : answer.findings) findings.push_back(ToJson(finding));
  reply.document = {{"decision", answer.allowed ? "ALLOW" : "DENY"},
                    {"environment", "environments/" + args.environment},
                    {"index", answer.index},
                    {"policyEnvironment", answer.policy_environment},
                    {"policyRevision", answer.policy_revision},
                    {"licenseListVersion", answer.license_list_version},
                    {"findingsDigest", answer.findings_digest},
                    {"findings", std::move(findings)}};
  reply.text.Line(answer.allowed ? Cell("ALLOW", Style::kGood) : Cell("DENY", Style::kBad));
  std::string policy = answer.policy_environment.empty()
                           ? "no policy"
                           : fmt::format("policy revision {} of {}", answer.policy_revision,
                                         answer.policy_environment);
  reply.text.Line(fmt::format("variants: {}, environment: {}, library at entry {}, {}",
                              names.size(), args.environment, answer.index, policy));
  AddFindings(answer.findings, reply.text);
  if (!answer.allowed) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddGateCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("gate", "May this release go to this place now");
  tree.Add<EvaluateArgs>(noun,
                         {"evaluate", "Decide on variants for an environment, with all reasons",
                          "dml gate evaluate --environment production/eu acme/api@2.4.1"},
                         DeclareEvaluate, Evaluate);
}

}  // namespace dml
