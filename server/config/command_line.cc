#include "server/config/command_line.h"

#include <algorithm>
#include <optional>

#include <CLI/CLI.hpp>

#include "core/os/file.h"
#include "server/auth/issuer_files.h"
#include "server/config/version.h"

namespace dml {
namespace {

constexpr uint64_t kMaxFileBytes = 1 << 20;

struct Flags {
  std::string config_file;
  std::optional<std::string> data_dir;
  std::optional<std::string> listen;
  bool read_only = false;
  bool insecure_loopback = false;
  bool accept_missing_checkpoint = false;
  bool check_config = false;
  bool print_config = false;

  std::string issue_data_dir;
  std::string issue_name;
  std::string issue_role;
  std::string issue_out;
  std::string issue_server;
  int issue_days = 365;

  std::vector<std::string> roots;
  bool root_keys_lost = false;

  std::string restore_from;
  std::string restore_data_dir;
  uint32_t restore_number = 0;
  std::optional<uint64_t> restore_last_index;
  bool restore_list = false;
};

// Those that were given.
struct Subcommands {
  const CLI::App* issue = nullptr;
  const CLI::App* rebuild = nullptr;
  const CLI::App* renew = nullptr;
  const CLI::App* new_log_key = nullptr;
  const CLI::App* new_origin = nullptr;
  const CLI::App* set_root = nullptr;
  const CLI::App* rebuild_views = nullptr;
  const CLI::App* restore = nullptr;
};

void AddServeFlags(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("dmld ") + kServerVersion);
  app.add_option("--config", flags.config_file,
                 "Configuration file (YAML); settings come from flags, then DMLD_ variables of the "
                 "environment, then this file");
  app.add_option("--data-dir", flags.data_dir, "Where everything is kept; made at the first start");
  app.add_option("--listen", flags.listen,
                 "IP address and port, default 127.0.0.1:7443; port 0 takes a free one");
  app.add_flag("--read-only", flags.read_only, "Serve what is there, and change nothing");
  app.add_flag("--insecure-loopback", flags.insecure_loopback,
               "No TLS and no authentication; loopback addresses only, for experiments");
  app.add_flag(
      "--accept-missing-checkpoint", flags.accept_missing_checkpoint,
      "For one start: take the journal as it is although the file signed-checkpoint, which "
      "tells whether it is whole, is lost");
  app.add_flag("--check-config", flags.check_config,
               "Check the configuration, and the files of issuers' keys, and end");
  app.add_flag("--print-config", flags.print_config, "Print the whole configuration and end");
}

CLI::App* AddIssueCommand(CLI::App& app, Flags& flags) {
  CLI::App* issue = app.add_subcommand(
      "issue-certificate", "Make a certificate, key and profile for another person or program");
  issue->add_option("--data-dir", flags.issue_data_dir, "The library's data directory")->required();
  issue->add_option("--name", flags.issue_name, "Who it is for: letters, digits, '.', '_', '-'")
      ->required();
  issue->add_option("--role", flags.issue_role, "What it may ask: " + RoleWords())->required();
  issue->add_option("--out", flags.issue_out, "Folder for the files")->required();
  issue->add_option("--server", flags.issue_server,
                    "Address for the profile, default: where the library listened last");
  issue->add_option("--days", flags.issue_days, "How long it is good")->capture_default_str();
  return issue;
}

// Work on a data directory.
CLI::App* AddWork(CLI::App& app, Flags& flags, const std::string& name, const std::string& what) {
  CLI::App* work = app.add_subcommand(name, what);
  work->add_option("--data-dir", flags.data_dir, "The library's data directory");
  work->add_option("--config", flags.config_file, "Configuration file (YAML) that names it");
  return work;
}

CLI::App* AddSetRootCommand(CLI::App& app, Flags& flags) {
  CLI::App* set_root = AddWork(app, flags, "set-root",
                               "Set the next trust root while no daemon runs; it may name the next "
                               "key of the journal, or its next origin");
  set_root->add_option("roots", flags.roots, "The signed root; several in the order of versions")
      ->required();
  set_root->add_flag("--root-keys-lost", flags.root_keys_lost,
                     "Take a root that only its own keys have signed; every client must then pin "
                     "it anew");
  return set_root;
}

CLI::App* AddRestoreCommand(CLI::App& app, Flags& flags) {
  CLI::App* restore = app.add_subcommand(
      "restore", "Make a data directory from a backup, as a whole or not at all");
  restore->add_option("--from", flags.restore_from, "The folder of backups (backup.folder)")
      ->required();
  auto* data_dir = restore->add_option("--data-dir", flags.restore_data_dir,
                                       "The directory to make: new or empty");
  restore->add_option("--number", flags.restore_number, "Which backup, default: the newest");
  restore->add_option("--last-index", flags.restore_last_index,
                      "The last journal entry to keep: the library as it was after it");
  auto* list = restore->add_flag("--list", flags.restore_list, "Only tell what backups there are");
  list->excludes(data_dir);
  return restore;
}

// The file that the flags name, else the environment; "" for none.
std::string ConfigFile(const Flags& flags, std::span<const std::string> environment) {
  constexpr std::string_view kVariable = "DMLD_CONFIG=";
  if (!flags.config_file.empty()) return flags.config_file;
  for (const std::string& line : environment) {
    if (line.starts_with(kVariable)) return line.substr(kVariable.size());
  }
  return "";
}

absl::StatusOr<ServerConfig> LoadConfig(const Flags& flags,
                                        std::span<const std::string> environment) {
  ServerConfig config;
  if (const std::string file = ConfigFile(flags, environment); !file.empty()) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxFileBytes));
    DML_ASSIGN_OR_RETURN(config, ParseServerConfig(text, file, environment));
  } else {
    DML_ASSIGN_OR_RETURN(config, ServerConfigOf(environment));
  }
  if (flags.data_dir) config.data_dir = *flags.data_dir;
  if (flags.listen) config.listen = *flags.listen;
  if (flags.read_only) config.read_only = true;
  config.insecure_loopback = flags.insecure_loopback;
  config.accept_missing_checkpoint = flags.accept_missing_checkpoint;
  if (!config.data_dir.empty()) {
    config.data_dir = std::filesystem::absolute(config.data_dir).lexically_normal();
  }
  DML_RETURN_IF_ERROR(config.Validate());
  return config;
}

