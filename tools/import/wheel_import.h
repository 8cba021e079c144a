// Python wheels (.whl) as packages of the library.
//
// What becomes of a wheel's METADATA (packaging.python.org, "Core metadata specifications") and of
// its file's name ("Binary distribution format"):
//   Name                 the package's name in the namespace given, normalized as PEP 503 does
//   Version              version of scheme pep440
//   Requires-Dist        requires, ranges of scheme pep440 (PEP 508); those of an extra are left
//   out
//                        and noted, other markers are taken to hold
//   License-Expression   declared license; without it License, where that is an SPDX expression
//   Summary, Description title, description
//   Home-page, or        homepage
//   Project-URL Homepage
//   the tags             platform; labels "python-tag" and "abi-tag"
// A requirement by URL is one that no version meets. Author and Maintainer name persons and are
// left out. Requires-Python is noted: the interpreter is no package of the namespace.
#pragma once

#include <filesystem>
#include <string_view>

#include "tools/import/archive_members.h"
#include "tools/import/package_import.h"

namespace dml {

/// Reads a .whl file, whose name must be that of a wheel and agree with its METADATA. `ns` is the
/// namespace, such as "pypi".
///
/// Errors name the file: those of ReadArchiveMembers; INVALID_ARGUMENT with WHEEL_INVALID,
/// WHEEL_PLATFORM_UNKNOWN, NAME_INVALID, VERSION_INVALID, or an error of ParsePackageSpec for what
/// does not fit a spec. A license that cannot be told is no error: it is NOASSERTION, noted.
absl::StatusOr<PackageImport> ReadWheel(const std::filesystem::path& path, std::string_view ns,
                                        const ArchiveLimits& limits = {});

/// A requirement of PEP 508 without its marker, and the marker.
struct PythonRequirement {
  std::string name;    // Normalized.
  std::string extras;  // Between brackets; "" for none.
  std::string range;   // Specifiers of PEP 440; "" for any version.
  std::string url;     // After '@'; "" for none.
  std::string marker;  // After ';'; "" for none.
};

/// WHEEL_INVALID for what is no requirement.
absl::StatusOr<PythonRequirement> ParsePythonRequirement(std::string_view text);

}  // namespace dml
