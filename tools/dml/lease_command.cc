// dml entitlement: what is done with leases, and the report.
#include "client/seats.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/loan_files.h"
#include "tools/dml/records.h"
#include "tools/dml/seat_json.h"

namespace dml {
namespace {

using std::chrono::seconds;

// "ENTITLEMENT=HOLDER" or "ENTITLEMENT=HOLDER:SEATS"; a holder may hold ':' too.
absl::StatusOr<SeatRequest> ParseItem(const std::string& text) {
  const absl::Status bad = InvalidArgument(
      ErrorReason("ARGUMENT_INVALID"),
      "'{}' is no wish for seats: expected ENTITLEMENT=HOLDER or ENTITLEMENT=HOLDER:SEATS", text);
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return bad;
  SeatRequest item{text.substr(0, equals), text.substr(equals + 1), 1};
  const size_t colon = item.holder.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : item.holder.substr(colon + 1);
  if (!digits.empty() && digits.size() <= 10 &&
      digits.find_first_not_of("0123456789") == std::string::npos) {
    item.seats = std::stoull(digits);
    item.holder.resize(colon);
  }
  if (item.holder.empty()) return bad;
  return item;
}

struct SeatsArgs {
  std::vector<std::string> items;
  std::string environment;
  std::string time;
  std::string out;
};

void DeclareItems(CLI::App& app, SeatsArgs& args) {
  app.add_option("items", args.items, "ENTITLEMENT=HOLDER[:SEATS], each")->required();
  app.add_option("--environment", args.environment, "Where they are used")->required();
}

void DeclareReserve(CLI::App& app, SeatsArgs& args) {
  DeclareItems(app, args);
  app.add_option("--ttl", args.time, "How long until they are free again: 15m")->required();
}

absl::StatusOr<std::vector<SeatRequest>> ParseItems(const SeatsArgs& args) {
  std::vector<SeatRequest> items;
  for (const std::string& text : args.items) {
    DML_ASSIGN_OR_RETURN(SeatRequest item, ParseItem(text));
    items.push_back(std::move(item));
  }
  return items;
}

absl::StatusOr<Reply> Check(Context& context, const SeatsArgs& args) {
  DML_ASSIGN_OR_RETURN(std::vector<SeatRequest> items, ParseItems(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(SeatsAnswer answer, SeatClient(*client).Check(args.environment, items));
  Reply reply;
  reply.document = {
      {"available", answer.available}, {"reason", answer.reason}, {"message", answer.message}};
  reply.text.Line(answer.available ? "the seats are there"
                                   : fmt::format("no: {} ({})", answer.message, answer.reason));
  reply.code = answer.available ? ExitCode::kOk : ExitCode::kNegative;
  return reply;
}

std::vector<Cell> LeaseRow(const LeaseRecord& record) {
  const Lease& lease = record.lease;
  std::string state(LeaseStateName(lease.state));
  if (lease.ended_by != LeaseEnd::kNone) state = LeaseEndName(lease.ended_by);
  return {
      lease.id, lease.entitlement,    lease.holder, lease.environment, std::to_string(lease.seats),
      state,    FormatTime(lease.end)};
}

const std::vector<std::string> kLeaseHeaders = {"LEASE", "ENTITLEMENT", "HOLDER", "ENVIRONMENT",
                                                "SEATS", "STATE",       "END"};

absl::StatusOr<Reply> Reserve(Context& context, const SeatsArgs& args) {
  DML_ASSIGN_OR_RETURN(std::vector<SeatRequest> items, ParseItems(args));
  DML_ASSIGN_OR_RETURN(seconds ttl, ParseDurationArgument(args.time));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, SeatClient(*client).Reserve(args.environment, items, ttl));
  Json leases = Json::array();
  TextTable table{kLeaseHeaders, {}};
  for (const LeaseRecord& lease : done.value) {
    leases.push_back(ToJson(lease));
    table.rows.push_back(LeaseRow(lease));
  }
  Reply reply = CommittedReply("leases", std::move(leases), done.commit,
                               fmt::format("reserved {} lease(s)", done.value.size()));
  reply.text.Add(std::move(table));
  return reply;
}

struct LeaseArgs {
  std::string lease;
  std::string time;
  bool force = false;
  std::string reason;
};

void DeclareTimed(CLI::App& app, LeaseArgs& args) {
  app.add_option("lease", args.lease, "REQUEST/INDEX")->required();
  app.add_option("--for", args.time, "From now on: 24h; at most to the entitlement's expiry")
      ->required();
}

absl::StatusOr<Reply> LeaseReply(absl::StatusOr<Committed<LeaseRecord>> done,
                                 std::string_view verb) {
  if (!done.ok()) return done.status();
  const Lease& lease = done->value.lease;
  return CommittedReply(
      "lease", ToJson(done->value), done->commit,
      fmt::format("{} {}, {} seat(s) of {}: {} {}", verb, lease.id, lease.seats, lease.entitlement,
                  lease.state == LeaseState::kEnded ? "ended" : "until", FormatTime(lease.end)));
}

absl::StatusOr<Reply> CommitLease(Context& context, const LeaseArgs& args) {
  DML_ASSIGN_OR_RETURN(seconds time, ParseDurationArgument(args.time));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  return LeaseReply(SeatClient(*client).CommitLease(args.lease, time), "committed");
}

absl::StatusOr<Reply> ExtendLease(Context& context, const LeaseArgs& args) {
  DML_ASSIGN_OR_RETURN(seconds time, ParseDurationArgument(args.time));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  return LeaseReply(SeatClient(*client).Extend(args.lease, time), "extended");
}

void DeclareRelease(CLI::App& app, LeaseArgs& args) {
  app.add_option("lease", args.lease, "REQUEST/INDEX")->required();
  CLI::Option* force = app.add_flag("--force", args.force,
                                    "Take it from a holder that is lost; you answer for that");
  CLI::Option* reason = app.add_option("--reason", args.reason, "Why it is taken");
  force->needs(reason);
  reason->needs(force);
}

absl::StatusOr<Reply> ReleaseLease(Context& context, const LeaseArgs& args) {
  if (args.force) DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  SeatClient seats(*client);
  return LeaseReply(
      args.force ? seats.ForceRelease(args.lease, args.reason) : seats.Release(args.lease),
      args.force ? "took back" : "released");
}

void DeclareBorrow(CLI::App& app, SeatsArgs& args) {
  app.add_option("item", args.items, "ENTITLEMENT=HOLDER[:SEATS]")->required()->expected(1);
  app.add_option("--environment", args.environment, "Where they are used")->required();
  app.add_option("--for", args.time, "From now on: 72h")->required();
  app.add_option("--out", args.out, "Where to write what proves it to a node that asks nobody")
      ->type_name("FOLDER");
}

absl::StatusOr<Reply> BorrowLease(Context& context, const SeatsArgs& args) {
  DML_ASSIGN_OR_RETURN(std::vector<SeatRequest> items, ParseItems(args));
  DML_ASSIGN_OR_RETURN(seconds time, ParseDurationArgument(args.time));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, SeatClient(*client).Borrow(args.environment, items[0], time));
  DML_ASSIGN_OR_RETURN(Reply reply,
                       LeaseReply(Committed<LeaseRecord>{done.value.lease, done.commit}, "lent"));
  reply.document["entitlement"] = ToJson(done.value.entitlement);
  if (args.out.empty()) return reply;
  DML_RETURN_IF_ERROR(
      WriteLoan(*client, done.value.entitlement.record.index, done.commit.index, args.out));
  reply.document["folder"] = args.out;
  reply.text.Line(fmt::format("wrote {}; see: dml entitlement verify-loan", args.out));
  return reply;
}

struct LeasesArgs {
  LeaseFilter filter;
};

void DeclareLeases(CLI::App& app, LeasesArgs& args) {
  app.add_option("--entitlement", args.filter.entitlement, "Only of this one");
  app.add_option("--environment", args.filter.environment, "Only in this one");
  app.add_option("--holder", args.filter.holder, "Only of this one");
  app.add_flag("--ended", args.filter.show_ended, "Those that ended within the last day, too");
}

absl::StatusOr<Reply> ListLeases(Context& context, const LeasesArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<LeaseRecord>(context, "", [&](const ListOptions& options) {
                         return SeatClient(*client).ListLeases(args.filter, options);
                       }));
  return ListReply(
      page, kLeaseHeaders, [](const LeaseRecord& record) { return ToJson(record); }, LeaseRow);
}

struct ReportArgs {
  std::string product;
  std::string soon = "30d";
};

void DeclareReport(CLI::App& app, ReportArgs& args) {
  app.add_option("--product", args.product, "Only this one");
  app.add_option("--expiring-within", args.soon, "What soon is; default: 30d");
}

absl::StatusOr<Reply> Report(Context& context, const ReportArgs& args) {
  DML_ASSIGN_OR_RETURN(seconds soon, ParseDurationArgument(args.soon));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<ProductPosition>(context, "", [&](const ListOptions& options) {
                         return SeatClient(*client).GetPosition(args.product, soon, options);
                       }));
  return ListReply(
      page,
      {"PRODUCT", "METRIC", "ENTITLED", "RESERVED", "IN USE", "UNUSED", "NEVER USED",
       "OVER (MINUTES)", "NEXT EXPIRY", "EXPIRING SOON"},
      [](const ProductPosition& item) {
        return Json{{"product", item.product},
                    {"metric", SeatMetricName(item.metric)},
                    {"entitlements", item.entitlements},
                    {"position", ToJson(item.position)},
                    {"nextExpiry", FormatTime(item.next_expiry)},
                    {"expiringSoon", item.expiring_soon}};
      },
      [](const ProductPosition& item) {
        const SeatPosition& position = item.position;
        return std::vector<Cell>{item.product,
                                 std::string(SeatMetricName(item.metric)),
                                 std::to_string(position.entitled),
                                 std::to_string(position.reserved),
                                 std::to_string(position.in_use),
                                 std::to_string(position.unused),
                                 std::to_string(position.never_used),
                                 std::to_string(position.overage_minutes),
                                 FormatTime(item.next_expiry),
                                 Cell(JoinWords(item.expiring_soon), Style::kWarning)};
      });
}

}  // namespace

