// dml log verify|monitor: the whole log, checked by somebody who believes nobody.
#include <algorithm>
#include <thread>

#include "client/log_audit.h"
#include "core/base/bytes.h"
#include "core/os/file.h"
#include "tools/dml/command.h"
#include "tools/dml/log_source.h"
#include "tools/dml/records.h"
#include "tools/dml/run_command.h"
#include "tools/dml/witness_demand.h"

namespace dml {
namespace {

// Errors that are the answer to "is this log to be trusted?": what came is damaged or contradicts
// what was seen, or the pinned key has not signed it.
bool IsAccusation(const absl::Status& status) {
  constexpr std::string_view kNotSigned[] = {
      "NOTE_INVALID",      "CHECKPOINT_INVALID",           "SIGNATURE_MISSING",
      "SIGNATURE_INVALID", "CHECKPOINT_ORIGIN_UNEXPECTED", "LOG_KEY_MISMATCH",
      "WITNESSES_MISSING", "COSIGNATURE_INVALID"};
  return status.code() == absl::StatusCode::kDataLoss ||
         std::ranges::find(kNotSigned, Reason(status)) != std::end(kNotSigned);
}

Reply Refusal(const Checkpoint* checkpoint, const absl::Status& why) {
  Reply reply;
  reply.code = ExitCode::kNegative;
  reply.document["verified"] = false;
  if (checkpoint != nullptr) reply.document["checkpoint"] = ToJson(*checkpoint);
  reply.document["error"] = Json{{"reason", Reason(why)}, {"message", std::string(Message(why))}};
  reply.text.Line({"NOT VERIFIED: do not trust this log", Style::kBad});
  reply.text.Line({std::string(Message(why))});
  return reply;
}

absl::Status RootsDiffer(const LogAudit& audit, const Checkpoint& checkpoint) {
  return DataLoss(
      ErrorReason("LOG_ROOT_MISMATCH"),
      "the {} entries of {} that were given have root {}, and signed is {}: entries were "
      "changed, added or removed; keep what you have, and ask its operator",
      audit.size(), checkpoint.origin, audit.Root().hex(), checkpoint.root.hex());
}

// What witnesses have cosigned, where they are demanded: a tree that the log must begin with.
class Demand {
 public:
  static absl::StatusOr<Demand> Make(Context& context, const WitnessDemandArgs& args) {
    DML_ASSIGN_OR_RETURN(std::optional<WitnessDemand> demand, ReadWitnessDemand(context, args));
    return Demand(std::move(demand));
  }

  // Asks the source; the answer may not be about more than is to be audited.
  absl::Status Look(LogSource& source, const Checkpoint& newest) {
    if (!demand_.has_value()) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> notes, source.Cosigned());
    DML_ASSIGN_OR_RETURN(witnessed_, NewestWitnessed(notes, source.origin(), source.log_key(),
                                                     *demand_, WallClockNow()));
    if (witnessed_.checkpoint.size <= newest.size) return Compare(source, newest);
    return Unavailable(ErrorReason("LOG_GROWING"),
                       "witnesses have cosigned {} entries meanwhile; look again",
                       witnessed_.checkpoint.size);
  }

  void Tell(Reply& reply) const {
    if (!demand_.has_value()) return;
    Json names = Json::array();
    std::string words;
    for (const Cosignature& one : witnessed_.witnesses) {
      names.push_back(
          Json{{"name", one.witness}, {"holder", one.holder}, {"time", FormatTime(one.time)}});
      words += fmt::format("{}{} ({})", words.empty() ? "" : ", ", one.holder, one.witness);
    }
    reply.document["witnessed"] = {{"size", witnessed_.checkpoint.size},
                                   {"witnesses", std::move(names)}};
    reply.text.Fields(
        {{"witnessed", fmt::format("{} entries, by {}", witnessed_.checkpoint.size, words)}});
  }

