#include "core/license/debian_names.h"

#include <algorithm>
#include <array>

#include "core/license/expression.h"

namespace dml {
namespace {

struct Name {
  std::string_view debian;  // Lower case.
  std::string_view spdx;
};

// Short names that differ from the SPDX id by more than case, a missing ".0" or a plus. Names
// without a version mean the lowest one where the format lists it so (GPL, LGPL); "Apache" and
// "MPL" are left out, as files in use mean later ones. "Artistic" is what Debian ships as
// common-licenses/Artistic.
constexpr std::array kNames = std::to_array<Name>({
    {"apache-2-llvm-exceptions", "Apache-2.0 WITH LLVM-exception"},
    {"artistic", "Artistic-1.0-Perl"},
    {"artistic-1", "Artistic-1.0-Perl"},
    {"boost", "BSL-1.0"},
    {"boost-1", "BSL-1.0"},
    {"boost-1.0", "BSL-1.0"},
    {"bsd-0-clause", "0BSD"},
    {"bsd-1", "BSD-1-Clause"},
    {"bsd-2", "BSD-2-Clause"},
    {"bsd-3", "BSD-3-Clause"},
    {"bsd-4", "BSD-4-Clause"},
    {"bsd0", "0BSD"},
    {"bsd2", "BSD-2-Clause"},
    {"bsd3", "BSD-3-Clause"},
    {"bsd4", "BSD-4-Clause"},
    {"cc0", "CC0-1.0"},
    {"cc0-1", "CC0-1.0"},
    {"cddl", "CDDL-1.0"},
    {"cpl", "CPL-1.0"},
    {"efl", "EFL-1.0"},
    {"expat", "MIT"},
    {"gpl", "GPL-1.0-only"},
    {"gpl+", "GPL-1.0-or-later"},
    {"gpl-3+-with-bison-exception", "GPL-3.0-or-later WITH Bison-exception-2.2"},
    {"lgpl", "LGPL-2.0-only"},
    {"lgpl+", "LGPL-2.0-or-later"},
    {"openldap-2.8", "OLDAP-2.8"},
    {"pd", "LicenseRef-debian-public-domain"},
    {"perl", "GPL-1.0-or-later OR Artistic-1.0-Perl"},
    {"psf-2", "PSF-2.0"},
    {"public-domain", "LicenseRef-debian-public-domain"},
    {"python", "Python-2.0"},
    {"qpl", "QPL-1.0"},
    {"zope-1.1", "ZPL-1.1"},
    {"zope-2.0", "ZPL-2.0"},
    {"zope-2.1", "ZPL-2.1"},
});

// The GNU licenses: "<prefix>-<version>[+]" is "<id>-<version>-only" or "-or-later".
struct GnuFamily {
  std::string_view debian;
  std::string_view id;
  std::string_view infix;
};
constexpr std::array kGnuFamilies = std::to_array<GnuFamily>({
    {"agpl", "AGPL-", ""},
    {"gfdl-niv", "GFDL-", "-no-invariants"},
    {"gfdl", "GFDL-", ""},
    {"gpl", "GPL-", ""},
    {"lgpl", "LGPL-", ""},
});

// Families of which "name-2" means "name-2.0": trailing dot-zeroes do not count in the format. It
// is not done for any name, as a stranger's "OPL-1" need not be the OPL-1.0 of SPDX.
constexpr std::array kDotZeroFamilies = std::to_array<std::string_view>({
    "afl",         "apache",   "artistic", "bsl",  "cc-by",  "cc-by-nc", "cc-by-nc-nd",
    "cc-by-nc-sa", "cc-by-nd", "cc-by-sa", "cddl", "cpl",    "ecl",      "efl",
    "epl",         "mpl",      "ofl",      "osl",  "python", "qpl",      "zpl",
});

struct Exception {
  std::string_view debian;   // Lower case, words joined by "-".
  std::string_view license;  // The license id starts so; "" for any.
  std::string_view spdx;
};
constexpr std::array kExceptions = std::to_array<Exception>({
    // What config.guess and its like carry, not the exception of Autoconf's own macros.
    {"autoconf", "GPL-2.0", "Autoconf-exception-generic"},
    {"autoconf", "GPL-3.0", "Autoconf-exception-generic-3.0"},
    {"autoconf-data", "GPL-2.0", "Autoconf-exception-generic"},
    {"autoconf-data", "GPL-3.0", "Autoconf-exception-generic-3.0"},
    {"bison", "GPL-", "Bison-exception-2.2"},
    {"bison-2.2", "GPL-", "Bison-exception-2.2"},
    {"classpath", "GPL-", "Classpath-exception-2.0"},
    {"classpath-2.0", "GPL-", "Classpath-exception-2.0"},
    {"font", "GPL-", "Font-exception-2.0"},
    {"gcc-runtime", "GPL-3.0", "GCC-exception-3.1"},
    {"gcc-runtime-3.1", "GPL-3.0", "GCC-exception-3.1"},
    {"libtool", "GPL-", "Libtool-exception"},
    {"linux-syscall-note", "GPL-2.0", "Linux-syscall-note"},
    {"llvm", "Apache-2.0", "LLVM-exception"},
    // The format defines its text; SPDX lists only those of single programs.
    {"openssl", "", "AdditionRef-debian-OpenSSL"},
    {"texinfo", "GPL-", "Texinfo-exception"},
});

std::optional<std::string> Listed(std::string_view id, const LicenseList& list) {
  const ListedId* listed = list.FindLicense(id);
  if (listed == nullptr) return std::nullopt;
  return listed->id;
}

// "2", "2.0", "1.3" to the form that SPDX writes; nullopt for anything else.
std::optional<std::string> GnuVersion(std::string_view text) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() == 1 && is_digit(text[0])) return std::string(text) + ".0";
  if (text.size() == 3 && is_digit(text[0]) && text[1] == '.' && is_digit(text[2])) {
    return std::string(text);
  }
  return std::nullopt;
}

