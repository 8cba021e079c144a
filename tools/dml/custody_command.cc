// dml quarantine, dml hold: what waits, what stays.
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
}

}  // namespace dml
