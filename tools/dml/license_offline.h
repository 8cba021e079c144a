// What the commands of `dml license` share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/license/policy.h"
#include "core/license/properties.h"
#include "tools/dml/command.h"

namespace dml {

/// What a line over kMaxBatchLineBytes is answered with, by itself and after "invalid: ".
inline constexpr std::string_view kTooLongLine =
    "column 65537: expected the end of the line, found more";
inline constexpr std::string_view kBatchLineTooLong =
    "invalid: column 65537: expected the end of the line, found more";

/// --batch and --license-list FILE.
void AddBatchFlag(CLI::App& app, bool& batch);
void AddLicenseListOption(CLI::App& app, std::string& file);

/// The built-in list where `file` is "". The errors of ReadFile and LicenseList::Parse.
absl::StatusOr<LicenseList> ReadLicenseList(const std::string& file);

/// --license-properties FILE: what the categories of a policy mean.
void AddLicensePropertiesOption(CLI::App& app, std::string& file);
/// Named in verdicts by the digest of the file; nullopt where `file` is "". The errors of ReadFile
/// and LicenseProperties::Parse.
absl::StatusOr<std::optional<LicenseProperties>> ReadLicenseProperties(const std::string& file,
                                                                       const LicenseList& list);

/// "invalid: column N: ...", the answer to a line that is no license expression.
std::string InvalidLine(const absl::Status& status);

/// The outcome in its color.
Cell OutcomeCell(LicenseOutcome outcome);

/// --provision, --combination and --unmodified.
struct ContextArgs {
  std::string provision;
  std::string combination;
  bool unmodified = false;

  bool given() const { return !provision.empty() || !combination.empty() || unmodified; }
};
void AddContextOptions(CLI::App& app, ContextArgs& args);
/// What is not given is the use that licenses ask most of.
LicenseContext ContextOf(const ContextArgs& args);

void AddLicenseCheckCommand(CommandTree& tree, CLI::App& license);     // check
void AddLicenseReportCommand(CommandTree& tree, CLI::App& license);    // report
void AddLicenseDryRunCommand(CommandTree& tree, CLI::App& license);    // dry-run
void AddLicenseFindCommand(CommandTree& tree, CLI::App& license);      // find
void AddLicenseConcludeCommand(CommandTree& tree, CLI::App& license);  // conclude
void AddLicenseOfflineCommands(CommandTree& tree, CLI::App& license);  // parse, compare
void AddLicenseDataCommands(CommandTree& tree, CLI::App& license);     // data

}  // namespace dml
