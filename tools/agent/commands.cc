#include "tools/agent/commands.h"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "core/base/text.h"
#include "core/evidence/permit_bundle.h"
#include "core/os/file.h"
#include "core/trust/dsse.h"
#include "tools/agent/agent_report.h"
#include "tools/agent/follow.h"
#include "tools/agent/inventory_report.h"
#include "tools/agent/loop.h"
#include "tools/agent/session.h"

namespace dml::agent {
namespace {

constexpr char kDefaultConfig[] = "/etc/dml-agent/agent.yaml";
constexpr size_t kMaxLine = 4096;

struct Options {
  std::string config = kDefaultConfig;
  std::string output = "table";
  std::string permit;
  std::string layout;
  std::string out;
};

struct Answer {
  ReportJson document = ReportJson::object();
  std::string text;
  AgentExit code = AgentExit::kOk;
};

AgentExit ExitFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return AgentExit::kUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return AgentExit::kUnavailable;
    default:
      return AgentExit::kFailed;
  }
}

AgentExit ExitFor(const StageReport& outcome) {
  return outcome.stage == NodeStage::kConfirmed ? AgentExit::kOk : AgentExit::kNegative;
}

absl::StatusOr<Answer> Status(const Options& options, const EngineHooks&) {
  DML_ASSIGN_OR_RETURN(AgentConfig config, LoadAgentConfig(options.config));
  absl::StatusOr<AgentState> state = ReadAgentState(config.state_dir);
  if (absl::IsNotFound(state.status())) {
    state = AgentState{.environment = config.facts.environment, .node = config.facts.node};
  }
  DML_RETURN_IF_ERROR(state.status());
  return Answer{StateJson(*state), StateText(*state)};
}

Answer Refusal(const PermitVerdict& verdict, const absl::Status& status) {
  Answer out;
  out.document = VerdictJson(verdict);
  out.document["accepted"] = false;
  out.document["reason"] = Reason(status);
  out.document["message"] = std::string(Message(status));
  out.text = VerdictText(verdict) + "refused: " + Excerpt(Message(status), kMaxLine) + "\n";
  out.code = AgentExit::kNegative;
  return out;
}

Answer Outcome(const AgentState& state, const RunResult& run) {
  Answer out;
  out.document = {{"phase", AgentPhaseName(run.phase)}};
  if (!run.waiting.ok()) {
    out.document["waiting"] = {{"reason", Reason(run.waiting)},
                               {"message", std::string(Message(run.waiting))}};
    out.text = fmt::format("{}: waits: {}\n", AgentPhaseName(run.phase),
                           Excerpt(Message(run.waiting), kMaxLine));
    out.code = AgentExit::kUnavailable;
    return out;
  }
  if (!state.last.has_value()) {
    out.text = "nothing to do\n";
    return out;
  }
  out.document["last"] = OutcomeJson(*state.last);
  out.text = OutcomeText(*state.last) + "\n";
  out.code = ExitFor(*state.last);
  return out;
}

absl::StatusOr<Answer> RunOnce(const Options& options, const EngineHooks& hooks) {
  DML_ASSIGN_OR_RETURN(AgentConfig config, LoadAgentConfig(options.config));
  DML_ASSIGN_OR_RETURN(auto session, Session::Open(config, options.layout, hooks));
  Engine& engine = session->engine();
  DML_ASSIGN_OR_RETURN(RunResult run, engine.Run());
  if (options.permit.empty() && run.waiting.ok() && session->desire() != nullptr) {
    run.waiting = FollowLibrary(engine, *session->desire(), hooks.log);
    run.phase = engine.state().phase;
  }
  if (options.permit.empty() || !run.waiting.ok()) return Outcome(engine.state(), run);
  DML_ASSIGN_OR_RETURN(std::string bundle, ReadFile(options.permit, kMaxPermitBundleBytes));
  const PermitVerdict verdict = engine.Judge(bundle);
  if (!verdict.status.ok()) return Refusal(verdict, verdict.status);
  // It was used, and this is how it ended.
  const auto& last = engine.state().last;
  if (last.has_value() && last->permit == verdict.permit.id) return Outcome(engine.state(), run);
  if (absl::Status status = engine.Accept(bundle).status(); !status.ok()) {
    return Refusal(verdict, status);
  }
  DML_ASSIGN_OR_RETURN(run, engine.Run());
  return Outcome(engine.state(), run);
}

absl::StatusOr<Answer> Verify(const Options& options, const EngineHooks& hooks) {
  DML_ASSIGN_OR_RETURN(AgentConfig config, LoadAgentConfig(options.config));
  config.profile.clear();  // Nobody is asked.
  DML_ASSIGN_OR_RETURN(auto session, Session::Open(config, "", hooks));
  Answer out;
  if (!options.permit.empty()) {
    DML_ASSIGN_OR_RETURN(std::string bundle, ReadFile(options.permit, kMaxPermitBundleBytes));
    const PermitVerdict verdict = session->engine().Judge(bundle);
    if (!verdict.status.ok()) return Refusal(verdict, verdict.status);
    return Answer{VerdictJson(verdict), VerdictText(verdict)};
  }
  DML_ASSIGN_OR_RETURN(std::vector<VerifiedItem> items, session->engine().Verify());
  out.document = VerifiedJson(items);
  out.text = VerifiedText(items);
  if (!out.document["intact"].get<bool>()) out.code = AgentExit::kNegative;
  return out;
}

