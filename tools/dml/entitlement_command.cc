// dml entitlement: how many seats one may use by contract, and who holds them until when.
#include "client/seats.h"
#include "client/signing_keys.h"
#include "core/evidence/entitlement_claim.h"
#include "core/license/licensing.h"
#include "core/license/sbom.h"
#include "core/os/file.h"
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
  std::string licensing;
  std::string max_borrowed;
  std::string borrow_time;
  std::string low_water;
  std::string revision;
  std::vector<std::string> keys;
  std::string passphrase_file;
  std::string envelope;
  std::string out;
};

void DeclareTerms(CLI::App& app, TermsArgs& args) {
  app.add_option("id", args.id, "What the entitlement is called");
  app.add_option("--product", args.product, "What may be used");
  app.add_option("--vendor", args.vendor, "Whose it is");
  app.add_option("--metric", args.metric, "What a seat is one of")
      ->check(OneOf(
          {"NODE", "INSTANCE", "CORE", "SOCKET", "NAMED_USER", "CONCURRENT", "SITE", "TERM"}));
  app.add_option("--quantity", args.quantity, "Seats")
      ->check(WholeNumber("a number of seats", 1, kMaxSeats));
  app.add_option("--expiry", args.expiry, "Not in force from then on: 2026-12-31");
  app.add_option("--contract", args.contract,
                 "sha256:HEX of a registered document, or of a package's manifest");
  app.add_option(
         "--licensing", args.licensing,
         "CycloneDX document whose licensing says product, vendor, metric, start and expiry "
         "where they are not given")
      ->type_name("FILE");
  app.add_option("--start", args.start, "In force from then on; default of grant: now");
  app.add_option("--overage", args.overage, "Percent by which use may exceed the quantity")
      ->check(WholeNumber("a percentage", 0, kMaxOveragePercent));
  AddRepeated(app, "--environment", args.environments, "Where; default of grant: everywhere");
  app.add_option("--max-borrowed", args.max_borrowed, "Seats that may be lent to offline holders")
      ->check(WholeNumber("a number of seats", 0, kMaxSeats));
  app.add_option("--borrow-time", args.borrow_time, "How long at most: 30d, 72h");
  app.add_option("--low-water", args.low_water, "Seats that a loan must leave unused")
      ->check(WholeNumber("a number of seats", 0, kMaxSeats));
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
}

constexpr char kKeyHelp[] =
    "A private key of the role entitlement over the product, to sign the terms with";

void DeclareProof(CLI::App& app, TermsArgs& args) {
  AddRepeated(app, "--key", args.keys, kKeyHelp)->type_name(kKeyTypeName);
  app.add_option("--envelope", args.envelope,
                 "Terms that were signed elsewhere (entitlement sign), in place of all others")
      ->type_name("FILE");
}

void DeclareGrant(CLI::App& app, TermsArgs& args) {
  DeclareTerms(app, args);
  DeclareProof(app, args);
}

void DeclareAmend(CLI::App& app, TermsArgs& args) {
  DeclareTerms(app, args);
  app.add_flag("--everywhere", args.everywhere, "For all environments from now on");
  DeclareProof(app, args);
}

void DeclareSign(CLI::App& app, TermsArgs& args) {
  DeclareTerms(app, args);
  app.add_option("--revision", args.revision,
                 "1 to grant; to amend, one more than that of the terms in force")
      ->required()
      ->check(WholeNumber("a revision", 1, uint64_t{1} << 53));
  AddRepeated(app, "--key", args.keys, kKeyHelp)->type_name(kKeyTypeName)->required();
  app.add_option("--out", args.out, "Where the envelope goes")->type_name("FILE")->required();
}

absl::Status Missing(std::string_view what) {
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "{}", what);
}

// That a claim is made here, of all that it takes, or was made elsewhere, and nothing is said
// twice.
absl::Status CheckGrant(const TermsArgs& args) {
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"--product", &args.product},   {"--vendor", &args.vendor}, {"--metric", &args.metric},
      {"--quantity", &args.quantity}, {"--expiry", &args.expiry}, {"--contract", &args.contract}};
  for (const auto& [name, text] : texts) {
    if (text->empty()) {
      return Missing(fmt::format("{} is needed, or --envelope with signed terms", name));
    }
  }
  return absl::OkStatus();
}