void AddLeaseCommands(CommandTree& tree, CLI::App& noun) {
  tree.Add<SeatsArgs>(noun,
                      {"check", "Whether seats could be reserved; writes nothing",
                       "dml entitlement check db-2026=web-1:2 --environment production"},
                      DeclareItems, Check);
  tree.Add<SeatsArgs>(noun,
                      {"reserve", "Reserve seats for holders, all or none",
                       "dml entitlement reserve db-2026=web-1 db-2026=web-2 --environment "
                       "production --ttl 15m"},
                      DeclareReserve, Reserve);
  tree.Add<LeaseArgs>(noun,
                      {"commit", "A holder took what was reserved",
                       "dml entitlement commit 9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11/0 --for 24h"},
                      DeclareTimed, CommitLease);
  tree.Add<LeaseArgs>(noun,
                      {"extend", "Give a lease a later end",
                       "dml entitlement extend 9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11/0 --for 24h"},
                      DeclareTimed, ExtendLease);
  tree.Add<LeaseArgs>(noun,
                      {"release", "Give seats back, or take them from a holder that is lost",
                       "dml entitlement release 9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a11/0"},
                      DeclareRelease, ReleaseLease);
  tree.Add<SeatsArgs>(noun,
                      {"borrow", "Lend seats to a holder that will be offline",
                       "dml entitlement borrow db-2026=ship-7 --environment fleet --for 72h"},
                      DeclareBorrow, BorrowLease);
  AddLoanCommand(tree, noun);
  tree.Add<LeasesArgs>(noun,
                       {"leases", "List leases", "dml entitlement leases --entitlement db-2026"},
                       DeclareLeases, ListLeases);
  tree.Add<ReportArgs>(noun,
                       {"report", "Entitled, in use, unused and expiring soon, by product",
                        "dml entitlement report --expiring-within 90d"},
                       DeclareReport, Report);
}

}  // namespace dml
