// Staging: all that a set needs, fetched and verified, before anything of it is installed.
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/statvfs.h>

#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "tools/agent/engine.h"
#include "tools/agent/folder.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

// What is in a file already, where it is what it should be; else nothing.
absl::StatusOr<std::string> ReadChecked(const fs::path& file, const BlobRef& blob) {
  DML_ASSIGN_OR_RETURN(std::string bytes, ReadFile(file, blob.size));
  DML_RETURN_IF_ERROR(CheckBlob(bytes, blob, file.string()));
  return bytes;
}

uint64_t Missing(uint64_t size, const fs::path& folder) {
  const absl::StatusOr<uint64_t> there = TreeBytes(folder);
  return there.ok() && *there < size ? size - *there : 0;
}

}  // namespace

absl::StatusOr<Manifest> Engine::StageManifest(const SetItem& item) {
  const fs::path file = store_.ContentOf(item).folder / "manifest.json";
  absl::StatusOr<std::string> text = ReadChecked(file, item.manifest);
  if (!text.ok()) {
    DML_ASSIGN_OR_RETURN(text, source_->FetchManifest(*state().pending, item));
    DML_RETURN_IF_ERROR(CheckBlob(*text, item.manifest, "manifest"));
    DML_RETURN_IF_ERROR(MakePrivateDirectory(file.parent_path()));
    DML_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(*text), 0600));
  }
  return ParseManifest(*text);
}

absl::Status Engine::StageConfiguration(const SetItem& item) {
  const fs::path file = store_.ContentOf(item).configuration;
  if (file.empty() || ReadChecked(file, *item.configuration).ok()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(std::string bytes,
                       source_->FetchConfiguration(*state().pending, *item.configuration));
  DML_RETURN_IF_ERROR(CheckBlob(bytes, *item.configuration, "configuration"));
  DML_RETURN_IF_ERROR(MakePrivateDirectory(file.parent_path()));
  return WriteFileAtomically(file, AsBytes(bytes), 0600);
}

absl::Status Engine::CheckSpace(uint64_t needed) const {
  const AgentLimits& limits = config_.limits;
  DML_ASSIGN_OR_RETURN(const uint64_t used, TreeBytes(store_.content_folder()));
  if (limits.disk_bytes != 0 && needed + used > limits.disk_bytes) {
    return ResourceExhausted(ErrorReason("DISK_LIMIT"),
                             "{} bytes are to be fetched, {} are there, and limits.diskBytes is {}",
                             needed, used, limits.disk_bytes);
  }
  struct statvfs disk;
  if (::statvfs(store_.content_folder().c_str(), &disk) != 0) {
    return IoError(errno, "measure", store_.content_folder());
  }
  const uint64_t free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free >= limits.min_free_bytes && free - limits.min_free_bytes >= needed) {
    return absl::OkStatus();
  }
  return ResourceExhausted(ErrorReason("DISK_FULL"),
                           "{} bytes are to be fetched and {} to be left free, and {} are free on "
                           "the disk of {}",
                           needed, limits.min_free_bytes, free, store_.content_folder().string());
}

absl::Status Engine::Stage() {
  if (source_ == nullptr) {
    return Unavailable(ErrorReason("CONTENT_UNAVAILABLE"),
                       "there is nowhere to fetch content from: give the agent a profile of its "
                       "library, or --layout");
  }
  DML_RETURN_IF_ERROR(MakePrivateDirectory(store_.content_folder()));
  std::vector<std::pair<HandlerStep, Manifest>> wanted;
  uint64_t needed = 0;
  for (const HandlerStep& step : Steps()) {
    if (step.after == nullptr) continue;
    DML_ASSIGN_OR_RETURN(Manifest manifest, StageManifest(*step.after));
    needed += Missing(manifest.total_size(), step.after_content.folder / "files");
    wanted.emplace_back(step, std::move(manifest));
  }
  DML_RETURN_IF_ERROR(CheckSpace(needed));
  Reached("planned");
  for (const auto& [step, manifest] : wanted) {
    DML_RETURN_IF_ERROR(StageConfiguration(*step.after));
    DML_ASSIGN_OR_RETURN(Handler * handler, HandlerOf(*step.after));
    std::vector<fs::path> local;
    if (step.before != nullptr) {
      local = handler->LocalContent(*step.before);
      local.push_back(step.before_content.folder / "files");
    }
    DML_RETURN_IF_ERROR(source_->FetchFiles(*state().pending, *step.after, manifest,
                                            step.after_content.folder / "files", local));
    // Files are synced as they come, the names of the folders that they are in are not.
    DML_RETURN_IF_ERROR(SyncTree(step.after_content.folder));
    Reached("step");
  }
  DML_RETURN_IF_ERROR(SyncFolder(store_.content_folder()));
  return SyncFolder(store_.content_folder().parent_path());
}

}  // namespace dml::agent
