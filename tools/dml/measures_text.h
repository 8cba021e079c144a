// Measures as text, for people and programs. Integers alone: fractions are written out of two
// numbers, so that the same measures are the same bytes.
#pragma once

#include <string>
#include <vector>

#include "core/measures/measures.h"

namespace dml {

/// What people read: "1 of 3 (33.3 %)", "6 h (of 2, longest 60 h)", "2 in 31 d", "not known: ...".
std::string MeasureWords(const Measure& measure);

/// RFC 4180, but that lines end with LF alone, as all output does: a header, then a line a measure
/// and period.
std::string FormatMeasuresCsv(const std::vector<MeasuredPeriod>& periods);

/// Prometheus' text format 0.0.4, of one period: gauges dml_<measure> with the label part; shares
/// as ratio, durations as seconds, rates as so many a day, each with dml_<measure>_total or _count
/// beside it. What is not known has dml_<measure>_known 0 and no value.
std::string FormatMeasuresPrometheus(const MeasuredPeriod& period, const std::string& environment,
                                     const std::string& service);

/// count / total, six digits, rounded down; "0.000000" for none of none.
std::string FormatRatio(uint64_t count, uint64_t total);

}  // namespace dml
