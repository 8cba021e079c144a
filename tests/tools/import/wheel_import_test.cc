#include "tools/import/wheel_import.h"

#include <gmock/gmock.h>

#include "tests/support/temp_dir.h"
#include "tests/tools/import/archive_builder.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeZip;
using testing::TarEntry;

constexpr std::string_view kMetadata =
    "Metadata-Version: 2.4\n"
    "Name: Zope.Interface\n"
    "Version: 6.1\n"
    "Summary: Interfaces for Python\n"
    "License-Expression: ZPL-2.1\n"
    "Author: Jane Doe\n"
    "Project-URL: Source, https://git.example\n"
    "Project-URL: Homepage, https://zope.example\n"
    "Classifier: License :: OSI Approved\n"
    "Requires-Python: >=3.7\n"
    "Requires-Dist: setuptools\n"
    "Requires-Dist: Typing_Extensions (>=3.10,!=4.0) ; python_version < '3.8'\n"
    "Requires-Dist: requests[socks,security] ~=2.28\n"
    "Requires-Dist: pip @ https://pip.example/pip;x.whl ; os_name == 'nt'\n"
    "Requires-Dist: sphinx ; extra == 'docs'\n"
    "Provides-Extra: docs\n"
    "\n"
    "Long words.\n\nMore.\n";

class WheelImportTest : public ::testing::Test {
 protected:
  absl::StatusOr<PackageImport> Import(const std::string& file,
                                       const std::vector<TarEntry>& files) {
    const std::string bytes = MakeZip(files);
    std::ofstream(dir_.path() / file, std::ios::binary).write(bytes.data(), std::ssize(bytes));
    return ReadWheel(dir_.path() / file, "pypi");
  }
  absl::StatusOr<PackageImport> ImportText(const std::string& metadata,
                                           const std::string& tags = "py3-none-any") {
    return Import("a-1.0-" + tags + ".whl", {{"a-1.0.dist-info/METADATA", metadata, ""}});
  }
  std::string ReasonOf(const std::string& metadata, const std::string& tags = "py3-none-any") {
    return std::string(Reason(ImportText(metadata, tags).status()));
  }

  testing::TempDir dir_;
};

TEST_F(WheelImportTest, MapsWhatAWheelSays) {
  const auto import =
      Import("zope_interface-6.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
             {{"zope/interface.py", "x", ""},
              {"zope_interface-6.1.dist-info/METADATA", std::string(kMetadata), ""},
              {"zope_interface-6.1.dist-info/licenses/METADATA", "{ not read", ""}});
  ASSERT_TRUE(import.ok()) << import.status();
  const PackageSpec& spec = import->spec;
  EXPECT_EQ(spec.package.ToString(), "pypi/zope-interface");
  EXPECT_EQ(spec.version.scheme(), VersionScheme::kPep440);
  EXPECT_EQ(spec.platform.VariantId(), "linux-amd64");
  EXPECT_EQ(spec.purl, "pkg:pypi/zope-interface@6.1");
  EXPECT_EQ(spec.title, "Interfaces for Python");
  EXPECT_EQ(spec.description, "Long words.\n\nMore.");
  EXPECT_EQ(spec.homepage, "https://zope.example");
  EXPECT_EQ(spec.declared_license, "ZPL-2.1");
  EXPECT_EQ(spec.labels.at("python-tag"), "cp311");
  EXPECT_EQ(spec.labels.at("abi-tag"), "cp311");
  std::vector<std::string> requirements;
  for (const Requirement& requirement : spec.requires_all) {
    requirements.push_back(requirement.any_of[0].name + " " + requirement.any_of[0].range.ToVers());
  }
  EXPECT_THAT(requirements,
              ElementsAre("pypi/setuptools vers:all/*",
                          HasSubstr("pypi/typing-extensions vers:pypi/>=3.10"),
                          HasSubstr("pypi/requests vers:pypi/>=2.28"), "pypi/pip vers:none/*"));
  EXPECT_THAT(import->unmapped, Contains(HasSubstr("the marker is not kept")));
  EXPECT_THAT(import->unmapped, Contains(HasSubstr("what the extras need is not kept")));
  EXPECT_THAT(import->unmapped, Contains(HasSubstr("a URL and no range")));
  EXPECT_THAT(import->unmapped, Contains(HasSubstr("of an extra")));
  EXPECT_THAT(import->unmapped, Contains(HasSubstr("Requires-Python: >=3.7")));
}

TEST_F(WheelImportTest, PlatformsAreThoseOfTheTags) {
  auto platform = [&](const std::string& tag) {
    const auto import = ImportText("Name: a\nVersion: 1.0\n", "py3-none-" + tag);
    return import.ok() ? import->spec.platform.VariantId() : std::string(Reason(import.status()));
  };
  EXPECT_EQ(platform("any"), "any");
  EXPECT_EQ(platform("linux_x86_64"), "linux-amd64");
  EXPECT_EQ(platform("musllinux_1_2_aarch64"), "linux-arm64");
  EXPECT_EQ(platform("manylinux2014_armv7l"), "linux-arm-v7");
  EXPECT_EQ(platform("macosx_11_0_arm64"), "darwin-arm64");
  EXPECT_EQ(platform("win_amd64"), "windows-amd64");
  EXPECT_EQ(platform("win32"), "windows-386");
  EXPECT_EQ(platform("linux_x86_64.macosx_11_0_arm64"), "WHEEL_INVALID");
  EXPECT_EQ(platform("amiga_68k"), "WHEEL_PLATFORM_UNKNOWN");
  EXPECT_EQ(platform("macosx_11_0_universal2"), "WHEEL_PLATFORM_UNKNOWN");
}

