// What a notice of variants has to tell.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/license/notice.h"
#include "storage/library/variant_licenses.h"

namespace dml {

struct LicenseReport {
  NoticeInput notice;  // Without title and document namespace; components in the order given.
  std::vector<std::string> missing;  // Ids without a text, sorted.
};

/// Components under the licenses taken; obligations of each in the context that the policy gives
/// it, or in the one given for all; texts of the license data in force.
LicenseReport MakeLicenseReport(const LicenseState& state, std::span<const VariantLicense> variants,
                                const std::optional<LicenseContext>& given);

}  // namespace dml
