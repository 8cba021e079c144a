#include "tools/agent/exec_handler.h"

#include <system_error>

namespace dml::agent {
namespace {

void Describe(const std::string& prefix, const SetItem* item, const StagedContent& content,
              std::vector<std::pair<std::string, std::string>>& out) {
  const bool has = item != nullptr;
  out.emplace_back(prefix + "VERSION", has ? item->variant.version : "");
  out.emplace_back(prefix + "PLATFORM", has ? item->variant.platform.VariantId() : "");
  out.emplace_back(prefix + "MANIFEST", has ? item->manifest.digest.ToString() : "");
  out.emplace_back(prefix + "FILES",
                   has && !content.folder.empty() ? (content.folder / "files").string() : "");
  out.emplace_back(prefix + "CONFIGURATION", has ? content.configuration.string() : "");
}

std::string ActionOf(const HandlerStep& step) {
  if (step.after == nullptr) return "REMOVE";
  return step.before == nullptr ? "INSTALL" : "UPGRADE";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> HookEnvironment(const std::string& name,
                                                                 const HandlerStep& step) {
  std::vector<std::pair<std::string, std::string>> out = {
      {"LC_ALL", "C.UTF-8"},
      {"DML_STEP", name},
      {"DML_PACKAGE", step.item().variant.package.ToString()},
      {"DML_PERMIT", step.permit},
      {"DML_ACTION", ActionOf(step)}};
  Describe("DML_", step.after, step.after_content, out);
  Describe("DML_PREVIOUS_", step.before, step.before_content, out);
  return out;
}

bool ExecHandler::Has(const std::string& name) const {
  std::error_code error;
  return std::filesystem::exists(options_.scripts / name, error);
}

absl::Status ExecHandler::Run(const std::string& name, const HandlerStep& step) const {
  ChildCommand command;
  command.program = options_.scripts / name;
  command.arguments = {name};
  command.environment = HookEnvironment(name, step);
  command.time_limit = options_.time_limit;
  command.max_output = options_.max_output;
  return RunChild(command).status();
}

absl::Status ExecHandler::Check(const HandlerStep& step) {
  for (const char* name : {"install", "activate", "health", "rollback"}) {
    DML_RETURN_IF_ERROR(CheckProgram(options_.scripts / name));
  }
  return Has("check") ? Run("check", step) : absl::OkStatus();
}

absl::Status ExecHandler::Clean(const SetItem& item) {
  if (!Has("clean")) return absl::OkStatus();
  HandlerStep step;
  step.before = &item;
  return Run("clean", step);
}

absl::StatusOr<std::vector<std::string>> ExecHandler::Verify(const SetItem& item,
                                                             const StagedContent& content) {
  HandlerStep step;
  step.after = &item;
  step.after_content = content;
  const absl::Status status = Run("health", step);
  if (status.ok()) return std::vector<std::string>();
  return std::vector<std::string>{
      fmt::format("{}: {}", item.variant.package.ToString(), Message(status))};
}

}  // namespace dml::agent