// attack 40: what the file's name says is what its METADATA says.
TEST_F(WheelImportTest, OneWheelHasOneMeaning) {
  EXPECT_EQ(ReasonOf("Name: a\nVersion: 1.0\n"), "");
  EXPECT_EQ(ReasonOf("Name: A\nVersion: 1.0.0\n"), "") << "equal by PEP 503 and 440";
  EXPECT_EQ(ReasonOf("Name: b\nVersion: 1.0\n"), "WHEEL_INVALID");
  EXPECT_EQ(ReasonOf("Name: a\nVersion: 1.1\n"), "WHEEL_INVALID");
  EXPECT_EQ(ReasonOf("Name: a\nName: b\nVersion: 1.0\n"), "WHEEL_INVALID");
  EXPECT_EQ(ReasonOf("Name: a\n"), "WHEEL_INVALID");
  EXPECT_EQ(ReasonOf("Name: a\nVersion: one\n"), "VERSION_INVALID");
  EXPECT_EQ(ReasonOf(" Name: a\n"), "WHEEL_INVALID");
  EXPECT_EQ(ReasonOf("Name a\n"), "WHEEL_INVALID");
  EXPECT_EQ(ReasonOf("Name: a\xff\nVersion: 1.0\n"), "WHEEL_INVALID");
  const TarEntry good{"a-1.0.dist-info/METADATA", "Name: a\nVersion: 1.0\n", ""};
  auto reason = [&](const std::string& file, const std::vector<TarEntry>& files) {
    return std::string(Reason(Import(file, files).status()));
  };
  EXPECT_EQ(reason("a-1.0-1build-py3-none-any.whl", {good}), "");
  EXPECT_EQ(reason("a-1.0-py3-none-any.whl", {good, good}), "ARCHIVE_INVALID");
  EXPECT_EQ(reason("a-1.0-py3-none-any.whl", {good, {"b-1.0.dist-info/METADATA", "", ""}}),
            "WHEEL_INVALID");
  EXPECT_EQ(reason("a-1.0-py3-none-any.whl", {{"x", "", ""}}), "WHEEL_INVALID");
  EXPECT_EQ(reason("a-1.0.whl", {good}), "WHEEL_INVALID");
  EXPECT_EQ(reason("a-1.0-py3-none-any.zip", {good}), "WHEEL_INVALID");
  std::ofstream(dir_.path() / "a-1.0-py3-none-any.whl") << "no zip";
  EXPECT_EQ(Reason(ReadWheel(dir_.path() / "a-1.0-py3-none-any.whl", "pypi").status()),
            "ARCHIVE_INVALID");
}

TEST_F(WheelImportTest, RequirementsAreReadAsPep508Says) {
  auto read = [](const std::string& text) {
    const auto one = ParsePythonRequirement(text);
    if (!one.ok()) return std::string(Reason(one.status()));
    return fmt::format("{}|{}|{}|{}|{}", one->name, one->extras, one->range, one->url, one->marker);
  };
  EXPECT_EQ(read("A"), "a||||");
  EXPECT_EQ(read("A.B-C_d"), "a-b-c-d||||");
  EXPECT_EQ(read("aa"), "aa||||");
  EXPECT_EQ(read("name>=3"), "name||>=3||");
  EXPECT_EQ(read("name>=3,<2"), "name||>=3,<2||");
  EXPECT_EQ(read("name@http://foo.com"), "name|||http://foo.com|");
  EXPECT_EQ(read("name [fred,bar] @ http://foo.com ; python_version=='2.7'"),
            "name|fred,bar||http://foo.com|python_version=='2.7'");
  EXPECT_EQ(read("name[quux, strange];python_version<'2.7' and platform_version=='2'"),
            "name|quux, strange|||python_version<'2.7' and platform_version=='2'");
  EXPECT_EQ(read("name (>= 1.0)"), "name||>= 1.0||");
  for (const char* text : {"", "[x]", "name[x", "name;", "name @", "-", "@ http://x", ">=1"}) {
    EXPECT_EQ(read(text), "WHEEL_INVALID") << text;
  }
  EXPECT_EQ(ReasonOf("Name: a\nVersion: 1.0\nRequires-Dist: b ==\n"), "VERSION_RANGE_INVALID");
  EXPECT_EQ(ReasonOf("Name: a\nVersion: 1.0\nRequires-Dist: [b]\n"), "WHEEL_INVALID");
}

}  // namespace
}  // namespace dml
