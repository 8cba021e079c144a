#include "tools/agent/directory_handler.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <unistd.h>

#include <sys/stat.h>

#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "tools/agent/exec_handler.h"
#include "tools/agent/listing.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kManifestDigits = 12;
constexpr size_t kConfigurationDigits = 8;
constexpr uint64_t kMaxConfiguration = 16 << 20;

fs::path FilesOf(const fs::path& version) { return version / "files"; }

// Copies, and sees that what was copied is what the manifest says.
absl::Status CopyChecked(const Folder& files, const ManifestFile& file, const fs::path& from,
                         mode_t mode) {
  DML_ASSIGN_OR_RETURN(FileDescriptor in, OpenRegular(from));
  DML_ASSIGN_OR_RETURN(FileDescriptor out, files.MakeFile(file.path, mode));
  Sha256Hasher hasher;
  std::string block;
  uint64_t done = 0;
  do {
    DML_RETURN_IF_ERROR(ReadAt(in, done, kBlockBytes, block, from));
    hasher.Update(block);
    DML_RETURN_IF_ERROR(WriteAt(out, done, block, files.path() / file.path));
    done += block.size();
  } while (!block.empty());
  if (BlobRef{hasher.Finish(), done} == file.blob) return absl::OkStatus();
  return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                  "{} is no longer what was fetched; check the disk", from.string());
}

}  // namespace

std::string VersionKey(const SetItem& item) {
  std::string out =
      item.variant.version + "-" + item.manifest.digest.hex().substr(0, kManifestDigits);
  if (item.configuration.has_value()) {
    out += "-" + item.configuration->digest.hex().substr(0, kConfigurationDigits);
  }
  return out;
}

fs::path DirectoryHandler::PackageFolder(const SetItem& item) const {
  return options_.root / item.variant.package.ns / item.variant.package.name;
}

absl::Status DirectoryHandler::Check(const HandlerStep& step) {
  for (const fs::path& program : {options_.after_switch, options_.health}) {
    if (!program.empty()) DML_RETURN_IF_ERROR(CheckProgram(program));
  }
  const fs::path link = PackageFolder(step.item()) / "current";
  std::error_code error;
  const fs::file_type type = fs::symlink_status(link, error).type();
  if (type == fs::file_type::not_found || type == fs::file_type::symlink) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("PATH_OCCUPIED"),
                            "{} is there and is no link: somebody else put it there; move it away",
                            link.string());
}

absl::Status DirectoryHandler::Install(const HandlerStep& step) {
  const fs::path versions = PackageFolder(*step.after) / "versions";
  const fs::path version = versions / VersionKey(*step.after);
  std::error_code error;
  // It has its name only when it is whole.
  if (fs::is_directory(fs::symlink_status(version, error))) return absl::OkStatus();
  const fs::path fresh = versions / (".dml-new-" + VersionKey(*step.after));
  DML_RETURN_IF_ERROR(RemoveTree(fresh));
  fs::create_directories(FilesOf(fresh), error);
  if (error) return IoError(error.value(), "make the folder", fresh);
  DML_RETURN_IF_ERROR(Fill(fresh, step.after_content));
  DML_RETURN_IF_ERROR(SyncTree(fresh));
  fs::rename(fresh, version, error);
  if (error) return IoError(error.value(), "give its name to", version);
  // Each of the folders above may be new, and its name with it.
  const fs::path package = PackageFolder(*step.after);
  for (const fs::path& folder :
       {versions, package, package.parent_path(), options_.root, options_.root.parent_path()}) {
    DML_RETURN_IF_ERROR(SyncFolder(folder));
  }
  return absl::OkStatus();
}

absl::Status DirectoryHandler::Fill(const fs::path& folder, const StagedContent& content) const {
  DML_ASSIGN_OR_RETURN(std::string text,
                       ReadFile(content.folder / "manifest.json", kMaxManifestBytes));
  DML_ASSIGN_OR_RETURN(const Manifest manifest, ParseManifest(text));
  DML_ASSIGN_OR_RETURN(const Folder files, Folder::Open(FilesOf(folder)));
  for (const ManifestFile& file : manifest.files) {
    DML_RETURN_IF_ERROR(Place(files, file, content.folder / "files" / file.path));
  }
  if (!content.configuration.empty()) {
    DML_ASSIGN_OR_RETURN(std::string configuration,
                         ReadFile(content.configuration, kMaxConfiguration));
    DML_RETURN_IF_ERROR(
        WriteFileAtomically(folder / "configuration", AsBytes(configuration), 0600));
  }
  DML_ASSIGN_OR_RETURN(std::string listing, ListTree(FilesOf(folder)));
  return WriteFileAtomically(folder / "listing", AsBytes(listing), 0644);
}

