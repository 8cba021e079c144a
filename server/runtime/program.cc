#include "server/runtime/program.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "server/auth/bootstrap.h"
#include "server/auth/issue.h"
#include "server/auth/log_keys.h"
#include "server/config/command_line.h"
#include "server/config/environment.h"
#include "server/daemon.h"
#include "server/open_library.h"
#include "server/runtime/file_watch.h"
#include "server/runtime/logging.h"
#include "server/runtime/self_probe.h"
#include "server/runtime/service_manager.h"
#include "server/runtime/stop_signals.h"

namespace dml {
namespace {

int Fail(const absl::Status& status) {
  fmt::print(stderr, "dmld: {} [{}]\n", Message(status), Reason(status));
  return DaemonExitFor(status);
}

// Says what the first start made, and which of it must never be lost.
void AnnounceFirstStart(const IdentityFiles& made) {
  fmt::print(
      "first start: made a library of its own, with private keys for its owner alone (0600)\n");
  const std::pair<const char*, const std::filesystem::path*> rows[] = {
      {"certificate authority", &made.ca_certificate},  {"  its private key", &made.ca_key},
      {"server certificate", &made.server_certificate}, {"log key (back it up)", &made.log_key},
      {"administrator", &made.admin_certificate},
  };
  for (const auto& [what, path] : rows) fmt::print("  {:<22} {}\n", what, path->string());
}

// Tells how `dml` finds this library.
void AnnounceProfile(const ServerConfig& config, const Daemon& daemon) {
  const std::filesystem::path own = IdentityFiles(config.data_dir).profile;
  const std::filesystem::path user = UserProfilePath();
  auto there = UserProfile::kOfThisOrigin;
  if (!user.empty() && config.tls.empty()) {
    const absl::StatusOr<UserProfile> installed = InstallUserProfile(
        config.data_dir, daemon.client_address(), config.insecure_loopback, user);
    if (installed.ok() && *installed == UserProfile::kOfThisLibrary) {
      fmt::print("client profile: {}\n", user.string());
      return;
    }
    if (!installed.ok()) spdlog::warn("{}", Message(installed.status()));
    there = installed.ok() ? *installed : there;
  }
  fmt::print("client profile: {0}; to use it: export DML_PROFILE={0}\n", own.string());
  if (there == UserProfile::kOfOtherLibrary) {
    fmt::print(
        "note: {} is of another library, and dml talks to that one until DML_PROFILE is set as "
        "above; to make this library the usual one, move that file away and start dmld again\n",
        user.string());
  }
}

std::unique_ptr<SelfProbe> StartSelfProbe(const ServerConfig& config, const Daemon& daemon) {
  if (config.self_probe.interval.count() == 0) return nullptr;
  SelfProbeOptions options;
  options.address = daemon.address();
  options.interval = config.self_probe.interval;
  options.max_failures = config.self_probe.max_failures;
  options.give_up = [](const absl::Status& status) {
    spdlog::critical("giving up, for the supervisor to start anew: {}", Message(status));
    std::_Exit(kExitSelfProbe);  // What was acknowledged is durable; nothing else matters.
  };
  return std::make_unique<SelfProbe>(std::move(options));
}

// How soon a replaced certificate is in use.
constexpr std::chrono::seconds kFileInterval(5);

// What to parse again on SIGHUP.
struct Invocation {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

// The configuration file may have changed; flags and environment have not. What is wrong with it
// changes nothing.
void Reload(const Invocation& invocation, Daemon& daemon) {
  spdlog::info("SIGHUP: reading the configuration anew, looking at certificates and keys");
  const absl::StatusOr<CommandLine> command =
      ParseCommandLine(invocation.arguments, invocation.environment);
  if (command.ok()) {
    daemon.Reload(command->config);
  } else {
    spdlog::error("reload: nothing is changed: {} [{}]", Message(command.status()),
                  Reason(command.status()));
  }
}

std::unique_ptr<FileWatch> StartWatchdogOf(const ServiceManager& manager, const Daemon& daemon) {
  const auto interval = WatchdogInterval(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"));
  if (!manager.present() || !interval.has_value()) return nullptr;
  // A daemon that is read-only after a failed write is not helped by being killed at once: reads go
  // on until an operator has looked.
  return StartWatchdog(manager, *interval, [&daemon] { return daemon.Alive(); });
}

int Serve(const ServerConfig& config, const Invocation& invocation) {
  StartLogging(config.log);
  const ServiceManager manager = ServiceManager::OfProcess();
  auto signals = std::make_unique<StopSignals>();
  const IdentityFiles files(config.data_dir);
  std::error_code ignored;
  const bool first_start = !std::filesystem::exists(files.origin, ignored);
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(config);
  if (!daemon.ok()) return Fail(daemon.status());
  fmt::print("listening on {}\n", (*daemon)->address().ToString());
  AnnounceProfile(config, **daemon);
  if (first_start) AnnounceFirstStart(files);
  std::fflush(stdout);
  std::unique_ptr<SelfProbe> probe = StartSelfProbe(config, **daemon);

  auto watch = std::make_unique<FileWatch>(kFileInterval, [&daemon] {
    (*daemon)->ReloadFiles();
    (*daemon)->TellHealth();
  });
  std::unique_ptr<FileWatch> watchdog = StartWatchdogOf(manager, **daemon);
  const std::string serving = fmt::format("serving on {}", (*daemon)->address().ToString());
  manager.Ready(serving);

  const int signal = signals->Wait([&] {
    manager.Reloading();
    Reload(invocation, **daemon);
    watch->LookNow();
    manager.Ready(serving);
  });
  signals.reset();
  spdlog::info("stopping on signal {}; calls under way have {} s", signal,
               config.shutdown_grace.count());
  manager.Stopping(config.shutdown_grace);
  probe.reset();
  watch.reset();
  watchdog.reset();
  (*daemon)->Shutdown(config.shutdown_grace);
  spdlog::info("stopped");
  return kExitOk;
}

int Rebuild(const ServerConfig& config) {
  StartLogging(config.log);
  const absl::StatusOr<IndexRebuildReport> report = RebuildContentIndex(config);
  if (!report.ok()) return Fail(report.status());
  fmt::print("index made anew: {} packs, {} chunks, {} of them damaged or missing\n", report->packs,
             report->chunks, report->damaged);
  for (const uint64_t pack : report->packs_without_footer) {
    fmt::print("pack {} has no readable footer: its frames were looked at one by one\n", pack);
  }
  if (report->blobs_without_list > 0) {
    fmt::print("{} files have no whole list of chunks: publish them again\n",
               report->blobs_without_list);
  }
  fmt::print("next: start dmld, then dml admin scrub --wait\n");
  return kExitOk;
}

int RebuildViewsOf(const ServerConfig& config) {
  StartLogging(config.log);
  const absl::StatusOr<uint64_t> entries = RebuildLibraryViews(config);
  if (!entries.ok()) return Fail(entries.status());
  fmt::print("views folded anew from {} entries\nnext: start dmld, then dml admin verify\n",
             *entries);
  return kExitOk;
}

int ListBackups(const RestoreRequest& request) {
  const absl::StatusOr<BackupFolder> folder = BackupFolder::Open(request.backups, std::nullopt);
  if (!folder.ok()) return Fail(folder.status());
  const absl::StatusOr<std::vector<Backup>> all = folder->List();
  if (!all.ok()) return Fail(all.status());
  fmt::print("backups of {}:\n", folder->origin());
  for (const Backup& backup : *all) {
    fmt::print("{:>6}  {}  {} entries  {} bytes\n", backup.number, FormatTime(backup.time),
               backup.note.entries, backup.bytes);
  }
  return kExitOk;
}

int Restore(const RestoreRequest& request) {
  const absl::StatusOr<RestoreReport> report = RestoreBackup(request);
  if (!report.ok()) return Fail(report.status());
  const std::string dir = request.data_dir.string();
  fmt::print(
      "restored backup {} of {} ({}): {} entries, root {}\n"
      "next: copy keys/ and client/*.key into {}, from where you keep them; then\n"
      "  to look at it, changing nothing:  dmld --data-dir {} --read-only\n"
      "  to go on with it: put the newest signed-checkpoint that you have there and start dmld; "
      "see docs/operations.md, \"Backup and restore\"\n",
      report->backup.number, report->backup.note.origin, FormatTime(report->backup.time),
      report->entries, report->root.ToString(), dir, dir);
  return kExitOk;
}

int MakeLogKey(const ServerConfig& config) {
  const absl::StatusOr<NextLogKey> made = MakeNextLogKey(config.data_dir);
  if (!made.ok()) return Fail(made.status());
  fmt::print(
      "the journal's next key: {}\n  {}\nsigned so far: {} entries\n"
      "next: let the trust root name it, then stop dmld and set that root with dmld set-root:\n"
      "  dml root fetch --out root.json\n"
      "  dml root rotate root.json THE-LOG-KEY-OF-NOW --key {} --log-start-size {} --out "
      "next-root.json\n",
      made->key.id().ToString(), made->file.string(), made->signed_size, made->file.string(),
      made->signed_size);
  return kExitOk;
}

int TellNewOrigin(const ServerConfig& config) {
  StartLogging(config.log);
  const absl::StatusOr<NewOrigin> plan = PlanNewOrigin(config);
  if (!plan.ok()) return Fail(plan.status());
  fmt::print("the journal {} has {} entries, the last root among them is {}\n", plan->previous,
             plan->size, plan->root_version);
  if (plan->last_signed.has_value()) {
    fmt::print(
        "signed were {}: a newer backup may have what is missing here; it is lost if you "
        "go on\n",
        plan->last_signed->size);
  } else {
    fmt::print("what was signed last is lost: so a newer backup may exist\n");
  }
  fmt::print(
      "next: have the newest root (of a client, STATE.root) name a new origin, signed by the "
      "holders of the root keys, and set it, after those that are missing here:\n"
      "  dml root new-origin NEWEST-ROOT.json --origin {} --log-start-size {} --out "
      "next-root.json\n"
      "  dml root sign next-root.json --key ... --previous NEWEST-ROOT.json\n"
      "  dmld set-root --data-dir {} [MISSING-ROOT.json ...] next-root.json\n",
      plan->origin, plan->size, config.data_dir.string());
  return kExitOk;
}

int SetRoot(const CommandLine& command) {
  StartLogging(command.config.log);
  const absl::StatusOr<RootChange> done =
      SetRootsOffline(command.config, command.roots, command.root_keys_lost);
  if (!done.ok()) return Fail(done.status());
  fmt::print("trust root {} is set{}\n", done->version,
             done->log_key_changed ? ", and the journal's next key signs from now on" : "");
  if (!done->moved_to.empty()) {
    fmt::print("the journal goes on as {}\nnext: start dmld; clients with a rootFile follow\n",
               done->moved_to);
  }
  if (command.root_keys_lost) {
    fmt::print("no client follows it: give each {} as its rootFile\n",
               IdentityFiles(command.config.data_dir).root.string());
  }
  return kExitOk;
}

int Renew(const ServerConfig& config) {
  if (!config.tls.certificate.empty()) {
    return Fail(InvalidArgument(ErrorReason("USAGE_INVALID"),
                                "{} is from elsewhere (tls.certificate); have it renewed there",
                                config.tls.certificate.string()));
  }
  const absl::StatusOr<std::filesystem::path> certificate = RenewServerCertificate(
      {config.data_dir, config.server_names,
       std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())});
  if (!certificate.ok()) return Fail(certificate.status());
  fmt::print("made anew: {} and its key; a daemon that runs serves new connections with it soon\n",
             certificate->string());
  return kExitOk;
}

int Issue(const IssueRequest& request) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const absl::StatusOr<std::filesystem::path> profile = IssueCertificate(request, now);
  if (!profile.ok()) return Fail(profile.status());
  fmt::print("client profile: {}\n", profile->string());
  return kExitOk;
}

}  // namespace

DaemonExit DaemonExitFor(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  const std::string reason = Reason(status);
  auto starts_with_one_of = [&](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return reason.starts_with(word); });
  };
  if (starts_with_one_of({"USAGE_", "CONFIG_", "TLS_", "CERTIFICATE_", "JWKS_", "DESCRIPTOR_LIMIT_",
                          "ENVELOPE_", "ROOT_", "THRESHOLD_"})) {
    return kExitUsage;
  }
  if (starts_with_one_of({"DATA_DIR_", "STORAGE_", "JOURNAL_", "CHECKPOINT_", "ORIGIN_", "LOG_KEY_",
                          "BOOTSTRAP_", "CA_KEY_", "KEY_", "NOTE_", "FILE_", "DISK_", "INDEX_",
                          "BACKUP_", "LIBRARY_"})) {
    return kExitDataDirectory;
  }
  return kExitFailure;
}

