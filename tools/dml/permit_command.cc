// dml permit: permits of a library, given, shown, fetched, used and revoked.
#include <algorithm>

#include "client/permits.h"
#include "core/os/file.h"
#include "core/release/baseline.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/permit_json.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct PermitArgs {
  std::string id;
  std::string release;
  std::string environment;
  std::vector<std::string> nodes;
  std::vector<std::string> labels;
  std::vector<std::string> seats;
  std::string not_before;
  std::string valid = "24h";
  std::string until;
  std::string revocation_age;
  std::string out;
  std::string reason;
  std::string node;
  std::string baseline;
  std::vector<uint64_t> history;
  uint64_t after_root = 0;
  bool only_valid = false;
  bool dry_run = false;
};

void DeclareId(CLI::App& app, PermitArgs& args) {
  app.add_option("permit", args.id, "Its id, a UUID")->required();
}

void DeclareIssue(CLI::App& app, PermitArgs& args) {
  app.add_option("release", args.release, "NAME@VERSION")->required();
  app.add_option("--environment", args.environment, "Where it is to go")->required();
  AddRepeated(app, "--node", args.nodes, "To this node; without one, and without labels, to all");
  AddRepeated(app, "--label", args.labels, "To the nodes that have it: KEY=VALUE");
  app.add_option("--not-before", args.not_before, "From when on; default: now")->type_name("TIME");
  CLI::Option* valid =
      app.add_option("--valid", args.valid, "How long from then, such as 24h; at most 31d")
          ->capture_default_str();
  app.add_option("--until", args.until, "Until when")->type_name("TIME")->excludes(valid);
  app.add_option("--max-revocation-age", args.revocation_age,
                 "How long a node may not have heard of revocations, such as 12h; default: as the "
                 "policy says");
  AddRepeated(app, "--seats", args.seats,
              "Seats that its nodes will take: ENTITLEMENT=HOLDER[:SEATS]");
  app.add_option("--out", args.out, "Write the permit bundle there, for nodes")->type_name("FILE");
  app.add_flag("--dry-run", args.dry_run, "Decide only; nothing is written");
}

absl::StatusOr<SeatRequest> ParseSeats(const std::string& text) {
  const size_t equals = text.find('=');
  SeatRequest out;
  out.entitlement = text.substr(0, equals);
  if (equals != text.npos) out.holder = text.substr(equals + 1);
  const size_t colon = out.holder.rfind(':');
  if (colon != std::string::npos) {
    const std::string digits = out.holder.substr(colon + 1);
    if (!digits.empty() && digits.size() < 10 &&
        digits.find_first_not_of("0123456789") == std::string::npos) {
      out.seats = std::stoull(digits);
      out.holder.resize(colon);
    }
  }
  if (!out.entitlement.empty() && !out.holder.empty() && out.seats > 0) return out;
  return InvalidArgument(kArgumentInvalid,
                         "'{}' is no wish for seats: expected ENTITLEMENT=HOLDER[:SEATS]", text);
}

absl::StatusOr<PermitWish> WishOf(const PermitArgs& args) {
  PermitWish out;
  DML_ASSIGN_OR_RETURN(out.release, ParseReleaseArgument(args.release));
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  out.environment = args.environment;
  out.nodes = args.nodes;
  DML_ASSIGN_OR_RETURN(out.node_labels, ParseLabels(args.labels));
  DML_ASSIGN_OR_RETURN(out.not_before, ParseTimeArgument(args.not_before));
  DML_ASSIGN_OR_RETURN(out.expires, ParseTimeArgument(args.until));
  DML_ASSIGN_OR_RETURN(const std::chrono::seconds valid, ParseDurationArgument(args.valid));
  if (!out.expires.has_value() && (out.not_before.has_value() || args.valid != "24h")) {
    out.expires =
        std::chrono::floor<std::chrono::seconds>(out.not_before.value_or(WallClockNow())) + valid;
  }
  if (!args.revocation_age.empty()) {
    DML_ASSIGN_OR_RETURN(out.max_revocation_age, ParseDurationArgument(args.revocation_age));
  }
  for (const std::string& text : args.seats) {
    DML_ASSIGN_OR_RETURN(out.seats.emplace_back(), ParseSeats(text));
  }
  return out;
}

absl::Status WriteBundle(PermitClient& permits, const PermitArgs& args, const std::string& id,
                         Reply& reply) {
  DML_ASSIGN_OR_RETURN(const std::string bundle, permits.Bundle(id, args.history, args.after_root));
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(bundle), 0644));
  reply.document["file"] = args.out;
  reply.text.Line("wrote " + args.out);
  return absl::OkStatus();
}

