#include "tools/dml/measures_text.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace dml {
namespace {

constexpr uint64_t kMillion = 1'000'000;

// "36 h", "2 d 4 h", "45 min".
std::string DurationWords(std::chrono::seconds time) {
  const auto count = time.count();
  if (count < 60) return fmt::format("{} s", count);
  if (count < 3600) return fmt::format("{} min", count / 60);
  if (count < 48 * 3600) return fmt::format("{} h", count / 3600);
  return fmt::format("{} d {} h", count / 86400, count % 86400 / 3600);
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string LabelValue(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

std::string MetricName(std::string_view id) {
  std::string out = fmt::format("dml_{}", id);
  std::ranges::replace(out, '-', '_');
  return out;
}

// One measure's samples.
class Samples {
 public:
  Samples(const MeasureDefinition& definition, std::string scope)
      : definition_(definition), name_(MetricName(definition.id)), scope_(std::move(scope)) {}

  void Add(const Measure& measure) {
    const std::string labels = Labels(measure);
    known_ += fmt::format("{}_known{} {}\n", name_, labels, measure.unknown_reason.empty() ? 1 : 0);
    if (!measure.unknown_reason.empty()) return;
    switch (definition_.unit) {
      case MeasureUnit::kCount:
        Sample("", labels, std::to_string(measure.count));
        break;
      case MeasureUnit::kShare:
        if (measure.total > 0) {
          Sample("_ratio", labels, FormatRatio(measure.count, measure.total));
        }
        Sample("_total", labels, std::to_string(measure.total));
        break;
      case MeasureUnit::kDuration:
        if (measure.count > 0) {
          Sample("_seconds", labels, std::to_string(measure.median.count()));
          Sample("_longest_seconds", labels, std::to_string(measure.longest.count()));
        }
        Sample("_count", labels, std::to_string(measure.count));
        break;
      case MeasureUnit::kRate:
        Sample("_per_day", labels, FormatRatio(measure.count, measure.total));
        Sample("_count", labels, std::to_string(measure.count));
        break;
    }
  }

  // All samples of a name together, as the format demands.
  std::string Text() const {
    std::string out;
    for (const char* suffix :
         {"", "_ratio", "_seconds", "_longest_seconds", "_per_day", "_count", "_total"}) {
      const auto found = samples_.find(suffix);
      if (found == samples_.end()) continue;
      out += Head(name_ + suffix, definition_.definition) + found->second;
    }
    return out + Head(name_ + "_known", "Whether it is known.") + known_;
  }

 private:
  std::string Labels(const Measure& measure) const {
    std::string inside = scope_;
    if (!measure.part.empty()) {
      inside += fmt::format("{}part=\"{}\"", inside.empty() ? "" : ",", LabelValue(measure.part));
    }
    return inside.empty() ? "" : "{" + inside + "}";
  }
  void Sample(const std::string& suffix, const std::string& labels, const std::string& value) {
    samples_[suffix] += fmt::format("{}{}{} {}\n", name_, suffix, labels, value);
  }
  static std::string Head(const std::string& name, std::string_view help) {
    return fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
  }

  const MeasureDefinition& definition_;
  const std::string name_;
  const std::string scope_;
  std::map<std::string, std::string, std::less<>> samples_;  // By suffix.
  std::string known_;
};

}  // namespace

std::string FormatRatio(uint64_t count, uint64_t total) {
  if (total == 0) return "0.000000";
  // Six digits, one after another, so that nothing overflows.
  std::string out = fmt::format("{}.", count / total);
  uint64_t rest = count % total;
  for (uint64_t i = 1; i < kMillion; i *= 10) {
    const auto wide = static_cast<unsigned __int128>(rest) * 10;
    out += static_cast<char>('0' + static_cast<int>(wide / total));
    rest = static_cast<uint64_t>(wide % total);
  }
  return out;
}

std::string MeasureWords(const Measure& measure) {
  if (!measure.unknown_reason.empty()) return "not known: " + measure.unknown_reason;
  const MeasureDefinition* definition = FindMeasureDefinition(measure.id);
  switch (definition == nullptr ? MeasureUnit::kCount : definition->unit) {
    case MeasureUnit::kShare: {
      if (measure.total == 0) return "none";
      const uint64_t permille = static_cast<uint64_t>(
          static_cast<unsigned __int128>(measure.count) * 1000 / measure.total);
      return fmt::format("{} of {} ({}.{} %)", measure.count, measure.total, permille / 10,
                         permille % 10);
    }
    case MeasureUnit::kDuration:
      if (measure.count == 0) return "none";
      return fmt::format("{} (of {}, longest {})", DurationWords(measure.median), measure.count,
                         DurationWords(measure.longest));
    case MeasureUnit::kRate:
      return fmt::format("{} in {} d", measure.count, measure.total);
    case MeasureUnit::kCount:
      break;
  }
  return std::to_string(measure.count);
}

std::string FormatMeasuresCsv(const std::vector<MeasuredPeriod>& periods) {
  std::string out =
      "from,until,level,measure,part,unit,known,count,total,median_seconds,longest_seconds,why\n";
  for (const MeasuredPeriod& period : periods) {
    for (const Measure& measure : period.measures) {
      const MeasureDefinition* definition = FindMeasureDefinition(measure.id);
      const bool known = measure.unknown_reason.empty();
      const auto number = [&](auto value) { return known ? std::to_string(value) : ""; };
      out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", FormatTime(period.from),
                         FormatTime(period.until),
                         definition == nullptr ? "" : MeasureLevelName(definition->level),
                         measure.id, CsvField(measure.part),
                         definition == nullptr ? "" : MeasureUnitName(definition->unit),
                         known ? "yes" : "no", number(measure.count), number(measure.total),
                         number(measure.median.count()), number(measure.longest.count()),
                         CsvField(measure.unknown_reason));
    }
  }
  return out;
}

std::string FormatMeasuresPrometheus(const MeasuredPeriod& period, const std::string& environment,
                                     const std::string& service) {
  std::string scope;
  if (!environment.empty()) scope += fmt::format("environment=\"{}\"", LabelValue(environment));
  if (!service.empty()) {
    scope += fmt::format("{}service=\"{}\"", scope.empty() ? "" : ",", LabelValue(service));
  }
  std::string out;
  for (const MeasureDefinition& definition : MeasureDefinitions()) {
    Samples samples(definition, scope);
    bool is_there = false;
    for (const Measure& measure : period.measures) {
      if (measure.id != definition.id) continue;
      samples.Add(measure);
      is_there = true;
    }
    if (is_there) out += samples.Text();
  }
  return out;
}

}  // namespace dml
