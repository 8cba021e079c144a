// dml admin storage|collect|repack|scrub.
#include <algorithm>
#include <thread>

#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

constexpr std::chrono::milliseconds kFirstPoll{20};
constexpr std::chrono::milliseconds kMaxPoll{1000};

// Asks by get() -> StatusOr of something with a `job`, until that is done.
template <typename Get>
auto WaitFor(const Get& get) -> decltype(get()) {
  for (std::chrono::milliseconds pause = kFirstPoll;; pause = std::min(2 * pause, kMaxPoll)) {
    auto status = get();
    if (!status.ok() || !status->job.busy()) return status;
    std::this_thread::sleep_for(pause);
  }
}

absl::Status Outcome(const JobStatus& job, std::string_view what) {
  if (job.error_reason.empty() && job.error_message.empty()) return absl::OkStatus();
  return Internal(ErrorReason("WORK_FAILED"), "{} ended early: {} ({})", what, job.error_message,
                  job.error_reason);
}

std::string TimeOr(Timestamp time, const char* never) {
  return time == Timestamp() ? never : FormatTime(time);
}

const char* JobWord(const JobStatus& job) {
  return job.running ? "running" : job.waiting ? "waiting for other work" : "idle";
}

Json ToJson(const StorageFigures& figures) {
  return {{"time", TimeOr(figures.time, "")},
          {"liveVariants", figures.live_variants},
          {"logicalBytes", figures.logical_bytes},
          {"storedBytes", figures.stored_bytes()},
          {"reclaimableBytes", figures.reclaimable_bytes()},
          {"chunks", figures.chunks},
          {"deltaChunks", figures.delta_chunks},
          {"chunkBytes", figures.chunk_bytes},
          {"packs", figures.packs},
          {"deadBytes", figures.dead_bytes},
          {"unreferencedChunks", figures.unreferenced_chunks},
          {"unreferencedBytes", figures.unreferenced_bytes}};
}

std::string Count(uint64_t count) { return fmt::format("{}", count); }

struct StorageArgs {
  bool last = false;
};

void DeclareStorage(CLI::App& app, StorageArgs& args) {
  app.add_flag("--last", args.last, "What was measured last; measures nothing");
}

absl::StatusOr<Reply> Storage(Context& context, const StorageArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  if (!args.last) DML_RETURN_IF_ERROR(client->StartMeasurement().status());
  StorageStatus status;
  if (args.last) {
    DML_ASSIGN_OR_RETURN(status, client->GetStorageFigures());
  } else {
    DML_ASSIGN_OR_RETURN(status, WaitFor([&] { return client->GetStorageFigures(); }));
    DML_RETURN_IF_ERROR(Outcome(status.job, "the measurement"));
  }
  const StorageFigures& figures = status.figures;
  Reply reply;
  reply.document = ToJson(figures);
  if (figures.time == Timestamp()) {
    reply.notes.push_back("nothing was measured since the daemon started: dml admin storage");
    return reply;
  }
  reply.text.Fields(
      {{"measured", FormatTime(figures.time)},
       {"logical", fmt::format("{} in {} live variants", FormatBytes(figures.logical_bytes),
                               figures.live_variants)},
       {"stored", fmt::format("{} in {} chunks, {} of them deltas, and {} packs",
                              FormatBytes(figures.stored_bytes()), figures.chunks,
                              figures.delta_chunks, figures.packs)},
       {"reclaimable", fmt::format("{}: {} in {} chunks that nothing names, {} dead in packs",
                                   FormatBytes(figures.reclaimable_bytes()),
                                   FormatBytes(figures.unreferenced_bytes),
                                   figures.unreferenced_chunks, FormatBytes(figures.dead_bytes))}});
  return reply;
}

struct CollectArgs {
  bool dry_run = false;
  bool wait = false;
  bool show = false;
};

void DeclareCollect(CLI::App& app, CollectArgs& args) {
  auto* dry_run = app.add_flag("--dry-run", args.dry_run,
                               "Delete nothing: list the variants whose payload would go, and why");
  auto* wait = app.add_flag("--wait", args.wait, "Until the collection has come to its end");
  auto* show = app.add_flag("--show", args.show, "Start nothing: the pass under way, or the last");
  dry_run->excludes(wait, show);
  wait->excludes(show);
}

