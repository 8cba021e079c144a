// dml gate what-if, explain and batch: questions about decisions on releases.
#include <algorithm>

#include "client/permits.h"
#include "core/gate/policy.h"
#include "core/os/file.h"
#include "core/release/release.h"
#include "tools/dml/command.h"
#include "tools/dml/permit_json.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct QuestionArgs {
  std::string release;
  std::vector<std::string> releases;
  std::string environment;
  std::string document;
  std::string policy;
  std::string at;
  std::string permit;
  std::string rule;
  std::string subject;
};

void DeclareWhatIf(CLI::App& app, QuestionArgs& args) {
  app.add_option("release", args.release, "NAME@VERSION")->required();
  app.add_option("--environment", args.environment, "Where it is to go")->required();
  app.add_option("--document", args.document, "With this release document, or draft, in its place")
      ->type_name("FILE");
  app.add_option("--policy", args.policy, "With this policy in the place of the one in force")
      ->type_name("FILE");
  app.add_option("--at", args.at, "At this time")->type_name("TIME");
}

absl::StatusOr<std::string> ReadIfNamed(const std::string& file, size_t most) {
  if (file.empty()) return std::string();
  return ReadFile(file, most);
}

Cell DecisionCell(bool allowed) {
  return allowed ? Cell("ALLOW", Style::kGood) : Cell("DENY", Style::kBad);
}