absl::Status DirectoryHandler::Place(const Folder& files, const ManifestFile& file,
                                     const fs::path& from) const {
  if (options_.unpack && IsArchiveName(file.path)) {
    DML_ASSIGN_OR_RETURN(FileDescriptor archive, OpenRegular(from));
    DML_ASSIGN_OR_RETURN(BlobRef found, HashFile(archive, from));
    if (found != file.blob) {
      return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                      "{} is no longer what was fetched; check the disk", from.string());
    }
    return UnpackArchive(from, files, options_.limits);
  }
  const bool may_run = std::ranges::any_of(options_.executables, [&](const std::string& pattern) {
    return MatchesPath(pattern, file.path);
  });
  return CopyChecked(files, file, from, may_run ? 0755 : 0644);
}

absl::Status DirectoryHandler::Switch(const SetItem* to, const SetItem& item) const {
  const fs::path link = PackageFolder(item) / "current";
  if (to != nullptr) return SwitchLink(link, "versions/" + VersionKey(*to));
  std::error_code error;
  if (fs::symlink_status(link, error).type() == fs::file_type::not_found) return absl::OkStatus();
  if (::unlink(link.c_str()) != 0) return IoError(errno, "remove", link);
  return SyncFolder(link.parent_path());
}

absl::Status DirectoryHandler::RunProgram(const fs::path& program, const char* step_name,
                                          const HandlerStep& step) const {
  if (program.empty()) return absl::OkStatus();
  ChildCommand command;
  command.program = program;
  command.arguments = {step_name};
  command.environment = HookEnvironment(step_name, step);
  command.environment.emplace_back("DML_CURRENT",
                                   (PackageFolder(step.item()) / "current").string());
  command.time_limit = options_.time_limit;
  return RunChild(command).status();
}

absl::Status DirectoryHandler::Activate(const HandlerStep& step) {
  DML_RETURN_IF_ERROR(Switch(step.after, step.item()));
  return RunProgram(options_.after_switch, "activate", step);
}

absl::Status DirectoryHandler::CheckHealth(const HandlerStep& step) {
  return RunProgram(options_.health, "health", step);
}

absl::Status DirectoryHandler::RollBack(const HandlerStep& step) {
  std::error_code error;
  // Nothing was ever installed, and there is nothing to go back from.
  if (!fs::exists(PackageFolder(step.item()), error)) return absl::OkStatus();
  DML_RETURN_IF_ERROR(Switch(step.before, step.item()));
  return RunProgram(options_.after_switch, "rollback", step);
}

absl::Status DirectoryHandler::Clean(const SetItem& item) {
  const fs::path package = PackageFolder(item);
  const fs::path versions = package / "versions";
  DML_RETURN_IF_ERROR(RemoveTree(versions / (".dml-new-" + VersionKey(item))));
  // No longer under its name while only a part of it is there.
  const fs::path version = versions / VersionKey(item);
  const fs::path old = versions / (".dml-old-" + VersionKey(item));
  std::error_code error;
  fs::rename(version, old, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return IoError(error.value(), "remove", version);
  }
  DML_RETURN_IF_ERROR(RemoveTree(old));
  // Folders with something else in them stay.
  for (const fs::path& folder : {versions, package, package.parent_path()}) {
    if (::rmdir(folder.c_str()) != 0) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> DirectoryHandler::Verify(const SetItem& item,
                                                                  const StagedContent&) {
  const fs::path package = PackageFolder(item);
  std::error_code error;
  const std::string target = fs::read_symlink(package / "current", error).string();
  std::vector<std::string> out;
  if (target != "versions/" + VersionKey(item)) {
    out.push_back(fmt::format("{}: leads to '{}', not to {}", (package / "current").string(),
                              target, VersionKey(item)));
  }
  const fs::path version = package / "versions" / VersionKey(item);
  absl::StatusOr<std::string> expected = ReadFile(version / "listing", kMaxListingBytes);
  absl::StatusOr<std::string> found = ListTree(FilesOf(version));
  if (!expected.ok() || !found.ok()) {
    out.push_back(fmt::format("{}: cannot be read", version.string()));
    return out;
  }
  for (std::string& line : CompareListings(*expected, *found)) {
    out.push_back(FilesOf(version).string() + "/" + std::move(line));
  }
  return out;
}

std::vector<fs::path> DirectoryHandler::LocalContent(const SetItem& item) const {
  return {FilesOf(PackageFolder(item) / "versions" / VersionKey(item))};
}

}  // namespace dml::agent
