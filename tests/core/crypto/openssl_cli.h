// The openssl command line as a second opinion on keys, signatures and certificates.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "tests/core/os/scratch_folder.h"

namespace dml::testing {

/// Runs "openssl <arguments>" in the folder; true where it says that all is well.
inline bool RunOpenSsl(const ScratchFolder& folder, const std::string& arguments) {
  std::string command =
      "cd '" + folder.path().string() + "' && openssl " + arguments + " >output 2>&1";
  return std::system(command.c_str()) == 0;
}

inline bool HasOpenSslCommand() {
  static const bool found = std::system("openssl version >/dev/null 2>&1") == 0;
  return found;
}

}  // namespace dml::testing

/// Ends the test as skipped where the command line is absent.
#define DML_SKIP_WITHOUT_OPENSSL() \
  if (!::dml::testing::HasOpenSslCommand()) GTEST_SKIP() << "no openssl command; install openssl"
