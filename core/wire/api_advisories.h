// Domain values <-> API messages of advisories; see core/wire/api.h.
#pragma once

#include "core/journal/advisory_entries.h"
#include "core/wire/api.h"
#include "dml/v1/advisory.pb.h"

namespace dml::wire {

std::string AdvisoryResource(std::string_view id);  // advisories/ID

/// Without the envelope's bytes, which are read apart; `From` makes its digest of them.
void To(const AdvisoryRecord& record, v1::Advisory* out);
absl::StatusOr<AdvisoryRecord> From(const v1::Advisory& in);

}  // namespace dml::wire