// That a claim is made here or was made elsewhere, and nothing is said twice.
absl::Status CheckProof(const TermsArgs& args) {
  if (args.envelope.empty()) {
    if (args.id.empty()) return Missing("the id is needed, or --envelope with signed terms");
    if (!args.keys.empty()) return absl::OkStatus();
    return Missing("give --key to sign the terms with, or --envelope with signed ones");
  }
  if (!args.keys.empty()) return Missing("--key or --envelope, not both");
  const std::string* said[] = {&args.licensing,    &args.product,     &args.vendor,
                               &args.metric,       &args.quantity,    &args.overage,
                               &args.start,        &args.expiry,      &args.contract,
                               &args.max_borrowed, &args.borrow_time, &args.low_water};
  for (const std::string* text : said) {
    if (!text->empty()) return Missing("the terms are what the envelope says: give no others");
  }
  if (args.environments.empty() && !args.everywhere) return absl::OkStatus();
  return Missing("the environments are what the envelope says: give no others");
}

// The text of the file with signed terms, which are put into `terms`.
absl::StatusOr<std::string> ReadSigned(const TermsArgs& args, Entitlement& terms) {
  DML_ASSIGN_OR_RETURN(std::string envelope, ReadFile(args.envelope, kMaxEntitlementEnvelopeBytes));
  absl::StatusOr<ReadEntitlement> read = ReadEntitlementClaim(envelope);
  if (!read.ok()) return Annotate(read.status(), args.envelope);
  terms = std::move(read->claim.terms);
  if (args.id.empty() || args.id == terms.id) return envelope;
  return Missing(
      fmt::format("'{}' holds terms of '{}', not of '{}'", args.envelope, terms.id, args.id));
}

// For a library, which knows how its keys sign; null: offline.
absl::StatusOr<std::string> Sign(Context* library, const TermsArgs& args, const Entitlement& terms,
                                 uint64_t revision) {
  DML_ASSIGN_OR_RETURN(const Signers signers, Signers::Read(args.keys, args.passphrase_file));
  if (library == nullptr) return SignEntitlement(terms, revision, signers.get());
  DML_ASSIGN_OR_RETURN(Client * client, library->client());
  DML_ASSIGN_OR_RETURN(const SchemedSigners schemed, SignersFor(*client, signers.get()));
  return SignEntitlement(terms, revision, schemed.get());
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

// The licensing of the product in a CycloneDX document: of the only component that has any, where
// no product is named.
absl::StatusOr<LicensingTerms> FindLicensing(const std::string& file, const std::string& product) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxSbomBytes));
  absl::StatusOr<std::vector<LicensingTerms>> all = ReadLicensing(text);
  if (!all.ok()) return Annotate(all.status(), file);
  std::erase_if(*all, [&product](const LicensingTerms& terms) {
    return !product.empty() && terms.product != product && terms.purl != product;
  });
  if (all->size() == 1) return std::move(all->front());
  return Missing(fmt::format("'{}' tells the licensing of {} component(s){}; name one by --product",
                             file, all->size(),
                             product.empty() ? "" : fmt::format(" called '{}'", product)));
}

// What was not given, from the licensing that was.
absl::Status AddLicensing(TermsArgs& args) {
  if (args.licensing.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const LicensingTerms terms, FindLicensing(args.licensing, args.product));
  auto fill = [](std::string& argument, const std::string& text) {
    if (argument.empty()) argument = text;
  };
  fill(args.product, terms.product);
  fill(args.vendor, terms.vendor);
  if (terms.metric.has_value()) fill(args.metric, std::string(SeatMetricName(*terms.metric)));
  if (terms.start.has_value()) fill(args.start, FormatTime(*terms.start));
  if (terms.expiry.has_value()) fill(args.expiry, FormatTime(*terms.expiry));
  return absl::OkStatus();
}

absl::StatusOr<Entitlement> NewTerms(TermsArgs args) {
  DML_RETURN_IF_ERROR(AddLicensing(args));
  DML_RETURN_IF_ERROR(CheckGrant(args));
  Entitlement terms;
  terms.start = std::chrono::floor<seconds>(WallClockNow());
  DML_RETURN_IF_ERROR(Apply(args, terms));
  return terms;
}

