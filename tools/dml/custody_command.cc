// dml quarantine, dml hold, dml media: what waits, what stays, what is on shelves.
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct DecideArgs {
  std::string variant;
  std::string reason;
};

void DeclareDecide(CLI::App& app, DecideArgs& args) {
  app.add_option("variant", args.variant, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]")->required();
  app.add_option("--reason", args.reason, "Why, for everyone who asks later")->required();
}

absl::StatusOr<Reply> Decide(Context& context, const DecideArgs& args, AdmissionState admission,
                             std::string_view verb) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->DecideAdmission(name, admission, args.reason));
  return CommittedReply("variant", ToJson(done.value), done.commit,
                        fmt::format("{} {}", verb, name.ResourceName()));
}

absl::StatusOr<Reply> Put(Context& context, const DecideArgs& args) {
  return Decide(context, args, AdmissionState::kQuarantined, "put into quarantine");
}
absl::StatusOr<Reply> ReleaseVariant(Context& context, const DecideArgs& args) {
  return Decide(context, args, AdmissionState::kAccepted, "released");
}
absl::StatusOr<Reply> Reject(Context& context, const DecideArgs& args) {
  return Decide(context, args, AdmissionState::kRejected, "rejected");
}

absl::StatusOr<Reply> ListQuarantine(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page,
      FetchPages<VariantRecord>(context, "state = QUARANTINED", [&](const ListOptions& options) {
        return client->SearchVariants(options);
      }));
  return ListReply(
      page, {"VARIANT", "SINCE ENTRY", "WHY"},
      [](const VariantRecord& item) { return ToJson(item); },
      [](const VariantRecord& item) {
        return std::vector<Cell>{item.name.ResourceName(), std::to_string(item.admission_index),
                                 Cell(item.admission_reason, Style::kWarning)};
      });
}

absl::StatusOr<Reply> StartScan(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(bool started, client->StartScan());
  Reply reply;
  reply.document = {{"started", started}};
  reply.text.Line(started ? "started; see dml quarantine scans" : "a scan is under way already");
  return reply;
}

absl::StatusOr<Reply> ShowScan(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(ScanStatus scan, client->GetScan());
  Reply reply;
  const bool ran = scan.start_time != Timestamp();
  reply.document = {
      {"scanner", scan.scanner},   {"signatures", scan.signatures},
      {"running", scan.running},   {"startTime", ran ? FormatTime(scan.start_time) : ""},
      {"variants", scan.variants}, {"bytes", scan.bytes},
      {"infected", scan.infected}, {"notFullyScanned", scan.not_fully_scanned},
      {"errors", scan.errors}};
  reply.text.Fields(
      {{"scanner", scan.scanner.empty() ? "none" : scan.scanner},
       {"signatures", scan.signatures},
       {"scan", scan.running ? "under way"
                : ran        ? "done"
                             : "none since the start"},
       {"started", ran ? FormatTime(scan.start_time) : ""},
       {"variants", fmt::format("{}, {}", scan.variants, FormatBytes(scan.bytes))},
       {"infected",
        {std::to_string(scan.infected), scan.infected > 0 ? Style::kBad : Style::kPlain}},
       {"not fully scanned", std::to_string(scan.not_fully_scanned)},
       {"errors", std::to_string(scan.errors)}});
  return reply;
}

struct HoldArgs {
  std::string name;
  std::string variant;
  std::string reason;
};

void DeclareHold(CLI::App& app, HoldArgs& args) {
  app.add_option("name", args.name, "Of the case: case-4711")->required();
  app.add_option("variant", args.variant, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]")->required();
  app.add_option("--reason", args.reason, "Why, for everyone who asks later")->required();
}

absl::StatusOr<Reply> PlaceHold(Context& context, const HoldArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Commit commit, client->PlaceHold({args.name, name, args.reason}));
  return CommittedReply("hold", {{"name", args.name}, {"variant", name.ResourceName()}}, commit,
                        fmt::format("{} is held for {}", name.ResourceName(), args.name));
}

absl::StatusOr<Reply> ReleaseHold(Context& context, const HoldArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Commit commit, client->ReleaseHold({args.name, name, args.reason}));
  return CommittedReply("hold", {{"name", args.name}, {"variant", name.ResourceName()}}, commit,
                        fmt::format("{} is no longer held for {}", name.ResourceName(), args.name));
}