absl::StatusOr<Reply> WhatIf(Context& context, const QuestionArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(const std::optional<Timestamp> time, ParseTimeArgument(args.at));
  DML_ASSIGN_OR_RETURN(const std::string document, ReadIfNamed(args.document, kMaxReleaseBytes));
  DML_ASSIGN_OR_RETURN(const std::string policy, ReadIfNamed(args.policy, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      const WhatIfAnswer answer,
      PermitClient(*client).WhatIf(name, args.environment, document, policy, time));
  Reply reply;
  reply.document = {{"before", answer.allowed_before ? "ALLOW" : "DENY"},
                    {"after", answer.allowed_after ? "ALLOW" : "DENY"},
                    {"index", answer.index},
                    {"time", FormatTime(answer.time)},
                    {"gone", FindingsJson(answer.gone)},
                    {"added", FindingsJson(answer.added)},
                    {"findings", FindingsJson(answer.findings)}};
  reply.text.Line(DecisionCell(answer.allowed_after));
  reply.text.Line(fmt::format("as it is: {}; library at entry {}",
                              answer.allowed_before ? "ALLOW" : "DENY", answer.index));
  if (!answer.gone.empty()) reply.text.Line("no more:");
  AddFindings(answer.gone, reply.text);
  if (!answer.added.empty()) reply.text.Line("new:");
  AddFindings(answer.added, reply.text);
  if (!answer.allowed_after) reply.code = ExitCode::kNegative;
  return reply;
}

void DeclareExplain(CLI::App& app, QuestionArgs& args) {
  app.add_option("rule", args.rule, "The finding's rule, such as approval.missing")->required();
  app.add_option("--subject", args.subject,
                 "What it is about, where there are several of the rule");
  CLI::Option* release = app.add_option("--release", args.release, "NAME@VERSION");
  app.add_option("--environment", args.environment, "Where it is to go")->needs(release);
  app.add_option("--permit", args.permit, "A denial, by its id")->excludes(release);
  app.add_option("--at", args.at, "At this time; default: now, or when it was denied")
      ->type_name("TIME");
}

absl::StatusOr<Reply> Explain(Context& context, const QuestionArgs& args) {
  ExplainQuestion question;
  question.permit = args.permit;
  question.rule = args.rule;
  question.subject = args.subject;
  DML_ASSIGN_OR_RETURN(question.time, ParseTimeArgument(args.at));
  if (args.permit.empty()) {
    DML_ASSIGN_OR_RETURN(question.release, ParseReleaseArgument(args.release));
    DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
    question.environment = args.environment;
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const ExplainAnswer answer, PermitClient(*client).Explain(question));
  Json facts = Json::array();
  std::vector<std::pair<std::string, Cell>> fields;
  for (const auto& [name, value] : answer.facts) {
    facts.push_back({{"name", name}, {"value", value}});
    fields.emplace_back(name, value);
  }
  Reply reply;
  reply.document = {
      {"finding", ToJson(answer.finding)},
      {"ruleSays", answer.rule_says},
      {"facts", std::move(facts)},
      {"changes", answer.changes},
      {"goneBy", answer.gone_by.has_value() ? Json(FormatTime(*answer.gone_by)) : Json()},
      {"otherErrors", answer.other_errors},
      {"index", answer.index}};
  AddFindings({answer.finding}, reply.text);
  reply.text.Line("the rule: " + answer.rule_says);
  reply.text.Fields(std::move(fields));
  reply.text.Line("what would change it:");
  for (const std::string& change : answer.changes) reply.text.Line("  " + change);
  reply.text.Line(fmt::format("other findings that deny: {}", answer.other_errors));
  return reply;
}

void DeclareBatch(CLI::App& app, QuestionArgs& args) {
  app.add_option("release", args.releases, "NAME@VERSION each; at most 100")->required();
  app.add_option("--environment", args.environment, "Where they are to go")->required();
  app.add_option("--at", args.at, "At this time; default: now")->type_name("TIME");
}

absl::StatusOr<Reply> Batch(Context& context, const QuestionArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(const std::optional<Timestamp> time, ParseTimeArgument(args.at));
  std::vector<BatchItem> items;
  for (const std::string& text : args.releases) {
    DML_ASSIGN_OR_RETURN(ReleaseName name, ParseReleaseArgument(text));
    items.push_back({std::move(name), args.environment, time});
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const std::vector<BatchAnswer> answers,
                       PermitClient(*client).Evaluate(items));
  Reply reply;
  Json out = Json::array();
  TextTable table{{"RELEASE", "DECISION", "WHY"}, {}};
  for (size_t i = 0; i < answers.size(); ++i) {
    const BatchAnswer& answer = answers[i];
    const std::string decision = !answer.error.empty() ? "" : answer.allowed ? "ALLOW" : "DENY";
    std::vector<std::string> rules;
    for (const RuleCount& error : answer.errors) rules.push_back(error.rule);
    out.push_back({{"release", args.releases[i]},
                   {"decision", decision.empty() ? Json() : Json(decision)},
                   {"errors", ToJson(answer.errors)},
                   {"findingsDigest", answer.findings_digest},
                   {"error", answer.error.empty() ? Json()
                                                  : Json{{"reason", answer.error},
                                                         {"message", answer.error_message}}}});
    table.rows.push_back({args.releases[i], decision.empty() ? answer.error : decision,
                          decision.empty() ? answer.error_message : JoinWords(rules)});
    if (decision != "ALLOW") reply.code = ExitCode::kNegative;
  }
  reply.document["items"] = std::move(out);
  reply.text.Add(std::move(table));
  return reply;
}

}  // namespace

void AddGateQuestionCommands(CommandTree& tree, CLI::App& gate) {
  tree.Add<QuestionArgs>(
      gate,
      {"what-if", "Decide with another release document, policy or time",
       "dml gate what-if payments@2.4.0 --environment production --policy next.yaml"},
      DeclareWhatIf, WhatIf);
  tree.Add<QuestionArgs>(
      gate,
      {"explain", "What one finding rests on, and what would change it",
       "dml gate explain timing.closed --release payments@2.4.0 --environment production"},
      DeclareExplain, Explain);
  tree.Add<QuestionArgs>(gate,
                         {"batch", "Decide on several releases",
                          "dml gate batch payments@2.4.0 ledger@1.9.2 --environment production"},
                         DeclareBatch, Batch);
}

}  // namespace dml
