// The license of a Debian package, from its copyright file.
#pragma once

#include <string_view>

#include "tools/import/deb_import.h"

namespace dml {

/// Sets declared_license and unmapped_licenses of the spec of `package`, and notes in `unmapped`
/// why they say less than the package does.
void SetDebLicense(const DebCopyrightFile& copyright, std::string_view package,
                   PackageImport& import);

}  // namespace dml
