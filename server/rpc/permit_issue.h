// Asking for a permit: decided on a snapshot, committed where nothing has changed since, and
// answered a second time as the first.
#pragma once

#include "server/rpc/services.h"
#include "storage/library/permit_bundles.h"
#include "storage/library/permits.h"

namespace dml {

struct IssuedPermit {
  PermitRecord permit;
  std::vector<Finding> findings;
  Digest approved_findings;  // Zero in the answer to a retry.
  std::optional<PermitRecord> back_out;
  std::optional<Receipt> receipt;  // None where it was only tried.
};

/// Decides, commits the decision and answers what it was. With a release to return to, the permit
/// for that is given first, under the same request id with a suffix, and only where the release
/// itself may go. The errors of DecidePermit; FAILED_PRECONDITION (PERMIT_KEY_MISSING,
/// PERMIT_KEY_NOT_IN_ROOT) where nobody would believe the permit.
absl::StatusOr<IssuedPermit> IssuePermit(const ServiceContext& context, const Caller& caller,
                                         PermitRequest request, const std::string& request_id,
                                         bool validate_only);

/// What permits are decided by.
PermitTools ToolsOf(const ServiceContext& context);

}  // namespace dml
