#include "tools/import/deb_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/paths.h"
#include "tests/support/test_data.h"
#include "tests/tools/import/archive_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeDeb;
using testing::TarEntry;
using testing::TempFile;

constexpr std::string_view kControl =
    "Package: libfoo++2\n"
    "Source: foo (1:2.0~rc1-3)\n"
    "Version: 1:2.0~rc1-3+b1\n"
    "Architecture: amd64\n"
    "Maintainer: Jane Doe <jane@example.org>\n"
    "Installed-Size: 120\n"
    "Pre-Depends: dpkg (>= 1.20)\n"
    "Depends: libc6 (>= 2.36), python3:any | python2 (<< 2.8) [amd64], ca-certificates\n"
    "Recommends: bar\n"
    "Suggests: baz (>= 1)\n"
    "Conflicts: foo-server\n"
    "Breaks: libfoo1 (<< 1:2.0)\n"
    "Replaces: libfoo1 (<< 1:2.0),\n"
    "          libfoo0 (< 1)\n"
    "Provides: libfoo, libfoo-abi (= 7)\n"
    "Section: non-free/libs\n"
    "Priority: optional\n"
    "Multi-Arch: same\n"
    "Homepage: https://foo.example.org/\n"
    "Description: does foo\n"
    " Foo does\n"
    "  * this\n"
    " .\n"
    " and that.\n";

constexpr std::string_view kCopyright =
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
    "Files: *\nCopyright: 2020 J\nLicense: GPL-2+\n\n"
    "Files: x\nCopyright: 2020 K\nLicense: Expat or foo-license\n";

constexpr std::string_view kCopyrightPath = "./usr/share/doc/libfoo++2/copyright";

std::vector<TarEntry> Data() {
  return {{"./usr/lib/libfoo.so", std::string(5000, 'x'), ""},
          {std::string(kCopyrightPath), std::string(kCopyright), ""},
          {"./usr/share/doc/libfoo++2/README", "read me", ""}};
}

absl::StatusOr<PackageImport> Import(std::string_view bytes, const DebLimits& limits = {}) {
  TempFile file(bytes);
  return ReadDeb(file.path(), "debian", limits);
}

// The control file with one line replaced.
std::string ControlWith(std::string_view line, std::string_view replacement) {
  std::string control = "\n" + std::string(kControl);
  size_t at = control.find("\n" + std::string(line));
  EXPECT_NE(at, control.npos);
  return control.replace(at + 1, control.find('\n', at + 1) - at - 1, replacement);
}

absl::StatusOr<PackageImport> ImportWith(std::string_view line, std::string_view replacement) {
  return Import(MakeDeb(ControlWith(line, replacement), Data()));
}

void ExpectGolden(const PackageImport& import) {
  std::filesystem::path golden = testing::SourceDir() / "tests/golden/import/libfoo.json";
  EXPECT_EQ(FormatPackageSpec(import.spec), testing::ReadFileOrDie(golden));
  EXPECT_EQ(import.file_name, "libfoo++2_2.0~rc1-3+b1_amd64.deb");
  const std::string file = "license: usr/share/doc/libfoo++2/copyright";
  EXPECT_THAT(
      import.unmapped,
      ElementsAre(file + ": no table knows the license 'foo-license'",
                  "Maintainer: left out, as it names a person",
                  "Pre-Depends: dpkg (>= 1.20): required, but not before unpacking",
                  "Depends: python3:any | python2 (<< 2.8) [amd64]: ':any' is not kept; a relation "
                  "names no architecture",
                  "Depends: python3:any | python2 (<< 2.8) [amd64]: '[amd64]' is not kept; the "
                  "relation is taken to hold on every architecture",
                  "Recommends: bar: a package spec has no soft relations",
                  "Suggests: baz (>= 1): a package spec has no soft relations",
                  "Replaces: libfoo0 (< 1): the obsolete operator is read as dpkg does, with '='",
                  "Multi-Arch: same: a package spec has no such field"));
}

TEST(PackageImport, GoldenInEveryCompression) {
  for (const char* suffix : {"", ".gz", ".xz", ".zst"}) {
    SCOPED_TRACE(suffix);
    absl::StatusOr<PackageImport> import = Import(MakeDeb(std::string(kControl), Data(), suffix));
    ASSERT_TRUE(import.ok()) << import.status();
    ExpectGolden(*import);
  }
}

