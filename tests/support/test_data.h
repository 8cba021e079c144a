// Where tests find shared vectors: DML_TEST_DATA, or ../shared/data beside the checkout.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/paths.h"

namespace dml::testing {

inline std::filesystem::path TestDataDir() {
  if (const char* dir = std::getenv("DML_TEST_DATA")) return dir;
  return SourceDir().parent_path() / "shared" / "data";
}

/// The whole file; the test fails where it cannot be read.
inline std::string ReadFileOrDie(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << "cannot read " << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace dml::testing

/// Ends the test as skipped where a file or folder of the shared vectors is absent.
#define DML_SKIP_WITHOUT_TEST_DATA(relative)                                               \
  if (!std::filesystem::exists(::dml::testing::TestDataDir() / (relative)))                \
  GTEST_SKIP() << "no test data " << (::dml::testing::TestDataDir() / (relative)).string() \
               << "; set DML_TEST_DATA"