absl::StatusOr<Reply> ListHolds(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<HoldRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListHolds(options);
                       }));
  return ListReply(
      page, {"HOLD", "VARIANT", "SINCE", "WHY"},
      [](const HoldRecord& item) {
        return Json{
            {"name", item.placed.name},      {"variant", item.placed.variant.ResourceName()},
            {"reason", item.placed.reason},  {"index", item.index},
            {"time", FormatTime(item.time)}, {"author", item.author}};
      },
      [](const HoldRecord& item) {
        return std::vector<Cell>{item.placed.name, item.placed.variant.ResourceName(),
                                 FormatTime(item.time), item.placed.reason};
      });
}

struct MediaArgs {
  MediaRegistered item;
  std::string kind = "medium";
  std::string digest;
  std::vector<std::string> labels;
};

void DeclareRegister(CLI::App& app, MediaArgs& args) {
  app.add_option("name", args.item.name, "NAMESPACE/NAME")->required();
  app.add_option("--kind", args.kind, "What it is: medium or document")
      ->check(OneOf({"medium", "document"}));
  app.add_option("--title", args.item.title, "What it is called")->required();
  app.add_option("--location", args.item.location, "Where it lies")->required();
  app.add_option("--custodian", args.item.custodian, "The principal who answers for it")
      ->required();
  app.add_option("--copies", args.item.copies, "How many there are")
      ->check(WholeNumber("a number of copies", 1, 1'000'000));
  app.add_option("--content", args.digest, "sha256:HEX of what is on it");
  AddRepeated(app, "--label", args.labels, "KEY=VALUE");
}

Json MediaJson(const MediaRecord& record) {
  const MediaRegistered& item = record.item;
  return {{"name", item.name},
          {"kind", item.kind == MediaKind::kMedia ? "MEDIUM" : "DOCUMENT"},
          {"title", item.title},
          {"location", item.location},
          {"custodian", item.custodian},
          {"copies", item.copies},
          {"copiesOut", record.copies_out},
          {"copiesDestroyed", record.copies_destroyed},
          {"content", item.content.has_value() ? item.content->ToString() : ""},
          {"labels", LabelsJson(item.labels)},
          {"custodyEntries", record.custody_count},
          {"index", record.index},
          {"time", FormatTime(record.time)}};
}

absl::StatusOr<Reply> RegisterMedia(Context& context, const MediaArgs& args) {
  MediaRegistered item = args.item;
  item.kind = args.kind == "medium" ? MediaKind::kMedia : MediaKind::kDocument;
  if (!args.digest.empty()) {
    DML_ASSIGN_OR_RETURN(item.content, Digest::Parse(args.digest));
  }
  DML_ASSIGN_OR_RETURN(item.labels, ParseLabels(args.labels));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->RegisterMedia(item));
  return CommittedReply("media", MediaJson(done.value), done.commit, "registered " + item.name);
}

absl::StatusOr<Reply> ListMedia(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<MediaRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListMedia(options);
                       }));
  return ListReply(page, {"NAME", "TITLE", "LOCATION", "CUSTODIAN", "COPIES", "OUT"}, MediaJson,
                   [](const MediaRecord& record) {
                     return std::vector<Cell>{record.item.name,
                                              record.item.title,
                                              record.item.location,
                                              record.item.custodian,
                                              std::to_string(record.item.copies),
                                              std::to_string(record.copies_out)};
                   });
}

struct CustodyArgs {
  CustodyRecorded custody;
};

void DeclareCustody(CLI::App& app, CustodyArgs& args) {
  app.add_option("name", args.custody.name, "NAMESPACE/NAME")->required();
  app.add_option("--custodian", args.custody.custodian, "Who answers for them from now on")
      ->required();
  app.add_option("--location", args.custody.location, "Where they go; default: where they were");
  app.add_option("--copies", args.custody.copies, "How many")
      ->check(WholeNumber("a number of copies", 1, 1'000'000));
  app.add_option("--note", args.custody.note, "For everyone who asks later");
}

absl::StatusOr<Reply> Record(Context& context, const CustodyArgs& args, CustodyAction action) {
  CustodyRecorded custody = args.custody;
  custody.action = action;
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->RecordCustody(custody));
  return CommittedReply(
      "media", MediaJson(done.value), done.commit,
      fmt::format("{}: {} of {}", CustodyActionName(action), custody.copies, custody.name));
}

absl::StatusOr<Reply> CheckOut(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kCheckedOut);
}
absl::StatusOr<Reply> CheckIn(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kCheckedIn);
}
absl::StatusOr<Reply> Move(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kMoved);
}
absl::StatusOr<Reply> Destroy(Context& context, const CustodyArgs& args) {
  return Record(context, args, CustodyAction::kDestroyed);
}

struct ShowMediaArgs {
  std::string name;
};

void DeclareHistory(CLI::App& app, ShowMediaArgs& args) {
  app.add_option("name", args.name, "NAMESPACE/NAME")->required();
}

