// npm packages (.tgz of "npm pack") as packages of the library.
//
// What becomes of package.json (docs.npmjs.com, "package.json"), the one at the top of the archive:
//   name                   the package's name in the namespace given; "@scope/name" is
//   "scope+name",
//                          since no npm name has a '+'
//   version                version of scheme npm
//   dependencies           requires, ranges of scheme npm; "npm:NAME@RANGE" is a range of NAME
//   peerDependencies       requires, but for those that peerDependenciesMeta calls optional
//   os, cpu                platform where each names one
//   license                declared license, an SPDX expression
//   description, homepage  title and homepage
// Dependencies that are bundled or optional are left out, and noted. One that no range can say (a
// URL, a tag, a file) is a requirement that no version meets: what is not known is not proven.
// devDependencies and scripts say nothing of the package in use.
#pragma once

#include <filesystem>
#include <string_view>

#include "tools/import/archive_members.h"
#include "tools/import/package_import.h"

namespace dml {

/// Reads a .tgz file. `ns` is the namespace, such as "npm".
///
/// Errors name the file: those of ReadArchiveMembers; INVALID_ARGUMENT with NPM_INVALID and the
/// member's path for a package.json that is none, and NAME_INVALID, VERSION_INVALID, or an error of
/// ParsePackageSpec for what does not fit a spec. A license that cannot be told is no error: it is
/// NOASSERTION, noted.
absl::StatusOr<PackageImport> ReadNpm(const std::filesystem::path& path, std::string_view ns,
                                      const ArchiveLimits& limits = {});

}  // namespace dml