absl::StatusOr<Reply> DryRun(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ListOptions options = context.list_options();
  // A page token is of a plan that is there already.
  if (options.page_token.empty()) DML_RETURN_IF_ERROR(client->StartCollectionPlan().status());
  DML_ASSIGN_OR_RETURN(CollectionPlanStatus plan,
                       WaitFor([&] { return client->GetCollectionPlan(options); }));
  DML_RETURN_IF_ERROR(Outcome(plan.job, "the plan"));
  ListPage<PlannedVariant> list = std::move(plan.page);
  while (context.options().all && !list.next_page_token.empty()) {
    options.page_token = list.next_page_token;
    DML_ASSIGN_OR_RETURN(CollectionPlanStatus next, client->GetCollectionPlan(options));
    std::ranges::move(next.page.items, std::back_inserter(list.items));
    list.next_page_token = std::move(next.page.next_page_token);
  }
  Reply reply = ListReply(
      list, {"VARIANT", "PAYLOAD", "REASON"},
      [](const PlannedVariant& item) {
        return Json{{"variant", item.name.ResourceName()},
                    {"payloadSize", item.payload_size},
                    {"reason", item.reason}};
      },
      [](const PlannedVariant& item) {
        return std::vector<Cell>{item.name.ResourceName(), FormatBytes(item.payload_size),
                                 item.reason};
      });
  reply.document["variants"] = plan.variants;
  reply.document["variantBytes"] = plan.variant_bytes;
  reply.document["figures"] = ToJson(plan.figures);
  reply.notes.push_back(
      fmt::format("the payload of {} variants would go, {} in all; {} would be free afterwards, "
                  "less what uploads under way rely on",
                  plan.variants, FormatBytes(plan.variant_bytes),
                  FormatBytes(plan.figures.reclaimable_bytes())));
  return reply;
}

std::string_view PhaseName(CollectionPhase phase) {
  static constexpr std::string_view kNames[] = {"DECIDE", "PARTIALS",       "VISIBLE_BLOBS",
                                                "BLOBS",  "VISIBLE_CHUNKS", "DELTAS",
                                                "CHUNKS", "PACKS",          "DONE"};
  return kNames[static_cast<size_t>(phase) - 1];
}

Reply CollectionReply(const CollectionStatus& status) {
  const CollectionRecord& record = status.record;
  Reply reply;
  reply.document = {{"waiting", status.job.waiting},
                    {"running", status.job.running},
                    {"phase", PhaseName(record.phase)},
                    {"author", record.author},
                    {"startTime", TimeOr(record.start_time, "")},
                    {"finishTime", TimeOr(record.finish_time, "")},
                    {"leasesEndTime", TimeOr(record.leases_end_time, "")},
                    {"entries", record.entries},
                    {"variants", record.variants},
                    {"variantBytes", record.variant_bytes},
                    {"blobs", record.blobs},
                    {"chunks", record.chunks},
                    {"chunkBytes", record.chunk_bytes},
                    {"packs", record.packs},
                    {"packBytes", record.pack_bytes},
                    {"packsRepacked", record.packs_repacked},
                    {"held", record.held}};
  reply.text.Fields(
      {{"collection", JobWord(status.job)},
       {"phase", std::string(PhaseName(record.phase))},
       {"started", TimeOr(record.start_time, "never")},
       {"last finished", TimeOr(record.finish_time, "never")},
       {"payload let go", fmt::format("{} variants, {}; {} journal entries", record.variants,
                                      FormatBytes(record.variant_bytes), record.entries)},
       {"freed",
        fmt::format("{} files, {} chunks of {}, {} packs of {}", record.blobs, record.chunks,
                    FormatBytes(record.chunk_bytes), record.packs, FormatBytes(record.pack_bytes))},
       {"held", record.held == 0 ? "" : fmt::format("{} rows for uploads", record.held)}});
  if (record.leases_end_time != Timestamp() && !status.job.busy()) {
    reply.notes.push_back(fmt::format(
        "nothing is freed before {}: until then, uploads of before the daemon's last start may "
        "rely on what would go; collect again then",
        FormatTime(record.leases_end_time)));
  }
  return reply;
}

