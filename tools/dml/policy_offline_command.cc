// dml policy schema|diff|test: questions on policy documents that no library is asked for.
#include "core/gate/policy_cases.h"
#include "core/gate/policy_diff.h"
#include "core/gate/policy_shape.h"
#include "core/os/file.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct SchemaArgs {
  bool cases = false;
};

void DeclareSchema(CLI::App& app, SchemaArgs& args) {
  app.add_flag("--cases", args.cases, "Of the cases that dml policy test runs");
}

absl::StatusOr<Reply> Schema(Context&, const SchemaArgs& args) {
  Reply reply;
  reply.document = args.cases ? PolicyCasesJsonSchema() : PolicyJsonSchema();
  reply.text.Block(RenderJson(reply.document));
  return reply;
}

struct DiffArgs {
  std::string before;
  std::string after;
};

void DeclareDiff(CLI::App& app, DiffArgs& args) {
  app.add_option("before", args.before, "A policy")->required()->type_name("FILE");
  app.add_option("after", args.after, "Another one")->required()->type_name("FILE");
}

absl::StatusOr<Reply> Diff(Context&, const DiffArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::string before, ReadFile(args.before, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(const std::string after, ReadFile(args.after, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(const std::vector<PolicyDifference> found, DiffPolicies(before, after));
  Reply reply;
  Json differences = Json::array();
  TextTable table{{"MEMBER", "BEFORE", "AFTER"}, {}};
  for (const PolicyDifference& one : found) {
    const auto value = [](const std::string& text) {
      return text.empty() ? Json(nullptr) : Json::parse(text);
    };
    differences.push_back(
        {{"path", one.path}, {"before", value(one.before)}, {"after", value(one.after)}});
    table.rows.push_back({one.path, one.before, one.after});
  }
  reply.document = {{"same", found.empty()}, {"differences", std::move(differences)}};
  if (found.empty()) {
    reply.text.Line("no difference");
  } else {
    reply.text.Add(std::move(table));
  }
  return reply;
}

struct TestArgs {
  std::string policy;
  std::string cases;
  std::string properties;
};

void DeclareTest(CLI::App& app, TestArgs& args) {
  app.add_option("policy", args.policy, "The policy")->required()->type_name("FILE");
  app.add_option("cases", args.cases, "Releases, and what is to be decided on each")
      ->required()
      ->type_name("FILE");
  AddLicensePropertiesOption(app, args.properties);
}

// What a case that failed was expected to come to, and came to.
void AddFailure(const PolicyCase& one, const PolicyCaseOutcome& outcome, const std::string& file,
                Text& text) {
  text.Line({fmt::format("{}:{}: {}", file, one.line, one.name), Style::kBad});
  text.Line(fmt::format("  expected {}{}", DecisionName(one.expected),
                        one.expected_rules.empty() ? "" : ": " + JoinWords(one.expected_rules)));
  text.Line(fmt::format("  decided  {}{}", DecisionName(outcome.decision),
                        outcome.rules.empty() ? "" : ": " + JoinWords(outcome.rules)));
  for (const Finding& finding : outcome.findings) {
    if (finding.severity != Severity::kError) continue;
    text.Line(fmt::format("  {}: {}", finding.rule, finding.message));
  }
}

absl::StatusOr<Reply> Test(Context&, const TestArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::string document, ReadFile(args.policy, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(const auto properties,
                       ReadLicenseProperties(args.properties, BundledLicenseList()));
  const absl::StatusOr<Policy> policy =
      ParsePolicy(document, BundledLicenseList(), properties.has_value() ? &*properties : nullptr);
  if (!policy.ok()) return Annotate(policy.status(), args.policy);
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.cases, kMaxPolicyCasesBytes));
  const absl::StatusOr<std::vector<PolicyCase>> cases = ParsePolicyCases(text);
  if (!cases.ok()) return Annotate(cases.status(), args.cases);
  Reply reply;
  Json items = Json::array();
  size_t failed = 0;
  for (const PolicyCase& one : *cases) {
    const PolicyCaseOutcome outcome = RunPolicyCase(one, *policy);
    Json findings = Json::array();
    for (const Finding& finding : outcome.findings) findings.push_back(ToJson(finding));
    items.push_back({{"name", one.name},
                     {"passed", outcome.passed},
                     {"decision", DecisionName(outcome.decision)},
                     {"findings", std::move(findings)}});
    if (outcome.passed) continue;
    ++failed;
    AddFailure(one, outcome, args.cases, reply.text);
  }
  reply.document = {
      {"passed", cases->size() - failed}, {"failed", failed}, {"cases", std::move(items)}};
  reply.text.Line({fmt::format("{} of {} cases passed", cases->size() - failed, cases->size()),
                   failed == 0 ? Style::kGood : Style::kBad});
  if (failed > 0) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddPolicyOfflineCommands(CommandTree& tree, CLI::App& policy) {
  tree.Add<SchemaArgs>(policy,
                       {"schema", "What may stand in a policy, as a JSON Schema, offline",
                        "dml policy schema > policy.schema.json"},
                       DeclareSchema, Schema);
  tree.Add<DiffArgs>(policy,
                     {"diff", "What is different between two policies, offline",
                      "dml policy diff policy.yaml next.yaml"},
                     DeclareDiff, Diff);
  tree.Add<TestArgs>(policy,
                     {"test", "Does a policy decide as the cases beside it say, offline",
                      "dml policy test policy.yaml policy.cases.yaml"},
                     DeclareTest, Test);
}

}  // namespace dml
