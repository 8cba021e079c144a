// A node with a configuration, a layout with content, and permits for it, made without a library.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/release/release.h"
#include "tests/core/evidence/permit_scene.h"
#include "tests/support/temp_dir.h"

namespace dml::testing {

/// What one permit lets happen.
struct PermittedItem {
  std::string package;
  std::string version;
  ReleaseAction action = ReleaseAction::kInstall;
  std::string previous;       // Version, of an UPGRADE.
  std::string configuration;  // Its bytes; "": none.
  std::string platform = "linux-amd64";
};

class AgentScene {
 public:
  /// Permits are decided an hour before `now`.
  explicit AgentScene(Timestamp now);

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path layout() const { return folder() / "layout"; }
  std::filesystem::path config_file() const { return folder() / "agent.yaml"; }
  std::filesystem::path permit_file() const { return folder() / "permit.json"; }

  /// The configuration; the members are added to environment, node, state directory and root.
  void Configure(const std::string& members);
  /// Puts a variant into the layout, its files by their names.
  void AddPackage(const std::string& package, const std::string& version,
                  const std::map<std::string, std::string>& files);
  /// The next permit of the log, as a bundle, for packages that were added, in this order. What
  /// `scene` says is what is signed.
  PermitBundle Permit(const std::vector<PermittedItem>& items);
  std::string PermitText(const std::vector<PermittedItem>& items);
  /// The same, in permit_file().
  void WritePermit(const std::vector<PermittedItem>& items);
  /// Damages what the layout has of a file.
  void Damage(const std::string& bytes, const std::string& with);

  std::filesystem::path BlobPath(const std::string& bytes) const;

  PermitScene scene;
  Timestamp now;
  uint64_t next_permit = 1;

 private:
  BlobRef AddBlob(const std::string& bytes);
  void Enter(PermitBundle& bundle);

  TempDir folder_;
  std::map<std::string, BlobRef> manifests_;  // By "package version".
  TestLog log_;
  std::vector<uint64_t> sizes_;  // Of the log at earlier permits.
};

void WriteText(const std::filesystem::path& file, const std::string& text, bool may_run = false);
/// "" where it is not there.
std::string ReadText(const std::filesystem::path& file);

}  // namespace dml::testing
