#include "tools/agent/fake_handler.h"

#include <sstream>

#include "core/os/file.h"

namespace dml::agent {
namespace {

constexpr uint64_t kMaxFileBytes = 4 << 20;

}  // namespace

absl::Status FakeHandler::Fail(std::string_view step_name, const HandlerStep& step) const {
  const std::string& version = step.item().variant.version;
  if (step_name != options_.fails_at ||
      (!options_.fails_version.empty() && options_.fails_version != version)) {
    return absl::OkStatus();
  }
  return Internal(ErrorReason("FAKE_FAILURE"), "{} of {} {} fails, as it was told to", step_name,
                  step.item().variant.package.ToString(), version);
}

absl::StatusOr<std::map<std::string, std::string>> FakeHandler::Running() const {
  std::map<std::string, std::string> out;
  absl::StatusOr<std::string> text = ReadFile(options_.file, kMaxFileBytes);
  if (absl::IsNotFound(text.status())) return out;
  DML_RETURN_IF_ERROR(text.status());
  std::istringstream lines(*text);
  for (std::string package, version; lines >> package >> version;) out[package] = version;
  return out;
}

absl::Status FakeHandler::Put(const SetItem* item, const PackageName& package) const {
  DML_ASSIGN_OR_RETURN(auto running, Running());
  if (item == nullptr) {
    running.erase(package.ToString());
  } else {
    running[package.ToString()] = item->variant.version;
  }
  std::string text;
  for (const auto& [name, version] : running) text += name + " " + version + "\n";
  return WriteFileAtomically(options_.file, AsBytes(text), 0644);
}

absl::Status FakeHandler::Activate(const HandlerStep& step) {
  DML_RETURN_IF_ERROR(Fail("activate", step));
  return Put(step.after, step.item().variant.package);
}

absl::Status FakeHandler::RollBack(const HandlerStep& step) {
  DML_RETURN_IF_ERROR(Fail("rollback", step));
  return Put(step.before, step.item().variant.package);
}

absl::StatusOr<std::vector<std::string>> FakeHandler::Verify(const SetItem& item,
                                                             const StagedContent&) {
  DML_ASSIGN_OR_RETURN(const auto running, Running());
  const auto found = running.find(item.variant.package.ToString());
  std::vector<std::string> out;
  if (found == running.end() || found->second != item.variant.version) {
    out.push_back(item.variant.package.ToString() + ": another version runs, or none");
  }
  return out;
}

}  // namespace dml::agent
