// dml compat check-environment|plan|what-breaks: nodes and what they run.
#include <algorithm>

#include "client/compatibility.h"
#include "core/base/text.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

void DeclareNodes(CLI::App& app, std::string& file) {
  app.add_option("--nodes", file, "The nodes and what they run, a document (dml.nodes/v1)")
      ->type_name("FILE")
      ->required();
}

absl::StatusOr<std::vector<NodeDescription>> ReadNodes(const std::string& file) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxNodesDocumentBytes));
  absl::StatusOr<std::vector<NodeDescription>> nodes = ParseNodesDocument(text);
  if (!nodes.ok()) return Annotate(nodes.status(), file);
  if (nodes->empty()) {
    return InvalidArgument(kArgumentInvalid, "{} has no nodes; name at least one", file);
  }
  return nodes;
}

Json FindingsJson(const std::vector<EnvironmentFinding>& findings) {
  Json out = Json::array();
  for (const EnvironmentFinding& item : findings) {
    Json json = ToJson(item.finding);
    json["node"] = item.node;
    json["nodes"] = item.nodes;
    json["source"] = item.source;
    json["signers"] = item.signers;
    json["before"] = item.before;
    out.push_back(std::move(json));
  }
  return out;
}

// Each with where it is, and who signed what says so.
void AddEnvironmentFindings(const std::vector<EnvironmentFinding>& findings, Text& text) {
  std::vector<Finding> shown;
  for (const EnvironmentFinding& item : findings) {
    Finding& finding = shown.emplace_back(item.finding);
    if (!item.signers.empty()) {
      finding.message += fmt::format(", signed by {}", JoinWords(item.signers));
    }
    if (!item.node.empty()) {
      finding.message += item.nodes > 1
                             ? fmt::format("; on {} nodes, such as {}", item.nodes, item.node)
                             : fmt::format("; on {}", item.node);
    }
    if (item.before) finding.message += "; so it was before";
  }
  AddFindings(shown, text);
}

Reply ReportReply(const EnvironmentReport& report) {
  const bool good = report.verdict == EnvironmentVerdict::kCompatible;
  const bool bad = report.verdict == EnvironmentVerdict::kIncompatible;
  const char* word = good ? "COMPATIBLE" : bad ? "INCOMPATIBLE" : "NOT_PROVEN";
  Reply reply;
  reply.document = {
      {"outcome", word}, {"index", report.index}, {"violations", FindingsJson(report.violations)}};
  reply.text.Line({word, good ? Style::kGood : bad ? Style::kBad : Style::kWarning});
  AddEnvironmentFindings(report.violations, reply.text);
  if (!good) reply.code = ExitCode::kNegative;
  return reply;
}

struct CheckArgs {
  std::string nodes;
  std::vector<std::string> install;
  std::vector<std::string> on;
};

void DeclareCheck(CLI::App& app, CheckArgs& args) {
  DeclareNodes(app, args.nodes);
  AddRepeated(app, "--install", args.install, "As if this were installed")->type_name("VARIANT");
  AddRepeated(app, "--on", args.on, "Installed there alone, not on all nodes")->type_name("NODE");
}

absl::StatusOr<Reply> Check(Context& context, const CheckArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::vector<NodeDescription> nodes, ReadNodes(args.nodes));
  for (const std::string& name : args.on) {
    const bool there =
        std::ranges::any_of(nodes, [&](const NodeDescription& node) { return node.name == name; });
    if (!there) {
      return InvalidArgument(kArgumentInvalid, "--on \"{}\" is none of the nodes in {}",
                             Excerpt(name), args.nodes);
    }
  }
  DML_ASSIGN_OR_RETURN(const std::vector<VariantName> install,
                       ResolveVariants(context, args.install));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const EnvironmentReport report,
                       CompatibilityClient(*client).CheckEnvironment(nodes, install, args.on));
  return ReportReply(report);
}

struct BreaksArgs {
  std::string nodes;
  std::vector<std::string> remove;
  std::vector<std::string> upgrade;
};

void DeclareUpgrade(CLI::App& app, std::vector<std::string>& upgrade) {
  AddRepeated(app, "--upgrade", upgrade, "In place of another version, where one runs")
      ->type_name("VARIANT");
}

void DeclareBreaks(CLI::App& app, BreaksArgs& args) {
  DeclareNodes(app, args.nodes);
  AddRepeated(app, "--remove", args.remove, "A package in any version, or one variant")
      ->type_name("NAMESPACE/PACKAGE|VARIANT");
  DeclareUpgrade(app, args.upgrade);
}

