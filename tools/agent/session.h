// An agent put together from its configuration: whoever works with one, by a command or in a loop,
// does it by a session. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "client/client.h"
#include "tools/agent/engine.h"
#include "tools/agent/library_desire.h"

namespace dml::agent {

/// Reads a configuration file. The errors of ReadFile and ParseAgentConfig.
absl::StatusOr<AgentConfig> LoadAgentConfig(const std::filesystem::path& file);

class Session {
 public:
  /// Takes the state directory. `layout`: where content is, instead of the library of the
  /// configuration's profile; "": there. The errors of StateStore::Open, of reading the trust root,
  /// of LoadProfile and Client::Create.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const AgentConfig& config,
                                                       const std::filesystem::path& layout,
                                                       EngineHooks hooks);

  /// nullptr where content comes from no library.
  LibraryDesire* desire() { return desire_.has_value() ? &*desire_ : nullptr; }

  Engine& engine() { return *engine_; }
  StateStore& store() { return store_; }

 private:
  explicit Session(StateStore store) : store_(std::move(store)) {}
  absl::Status Connect(const AgentConfig& config, const std::filesystem::path& layout);

  StateStore store_;
  std::optional<Client> client_;
  std::optional<LibraryDesire> desire_;
  std::unique_ptr<ContentSource> source_;
  HandlerTable handlers_;
  std::optional<Engine> engine_;
};

}  // namespace dml::agent
