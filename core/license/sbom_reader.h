// What the readers of the two forms of SBOM share.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/license/sbom.h"

namespace dml {

inline constexpr ErrorReason kSbomInvalid("SBOM_INVALID");

/// Collects components and edges within the limits of sbom.h. One document, one thread.
class SbomBuilder {
 public:
  SbomBuilder(SbomFormat format, std::string spec_version, const LicenseList& list);

  /// The index of the component. SBOM_INVALID where there are too many, or `ref` is there already.
  absl::StatusOr<uint32_t> AddComponent(SbomComponent component);
  /// Between references; counted as elsewhere where one of them is no component.
  absl::Status AddEdge(const std::string& from, const std::string& to,
                       LicenseCombination combination, bool inside = false);
  absl::Status AddEdge(uint32_t from, uint32_t to, LicenseCombination combination,
                       bool inside = false);

  /// The document is about this component; of references, those of no component are let pass.
  void AddSubject(uint32_t index);
  void AddSubject(const std::string& ref);

  /// Reads the texts of one component's licenses into it, all of them at once.
  void SetLicenses(const std::vector<std::string>& texts, std::string field,
                   SbomComponent& component) const;

  /// SBOM_CYCLIC where there is a cycle.
  absl::StatusOr<Sbom> Finish();

 private:
  const LicenseList& list_;
  Sbom out_;
  std::map<std::string, uint32_t> by_ref_;
};

/// The member's text, "" where it is absent or null. SBOM_INVALID where it is another type or over
/// kMaxSbomTextBytes.
absl::StatusOr<std::string> SbomText(const nlohmann::json& object, const char* member);
/// The member's array, an empty one where it is absent or null. SBOM_INVALID where it is another
/// type or over `max_items`. Valid while `object` lives.
absl::StatusOr<const nlohmann::json*> SbomArray(const nlohmann::json& object, const char* member,
                                                size_t max_items);

absl::Status ReadSpdx(const nlohmann::json& document, SbomBuilder& builder);
absl::Status ReadCycloneDx(const nlohmann::json& document, SbomBuilder& builder);

}  // namespace dml
