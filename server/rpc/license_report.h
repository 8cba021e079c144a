// GetLicenseReport: what a notice of variants has to tell.
#pragma once

#include "dml/v1/license.pb.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/services.h"

namespace dml {

/// The errors of ReadLicenseSet, ReadQuestionState and ReadVariantLicenses; of contexts. A page
/// ends early rather than be larger than a quarter of a message by more than one item.
absl::Status ReportLicenses(const ServiceContext& context, const Caller& caller,
                            const v1::GetLicenseReportRequest& request,
                            v1::GetLicenseReportResponse& response);

}  // namespace dml