std::string Where(const PermitDecided& decided) {
  if (decided.nodes.empty()) return decided.environment;
  return fmt::format("{} ({})", decided.environment, JoinWords(decided.nodes));
}

absl::StatusOr<Reply> Issue(Context& context, const PermitArgs& args) {
  DML_ASSIGN_OR_RETURN(const PermitWish wish, WishOf(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  PermitClient permits(*client);
  MutationOptions options;
  options.validate_only = args.dry_run;
  DML_ASSIGN_OR_RETURN(auto done, permits.Issue(wish, options));
  const PermitAnswer& answer = done.value;
  const PermitDecided& decided = answer.permit.record.decided;
  Reply reply;
  reply.document = {{"decision", decided.allowed ? "ALLOW" : "DENY"},
                    {"permit", ToJson(answer.permit)},
                    {"findings", FindingsJson(answer.findings)},
                    {"findingCount", answer.finding_count},
                    {"backOut", answer.back_out.has_value() ? ToJson(*answer.back_out) : Json()},
                    {"commit", args.dry_run ? Json() : ToJson(done.commit)}};
  reply.text.Line(decided.allowed ? Cell("ALLOW", Style::kGood) : Cell("DENY", Style::kBad));
  if (args.dry_run) {
    reply.text.Line("nothing was written");
  } else if (decided.allowed) {
    reply.text.Line(fmt::format("permit {} for {} in {} until {}", decided.id, args.release,
                                Where(decided), FormatTime(decided.expires)));
    if (answer.back_out.has_value()) {
      reply.text.Line(fmt::format("and permit {} to go back", answer.back_out->record.decided.id));
    }
  } else {
    reply.text.Line(fmt::format("the denial is logged as {}", decided.id));
  }
  AddFindings(answer.findings, reply.text);
  if (!decided.allowed) reply.code = ExitCode::kNegative;
  if (!decided.allowed || args.dry_run || args.out.empty()) return reply;
  DML_RETURN_IF_ERROR(WriteBundle(permits, args, decided.id, reply));
  return reply;
}

void DeclareList(CLI::App& app, PermitArgs& args) {
  app.add_option("--environment", args.environment, "Where")->required();
  app.add_option("--release", args.release, "Of this release alone: NAME@VERSION");
  app.add_option("--node", args.node, "That are for this node");
  app.add_flag("--valid", args.only_valid, "That have neither expired nor been revoked or denied");
}

absl::StatusOr<Reply> List(Context& context, const PermitArgs& args) {
  PermitFilter filter;
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  filter.environment = args.environment;
  filter.node = args.node;
  filter.only_valid = args.only_valid;
  if (!args.release.empty()) {
    DML_ASSIGN_OR_RETURN(filter.release, ParseReleaseArgument(args.release));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  PermitClient permits(*client);
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<PermitStanding>(context, "", [&](const ListOptions& options) {
                         return permits.List(filter, options);
                       }));
  return ListReply(
      page, {"PERMIT", "STATE", "RELEASE", "NODES", "EXPIRES", "USES"},
      [](const PermitStanding& item) { return ToJson(item); },
      [](const PermitStanding& item) -> std::vector<Cell> {
        const PermitDecided& decided = item.record.decided;
        return {decided.id,
                std::string(PermitStateName(item.state)),
                item.release,
                decided.nodes.empty() ? std::string("all") : std::to_string(decided.nodes.size()),
                FormatTime(decided.expires),
                std::to_string(item.record.use_count)};
      });
}

absl::StatusOr<Reply> Show(Context& context, const PermitArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const PermitDetails details, PermitClient(*client).Get(args.id));
  const PermitRecord& record = details.permit.record;
  Json uses = Json::array();
  TextTable table{{"NODE", "BEGAN", "BY"}, {}};
  for (const PermitUseRecord& use : details.uses) {
    uses.push_back(ToJson(use));
    table.rows.push_back({use.used.node, FormatTime(use.time), use.author});
  }
  Reply reply;
  reply.document = {{"permit", ToJson(details.permit)},
                    {"findings", FindingsJson(details.findings)},
                    {"statement", details.statement},
                    {"uses", std::move(uses)}};
  reply.text.Fields(
      {{"permit", record.decided.id},
       {"state", std::string(PermitStateName(details.permit.state))},
       {"release", details.permit.release},
       {"where", Where(record.decided)},
       {"valid", fmt::format("{} until {}", FormatTime(record.decided.not_before),
                             FormatTime(record.decided.expires))},
       {"decided", fmt::format("{} by {}, entry {}, on {} entries", FormatTime(record.time),
                               record.author, record.index, record.decided.journal_size)},
       {"revoked", record.revoked ? fmt::format("{}: {}", FormatTime(record.revoked_time),
                                                record.revoke_reason)
                                  : std::string()}});
  AddFindings(details.findings, reply.text);
  if (!table.rows.empty()) reply.text.Add(std::move(table));
  return reply;
}

void DeclareFetch(CLI::App& app, PermitArgs& args) {
  DeclareId(app, args);
  app.add_option("--out", args.out, "Write the bundle there")->required()->type_name("FILE");
  app.add_option("--history", args.history,
                 "Prove that the journal goes on from this size, which a node remembers")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--after-root", args.after_root,
                 "The newest trust root that the node knows: only those after it come");
}