 private:
  // That the newest tree begins with the one that was cosigned.
  absl::Status Compare(LogSource& source, const Checkpoint& newest) const {
    const Checkpoint& seen = witnessed_.checkpoint;
    DML_ASSIGN_OR_RETURN(const std::vector<Digest> proof,
                         source.Consistency(seen.size, newest.size));
    if (VerifyConsistency(seen.size, seen.root, newest.size, newest.root, proof).ok()) {
      return absl::OkStatus();
    }
    return DataLoss(ErrorReason("LOG_FORKED"),
                    "witnesses have cosigned {} entries of {} with root {}, and the {} that are "
                    "signed do not begin with those: the log shows us another history than them",
                    seen.size, seen.origin, seen.root.hex(), newest.size);
  }

  explicit Demand(std::optional<WitnessDemand> demand) : demand_(std::move(demand)) {}

  std::optional<WitnessDemand> demand_;  // None: nothing is demanded.
  WitnessedCheckpoint witnessed_;
};

// Audits on until the checkpoint's tree is there, and compares roots. `each` gets every entry, as
// its index, exact bytes and what it is.
template <typename Each>
absl::Status AuditTo(LogSource& source, const Checkpoint& checkpoint, LogAudit& audit, Each each) {
  while (audit.size() < checkpoint.size) {
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> leaves,
                         source.Entries(audit.size(), checkpoint));
    for (const std::string& leaf : leaves) {
      const uint64_t index = audit.size();
      const std::optional<Entry> entry = audit.Add(leaf);
      DML_RETURN_IF_ERROR(each(index, leaf, entry));
    }
  }
  audit.CheckOrigin();
  return audit.Root() == checkpoint.root ? absl::OkStatus() : RootsDiffer(audit, checkpoint);
}

Json FaultsJson(const LogAudit& audit) {
  Json out = Json::array();
  for (const LogFault& fault : audit.faults()) {
    out.push_back(Json{{"index", fault.index}, {"rule", fault.rule}, {"what", fault.what}});
  }
  return out;
}

Reply Verdict(const LogAudit& audit, const Checkpoint& checkpoint) {
  Reply reply;
  const bool good = audit.fault_count() == 0;
  reply.code = good ? ExitCode::kOk : ExitCode::kNegative;
  reply.document = {{"verified", good},
                    {"entries", audit.size()},
                    {"checkpoint", ToJson(checkpoint)},
                    {"faultCount", audit.fault_count()},
                    {"faults", FaultsJson(audit)}};
  if (good) {
    reply.text.Line(
        {fmt::format("VERIFIED: the log is its {} entries, and each keeps the rules", audit.size()),
         Style::kGood});
  } else {
    reply.text.Line(
        {fmt::format("NOT VERIFIED: the library has signed {} fault(s)", audit.fault_count()),
         Style::kBad});
    TextTable table{{"ENTRY", "RULE", "WHAT"}, {}};
    for (const LogFault& fault : audit.faults()) {
      table.rows.push_back({fmt::format("{}", fault.index), fault.rule, fault.what});
    }
    reply.text.Add(std::move(table));
  }
  reply.text.Fields({{"log", checkpoint.origin},
                     {"size", fmt::format("{}", checkpoint.size)},
                     {"root", checkpoint.root.ToString()}});
  return reply;
}

struct VerifyArgs : LogSourceArgs {
  WitnessDemandArgs demand;
};

void DeclareVerify(CLI::App& app, VerifyArgs& args) {
  DeclareLogSource(app, args);
  DeclareWitnessDemand(app, args.demand);
}

