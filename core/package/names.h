// Names of things in the library, and resource names (AIP-122) made of them.
//
// All names are lower-case ASCII with a narrow alphabet, so that two names never look or compare
// alike, none can leave a folder, and none needs escaping in a resource name.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

/// [a-z0-9] then [a-z0-9.-], at most 63, no "..", ending in [a-z0-9]. NAME_INVALID otherwise.
absl::Status ValidateNamespace(std::string_view name);
/// One part of a package name: [a-z0-9] then [a-z0-9+._-], at most 128, no "..".
absl::Status ValidatePackagePart(std::string_view name);
/// Parts as for a namespace, 1 to 4, joined by '/': "production/eu".
absl::Status ValidateEnvironmentName(std::string_view name);
/// As a namespace, at most 253 (a host name fits).
absl::Status ValidateNodeName(std::string_view name);
/// A label: key [a-z0-9][a-z0-9./_-]{0,62}; value at most 256 bytes of UTF-8 without control
/// characters. LABEL_INVALID otherwise.
absl::Status ValidateLabel(std::string_view key, std::string_view value);
/// What may stand in a version's text: [A-Za-z0-9] then [A-Za-z0-9.+~:_^!-], at most 128, no "..".
absl::Status ValidateVersionText(std::string_view text);

/// A package: a name in a namespace, written "acme/payments-api".
struct PackageName {
  std::string ns;
  std::string name;

  /// NAME_INVALID where either part is not valid or there is not exactly one '/'.
  static absl::StatusOr<PackageName> Parse(std::string_view text);
  std::string ToString() const { return ns + "/" + name; }
  /// "packages/acme/payments-api".
  std::string ResourceName() const { return "packages/" + ToString(); }
  auto operator<=>(const PackageName&) const = default;
};

/// Where a variant runs. All parts empty: any platform; otherwise os and arch are both there (as
/// OCI demands), variant may be. Each part [a-z0-9] then [a-z0-9_.], at most 32, no "..", never
/// "any".
struct Platform {
  std::string os;
  std::string arch;
  std::string variant;

  /// "linux-amd64", "linux-arm-v7", "any": the variant id in resource names.
  static absl::StatusOr<Platform> Parse(std::string_view variant_id);
  std::string VariantId() const;
  /// NAME_INVALID where a part is not valid or missing.
  absl::Status Validate() const;
  auto operator<=>(const Platform&) const = default;
};

/// One variant of one version: "packages/N/P/versions/V/variants/A".
struct VariantName {
  PackageName package;
  std::string version;
  Platform platform;

  /// Reads the full resource name; INVALID_ARGUMENT (NAME_INVALID) otherwise.
  static absl::StatusOr<VariantName> Parse(std::string_view resource_name);
  std::string ResourceName() const;
  auto operator<=>(const VariantName&) const = default;
};

/// The file name of a blob in a package: relative, '/'-separated, no empty, "." or ".." part, no
/// backslash, control character, drive letter or NUL; valid UTF-8, at most 1024 bytes and 255 a
/// part. It must hold to this after one percent-decoding too ("%2e%2e/x" does not), so that it
/// stays harmless in a URL. PATH_INVALID otherwise.
absl::Status ValidateFilePath(std::string_view path);

}  // namespace dml