absl::StatusOr<Reply> Collect(Context& context, const CollectArgs& args) {
  if (args.dry_run) return DryRun(context);
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  if (!args.show) DML_RETURN_IF_ERROR(client->StartCollection().status());
  if (!args.wait) {
    DML_ASSIGN_OR_RETURN(CollectionStatus status, client->GetCollection());
    Reply reply = CollectionReply(status);
    const absl::Status outcome = Outcome(status.job, "the last collection");
    if (!outcome.ok()) reply.notes.emplace_back(Message(outcome));
    return reply;
  }
  DML_ASSIGN_OR_RETURN(CollectionStatus status, WaitFor([&] { return client->GetCollection(); }));
  DML_RETURN_IF_ERROR(Outcome(status.job, "the collection"));
  return CollectionReply(status);
}

struct RepackArgs {
  bool wait = false;
  bool show = false;
};

void DeclareRepack(CLI::App& app, RepackArgs& args) {
  auto* wait = app.add_flag("--wait", args.wait, "Until the pass has come to its end");
  auto* show = app.add_flag("--show", args.show, "Start nothing: the pass under way, or the last");
  wait->excludes(show);
}

absl::StatusOr<Reply> Repack(Context& context, const RepackArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  if (!args.show) DML_RETURN_IF_ERROR(client->StartRepack().status());
  RepackStatus status;
  if (args.wait) {
    DML_ASSIGN_OR_RETURN(status, WaitFor([&] { return client->GetRepack(); }));
    if (status.record.finish_time == Timestamp() && status.job.error_reason.empty()) {
      return Aborted(ErrorReason("WORK_INTERRUPTED"),
                     "the daemon was started again before the repack came to its end; what it did "
                     "is kept: call it again");
    }
  } else {
    DML_ASSIGN_OR_RETURN(status, client->GetRepack());
  }
  DML_RETURN_IF_ERROR(Outcome(status.job, "the repack"));
  const RepackRecord& record = status.record;
  Reply reply;
  reply.document = {{"waiting", status.job.waiting},
                    {"running", status.job.running},
                    {"startTime", TimeOr(record.start_time, "")},
                    {"finishTime", TimeOr(record.finish_time, "")},
                    {"foldedChunks", record.folded_chunks},
                    {"foldedBytes", record.folded_bytes},
                    {"deltas", record.deltas},
                    {"deltaBytes", record.delta_bytes},
                    {"deltaBytesSaved", record.delta_bytes_saved},
                    {"packsRepacked", record.packs_repacked},
                    {"packsDropped", record.packs_dropped},
                    {"movedBytes", record.moved_bytes},
                    {"damagedChunks", record.damaged}};
  reply.text.Fields(
      {{"repack", JobWord(status.job)},
       {"started", TimeOr(record.start_time, "never since the daemon started")},
       {"finished", TimeOr(record.finish_time, "not yet")},
       {"folded", fmt::format("{} small chunks of {} into packs", record.folded_chunks,
                              FormatBytes(record.folded_bytes))},
       {"deltas",
        fmt::format("{} chunks, now {}: {} less", record.deltas, FormatBytes(record.delta_bytes),
                    FormatBytes(record.delta_bytes_saved))},
       {"repacked", fmt::format("{} packs, {} of them dropped; {} moved", record.packs_repacked,
                                record.packs_dropped, FormatBytes(record.moved_bytes))}});
  if (record.damaged > 0) {
    reply.notes.push_back(
        fmt::format("{} damaged chunks were found: dml admin scrub", record.damaged));
  }
  return reply;
}

constexpr uint64_t kMinScrubRate = 65536;  // The library's own limits.
constexpr uint64_t kMaxScrubRate = uint64_t{1} << 40;

