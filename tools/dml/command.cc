#include "tools/dml/command.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr const char* kRootFooter = R"(Exit codes:
  0  done
  1  failed, or refused by the library
  2  refused here: the arguments, or a file that they or the profile name
  3  the answer is no: denied, under review, not compatible, not verified
  4  not found
  5  not authenticated, or no permission
  6  the server was not reached, or did not answer in time
  7  good as far as it was looked at: whether it was revoked was not

Example:
  dml --output json package search "license = MIT")";

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--profile", options.profile,
                 "How to reach the library; default: $DML_PROFILE, then "
                 "$XDG_CONFIG_HOME/dml/profile.yaml")
      ->type_name("FILE");
  app.add_option("--output", options.output, "table (for people) or json (for programs)")
      ->check(OneOf({"table", "json"}))
      ->type_name("FORM");
  app.add_flag("--quiet", options.quiet, "No progress and no notes");
  app.add_flag("--no-color", options.no_color, "No colors on a terminal");
  app.add_option("--page-size", options.page_size, "Items of a list to fetch at once, 1 to 1000")
      ->check(WholeNumber("a number of items", 1, 1000))
      ->type_name("N");
  app.add_option("--page-token", options.page_token, "Go on where the last page of a list ended")
      ->type_name("TOKEN");
  app.add_flag("--all", options.all, "All pages of a list");
}

}  // namespace

CLI::Validator OneOf(std::vector<std::string> words) {
  std::string name = std::string(kOneOf) + fmt::format("{}", fmt::join(words, " "));
  auto check = [words = std::move(words)](const std::string& text) -> std::string {
    if (std::ranges::count(words, text) > 0) return "";
    return fmt::format("\"{}\" is none of: {}", Excerpt(text), fmt::join(words, ", "));
  };
  return {check, "", std::move(name)};
}

CLI::Validator WholeNumber(std::string what, uint64_t min, uint64_t max) {
  auto check = [what = std::move(what), min, max](const std::string& text) -> std::string {
    uint64_t value = 0;
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && value >= min && value <= max) return "";
    return fmt::format("\"{}\" is not {}; write {} {}", Excerpt(text), what, min,
                       max == kNoMaximum ? "or more" : fmt::format("to {}", max));
  };
  return {check, ""};
}

CommandTree::CommandTree() : root_("The definitive media library's command line.", "dml") {
  root_.fallthrough();
  root_.require_subcommand(1);
  root_.set_version_flag("--version", "dml " DML_VERSION, "This program's version");
  AddGlobalOptions(root_, options_);
  AddStatusCommands(*this);
  AddVersionCommands(*this);
  AddNamespaceCommands(*this);
  AddPackageCommands(*this);
  AddImportCommands(*this);
  AddExportCommands(*this);
  AddKeyCommands(*this);
  AddAttestCommands(*this);
  AddRootCommands(*this);
  AddDelegationCommands(*this);
  AddAccessCommands(*this);
  AddCustodyCommands(*this);
  AddMediaCommands(*this);
  AddEntitlementCommands(*this);
  AddEnvironmentCommands(*this);
  AddPolicyCommands(*this);
  AddLicenseCommands(*this);
  AddCompatCommands(*this);
  AddReleaseCommands(*this);
  AddRolloutCommands(*this);
  AddMeasuresCommands(*this);
  AddAdvisoryCommands(*this);
  AddGateCommands(*this);
  AddPermitCommands(*this);
  AddDeployCommands(*this);
  AddLogCommands(*this);
  AddAdminCommands(*this);
  AddCompletionCommands(*this);
  root_.footer(kRootFooter);  // Last: what is added to it inherits it.
}

CLI::App& CommandTree::AddNoun(const char* name, const char* description) {
  return AddNoun(root_, name, description);
}

CLI::App& CommandTree::AddNoun(CLI::App& parent, const char* name, const char* description) {
  CLI::App& noun = *parent.add_subcommand(name, description);
  noun.require_subcommand(1);
  const std::string above = &parent == &root_ ? "" : parent.get_name() + " ";
  noun.footer([&noun, above] {
    std::string verb = noun.get_subcommands({}).front()->get_name();
    return fmt::format("Example:\n  dml {}{} {} --help", above, noun.get_name(), verb);
  });
  return noun;
}

CLI::App& CommandTree::AddCommand(CLI::App& parent, const CommandInfo& info) {
  CLI::App& app = *parent.add_subcommand(info.name, info.description);
  app.footer(fmt::format("Global options: see dml --help\n\nExample:\n  {}", info.example));
  return app;
}

void CommandTree::Select(CLI::App& app, CommandFn run) {
  app.callback([this, run = std::move(run)] { selected_ = run; });
}

void CommandTree::SetDefault(CLI::App& noun, CommandFn run) {
  noun.require_subcommand(0, 1);
  // Runs after the callback of a verb, which has selected then.
  noun.final_callback([this, &noun, run = std::move(run)] {
    if (noun.get_subcommands().empty()) selected_ = run;
  });
}

}  // namespace dml
