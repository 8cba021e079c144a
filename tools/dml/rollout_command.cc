// dml rollout start|status|list|nodes|report|pause|resume|abort|back-out|watch.
#include <charconv>

#include "client/rollouts.h"
#include "core/base/text.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/release_arguments.h"
#include "tools/dml/rollout_json.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct RolloutArgs {
  std::string release;
  std::string environment;
  std::string permit;
  std::vector<std::string> waves;
  std::string soak = "0s";
  uint32_t confirmed = 100;
  uint32_t failed = 0;
  bool stay = false;
  std::string node;
  std::string stage;
  std::string reason;
  std::string etag;
  std::string report;
};

void DeclareAbout(CLI::App& app, RolloutArgs& args) {
  app.add_option("release", args.release, "NAME@VERSION")->required();
  app.add_option("--environment", args.environment, "Where")->required();
}

absl::StatusOr<ReleaseName> ReadAbout(const RolloutArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  return ParseReleaseArgument(args.release);
}

void DeclareStart(CLI::App& app, RolloutArgs& args) {
  DeclareAbout(app, args);
  app.add_option("--permit", args.permit, "The permit's id")->required();
  AddRepeated(app, "--wave", args.waves,
              "Who goes next: labels KEY=VALUE,..., or a share of all nodes such as 25%; "
              "default: all at once")
      ->type_name("WAVE");
  app.add_option("--soak", args.soak, "How long a wave must have been confirmed, such as 1h")
      ->capture_default_str();
  app.add_option("--confirmed", args.confirmed, "Percent of a wave that must be")
      ->capture_default_str()
      ->check(WholeNumber("a percentage", 1, 100));
  app.add_option("--failed", args.failed, "Percent of the nodes begun that may fail")
      ->capture_default_str()
      ->check(WholeNumber("a percentage", 0, 100));
  app.add_flag("--stay", args.stay, "Where it halts by itself, do not back it out");
}

absl::StatusOr<RolloutWave> ParseWave(const std::string& text) {
  RolloutWave out;
  if (text.ends_with('%')) {
    const char* const end = text.data() + text.size() - 1;
    const auto read = std::from_chars(text.data(), end, out.percent);
    const bool is_share = read.ec == std::errc() && read.ptr == end;
    if (is_share && out.percent >= 1 && out.percent <= 100) return out;
    return InvalidArgument(kArgumentInvalid, "'{}' is no share from 1% to 100%", Excerpt(text));
  }
  std::vector<std::string> labels;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    labels.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  DML_ASSIGN_OR_RETURN(out.nodes, ParseLabels(labels));
  return out;
}

absl::StatusOr<RolloutPlan> ReadPlan(const RolloutArgs& args) {
  RolloutPlan plan;
  for (const std::string& text : args.waves) {
    DML_ASSIGN_OR_RETURN(plan.waves.emplace_back(), ParseWave(text));
  }
  if (plan.waves.empty()) plan.waves = {{{}, 100}};
  DML_ASSIGN_OR_RETURN(plan.soak, ParseDurationArgument(args.soak));
  plan.confirmed_percent = args.confirmed;
  plan.failed_percent = args.failed;
  plan.backs_out = !args.stay;
  DML_RETURN_IF_ERROR(ValidateRolloutPlan(plan));
  return plan;
}

Reply Told(const Committed<RolloutDetails>& done, const RolloutArgs& args) {
  const RolloutRecord& record = done.value.record;
  Reply reply = CommittedReply(
      "rollout", ToJson(done.value), done.commit,
      fmt::format("{} is {} in {}", args.release, StateWords(record), args.environment));
  reply.text.Line(CountWords(record));
  return reply;
}

absl::StatusOr<Reply> Start(Context& context, const RolloutArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ReadAbout(args));
  DML_ASSIGN_OR_RETURN(const RolloutPlan plan, ReadPlan(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const auto done,
                       RolloutClient(*client).Start(name, args.environment, args.permit, plan));
  return Told(done, args);
}

absl::StatusOr<Reply> Status(Context& context, const RolloutArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ReadAbout(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const RolloutDetails rollout,
                       RolloutClient(*client).Get(name, args.environment));
  Reply reply;
  reply.document = {{"rollout", ToJson(rollout)}};
  AddStatus(rollout, reply.text);
  return reply;
}

void DeclareList(CLI::App& app, RolloutArgs& args) {
  app.add_option("--environment", args.environment, "Only in exactly this one");
}

