// A handler that puts nothing anywhere and remembers what runs in a file, for tests and for trying
// a fleet out: one line a package, "acme/api 2.0.0".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/agent/handler.h"

namespace dml::agent {

struct FakeOptions {
  std::filesystem::path file;  // What runs.
  std::string fails_at;        // "check", "install", "activate", "health", "rollback"; "": nowhere.
  std::string fails_version;   // Only for that one; "": for each.
};

class FakeHandler final : public Handler {
 public:
  explicit FakeHandler(FakeOptions options) : options_(std::move(options)) {}

  absl::Status Check(const HandlerStep& step) override { return Fail("check", step); }
  absl::Status Install(const HandlerStep& step) override { return Fail("install", step); }
  absl::Status Activate(const HandlerStep& step) override;
  absl::Status CheckHealth(const HandlerStep& step) override { return Fail("health", step); }
  absl::Status RollBack(const HandlerStep& step) override;
  absl::Status Clean(const SetItem&) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> Verify(const SetItem& item,
                                                  const StagedContent& content) override;
  bool keeps_content() const override { return false; }
  std::vector<std::filesystem::path> LocalContent(const SetItem&) const override { return {}; }

 private:
  absl::Status Fail(std::string_view step_name, const HandlerStep& step) const;
  absl::Status Put(const SetItem* item, const PackageName& package) const;
  absl::StatusOr<std::map<std::string, std::string>> Running() const;

  const FakeOptions options_;
};

}  // namespace dml::agent