absl::StatusOr<CommandLine> Interpret(const Flags& flags, const Subcommands& given,
                                      std::span<const std::string> environment) {
  CommandLine out;
  if (given.issue->parsed()) {
    const std::optional<Role> role = ParseRole(flags.issue_role);
    if (!role) {
      return InvalidArgument(ErrorReason("USAGE_INVALID"), "no role '{}'; there are: {}",
                             flags.issue_role, RoleWords());
    }
    out.action = CommandLine::Action::kIssueCertificate;
    out.issue = {flags.issue_data_dir, flags.issue_name,   *role,
                 flags.issue_out,      flags.issue_server, flags.issue_days};
    return out;
  }
  if (given.restore->parsed()) {
    if (flags.restore_data_dir.empty() && !flags.restore_list) {
      return InvalidArgument(ErrorReason("USAGE_INVALID"),
                             "name the directory to make with --data-dir, or --list what there is");
    }
    out.action = CommandLine::Action::kRestore;
    out.list_backups = flags.restore_list;
    out.restore.backups = std::filesystem::absolute(flags.restore_from).lexically_normal();
    out.restore.number = flags.restore_number;
    out.restore.last_index = flags.restore_last_index;
    if (!flags.restore_list) {
      out.restore.data_dir = std::filesystem::absolute(flags.restore_data_dir).lexically_normal();
    }
    return out;
  }
  DML_ASSIGN_OR_RETURN(out.config, LoadConfig(flags, environment));
  if (given.rebuild_views->parsed()) out.action = CommandLine::Action::kRebuildViews;
  if (given.rebuild->parsed()) out.action = CommandLine::Action::kRebuildIndex;
  if (given.renew->parsed()) out.action = CommandLine::Action::kRenewCertificate;
  if (given.new_log_key->parsed()) out.action = CommandLine::Action::kNewLogKey;
  if (given.new_origin->parsed()) out.action = CommandLine::Action::kNewOrigin;
  if (given.set_root->parsed()) {
    out.action = CommandLine::Action::kSetRoot;
    out.roots.assign(flags.roots.begin(), flags.roots.end());
    out.root_keys_lost = flags.root_keys_lost;
  }
  if (flags.check_config) {
    DML_RETURN_IF_ERROR(IssuerFiles::Open(out.config.auth.issuers).status());
  }
  if (flags.check_config || flags.print_config) {
    out.action = CommandLine::Action::kPrint;
    out.output =
        flags.print_config ? FormatServerConfig(out.config) : "the configuration is good\n";
  }
  return out;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             std::span<const std::string> environment) {
  CLI::App app("The daemon of a definitive media library.", "dmld");
  Flags flags;
  AddServeFlags(app, flags);
  const Subcommands given = {
      .issue = AddIssueCommand(app, flags),
      .rebuild =
          AddWork(app, flags, "rebuild-index",
                  "Make the index of stored content anew from the content, while no daemon runs"),
      .renew =
          AddWork(app, flags, "renew-certificate",
                  "Make the server's own certificate and key anew, whether a daemon runs or not"),
      .new_log_key = AddWork(app, flags, "new-log-key",
                             "Make a key that is to follow the journal's own, as the trust root "
                             "will say"),
      .new_origin = AddWork(app, flags, "new-origin",
                            "Say how a journal that lost signed entries (a restored backup) goes "
                            "on under a new name"),
      .set_root = AddSetRootCommand(app, flags),
      .rebuild_views =
          AddWork(app, flags, "rebuild-views",
                  "Fold the views anew from the journal, while no daemon runs: what dml admin "
                  "verify says where they differ"),
      .restore = AddRestoreCommand(app, flags)};
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 pops.
  } catch (const CLI::CallForHelp&) {
    return CommandLine{CommandLine::Action::kPrint, {}, app.help(), {}};
  } catch (const CLI::CallForVersion&) {
    return CommandLine{CommandLine::Action::kPrint, {}, app.version() + "\n", {}};
  } catch (const CLI::ParseError& error) {
    return InvalidArgument(ErrorReason("USAGE_INVALID"), "{}; see dmld --help", error.what());
  }
  return Interpret(flags, given, environment);
}

}  // namespace dml