absl::StatusOr<Reply> List(Context& context, const RolloutArgs& args) {
  if (!args.environment.empty()) DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  RolloutClient rollouts(*client);
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<RolloutDetails>(context, "", [&](const ListOptions& options) {
                         return rollouts.List(args.environment, options);
                       }));
  Reply reply;
  Json items = Json::array();
  TextTable table{{"RELEASE", "ENVIRONMENT", "STATE", "WAVE", "NODES", "STARTED"}, {}};
  for (const RolloutDetails& item : page.items) {
    const RolloutProgress::Parts& progress = item.record.progress;
    items.push_back(ToJson(item));
    table.rows.push_back({fmt::format("{}@{}", item.release.name, item.release.version),
                          item.record.environment, StateWords(item.record),
                          fmt::format("{} of {}", progress.wave + 1, progress.waves.size()),
                          CountWords(item.record), FormatTime(item.record.started)});
  }
  reply.document = {{"items", std::move(items)}, {"nextPageToken", page.next_page_token}};
  reply.text.Add(std::move(table));
  return reply;
}

absl::StatusOr<Reply> Nodes(Context& context, const RolloutArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ReadAbout(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  RolloutClient rollouts(*client);
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<RolloutNodeDetails>(context, "", [&](const ListOptions& options) {
                         return rollouts.Nodes(name, args.environment, options);
                       }));
  Reply reply;
  Json items = Json::array();
  TextTable table{{"NODE", "WAVE", "STAGE", "WANTED", "REPORTED", "SAYS"}, {}};
  for (const auto& [record, wanted] : page.items) {
    const std::string_view stage = NodeStageName(record.progress.stage);
    const bool has_reported = record.index > 0;
    items.push_back(
        {{"node", record.node},
         {"wave", record.progress.wave},
         {"stage", stage},
         {"wanted", wanted},
         {"reason", record.reason},
         {"reported", has_reported ? Json(FormatTime(record.time)) : Json(nullptr)},
         {"report", record.report.size > 0 ? Json(record.report.digest.ToString()) : Json(nullptr)},
         {"author", record.author}});
    table.rows.push_back({record.node, fmt::format("{}", record.progress.wave + 1),
                          std::string(stage), wanted ? "release" : "before",
                          has_reported ? FormatTime(record.time) : "", record.reason});
  }
  reply.document = {{"items", std::move(items)}, {"nextPageToken", page.next_page_token}};
  reply.text.Add(std::move(table));
  return reply;
}

constexpr NodeStage kReported[] = {NodeStage::kStaged, NodeStage::kInstalled,
                                   NodeStage::kActive, NodeStage::kConfirmed,
                                   NodeStage::kFailed, NodeStage::kBackedOut};

void DeclareReport(CLI::App& app, RolloutArgs& args) {
  DeclareAbout(app, args);
  app.add_option("stage", args.stage, "How far it has come")
      ->required()
      ->check(OneOf({"STAGED", "INSTALLED", "ACTIVE", "CONFIRMED", "FAILED", "BACKED_OUT"}));
  app.add_option("--node", args.node, "Which node, such as environments/production/nodes/web-1")
      ->required();
  app.add_option("--reason", args.reason, "Why it failed");
  app.add_option("--report", args.report, "A DSSE envelope with which it says so")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Report(Context& context, const RolloutArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ReadAbout(args));
  std::string report;
  if (!args.report.empty()) {
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> texts, ReadEnvelopes({args.report}));
    report = texts.front();
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  for (const NodeStage stage : kReported) {
    if (args.stage != NodeStageName(stage)) continue;
    DML_ASSIGN_OR_RETURN(const auto done,
                         RolloutClient(*client).Report(name, args.environment, args.node, stage,
                                                       args.reason, report));
    return Told(done, args);
  }
  return InvalidArgument(kArgumentInvalid, "'{}' is no stage", Excerpt(args.stage));
}

void DeclareSteer(CLI::App& app, RolloutArgs& args) {
  DeclareAbout(app, args);
  app.add_option("--etag", args.etag, "Of the state that you saw; default: that of now");
}
void DeclareStop(CLI::App& app, RolloutArgs& args) {
  DeclareSteer(app, args);
  app.add_option("--reason", args.reason, "Why")->required();
}

