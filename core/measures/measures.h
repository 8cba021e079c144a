// Measures: how an organization delivers, by environment, service and period. Integers all the way:
// shares are two numbers, durations are medians of what was observed. Pure functions; any thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/measures/history.h"

namespace dml {

enum class MeasureLevel { kStrategic = 1, kTactical, kOperational };
enum class MeasureUnit {
  kCount = 1,
  kShare,     // Some of all.
  kDuration,  // Median, and how many it is of.
  kRate,      // So many in so many days.
};
std::string_view MeasureLevelName(MeasureLevel level);  // "STRATEGIC", ...
std::string_view MeasureUnitName(MeasureUnit unit);     // "COUNT", ...

struct MeasureDefinition {
  std::string_view id;  // "change-fail-rate"
  MeasureLevel level;
  MeasureUnit unit;
  std::string_view title;
  std::string_view definition;
};
/// All of them, by level.
std::span<const MeasureDefinition> MeasureDefinitions();
/// Null: there is none.
const MeasureDefinition* FindMeasureDefinition(std::string_view id);

struct Measure {
  std::string id;
  std::string part;            // Of one with several values: a reason, a product, ...
  std::string unknown_reason;  // Why nobody knows, which is not zero; "": the value is known.
  uint64_t count = 0;          // Of a duration: of how many it is the median.
  uint64_t total = 0;          // Of a share: of how many; of a rate: in how many days, at least 1.
  std::chrono::seconds median{0};  // The lower one of two in the middle.
  std::chrono::seconds longest{0};
  bool operator==(const Measure&) const = default;
};

enum class MeasureSpan { kAll = 1, kDay, kWeek, kMonth };

inline constexpr size_t kMaxMeasurePeriods = 1000;

struct MeasuresQuestion {
  std::string environment;           // With what is below it; "": all.
  std::string service;               // A pattern of packages, "namespace/name"; "": all.
  std::optional<Timestamp> from{};   // None: from the first entry on.
  std::optional<Timestamp> until{};  // Not in it any more; none: all that the journal has.
  MeasureSpan by = MeasureSpan::kAll;
  std::function<bool(std::string_view environment)> sees{};  // Empty: all.
  bool sees_library = true;  // What belongs to no environment is shown, too.
};

struct MeasuredPeriod {
  Timestamp from;
  Timestamp until;
  std::vector<Measure> measures;  // As defined, then by part.
  bool operator==(const MeasuredPeriod&) const = default;
};

/// Days, weeks (from Monday on) and months begin at midnight UTC; the first and the last may be cut
/// by the question. INVALID_ARGUMENT (PERIOD_INVALID) where it ends before it begins, or there are
/// more than kMaxMeasurePeriods.
absl::StatusOr<std::vector<MeasuredPeriod>> ComputeMeasures(const History& history,
                                                            const MeasuresQuestion& question);

}  // namespace dml
