// What licenses are like: the categories and properties that policies and reports go by.
//
// Imported from a "license classifications" file (YAML or JSON) as the OSS Review Toolkit reads it
// and Double Open publishes it:
//   categories:      [{name: "permissive", description: "..."}, {name: "property:patent-clause"}]
//   categorizations: [{id: "MIT", categories: ["permissive", "property:include-in-notice-file"]}]
// An id is one license of the expression grammar, with or without WITH. A word that starts with
// "property:" is a property, and says what the license asks of its users; any other is a category.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/license/context.h"
#include "core/license/expression.h"
#include "core/license/license_list.h"

namespace dml {

inline constexpr size_t kMaxLicensePropertiesBytes = 4 << 20;
inline constexpr size_t kMaxLicenseCategories = 256;
inline constexpr size_t kMaxCategorizedLicenses = 16384;
inline constexpr size_t kMaxCategoriesOfLicense = 32;
inline constexpr std::string_view kLicensePropertyPrefix = "property:";

/// An immutable value. Safe to read from any thread.
class LicenseProperties {
 public:
  /// One license and one addition, as policies compare them.
  using Key = std::pair<LicenseVersion, std::string>;

  /// Empty: nothing is known of any license.
  LicenseProperties() = default;

  /// INVALID_ARGUMENT (LICENSE_PROPERTIES_INVALID) with the line: no strict YAML, another shape,
  /// more than the limits above, a category that is declared twice or used without being declared,
  /// a license that is categorized twice with other words. Ids that are no license by `list` are
  /// left out and named in unread(): scanners have names of their own. `version` names the data in
  /// verdicts; 1 to 128 bytes.
  static absl::StatusOr<LicenseProperties> Parse(std::string_view text, std::string version,
                                                 const LicenseList& list);

  const std::string& version() const { return version_; }
  /// Name and description, as declared.
  const std::map<std::string, std::string, std::less<>>& categories() const { return categories_; }
  const std::map<Key, std::set<std::string>>& licenses() const { return licenses_; }
  const std::vector<std::string>& unread() const { return unread_; }

  /// The words of one license with its addition; nullptr where the data does not name it. What is
  /// known of a license without an exception says nothing of it with one.
  const std::set<std::string>* Find(const LicenseLeaf& leaf) const;

 private:
  absl::Status AddCategory(std::string name, std::string description);
  absl::Status AddLicense(const std::string& id, const std::vector<std::string>& words,
                          const LicenseList& list);

  std::string version_;
  std::map<std::string, std::string, std::less<>> categories_;
  std::map<Key, std::set<std::string>> licenses_;
  std::vector<std::string> unread_;
};

/// What a license asks of those who use it in this context, in the words of obligations (below);
/// sorted. Of an unknown license "unknown" alone. `words` as from LicenseProperties::Find.
std::vector<std::string> ObligationsOf(const std::set<std::string>* words,
                                       const LicenseContext& context);

/// One obligation: its word, and what is to be done.
struct LicenseObligation {
  std::string_view word;  // "notice", "source-offer", ...
  std::string_view text;  // For people.
};
/// All that ObligationsOf knows, in the order of reports.
std::vector<LicenseObligation> AllLicenseObligations();

}  // namespace dml
