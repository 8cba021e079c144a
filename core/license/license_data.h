// The license list document built into the program from core/license/data (see NOTICE there).
#pragma once

#include <string>

namespace dml {

/// The document that LicenseList::Parse reads. Its definition is generated when building.
std::string BundledLicenseDocument();

}  // namespace dml
