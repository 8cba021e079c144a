#include "tools/agent/deb_handler.h"

#include <system_error>

#include "tools/agent/exec_handler.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

std::string WithoutLineEnd(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

absl::StatusOr<std::string> DebHandler::Run(const char* program,
                                            std::vector<std::string> arguments) const {
  ChildCommand command;
  command.program = fs::path("/usr/bin") / program;
  command.arguments = std::move(arguments);
  command.environment = {{"DEBIAN_FRONTEND", "noninteractive"}, {"LC_ALL", "C.UTF-8"}};
  command.time_limit = options_.time_limit;
  DML_ASSIGN_OR_RETURN(ChildResult result, RunChild(command));
  return std::move(result.output);
}

absl::StatusOr<DebHandler::Deb> DebHandler::Read(const StagedContent& content) const {
  Deb out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(content.folder / "files", error), end;
       !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".deb") continue;
    if (!out.file.empty()) {
      return FailedPrecondition(ErrorReason("DEB_UNEXPECTED"),
                                "{} and {} are in one package of the library; publish each of them "
                                "as one of its own",
                                out.file.filename().string(), it->path().filename().string());
    }
    out.file = it->path();
  }
  if (out.file.empty()) {
    return FailedPrecondition(ErrorReason("DEB_UNEXPECTED"), "no file of {} ends in .deb",
                              content.folder.string());
  }
  DML_ASSIGN_OR_RETURN(out.name, Run("dpkg-deb", {"--field", out.file.string(), "Package"}));
  DML_ASSIGN_OR_RETURN(out.version, Run("dpkg-deb", {"--field", out.file.string(), "Version"}));
  out.name = WithoutLineEnd(std::move(out.name));
  out.version = WithoutLineEnd(std::move(out.version));
  return out;
}

std::string DebHandler::Status(const Deb& deb) const {
  const absl::StatusOr<std::string> found =
      Run("dpkg-query", {"--root=" + options_.root.string(), "--show",
                         "--showformat=${db:Status-Status} ${Version}", deb.name});
  return found.value_or("");
}

absl::Status DebHandler::Put(const Deb& deb) const {
  if (Status(deb) == "installed " + deb.version) return absl::OkStatus();
  return Run("dpkg", {"--root=" + options_.root.string(), "--force-downgrade", "--force-confdef",
                      "--force-confold", "--install", deb.file.string()})
      .status();
}

absl::Status DebHandler::Remove(const Deb& deb) const {
  const std::string status = Status(deb);
  if (status.empty() || status.starts_with("not-installed") || status.starts_with("config-files")) {
    return absl::OkStatus();
  }
  return Run("dpkg", {"--root=" + options_.root.string(), "--remove", deb.name}).status();
}

absl::Status DebHandler::Check(const HandlerStep&) {
  for (const char* program : {"dpkg", "dpkg-deb", "dpkg-query"}) {
    DML_RETURN_IF_ERROR(CheckProgram(fs::path("/usr/bin") / program));
  }
  return options_.health.empty() ? absl::OkStatus() : CheckProgram(options_.health);
}

absl::Status DebHandler::Install(const HandlerStep& step) {
  DML_ASSIGN_OR_RETURN(Deb deb, Read(step.after_content));
  return Run("dpkg-deb", {"--contents", deb.file.string()}).status();
}

absl::Status DebHandler::Activate(const HandlerStep& step) {
  DML_ASSIGN_OR_RETURN(Deb deb,
                       Read(step.after != nullptr ? step.after_content : step.before_content));
  return step.after != nullptr ? Put(deb) : Remove(deb);
}

absl::Status DebHandler::CheckHealth(const HandlerStep& step) {
  if (step.after != nullptr) {
    DML_ASSIGN_OR_RETURN(std::vector<std::string> faults, Verify(*step.after, step.after_content));
    if (!faults.empty()) {
      return Internal(ErrorReason("DEB_NOT_INSTALLED"), "{}", faults.front());
    }
  }
  if (options_.health.empty()) return absl::OkStatus();
  ChildCommand command;
  command.program = options_.health;
  command.arguments = {"health"};
  command.environment = HookEnvironment("health", step);
  command.time_limit = options_.time_limit;
  return RunChild(command).status();
}

absl::Status DebHandler::RollBack(const HandlerStep& step) {
  if (step.before != nullptr) {
    DML_ASSIGN_OR_RETURN(Deb deb, Read(step.before_content));
    return Put(deb);
  }
  DML_ASSIGN_OR_RETURN(Deb deb, Read(step.after_content));
  return Remove(deb);
}

absl::StatusOr<std::vector<std::string>> DebHandler::Verify(const SetItem& item,
                                                            const StagedContent& content) {
  DML_ASSIGN_OR_RETURN(Deb deb, Read(content));
  std::vector<std::string> out;
  const std::string status = Status(deb);
  if (status != "installed " + deb.version) {
    out.push_back(fmt::format("{}: dpkg says '{}' of {}, not 'installed {}'",
                              item.variant.package.ToString(), status, deb.name, deb.version));
    return out;
  }
  DML_ASSIGN_OR_RETURN(std::string differences,
                       Run("dpkg", {"--root=" + options_.root.string(), "--verify", deb.name}));
  while (!differences.empty()) {
    const size_t end = differences.find('\n');
    const std::string line = differences.substr(0, end);
    differences.erase(0, end == differences.npos ? end : end + 1);
    // Configurations ("c") are for people to change.
    if (!line.empty() && line.find(" c /") == line.npos) out.push_back(line);
  }
  return out;
}

}  // namespace dml::agent