absl::StatusOr<Reply> Grant(Context& context, const TermsArgs& args) {
  DML_RETURN_IF_ERROR(CheckProof(args));
  Entitlement terms;
  std::string envelope;
  if (args.envelope.empty()) {
    DML_ASSIGN_OR_RETURN(terms, NewTerms(args));
    DML_ASSIGN_OR_RETURN(envelope, Sign(&context, args, terms, 1));
  } else {
    DML_ASSIGN_OR_RETURN(envelope, ReadSigned(args, terms));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, SeatClient(*client).Grant(envelope));
  return CommittedReply(
      "entitlement", ToJson(done.value), done.commit,
      fmt::format("granted {}: {} of {}", terms.id, terms.quantity, terms.product));
}

absl::StatusOr<Reply> Amend(Context& context, const TermsArgs& args) {
  DML_RETURN_IF_ERROR(CheckProof(args));
  if (!args.licensing.empty()) return Missing("--licensing is for new terms");
  Entitlement terms;
  std::string envelope;
  if (!args.envelope.empty()) {
    DML_ASSIGN_OR_RETURN(envelope, ReadSigned(args, terms));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  SeatClient seats(*client);
  DML_ASSIGN_OR_RETURN(const EntitlementStanding before,
                       seats.Get(envelope.empty() ? args.id : terms.id));
  if (envelope.empty()) {
    terms = before.record.terms;
    DML_RETURN_IF_ERROR(Apply(args, terms));
    DML_ASSIGN_OR_RETURN(envelope, Sign(&context, args, terms, before.record.revision + 1));
  }
  DML_ASSIGN_OR_RETURN(auto done, seats.Amend(envelope, before.record.Etag()));
  return CommittedReply(
      "entitlement", ToJson(done.value), done.commit,
      fmt::format("amended {}: {} of {}", terms.id, terms.quantity, terms.product));
}

absl::StatusOr<Reply> SignTerms(Context&, const TermsArgs& args) {
  if (args.id.empty()) return Missing("the id is needed");
  DML_ASSIGN_OR_RETURN(const Entitlement terms, NewTerms(args));
  const uint64_t revision = std::stoull(args.revision);
  DML_ASSIGN_OR_RETURN(const std::string envelope, Sign(nullptr, args, terms, revision));
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(envelope), 0644));
  Reply reply;
  reply.document = {{"id", terms.id}, {"revision", revision}, {"file", args.out}};
  reply.text.Line(fmt::format("wrote revision {} of {} to {}", revision, terms.id, args.out));
  return reply;
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
       {"terms of entry", std::to_string(found.record.index)},
       {"signed", found.record.revision == 0
                      ? "no: entered before terms were signed"
                      : fmt::format("revision {}, {}", found.record.revision,
                                    found.record.envelope.digest.ToString())}});
  return reply;
}

}  // namespace

void AddEntitlementCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("entitlement", "Seats by contract, and who holds them");
  tree.Add<TermsArgs>(
      noun,
      {"grant", "Enter an entitlement that a contract gives",
       "dml entitlement grant db-2026 --product database --vendor 'DB Inc.' --metric NODE "
       "--quantity 40 --expiry 2027-01-01 --environment production --contract sha256:... "
       "--key contracts.key"},
      DeclareGrant, Grant);
  tree.Add<TermsArgs>(noun,
                      {"amend", "Change an entitlement's terms; what is not given stays",
                       "dml entitlement amend db-2026 --quantity 60 --contract sha256:... "
                       "--key contracts.key"},
                      DeclareAmend, Amend);
  tree.Add<TermsArgs>(
      noun,
      {"sign", "Sign terms for whoever enters them; asks no library",
       "dml entitlement sign db-2026 --product database --vendor 'DB Inc.' --metric NODE "
       "--quantity 40 --expiry 2027-01-01 --contract sha256:... --revision 1 "
       "--key contracts.key --out db-2026.dsse"},
      DeclareSign, SignTerms);
  tree.Add(noun, {"list", "List entitlements and where they stand", "dml entitlement list --all"},
           List);
  tree.Add<NameArgs>(
      noun, {"show", "Show an entitlement's terms and position", "dml entitlement show db-2026"},
      DeclareShow, Show);
  AddLeaseCommands(tree, noun);
}

}  // namespace dml
