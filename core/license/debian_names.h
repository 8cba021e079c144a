// Short names of debian/copyright files and the SPDX ids that they mean: the table and its rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/license/license_list.h"

namespace dml {

/// The SPDX text of a short name such as "GPL-2+" or "Expat", in any case: one license, with WITH
/// where the name implies an exception, or two joined by OR ("Perl"). nullopt where the name is not
/// known or means an id that is not on `list`.
std::optional<std::string> SpdxOfDebianName(std::string_view name, const LicenseList& list);

/// The SPDX text after WITH for "with <words> exception"; `words` without "exception", `license`
/// the SPDX text before WITH, which some exceptions differ by. nullopt where not known.
std::optional<std::string> SpdxOfDebianException(std::string_view words, std::string_view license,
                                                 const LicenseList& list);

}  // namespace dml
