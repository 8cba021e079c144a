// Names of the people and machines behind principals: in a file of their own beside the journal
// and the database, so that an erased name is left in neither, nor in the database's log.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/status.h"
#include "storage/views/list_view.h"

namespace dml {

inline constexpr size_t kMaxDisplayName = 256;
inline constexpr size_t kMaxPrincipalNames = 100'000;

struct PrincipalName {
  std::string principal;
  std::string display_name;
};

/// Any thread may call it.
class PrincipalNames {
 public:
  /// The file "names.json" of `folder` (docs/formats.md, "Names of principals"), which the first
  /// name makes, with the folder. Deletes what a crash within a change left behind. Besides the
  /// errors of core/os/file.h: DATA_LOSS (PRINCIPAL_NAMES_DAMAGED).
  static absl::StatusOr<std::unique_ptr<PrincipalNames>> Open(std::filesystem::path folder);

  /// Durable when it returns; "" erases the name: the file is written anew without it.
  /// INVALID_ARGUMENT (PRINCIPAL_INVALID, TEXT_TOO_LONG, TEXT_NOT_UTF8); RESOURCE_EXHAUSTED
  /// (TOO_MANY_PRINCIPAL_NAMES); the errors of core/os/file.h, after which the name is as before.
  absl::Status Set(std::string_view principal, std::string_view display_name);

  /// "" where there is none.
  std::string Find(std::string_view principal) const;

  /// By principal.
  absl::StatusOr<Page<PrincipalName>> List(const PageRequest& page) const;

 private:
  using Names = std::map<std::string, std::string, std::less<>>;

  PrincipalNames(std::filesystem::path folder, Names names)
      : folder_(std::move(folder)), names_(std::move(names)) {}

  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  Names names_;
};

}  // namespace dml