TEST(PackageImport, NativeTextOfARangeIsKept) {
  PackageImport import = Import(MakeDeb(std::string(kControl), Data())).value();
  EXPECT_EQ(import.spec.requires_all[1].any_of[0].range.native(), "(>= 2.36)");
}

TEST(PackageImport, TheLeastThatAPackageHas) {
  PackageImport import =
      Import(MakeDeb("Package: a\nVersion: 0\nArchitecture: all\n", {{"./", "", ""}})).value();
  EXPECT_EQ(import.spec.package.ToString(), "debian/a");
  EXPECT_EQ(import.spec.platform, Platform());
  EXPECT_EQ(import.spec.purl, "pkg:deb/debian/a@0?arch=all");
  EXPECT_EQ(import.spec.declared_license, "NOASSERTION");
  EXPECT_THAT(import.spec.labels, ElementsAre(std::pair("source", "a")));
  EXPECT_EQ(import.file_name, "a_0_all.deb");
  EXPECT_THAT(import.unmapped, ElementsAre("license: usr/share/doc/a/copyright is not there"));
}

TEST(PackageImport, Architectures) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"all", "any"},           {"amd64", "linux-amd64"},      {"arm64", "linux-arm64"},
      {"i386", "linux-386"},    {"armhf", "linux-arm-v7"},     {"ppc64el", "linux-ppc64le"},
      {"s390x", "linux-s390x"}, {"mips64el", "linux-mips64le"}};
  for (const auto& [architecture, platform] : cases) {
    auto import = ImportWith("Architecture:", "Architecture: " + std::string(architecture));
    ASSERT_TRUE(import.ok()) << import.status();
    EXPECT_EQ(import->spec.platform.VariantId(), platform);
  }
}

TEST(PackageImport, ErrorsNameTheFileAndTheField) {
  struct Case {
    std::string_view line, replacement, field, reason;
  };
  constexpr Case kCases[] = {
      {"Package:", "X-Package: a", "Package", "DEB_INVALID"},
      {"Package:", "Package: ../a", "Package", "NAME_INVALID"},
      {"Package:", "Package: Foo", "Package", "NAME_INVALID"},
      {"Version:", "Version:", "Version", "DEB_INVALID"},
      {"Version:", "Version: x1", "Version", "VERSION_INVALID"},
      {"Version:", "Version: 1/2", "Version", "NAME_INVALID"},
      {"Architecture:", "Architecture: amd64 arm64", "Architecture", "DEB_ARCHITECTURE_UNKNOWN"},
      {"Architecture:", "Architecture: any", "Architecture", "DEB_ARCHITECTURE_UNKNOWN"},
      {"Depends:", "Depends: libc6 (>> )", "Depends", "DEB_RELATION_INVALID"},
      {"Breaks:", "Breaks: a | b", "Breaks", "DEB_RELATION_INVALID"},
      {"Provides:", "Provides: a (>= 1)", "Provides", "DEB_RELATION_INVALID"},
      {"Source:", "Source: Foo", "Source", "NAME_INVALID"},
      {"Source:", "Source: foo ()", "Source", "NAME_INVALID"},
  };
  for (const Case& c : kCases) {
    absl::StatusOr<PackageImport> import = ImportWith(c.line, c.replacement);
    ASSERT_FALSE(import.ok()) << c.replacement;
    EXPECT_EQ(Reason(import.status()), c.reason) << import.status();
    ASSERT_EQ(FieldViolations(import.status()).size(), 1u) << import.status();
    EXPECT_EQ(FieldViolations(import.status())[0].field, c.field);
    EXPECT_THAT(std::string(Message(import.status())), HasSubstr(".deb: "));
  }
  TempFile file(MakeDeb(std::string(kControl)));
  EXPECT_EQ(Reason(ReadDeb(file.path(), "Not A Namespace").status()), "NAME_INVALID");
}

TEST(PackageImport, FieldsMatchInAnyCase) {
  PackageImport import = ImportWith("Depends:", "DEPENDS: libc6").value();
  EXPECT_EQ(import.spec.requires_all.back().source, "Depends: libc6");
}

