// A Debian index as libsolv's tools read it, and jobs on it: what the solver here is measured and
// checked against. libsolv is installed beside it (Debian package libsolv-tools), never linked.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace dml {

/// Writes the index as a repository of libsolv's test cases ("testtags"). "NAME:any" is written as
/// the name "any-of-NAME", which what is `Multi-Arch: allowed` provides; soft relations are left
/// out. The errors of ReadDebIndex and ParseDebRelations, and of writing a file.
absl::Status WriteLibsolvRepo(const std::filesystem::path& index,
                              const std::filesystem::path& repo);

/// Names of packages or of what they provide, to be installed together.
using LibsolvJob = std::vector<std::string>;

/// Runs testsolv over a repo, which is read once for all jobs; for each whether there is a set.
/// What it is told is written beside the repo. UNAVAILABLE (TESTSOLV_FAILED) where it does not
/// answer.
absl::StatusOr<std::vector<bool>> RunTestsolv(const std::filesystem::path& repo,
                                              const std::vector<LibsolvJob>& jobs);

/// Whether a program is in the PATH.
bool HasProgram(const std::string& name);

}  // namespace dml
