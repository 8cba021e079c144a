// The license list: which license ids, exception ids and version families there are.
//
// The list is data with a version, because a verdict is only repeatable together with the list that
// it was made from. One list is built in (BundledLicenseList); a newer one is the same document:
//   {"version": "...",
//    "licenses": ["MIT", ...],             "deprecatedLicenses": ["GPL-2.0", ...],
//    "exceptions": ["LLVM-exception", ...], "deprecatedExceptions": [...],
//    "families": [["Apache-1.0", "Apache-1.1", "Apache-2.0"], ...]}
// A family lists the versions of one license, oldest first; a version is an id or an array of ids
// that name the same version. The ids are those of the SPDX License List
// (https://spdx.org/licenses), the families those of the npm package spdx-ranges.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

inline constexpr size_t kMaxLicenseListBytes = 4 << 20;
inline constexpr size_t kMaxLicenseIdLength = 128;

struct ListedId {
  std::string id;  // In the case in which the list writes it.
  bool deprecated = false;
  bool operator==(const ListedId&) const = default;
};

/// Which versions of a license an id names: "GPL-2.0-or-later" is {"GPL-2.0", true}, and so is
/// "GPL-2.0+"; "GPL-2.0", "GPL-2.0-only" are {"GPL-2.0", false}; "MIT" is {"MIT", false}. "-only"
/// with a "+" contradicts itself and is read as the smaller grant, "only".
struct LicenseVersion {
  std::string base;
  bool or_later = false;
  auto operator<=>(const LicenseVersion&) const = default;
};
LicenseVersion VersionOfLicense(std::string_view id, bool plus);

/// An immutable value; copies are independent. Safe to read from any thread.
class LicenseList {
 public:
  /// Reads the document above. INVALID_ARGUMENT (LICENSE_LIST_INVALID) where it is larger than
  /// kMaxLicenseListBytes, not JSON, has a missing, unknown or wrongly typed member, an id that is
  /// no SPDX idstring, is longer than kMaxLicenseIdLength, is listed twice (in any case) or is a
  /// word of the expression grammar, a family with an id that is not on the list,
  /// more than 256 families, or more than 64 versions in a family.
  static absl::StatusOr<LicenseList> Parse(std::string_view json);

  const std::string& version() const { return version_; }

  /// The listed id that equals `id` in any case (SPDX 3.0.1, annex "SPDX license expressions":
  /// ids match case-insensitively), or nullptr. Valid while this list lives.
  const ListedId* FindLicense(std::string_view id) const { return Find(licenses_, id); }
  const ListedId* FindException(std::string_view id) const { return Find(exceptions_, id); }

  /// Ordered by lower-case id.
  std::vector<ListedId> licenses() const;
  std::vector<ListedId> exceptions() const;

  /// The versions (LicenseVersion::base, canonical case) that "this version or later" grants:
  /// `base` first, then later ones, oldest first, of every family that has it. Just `base` where no
  /// family has it. "-or-later" ids are no versions of their own here, wherever a family lists
  /// them.
  std::vector<std::string> VersionsFrom(const std::string& base) const;

 private:
  using IdMap = std::map<std::string, ListedId, std::less<>>;  // By lower-case id.

  static const ListedId* Find(const IdMap& ids, std::string_view id);

  std::string version_;
  IdMap licenses_;
  IdMap exceptions_;
  std::map<std::string, std::vector<std::string>> later_;  // base -> later bases, oldest first.
};

/// The id that takes the place of a deprecated one, "GPL-2.0-only" for "GPL-2.0": itself with
/// "-only" where the list has that and it is not deprecated. "" where `id` is not deprecated or
/// nothing takes its place by name (such as "GPL-2.0-with-GCC-exception").
std::string ReplacementOfLicense(std::string_view id, const LicenseList& list);

/// The list of core/license/data, read once at the first call.
const LicenseList& BundledLicenseList();

/// SPDX idstring: one or more ASCII letters, digits, "-" and ".".
bool IsLicenseIdString(std::string_view text);
std::string AsciiLower(std::string_view text);

}  // namespace dml
