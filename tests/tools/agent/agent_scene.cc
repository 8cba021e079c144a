#include "tests/tools/agent/agent_scene.h"

#include <fstream>
#include <iterator>

#include "core/wire/entry.h"

namespace dml::testing {
namespace {

namespace fs = std::filesystem;

Timestamp WholeSeconds(Timestamp time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

void WriteText(const fs::path& file, const std::string& text, bool may_run) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
  if (may_run) fs::permissions(file, fs::perms::owner_all);
}

std::string ReadText(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

AgentScene::AgentScene(Timestamp when) : now(WholeSeconds(when)) {
  using std::chrono::hours;
  scene.now = now;
  scene.decided = now - hours(1);
  scene.witnessed = now - std::chrono::minutes(50);
  scene.root.expires = now + hours(24 * 365);
  scene.permit.decided = scene.decided;
  scene.permit.not_before = scene.decided;
  scene.permit.expires = now + hours(24 * 6);
  scene.approval.expires = now + hours(24 * 7);
  scene.permit.nodes.clear();
  scene.publishers = {{"acme", {"ann"}}, {"other", {"carl"}}};
  WriteText(folder() / "root.json", scene.SignRoot(scene.root, {"rob", "ron"}));
  fs::create_directories(layout() / "blobs" / "sha256");
}

void AgentScene::Configure(const std::string& members) {
  WriteText(config_file(),
            "environment: production/eu\nnode: node-1\nstateDir: state\nrootFile: root.json\n"
            "platforms: [linux-amd64]\nlimits: {minFreeBytes: 0}\n"
            "health: {tries: 1, intervalSeconds: 0}\n" +
                members);
}

fs::path AgentScene::BlobPath(const std::string& bytes) const {
  return layout() / "blobs" / "sha256" / Sha256(bytes).hex();
}

BlobRef AgentScene::AddBlob(const std::string& bytes) {
  WriteText(BlobPath(bytes), bytes);
  return {Sha256(bytes), bytes.size()};
}

void AgentScene::Damage(const std::string& bytes, const std::string& with) {
  WriteText(BlobPath(bytes), with);
}

void AgentScene::AddPackage(const std::string& package, const std::string& version,
                            const std::map<std::string, std::string>& files) {
  Manifest manifest;
  manifest.config = AddBlob("{\"package\": \"" + package + " " + version + "\"}");
  for (const auto& [name, bytes] : files) manifest.files.push_back({name, AddBlob(bytes)});
  manifests_[package + " " + version] = AddBlob(FormatManifest(manifest));
}

PermitBundle AgentScene::Permit(const std::vector<PermittedItem>& items) {
  scene.release.items.clear();
  scene.permit.order.clear();
  for (const PermittedItem& each : items) {
    ReleaseItem item;
    item.variant = {*PackageName::Parse(each.package), each.version,
                    *Platform::Parse(each.platform)};
    item.manifest = manifests_.at(each.package + " " + each.version);
    item.action = each.action;
    item.changes = {"CHG-1"};
    if (!each.previous.empty()) {
      item.previous = item.variant;
      item.previous->version = each.previous;
    }
    if (!each.configuration.empty()) item.configuration = AddBlob(each.configuration);
    scene.permit.order.push_back(item.variant);
    scene.release.items.push_back(std::move(item));
  }
  scene.release.version = fmt::format("{}.0.0", next_permit);
  scene.permit.id = fmt::format("0f8fad5b-d9cb-469f-a165-{:012}", next_permit++);
  scene.permit.resource = ReleaseUri(scene.root.origin, scene.release.name, scene.release.version);
  log_.Append(fmt::format("something else {}", log_.size()));
  scene.permit.journal_size = log_.size();
  PermitBundle bundle = scene.Honest();
  Enter(bundle);
  return bundle;
}

// Into the log of all its permits, instead of one of its own.
void AgentScene::Enter(PermitBundle& bundle) {
  const uint64_t index = log_.size();
  log_.Append(*wire::EncodeEntry({index, scene.decided, "pat", "", scene.decision}));
  log_.Append(fmt::format("something else {}", log_.size()));
  const uint64_t size = log_.size();
  LogProof proof = log_.Prove(index, size);
  const PrivateKey& key = PermitScene::Key("ci-log");
  Note note{FormatCheckpointBody({scene.root.origin, size, log_.Root(size)}), {}};
  note.signatures.push_back({scene.root.origin, NoteKeyId(scene.root.origin, key.public_key()),
                             *key.Sign(AsBytes(note.text))});
  note.signatures.push_back(
      *CosignNote(note.text, "wim.example", PermitScene::Key("wim"), scene.witnessed));
  proof.checkpoint_note = FormatNote(note);
  bundle.log_proof = FormatLogProof(proof);
  for (uint64_t earlier : sizes_) bundle.history.push_back(log_.History(earlier, size));
  sizes_.push_back(size);
}

std::string AgentScene::PermitText(const std::vector<PermittedItem>& items) {
  absl::StatusOr<std::string> text = FormatPermitBundle(Permit(items));
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

void AgentScene::WritePermit(const std::vector<PermittedItem>& items) {
  WriteText(permit_file(), PermitText(items));
}

}  // namespace dml::testing