// "gpl-2+", "gpl2", "lgpl-2.1"; `name` in lower case and without its plus.
std::optional<std::string> GnuName(std::string_view name, bool plus, const LicenseList& list) {
  for (const GnuFamily& family : kGnuFamilies) {
    if (!name.starts_with(family.debian)) continue;
    std::string_view rest = name.substr(family.debian.size());
    if (rest.starts_with('-')) rest.remove_prefix(1);
    if (rest.starts_with('v')) rest.remove_prefix(1);
    if (std::optional<std::string> version = GnuVersion(rest)) {
      return Listed(
          fmt::format("{}{}{}{}", family.id, *version, family.infix, plus ? "-or-later" : "-only"),
          list);
    }
  }
  return std::nullopt;
}

// The name itself as an id, or with the ".0" that its family lacks.
std::optional<std::string> ListedName(std::string_view name, bool plus, const LicenseList& list) {
  std::optional<std::string> id = Listed(name, list);
  const size_t dash = name.rfind('-');
  if (!id.has_value() && dash != name.npos && name.size() == dash + 2 &&
      std::ranges::find(kDotZeroFamilies, name.substr(0, dash)) != kDotZeroFamilies.end()) {
    id = Listed(std::string(name) + ".0", list);
  }
  if (id.has_value() && plus) *id += '+';
  return id;
}

}  // namespace

std::optional<std::string> SpdxOfDebianName(std::string_view name, const LicenseList& list) {
  const std::string lower = AsciiLower(name);
  for (const Name& known : kNames) {
    if (known.debian != lower) continue;
    // A replaced list may lack an id of the table.
    const bool parses = LicenseExpression::Parse(known.spdx, list).ok();
    return parses ? std::optional<std::string>(known.spdx) : std::nullopt;
  }
  std::string_view base = lower;
  const bool plus = base.ends_with('+');
  if (plus) base.remove_suffix(1);
  if (std::optional<std::string> gnu = GnuName(base, plus, list)) return gnu;
  return ListedName(base, plus, list);
}

std::optional<std::string> SpdxOfDebianException(std::string_view words, std::string_view license,
                                                 const LicenseList& list) {
  const std::string lower = AsciiLower(words);
  for (const Exception& known : kExceptions) {
    if (known.debian != lower || !license.starts_with(known.license)) continue;
    if (known.spdx.starts_with("AdditionRef-")) return std::string(known.spdx);
    const ListedId* listed = list.FindException(known.spdx);
    return listed == nullptr ? std::nullopt : std::optional<std::string>(listed->id);
  }
  if (const ListedId* listed = list.FindException(words)) return listed->id;
  return std::nullopt;
}

}  // namespace dml
