// dml gate evaluate.
#include <algorithm>

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

// Whether a variant, its package or its namespace is not in the library.
bool IsNotInLibrary(const absl::Status& status) {
  const std::string reason = Reason(status);
  return reason == "VARIANT_NOT_FOUND" || reason == "PACKAGE_NOT_FOUND" ||
         reason == "NAMESPACE_NOT_FOUND";
}

// The variants as they are named, and notes on those that are not in the library: these are for the
// gate to deny, together with all its other reasons.
absl::StatusOr<std::vector<VariantName>> NamesToJudge(Context& context,
                                                      const std::vector<std::string>& texts,
                                                      std::vector<std::string>& notes) {
  std::vector<VariantArgument> arguments;
  for (const std::string& text : texts) {
    DML_ASSIGN_OR_RETURN(VariantArgument argument, ParseVariantArgument(text));
    arguments.push_back(std::move(argument));
  }
  std::vector<VariantName> out;
  for (size_t i = 0; i < texts.size(); ++i) {
    absl::StatusOr<VariantName> name = ResolveVariant(context, texts[i]);
    if (!name.ok() && !IsNotInLibrary(name.status())) return name.status();
    if (!name.ok()) notes.push_back(std::string(Message(name.status())));
    VariantName named = name.ok() ? *std::move(name) : LiteralVariant(arguments[i]);
    if (std::ranges::count(out, named) == 0) out.push_back(std::move(named));
  }
  return out;
}

absl::StatusOr<Reply> Evaluate(Context& context, const EvaluateArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  Reply reply;
  DML_ASSIGN_OR_RETURN(std::vector<VariantName> names,
                       NamesToJudge(context, args.variants, reply.notes));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(GateAnswer answer, client->Evaluate(names, args.environment));
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
  AddGateQuestionCommands(tree, noun);
  AddFindingsCommand(tree, noun);
}

}  // namespace dml
