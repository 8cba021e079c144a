// dml entitlement: how many seats one may use by contract, and who holds them until when.
#include "client/seats.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/seat_json.h"

namespace dml {
namespace {

using std::chrono::seconds;

absl::StatusOr<Timestamp> ParseTimeArgument(const std::string& text, std::string_view option) {
  // A date alone is its first moment.
  const std::string full = text.size() == 10 ? text + "T00:00:00Z" : text;
  if (const std::optional<Timestamp> time = ParseTime(full); time.has_value()) return *time;
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                         "{} '{}' is no time: expected 2026-12-31 or 2026-12-31T00:00:00Z", option,
                         text);
}

struct TermsArgs {
  std::string id;
  std::string product;
  std::string vendor;
  std::string metric;
  std::string quantity;
  std::string overage;
  std::string start;
  std::string expiry;
  std::vector<std::string> environments;
  bool everywhere = false;
  std::string contract;
  std::string max_borrowed;
  std::string borrow_time;
  std::string low_water;
};

std::vector<CLI::Option*> DeclareTerms(CLI::App& app, TermsArgs& args) {
  app.add_option("id", args.id, "What the entitlement is called")->required();
  std::vector<CLI::Option*> needed = {
      app.add_option("--product", args.product, "What may be used"),
      app.add_option("--vendor", args.vendor, "Whose it is"),
      app.add_option("--metric", args.metric, "What a seat is one of")
          ->check(OneOf(
              {"NODE", "INSTANCE", "CORE", "SOCKET", "NAMED_USER", "CONCURRENT", "SITE", "TERM"})),
      app.add_option("--quantity", args.quantity, "Seats")
          ->check(WholeNumber("a number of seats", 1, kMaxSeats)),
      app.add_option("--expiry", args.expiry, "Not in force from then on: 2026-12-31"),
      app.add_option("--contract", args.contract,
                     "sha256:HEX of a registered document, or of a package's manifest")};
  app.add_option("--start", args.start, "In force from then on; default of grant: now");
  app.add_option("--overage", args.overage, "Percent by which use may exceed the quantity")
      ->check(WholeNumber("a percentage", 0, kMaxOveragePercent));
  AddRepeated(app, "--environment", args.environments, "Where; default of grant: everywhere");
  app.add_option("--max-borrowed", args.max_borrowed, "Seats that may be lent to offline holders")
      ->check(WholeNumber("a number of seats", 0, kMaxSeats));
  app.add_option("--borrow-time", args.borrow_time, "How long at most: 30d, 72h");
  app.add_option("--low-water", args.low_water, "Seats that a loan must leave unused")
      ->check(WholeNumber("a number of seats", 0, kMaxSeats));
  return needed;
}

void DeclareGrant(CLI::App& app, TermsArgs& args) {
  for (CLI::Option* option : DeclareTerms(app, args)) option->required();
}

void DeclareAmend(CLI::App& app, TermsArgs& args) {
  DeclareTerms(app, args);
  app.add_flag("--everywhere", args.everywhere, "For all environments from now on");
}

// Puts what was given in the place of what is there.
absl::Status Apply(const TermsArgs& args, Entitlement& terms) {
  terms.id = args.id;
  auto text = [](const std::string& given, std::string& target) {
    if (!given.empty()) target = given;
  };
  auto number = [](const std::string& given, auto& target) {
    if (!given.empty()) target = static_cast<std::decay_t<decltype(target)>>(std::stoull(given));
  };
  text(args.product, terms.product);
  text(args.vendor, terms.vendor);
  text(args.contract, terms.contract_digest);
  if (!args.metric.empty()) terms.metric = ParseSeatMetric(args.metric).value_or(terms.metric);
  number(args.quantity, terms.quantity);
  number(args.overage, terms.overage_percent);
  number(args.max_borrowed, terms.max_borrowed);
  number(args.low_water, terms.low_water);
  if (!args.environments.empty()) terms.environments = args.environments;
  if (args.everywhere) terms.environments.clear();
  if (!args.start.empty()) {
    DML_ASSIGN_OR_RETURN(terms.start, ParseTimeArgument(args.start, "--start"));
  }
  if (!args.expiry.empty()) {
    DML_ASSIGN_OR_RETURN(terms.expiry, ParseTimeArgument(args.expiry, "--expiry"));
  }
  if (!args.borrow_time.empty()) {
    DML_ASSIGN_OR_RETURN(terms.max_borrow_duration, ParseDurationArgument(args.borrow_time));
  }
  if (terms.max_borrowed == 0) terms.max_borrow_duration = seconds(0);
  return absl::OkStatus();
}

absl::StatusOr<Reply> Grant(Context& context, const TermsArgs& args) {
  Entitlement terms;
  terms.start = std::chrono::floor<seconds>(WallClockNow());
  DML_RETURN_IF_ERROR(Apply(args, terms));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, SeatClient(*client).Grant(terms));
  return CommittedReply(
      "entitlement", ToJson(done.value), done.commit,
      fmt::format("granted {}: {} of {}", terms.id, terms.quantity, terms.product));
}

