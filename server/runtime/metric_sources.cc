#include "server/runtime/metric_sources.h"

#include <fstream>
#include <sstream>
#include <unistd.h>

#include <sys/resource.h>

#include "storage/views/library_view.h"

namespace dml {
namespace {

double SecondsOf(Timestamp time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double Number(uint64_t value) { return static_cast<double>(value); }

void TellTables(const EngineStats& stats, MetricSink& sink) {
  for (const Table table : kAllTables) {
    const TableStats& of = stats.tables[static_cast<size_t>(table)];
    const MetricSink::Labels labels = {{"table", std::string(TableName(table))}};
    sink.Gauge("dmld_table_rows", "Rows of a table, estimated", Number(of.rows), labels);
    sink.Gauge("dmld_table_disk_bytes", "Bytes of a table's live files", Number(of.disk_bytes),
               labels);
    sink.Gauge("dmld_table_memory_bytes", "Bytes of a table that are not yet in files",
               Number(of.memory_bytes), labels);
  }
  sink.Gauge("dmld_block_cache_bytes", "The database's cache in use", Number(stats.cache_bytes));
  sink.Gauge("dmld_storage_commits_wait", "1 while commits wait for the database's background work",
             stats.commits_wait);
  sink.Gauge("dmld_storage_read_only", "1 after a write failed: the daemon must be started anew",
             stats.read_only);
}

void TellJob(const char* name, const JobState& job, MetricSink& sink) {
  const MetricSink::Labels labels = {{"job", name}};
  sink.Gauge("dmld_job_running", "1 while this work of maintenance runs", job.running, labels);
  sink.Gauge("dmld_job_failed", "1 where it ended with an error the last time", !job.error.ok(),
             labels);
}

void TellFigures(const StorageFigures& figures, MetricSink& sink) {
  sink.Gauge("dmld_measured_time_seconds",
             "When the figures dmld_measured_* were taken; 0: never (dml admin storage)",
             SecondsOf(figures.time));
  sink.Gauge("dmld_measured_live_variants", "Published variants whose files are there",
             Number(figures.live_variants));
  sink.Gauge("dmld_measured_logical_bytes", "Bytes of their files", Number(figures.logical_bytes));
  sink.Gauge("dmld_measured_stored_bytes", "Bytes of all frames that chunks are stored in",
             Number(figures.chunk_bytes));
  sink.Gauge("dmld_measured_dead_bytes", "Bytes in packs that no chunk is stored in any more",
             Number(figures.dead_bytes));
  sink.Gauge("dmld_measured_unreferenced_bytes", "Bytes of chunks of no kept payload",
             Number(figures.unreferenced_bytes));
}

// The lines "Name:  value kB" of /proc/self/status.
double StatusBytes(std::string_view name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    uint64_t kilobytes = 0;
    std::istringstream(line.substr(name.size())) >> kilobytes;
    return Number(kilobytes * 1024);
  }
  return 0;
}

uint64_t OpenDescriptors() {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Field 22 of /proc/self/stat, in ticks since the boot, and the boot's time of /proc/stat.
double StartTime() {
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const size_t end = text.rfind(')');  // The name before it may hold anything.
  if (end == std::string::npos) return 0;
  std::istringstream fields(text.substr(end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  std::ifstream all("/proc/stat");
  uint64_t boot = 0;
  for (std::string line; std::getline(all, line);) {
    if (line.starts_with("btime ")) std::istringstream(line.substr(6)) >> boot;
  }
  uint64_t ticks = 0;
  std::istringstream(field) >> ticks;
  return Number(boot) + Number(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void TellLibrary(Library& library, MetricSink& sink) {
  TellTables(library.engine().Stats(), sink);
  sink.Gauge("dmld_journal_entries", "Entries that the newest signed checkpoint covers",
             Number(library.checkpoint()->checkpoint.size));
  sink.Gauge("dmld_queue_commands", "Commands that wait for the next group commit",
             Number(library.queue_depth()));
  sink.Gauge("dmld_read_only", "1 where the library is served read-only, as configured",
             !library.CheckWritable().ok());
  const auto root = LibraryView(*library.Read()).FindRoot();
  if (!root.ok() || !root->has_value()) return;  // The storage tells its own faults.
  sink.Gauge("dmld_trust_root_version", "Version of the trust root in force",
             Number((*root)->version));
  sink.Gauge("dmld_trust_root_expiry_time_seconds",
             "When the trust root in force ends; nothing is published after it",
             SecondsOf((*root)->expires));
}

void TellMaintenance(const Maintenance& maintenance, MetricSink& sink) {
  const Maintenance::Collection collection = maintenance.collection();
  TellJob("collection", collection.job, sink);
  sink.Gauge("dmld_collection_finish_time_seconds",
             "When the last collection came to its end; 0: never",
             SecondsOf(collection.record.finish_time));
  sink.Gauge("dmld_collection_variants", "Variants whose payload the last collection let go",
             Number(collection.record.variants));
  sink.Gauge("dmld_collection_freed_bytes", "Bytes of packs that the last collection dropped",
             Number(collection.record.pack_bytes));

  const Maintenance::Repacking repacking = maintenance.repacking();
  TellJob("repack", repacking.job, sink);
  sink.Gauge("dmld_repack_finish_time_seconds", "When the last repack came to its end; 0: never",
             SecondsOf(repacking.record.finish_time));
  sink.Gauge("dmld_repack_saved_bytes", "Bytes that deltas of the last repack save",
             Number(repacking.record.delta_bytes_saved));

  const Maintenance::Scrubbing scrubbing = maintenance.scrubbing();
  TellJob("scrub", scrubbing.job, sink);
  sink.Gauge("dmld_scrub_finish_time_seconds", "When the last scrub came to its end; 0: never",
             SecondsOf(scrubbing.record.finish_time));
  sink.Gauge("dmld_scrub_chunks", "Chunks that the scrub under way, else the last one, looked at",
             Number(scrubbing.record.chunks));
  sink.Gauge("dmld_scrub_bytes", "Bytes of frames that it read", Number(scrubbing.record.bytes));
  sink.Gauge("dmld_scrub_damaged_chunks", "Chunks that it found damaged",
             Number(scrubbing.record.damaged_count));

  const Maintenance::Measurement measurement = maintenance.measurement();
  TellJob("measurement", measurement.job, sink);
  TellJob("plan", maintenance.plan(0, 0).job, sink);
  TellFigures(measurement.figures, sink);
}

void TellBackups(const Backups& backups, MetricSink& sink) {
  const Backups::State state = backups.state();
  JobState job;
  job.running = state.running;
  job.error = state.error;
  TellJob("backup", job, sink);
  sink.Gauge("dmld_backup_finish_time_seconds",
             "When the last backup since the start was made; 0: none",
             SecondsOf(state.finish_time));
}

void TellTraffic(const ServiceContext& services, MetricSink& sink) {
  const TransferBudget::Figures transfers = services.budget.figures();
  sink.Gauge("dmld_transfers", "Transfers of content under way", transfers.streams);
  sink.Gauge("dmld_transfers_limit", "As many as there may be (limits.maxTransfers)",
             transfers.limits.streams);
  sink.Gauge("dmld_transfer_memory_bytes", "Memory that they may hold", Number(transfers.bytes));
  sink.Gauge("dmld_transfer_memory_limit_bytes", "As much as they may (limits.transferBytes)",
             Number(transfers.limits.bytes));
  sink.Counter("dmld_transfer_sent_bytes_total", "Bytes of content sent, as they travel",
               Number(services.transfers->bytes_sent));
  sink.Counter("dmld_transfer_received_bytes_total", "Bytes of content received, as they travel",
               Number(services.transfers->bytes_received));
  sink.Counter("dmld_transfer_frames_sent_total", "Frames sent as they are stored",
               Number(services.transfers->frames_sent));
  sink.Counter("dmld_transfer_chunks_decoded_total", "Chunks decoded for a client's sake",
               Number(services.transfers->chunks_decoded));
  sink.Gauge("dmld_searches", "Searches of the resolver under way", services.solves->taken());
  sink.Gauge("dmld_watches", "Watches of the journal under way", services.watches->load());
}

void TellProcess(MetricSink& sink) {
  sink.Gauge("process_resident_memory_bytes", "Resident memory", StatusBytes("VmRSS:"));
  sink.Gauge("process_virtual_memory_bytes", "Virtual memory", StatusBytes("VmSize:"));
  sink.Gauge("process_open_fds", "Open file descriptors", Number(OpenDescriptors()));
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  sink.Gauge("process_max_fds", "As many as there may be", Number(files.rlim_cur));
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  sink.Counter("process_cpu_seconds_total", "Processor time used",
               Seconds(used.ru_utime) + Seconds(used.ru_stime));
  sink.Gauge("process_start_time_seconds", "When the process started", StartTime());
}

}  // namespace dml
