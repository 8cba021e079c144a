// dml measures, dml gate findings.
#include "client/measures.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/measures_text.h"
#include "tools/dml/records.h"
#include "tools/dml/release_arguments.h"

namespace dml {
namespace {

struct MeasuresArgs {
  std::string environment;
  std::string service;
  std::string from;
  std::string until;
  std::string by;
  std::string format = "table";
  bool definitions = false;
};

void DeclareShow(CLI::App& app, MeasuresArgs& args) {
  app.add_option("--environment", args.environment, "Of it and what is below it; default: all");
  app.add_option("--service", args.service,
                 "Of releases of a package NAMESPACE/NAME, '*' at its end stands for any text");
  app.add_option("--from", args.from, "From then on, such as 2027-03-01T00:00:00Z");
  app.add_option("--until,--to", args.until, "Up to then, and not then");
  app.add_option("--by", args.by, "Each of them by itself")->check(OneOf({"day", "week", "month"}));
  app.add_option("--format", args.format, "How it is written")
      ->capture_default_str()
      ->check(OneOf({"table", "csv", "prometheus"}));
  app.add_flag("--definitions", args.definitions, "What each of them means instead, offline");
}

absl::StatusOr<MeasuresRequest> ReadRequest(const MeasuresArgs& args) {
  MeasuresRequest out;
  if (!args.environment.empty()) DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  out.environment = args.environment;
  out.service = args.service;
  DML_ASSIGN_OR_RETURN(out.from, ParseTimeArgument(args.from));
  DML_ASSIGN_OR_RETURN(out.until, ParseTimeArgument(args.until));
  if (args.by == "day") out.by = MeasureSpan::kDay;
  if (args.by == "week") out.by = MeasureSpan::kWeek;
  if (args.by == "month") out.by = MeasureSpan::kMonth;
  return out;
}

Json ToJson(const Measure& measure) {
  const MeasureDefinition* definition = FindMeasureDefinition(measure.id);
  Json out = {{"id", measure.id}, {"part", measure.part}};
  if (definition != nullptr) {
    out["level"] = MeasureLevelName(definition->level);
    out["unit"] = MeasureUnitName(definition->unit);
  }
  out["known"] = measure.unknown_reason.empty();
  if (!measure.unknown_reason.empty()) {
    out["why"] = measure.unknown_reason;
    return out;
  }
  out["count"] = measure.count;
  out["total"] = measure.total;
  out["medianSeconds"] = measure.median.count();
  out["longestSeconds"] = measure.longest.count();
  return out;
}

void AddTable(const MeasuredPeriod& period, Text& text) {
  text.Line(
      {fmt::format("{} to {}", FormatTime(period.from), FormatTime(period.until)), Style::kStrong});
  TextTable table{{"LEVEL", "MEASURE", "VALUE"}, {}};
  for (const Measure& measure : period.measures) {
    const MeasureDefinition* definition = FindMeasureDefinition(measure.id);
    std::string title = definition == nullptr ? measure.id : std::string(definition->title);
    if (!measure.part.empty()) title += ": " + measure.part;
    table.rows.push_back(
        {definition == nullptr ? "" : std::string(MeasureLevelName(definition->level)),
         std::move(title), MeasureWords(measure)});
  }
  text.Add(std::move(table));
  text.Line("");
}

Reply Define() {
  Reply reply;
  Json items = Json::array();
  for (const MeasureDefinition& definition : MeasureDefinitions()) {
    items.push_back({{"id", definition.id},
                     {"level", MeasureLevelName(definition.level)},
                     {"unit", MeasureUnitName(definition.unit)},
                     {"title", definition.title},
                     {"definition", definition.definition}});
    reply.text.Line(
        {fmt::format("{} ({}, {})", definition.title, MeasureLevelName(definition.level),
                     MeasureUnitName(definition.unit)),
         Style::kStrong});
    reply.text.Line(fmt::format("  {}: {}", definition.id, definition.definition));
  }
  reply.document = {{"items", std::move(items)}};
  return reply;
}

absl::StatusOr<Reply> Show(Context& context, const MeasuresArgs& args) {
  if (args.definitions) return Define();
  DML_ASSIGN_OR_RETURN(const MeasuresRequest request, ReadRequest(args));
  if (args.format == "prometheus" && request.by != MeasureSpan::kAll) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "metrics are of one period: leave --by out");
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const MeasuresReport report, MeasuresClient(*client).Get(request));
  Reply reply;
  Json periods = Json::array();
  for (const MeasuredPeriod& period : report.periods) {
    Json measures = Json::array();
    for (const Measure& measure : period.measures) measures.push_back(ToJson(measure));
    periods.push_back({{"from", FormatTime(period.from)},
                       {"until", FormatTime(period.until)},
                       {"measures", std::move(measures)}});
  }
  reply.document = {
      {"periods", std::move(periods)}, {"index", report.index}, {"time", FormatTime(report.time)}};
  if (args.format == "csv") {
    reply.text.Block(FormatMeasuresCsv(report.periods));
  } else if (args.format == "prometheus") {
    for (const MeasuredPeriod& period : report.periods) {
      reply.text.Block(FormatMeasuresPrometheus(period, args.environment, args.service));
    }
  } else {
    for (const MeasuredPeriod& period : report.periods) AddTable(period, reply.text);
  }
  return reply;
}

struct FindingsArgs {
  std::string environment;
};

void DeclareFindings(CLI::App& app, FindingsArgs& args) {
  app.add_option("--environment", args.environment, "Only in exactly this one");
}

absl::StatusOr<Reply> Findings(Context& context, const FindingsArgs& args) {
  if (!args.environment.empty()) DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  MeasuresClient measures(*client);
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<ReleaseFindings>(context, "", [&](const ListOptions& options) {
                         return measures.Findings(args.environment, options);
                       }));
  Reply reply;
  Json items = Json::array();
  for (const ReleaseFindings& item : page.items) {
    Json findings = Json::array();
    for (const Finding& finding : item.findings) findings.push_back(dml::ToJson(finding));
    items.push_back({{"release", item.release},
                     {"environment", item.environment},
                     {"newFindings", item.new_findings},
                     {"judgedAt", item.journal_size},
                     {"time", FormatTime(item.time)},
                     {"findings", std::move(findings)}});
    reply.text.Line(
        {fmt::format("{} in {}, since {}", item.release, item.environment, FormatTime(item.time)),
         Style::kBad});
    AddFindings(item.findings, reply.text);
  }
  if (page.items.empty()) reply.text.Line("nothing was found against what is let go");
  if (!page.items.empty()) reply.code = ExitCode::kNegative;
  reply.document = {{"items", std::move(items)}, {"nextPageToken", page.next_page_token}};
  return reply;
}

}  // namespace

void AddMeasuresCommands(CommandTree& tree) {
  tree.Add<MeasuresArgs>(
      tree.root(),
      {"measures", "How releases go, from the journal: by environment, service and time",
       "dml measures --environment production --from 2027-01-01T00:00:00Z --by month"},
      DeclareShow, Show);
}

void AddFindingsCommand(CommandTree& tree, CLI::App& gate) {
  tree.Add<FindingsArgs>(gate,
                         {"findings", "What is found by now against releases that were let go",
                          "dml gate findings --environment production"},
                         DeclareFindings, Findings);
}

}  // namespace dml
