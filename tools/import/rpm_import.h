// RPM packages (.rpm) as packages of the library.
//
// What becomes of a package's tags:
//   NAME                    the package's name in the namespace given, in lower case; label
//                           "rpm-name" where that is another one
//   EPOCH:VERSION-RELEASE   version of scheme rpm
//   ARCH                    platform in OCI's words: x86_64 is linux/amd64, noarch any platform
//   REQUIRES                requires; "(A or B)" becomes one requirement's any_of
//   PROVIDES, programs      provides, with the version where there is one; of the files those in
//                           folders bin and sbin, as others require them by path
//   CONFLICTS, OBSOLETES    conflicts, replaces
//   SUMMARY, DESCRIPTION    title and description
//   URL, LICENSE            homepage; declared license where it is an SPDX expression
//   GROUP, SOURCERPM        labels "group" and "source"
// A name that no package can have ("libc.so.6()(64bit)", "/usr/bin/perl") is one of a CAPABILITY,
// wherever it stands. What rpm itself must be able to do ("rpmlib(...)") is noted. Other rich
// dependencies than "(A or B)" are requirements that nothing meets: what is not understood is not
// proven. Vendor and packager are left out.
#pragma once

#include <filesystem>
#include <string_view>

#include "tools/import/package_import.h"

namespace dml {

/// Reads a .rpm file's header; the payload is not looked at. `ns` is the namespace, such as
/// "fedora", and also the vendor in the purl "pkg:rpm/fedora/NAME@VERSION-RELEASE?arch=ARCH".
///
/// Errors name the file: those of RpmHeader::Read; INVALID_ARGUMENT with RPM_INVALID, RPM_SOURCE (a
/// source package), RPM_ARCHITECTURE_UNKNOWN, NAME_INVALID, VERSION_INVALID, or an error of
/// ParsePackageSpec for what does not fit a spec. A license that cannot be told is no error: it is
/// NOASSERTION, noted.
absl::StatusOr<PackageImport> ReadRpm(const std::filesystem::path& path, std::string_view ns);

}  // namespace dml
