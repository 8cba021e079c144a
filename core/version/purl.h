// Package URLs: names of packages across ecosystems, "pkg:npm/%40angular/core@12.3.1".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/version/version.h"

namespace dml {

inline constexpr size_t kMaxPurlBytes = 4096;

/// A package URL (package-url/purl-spec), its parts decoded. A value type.
struct Purl {
  std::string type;  // Lower case: "npm".
  std::string ns;    // Segments joined by '/', or empty: "@angular".
  std::string name;
  std::string version;                            // Empty: none.
  std::map<std::string, std::string> qualifiers;  // Keys in lower case; no empty values.
  std::string subpath;                            // Segments joined by '/', or empty.

  /// Reads a package URL, and normalizes its parts as its type demands (names of pypi in lower case
  /// with '-' for '_', names of deb in lower case, ...). INVALID_ARGUMENT (PURL_INVALID) says what
  /// is wrong.
  static absl::StatusOr<Purl> Parse(std::string_view text);

  /// The canonical text, which Parse reads back to an equal value.
  std::string ToString() const;

  /// The scheme that versions of this type follow; none where there is no built-in one.
  std::optional<VersionScheme> version_scheme() const;

  bool operator==(const Purl&) const = default;
};

}  // namespace dml