absl::StatusOr<Reply> History(Context& context, const ShowMediaArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<CustodyRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListCustody(args.name, options);
                       }));
  return ListReply(
      page, {"ENTRY", "TIME", "ACTION", "COPIES", "CUSTODIAN", "LOCATION", "NOTE"},
      [](const CustodyRecord& item) {
        return Json{{"index", item.index},
                    {"time", FormatTime(item.time)},
                    {"author", item.author},
                    {"action", CustodyActionName(item.recorded.action)},
                    {"copies", item.recorded.copies},
                    {"custodian", item.recorded.custodian},
                    {"location", item.recorded.location},
                    {"note", item.recorded.note}};
      },
      [](const CustodyRecord& item) {
        return std::vector<Cell>{std::to_string(item.index),
                                 FormatTime(item.time),
                                 std::string(CustodyActionName(item.recorded.action)),
                                 std::to_string(item.recorded.copies),
                                 item.recorded.custodian,
                                 item.recorded.location,
                                 item.recorded.note};
      });
}

void AddMediaCommands(CommandTree& tree) {
  CLI::App& media = tree.AddNoun("media", "Physical media and documents, and who has them");
  tree.Add<MediaArgs>(media,
                      {"register", "Register a medium or document",
                       "dml media register acme/os-dvd-7 --title 'OS 7, DVD' --location 'vault 2' "
                       "--custodian spiffe://library.example/principals/pat --copies 2"},
                      DeclareRegister, RegisterMedia);
  tree.Add(media, {"list", "List them", "dml media list --all"}, ListMedia);
  tree.Add<CustodyArgs>(media,
                        {"check-out", "Copies leave their place",
                         "dml media check-out acme/os-dvd-7 --custodian ann --note 'site B'"},
                        DeclareCustody, CheckOut);
  tree.Add<CustodyArgs>(
      media, {"check-in", "Copies come back", "dml media check-in acme/os-dvd-7 --custodian pat"},
      DeclareCustody, CheckIn);
  tree.Add<CustodyArgs>(media,
                        {"move", "Copies get another place or custodian",
                         "dml media move acme/os-dvd-7 --custodian pat --location 'vault 3'"},
                        DeclareCustody, Move);
  tree.Add<CustodyArgs>(media,
                        {"destroy", "Copies are no more",
                         "dml media destroy acme/os-dvd-7 --custodian pat --note 'shredded'"},
                        DeclareCustody, Destroy);
  tree.Add<ShowMediaArgs>(
      media, {"history", "Who had which copies, and when", "dml media history acme/os-dvd-7"},
      DeclareHistory, History);
}

}  // namespace

void AddCustodyCommands(CommandTree& tree) {
  CLI::App& quarantine = tree.AddNoun("quarantine", "Variants that wait for a decision");
  tree.Add(quarantine, {"list", "List what is in quarantine, and why", "dml quarantine list"},
           ListQuarantine);
  tree.Add<DecideArgs>(quarantine,
                       {"put", "Put a variant into quarantine",
                        "dml quarantine put acme/tool@1.0.0 --reason 'under investigation'"},
                       DeclareDecide, Put);
  tree.Add<DecideArgs>(quarantine,
                       {"release", "Let a variant in after all",
                        "dml quarantine release acme/tool@1.0.0 --reason 'false alarm, case 17'"},
                       DeclareDecide, ReleaseVariant);
  tree.Add<DecideArgs>(quarantine,
                       {"reject", "Keep a variant out for ever",
                        "dml quarantine reject acme/tool@1.0.0 --reason 'infected'"},
                       DeclareDecide, Reject);
  tree.Add(quarantine, {"scan", "Scan everything that is published again", "dml quarantine scan"},
           StartScan);
  tree.Add(quarantine, {"scans", "The scanner, and the last scan", "dml quarantine scans"},
           ShowScan);

  CLI::App& hold = tree.AddNoun("hold", "Holds: payload that stays whatever retention says");
  tree.Add<HoldArgs>(hold,
                     {"place", "Hold a variant's payload for a case",
                      "dml hold place case-4711 acme/tool@1.0.0 --reason 'court order'"},
                     DeclareHold, PlaceHold);
  tree.Add<HoldArgs>(hold,
                     {"release", "End a hold",
                      "dml hold release case-4711 acme/tool@1.0.0 --reason 'case closed'"},
                     DeclareHold, ReleaseHold);
  tree.Add(hold, {"list", "List holds", "dml hold list --all"}, ListHolds);
  AddMediaCommands(tree);
}

}  // namespace dml
