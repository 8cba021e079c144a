#include "tools/agent/state_store.h"

#include <cerrno>
#include <fcntl.h>
#include <set>
#include <system_error>
#include <unistd.h>

#include <sys/file.h>

#include "core/agent/state_document.h"
#include "core/evidence/permit_bundle.h"
#include "core/os/file.h"
#include "tools/agent/folder.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr char kStateFile[] = "state.json";
constexpr char kMemoryFile[] = "permit-memory.json";
constexpr char kReserveFile[] = "reserve";
constexpr off_t kReserveBytes = 2 << 20;
constexpr size_t kMaxKeyBytes = 16 << 10;
constexpr mode_t kMode = 0600;

absl::Status Damaged(const absl::Status& status, const fs::path& file) {
  return DataLoss(ErrorReason("AGENT_STATE_DAMAGED"),
                  "{} cannot be read: {}; move the state directory away, and let the agent begin "
                  "anew",
                  file.string(), Message(status));
}

absl::StatusOr<FileDescriptor> Lock(const fs::path& file) {
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (!lock.valid()) return IoError(errno, "open", file);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  return FailedPrecondition(ErrorReason("AGENT_RUNNING"),
                            "another agent runs with this state directory: it holds {}",
                            file.string());
}

}  // namespace

absl::StatusOr<StateStore> StateStore::Open(const fs::path& folder, const std::string& environment,
                                            const std::string& node) {
  DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  DML_ASSIGN_OR_RETURN(FileDescriptor lock, Lock(folder / "lock"));
  StateStore out(folder, std::move(lock));
  DML_RETURN_IF_ERROR(out.Load(environment, node));
  out.Reserve();
  return out;
}

absl::Status StateStore::Load(const std::string& environment, const std::string& node) {
  absl::StatusOr<std::string> text = ReadFile(folder_ / kStateFile, kMaxAgentStateBytes);
  if (absl::IsNotFound(text.status())) {
    state_.environment = memory_.environment = environment;
    state_.node = memory_.node = node;
    return absl::OkStatus();
  }
  DML_RETURN_IF_ERROR(text.status());
  absl::StatusOr<AgentState> state = ParseAgentState(*text);
  if (!state.ok()) return Damaged(state.status(), folder_ / kStateFile);
  if (state->environment != environment || state->node != node) {
    return FailedPrecondition(ErrorReason("NODE_UNEXPECTED"),
                              "{} is the state of {} in {}, and the configuration is of {} in {}: "
                              "another node needs another state directory",
                              folder_.string(), state->node, state->environment, node, environment);
  }
  state_ = *std::move(state);
  memory_.environment = environment;
  memory_.node = node;
  absl::StatusOr<std::string> seen = ReadFile(folder_ / kMemoryFile, kMaxPermitMemoryBytes);
  // There is none before the first permit.
  if (absl::IsNotFound(seen.status()) && state_.generation == 0) return absl::OkStatus();
  if (absl::IsNotFound(seen.status())) return Damaged(seen.status(), folder_ / kMemoryFile);
  DML_RETURN_IF_ERROR(seen.status());
  absl::StatusOr<PermitMemory> memory = ParsePermitMemory(*seen);
  if (!memory.ok()) return Damaged(memory.status(), folder_ / kMemoryFile);
  memory_ = *std::move(memory);
  return absl::OkStatus();
}

absl::Status StateStore::Save(const std::string& name, const std::string& text) const {
  absl::Status status = WriteFileAtomically(folder_ / name, AsBytes(text), kMode);
  if (Reason(status) != "DISK_FULL") return status;
  DML_RETURN_IF_ERROR(RemoveTree(folder_ / kReserveFile));
  return WriteFileAtomically(folder_ / name, AsBytes(text), kMode);
}

absl::Status StateStore::SaveState(const AgentState& state) {
  DML_ASSIGN_OR_RETURN(std::string text, FormatAgentState(state));
  DML_RETURN_IF_ERROR(Save(kStateFile, text));
  state_ = state;
  return absl::OkStatus();
}

absl::Status StateStore::SaveMemory(const PermitMemory& memory) {
  DML_ASSIGN_OR_RETURN(std::string text, FormatPermitMemory(memory));
  DML_RETURN_IF_ERROR(Save(kMemoryFile, text));
  memory_ = memory;
  return absl::OkStatus();
}

absl::Status StateStore::SavePermit(const std::string& bundle) {
  return Save("permit.json", bundle);
}

void StateStore::Reserve() const {
  const fs::path path = folder_ / kReserveFile;
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (!file.valid() || ::posix_fallocate(file.get(), 0, kReserveBytes) == 0) return;
  ::unlink(path.c_str());
}

absl::StatusOr<PrivateKey> StateStore::NodeKey() const {
  const fs::path file = folder_ / "node.key";
  absl::StatusOr<std::string> pem = ReadPrivateFile(file, kMaxKeyBytes);
  if (pem.ok()) return PrivateKey::FromPkcs8Pem(*pem);
  if (!absl::IsNotFound(pem.status())) return pem.status();
  PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  DML_ASSIGN_OR_RETURN(std::string text, key.ToPkcs8Pem());
  DML_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(text), kMode));
  return key;
}

StagedContent StateStore::ContentOf(const SetItem& item) const {
  StagedContent out;
  out.folder = content_folder() / item.manifest.digest.hex();
  if (item.configuration.has_value()) {
    out.configuration = folder_ / "configurations" / item.configuration->digest.hex();
  }
  return out;
}

absl::Status StateStore::Evict(const std::vector<SetItem>& kept) const {
  std::set<fs::path> stays;
  for (const SetItem& item : kept) {
    const StagedContent content = ContentOf(item);
    stays.insert(content.folder);
    stays.insert(content.configuration);
  }
  for (const fs::path& folder : {content_folder(), folder_ / "configurations"}) {
    std::error_code error;
    std::vector<fs::path> gone;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (!stays.contains(it->path())) gone.push_back(it->path());
    }
    for (const fs::path& path : gone) DML_RETURN_IF_ERROR(RemoveTree(path));
  }
  return absl::OkStatus();
}

absl::StatusOr<AgentState> ReadAgentState(const fs::path& folder) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(folder / kStateFile, kMaxAgentStateBytes));
  absl::StatusOr<AgentState> state = ParseAgentState(text);
  if (!state.ok()) return Damaged(state.status(), folder / kStateFile);
  return state;
}

}  // namespace dml::agent
