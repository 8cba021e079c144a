#include "core/wire/api_measures.h"

namespace dml::wire {

void To(const Measure& measure, v1::Measure* out) {
  out->set_id(measure.id);
  out->set_part(measure.part);
  if (const MeasureDefinition* definition = FindMeasureDefinition(measure.id)) {
    out->set_level(static_cast<v1::MeasureLevel>(definition->level));
    out->set_unit(static_cast<v1::MeasureUnit>(definition->unit));
  }
  out->set_known(measure.unknown_reason.empty());
  out->set_unknown_reason(measure.unknown_reason);
  if (!out->known()) return;
  out->set_count(measure.count);
  out->set_total(measure.total);
  out->mutable_median()->set_seconds(measure.median.count());
  out->mutable_longest()->set_seconds(measure.longest.count());
}

absl::StatusOr<Measure> From(const v1::Measure& in) {
  if (in.known() != in.unknown_reason().empty() || in.id().empty()) {
    return InvalidArgument(ErrorReason("MEASURE_INVALID"),
                           "a measure is known, or says why it is not");
  }
  Measure out;
  out.id = in.id();
  out.part = in.part();
  out.unknown_reason = in.unknown_reason();
  out.count = in.count();
  out.total = in.total();
  out.median = std::chrono::seconds(in.median().seconds());
  out.longest = std::chrono::seconds(in.longest().seconds());
  return out;
}

void To(const MeasuredPeriod& period, v1::MeasurePeriod* out) {
  To(period.from, out->mutable_from());
  To(period.until, out->mutable_until());
  for (const Measure& measure : period.measures) To(measure, out->add_measures());
}

absl::StatusOr<MeasuredPeriod> From(const v1::MeasurePeriod& in) {
  MeasuredPeriod out;
  out.from = From(in.from());
  out.until = From(in.until());
  for (const v1::Measure& measure : in.measures()) {
    DML_ASSIGN_OR_RETURN(out.measures.emplace_back(), From(measure));
  }
  return out;
}

void To(const MeasureDefinition& definition, v1::MeasureDefinition* out) {
  out->set_id(std::string(definition.id));
  out->set_level(static_cast<v1::MeasureLevel>(definition.level));
  out->set_unit(static_cast<v1::MeasureUnit>(definition.unit));
  out->set_title(std::string(definition.title));
  out->set_definition(std::string(definition.definition));
}

}  // namespace dml::wire
