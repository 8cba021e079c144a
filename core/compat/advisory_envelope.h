// Advisories as they are signed.
#pragma once

#include <string_view>

#include "core/compat/advisory.h"
#include "core/trust/dsse.h"

namespace dml {

struct AdvisoryEnvelope {
  DsseEnvelope envelope;
  Advisory advisory;  // Its payload.
};

/// The errors of ParseEnvelope and ParseAdvisory; PERMISSION_DENIED (PAYLOAD_TYPE_UNEXPECTED) for
/// an envelope over anything else. Signatures are not looked at.
absl::StatusOr<AdvisoryEnvelope> OpenAdvisory(std::string_view envelope);

}  // namespace dml
