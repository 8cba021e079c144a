// dml release seal|list|show|evaluate|attach|approve|withdraw|record|review: releases in a library.
#include <algorithm>

#include "client/releases.h"
#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/release_arguments.h"
#include "tools/dml/release_json.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct ReleaseArgs {
  std::string release;
  std::string environment;
  std::string file;
  std::vector<std::string> keys;
  std::string passphrase_file;
  std::string reason;
  std::string etag;
  std::string valid = "30d";
  std::string event;
  std::string at;
  std::string out;
  std::vector<std::string> configurations;
  std::string configurations_out;
  std::string filter;
};

void DeclareName(CLI::App& app, ReleaseArgs& args) {
  app.add_option("release", args.release, kReleaseNameHelp)->required();
}

void DeclareKeys(CLI::App& app, ReleaseArgs& args) {
  AddRepeated(app, "--key", args.keys, "A private key that signs it")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
}

void DeclareSeal(CLI::App& app, ReleaseArgs& args) {
  app.add_option("file", args.file, "The document, as dml release compose writes it")
      ->required()
      ->type_name("FILE");
  AddRepeated(app, "--configuration", args.configurations, "A configuration that an item names")
      ->type_name("FILE");
  DeclareKeys(app, args);
}

absl::StatusOr<Reply> Seal(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::string document, ReadFile(args.file, kMaxReleaseBytes));
  const absl::StatusOr<Release> release = ParseSealedRelease(document);
  if (!release.ok()) return Annotate(release.status(), args.file);
  DML_ASSIGN_OR_RETURN(const std::string envelope,
                       SignClaim(context, args.keys, args.passphrase_file, kReleasePredicate,
                                 Subject{"", Sha256(document)},
                                 FormatReleaseClaim({release->name, release->version})));
  std::vector<std::string> configurations;
  for (const std::string& file : args.configurations) {
    DML_ASSIGN_OR_RETURN(configurations.emplace_back(), ReadFile(file, kMaxConfigurationBytes));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, ReleaseClient(*client).Seal(document, envelope, configurations));
  return CommittedReply("release", ToJson(done.value), done.commit,
                        fmt::format("sealed {} {} as {}", release->name, release->version,
                                    done.value.document.digest.ToString()));
}

void DeclareList(CLI::App& app, ReleaseArgs& args) {
  app.add_option("--filter", args.filter, "Which releases; see docs/filter.md");
}

absl::StatusOr<Reply> List(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ReleaseClient releases(*client);
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<ReleaseRecord>(context, args.filter, [&](const ListOptions& options) {
        return releases.List(options);
      }));
  Reply reply;
  Json items = Json::array();
  TextTable table{{"RELEASE", "TYPE", "STATE", "ENVIRONMENTS", "SEALED"}, {}};
  for (const ReleaseRecord& record : page.items) {
    items.push_back(ToJson(record));
    table.rows.push_back({fmt::format("{}@{}", record.name, record.version),
                          std::string(ReleaseTypeName(record.type)),
                          std::string(ReleaseStateName(record.state)),
                          JoinWords(record.environments), FormatTime(record.time)});
  }
  reply.document = {{"items", std::move(items)}, {"nextPageToken", page.next_page_token}};
  reply.text.Add(std::move(table));
  return reply;
}

void DeclareShow(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("--environment", args.environment, "From where one looks");
  app.add_option("--out", args.out, "Write the document's exact bytes there")->type_name("FILE");
  app.add_option("--configurations", args.configurations_out,
                 "Write what its items configure into this folder, each under its digest")
      ->type_name("FOLDER");
}

absl::StatusOr<Reply> Show(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      const ReleaseDetails details,
      ReleaseClient(*client).Get(
          name, args.environment,
          args.configurations_out.empty() ? WithConfigurations::kNo : WithConfigurations::kYes));
  for (const auto& [digest, bytes] : details.configurations) {
    DML_RETURN_IF_ERROR(MakePrivateDirectory(args.configurations_out));
    DML_RETURN_IF_ERROR(WriteFileAtomically(
        std::filesystem::path(args.configurations_out) / digest.hex(), AsBytes(bytes), 0644));
  }
  const ReleaseRecord& record = details.record;
  Reply reply;
  Json deployments = Json::array();
  TextTable table{{"ENVIRONMENT", "STATE", "STARTED", "DEPLOYED", "REASON"}, {}};
  for (const DeploymentRecord& item : details.deployments) {
    const auto time = [](Timestamp at) { return at == Timestamp() ? "" : FormatTime(at); };
    deployments.push_back(ToJson(item));
    table.rows.push_back({item.environment, std::string(DeploymentStateName(item.state)),
                          time(item.started), time(item.deployed), item.reason});
  }
  Json envelopes = Json::array();
  for (const ReleaseEnvelopeRecord& item : details.envelopes) envelopes.push_back(ToJson(item));
  reply.document = {{"release", ToJson(record)},
                    {"document", details.document},
                    {"deployments", std::move(deployments)},
                    {"envelopes", std::move(envelopes)}};
  reply.text.Fields({{"release", fmt::format("{} {}", record.name, record.version)},
                     {"digest", record.document.digest.ToString()},
                     {"type", std::string(ReleaseTypeName(record.type))},
                     {"state", std::string(ReleaseStateName(record.state))},
                     {"why", record.withdraw_reason},
                     {"environments", JoinWords(record.environments)},
                     {"evidence", JoinWords(record.evidence)},
                     {"etag", record.Etag()}});
  if (!table.rows.empty()) {
    reply.text.Line("");
    reply.text.Add(std::move(table));
  }
  if (args.out.empty()) return reply;
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(details.document), 0644));
  reply.document["file"] = args.out;
  reply.text.Line("wrote " + args.out);
  return reply;
}

