#include "tools/agent/session.h"

#include "core/os/file.h"
#include "core/trust/root_walk.h"
#include "tools/agent/handlers.h"
#include "tools/agent/layout_source.h"
#include "tools/agent/library_source.h"

namespace dml::agent {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;

}  // namespace

absl::StatusOr<AgentConfig> LoadAgentConfig(const std::filesystem::path& file) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxConfigBytes));
  return ParseAgentConfig(text, file);
}

absl::Status Session::Connect(const AgentConfig& config, const std::filesystem::path& layout) {
  if (!layout.empty() || !config.layout.empty()) {
    source_ = std::make_unique<LayoutSource>(layout.empty() ? config.layout : layout);
    return absl::OkStatus();
  }
  if (config.profile.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(ClientOptions options, LoadProfile(config.profile));
  // The agent waits by itself, and does other things meanwhile.
  options.retry.patience = std::chrono::milliseconds(0);
  DML_ASSIGN_OR_RETURN(Client client, Client::Create(std::move(options)));
  client_.emplace(std::move(client));
  desire_.emplace(*client_, config.facts.environment, config.facts.node);
  source_ = std::make_unique<LibrarySource>(*client_, config.limits.bytes_per_second);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const AgentConfig& config,
                                                       const std::filesystem::path& layout,
                                                       EngineHooks hooks) {
  DML_ASSIGN_OR_RETURN(std::string envelope, ReadFile(config.root_file, kMaxEnvelopeBytes));
  absl::StatusOr<TrustedRoot> pinned = OpenPinnedRoot(envelope);
  if (!pinned.ok()) return Annotate(pinned.status(), config.root_file.string());
  DML_ASSIGN_OR_RETURN(
      StateStore store,
      StateStore::Open(config.state_dir, config.facts.environment, config.facts.node));
  std::unique_ptr<Session> out(new Session(std::move(store)));
  DML_RETURN_IF_ERROR(out->Connect(config, layout));
  out->handlers_ = MakeHandlers(config);
  out->engine_.emplace(config, *std::move(pinned), out->handlers_, out->source_.get(), out->store_,
                       std::move(hooks));
  return out;
}

}  // namespace dml::agent
