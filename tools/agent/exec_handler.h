// The handler that leaves it to scripts of an operator (docs/agent.md, "Scripts"):
// a folder with programs named check, install, activate, health, rollback and clean, of which check
// and clean may be missing. Each is run with its own name as its only argument, the environment
// below and an empty input; it has done what it should when it ends with 0.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tools/agent/child_process.h"
#include "tools/agent/handler.h"

namespace dml::agent {

struct ExecOptions {
  std::filesystem::path scripts;  // The folder.
  std::chrono::milliseconds time_limit{300'000};
  size_t max_output = 64 << 10;
};

/// What a hook is told:
///   DML_STEP              its name
///   DML_PACKAGE           "acme/api"
///   DML_PERMIT            id
///   DML_ACTION            INSTALL, UPGRADE (or a configuration), REMOVE
///   DML_VERSION, DML_PLATFORM, DML_MANIFEST, DML_FILES, DML_CONFIGURATION
///                         of what is to run: digest, folder of the files, file; "" where there is
///                         nothing
///   DML_PREVIOUS_VERSION, DML_PREVIOUS_MANIFEST, DML_PREVIOUS_FILES, DML_PREVIOUS_CONFIGURATION
///                         of what is there before
std::vector<std::pair<std::string, std::string>> HookEnvironment(const std::string& name,
                                                                 const HandlerStep& step);

class ExecHandler final : public Handler {
 public:
  explicit ExecHandler(ExecOptions options) : options_(std::move(options)) {}

  absl::Status Check(const HandlerStep& step) override;
  absl::Status Install(const HandlerStep& step) override { return Run("install", step); }
  absl::Status Activate(const HandlerStep& step) override { return Run("activate", step); }
  absl::Status CheckHealth(const HandlerStep& step) override { return Run("health", step); }
  absl::Status RollBack(const HandlerStep& step) override { return Run("rollback", step); }
  absl::Status Clean(const SetItem& item) override;
  /// Runs health: how its files look, only its scripts know.
  absl::StatusOr<std::vector<std::string>> Verify(const SetItem& item,
                                                  const StagedContent& content) override;
  bool keeps_content() const override { return true; }
  std::vector<std::filesystem::path> LocalContent(const SetItem&) const override { return {}; }

 private:
  absl::Status Run(const std::string& name, const HandlerStep& step) const;
  bool Has(const std::string& name) const;

  const ExecOptions options_;
};

}  // namespace dml::agent
