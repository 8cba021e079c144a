#include "tools/agent/handlers.h"

#include "tools/agent/deb_handler.h"
#include "tools/agent/directory_handler.h"
#include "tools/agent/exec_handler.h"
#include "tools/agent/fake_handler.h"

namespace dml::agent {
namespace {

std::unique_ptr<Handler> MakeHandler(const HandlerConfig& config) {
  switch (config.kind) {
    case HandlerKind::kDirectory: {
      DirectoryOptions options;
      options.root = config.root;
      options.unpack = config.unpack;
      options.executables = config.executables;
      options.after_switch = config.after_switch;
      options.health = config.health;
      options.time_limit = config.time_limit;
      return std::make_unique<DirectoryHandler>(std::move(options));
    }
    case HandlerKind::kExec:
      return std::make_unique<ExecHandler>(
          ExecOptions{config.scripts, config.time_limit, config.max_output});
    case HandlerKind::kDeb:
      return std::make_unique<DebHandler>(
          DebOptions{config.root, config.health, config.time_limit});
    case HandlerKind::kFake:
      break;
  }
  return std::make_unique<FakeHandler>(
      FakeOptions{config.file, config.fails_at, config.fails_version});
}

}  // namespace

HandlerTable MakeHandlers(const AgentConfig& config) {
  HandlerTable out;
  for (const HandlerConfig& handler : config.handlers) out[handler.name] = MakeHandler(handler);
  return out;
}

}  // namespace dml::agent
