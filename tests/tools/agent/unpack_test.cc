// Archives of strangers: none puts anything outside of its folder, or gains rights.
#include "tools/agent/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/tools/agent/agent_scene.h"
#include "tools/agent/listing.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;
using testing::ReadText;
using testing::TempDir;
using testing::WriteText;

struct Entry {
  std::string path;
  std::string content;
  mode_t type = AE_IFREG;
  mode_t mode = 0644;
  std::string link;       // Of AE_IFLNK.
  std::string hard_link;  // Another entry, or what it says is one.
};

void WriteTar(const fs::path& file, const std::vector<Entry>& entries) {
  ::archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  archive_write_add_filter_gzip(writer);
  ASSERT_EQ(archive_write_open_filename(writer, file.c_str()), ARCHIVE_OK);
  for (const Entry& each : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, each.path.c_str());
    archive_entry_set_filetype(entry, each.type);
    archive_entry_set_perm(entry, each.mode);
    if (!each.link.empty()) archive_entry_set_symlink(entry, each.link.c_str());
    if (!each.hard_link.empty()) archive_entry_set_hardlink(entry, each.hard_link.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(each.content.size()));
    ASSERT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
    archive_write_data(writer, each.content.data(), each.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

class UnpackTest : public ::testing::Test {
 protected:
  UnpackTest() {
    fs::create_directories(into());
    WriteText(outside(), "secret");
  }
  fs::path into() const { return folder_.path() / "into"; }
  fs::path outside() const { return folder_.path() / "outside"; }

  absl::Status Unpack(const std::vector<Entry>& entries, const UnpackLimits& limits = {}) {
    const fs::path archive = folder_.path() / "archive.tar.gz";
    WriteTar(archive, entries);
    return UnpackArchive(archive, *Folder::Open(into()), limits);
  }
  // Nothing but what was there is outside.
  void ExpectNothingOutside() {
    EXPECT_EQ(ReadText(outside()), "secret");
    struct stat info;
    ASSERT_EQ(::stat(outside().c_str(), &info), 0);
    EXPECT_EQ(info.st_nlink, 1u);
    size_t there = 0;
    for (const auto& entry : fs::directory_iterator(folder_.path())) there += entry.exists();
    EXPECT_EQ(there, 3u) << "archive, folder, outside";
  }

  TempDir folder_;
};

TEST_F(UnpackTest, FilesFoldersAndLinksWithin) {
  const absl::Status status = Unpack({{"./", "", AE_IFDIR, 0755},
                                      {"./bin/tool", "#!/bin/sh\n", AE_IFREG, 0777},
                                      {"lib/libx.so.1", "library"},
                                      {"lib/libx.so", "", AE_IFLNK, 0777, "libx.so.1"},
                                      {"lib/again", "", AE_IFREG, 0644, "", "lib/libx.so.1"},
                                      {"up", "", AE_IFLNK, 0777, "lib/../bin"},
                                      {"later", "", AE_IFLNK, 0777, "nothing/here"}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(ReadText(into() / "up" / "tool"), "#!/bin/sh\n");
  EXPECT_EQ(ReadText(into() / "lib" / "libx.so"), "library");
  EXPECT_EQ(ReadText(into() / "lib" / "again"), "library");
  struct stat info;
  ASSERT_EQ(::stat((into() / "bin" / "tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u) << "not for others to write";
}

struct AttackCase {
  const char* name;
  std::vector<Entry> entries;
  const char* reason;
};

// attack 30
TEST_F(UnpackTest, NothingLeadsOut) {
  const std::string outside_path = outside().string();
  const AttackCase cases[] = {
      {"absolute path", {{outside_path, "x"}}, "PATH_INVALID"},
      {"parent", {{"../outside", "x"}}, "PATH_INVALID"},
      {"parent in the middle", {{"a/../../outside", "x"}}, "PATH_INVALID"},
      {"parent, encoded", {{"%2e%2e/outside", "x"}}, "PATH_INVALID"},
      {"folder outside", {{"../new", "", AE_IFDIR, 0755}}, "PATH_INVALID"},
      {"absolute link", {{"a", "", AE_IFLNK, 0777, outside_path}}, "PATH_UNSAFE"},
      {"link to the parent", {{"a", "", AE_IFLNK, 0777, ".."}}, "PATH_UNSAFE"},
      {"file through a link", {{"a", "", AE_IFLNK, 0777, ".."}, {"a/outside", "x"}}, "PATH_UNSAFE"},
      {"file in the place of a link",
       {{"a", "", AE_IFLNK, 0777, "../outside"}, {"a", "x"}},
       "ARCHIVE_INVALID"},
      {"file through a link within",
       {{"d/f", "x"}, {"l", "", AE_IFLNK, 0777, "d"}, {"l/g", "x"}},
       "PATH_UNSAFE"},
      {"links that lead out together",
       {{"x/y/f", "x"},
        {"x/y/z", "", AE_IFLNK, 0777, "../.."},
        {"e", "", AE_IFLNK, 0777, "x/y/z/../outside"}},
       "PATH_UNSAFE"},
      {"link to a link that leads out",
       {{"b", "", AE_IFLNK, 0777, "a"}, {"a", "", AE_IFLNK, 0777, "../outside"}},
       "PATH_UNSAFE"},
      {"second name of a file outside",
       {{"a", "", AE_IFREG, 0644, "", "../outside"}},
       "PATH_INVALID"},
      {"second name through a link",
       {{"l", "", AE_IFLNK, 0777, "../outside"}, {"a", "", AE_IFREG, 0644, "", "l"}},
       "PATH_UNSAFE"},
      {"set-user-id", {{"a", "x", AE_IFREG, 04755}}, "ARCHIVE_UNSAFE"},
      {"set-group-id", {{"a", "x", AE_IFREG, 02755}}, "ARCHIVE_UNSAFE"},
      {"device", {{"a", "", AE_IFCHR, 0666}}, "ARCHIVE_UNSAFE"},
      {"block device", {{"a", "", AE_IFBLK, 0666}}, "ARCHIVE_UNSAFE"},
      {"pipe", {{"a", "", AE_IFIFO, 0666}}, "ARCHIVE_UNSAFE"},
      {"name twice", {{"a", "x"}, {"a", "y"}}, "ARCHIVE_INVALID"},
      {"folder in the place of a file", {{"a", "x"}, {"a/b", "y"}}, "PATH_UNSAFE"},
  };
  for (const AttackCase& each : cases) {
    ASSERT_TRUE(RemoveTree(into()).ok());
    fs::create_directories(into());
    const absl::Status status = Unpack(each.entries);
    EXPECT_EQ(Reason(status), each.reason) << each.name << ": " << status;
    ExpectNothingOutside();
  }
}

TEST_F(UnpackTest, WhatItSaysOfItsSizeCostsNothing) {
  UnpackLimits limits;
  limits.max_bytes = 1000;
  EXPECT_EQ(Reason(Unpack({{"a", std::string(600, 'x')}, {"b", std::string(600, 'x')}}, limits)),
            "ARCHIVE_TOO_LARGE");
  ASSERT_TRUE(RemoveTree(into()).ok());
  fs::create_directories(into());
  limits = {};
  limits.max_entries = 2;
  EXPECT_EQ(Reason(Unpack({{"a", "x"}, {"b", "x"}, {"c", "x"}}, limits)), "ARCHIVE_TOO_LARGE");
}

TEST_F(UnpackTest, ACutOrOtherFileIsNoArchive) {
  const fs::path archive = folder_.path() / "archive.tar.gz";
  WriteTar(archive, {{"a", std::string(100'000, 'x')}});
  fs::resize_file(archive, fs::file_size(archive) - 20);
  EXPECT_EQ(Reason(UnpackArchive(archive, *Folder::Open(into()), {})), "ARCHIVE_INVALID");
  WriteText(archive, "no archive at all");
  EXPECT_EQ(Reason(UnpackArchive(archive, *Folder::Open(into()), {})), "ARCHIVE_INVALID");
}

TEST(ListingTest, SaysWhatChanged) {
  TempDir folder;
  WriteText(folder.path() / "a", "one");
  WriteText(folder.path() / "d" / "b>%", "two");
  fs::create_symlink("a", folder.path() / "l");
  const std::string before = *ListTree(folder.path());
  EXPECT_EQ(CompareListings(before, before), std::vector<std::string>());
  WriteText(folder.path() / "a", "1");
  fs::remove(folder.path() / "d" / "b>%");
  fs::remove(folder.path() / "l");
  fs::create_symlink("d", folder.path() / "l");
  WriteText(folder.path() / "new", "");
  EXPECT_THAT(CompareListings(before, *ListTree(folder.path())),
              ::testing::ElementsAre("a: was changed", "d/b%3E%25: is missing", "l: was changed",
                                     "new: was added"));
}

TEST(ListingTest, Patterns) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  for (const Case& each : {Case{"bin/*", "bin/tool", true}, Case{"bin/*", "bin/a/tool", false},
                           Case{"bin/**", "bin/a/tool", true}, Case{"*", "tool", true},
                           Case{"*.sh", "a.sh.txt", false}, Case{"*.sh", "a.sh.sh", true},
                           Case{"", "a", false}, Case{"tool", "tool", true}}) {
    EXPECT_EQ(MatchesPath(each.pattern, each.path), each.matches) << each.pattern << each.path;
  }
}

}  // namespace
}  // namespace dml::agent