void DeclareEvaluate(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("--environment", args.environment, "Where it is to go")->required();
  app.add_option("--at", args.at, "When, such as 2027-03-27T22:00:00Z; default: now");
}

// Adds what the gate says to a reply.
void AddAnswer(const ReleaseAnswer& answer, const ReleaseArgs& args, Reply& reply) {
  Json findings = Json::array();
  for (const Finding& finding : answer.findings) findings.push_back(ToJson(finding));
  Json parts = Json::array();
  for (const auto& [fact, points] : answer.risk_parts) {
    parts.push_back({{"fact", fact}, {"points", points}});
  }
  reply.document = {{"decision", answer.allowed ? "ALLOW" : "DENY"},
                    {"environment", "environments/" + args.environment},
                    {"index", answer.index},
                    {"time", FormatTime(answer.time)},
                    {"policyEnvironment", answer.policy_environment},
                    {"policyRevision", answer.policy_revision},
                    {"findingsDigest", answer.findings_digest},
                    {"approvedFindings", answer.approved_findings.ToString()},
                    {"risk", {{"score", answer.risk}, {"parts", std::move(parts)}}},
                    {"nodes", answer.nodes},
                    {"bytes", answer.bytes},
                    {"findings", std::move(findings)}};
  reply.text.Line(answer.allowed ? Cell("ALLOW", Style::kGood) : Cell("DENY", Style::kBad));
  reply.text.Line(fmt::format("{} to {} at {}: risk {}, nodes {}, {}", args.release,
                              args.environment, FormatTime(answer.time), answer.risk, answer.nodes,
                              FormatBytes(answer.bytes)));
  AddFindings(answer.findings, reply.text);
}

absl::StatusOr<ReleaseAnswer> Ask(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(const std::optional<Timestamp> time, ParseTimeArgument(args.at));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  return ReleaseClient(*client).Evaluate(name, args.environment, time);
}

absl::StatusOr<Reply> Evaluate(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseAnswer answer, Ask(context, args));
  Reply reply;
  AddAnswer(answer, args, reply);
  if (!answer.allowed) reply.code = ExitCode::kNegative;
  return reply;
}

void DeclareAttach(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("envelope", args.file, "A DSSE envelope about the document's digest")
      ->required()
      ->type_name("FILE");
}

absl::StatusOr<Reply> Attach(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_ASSIGN_OR_RETURN(const std::vector<std::string> envelopes, ReadEnvelopes({args.file}));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, ReleaseClient(*client).Attach(name, envelopes.front()));
  return CommittedReply("release", ToJson(done.value), done.commit,
                        fmt::format("attached to {}, which is {} now", args.release,
                                    ReleaseStateName(done.value.state)));
}

void DeclareApprove(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("--environment", args.environment, "For where")->required();
  app.add_option("--valid", args.valid, "How long it holds, such as 7d")->capture_default_str();
  DeclareKeys(app, args);
}

// What is signed is what the gate finds now; whoever signs sees it.
absl::StatusOr<Reply> Approve(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_ASSIGN_OR_RETURN(const std::chrono::seconds valid, ParseValidityArgument(args.valid));
  DML_ASSIGN_OR_RETURN(const ReleaseAnswer answer, Ask(context, args));
  const Timestamp expires =
      std::chrono::floor<std::chrono::seconds>(std::max(answer.time, WallClockNow())) + valid;
  DML_ASSIGN_OR_RETURN(
      const std::string envelope,
      SignClaim(context, args.keys, args.passphrase_file, kApprovalPredicate,
                Subject{"", answer.document},
                FormatApprovalClaim({args.environment, answer.approved_findings, expires})));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, ReleaseClient(*client).Approve(name, envelope));
  Reply reply = CommittedReply("deployment", ToJson(done.value), done.commit,
                               fmt::format("approved {} for {} until {}", args.release,
                                           args.environment, FormatTime(expires)));
  reply.document["approvedFindings"] = answer.approved_findings.ToString();
  reply.text.Line("having seen:");
  AddFindings(answer.findings, reply.text);
  return reply;
}