absl::StatusOr<Reply> Steer(Context& context, const RolloutArgs& args, RolloutAction action) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ReadAbout(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  RolloutClient rollouts(*client);
  std::string etag = args.etag;
  if (etag.empty()) {
    DML_ASSIGN_OR_RETURN(const RolloutDetails now, rollouts.Get(name, args.environment));
    etag = now.record.Etag();
  }
  DML_ASSIGN_OR_RETURN(const auto done,
                       rollouts.Steer(name, args.environment, action, args.reason, etag));
  return Told(done, args);
}

absl::StatusOr<Reply> Pause(Context& context, const RolloutArgs& args) {
  return Steer(context, args, RolloutAction::kPause);
}
absl::StatusOr<Reply> Resume(Context& context, const RolloutArgs& args) {
  return Steer(context, args, RolloutAction::kResume);
}
absl::StatusOr<Reply> Abort(Context& context, const RolloutArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  return Steer(context, args, RolloutAction::kAbort);
}
absl::StatusOr<Reply> BackOut(Context& context, const RolloutArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  return Steer(context, args, RolloutAction::kBackOut);
}

absl::StatusOr<Reply> Watch(Context& context, const RolloutArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ReadAbout(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  absl::Status told;
  const absl::Status watched =
      RolloutClient(*client).Watch(name, args.environment, [&](const RolloutDetails& rollout) {
        const RolloutRecord& record = rollout.record;
        const std::string line =
            context.options().json()
                ? ToJson(rollout).dump(-1, ' ', false, Json::error_handler_t::replace)
                : fmt::format("{}  {}  wave {} of {}  {}{}{}", FormatTime(record.time),
                              StateWords(record), record.progress.wave + 1,
                              record.progress.waves.size(), CountWords(record),
                              record.progress.reason.empty() ? "" : "  ",
                              EscapeForTerminal(record.progress.reason));
        context.out() << line << "\n" << std::flush;
        if (!context.out()) {
          told = Aborted(ErrorReason("OUTPUT_FAILED"), "nobody reads the output any more");
        }
        return told.ok();
      });
  DML_RETURN_IF_ERROR(told);
  DML_RETURN_IF_ERROR(watched);
  Reply reply;
  reply.streamed = true;
  return reply;
}

}  // namespace

void AddRolloutCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("rollout", "Releases on their way through an environment");
  tree.Add<RolloutArgs>(
      noun,
      {"start", "Begin, by a permit",
       "dml rollout start payments@2.4.0 --environment production --permit ID --wave ring=canary "
       "--wave 25% --wave 100% --soak 1h"},
      DeclareStart, Start);
  tree.Add<RolloutArgs>(noun,
                        {"status", "How far it has come",
                         "dml rollout status payments@2.4.0 --environment production"},
                        DeclareAbout, Status);
  tree.Add<RolloutArgs>(noun, {"list", "All of them", "dml rollout list --environment production"},
                        DeclareList, List);
  tree.Add<RolloutArgs>(noun,
                        {"nodes", "How far each node has come",
                         "dml rollout nodes payments@2.4.0 --environment production"},
                        DeclareAbout, Nodes);
  tree.Add<RolloutArgs>(noun,
                        {"report", "Say how far a node has come",
                         "dml rollout report payments@2.4.0 STAGED --environment production --node "
                         "environments/production/nodes/web-1"},
                        DeclareReport, Report);
  tree.Add<RolloutArgs>(noun,
                        {"pause", "No further wave begins",
                         "dml rollout pause payments@2.4.0 --environment production"},
                        DeclareSteer, Pause);
  tree.Add<RolloutArgs>(noun,
                        {"resume", "Go on after a pause or an abort",
                         "dml rollout resume payments@2.4.0 --environment production"},
                        DeclareSteer, Resume);
  tree.Add<RolloutArgs>(noun,
                        {"abort", "What has begun stays where it is, nothing else begins",
                         "dml rollout abort payments@2.4.0 --environment production --reason "
                         "\"customers call\""},
                        DeclareStop, Abort);
  tree.Add<RolloutArgs>(noun,
                        {"back-out", "All nodes that began go back",
                         "dml rollout back-out payments@2.4.0 --environment production --reason "
                         "\"it loses data\""},
                        DeclareStop, BackOut);
  tree.Add<RolloutArgs>(noun,
                        {"watch", "Show it as it goes, until it is over",
                         "dml rollout watch payments@2.4.0 --environment production"},
                        DeclareAbout, Watch);
}

}  // namespace dml