int RunProgram(int argc, char** argv) {
  const Invocation invocation{std::vector<std::string>(argv + std::min(argc, 1), argv + argc),
                              ProcessEnvironment()};
  const absl::StatusOr<CommandLine> command =
      ParseCommandLine(invocation.arguments, invocation.environment);
  if (!command.ok()) {
    Fail(command.status());
    return kExitUsage;
  }
  switch (command->action) {
    case CommandLine::Action::kPrint:
      fmt::print("{}", command->output);
      return kExitOk;
    case CommandLine::Action::kIssueCertificate:
      return Issue(command->issue);
    case CommandLine::Action::kNewLogKey:
      return MakeLogKey(command->config);
    case CommandLine::Action::kNewOrigin:
      return TellNewOrigin(command->config);
    case CommandLine::Action::kSetRoot:
      return SetRoot(*command);
    case CommandLine::Action::kRenewCertificate:
      return Renew(command->config);
    case CommandLine::Action::kRebuildIndex:
      return Rebuild(command->config);
    case CommandLine::Action::kRebuildViews:
      return RebuildViewsOf(command->config);
    case CommandLine::Action::kRestore:
      return command->list_backups ? ListBackups(command->restore) : Restore(command->restore);
    case CommandLine::Action::kServe:
      return Serve(command->config, invocation);
  }
  return kExitFailure;
}

}  // namespace dml
