#include "core/license/debian.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/license/debian_names.h"
#include "core/license/expression.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kFormat =
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";

std::string Spdx(std::string_view synopsis) {
  return DebianLicenseToSpdx(synopsis, BundledLicenseList()).expression;
}
std::vector<std::string> Unmapped(std::string_view synopsis) {
  return DebianLicenseToSpdx(synopsis, BundledLicenseList()).unmapped;
}
std::vector<std::string> Names(const std::string& text) {
  auto copyright = ParseDebianCopyright(text);
  EXPECT_TRUE(copyright.ok()) << copyright.status();
  return copyright.ok() ? copyright->short_names : std::vector<std::string>();
}
std::string ErrorOf(const std::string& text) {
  auto copyright = ParseDebianCopyright(text);
  EXPECT_EQ(Reason(copyright.status()), "DEBIAN_COPYRIGHT_INVALID");
  return std::string(Message(copyright.status()));
}

TEST(DebianCopyrightTest, ReadsFilesStanzas) {
  const std::string text = std::string(kFormat) + R"(Upstream-Name: SOFTware
# A comment.
Source: https://www.example.com/software/project

Files: *
Copyright: 1975-2010 Ulla Upstream
License: GPL-2+ or  Artistic,
  and BSD-3-clause is not part of the synopsis

Files:
 debian/*
Copyright: 2010 Daniela Debianizer
license : Expat

Files: x
Copyright: y
License: GPL-2+ or Artistic,

License: Zlib
 The text of a license that no file names.
 .
 License: not a field, as it is indented.
)";
  auto copyright = ParseDebianCopyright(text);
  ASSERT_TRUE(copyright.ok()) << copyright.status();
  EXPECT_TRUE(copyright->machine_readable);
  EXPECT_THAT(copyright->short_names, ElementsAre("GPL-2+ or Artistic,", "Expat"));
}

TEST(DebianCopyrightTest, CountsTheHeaderAndWhatIsMissing) {
  EXPECT_THAT(Names(std::string(kFormat) + "License: MPL-1.1\n\nFiles: *\nCopyright: x\n"),
              ElementsAre("MPL-1.1", "unspecified"));
  EXPECT_THAT(Names(std::string(kFormat) + "\nFiles: *\nLicense:\n Free text.\n"),
              ElementsAre("unspecified"));
  EXPECT_THAT(Names(std::string(kFormat) + "\nFiles: *\nLicense: A\nLicense: B\n"),
              ElementsAre("A", "B"));
  EXPECT_THAT(Names(std::string(kFormat)), IsEmpty());
}

TEST(DebianCopyrightTest, ToleratesWhatFilesInUseDo) {
  const std::string crlf =
      "\xEF\xBB\xBF\n\nFormat-Specification: http://dep.debian.net/deps/DEP5\r\n"
      "Files: *\r\nLicense: Expat\r\n \r\n text after a blank line\r\n\r\nFiles: y\r\nLicense: ISC";
  EXPECT_THAT(Names(crlf), ElementsAre("Expat", "ISC"));
}

TEST(DebianCopyrightTest, LeavesFreeTextAlone) {
  for (const char* text :
       {"", "\n\n", "This package was debianized by X.\n\nFiles: *\nLicense: GPL-2\n",
        "Format: something else\n\nFiles: *\nLicense: GPL-2\n",
        "Upstream: x\n\nFormat: copyright-format/1.0\n\nFiles: *\nLicense: GPL-2\n"}) {
    auto copyright = ParseDebianCopyright(text);
    ASSERT_TRUE(copyright.ok()) << text;
    EXPECT_FALSE(copyright->machine_readable) << text;
    EXPECT_THAT(copyright->short_names, IsEmpty());
  }
}

TEST(DebianCopyrightTest, RefusesBrokenAndHugeFiles) {
  EXPECT_THAT(ErrorOf(std::string(kFormat) + "\nFiles: *\nnonsense\n"), HasSubstr("line 4: "));
  EXPECT_THAT(ErrorOf(std::string(kFormat) + "\n: x\n"), HasSubstr("line 3: "));
  EXPECT_THAT(ErrorOf(std::string(kFormat) + "Li cense: x\n"), HasSubstr("line 2: "));
  EXPECT_THAT(ErrorOf(std::string(kMaxDebianCopyrightBytes + 1, ' ')), HasSubstr("at most"));
  EXPECT_THAT(
      ErrorOf(std::string(kFormat) + "License: " + std::string(kMaxDebianSynopsisBytes + 1, 'x')),
      HasSubstr("line 2: "));
  std::string many(kFormat);
  for (size_t i = 0; i <= kMaxDebianSynopses; ++i)
    many += fmt::format("\nFiles: *\nLicense: L{}\n", i);
  EXPECT_THAT(ErrorOf(many), HasSubstr("different licenses"));
}

TEST(DebianLicenseTest, ShortNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"Expat", "MIT"},
      {"EXPAT", "MIT"},
      {"MIT", "MIT"},
      {"GPL-2", "GPL-2.0-only"},
      {"GPL-2+", "GPL-2.0-or-later"},
      {"GPL-2.0+", "GPL-2.0-or-later"},
      {"GPL-1+", "GPL-1.0-or-later"},
      {"GPL", "GPL-1.0-only"},
      {"GPL3+", "GPL-3.0-or-later"},
      {"gplv3", "GPL-3.0-only"},
      {"LGPL", "LGPL-2.0-only"},
      {"LGPL-2", "LGPL-2.0-only"},
      {"LGPL-2.1", "LGPL-2.1-only"},
      {"LGPL-2.1+", "LGPL-2.1-or-later"},
      {"LGPL-3+", "LGPL-3.0-or-later"},
      {"AGPL-3+", "AGPL-3.0-or-later"},
      {"GFDL-1.2+", "GFDL-1.2-or-later"},
      {"GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"},
      {"GPL-2.0-or-later", "GPL-2.0-or-later"},
      {"Apache-2.0", "Apache-2.0"},
      {"Apache-2", "Apache-2.0"},
      {"Apache-1.1+", "Apache-1.1+"},
      {"Artistic", "Artistic-1.0-Perl"},
      {"Artistic-2", "Artistic-2.0"},
      {"BSD-2-clause", "BSD-2-Clause"},
      {"BSD-3-clause", "BSD-3-Clause"},
      {"BSD-4-clause-UC", "BSD-4-Clause-UC"},
      {"BSD3", "BSD-3-Clause"},
      {"CC0", "CC0-1.0"},
      {"CC-BY-SA-3", "CC-BY-SA-3.0"},
      {"MPL-1.1", "MPL-1.1"},
      {"MPL-2", "MPL-2.0"},
      {"Python", "Python-2.0"},
      {"Perl", "GPL-1.0-or-later OR Artistic-1.0-Perl"},
      {"Zope-2.1", "ZPL-2.1"},
      {"zlib", "Zlib"},
      {"Boost-1.0", "BSL-1.0"},
      {"public-domain", "LicenseRef-debian-public-domain"},
      {"PD", "LicenseRef-debian-public-domain"},
      {"GPL-2+ with OpenSSL exception", "GPL-2.0-or-later WITH AdditionRef-debian-OpenSSL"},
      {"GPL-3+ with Autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-generic-3.0"},
      {"GPL-2+ with autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-generic"},
      {"GPL-2 WITH Linux-syscall-note Exception", "GPL-2.0-only WITH Linux-syscall-note"},
      {"Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"},
      {"GPL-3+ with GCC-Runtime-3.1 exception", "GPL-3.0-or-later WITH GCC-exception-3.1"},
      {"GPL-2 with u-boot-exception-2.0", "GPL-2.0-only WITH u-boot-exception-2.0"},
  };
  for (const auto& [synopsis, spdx] : cases) {
    EXPECT_EQ(Spdx(synopsis), spdx) << synopsis;
    EXPECT_THAT(Unmapped(synopsis), IsEmpty()) << synopsis;
  }
}

TEST(DebianLicenseTest, Precedence) {
  const std::pair<const char*, const char*> cases[] = {
      {"GPL-1+ or Artistic, and BSD-3-clause",
       "(GPL-1.0-or-later OR Artistic-1.0-Perl) AND BSD-3-Clause"},
      {"Expat or ISC and Zlib", "MIT OR ISC AND Zlib"},
      {"Expat and ISC or Zlib", "MIT AND ISC OR Zlib"},
      {"Expat, and ISC or Zlib", "MIT AND (ISC OR Zlib)"},
      {"Expat and ISC, or Zlib", "MIT AND ISC OR Zlib"},
      {"Expat, ISC, and Zlib", "MIT AND ISC AND Zlib"},
      {"Expat, ISC,", "MIT AND ISC"},
      {"libpng OR Apache-2.0 AND Expat", "Libpng OR Apache-2.0 AND MIT"},
      {"ISC and/or LGPL-2.1+", "ISC AND LGPL-2.1-or-later"},
      {"Perl and Expat", "(GPL-1.0-or-later OR Artistic-1.0-Perl) AND MIT"},
      {"MPL-1.1 or GPL-2+ or LGPL-2.1+", "MPL-1.1 OR GPL-2.0-or-later OR LGPL-2.1-or-later"},
      {"GPL-2+ with Font exception or Expat", "GPL-2.0-or-later WITH Font-exception-2.0 OR MIT"},
      {"Apache-2.0, and Apache-2.0 or Expat, and MPL-2.0",
       "Apache-2.0 AND (Apache-2.0 OR MIT) AND MPL-2.0"},
  };
  for (const auto& [synopsis, spdx] : cases) {
    EXPECT_EQ(Spdx(synopsis), spdx) << synopsis;
    EXPECT_THAT(Unmapped(synopsis), IsEmpty()) << synopsis;
  }
}

struct Unknown {
  std::string synopsis;
  const char* spdx;
  std::vector<std::string> unmapped;
};

TEST(DebianLicenseTest, UnknownNamesAreKeptAsUnknown) {
  const Unknown cases[] = {
      {"BSD~3 x", "LicenseRef-debian-BSD-3-x", {"BSD~3-x"}},
      {"Apache", "LicenseRef-debian-Apache", {"Apache"}},
      {"OPL-1+", "LicenseRef-debian-OPL-1-plus", {"OPL-1+"}},
      {"none", "LicenseRef-debian-none", {"none"}},
      {"NOASSERTION", "LicenseRef-debian-NOASSERTION", {"NOASSERTION"}},
      {"Expat and custom", "MIT AND LicenseRef-debian-custom", {"custom"}},
      {"custom or custom", "LicenseRef-debian-custom OR LicenseRef-debian-custom", {"custom"}},
      {"GPL-2+ with staticLink exception",
       "GPL-2.0-or-later WITH AdditionRef-debian-staticLink",
       {"with staticLink"}},
      {"MIT with Font exception", "MIT WITH AdditionRef-debian-Font", {"with Font"}},
      {"Perl with X exception",
       "LicenseRef-debian-Perl-with-X-exception",
       {"Perl with X-exception"}},
      {"(GPL-2 or MIT) and ISC",
       "LicenseRef-debian-GPL-2-or-MIT-and-ISC",
       {"(GPL-2 or MIT) and ISC"}},
      {"", "LicenseRef-debian-unspecified", {"unspecified"}},
      {"~", "LicenseRef-debian-unspecified", {"~"}},
      {"Expat or", "MIT OR LicenseRef-debian-unspecified", {"unspecified"}},
      {"and", "LicenseRef-debian-unspecified AND LicenseRef-debian-unspecified", {"unspecified"}},
      {"with",
       "LicenseRef-debian-unspecified WITH AdditionRef-debian-unspecified",
       {"unspecified", "with "}},
      {"BSD-3-Viag\xc3\xa9nie", "LicenseRef-debian-BSD-3-Viag-nie", {"BSD-3-Viag\xc3\xa9nie"}},
      {"a\xff", "LicenseRef-debian-a", {"a?"}},
  };
  for (const Unknown& c : cases) {
    EXPECT_EQ(Spdx(c.synopsis), c.spdx) << c.synopsis;
    EXPECT_EQ(Unmapped(c.synopsis), c.unmapped) << c.synopsis;
  }
}

TEST(DebianLicenseTest, ATableEntryNeedsItsIdOnTheList) {
  auto list = LicenseList::Parse(
      R"({"version": "t", "licenses": ["ISC"], "deprecatedLicenses": [], "exceptions": [],
          "deprecatedExceptions": [], "families": []})");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(SpdxOfDebianName("Expat", *list), std::nullopt);
  EXPECT_EQ(SpdxOfDebianName("GPL-2+", *list), std::nullopt);
  EXPECT_EQ(SpdxOfDebianName("isc", *list), "ISC");
  EXPECT_EQ(SpdxOfDebianException("Font", "GPL-2.0-only", *list), std::nullopt);
  EXPECT_EQ(DebianLicenseToSpdx("Expat or ISC", *list),
            (DebianLicense{"LicenseRef-debian-Expat OR ISC", {"Expat"}}));
}

TEST(DebianLicenseTest, HostileSynopsesGiveValidExpressions) {
  const uint64_t seed = 99;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> pieces = {
      "GPL-2+", " ", ",", " and ", " or ", " with ", "and/or",      " exception", "x",
      "(",      "+", "-", "\xff",  "Perl", "\t",     "LicenseRef-", "NONE",       "Font"};
  for (int i = 0; i < 5000; ++i) {
    std::string synopsis;
    for (size_t k = random() % 14; k-- > 0;) synopsis += pieces[random() % pieces.size()];
    EXPECT_TRUE(LicenseExpression::Parse(Spdx(synopsis), BundledLicenseList()).ok()) << synopsis;
  }
  for (std::string_view word : {"a,", "a or ", "PD or ", "PD, ", "Perl,", "(", "with ", "and "}) {
    std::string synopsis;
    while (synopsis.size() + word.size() <= kMaxDebianSynopsisBytes) synopsis += word;
    for (const std::string& text : {synopsis, synopsis + synopsis}) {
      const DebianLicense license = DebianLicenseToSpdx(text, BundledLicenseList());
      EXPECT_TRUE(LicenseExpression::Parse(license.expression, BundledLicenseList()).ok()) << word;
      for (const std::string& name : license.unmapped) EXPECT_LE(name.size(), 100u);
    }
  }
}

TEST(DebianLicenseTest, JoinsTheLicensesOfAllFiles) {
  auto join = [](std::vector<std::string> synopses) {
    std::vector<DebianLicense> licenses;
    for (const auto& s : synopses) licenses.push_back(DebianLicenseToSpdx(s, BundledLicenseList()));
    return JoinDebianLicenses(licenses, BundledLicenseList());
  };
  EXPECT_EQ(*join({}), (DebianLicense{"NOASSERTION", {}}));
  EXPECT_EQ(*join({"Expat"}), (DebianLicense{"MIT", {}}));
  EXPECT_EQ(*join({"GPL-2+ or Artistic", "foo", "Expat and foo", "MIT", "bar"}),
            (DebianLicense{"(GPL-2.0-or-later OR Artistic-1.0-Perl) AND LicenseRef-debian-foo AND "
                           "MIT AND LicenseRef-debian-bar",
                           {"foo", "bar"}}));
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back(fmt::format("name{}", i));
  EXPECT_EQ(Reason(join(many).status()), "LICENSE_EXPRESSION_INVALID");
}

}  // namespace
}  // namespace dml
