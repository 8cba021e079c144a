#include "core/license/context.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace dml {
namespace {

constexpr std::array<std::string_view, 3> kProvisions = {"INTERNAL", "SERVICE", "DISTRIBUTED"};
constexpr std::array<std::string_view, 4> kCombinations = {"SEPARATE", "LINKED_DYNAMIC",
                                                           "LINKED_STATIC", "MERGED"};

template <typename T, size_t N>
std::optional<T> ParseWord(const std::array<std::string_view, N>& words, std::string_view name) {
  const auto it = std::ranges::find(words, name);
  if (it == words.end()) return std::nullopt;
  return static_cast<T>(it - words.begin());
}

template <typename T>
bool OneOrAny(const std::vector<T>& values, T value) {
  return values.empty() || std::ranges::find(values, value) != values.end();
}

template <typename T>
bool ListsOverlap(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.empty()) return true;
  return std::ranges::any_of(a, [&b](T value) { return OneOrAny(b, value); });
}

}  // namespace

std::string_view LicenseProvisionName(LicenseProvision provision) {
  return kProvisions[static_cast<size_t>(provision)];
}

std::string_view LicenseCombinationName(LicenseCombination combination) {
  return kCombinations[static_cast<size_t>(combination)];
}

std::optional<LicenseProvision> ParseLicenseProvision(std::string_view name) {
  return ParseWord<LicenseProvision>(kProvisions, name);
}

std::optional<LicenseCombination> ParseLicenseCombination(std::string_view name) {
  return ParseWord<LicenseCombination>(kCombinations, name);
}

std::string LicenseContext::ToString() const {
  return fmt::format("{}, {}, {}", LicenseProvisionName(provision),
                     LicenseCombinationName(combination), modified ? "modified" : "not modified");
}

bool LicenseCondition::Holds(const LicenseContext& context) const {
  return OneOrAny(provisions, context.provision) && OneOrAny(combinations, context.combination) &&
         (!modified.has_value() || *modified == context.modified);
}

bool LicenseCondition::Overlaps(const LicenseCondition& other) const {
  return ListsOverlap(provisions, other.provisions) &&
         ListsOverlap(combinations, other.combinations) &&
         (!modified.has_value() || !other.modified.has_value() || *modified == *other.modified);
}

}  // namespace dml
