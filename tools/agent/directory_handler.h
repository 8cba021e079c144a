// The handler that needs nothing but a file system: each version in a folder of its own, and a link
// that is switched in one step.
//
//   <root>/<namespace>/<name>/current             -> versions/<version>
//   <root>/<namespace>/<name>/versions/<key>/     key = version "-" manifest[12] ["-"
//   configuration[8]]
//       files/           the package's files, archives unpacked where that was asked for
//       configuration    the item's, where it has one
//       listing          what is in files/, by which Verify judges (docs/formats.md)
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/package/manifest.h"
#include "tools/agent/handler.h"
#include "tools/agent/unpack.h"

namespace dml::agent {

struct DirectoryOptions {
  std::filesystem::path root;            // Absolute; made where it is missing.
  bool unpack = false;                   // Files whose names say that they are archives.
  std::vector<std::string> executables;  // Patterns of files that may be run ("bin/*").
  std::filesystem::path after_switch;    // A program to run once the link was switched; "": none.
  std::filesystem::path health;          // A program that says whether it works; "": none.
  std::chrono::milliseconds time_limit{300'000};  // Of each program.
  UnpackLimits limits;
};

class DirectoryHandler final : public Handler {
 public:
  explicit DirectoryHandler(DirectoryOptions options) : options_(std::move(options)) {}

  absl::Status Check(const HandlerStep& step) override;
  absl::Status Install(const HandlerStep& step) override;
  absl::Status Activate(const HandlerStep& step) override;
  absl::Status CheckHealth(const HandlerStep& step) override;
  absl::Status RollBack(const HandlerStep& step) override;
  absl::Status Clean(const SetItem& item) override;
  absl::StatusOr<std::vector<std::string>> Verify(const SetItem& item,
                                                  const StagedContent& content) override;
  bool keeps_content() const override { return false; }
  std::vector<std::filesystem::path> LocalContent(const SetItem& item) const override;

 private:
  std::filesystem::path PackageFolder(const SetItem& item) const;
  absl::Status Fill(const std::filesystem::path& folder, const StagedContent& content) const;
  absl::Status Place(const Folder& files, const ManifestFile& file,
                     const std::filesystem::path& from) const;
  absl::Status Switch(const SetItem* to, const SetItem& item) const;
  absl::Status RunProgram(const std::filesystem::path& program, const char* step_name,
                          const HandlerStep& step) const;

  const DirectoryOptions options_;
};

/// The name of an item's folder among the versions.
std::string VersionKey(const SetItem& item);

}  // namespace dml::agent
