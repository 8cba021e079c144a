// A newer license list, out of the npm packages that the built-in one comes from.
//
//   spdx-license-ids   index.json, deprecated.json    arrays of license ids
//   spdx-exceptions    index.json, deprecated.json    arrays of exception ids
//   spdx-ranges        index.json                     array of families (license_list.h)
// Each package's package.json gives its name and version, which name the list: "ids 3.0.24,
// exceptions 2.5.0, ranges 2.1.1". Every verdict records that text.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// The texts of the files. They must outlive the call only.
struct LicenseListFiles {
  std::string_view ids_package;  // package.json
  std::string_view ids;
  std::string_view deprecated_ids;
  std::string_view exceptions_package;
  std::string_view exceptions;
  std::string_view deprecated_exceptions;
  std::string_view ranges_package;
  std::string_view ranges;
};

/// The license list document (license_list.h) of these files, which LicenseList::Parse reads; one
/// document for the same files. INVALID_ARGUMENT (LICENSE_LIST_INVALID) naming the file: more than
/// kMaxLicenseListBytes, no strict JSON, another shape, a package.json of another package or with a
/// version that is none ("1.2.3" with what may follow), or a list that LicenseList::Parse refuses.
absl::StatusOr<std::string> MakeLicenseListDocument(const LicenseListFiles& files);

}  // namespace dml
