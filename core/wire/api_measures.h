// Domain values <-> API messages of measures; see core/wire/api.h.
#pragma once

#include "core/measures/measures.h"
#include "core/wire/api.h"
#include "dml/v1/measures.pb.h"

namespace dml::wire {

void To(const Measure& measure, v1::Measure* out);
absl::StatusOr<Measure> From(const v1::Measure& in);
void To(const MeasuredPeriod& period, v1::MeasurePeriod* out);
absl::StatusOr<MeasuredPeriod> From(const v1::MeasurePeriod& in);
void To(const MeasureDefinition& definition, v1::MeasureDefinition* out);

}  // namespace dml::wire
