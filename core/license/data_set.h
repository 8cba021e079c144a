// The license data that verdicts are made from, as one: what is built in, or what was loaded in its
// place. Each part is a document of its own, with a version that verdicts record.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/license/compatibility.h"
#include "core/license/license_list.h"
#include "core/license/license_texts.h"
#include "core/license/properties.h"

namespace dml {

enum class LicenseDataKind { kList = 1, kMatrix = 2, kProperties = 3, kTexts = 4 };
std::string_view LicenseDataKindName(LicenseDataKind kind);  // "list", "matrix", ...
std::optional<LicenseDataKind> ParseLicenseDataKind(std::string_view name);

/// Of a version's text; control characters are not allowed in it.
inline constexpr size_t kMaxLicenseDataVersionBytes = 128;
/// Of any part: that of the largest.
inline constexpr size_t kMaxLicenseDataBytes = kMaxMatrixBytes;

/// A value; copies share their parts. Safe to read from any thread.
struct LicenseData {
  std::shared_ptr<const LicenseList> list;              // Never null.
  std::shared_ptr<const CompatibilityMatrix> matrix;    // Null: there is none.
  std::shared_ptr<const LicenseProperties> properties;  // Null: there are none.
  std::shared_ptr<const LicenseTexts> texts;            // Null: there are none.

  std::string matrix_version() const { return matrix == nullptr ? "" : matrix->version(); }
  std::string properties_version() const {
    return properties == nullptr ? "" : properties->version();
  }
};

/// A document as it was loaded.
struct LicenseDocument {
  std::string version;
  std::string text;
};
using LicenseDocuments = std::map<LicenseDataKind, LicenseDocument>;

/// Reads the parts; without a list the one built in. INVALID_ARGUMENT with the part's name: the
/// errors of their Parse functions (license_list.h, compatibility.h, properties.h,
/// license_texts.h), and
/// LICENSE_DATA_INVALID for a list that names another version than the document.
absl::StatusOr<LicenseData> ReadLicenseData(const LicenseDocuments& documents);

/// What differs in one part, a line each: "- X", "+ X", "X: before, now after"; at most
/// `max_lines`, then "... and N more".
std::vector<std::string> DiffLicenseData(LicenseDataKind kind, const LicenseData& before,
                                         const LicenseData& after, size_t max_lines = 1000);

}  // namespace dml