void DeclareWithdraw(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("--reason", args.reason, "Why")->required();
  app.add_option("--etag", args.etag, "Of the state that you saw; default: that of now");
}

absl::StatusOr<Reply> Withdraw(Context& context, const ReleaseArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ReleaseClient releases(*client);
  std::string etag = args.etag;
  if (etag.empty()) {
    DML_ASSIGN_OR_RETURN(const ReleaseDetails details, releases.Get(name));
    etag = details.record.Etag();
  }
  DML_ASSIGN_OR_RETURN(auto done, releases.Withdraw(name, args.reason, etag));
  return CommittedReply("release", ToJson(done.value), done.commit, "withdrew " + args.release);
}

absl::StatusOr<Reply> Move(Context& context, const ReleaseArgs& args, DeploymentEvent event) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ReleaseClient releases(*client);
  std::string etag = args.etag;
  if (etag.empty()) {
    DML_ASSIGN_OR_RETURN(const ReleaseDetails details, releases.Get(name, args.environment));
    const auto found =
        std::ranges::find(details.deployments, args.environment, &DeploymentRecord::environment);
    if (found != details.deployments.end()) etag = found->Etag();
  }
  DML_ASSIGN_OR_RETURN(auto done,
                       releases.Record(name, args.environment, event, args.reason, etag));
  return CommittedReply("deployment", ToJson(done.value), done.commit,
                        fmt::format("{} is {} in {}", args.release,
                                    DeploymentStateName(done.value.state), args.environment));
}

void DeclareReview(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("--environment", args.environment, "Where it went")->required();
  app.add_option("--reason", args.reason, "What the review came to")->required();
  app.add_option("--etag", args.etag, "Of the state that you saw; default: that of now");
}

absl::StatusOr<Reply> Review(Context& context, const ReleaseArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  return Move(context, args, DeploymentEvent::kReview);
}

void DeclareRecord(CLI::App& app, ReleaseArgs& args) {
  DeclareName(app, args);
  app.add_option("event", args.event, "What happened")
      ->required()
      ->check(OneOf({"start", "finish", "halt", "resume", "back-out"}));
  app.add_option("--environment", args.environment, "Where")->required();
  app.add_option("--reason", args.reason, "Why; required to halt and back out");
  app.add_option("--etag", args.etag, "Of the state that you saw; default: that of now");
}

absl::StatusOr<Reply> Record(Context& context, const ReleaseArgs& args) {
  for (auto event = DeploymentEvent::kStart; event < DeploymentEvent::kReview;
       event = static_cast<DeploymentEvent>(static_cast<int>(event) + 1)) {
    if (args.event == DeploymentEventName(event)) return Move(context, args, event);
  }
  return InvalidArgument(kArgumentInvalid, "'{}' is no event", args.event);
}

}  // namespace

void AddReleaseLibraryCommands(CommandTree& tree, CLI::App& release) {
  tree.Add<ReleaseArgs>(release,
                        {"seal", "Sign a release document and put it into the library",
                         "dml release seal release.json --key rita.key"},
                        DeclareSeal, Seal);
  tree.Add<ReleaseArgs>(
      release,
      {"list", "Releases that were sealed",
       "dml release list --filter 'state = TESTED AND environments : production'"},
      DeclareList, List);
  tree.Add<ReleaseArgs>(release,
                        {"show", "A release, and where it went", "dml release show payments@2.4.0"},
                        DeclareShow, Show);
  tree.Add<ReleaseArgs>(release,
                        {"evaluate", "May it go there, with all reasons",
                         "dml release evaluate payments@2.4.0 --environment production/eu"},
                        DeclareEvaluate, Evaluate);
  tree.Add<ReleaseArgs>(
      release,
      {"attach", "Attach an attestation about it", "dml release attach payments@2.4.0 tests.json"},
      DeclareAttach, Attach);
  tree.Add<ReleaseArgs>(
      release,
      {"approve", "Approve it for an environment, having seen what the gate finds",
       "dml release approve payments@2.4.0 --environment production/eu --key amy.key"},
      DeclareApprove, Approve);
  tree.Add<ReleaseArgs>(release,
                        {"withdraw", "Withdraw it, for ever",
                         "dml release withdraw payments@2.4.0 --reason \"loses data\""},
                        DeclareWithdraw, Withdraw);
  tree.Add<ReleaseArgs>(
      release,
      {"record", "Record what happened to it in an environment",
       "dml release record payments@2.4.0 halt --environment production/eu --reason \"it fails\""},
      DeclareRecord, Record);
  tree.Add<ReleaseArgs>(
      release,
      {"review", "Record what a review of how it went came to",
       "dml release review payments@2.4.0 --environment production/eu --reason \"all good\""},
      DeclareReview, Review);
  AddOverrideCommand(tree, release);
}

}  // namespace dml
