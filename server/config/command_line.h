// The command line of dmld.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/auth/issue.h"
#include "server/config/server_config.h"
#include "storage/backup/restore.h"

namespace dml {

struct CommandLine {
  enum class Action {
    kServe,
    kPrint,
    kIssueCertificate,
    kRenewCertificate,
    kRebuildIndex,
    kRebuildViews,
    kRestore,
    kNewLogKey,
    kNewOrigin,
    kSetRoot
  };
  Action action = Action::kServe;
  ServerConfig config;                       // kServe; of others the data directory and its limits.
  std::string output;                        // kPrint: help, version, or the configuration.
  IssueRequest issue;                        // kIssueCertificate.
  std::vector<std::filesystem::path> roots;  // kSetRoot.
  bool root_keys_lost = false;               // kSetRoot.
  RestoreRequest restore;                    // kRestore.
  bool list_backups = false;                 // kRestore: tells what there is, and restores nothing.
};

/// Reads the arguments (without the program's name), the configuration file that they or
/// DMLD_CONFIG name, and `environment` ("NAME=VALUE" each; server/config/environment.h). Flags come
/// before the environment, that before the file, the file before the defaults. The configuration is
/// validated. INVALID_ARGUMENT: USAGE_INVALID, CONFIG_INVALID; and the errors of reading the file.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             std::span<const std::string> environment = {});

}  // namespace dml
