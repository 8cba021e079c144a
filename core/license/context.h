// How something under a license is used: the key by which rules, waivers and the answers of a
// compatibility matrix differ. Each of the three questions goes from the least to the most that a
// license may tie obligations to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dml {

/// How the whole is provided to others.
enum class LicenseProvision { kInternal, kService, kDistributed };
/// How the part is combined with what it is a part of.
enum class LicenseCombination { kSeparate, kLinkedDynamic, kLinkedStatic, kMerged };

std::string_view LicenseProvisionName(LicenseProvision provision);  // "INTERNAL", ...
std::string_view LicenseCombinationName(LicenseCombination combination);
std::optional<LicenseProvision> ParseLicenseProvision(std::string_view name);
std::optional<LicenseCombination> ParseLicenseCombination(std::string_view name);

/// By default the use that licenses ask most of: where nothing is said, nothing is assumed away.
struct LicenseContext {
  LicenseProvision provision = LicenseProvision::kDistributed;
  LicenseCombination combination = LicenseCombination::kMerged;
  bool modified = true;
  std::string ToString() const;  // "DISTRIBUTED, MERGED, modified"
  auto operator<=>(const LicenseContext&) const = default;
};

/// A set of contexts: those with one of these answers to each question, where an empty list and no
/// value stand for any answer.
struct LicenseCondition {
  std::vector<LicenseProvision> provisions{};
  std::vector<LicenseCombination> combinations{};
  std::optional<bool> modified{};

  bool Holds(const LicenseContext& context) const;
  /// Whether some context is in both.
  bool Overlaps(const LicenseCondition& other) const;
  bool operator==(const LicenseCondition&) const = default;
};

}  // namespace dml
