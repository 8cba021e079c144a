// CVSS 3.0 and 3.1: the base score of a vector (first.org/cvss/v3.1/specification-document, 7.1).
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tools/import/advisory_import.h"

namespace dml::advisory_import {
namespace {

struct Weight {
  char letter;
  double value;
};

// The weight of a metric's letter; negative where it has no such letter.
double WeightOf(const std::map<std::string, char, std::less<>>& metrics, std::string_view name,
                std::initializer_list<Weight> weights) {
  const auto metric = metrics.find(name);
  if (metric == metrics.end()) return -1;
  for (const Weight& weight : weights) {
    if (weight.letter == metric->second) return weight.value;
  }
  return -1;
}

// Rounds up to one decimal, as 3.1 does (appendix A), without the errors of binary fractions.
double RoundUp(double value) {
  const auto whole = static_cast<int64_t>(std::round(value * 100'000));
  if (whole % 10'000 == 0) return static_cast<double>(whole) / 100'000;
  return static_cast<double>(whole / 10'000 + 1) / 10;
}

}  // namespace

AdvisorySeverity SeverityOfScore(double base_score) {
  if (!(base_score > 0) || base_score > 10) return AdvisorySeverity::kUnknown;
  if (base_score < 4) return AdvisorySeverity::kLow;
  if (base_score < 7) return AdvisorySeverity::kMedium;
  if (base_score < 9) return AdvisorySeverity::kHigh;
  return AdvisorySeverity::kCritical;
}

AdvisorySeverity SeverityOfCvss(std::string_view vector) {
  const bool is_known = vector.starts_with("CVSS:3.0/") || vector.starts_with("CVSS:3.1/");
  if (!is_known || vector.size() > 256) return AdvisorySeverity::kUnknown;
  std::map<std::string, char, std::less<>> metrics;
  for (std::string_view rest = vector.substr(9); !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const size_t colon = part.find(':');
    if (colon == part.npos || colon + 2 != part.size()) return AdvisorySeverity::kUnknown;
    if (!metrics.emplace(part.substr(0, colon), part.back()).second) {
      return AdvisorySeverity::kUnknown;
    }
  }
  const double scope = WeightOf(metrics, "S", {{'U', 0}, {'C', 1}});
  const bool is_changed = scope == 1;
  const std::array<double, 7> weights = {
      WeightOf(metrics, "AV", {{'N', 0.85}, {'A', 0.62}, {'L', 0.55}, {'P', 0.2}}),
      WeightOf(metrics, "AC", {{'L', 0.77}, {'H', 0.44}}),
      WeightOf(metrics, "PR",
               {{'N', 0.85}, {'L', is_changed ? 0.68 : 0.62}, {'H', is_changed ? 0.5 : 0.27}}),
      WeightOf(metrics, "UI", {{'N', 0.85}, {'R', 0.62}}),
      WeightOf(metrics, "C", {{'N', 0}, {'L', 0.22}, {'H', 0.56}}),
      WeightOf(metrics, "I", {{'N', 0}, {'L', 0.22}, {'H', 0.56}}),
      WeightOf(metrics, "A", {{'N', 0}, {'L', 0.22}, {'H', 0.56}})};
  if (scope < 0 || *std::ranges::min_element(weights) < 0) return AdvisorySeverity::kUnknown;
  const auto& [av, ac, pr, ui, c, i, a] = weights;
  const double iss = 1 - (1 - c) * (1 - i) * (1 - a);
  const double impact =
      is_changed ? 7.52 * (iss - 0.029) - 3.25 * std::pow(iss - 0.02, 15) : 6.42 * iss;
  // No impact is a score of 0: what nobody is harmed by is not even low, and counts as low here.
  if (impact <= 0) return AdvisorySeverity::kLow;
  const double sum = impact + 8.22 * av * ac * pr * ui;
  return SeverityOfScore(RoundUp(std::min(is_changed ? 1.08 * sum : sum, 10.0)));
}

AdvisorySeverity SeverityOfWord(std::string_view word) {
  std::string upper(word);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  if (upper == "LOW" || upper == "NEGLIGIBLE" || upper == "UNIMPORTANT") {
    return AdvisorySeverity::kLow;
  }
  if (upper == "MEDIUM" || upper == "MODERATE") return AdvisorySeverity::kMedium;
  if (upper == "HIGH" || upper == "IMPORTANT") return AdvisorySeverity::kHigh;
  if (upper == "CRITICAL") return AdvisorySeverity::kCritical;
  return AdvisorySeverity::kUnknown;
}

}  // namespace dml::advisory_import
