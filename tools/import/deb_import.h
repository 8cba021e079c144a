// Debian packages (.deb) as packages of the library.
//
// What becomes of a package's control fields (Debian Policy 5):
//   Package, Version      the package's name in the namespace given; version of scheme deb
//   Architecture          platform in OCI's words: amd64 is linux/amd64, all is any platform
//   Pre-Depends, Depends  requires; alternatives ("|") become one requirement's any_of
//   Conflicts, Breaks,    relations of that name, scope NODE
//   Replaces
//   Provides              provides, with the version where there is one
//   Description           title (first line) and description
//   Homepage              homepage
//   Section, Priority,    labels "section", "priority", "source" and, where it is not the
//   Source                package's own, "source-version"
// and its copyright file, where it is machine-readable, gives the declared license. Maintainer is
// left out, as it names a person. Names of relations are in the namespace given.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "tools/import/deb_archive.h"
#include "tools/import/deb_control.h"
#include "tools/import/package_import.h"

namespace dml {

/// Reads a .deb file from front to end; its notes are first of the license, then of fields in the
/// order of the control file, and the file's name is NAME_VERSION_ARCHITECTURE.deb without the
/// version's epoch. `ns` is the namespace, such as "debian"; it is also the
/// vendor in the purl "pkg:deb/debian/NAME@VERSION?arch=ARCHITECTURE".
///
/// Errors name the file: those of DebArchive; INVALID_ARGUMENT with NAME_INVALID for the namespace,
/// and with the control field as field violation DEB_INVALID (missing), DEB_RELATION_INVALID,
/// DEB_ARCHITECTURE_UNKNOWN, NAME_INVALID, VERSION_INVALID, or an error of ParsePackageSpec for
/// what does not fit a spec. A license that cannot be told is no error: it is NOASSERTION, noted.
absl::StatusOr<PackageImport> ReadDeb(const std::filesystem::path& path, std::string_view ns,
                                      const DebLimits& limits = {});

/// A package of an index (deb_index.h) as a reference: of its control fields what ReadDeb makes of
/// them, without its file and so without its license. Errors as those of ReadDeb, but those of
/// ParsePackageSpec, which the caller asks when it has the document.
absl::StatusOr<PackageImport> ReadDebStanza(const DebControl& control, std::string_view ns);

}  // namespace dml
