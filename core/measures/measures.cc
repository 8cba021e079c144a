#include "core/measures/measures.h"

#include <algorithm>

#include "core/measures/measuring.h"

namespace dml {
namespace {

using measuring::PeriodMeasures;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

// Where the span that holds a time ends.
Timestamp EndOf(Timestamp time, MeasureSpan by) {
  const sys_days day = floor<days>(time);
  switch (by) {
    case MeasureSpan::kAll:
      return Timestamp::max();
    case MeasureSpan::kDay:
      return day + days(1);
    case MeasureSpan::kWeek:
      return day + days(7 - (std::chrono::weekday(day).iso_encoding() - 1));
    case MeasureSpan::kMonth:
      break;
  }
  const std::chrono::year_month_day date(day);
  return sys_days((date.year() / date.month() + std::chrono::months(1)) / 1);
}

absl::Status BadPeriod(std::string_view what) {
  return InvalidArgument(ErrorReason("PERIOD_INVALID"), "{}", what);
}

}  // namespace

absl::StatusOr<std::vector<MeasuredPeriod>> ComputeMeasures(const History& history,
                                                            const MeasuresQuestion& question) {
  Timestamp from = question.from.value_or(history.begin());
  // The last entry is in the last period.
  const Timestamp until = question.until.value_or(history.end() + std::chrono::microseconds(1));
  if (until <= from) return BadPeriod("the time ends before it begins");
  std::vector<MeasuredPeriod> out;
  while (from < until) {
    if (out.size() == kMaxMeasurePeriods) {
      return BadPeriod(fmt::format("more than {} periods: ask for a shorter time, or longer ones",
                                   kMaxMeasurePeriods));
    }
    MeasuredPeriod period;
    period.from = from;
    period.until = std::min(EndOf(from, question.by), until);
    period.measures = PeriodMeasures(history, question, period.from, period.until).Run();
    from = period.until;
    out.push_back(std::move(period));
  }
  return out;
}

}  // namespace dml
