// The handler for packages of Debian, through dpkg: each item is one file that ends in ".deb".
// Several of them are activated one after the other, and rolled back together.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/agent/child_process.h"
#include "tools/agent/handler.h"

namespace dml::agent {

struct DebOptions {
  std::filesystem::path root = "/";  // Where the system is that dpkg changes.
  std::filesystem::path health;      // A program that says whether it works; "": none.
  std::chrono::milliseconds time_limit{900'000};
};

class DebHandler final : public Handler {
 public:
  explicit DebHandler(DebOptions options) : options_(std::move(options)) {}

  absl::Status Check(const HandlerStep& step) override;
  /// Sees only that dpkg can read the file: nothing is unpacked before it is activated.
  absl::Status Install(const HandlerStep& step) override;
  absl::Status Activate(const HandlerStep& step) override;
  absl::Status CheckHealth(const HandlerStep& step) override;
  absl::Status RollBack(const HandlerStep& step) override;
  absl::Status Clean(const SetItem&) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> Verify(const SetItem& item,
                                                  const StagedContent& content) override;
  bool keeps_content() const override { return true; }
  std::vector<std::filesystem::path> LocalContent(const SetItem&) const override { return {}; }

 private:
  struct Deb {
    std::filesystem::path file;
    std::string name;
    std::string version;
  };
  absl::StatusOr<std::string> Run(const char* program, std::vector<std::string> arguments) const;
  absl::StatusOr<Deb> Read(const StagedContent& content) const;
  // "installed 1.2-3", or "" where dpkg does not know it.
  std::string Status(const Deb& deb) const;
  absl::Status Put(const Deb& deb) const;
  absl::Status Remove(const Deb& deb) const;

  const DebOptions options_;
};

}  // namespace dml::agent
