// Golden files: what a stored format looked like when it was fixed.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/paths.h"

namespace dml::testing {

inline std::filesystem::path GoldenDir() { return SourceDir() / "tests" / "golden"; }

/// UPDATE_GOLDEN=1 writes the files anew: only for a format that nobody has stored yet.
inline bool UpdatesGolden() { return std::getenv("UPDATE_GOLDEN") != nullptr; }

/// The text of a golden file; with UPDATE_GOLDEN it becomes `now` before.
inline std::string GoldenText(const std::string& name, const std::string& now) {
  const std::filesystem::path file = GoldenDir() / name;
  if (UpdatesGolden()) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << now;
  }
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in.good()) << file << " is missing";
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace dml::testing
