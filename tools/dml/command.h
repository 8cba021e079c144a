// The tree of commands, and how a noun adds its verbs to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/dml/app.h"

namespace dml {

using CommandFn = std::function<absl::StatusOr<Reply>(Context&)>;

/// The words of a command. Its help ends with the example.
struct CommandInfo {
  const char* name;
  const char* description;
  const char* example;
};

/// All commands and the global options. One thread; must outlive the functions that it selects.
class CommandTree {
 public:
  CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  CLI::App& root() { return root_; }
  const GlobalOptions& options() const { return options_; }
  /// What the parsed command line asks for; empty before.
  const CommandFn& selected() const { return selected_; }

  /// A noun, whose verbs are added to the result.
  CLI::App& AddNoun(const char* name, const char* description);
  /// One below another: "dml namespace retention set".
  CLI::App& AddNoun(CLI::App& parent, const char* name, const char* description);

  /// What a noun does without a verb, which need not follow then.
  void SetDefault(CLI::App& noun, CommandFn run);

  /// A command with options of type Args, declared by `declare` and handed to `run`.
  template <typename Args>
  void Add(CLI::App& parent, const CommandInfo& info, void (*declare)(CLI::App&, Args&),
           absl::StatusOr<Reply> (*run)(Context&, const Args&)) {
    auto args = std::make_shared<Args>();
    CLI::App& app = AddCommand(parent, info);
    declare(app, *args);
    Select(app, [args, run](Context& context) { return run(context, *args); });
  }
  /// A command without options of its own.
  void Add(CLI::App& parent, const CommandInfo& info, CommandFn run) {
    Select(AddCommand(parent, info), std::move(run));
  }

 private:
  CLI::App& AddCommand(CLI::App& parent, const CommandInfo& info);
  void Select(CLI::App& app, CommandFn run);

  GlobalOptions options_;
  CLI::App root_;
  CommandFn selected_;
};

/// How the names of OneOf's validators begin; the words follow, for completion.
inline constexpr std::string_view kOneOf = "one of: ";

/// Lets one of these words pass; says which there are otherwise.
CLI::Validator OneOf(std::vector<std::string> words);

inline constexpr uint64_t kNoMaximum = UINT64_MAX;

/// The words of all kinds of journal entries.
std::vector<std::string> EntryKinds();

/// Lets a whole number of `min` to `max` pass; says what it is otherwise, such as "a number of
/// items".
CLI::Validator WholeNumber(std::string what, uint64_t min, uint64_t max);

/// An option that takes one value each time and may be given several times.
inline CLI::Option* AddRepeated(CLI::App& app, const std::string& names,
                                std::vector<std::string>& values, const std::string& description) {
  return app.add_option(names, values, description)->allow_extra_args(false)->take_all();
}

void AddStatusCommands(CommandTree& tree);  // status
/// `dml version` without a verb.
absl::StatusOr<Reply> ShowProgramVersion(Context& context);
void AddVersionCommands(CommandTree& tree);
void AddCompletionCommands(CommandTree& tree);  // completion
void AddNamespaceCommands(CommandTree& tree);
void AddPackageCommands(CommandTree& tree);
void AddPackageTransferCommands(CommandTree& tree, CLI::App& package);
void AddPackageSignCommands(CommandTree& tree, CLI::App& package);  // package statement, sign
void AddBundleCommands(CommandTree& tree, CLI::App& package);       // package bundle, verify
void AddImportCommands(CommandTree& tree);
void AddUsesCommands(CommandTree& tree, CLI::App& compat);
void AddImportOciCommand(CommandTree& tree, CLI::App& noun);
void AddImportIndexCommand(CommandTree& tree, CLI::App& noun);
void AddImportAdvisoryCommands(CommandTree& tree, CLI::App& noun);
void AddImportSbomCommands(CommandTree& tree, CLI::App& noun);
void AddExportCommands(CommandTree& tree);  // export, inventory
void AddKeyCommands(CommandTree& tree);
void AddAttestCommands(CommandTree& tree);
void AddRootCommands(CommandTree& tree);
void AddRootSigningCommands(CommandTree& tree, CLI::App& root);
void AddDelegationCommands(CommandTree& tree);
void AddTufCommands(CommandTree& tree, CLI::App& root);  // root export-tuf
void AddAccessCommands(CommandTree& tree);               // auth, role, token
void AddCustodyCommands(CommandTree& tree);              // quarantine, hold
void AddMediaCommands(CommandTree& tree);
void AddEntitlementCommands(CommandTree& tree);
void AddLeaseCommands(CommandTree& tree, CLI::App& entitlement);
void AddEnvironmentCommands(CommandTree& tree);  // environment, node
void AddPolicyCommands(CommandTree& tree);
void AddPolicyOfflineCommands(CommandTree& tree, CLI::App& policy);  // policy schema, diff, test
void AddLicenseCommands(CommandTree& tree);
void AddCompatCommands(CommandTree& tree);
void AddDebianCommands(CommandTree& tree, CLI::App& compat);  // compat installable, solve
void AddNodesCommands(CommandTree& tree,
                      CLI::App& compat);  // compat check-environment, plan, what-breaks
void AddResolveCommands(CommandTree& tree, CLI::App& compat);  // compat resolve, why-not, versions
void AddAdvisoryCommands(CommandTree& tree);
void AddGateCommands(CommandTree& tree);
void AddGateQuestionCommands(CommandTree& tree, CLI::App& gate);  // gate what-if, explain, batch
void AddPermitCommands(CommandTree& tree);
void AddPermitVerifyCommand(CommandTree& tree, CLI::App& permit);  // permit verify
void AddDeployCommands(CommandTree& tree);
void AddReleaseCommands(CommandTree& tree);
void AddReleaseLibraryCommands(CommandTree& tree, CLI::App& release);  // release seal, list, ...
void AddOverrideCommand(CommandTree& tree, CLI::App& release);         // release override
void AddRolloutCommands(CommandTree& tree);
void AddMeasuresCommands(CommandTree& tree);
void AddFindingsCommand(CommandTree& tree, CLI::App& gate);  // gate findings
void AddLogCommands(CommandTree& tree);
void AddLogWatchCommand(CommandTree& tree, CLI::App& log);    // log watch
void AddLogAuditCommands(CommandTree& tree, CLI::App& log);   // log verify, log monitor
void AddLogWitnessCommand(CommandTree& tree, CLI::App& log);  // log witness
void AddLogCosignCommands(CommandTree& tree, CLI::App& log);  // log request-cosignatures, vkey
void AddAuditLogCommand(CommandTree& tree, CLI::App& log);    // log verify-audit
void AddAdminCommands(CommandTree& tree);
void AddUpkeepCommands(CommandTree& tree, CLI::App& admin);
void AddOperationsCommands(CommandTree& tree, CLI::App& admin);  // admin backup, verify
void AddRetentionCommands(CommandTree& tree, CLI::App& ns);

}  // namespace dml
