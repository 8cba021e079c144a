// What puts a package in place on a node. Which one does which packages, the node's configuration
// says (tools/agent/agent_config.h).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/deployment_set.h"

namespace dml::agent {

/// Where the content of an item lies while it is needed: "manifest.json", "files/" with the files
/// by their names, and where the item has one, its configuration.
struct StagedContent {
  std::filesystem::path folder;
  std::filesystem::path configuration;  // "": none.
};

/// One package of a set that is to be carried out. What is there before may be nothing, and so may
/// what is there after; never both.
struct HandlerStep {
  const SetItem* before = nullptr;
  const SetItem* after = nullptr;
  StagedContent before_content;  // Only of a handler that keeps content.
  StagedContent after_content;
  std::string permit;

  const SetItem& item() const { return after != nullptr ? *after : *before; }
};

/// Blocks on disk and programs; one thread at a time. A handler is killed at any instant, and what
/// it did is then done again: each method leaves the same behind, however often and however far it
/// was begun. Errors have a reason; what they leave behind is for RollBack and Clean.
class Handler {
 public:
  virtual ~Handler() = default;

  /// Whether all that it takes is there, before anything is done.
  virtual absl::Status Check(const HandlerStep& step) = 0;
  /// Puts what is to run beside what runs, where that is not changed by it. `after` is there.
  virtual absl::Status Install(const HandlerStep& step) = 0;
  /// What is to run does so instead of what ran; where `after` is nothing, nothing does.
  virtual absl::Status Activate(const HandlerStep& step) = 0;
  virtual absl::Status CheckHealth(const HandlerStep& step) = 0;
  /// What was there before runs again, whether or not anything was activated.
  virtual absl::Status RollBack(const HandlerStep& step) = 0;
  /// Removes what Install did for an item that does not run.
  virtual absl::Status Clean(const SetItem& item) = 0;
  /// How what is there differs from what was put there, a line each; none: not at all.
  virtual absl::StatusOr<std::vector<std::string>> Verify(const SetItem& item,
                                                          const StagedContent& content) = 0;

  /// Whether an item's content must be there as long as the item may be activated.
  virtual bool keeps_content() const = 0;
  /// Where an installed item has bytes that another version may have, too.
  virtual std::vector<std::filesystem::path> LocalContent(const SetItem& item) const = 0;
};

/// By the names that the configuration gives them.
using HandlerTable = std::map<std::string, std::unique_ptr<Handler>, std::less<>>;

}  // namespace dml::agent
