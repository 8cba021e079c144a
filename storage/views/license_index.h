// Published variants by what their declared license holds.
//
// The rows come from expressions alone: which categories a license has, what it obliges to and
// whether a list knows it is asked at each question, over the licenses that occur. So new license
// data needs no new rows. Order: by license (or name), then variant; a variant of which several
// licenses are wanted comes once, under the first of them.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/license/license_terms.h"
#include "storage/views/list_view.h"

namespace dml {

struct LicenseMatch {
  VariantName variant;
  std::string declared_license;
};

/// Licenses longer than this are not in the rows, but read from the variant.
inline constexpr size_t kMaxIndexedLicenseBytes = 256;
/// A page ends early rather than hold more bytes of licenses, by more than one.
inline constexpr size_t kMaxLicensePageBytes = 1 << 20;

/// Holds nothing but the reader, which must outlive it. Pages as ListView's (list_view.h), and its
/// errors. A question costs in proportion to the page, and to the licenses that occur and are not
/// wanted (at most kMaxScanned of both together).
class LicenseIndex {
 public:
  using Result = absl::StatusOr<Page<LicenseMatch>>;
  using Filter = std::function<bool(const VariantName&)>;  // Empty: all.

  explicit LicenseIndex(const Reader& reader) : reader_(reader) {}

  /// That name a license, exception or reference; the canonical text, "X+" only where so written.
  Result ByName(std::string_view name, const PageRequest& page, const Filter& filter = {}) const;
  /// That have an expression of this digest (LicensePartDigest) in theirs, or as theirs.
  Result ByPart(const Digest& part, const PageRequest& page, const Filter& filter = {}) const;
  /// That have one of these licenses.
  Result ByLicenses(const std::set<LicenseKey>& licenses, const PageRequest& page,
                    const Filter& filter = {}) const;
  /// That have a license, or name one, for which `wanted` holds; it answers the same each time.
  Result WhereLicense(const std::function<bool(const LicenseKey&)>& wanted, const PageRequest& page,
                      const Filter& filter = {}) const;
  Result WhereName(const std::function<bool(std::string_view)>& wanted, const PageRequest& page,
                   const Filter& filter = {}) const;

 private:
  const Reader& reader_;
};

}  // namespace dml
