// Archives that are cut, damaged, or made to hurt whoever reads them.
#include "tools/import/deb_archive.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/import/archive_builder.h"
#include "tools/import/deb_import.h"

namespace dml {
namespace {

using testing::ArMember;
using ::testing::HasSubstr;
using testing::MakeAr;
using testing::MakeDeb;
using testing::MakeTar;
using testing::TarEntry;
using testing::TempFile;

const std::string kControl = "Package: a\nVersion: 1\nArchitecture: all\n";
const std::string kCopyright = "./usr/share/doc/a/copyright";
const ArMember kFormat = {"debian-binary", "2.0\n"};

ArMember ControlTar(const std::string& text = kControl) {
  return {"control.tar", MakeTar({{"./control", text, ""}})};
}
ArMember DataTar() { return {"data.tar", MakeTar({{"./usr/bin/a", "a", ""}})}; }

absl::StatusOr<PackageImport> ReadBytes(std::string_view bytes, const DebLimits& limits = {}) {
  TempFile file(bytes);
  return ReadDeb(file.path(), "debian", limits);
}

absl::Status Read(std::string_view bytes, const DebLimits& limits = {}) {
  return ReadBytes(bytes, limits).status();
}

void ExpectInvalid(std::string_view bytes, std::string_view message) {
  absl::Status status = Read(bytes);
  EXPECT_EQ(Reason(status), "DEB_INVALID") << status;
  EXPECT_THAT(std::string(Message(status)), HasSubstr(message));
}

TEST(DebArchive, MembersOfNoConcernAreLetPass) {
  EXPECT_TRUE(Read(MakeAr({kFormat,
                           {"_future", "x"},
                           ControlTar(),
                           {"_more", "xy"},
                           DataTar(),
                           {"_gpgorigin", "signature"},
                           {"notes", "z"}}))
                  .ok());
  EXPECT_TRUE(Read(MakeAr({{"debian-binary", "2.1\nmore\n"}, ControlTar(), DataTar()})).ok());
}

TEST(DebArchive, NothingStandsAfterTheLastMember) {
  const std::string deb = MakeAr({kFormat, ControlTar(), DataTar()});
  ASSERT_TRUE(Read(deb).ok());
  ExpectInvalid(deb + "x", "1 bytes after its last member");
  ExpectInvalid(deb + "\n", "1 bytes after its last member");
  ExpectInvalid(deb + std::string(59, 'x'), "59 bytes after its last member");
  ExpectInvalid(deb + std::string(60, 'x'), "cannot read the ar archive");
}

TEST(DebArchive, OtherShapesAreRefused) {
  ExpectInvalid("", "cannot read");
  ExpectInvalid("no archive at all, only a text", "cannot read");
  ExpectInvalid(MakeTar({{"./control", kControl, ""}}), "cannot read");
  ExpectInvalid("!<arch>\n", "the first member is not debian-binary");
  ExpectInvalid(MakeAr({ControlTar(), DataTar()}), "the first member is not debian-binary");
  ExpectInvalid(MakeAr({{"debian-binary", "3.0\n"}, ControlTar(), DataTar()}), "is not 2.0");
  ExpectInvalid(MakeAr({kFormat}), "the end where control.tar must be");
  ExpectInvalid(MakeAr({kFormat, DataTar(), ControlTar()}), "data.tar where control.tar must be");
  ExpectInvalid(MakeAr({kFormat, ControlTar()}), "the end where data.tar must be");
  ExpectInvalid(MakeAr({kFormat, {"control.tar.rar", ControlTar().second}, DataTar()}),
                "cannot uncompress control.tar.rar");
  ExpectInvalid(MakeAr({kFormat, {"control.tar.gz", ControlTar().second}, DataTar()}),
                "cannot read control.tar.gz");
  ExpectInvalid(MakeAr({kFormat, {"control.tar", ""}, DataTar()}), "control.tar");
  ExpectInvalid(MakeAr({kFormat, {"control.tar", "short"}, DataTar()}), "control.tar");
}

TEST(DebArchive, NothingIsThereTwice) {
  ExpectInvalid(MakeAr({kFormat, ControlTar(), ControlTar(), DataTar()}),
                "control.tar where data.tar must be");
  ExpectInvalid(MakeAr({kFormat, ControlTar(), DataTar(), ControlTar()}), "a second control.tar");
  ExpectInvalid(MakeAr({kFormat, ControlTar(), DataTar(), {"data.tar.xz", ""}}),
                "a second data.tar.xz");
  ExpectInvalid(MakeAr({kFormat, ControlTar(), DataTar(), kFormat}), "a second debian-binary");
  std::string controls = MakeTar({{"./control", kControl, ""}, {"control", kControl, ""}});
  ExpectInvalid(MakeAr({kFormat, {"control.tar", controls}, DataTar()}), "two control files");
  ExpectInvalid(MakeDeb(kControl, {{kCopyright, "x", ""}, {kCopyright, "y", ""}}), "two files");
  ExpectInvalid(MakeDeb(kControl + "Version: 2\n"), "a second field");
}

TEST(DebArchive, ControlMustBeAFile) {
  ExpectInvalid(MakeAr({kFormat, {"control.tar", MakeTar({{"./md5sums", "", ""}})}, DataTar()}),
                "no control file");
  ExpectInvalid(
      MakeAr({kFormat, {"control.tar", MakeTar({{"./control", "", "/etc/passwd"}})}, DataTar()}),
      "control is no regular file");
}

TEST(DebArchive, FileMustBeThere) {
  EXPECT_EQ(Reason(ReadDeb("/nonexistent/a.deb", "debian").status()), "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(ReadDeb("/", "debian").status()), "FILE_NOT_REGULAR");
  EXPECT_EQ(Reason(ReadDeb("/dev/zero", "debian").status()), "FILE_NOT_REGULAR");
}

TEST(DebArchive, BombsAreStoppedByTheLimits) {
  DebLimits limits;
  limits.max_unpacked_bytes = 1 << 20;
  for (const char* suffix : {".gz", ".xz", ".zst"}) {
    const std::string zeros(16 << 20, '\0');
    const std::string bomb = MakeDeb(kControl, {{"./zeros", zeros, ""}}, suffix);
    ASSERT_LT(bomb.size(), limits.max_unpacked_bytes);
    EXPECT_EQ(Reason(Read(bomb, limits)), "DEB_TOO_LARGE") << suffix;
    const std::string in_control =
        MakeTar({{"./zeros", zeros, ""}, {"./control", kControl, ""}}, suffix);
    EXPECT_EQ(
        Reason(Read(MakeAr({kFormat, {std::string("control.tar") + suffix, in_control}, DataTar()}),
                    limits)),
        "DEB_TOO_LARGE")
        << suffix;
  }
}

TEST(DebArchive, HugeControlFile) {
  const std::string control = kControl + "X: " + std::string(1 << 20, 'x') + "\n";
  EXPECT_EQ(Reason(Read(MakeDeb(control, {}, ".gz"))), "DEB_TOO_LARGE");
}

TEST(DebArchive, TooManyEntries) {
  DebLimits limits;
  limits.max_entries = 100;
  std::vector<TarEntry> files(99, {"./x", "", ""});
  EXPECT_TRUE(Read(MakeDeb(kControl, files), limits).ok());
  files.push_back(files.front());
  EXPECT_EQ(Reason(Read(MakeDeb(kControl, files), limits)), "DEB_TOO_LARGE");
  std::vector<ArMember> members = {kFormat, ControlTar(), DataTar()};
  members.resize(1000, {"_x", ""});
  EXPECT_EQ(Reason(Read(MakeAr(members))), "DEB_INVALID");
}

TEST(DebArchive, CutAnywhereItIsRefused) {
  const std::vector<TarEntry> data = {{kCopyright, "some text", ""}};
  for (const char* suffix : {"", ".gz", ".xz", ".zst"}) {
    const std::string whole = MakeDeb(kControl, data, suffix);
    ASSERT_TRUE(Read(whole).ok()) << suffix;
    const bool padded = whole.back() == '\n';
    const size_t step = whole.size() / 500 + 1;
    for (size_t size = 0; size + padded < whole.size(); size += step) {
      EXPECT_FALSE(Read(whole.substr(0, size)).ok()) << suffix << " cut to " << size;
    }
  }
}

std::string Describe(const PackageImport& deb) {
  std::string out = deb.file_name + FormatPackageSpec(deb.spec);
  for (const std::string& line : deb.unmapped) out += line + "\n";
  return out;
}

// Only xz vouches for what it packs: a tar archive has no checksum of content, neither have these
// zstd frames, and libarchive does not look at that of gzip. What they then say is read as it is.
TEST(DebArchive, DamageIsSurvived) {
  const std::set<std::string> inner_reasons = {
      "DEB_INVALID",  "DEB_TOO_LARGE",   "DEB_RELATION_INVALID", "DEB_ARCHITECTURE_UNKNOWN",
      "NAME_INVALID", "VERSION_INVALID", "PACKAGE_SPEC_INVALID"};
  for (const std::string suffix : {"", ".gz", ".xz", ".zst"}) {
    const std::string control = MakeTar({{"./control", kControl, ""}}, suffix);
    const std::string data = MakeTar({{kCopyright, "some text", ""}}, suffix);
    const std::string whole =
        MakeAr({kFormat, {"control.tar" + suffix, control}, {"data.tar" + suffix, data}});
    absl::StatusOr<PackageImport> sound = ReadBytes(whole);
    ASSERT_TRUE(sound.ok()) << sound.status();
    const size_t control_at = whole.find(control);
    const size_t data_at = whole.rfind(data);
    const size_t step = whole.size() / 500 + 1;
    for (size_t at = 0; at < whole.size(); at += step) {
      SCOPED_TRACE(fmt::format("bit {} of byte {} of {}{}", at % 8, at, whole.size(), suffix));
      const bool unchecked =
          suffix != ".xz" &&
          ((at >= control_at && at < control_at + control.size()) || at >= data_at);
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      absl::StatusOr<PackageImport> read = ReadBytes(damaged);
      if (read.ok()) {
        EXPECT_TRUE(unchecked || Describe(*read) == Describe(*sound)) << Describe(*read);
        continue;
      }
      const std::string reason = Reason(read.status());
      EXPECT_TRUE(unchecked ? inner_reasons.contains(reason) : reason == "DEB_INVALID") << reason;
      EXPECT_THAT(std::string(Message(read.status())), HasSubstr(".deb: ")) << "names the file";
      EXPECT_FALSE(Message(read.status()).ends_with(": ")) << "and says what is wrong";
    }
  }
}

}  // namespace
}  // namespace dml