absl::StatusOr<Reply> Amend(Context& context, const TermsArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  SeatClient seats(*client);
  DML_ASSIGN_OR_RETURN(EntitlementStanding before, seats.Get(args.id));
  Entitlement terms = before.record.terms;
  DML_RETURN_IF_ERROR(Apply(args, terms));
  DML_ASSIGN_OR_RETURN(auto done, seats.Amend(terms, before.record.Etag()));
  return CommittedReply(
      "entitlement", ToJson(done.value), done.commit,
      fmt::format("amended {}: {} of {}", terms.id, terms.quantity, terms.product));
}

absl::StatusOr<Reply> List(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<EntitlementStanding>(context, "", [&](const ListOptions& options) {
        return SeatClient(*client).List(options);
      }));
  return ListReply(
      page, {"ID", "PRODUCT", "METRIC", "ENTITLED", "RESERVED", "IN USE", "UNUSED", "EXPIRY"},
      [](const EntitlementStanding& item) { return ToJson(item); },
      [](const EntitlementStanding& item) {
        const Entitlement& terms = item.record.terms;
        return std::vector<Cell>{terms.id,
                                 terms.product,
                                 std::string(SeatMetricName(terms.metric)),
                                 std::to_string(terms.quantity),
                                 std::to_string(item.position.reserved),
                                 std::to_string(item.position.in_use),
                                 std::to_string(item.position.unused),
                                 FormatTime(terms.expiry)};
      });
}

struct NameArgs {
  std::string id;
};

void DeclareShow(CLI::App& app, NameArgs& args) {
  app.add_option("id", args.id, "What the entitlement is called")->required();
}

absl::StatusOr<Reply> Show(Context& context, const NameArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(EntitlementStanding found, SeatClient(*client).Get(args.id));
  const Entitlement& terms = found.record.terms;
  const SeatPosition& position = found.position;
  Reply reply;
  reply.document = ToJson(found);
  const auto longest = std::chrono::duration_cast<seconds>(terms.max_borrow_duration).count();
  reply.text.Fields(
      {{"entitlement", terms.id},
       {"product", fmt::format("{} of {}", terms.product, terms.vendor)},
       {"quantity", fmt::format("{} {}, {} % over", terms.quantity, SeatMetricName(terms.metric),
                                terms.overage_percent)},
       {"in force", fmt::format("{} to {}", FormatTime(terms.start), FormatTime(terms.expiry))},
       {"environments", terms.environments.empty() ? "all" : JoinWords(terms.environments)},
       {"contract", terms.contract_digest},
       {"to lend", terms.max_borrowed == 0
                       ? "nothing"
                       : fmt::format("{} for at most {} s, leaving {}", terms.max_borrowed, longest,
                                     terms.low_water)},
       {"reserved", std::to_string(position.reserved)},
       {"in use", fmt::format("{}, {} of them lent", position.in_use, position.borrowed)},
       {"unused", std::to_string(position.unused)},
       {"high water", fmt::format("{}, {} never used", position.high_water, position.never_used)},
       {"overage", fmt::format("{} seat minutes", position.overage_minutes)},
       {"terms of entry", std::to_string(found.record.index)}});
  return reply;
}

}  // namespace

void AddEntitlementCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("entitlement", "Seats by contract, and who holds them");
  tree.Add<TermsArgs>(
      noun,
      {"grant", "Enter an entitlement that a contract gives",
       "dml entitlement grant db-2026 --product database --vendor 'DB Inc.' --metric NODE "
       "--quantity 40 --expiry 2027-01-01 --environment production --contract sha256:..."},
      DeclareGrant, Grant);
  tree.Add<TermsArgs>(noun,
                      {"amend", "Change an entitlement's terms; what is not given stays",
                       "dml entitlement amend db-2026 --quantity 60 --contract sha256:..."},
                      DeclareAmend, Amend);
  tree.Add(noun, {"list", "List entitlements and where they stand", "dml entitlement list --all"},
           List);
  tree.Add<NameArgs>(
      noun, {"show", "Show an entitlement's terms and position", "dml entitlement show db-2026"},
      DeclareShow, Show);
  AddLeaseCommands(tree, noun);
}

}  // namespace dml
