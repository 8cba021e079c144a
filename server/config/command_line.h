// The command line of dmld.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/auth/issue.h"
#include "server/config/server_config.h"

namespace dml {

struct CommandLine {
  enum class Action {
    kServe,
    kPrint,
    kIssueCertificate,
    kRenewCertificate,
    kRebuildIndex,
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
};

/// Reads the arguments (without the program's name) and the configuration file that they name.
/// Flags come before the file, the file before the defaults. The configuration is validated.
/// INVALID_ARGUMENT: USAGE_INVALID, CONFIG_INVALID; and the errors of reading the file.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

}  // namespace dml
