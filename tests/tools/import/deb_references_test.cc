// The packages of a Debian index as references.
#include "tools/import/deb_references.h"

#include <fstream>

#include <gmock/gmock.h>

#include "core/package/package_spec.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class DebReferencesTest : public ::testing::Test {
 protected:
  absl::StatusOr<DebReferences> Read(const std::string& text, ReferenceBatchLimits limits = {}) {
    const std::filesystem::path file = dir_.path() / "Packages";
    std::ofstream(file, std::ios::binary) << text;
    batches_.clear();
    return ReadDebReferences(
        file, "debian",
        [&](ReferenceSpecs specs) {
          std::vector<std::string>& names = batches_.emplace_back();
          for (const std::string& document : specs) {
            last_ = ParsePackageSpec(document).value();
            names.push_back(last_.package.name + " " + last_.version.text());
          }
          return absl::OkStatus();
        },
        limits);
  }

  testing::TempDir dir_;
  std::vector<std::vector<std::string>> batches_;
  PackageSpec last_;
};

constexpr std::string_view kCurl =
    "Package: curl\nVersion: 7.88.1-10+deb12u5\nArchitecture: amd64\nMaintainer: A <a@b.c>\n"
    "Installed-Size: 500\nDepends: libc6 (>= 2.34), libcurl4 (= 7.88.1-10+deb12u5)\n"
    "Recommends: ca-certificates\nTag: role::program\nDescription: transfer\n"
    "Description-md5: 0123\nHomepage: https://curl.se/\nSection: web\nPriority: optional\n"
    "Filename: pool/main/c/curl/curl.deb\nSize: 315000\nMD5sum: 01\nSHA256: 02\n";

TEST_F(DebReferencesTest, BecomeSpecsOfKindReference) {
  const auto read = Read(std::string(kCurl));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->packages, 1u);
  EXPECT_EQ(read->fault_count, 0u);
  ASSERT_THAT(batches_, ElementsAre(ElementsAre("curl 7.88.1-10+deb12u5")));
  EXPECT_TRUE(last_.is_reference);
  EXPECT_EQ(last_.declared_license, "NOASSERTION");
  EXPECT_EQ(last_.platform.arch, "amd64");
  ASSERT_THAT(last_.requires_all, SizeIs(2));
  EXPECT_EQ(last_.requires_all[1].source, "Depends: libcurl4 (= 7.88.1-10+deb12u5)");
  // Where the file is and what it hashes to is no loss; what it only recommends is.
  std::vector<std::string> unmapped;
  for (const auto& [what, gap] : read->unmapped) unmapped.push_back(what);
  EXPECT_THAT(unmapped, ElementsAre("Maintainer: left out, as it names a person",
                                    "Recommends: a package spec has no soft relations",
                                    "Tag: a package spec has no such field"));
  EXPECT_EQ(read->unmapped.at("Recommends: a package spec has no soft relations").example,
            "curl 7.88.1-10+deb12u5: ca-certificates");
}

TEST_F(DebReferencesTest, WhatIsOfAnotherArchitectureIsNotProvenToBeThere) {
  ASSERT_TRUE(Read("Package: a\nVersion: 1\nArchitecture: amd64\n"
                   "Depends: b:arm64 | c:amd64 (>= 2), d:any\nConflicts: e:arm64\n")
                  .ok());
  ASSERT_THAT(last_.requires_all, SizeIs(2));
  EXPECT_TRUE(last_.requires_all[0].any_of[0].range.IsEmpty()) << "never met";
  EXPECT_EQ(last_.requires_all[0].any_of[1].range.ToVers(), "vers:deb/>=2");
  EXPECT_TRUE(last_.requires_all[1].any_of[0].range.IsAll());
  ASSERT_THAT(last_.conflicts, SizeIs(1));
  EXPECT_TRUE(last_.conflicts[0].target.range.IsAll()) << "rather too much is excluded";
}

TEST_F(DebReferencesTest, BatchesKeepTheirLimits) {
  std::string index;
  for (int i = 0; i < 7; ++i) {
    index += fmt::format("Package: p{}\nVersion: 1\nArchitecture: all\n\n", i);
  }
  ASSERT_TRUE(Read(index, {.specs = 3}).ok());
  ASSERT_THAT(batches_, SizeIs(3));
  EXPECT_THAT(batches_[2], ElementsAre("p6 1"));
  ASSERT_TRUE(Read(index, {.spec_bytes = 1}).ok());
  EXPECT_THAT(batches_, SizeIs(7)) << "one at least";
  ASSERT_TRUE(Read(index, {.entry_bytes = 140}).ok());
  EXPECT_THAT(batches_, SizeIs(4));
  ASSERT_TRUE(Read(index).ok());
  EXPECT_THAT(batches_, SizeIs(1));
}

TEST_F(DebReferencesTest, AFaultyPackageIsToldAndTheOthersGoOn) {
  const auto read = Read(
      "Package: good\nVersion: 1\nArchitecture: all\n\n"
      "Package: Bad Name\nVersion: 1\nArchitecture: all\n\n"
      "Package: versionless\nArchitecture: all\n\n"
      "Package: odd\nVersion: one\nArchitecture: all\n\n"
      "Package: alien\nVersion: 1\nArchitecture: vax\n\n"
      "Package: loose\nVersion: 1\nArchitecture: all\nDepends: a (>> )\n\n"
      "Package: good\nVersion: 1\nArchitecture: all\n\n"
      "Package: last\nVersion: 1\nArchitecture: all\n");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->packages, 8u);
  EXPECT_EQ(read->fault_count, 6u);
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("good 1", "last 1")));
  ASSERT_THAT(read->faults, SizeIs(6));
  EXPECT_EQ(read->faults[0].package, "paragraph 2 (Bad Name 1)");
  EXPECT_EQ(Reason(read->faults[1].why), "DEB_INVALID");
  EXPECT_EQ(Reason(read->faults[2].why), "VERSION_INVALID");
  EXPECT_EQ(Reason(read->faults[3].why), "DEB_ARCHITECTURE_UNKNOWN");
  EXPECT_EQ(Reason(read->faults[4].why), "DEB_RELATION_INVALID");
  EXPECT_EQ(Reason(read->faults[5].why), "DEB_REPEATED");
}

TEST_F(DebReferencesTest, SaysWhatIsWrongWithTheIndex) {
  EXPECT_EQ(Reason(ReadDebReferences(dir_.path() / "none", "debian",
                                     [](ReferenceSpecs) { return absl::OkStatus(); })
                       .status()),
            "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(ReadDebReferences(dir_.path() / "none", "De Bian",
                                     [](ReferenceSpecs) { return absl::OkStatus(); })
                       .status()),
            "NAME_INVALID");
  const auto read = Read("no colon here\n");
  EXPECT_EQ(Reason(read.status()), "DEB_INVALID");
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("paragraph 1"));
}

}  // namespace
}  // namespace dml
