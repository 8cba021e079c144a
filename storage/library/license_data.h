// The license data in force: what signed objects in the journal say, and what is built in where
// they say nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/license/data_set.h"
#include "core/rules/command.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

/// An envelope over a claim is small, whoever signed it.
inline constexpr size_t kMaxLicenseDataEnvelopeBytes = 64 << 10;
/// Lines of a difference that are told.
inline constexpr size_t kMaxLicenseDataChanges = 1000;

/// The documents that a state holds, of each kind the last one.
absl::StatusOr<LicenseDocuments> LoadLicenseDocuments(const Reader& state);

struct LicenseDataChange {
  Command command;
  std::vector<std::string> changes;  // Against what is in force; see DiffLicenseData.
};

/// The command that puts a document in the place of the one before. Its envelope must be a claim
/// about its bytes (the errors of ReadClaimAbout and ParseLicenseDataClaim) by the role
/// license-data (those of TrustDomain::Verify). Nothing is replaced by what cannot be used: the
/// errors of ReadLicenseData, with a matrix's faults as field violations, also where another part
/// in force names a license that a new list no longer has; FAILED_PRECONDITION
/// (LICENSE_DATA_IN_USE) where a policy in force could not be read any more;
/// LICENSE_DATA_INVALID beyond the limits.
absl::StatusOr<LicenseDataChange> PrepareSetLicenseData(const Reader& state,
                                                        const TrustDomain& trust,
                                                        std::string envelope, std::string content);

/// That the license data does not change before a command is carried out.
absl::StatusOr<StampSeen> SeenLicenseData(const Reader& state);

}  // namespace dml
