#include "tools/import/npm_import.h"

#include <gmock/gmock.h>

#include "tests/tools/import/archive_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeTar;
using testing::TarEntry;
using testing::TempFile;

absl::StatusOr<PackageImport> ImportArchive(const std::string& bytes,
                                            const ArchiveLimits& limits = {}) {
  TempFile file(bytes);
  return ReadNpm(file.path(), "npm", limits);
}
absl::StatusOr<PackageImport> Import(const std::string& package_json) {
  return ImportArchive(MakeTar({{"package/index.js", "x", ""},
                                {"package/package.json", package_json, ""},
                                {"package/lib/package.json", "{ not read", ""}},
                               ".gz"));
}
std::string ReasonOf(const std::string& package_json) {
  return std::string(Reason(Import(package_json).status()));
}
// The requirements, as "name range" of each alternative.
std::vector<std::string> Requirements(const PackageSpec& spec) {
  std::vector<std::string> out;
  for (const Requirement& requirement : spec.requires_all) {
    for (const RelationTarget& target : requirement.any_of) {
      out.push_back(target.name + " " + target.range.ToVers());
    }
  }
  return out;
}

TEST(NpmImport, MapsWhatAPackageSays) {
  const auto import = Import(R"json({
    "name": "@acme/widgets", "version": "2.1.0-rc.1", "description": "Widgets\nof all kinds",
    "homepage": "https://widgets.example", "license": "(MIT OR Apache-2.0)",
    "os": ["linux"], "cpu": "x64", "scripts": {"install": "rm -rf /"},
    "dependencies": {"left-pad": "^1.3.0", "@types/node": ">=18 <21 || 22.x", "star": "*"},
    "devDependencies": {"jest": "29"},
    "peerDependencies": {"react": "~18.2.0", "vue": "3"},
    "peerDependenciesMeta": {
  "vue" : { "optional" : true }}})json");
  ASSERT_TRUE(import.ok()) << import.status();
  const PackageSpec& spec = import->spec;
  EXPECT_EQ(spec.package.ToString(), "npm/acme+widgets");
  EXPECT_EQ(spec.labels.at("npm-name"), "@acme/widgets");
  EXPECT_EQ(spec.version.text(), "2.1.0-rc.1");
  EXPECT_EQ(spec.version.scheme(), VersionScheme::kNpm);
  EXPECT_EQ(spec.platform.VariantId(), "linux-amd64");
  EXPECT_EQ(spec.purl, "pkg:npm/%40acme/widgets@2.1.0-rc.1");
  EXPECT_EQ(spec.title, "Widgets of all kinds");
  EXPECT_EQ(spec.homepage, "https://widgets.example");
  EXPECT_EQ(spec.declared_license, "MIT OR Apache-2.0");
  EXPECT_EQ(import->file_name, "acme+widgets-2.1.0-rc.1.tgz");
  EXPECT_THAT(Requirements(spec), ElementsAre(HasSubstr("npm/types+node vers:npm/"),
                                              "npm/left-pad vers:npm/>=1.3.0|<2.0.0-0;pre=",
                                              HasSubstr("npm/star vers:npm/"),
                                              HasSubstr("npm/react vers:npm/>=18.2.0|<18.3.0")));
  EXPECT_EQ(spec.requires_all[1].source, "dependencies: \"left-pad\": \"^1.3.0\"");
  EXPECT_THAT(import->unmapped, ElementsAre(HasSubstr("peerDependencies.vue: an optional peer")));
}

// What is not understood is a requirement that nothing meets, and is said.
TEST(NpmImport, WhatNoRangeSaysIsNotProven) {
  const auto import = Import(R"({"name": "a", "version": "1.0.0", "license": "MIT",
    "dependencies": {"fork": "git+https://git.example/fork.git", "tag": "latest",
                     "file": "file:../x", "other": "npm:real@^2.0.0", "inside": "1",
                     "maybe": "1"},
    "optionalDependencies": {"maybe": "1"}, "bundledDependencies": ["inside"]})");
  ASSERT_TRUE(import.ok()) << import.status();
  const auto& requirements = import->spec.requires_all;
  ASSERT_EQ(requirements.size(), 4U);
  EXPECT_THAT(Requirements(import->spec),
              ElementsAre("npm/file vers:none/*", "npm/fork vers:none/*",
                          HasSubstr("npm/real vers:npm/>=2.0.0"), "npm/tag vers:none/*"));
  EXPECT_THAT(import->unmapped,
              ElementsAre(HasSubstr("'file:../x' is no range"), HasSubstr("git.example"),
                          HasSubstr("dependencies.inside: bundled"),
                          HasSubstr("dependencies.maybe: optional"), HasSubstr("'latest'")));
}