// "N/P" and "packages/N/P" are every version of a package; all else is a variant.
absl::StatusOr<std::string> ReadRemoval(Context& context, const std::string& text) {
  std::string_view name = text;
  if (name.starts_with("packages/")) name.remove_prefix(9);
  if (name.find('@') == std::string_view::npos && std::ranges::count(name, '/') == 1) {
    DML_ASSIGN_OR_RETURN(const PackageName package, ParsePackageArgument(name));
    return package.ResourceName();
  }
  DML_ASSIGN_OR_RETURN(const VariantName variant, ResolveVariant(context, text));
  return variant.ResourceName();
}

absl::StatusOr<Reply> WhatBreaks(Context& context, const BreaksArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::vector<NodeDescription> nodes, ReadNodes(args.nodes));
  if (args.remove.empty() && args.upgrade.empty()) {
    return InvalidArgument(kArgumentInvalid, "say what is to be changed: --remove or --upgrade");
  }
  std::vector<std::string> remove;
  for (const std::string& text : args.remove) {
    DML_ASSIGN_OR_RETURN(std::string name, ReadRemoval(context, text));
    remove.push_back(std::move(name));
  }
  DML_ASSIGN_OR_RETURN(const std::vector<VariantName> upgrade,
                       ResolveVariants(context, args.upgrade));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const EnvironmentReport report,
                       CompatibilityClient(*client).WhatBreaksIf(nodes, remove, upgrade));
  return ReportReply(report);
}

struct PlanArgs {
  std::string nodes;
  std::vector<std::string> upgrade;
  uint64_t max_steps = 0;
};

void DeclarePlan(CLI::App& app, PlanArgs& args) {
  DeclareNodes(app, args.nodes);
  DeclareUpgrade(app, args.upgrade);
  app.add_option("--max-steps", args.max_steps, "Of the search; what needs more is undecided")
      ->check(WholeNumber("a number of steps", 1, kNoMaximum));
}

Reply StepsReply(const UpgradeAnswer& answer) {
  Reply reply;
  Json steps = Json::array();
  TextTable table{{"WAVE", "NODE", "NODES", "RETURN"}, {}};
  for (const PlannedStep& step : answer.steps) {
    steps.push_back({{"wave", step.wave},
                     {"node", step.node},
                     {"nodes", step.count},
                     {"noReturn", step.no_return}});
    table.rows.push_back({std::to_string(step.wave), step.node, std::to_string(step.count),
                          step.no_return ? Cell("none", Style::kWarning) : Cell("possible")});
  }
  reply.document["steps"] = std::move(steps);
  reply.document["waves"] = answer.waves;
  if (answer.steps.empty()) {
    reply.text.Line("nothing is to be done");
  } else {
    reply.text.Add(std::move(table));
  }
  return reply;
}

absl::StatusOr<Reply> Plan(Context& context, const PlanArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::vector<NodeDescription> nodes, ReadNodes(args.nodes));
  DML_ASSIGN_OR_RETURN(const std::vector<VariantName> upgrade,
                       ResolveVariants(context, args.upgrade));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const UpgradeAnswer answer, CompatibilityClient(*client).PlanUpgradeOrder(
                                                       nodes, upgrade, args.max_steps));
  Reply reply;
  const char* word = "UNDECIDED";
  if (answer.outcome == Solvable::kYes) {
    word = "PLANNED";
    reply = StepsReply(answer);
  } else {
    reply.code = ExitCode::kNegative;
    if (answer.outcome == Solvable::kNo) {
      word = "NO_ORDER";
      reply.document["reasons"] = FindingsJson(answer.reasons);
      reply.document["minimal"] = answer.minimal;
      reply.text.Line({"no order keeps everything compatible on the way:", Style::kBad});
      AddEnvironmentFindings(answer.reasons, reply.text);
    } else {
      reply.text.Line({"undecided: the search was given up", Style::kWarning});
    }
  }
  reply.document["outcome"] = word;
  reply.document["index"] = answer.index;
  reply.document["searchSteps"] = answer.search_steps;
  return reply;
}

}  // namespace

void AddNodesCommands(CommandTree& tree, CLI::App& compat) {
  tree.Add<CheckArgs>(compat,
                      {"check-environment", "Is what runs on these nodes compatible",
                       "dml compat check-environment --nodes nodes.yaml --install acme/api@2.4.1"},
                      DeclareCheck, Check);
  tree.Add<PlanArgs>(compat,
                     {"plan", "An order of upgrades in which all that runs stays compatible",
                      "dml compat plan --nodes nodes.yaml --upgrade acme/api@2.4.1"},
                     DeclarePlan, Plan);
  tree.Add<BreaksArgs>(compat,
                       {"what-breaks", "What is wrong after a change that was not before",
                        "dml compat what-breaks --nodes nodes.yaml --remove acme/ledger"},
                       DeclareBreaks, WhatBreaks);
}

}  // namespace dml
