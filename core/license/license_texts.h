// The texts of licenses, by id: what notices have to reproduce.
//
//   {"schema": "dml.license-texts/v1", "texts": [{"id": "MIT", "text": "Permission is ..."}, ...]}
// An id is a license id of the list without "+", an exception id, a LicenseRef or AdditionRef. Ids
// that no list knows do no harm: nothing asks for them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

inline constexpr std::string_view kLicenseTextsSchema = "dml.license-texts/v1";
inline constexpr size_t kMaxLicenseTextsBytes = 32 << 20;
inline constexpr size_t kMaxLicenseTexts = 8192;
inline constexpr size_t kMaxLicenseTextIdBytes = 1024;
inline constexpr size_t kMaxLicenseTextBytes = 1 << 20;  // Of one text.

/// An immutable value. Safe to read from any thread.
class LicenseTexts {
 public:
  /// Empty: no text is known.
  LicenseTexts() = default;

  /// INVALID_ARGUMENT (LICENSE_TEXTS_INVALID) with the place: no strict JSON, another shape, more
  /// than the limits above, no text at all, an id that is no id, or is there twice in any case, a
  /// text that is empty or has control characters other than tabs, line and form feeds. `version`
  /// names the data in reports.
  static absl::StatusOr<LicenseTexts> Parse(std::string_view json, std::string version);

  const std::string& version() const { return version_; }
  /// The text of an id in any case, nullptr where there is none. Valid while this lives.
  const std::string* Find(std::string_view id) const;
  /// By id in lower case.
  const std::map<std::string, std::string, std::less<>>& texts() const { return texts_; }

 private:
  std::string version_;
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace dml
