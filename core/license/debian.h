// Licenses of Debian packages: the machine-readable debian/copyright file, and SPDX for its names.
//
// Source: "Machine-readable debian/copyright file, version 1.0" (copyright-format-1.0 of the Debian
// Policy, once DEP-5). The synopsis of a License field is an expression of short names:
//   synopsis = any-of *( "," [ "and" ] any-of )         ", and" binds least,
//   any-of   = all-of *( [ "," ] "or" all-of )          then "or",
//   all-of   = license *( "and" license )               then "and"
//   license  = short-name [ "with" words "exception" ]
// Names and operators match in any case. "and/or", which the format does not know, is read as
// "and": writers use it where they could not tell which of the two applies.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/license/license_list.h"

namespace dml {

inline constexpr size_t kMaxDebianCopyrightBytes = 8 << 20;
inline constexpr size_t kMaxDebianSynopsisBytes = 2048;
inline constexpr size_t kMaxDebianSynopses = 4096;  // Distinct ones in a file.

/// What stands where a Files stanza names no license; a short name like any unknown one.
inline constexpr std::string_view kDebianUnspecified = "unspecified";

struct DebianCopyright {
  /// Whether the first stanza has a Format field that names copyright-format or DEP-5. Of any other
  /// file nothing is read.
  bool machine_readable = false;
  /// Synopses of the License fields of the Files stanzas and of the header (the package as a
  /// whole), as found but for white space, each once, in order. Stand-alone License stanzas are
  /// texts and do not count. A Files stanza without one gives kDebianUnspecified.
  std::vector<std::string> short_names;
};

/// INVALID_ARGUMENT (DEBIAN_COPYRIGHT_INVALID) with the line: a file beyond the limits, a line of a
/// machine-readable file that is neither "Name: value", continuation, comment nor blank. License
/// text that goes on after a blank line is tolerated, as files in use do that.
absl::StatusOr<DebianCopyright> ParseDebianCopyright(std::string_view text);

/// Licenses in SPDX's terms.
struct DebianLicense {
  std::string expression;             // Canonical SPDX expression text, or NOASSERTION.
  std::vector<std::string> unmapped;  // Names and exceptions that no table knows, each once.
  bool operator==(const DebianLicense&) const = default;
};

/// The SPDX expression of one synopsis; never fails. Short names that the format defines, names on
/// `list` and a table of names in common use (debian_names.cc) become listed ids, and
/// "public-domain" LicenseRef-debian-public-domain. Any other name becomes
/// "LicenseRef-debian-<name>" or "AdditionRef-debian-<words>", its other characters than letters,
/// digits, "-" and "." replaced, and is listed as unmapped: such names mean something within their
/// own file only. A synopsis that is too long or has parentheses, which the format does not know,
/// becomes one such name.
DebianLicense DebianLicenseToSpdx(std::string_view synopsis, const LicenseList& list);

/// All of them at once: joined by AND, repetitions dropped, order kept; NOASSERTION where there are
/// none. LICENSE_EXPRESSION_INVALID where the whole exceeds the limits of an expression.
absl::StatusOr<DebianLicense> JoinDebianLicenses(const std::vector<DebianLicense>& licenses,
                                                 const LicenseList& list);

}  // namespace dml