TEST(PackageImport, WhatDoesNotFitIsCutAndNoted) {
  // The limits fall into the middle of a character.
  std::string title = "a";
  while (title.size() < 300) title += "ż";
  std::string description = "Description: " + title + "\n b";
  while (description.size() < (20 << 10)) description += "ż";
  PackageImport import = ImportWith("Description:", description).value();
  EXPECT_EQ(import.spec.title.size(), kMaxSpecTitleBytes - 1);
  EXPECT_EQ(import.spec.description.size(), kMaxSpecTextBytes - 1);
  EXPECT_THAT(import.unmapped, ::testing::Contains(HasSubstr("the title is cut")));
  EXPECT_THAT(import.unmapped, ::testing::Contains(HasSubstr("cut to 16384 bytes")));

  import = ImportWith("Homepage:", "Homepage: ftp://foo.example.org/").value();
  EXPECT_EQ(import.spec.homepage, "");
  EXPECT_THAT(import.unmapped, ::testing::Contains("Homepage: ftp://foo.example.org/: not a URL of "
                                                   "http or https"));
}

TEST(PackageImport, RelationsBeyondASpecAreRefused) {
  std::string provides = "Provides: a";
  for (int i = 0; i < 4095; ++i) provides += ", a";
  absl::StatusOr<PackageImport> import = ImportWith("Provides:", provides);
  EXPECT_EQ(Reason(import.status()), "PACKAGE_SPEC_INVALID");
}

struct LicenseCase {
  std::vector<TarEntry> data;
  std::string_view note;
};

TEST(PackageImport, LicenseThatCannotBeToldIsNoAssertion) {
  const std::string path(kCopyrightPath);
  const std::string format(kCopyright.substr(0, kCopyright.find("Files:")));
  std::string many = format;
  for (int i = 0; i < 1200; ++i) {
    many += fmt::format("\nFiles: f{}\nCopyright: x\nLicense: unheard-of-license-{}\n", i, i);
  }
  const std::vector<LicenseCase> cases = {
      {{}, "copyright is not there"},
      {{{path, "", "../foo/copyright"}},
       "is a link to '../foo/copyright'; the license stands there"},
      {{{"./usr/share/doc/libfoo++2", "", "foo-common"}}, "is a link to 'foo-common'"},
      {{{path, "This is free software.\n", ""}}, "is not in the machine-readable format"},
      {{{path, "", ""}}, "is not in the machine-readable format"},
      {{{path, format, ""}}, "names no license"},
      {{{path, format + "\nno colon\n", ""}}, "copyright: "},
      {{{path, many, ""}}, "copyright: "},
      {{{path, std::string((8 << 20) + 1, ' '), ""}}, "has more than 8388608 bytes"},
      {{{"./usr/share/doc/other/copyright", std::string(kCopyright), ""}}, "is not there"},
  };
  for (const LicenseCase& c : cases) {
    absl::StatusOr<PackageImport> import = Import(MakeDeb(std::string(kControl), c.data));
    ASSERT_TRUE(import.ok()) << c.note << import.status();
    EXPECT_EQ(import->spec.declared_license, "NOASSERTION") << c.note;
    EXPECT_THAT(
        import->unmapped.front(),
        ::testing::AllOf(HasSubstr("license: usr/share/doc/libfoo++2/"), HasSubstr(c.note)));
  }
}

// Packages of a mirror, where a folder of them is given.
TEST(PackageImport, RealPackages) {
  const char* folder = std::getenv("DML_TEST_DEBS");
  if (folder == nullptr) GTEST_SKIP() << "set DML_TEST_DEBS to a folder of .deb files";
  size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".deb") continue;
    absl::StatusOr<PackageImport> import = ReadDeb(file.path(), "debian");
    ASSERT_TRUE(import.ok()) << import.status();
    EXPECT_FALSE(import->spec.title.empty()) << file.path();
    EXPECT_TRUE(file.path().filename().string().starts_with(import->spec.package.name + "_"));
    ++count;
  }
  EXPECT_GT(count, 0u);
}

}  // namespace
}  // namespace dml