absl::StatusOr<Answer> Enroll(const Options& options, const EngineHooks&) {
  DML_ASSIGN_OR_RETURN(AgentConfig config, LoadAgentConfig(options.config));
  DML_ASSIGN_OR_RETURN(
      StateStore store,
      StateStore::Open(config.state_dir, config.facts.environment, config.facts.node));
  DML_ASSIGN_OR_RETURN(PrivateKey key, store.NodeKey());
  const std::string pem = key.public_key().ToPem();
  Answer out;
  out.document = {{"environment", config.facts.environment},
                  {"node", config.facts.node},
                  {"keyId", key.public_key().id().hex()},
                  {"publicKey", pem}};
  out.text = fmt::format("node {} of {}, key {}\n{}", config.facts.node, config.facts.environment,
                         key.public_key().id().hex(), pem);
  return out;
}

absl::StatusOr<Answer> MakeReport(const Options& options, const EngineHooks& hooks) {
  DML_ASSIGN_OR_RETURN(AgentConfig config, LoadAgentConfig(options.config));
  config.profile.clear();  // Nobody is asked.
  DML_ASSIGN_OR_RETURN(auto session, Session::Open(config, "", hooks));
  const Engine& engine = session->engine();
  DML_ASSIGN_OR_RETURN(const std::vector<VerifiedItem> verified, engine.Verify());
  NodeInventory inventory =
      MakeInventory(engine.state(), verified, FindForeign(config, engine.state()));
  inventory.time = std::chrono::floor<std::chrono::seconds>(WallClockNow());
  // Goes up with every inventory, whoever counts them.
  inventory.sequence = static_cast<uint64_t>(ToMicros(inventory.time)) / 1'000'000;
  DML_ASSIGN_OR_RETURN(const std::string document, FormatInventory(inventory));
  DML_ASSIGN_OR_RETURN(const PrivateKey key, session->store().NodeKey());
  const Signer* const signers[] = {&key};
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(kInventoryPayloadType, document, signers));
  const std::string text = FormatEnvelope(envelope);
  if (!options.out.empty())
    DML_RETURN_IF_ERROR(WriteFileAtomically(options.out, AsBytes(text), 0644));
  Answer out;
  out.document = {{"inventory", ReportJson::parse(document)}, {"envelope", text}};
  out.text = options.out.empty() ? text + "\n" : VerifiedText(verified);
  return out;
}

absl::StatusOr<Answer> Loop(const Options& options, const EngineHooks& hooks) {
  DML_ASSIGN_OR_RETURN(AgentConfig config, LoadAgentConfig(options.config));
  DML_RETURN_IF_ERROR(RunLoop(config, hooks));
  return Answer{ReportJson::object(), ""};
}

using Command = absl::StatusOr<Answer> (*)(const Options&, const EngineHooks&);

CLI::App* AddCommand(CLI::App& app, const char* name, const char* what, Command command,
                     Command& selected) {
  CLI::App* added = app.add_subcommand(name, what);
  added->callback([command, &selected] { selected = command; });
  return added;
}

void Build(CLI::App& app, Options& options, Command& selected) {
  app.set_version_flag("--version", "dml-agent " DML_VERSION);
  app.add_option("--config", options.config, "the agent's configuration")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--output", options.output, "how to answer")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "exit codes: 0 done, 1 failed, 2 usage, 3 refused, failed or changed, 6 waits: run it "
      "again\nexample: dml-agent run-once --permit permit.json --layout /media/release");
  AddCommand(app, "status", "what runs here, and how the last release went", &Status, selected);
  CLI::App* once = AddCommand(app, "run-once", "go on with what was begun, then carry out a permit",
                              &RunOnce, selected);
  once->add_option("--permit", options.permit, "a permit bundle")->type_name("FILE");
  once->add_option("--layout", options.layout,
                   "an OCI layout with the content, instead of the library")
      ->type_name("FOLDER");
  CLI::App* verify =
      AddCommand(app, "verify", "whether what runs is what was put there", &Verify, selected);
  verify->add_option("--permit", options.permit, "judge this permit bundle instead")
      ->type_name("FILE");
  AddCommand(app, "inventory", "what is in use here, signed with the node's key", &MakeReport,
             selected)
      ->add_option("--out", options.out, "where to write the envelope; else it is printed")
      ->type_name("FILE");
  AddCommand(app, "enroll", "make the node's key, and show its public half", &Enroll, selected);
  AddCommand(app, "run", "carry out what is to run here, until stopped", &Loop, selected);
}

int Print(const absl::StatusOr<Answer>& answer, const Options& options, std::ostream& out,
          std::ostream& err) {
  const bool is_json = options.output == "json";
  const auto render = [](const ReportJson& document) { return document.dump(2, ' ', true) + "\n"; };
  if (!answer.ok()) {
    if (is_json) {
      err << render(FaultJson(answer.status()));
    } else {
      err << "dml-agent: " << Excerpt(Message(answer.status()), kMaxLine) << "\n";
    }
    return static_cast<int>(ExitFor(answer.status()));
  }
  out << (is_json ? render(answer->document) : answer->text) << std::flush;
  return static_cast<int>(out ? answer->code : AgentExit::kFailed);
}

}  // namespace

int RunAgent(const std::vector<std::string>& args, std::ostream& out, std::ostream& err,
             const EngineHooks& hooks) {
  Options options;
  Command selected = nullptr;
  CLI::App app("the agent of a definitive media library on a node", "dml-agent");
  Build(app, options, selected);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return static_cast<int>(AgentExit::kOk);
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << "\n";
    return static_cast<int>(AgentExit::kOk);
  } catch (const CLI::ParseError& error) {
    err << "dml-agent: " << error.what() << "\n  see: dml-agent --help\n";
    return static_cast<int>(AgentExit::kUsage);
  }
  return Print(selected(options, hooks), options, out, err);
}

}  // namespace dml::agent
