#include "core/compat/advisory_envelope.h"

#include "core/base/text.h"

namespace dml {

absl::StatusOr<AdvisoryEnvelope> OpenAdvisory(std::string_view envelope) {
  AdvisoryEnvelope out;
  DML_ASSIGN_OR_RETURN(out.envelope, ParseEnvelope(envelope));
  if (out.envelope.payload_type != kAdvisoryPayloadType) {
    return PermissionDenied(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                            "the envelope is over '{}', not over an advisory ({})",
                            Excerpt(out.envelope.payload_type), kAdvisoryPayloadType);
  }
  DML_ASSIGN_OR_RETURN(out.advisory, ParseAdvisory(out.envelope.payload));
  return out;
}

}  // namespace dml