absl::StatusOr<Reply> Fetch(Context& context, const PermitArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  PermitClient permits(*client);
  Reply reply;
  reply.document["permit"] = args.id;
  DML_RETURN_IF_ERROR(WriteBundle(permits, args, args.id, reply));
  return reply;
}

void DeclareRevoke(CLI::App& app, PermitArgs& args) {
  DeclareId(app, args);
  app.add_option("--reason", args.reason, "Why")->required();
}

absl::StatusOr<Reply> Revoke(Context& context, const PermitArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, PermitClient(*client).Revoke(args.id, args.reason));
  return CommittedReply("permit", ToJson(done.value), done.commit, "revoked permit " + args.id);
}

void DeclareUse(CLI::App& app, PermitArgs& args) {
  DeclareId(app, args);
  app.add_option("--node", args.node, "Which node begins")->required();
  app.add_option("--baseline", args.baseline,
                 "What is in use there: resource names of variants, ascending, one a line")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Use(Context& context, const PermitArgs& args) {
  std::vector<VariantName> baseline;
  if (!args.baseline.empty()) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.baseline, kMaxBaselineBytes));
    absl::StatusOr<std::vector<VariantName>> read = ParseBaseline(text);
    if (!read.ok()) return Annotate(read.status(), args.baseline);
    baseline = *std::move(read);
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, PermitClient(*client).Use(args.id, args.node, baseline));
  return CommittedReply("permit", ToJson(done.value), done.commit,
                        fmt::format("{} begins to act on permit {}", args.node, args.id));
}

void DeclareRevocations(CLI::App& app, PermitArgs& args) {
  app.add_option("--out", args.out, "Write the list there")->required()->type_name("FILE");
}

absl::StatusOr<Reply> FetchRevocations(Context& context, const PermitArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const RevocationAnswer list, PermitClient(*client).Revocations());
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(list.envelope), 0644));
  Reply reply;
  reply.document = {{"number", list.number}, {"time", FormatTime(list.time)}, {"file", args.out}};
  reply.text.Line(
      fmt::format("wrote list {} of {} to {}", list.number, FormatTime(list.time), args.out));
  return reply;
}

}  // namespace

void AddPermitCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("permit", "The library's signed word that a release may go");
  tree.Add<PermitArgs>(noun,
                       {"issue", "Decide on a release, and give the permit where it may go",
                        "dml permit issue payments@2.4.0 --environment production/eu --out p.json"},
                       DeclareIssue, Issue);
  tree.Add<PermitArgs>(noun,
                       {"list", "Decisions in an environment, by when they expire",
                        "dml permit list --environment production/eu --valid"},
                       DeclareList, List);
  tree.Add<PermitArgs>(noun,
                       {"show", "A decision with its findings, and who acts on it",
                        "dml permit show 0f8fad5b-d9cb-469f-a165-70867728950e"},
                       DeclareId, Show);
  tree.Add<PermitArgs>(noun,
                       {"fetch", "The permit with all that proves it, for nodes",
                        "dml permit fetch 0f8fad5b-d9cb-469f-a165-70867728950e --out p.json"},
                       DeclareFetch, Fetch);
  tree.Add<PermitArgs>(
      noun,
      {"revoke", "Let a permit count for nothing any more",
       "dml permit revoke 0f8fad5b-d9cb-469f-a165-70867728950e --reason \"it loses data\""},
      DeclareRevoke, Revoke);
  tree.Add<PermitArgs>(noun,
                       {"use", "Record that a node begins to act on a permit",
                        "dml permit use 0f8fad5b-d9cb-469f-a165-70867728950e --node web-1"},
                       DeclareUse, Use);
  tree.Add<PermitArgs>(noun,
                       {"fetch-revocations", "The signed list of revoked permits",
                        "dml permit fetch-revocations --out revocations.json"},
                       DeclareRevocations, FetchRevocations);
  AddPermitVerifyCommand(tree, noun);
}

}  // namespace dml
