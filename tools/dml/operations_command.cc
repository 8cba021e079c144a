// dml admin backup|verify.
#include <algorithm>
#include <thread>

#include "client/operations.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

constexpr std::chrono::milliseconds kFirstPoll{20};
constexpr std::chrono::milliseconds kMaxPoll{1000};
constexpr uint64_t kMaxKept = 10'000;

struct BackupArgs {
  bool wait = false;
  bool show = false;
  bool verify = false;
  uint32_t keep = 0;
};

void DeclareBackup(CLI::App& app, BackupArgs& args) {
  auto* wait = app.add_flag("--wait", args.wait, "Until the backup is made");
  auto* show = app.add_flag("--show", args.show, "Start nothing: the backups that there are");
  auto* verify = app.add_flag("--verify", args.verify, "Read all of it once it is made");
  auto* keep = app.add_option("--keep", args.keep,
                              "Afterwards drop all but the newest so many (default: none)")
                   ->check(WholeNumber("a number of backups", 1, kMaxKept));
  show->excludes(wait, verify, keep);
}

absl::StatusOr<BackupList> AwaitBackup(OperationsClient& operations) {
  for (std::chrono::milliseconds pause = kFirstPoll;; pause = std::min(2 * pause, kMaxPoll)) {
    DML_ASSIGN_OR_RETURN(BackupList list, operations.ListBackups());
    if (!list.job.busy()) return list;
    std::this_thread::sleep_for(pause);
  }
}

Reply BackupReply(const BackupList& list) {
  Reply reply;
  Json items = Json::array();
  TextTable table{{"NUMBER", "TIME", "ENTRIES", "SIZE", "ROOT"}, {}};
  for (const BackupAnswer& backup : list.backups) {
    items.push_back({{"number", backup.number},
                     {"time", FormatTime(backup.time)},
                     {"entries", backup.entries},
                     {"bytes", backup.bytes},
                     {"root", backup.root.ToString()},
                     {"version", backup.version}});
    table.rows.push_back({fmt::format("{}", backup.number), FormatTime(backup.time),
                          fmt::format("{}", backup.entries), FormatBytes(backup.bytes),
                          backup.root.ToString()});
  }
  auto time_or = [](Timestamp time) { return time == Timestamp() ? "" : FormatTime(time); };
  reply.document = {{"backups", std::move(items)},
                    {"running", list.job.running},
                    {"startTime", time_or(list.start_time)},
                    {"finishTime", time_or(list.finish_time)}};
  if (list.backups.empty()) {
    reply.text.Line("no backups");
  } else {
    reply.text.Add(std::move(table));
  }
  if (list.job.running) reply.notes.push_back("a backup is under way: dml admin backup --show");
  return reply;
}

absl::StatusOr<Reply> MakeBackup(Context& context, const BackupArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  OperationsClient operations(*client);
  if (!args.show) DML_RETURN_IF_ERROR(operations.StartBackup(args.keep, args.verify).status());
  BackupList list;
  if (args.wait) {
    DML_ASSIGN_OR_RETURN(list, AwaitBackup(operations));
  } else {
    DML_ASSIGN_OR_RETURN(list, operations.ListBackups());
  }
  if (!list.job.error_reason.empty()) {
    return Internal(ErrorReason("WORK_FAILED"), "the last backup failed: {} ({})",
                    list.job.error_message, list.job.error_reason);
  }
  return BackupReply(list);
}

struct VerifyArgs {
  bool content = false;
};

void DeclareVerify(CLI::App& app, VerifyArgs& args) {
  app.add_flag("--content", args.content, "Read the bytes of all files that should be there, too");
}

absl::StatusOr<Reply> VerifyAll(Context& context, const VerifyArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const LibraryVerdict verdict,
                       OperationsClient(*client).VerifyLibrary(args.content));
  Reply reply;
  Json faults = Json::array();
  for (const LibraryFaultAnswer& fault : verdict.faults) {
    faults.push_back(
        {{"part", fault.part}, {"subject", fault.subject}, {"message", fault.message}});
  }
  reply.document = {{"sound", verdict.sound},
                    {"entries", verdict.entries},
                    {"metadataBlobs", verdict.metadata_blobs},
                    {"rows", verdict.rows},
                    {"variants", verdict.variants},
                    {"files", verdict.files},
                    {"chunks", verdict.chunks},
                    {"contentRead", args.content},
                    {"releases", verdict.releases},
                    {"envelopes", verdict.envelopes},
                    {"signatures", verdict.signatures},
                    {"faultCount", verdict.fault_count},
                    {"faults", std::move(faults)}};
  reply.text.Line(
      verdict.sound ? Cell("SOUND: journal, views, content and signatures agree", Style::kGood)
                    : Cell(fmt::format("NOT SOUND: {} faults", verdict.fault_count), Style::kBad));
  reply.text.Fields(
      {{"journal",
        fmt::format("{} entries, {} metadata blobs", verdict.entries, verdict.metadata_blobs)},
       {"views", fmt::format("{} rows", verdict.rows)},
       {"content",
        fmt::format("{} variants, {} files, {} chunks{}", verdict.variants, verdict.files,
                    verdict.chunks, args.content ? ", all read" : ", not read")},
       {"signatures", fmt::format("{} in {} envelopes, {} releases", verdict.signatures,
                                  verdict.envelopes, verdict.releases)}});
  for (const LibraryFaultAnswer& fault : verdict.faults) {
    reply.text.Line(fmt::format("  {} {}: {}", fault.part, fault.subject, fault.message));
  }
  if (verdict.fault_count > verdict.faults.size()) {
    reply.notes.push_back(
        fmt::format("{} more faults are not shown", verdict.fault_count - verdict.faults.size()));
  }
  if (!verdict.sound) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddOperationsCommands(CommandTree& tree, CLI::App& admin) {
  tree.Add(admin,
           {"backup", "Back the library up, into the folder that its configuration names",
            "dml admin backup --wait --verify --keep 14"},
           DeclareBackup, MakeBackup);
  tree.Add(admin,
           {"verify",
            "Prove journal, views, content and signatures against each other, and say what is "
            "damaged",
            "dml admin verify --content"},
           DeclareVerify, VerifyAll);
}

}  // namespace dml