TEST(NpmImport, LicensesThatAreNoExpressionsAreNotGuessed) {
  const auto declared = [](const std::string& member) {
    const auto import = Import(R"({"name": "a", "version": "1.0.0")" + member + "}");
    EXPECT_TRUE(import.ok()) << import.status();
    return import.ok() ? import->spec.declared_license : "";
  };
  EXPECT_EQ(declared(""), "NOASSERTION");
  EXPECT_EQ(declared(R"(, "license": "SEE LICENSE IN LICENSE.md")"), "NOASSERTION");
  EXPECT_EQ(declared(R"(, "license": "UNLICENSED")"), "NOASSERTION");
  EXPECT_EQ(declared(R"(, "license": 7)"), "NOASSERTION");
  EXPECT_EQ(declared(R"(, "license": {"type": "ISC", "url": "https://x"})"), "ISC");
  EXPECT_EQ(declared(R"(, "licenses": [{"type": "MIT"}, {"type": "ISC"}])"), "NOASSERTION");
}

TEST(NpmImport, BadPackagesAreRefused) {
  EXPECT_EQ(ReasonOf("{"), "NPM_INVALID");
  EXPECT_EQ(ReasonOf("[]"), "NPM_INVALID");
  EXPECT_EQ(ReasonOf(R"({"name": "a", "name": "b", "version": "1.0.0"})"), "NPM_INVALID");
  EXPECT_EQ(ReasonOf(R"({"version": "1.0.0"})"), "NPM_INVALID");
  EXPECT_EQ(ReasonOf(R"({"name": "a"})"), "NPM_INVALID");
  EXPECT_EQ(ReasonOf(R"({"name": "a", "version": "one"})"), "VERSION_INVALID");
  EXPECT_EQ(ReasonOf(R"({"name": "a", "version": "1.0.0", "dependencies": []})"), "NPM_INVALID");
  EXPECT_EQ(ReasonOf(R"({"name": "a", "version": "1.0.0", "dependencies": {"b": 1}})"),
            "NPM_INVALID");
  // attack 12: names that lead elsewhere, or are those of a scope.
  for (const char* name : {"../../etc", "@acme", "@acme/", "acme+widgets", "@a/b+c", "a/b", "A", "",
                           "@a/../b", "%2e%2e"}) {
    EXPECT_FALSE(Import(fmt::format(R"({{"name": "{}", "version": "1.0.0"}})", name)).ok()) << name;
  }
}

// attack 40: one package has one package.json, and it is read from the archive that is published.
TEST(NpmImport, OneArchiveHasOneMeaning) {
  const std::string good = R"({"name": "a", "version": "1.0.0", "license": "MIT"})";
  auto reason = [](const std::vector<TarEntry>& entries, const std::string& suffix = ".gz") {
    return std::string(Reason(ImportArchive(MakeTar(entries, suffix)).status()));
  };
  EXPECT_EQ(reason({{"package/package.json", good, ""}}), "");
  EXPECT_EQ(reason({{"./package/package.json", good, ""}}), "");
  EXPECT_EQ(reason({{"package/package.json", good, ""}, {"package/package.json", good, ""}}),
            "ARCHIVE_INVALID");
  EXPECT_EQ(reason({{"package/package.json", good, ""}, {"other/package.json", good, ""}}),
            "NPM_INVALID");
  EXPECT_EQ(reason({{"package.json", good, ""}}), "NPM_INVALID");
  EXPECT_EQ(reason({{"package/package.json", "", "/etc/passwd"}}), "ARCHIVE_INVALID");
  EXPECT_EQ(reason({{"package/package.json", good, ""}}, ""), "ARCHIVE_INVALID") << "no gzip";
  EXPECT_EQ(Reason(ImportArchive("").status()), "ARCHIVE_INVALID");
  const std::string whole = MakeTar({{"package/package.json", good, ""}}, ".gz");
  EXPECT_FALSE(ImportArchive(whole.substr(0, whole.size() / 2)).ok());
  EXPECT_EQ(Reason(ReadNpm("/nowhere.tgz", "npm").status()), "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(ReadNpm("/tmp", "npm").status()), "FILE_NOT_REGULAR");
}

// attack 14, T2: endless data.
TEST(NpmImport, ReadsNoMoreThanItMay) {
  const std::string good = R"({"name": "a", "version": "1.0.0", "license": "MIT"})";
  ArchiveLimits limits;
  limits.max_unpacked_bytes = 100'000;
  limits.max_entries = 3;
  const TarEntry json{"package/package.json", good, ""};
  const TarEntry large{"package/large", std::string(200'000, 'x'), ""};
  const TarEntry small{"package/small", "x", ""};
  auto reason = [&](const std::vector<TarEntry>& entries) {
    return std::string(Reason(ImportArchive(MakeTar(entries, ".gz"), limits).status()));
  };
  EXPECT_EQ(reason({json, small, small}), "");
  EXPECT_EQ(reason({json, large}), "ARCHIVE_TOO_LARGE");
  EXPECT_EQ(reason({json, small, small, small}), "ARCHIVE_TOO_LARGE");
  limits.max_member_bytes = good.size() - 1;
  EXPECT_EQ(reason({json}), "ARCHIVE_TOO_LARGE");
}

}  // namespace
}  // namespace dml