absl::StatusOr<Reply> VerifyLog(Context& context, const VerifyArgs& args) {
  DML_ASSIGN_OR_RETURN(Demand demand, Demand::Make(context, args.demand));
  DML_ASSIGN_OR_RETURN(OpenedLog log, OpenLog(context, args, "verify"));
  std::string note;
  const absl::StatusOr<Checkpoint> checkpoint = log.source->Newest(note);
  if (IsAccusation(checkpoint.status())) return Refusal(nullptr, checkpoint.status());
  DML_RETURN_IF_ERROR(checkpoint.status());
  LogAudit audit(log.source->origin());
  absl::Status audited = demand.Look(*log.source, *checkpoint);
  if (audited.ok()) {
    audited = AuditTo(*log.source, *checkpoint, audit,
                      [](uint64_t, const std::string&, const auto&) { return absl::OkStatus(); });
  }
  if (IsAccusation(audited)) return Refusal(&*checkpoint, audited);
  DML_RETURN_IF_ERROR(audited);
  Reply reply = Verdict(audit, *checkpoint);
  demand.Tell(reply);
  return reply;
}

struct MonitorArgs : LogSourceArgs {
  int interval_seconds = 60;
  bool once = false;
  std::string command;
  WitnessDemandArgs demand;
};

void DeclareMonitor(CLI::App& app, MonitorArgs& args) {
  DeclareLogSource(app, args);
  DeclareWitnessDemand(app, args.demand);
  app.add_option("--interval", args.interval_seconds, "Seconds between two looks (default 60)")
      ->check(WholeNumber("a number of seconds", 1, 86'400))
      ->type_name("SECONDS");
  app.add_flag("--once", args.once, "Look once, and end");
  app.add_option("--exec", args.command,
                 "Run this with sh for each new entry, with the entry as JSON on its input")
      ->type_name("COMMAND");
  app.add_option("--state", args.state,
                 "Where the last checkpoint whose entries were all checked is kept")
      ->type_name("FILE");
}

std::string EntryJson(uint64_t index, const std::string& leaf, const std::optional<Entry>& entry) {
  Json out = {{"index", index}};
  if (entry.has_value()) {
    out["time"] = FormatTime(entry->time);
    out["author"] = entry->author;
    out["kind"] = EntryKind(entry->payload);
    out["summary"] = EntrySummary(entry->payload);
    out["requestId"] = entry->request_id;
  }
  out["leaf"] = Base64Encode(AsBytes(leaf));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Follows one log. What it has checked is kept once the commands for it have run: after a failure
// they run again.
class Monitor {
 public:
  // `seen`: how many entries were checked before what was remembered of them was set aside.
  Monitor(const MonitorArgs& args, OpenedLog log, Demand demand, std::optional<uint64_t> seen,
          std::unique_ptr<LogVerifier> checked)
      : args_(args),
        seen_(seen),
        log_(std::move(log)),
        demand_(std::move(demand)),
        checked_(std::move(checked)),
        audit_(log_.source->origin()) {}

  // One look: audits what is new and remembers it.
  absl::Status Look() {
    std::string note;
    DML_ASSIGN_OR_RETURN(newest_, log_.source->Newest(note));
    DML_ASSIGN_OR_RETURN(const std::optional<Checkpoint> before, checked_->Remembered());
    if (before.has_value() && before->size > newest_.size) return Accept(note);
    DML_RETURN_IF_ERROR(demand_.Look(*log_.source, newest_));
    // The first time, what is there is not new; after the log's key was rotated, what came since
    // is.
    const uint64_t first_new =
        before.has_value() ? before->size : std::min(seen_.value_or(newest_.size), newest_.size);
    std::vector<std::string> events;
    bool forked = false;
    DML_RETURN_IF_ERROR(AuditTo(
        *log_.source, newest_, audit_,
        [&](uint64_t index, const std::string& leaf, const std::optional<Entry>& entry) {
          forked |=
              before.has_value() && audit_.size() == before->size && audit_.Root() != before->root;
          if (index >= first_new && !args_.command.empty()) {
            events.push_back(EntryJson(index, leaf, entry));
          }
          return absl::OkStatus();
        }));
    if (forked) return Accept(note);
    for (const std::string& event : events) {
      DML_RETURN_IF_ERROR(RunCommand(args_.command, event));
    }
    new_entries_ += newest_.size - first_new;
    if (audit_.fault_count() > 0) return absl::OkStatus();
    return Accept(note);
  }

  const LogAudit& audit() const { return audit_; }
  const Demand& demand() const { return demand_; }
  const Checkpoint& newest() const { return newest_; }
  uint64_t new_entries() const { return new_entries_; }

 private:
  // Remembers the checkpoint as checked; where it contradicts the one before, keeps both.
  absl::Status Accept(const std::string& note) {
    return checked_
        ->Accept(note, [this](uint64_t first,
                              uint64_t second) { return log_.source->Consistency(first, second); })
        .status();
  }

  const MonitorArgs& args_;
  const std::optional<uint64_t> seen_;
  const OpenedLog log_;
  Demand demand_;
  const std::unique_ptr<LogVerifier> checked_;
  LogAudit audit_;
  Checkpoint newest_;
  uint64_t new_entries_ = 0;
};

// The size that a state file tells, whatever key signed it: the log may have another one since. Up
// to where the root begins to believe the key now: whoever stole the one before may have signed
// any.
std::optional<uint64_t> SizeSeen(const OpenedLog& log) {
  const absl::StatusOr<std::string> text = ReadFile(log.state_file, kMaxNoteBytes);
  if (!text.ok()) return std::nullopt;
  const absl::StatusOr<Note> note = ParseNote(*text);
  if (!note.ok()) return std::nullopt;
  const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpointBody(note->text);
  if (!checkpoint.ok()) return std::nullopt;
  return std::min(checkpoint->size, log.pin.start_size.value_or(checkpoint->size));
}

absl::StatusOr<Reply> MonitorLog(Context& context, const MonitorArgs& args) {
  DML_ASSIGN_OR_RETURN(Demand demand, Demand::Make(context, args.demand));
  DML_ASSIGN_OR_RETURN(OpenedLog log, OpenLog(context, args, "monitor"));
  if (log.state_file.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "a monitor must remember what it has seen: give --state FILE");
  }
  const std::optional<uint64_t> seen = SizeSeen(log);
  DML_ASSIGN_OR_RETURN(std::unique_ptr<LogVerifier> checked,
                       LogVerifier::Create(log.pin, log.state_file));
  Monitor monitor(args, std::move(log), std::move(demand), seen, std::move(checked));
  while (true) {
    const uint64_t before = monitor.audit().size();
    const absl::Status looked = monitor.Look();
    if (IsAccusation(looked)) return Refusal(nullptr, looked);
    if (!looked.ok() && (args.once || looked.code() != absl::StatusCode::kUnavailable)) {
      return looked;
    }
    if (!looked.ok()) context.Say(Message(looked));
    if (looked.ok() && (args.once || monitor.audit().fault_count() > 0)) break;
    if (looked.ok() && monitor.audit().size() != before) {
      context.Say(fmt::format("{}: checked up to {} entries, root {}", monitor.newest().origin,
                              monitor.newest().size, monitor.newest().root.ToString()));
    }
    std::this_thread::sleep_for(std::chrono::seconds(args.interval_seconds));
  }
  Reply reply = Verdict(monitor.audit(), monitor.newest());
  monitor.demand().Tell(reply);
  reply.document["newEntries"] = monitor.new_entries();
  reply.text.Fields({{"new", fmt::format("{} entries", monitor.new_entries())}});
  return reply;
}

}  // namespace

void AddLogAuditCommands(CommandTree& tree, CLI::App& log) {
  tree.Add<VerifyArgs>(log,
                       {"verify", "Check every entry of the log, and that they are what is signed",
                        "dml log verify --url https://library.example:7480"},
                       DeclareVerify, VerifyLog);
  tree.Add<MonitorArgs>(log,
                        {"monitor", "Follow the log, check it, and keep evidence where it forks",
                         "dml log monitor --interval 60 --exec 'jq -r .summary'"},
                        DeclareMonitor, MonitorLog);
}

}  // namespace dml