struct ScrubArgs {
  uint64_t rate = 0;
  bool wait = false;
  bool show = false;
};

void DeclareScrub(CLI::App& app, ScrubArgs& args) {
  app.add_option("--rate", args.rate, "Bytes per second, such as 8MiB; default: the library's own")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(kMinScrubRate, kMaxScrubRate))
      ->type_name("BYTES");
  auto* wait = app.add_flag("--wait", args.wait, "Until every chunk has been read");
  auto* show = app.add_flag("--show", args.show, "Start nothing: the pass under way, or the last");
  wait->excludes(show);
}

Reply ScrubReply(const ScrubStatus& status) {
  const ScrubRecord& record = status.record;
  Reply reply;
  Json damaged = Json::array();
  TextTable table{{"DAMAGED CHUNK", "CAUSE", "VARIANTS"}, {}};
  bool named = false;
  bool unnamed = false;
  for (const DamagedChunk& item : record.damaged) {
    const std::string base = item.base.has_value() ? item.base->ToString() : "";
    damaged.push_back(
        {{"chunk", item.chunk.ToString()}, {"base", base}, {"variants", item.variants}});
    table.rows.push_back({{item.chunk.ToString(), Style::kBad},
                          base.empty() ? "its own bytes" : "its base " + base,
                          item.variants.empty() ? "none" : JoinWords(item.variants)});
    (item.variants.empty() ? unnamed : named) = true;
  }
  reply.document = {{"waiting", status.job.waiting},
                    {"running", status.job.running},
                    {"startTime", TimeOr(record.start_time, "")},
                    {"finishTime", TimeOr(record.finish_time, "")},
                    {"chunks", record.chunks},
                    {"bytes", record.bytes},
                    {"damagedCount", record.damaged_count},
                    {"damaged", std::move(damaged)}};
  reply.text.Fields(
      {{"scrub", JobWord(status.job)},
       {"started", TimeOr(record.start_time, "never")},
       {"last finished", TimeOr(record.finish_time, "never")},
       {"read", fmt::format("{} chunks, {}", record.chunks, FormatBytes(record.bytes))},
       {"damaged",
        {Count(record.damaged_count), record.damaged_count > 0 ? Style::kBad : Style::kGood}}});
  if (record.damaged_count == 0) return reply;
  reply.code = ExitCode::kNegative;
  reply.text.Line("");
  reply.text.Add(std::move(table));
  if (named) {
    reply.notes.push_back("upload the files of these variants again: what is damaged is replaced");
  }
  if (unnamed) {
    reply.notes.push_back(
        "no variant has a chunk with variants \"none\": it goes once nothing is based on it, with: "
        "dml admin collect");
  }
  return reply;
}

absl::StatusOr<Reply> Scrub(Context& context, const ScrubArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  if (!args.show) DML_RETURN_IF_ERROR(client->StartScrub(args.rate).status());
  ScrubStatus status;
  if (args.wait) {
    DML_ASSIGN_OR_RETURN(status, WaitFor([&] { return client->GetScrub(); }));
  } else {
    DML_ASSIGN_OR_RETURN(status, client->GetScrub());
  }
  DML_RETURN_IF_ERROR(Outcome(status.job, "the scrub"));
  return ScrubReply(status);
}

}  // namespace

void AddUpkeepCommands(CommandTree& tree, CLI::App& admin) {
  tree.Add<StorageArgs>(
      admin, {"storage", "What is stored, and how much of it could be freed", "dml admin storage"},
      DeclareStorage, Storage);
  tree.Add<CollectArgs>(
      admin,
      {"collect", "Free what no retention policy and no use keeps", "dml admin collect --dry-run"},
      DeclareCollect, Collect);
  tree.Add<RepackArgs>(admin,
                       {"repack", "Store better what is stored: fold, make deltas, repack",
                        "dml admin repack --wait"},
                       DeclareRepack, Repack);
  tree.Add<ScrubArgs>(
      admin,
      {"scrub", "Read every stored chunk and check it", "dml admin scrub --rate 8MiB --wait"},
      DeclareScrub, Scrub);
}

}  // namespace dml
