// Data directories under tests/golden/data: kept once, by the version that wrote them, and read by
// every later one.
#pragma once

#include <filesystem>

#include "tests/integration/support/running_library.h"
#include "tests/support/golden.h"

namespace dml::testing {

inline std::filesystem::path GoldenData(std::string_view name) {
  return GoldenDir() / "data" / name;
}

/// A copy that may be written to.
inline void CopyTree(const std::filesystem::path& from, const std::filesystem::path& to) {
  namespace fs = std::filesystem;
  fs::create_directories(to);
  for (const auto& item : fs::recursive_directory_iterator(from)) {
    const fs::path target = to / fs::relative(item.path(), from);
    if (item.is_directory()) {
      fs::create_directories(target);
      fs::permissions(target, fs::perms::owner_all);
    } else {
      fs::copy_file(item.path(), target);
      fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
    }
  }
  fs::permissions(to, fs::perms::owner_all);
}

/// Keeps what the state of a library that does not run is made of; certificates and their keys are
/// left out, as each start makes those that are missing.
inline void KeepGoldenData(const std::filesystem::path& data_dir, std::string_view name) {
  namespace fs = std::filesystem;
  const fs::path golden = GoldenData(name);
  fs::remove_all(golden);
  for (const char* file : {"format", "origin", "signed-checkpoint", "keys/log.key"}) {
    WriteBytes(golden / file, ReadBytes(data_dir / file));
  }
  for (const auto& item : fs::directory_iterator(data_dir / "db")) {
    const std::string file = item.path().filename();
    if (file == "LOCK" || file.starts_with("LOG") || file.starts_with("OPTIONS-")) continue;
    WriteBytes(golden / "db" / file, ReadBytes(item.path()));
  }
}

}  // namespace dml::testing
