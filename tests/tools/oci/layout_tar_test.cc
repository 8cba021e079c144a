#include "tools/oci/layout_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <random>

#include <gtest/gtest.h>

#include "tests/core/os/scratch_folder.h"
#include "tests/tools/oci/layout_builder.h"
#include "tools/oci/layout_reader.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string path;
  std::string content;
  int type = AE_IFREG;
  std::string symlink;
  std::string hardlink;
};

std::string MakeTar(const std::vector<Entry>& entries) {
  std::string bytes;
  archive* tar = archive_write_new();
  archive_write_set_format_pax_restricted(tar);
  auto append = [](archive*, void* out, const void* data, size_t size) {
    static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  };
  EXPECT_EQ(archive_write_open(tar, &bytes, nullptr, append, nullptr), ARCHIVE_OK);
  for (const Entry& item : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.path.c_str());
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, static_cast<unsigned>(item.type));
    archive_entry_set_size(entry, static_cast<la_int64_t>(item.content.size()));
    if (!item.symlink.empty()) archive_entry_set_symlink(entry, item.symlink.c_str());
    if (!item.hardlink.empty()) archive_entry_set_hardlink(entry, item.hardlink.c_str());
    EXPECT_GE(archive_write_header(tar, entry), ARCHIVE_WARN) << item.path;
    archive_write_data(tar, item.content.data(), item.content.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(tar), ARCHIVE_OK);
  archive_write_free(tar);
  return bytes;
}

std::string BlobName(std::string_view bytes) { return "blobs/sha256/" + Sha256(bytes).hex(); }

class LayoutTarTest : public ::testing::Test {
 protected:
  absl::Status Unpack(std::string_view bytes) {
    folder_.Write("layout.tar", bytes);
    fs::remove_all(folder_.path() / "a");
    fs::create_directories(out_);
    absl::Status status = UnpackLayout(folder_.path() / "layout.tar", out_);
    // Nothing beside the folder, whatever the names were.
    for (const char* outside : {"evil", "a/evil", "a/b/evil"}) {
      EXPECT_FALSE(fs::exists(folder_.path() / outside)) << outside;
    }
    return status;
  }
  void ExpectRefused(const std::vector<Entry>& entries, std::string_view reason) {
    absl::Status status = Unpack(MakeTar(entries));
    EXPECT_EQ(Reason(status), reason) << entries.back().path << ": " << status;
  }

  testing::ScratchFolder folder_;
  const fs::path out_ = folder_.path() / "a" / "b" / "c";
};

TEST_F(LayoutTarTest, UnpacksALayout) {
  ASSERT_TRUE(Unpack(MakeTar({{"./", "", AE_IFDIR},
                              {"./oci-layout", FormatLayoutMarker()},
                              {"blobs/", "", AE_IFDIR},
                              {"blobs/sha256", "", AE_IFDIR},
                              {"index.json", "{}"},
                              {BlobName("x"), "x"},
                              {"./" + BlobName(""), ""}}))
                  .ok());
  EXPECT_EQ(testing::ReadWholeFile(out_ / "oci-layout"), FormatLayoutMarker());
  EXPECT_EQ(testing::ReadWholeFile(out_ / "index.json"), "{}");
  EXPECT_EQ(testing::ReadWholeFile(out_ / BlobName("x")), "x");
  EXPECT_TRUE(fs::exists(out_ / BlobName("")));
}

// attack 30
TEST_F(LayoutTarTest, NamesThatLeadElsewhereAreRefused) {
  for (const std::string name :
       {"../evil", "../../evil", "/evil", "blobs/sha256/../../../evil", "blobs/../../evil",
        "./../evil", "blobs/sha256/%2e%2e/evil", "blobs\\sha256\\evil", "evil", "blobs/sha256/evil",
        "blobs/sha512/00", "oci-layout/evil", "././index.json", "blobs//sha256/evil", "C:evil"}) {
    ExpectRefused({{name, "x"}}, "LAYOUT_INVALID");
  }
  ExpectRefused({{"blobs/sha256/" + std::string(64, 'A'), "x"}}, "LAYOUT_INVALID");
  ExpectRefused({{BlobName("x") + "/evil", "x"}}, "LAYOUT_INVALID");
  for (const char* folder : {"..", "../evil", "/", "evil", "blobs/sha256/evil"}) {
    ExpectRefused({{folder, "", AE_IFDIR}}, "LAYOUT_INVALID");
  }
}

// attack 30
TEST_F(LayoutTarTest, LinksAndDevicesAreRefused) {
  ExpectRefused({{"index.json", "", AE_IFLNK, "/etc/passwd"}}, "LAYOUT_INVALID");
  ExpectRefused({{"blobs", "", AE_IFLNK, "/tmp"}}, "LAYOUT_INVALID");
  ExpectRefused({{BlobName("x"), "x"}, {BlobName("y"), "", AE_IFREG, "", BlobName("x")}},
                "LAYOUT_INVALID");
  ExpectRefused({{"index.json", "", AE_IFIFO}}, "LAYOUT_INVALID");
  ExpectRefused({{"index.json", "", AE_IFCHR}}, "LAYOUT_INVALID");
}

TEST_F(LayoutTarTest, BlobsMustBeWhatTheyAreCalled) {
  ExpectRefused({{BlobName("x"), "y"}}, "LAYOUT_BLOB_DAMAGED");
  ExpectRefused({{BlobName("x"), ""}}, "LAYOUT_BLOB_DAMAGED");
  ExpectRefused({{BlobName("x"), "x"}, {BlobName("x"), "x"}}, "LAYOUT_INVALID");
  ExpectRefused({{"index.json", "{}"}, {"./index.json", "{}"}}, "LAYOUT_INVALID");
}

// attack 28
TEST_F(LayoutTarTest, LimitsDocuments) {
  ExpectRefused({{"index.json", std::string(kMaxIndexBytes + 1, ' ')}}, "LAYOUT_TOO_LARGE");
  ExpectRefused({{"oci-layout", std::string(kMaxLayoutMarkerBytes + 1, ' ')}}, "LAYOUT_TOO_LARGE");
}

// attack 19
TEST_F(LayoutTarTest, NothingUnpacksToMoreThanIsThere) {
  // The header says 8 GiB - 1, and nothing follows.
  std::string tar = MakeTar({{BlobName("x"), "x"}});
  tar.replace(124, 11, "77777777777");
  unsigned sum = 0;
  tar.replace(148, 8, std::string(8, ' '));
  for (size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
  tar.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  EXPECT_EQ(Reason(Unpack(tar)), "LAYOUT_INVALID") << Unpack(tar);

  // A file of 4 GiB that is all hole.
  archive* sparse = archive_write_new();
  std::string bytes;
  archive_write_set_format_pax(sparse);
  auto append = [](archive*, void* out, const void* data, size_t size) {
    static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  };
  archive_write_open(sparse, &bytes, nullptr, append, nullptr);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, BlobName("x").c_str());
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_size(entry, la_int64_t{4} << 30);
  archive_entry_sparse_add_entry(entry, 0, 1);
  EXPECT_EQ(archive_write_header(sparse, entry), ARCHIVE_OK);
  archive_write_data(sparse, "x", 1);
  archive_entry_free(entry);
  archive_write_close(sparse);
  archive_write_free(sparse);
  ASSERT_LT(bytes.size(), 1u << 20);
  EXPECT_EQ(Reason(Unpack(bytes)), "LAYOUT_INVALID") << Unpack(bytes);
}

TEST_F(LayoutTarTest, CompressedArchivesAndNoArchivesAreRefused) {
  EXPECT_EQ(Reason(Unpack("")), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(Unpack(std::string(2000, 'x'))), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(Unpack("\x1f\x8b\x08 gzip")), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(UnpackLayout(folder_.path() / "none.tar", out_)), "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(UnpackLayout("/dev/null", out_)), "FILE_NOT_REGULAR");
}

// Cut anywhere, it is refused, or the layout that comes out is found to be incomplete.
TEST_F(LayoutTarTest, ATruncatedArchiveIsNeverALayout) {
  testing::LayoutBuilder builder(folder_.path() / "source");
  builder.AddEvidence(builder.AddVariant("1.0.0", std::string(5000, 'x')));
  builder.Finish();
  std::vector<Entry> entries = {{"oci-layout", FormatLayoutMarker()}};
  for (const auto& blob : fs::directory_iterator(builder.folder() / "blobs" / "sha256")) {
    entries.push_back(
        {"blobs/sha256/" + blob.path().filename().string(), testing::ReadWholeFile(blob.path())});
  }
  entries.push_back({"index.json", testing::ReadWholeFile(builder.folder() / "index.json")});
  const std::string tar = MakeTar(entries);
  auto read = [&](std::string_view bytes) -> absl::Status {
    DML_RETURN_IF_ERROR(Unpack(bytes));
    DML_ASSIGN_OR_RETURN(LayoutReader layout, LayoutReader::Open(out_));
    return layout.Load(layout.variants().at(0)).status();
  };
  ASSERT_TRUE(read(tar).ok()) << read(tar);
  // What follows index.json's last block is padding.
  const size_t end = tar.find_last_not_of('\0') + 1;
  for (size_t size = 0; size < end; size += 331) {
    absl::Status status = read(std::string_view(tar).substr(0, size));
    EXPECT_EQ(Reason(status), "LAYOUT_INVALID") << size << ": " << status;
  }
}

TEST_F(LayoutTarTest, DamageIsFoundOrDoesNotMatter) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const std::string content(3000, 'c');
  const std::string good =
      MakeTar({{"oci-layout", FormatLayoutMarker()}, {BlobName(content), content}});
  for (int i = 0; i < 100; ++i) {
    std::string bytes = good;
    for (int flips = 0; flips < 3; ++flips) {
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    }
    absl::Status status = Unpack(bytes);
    if (!status.ok()) {
      const std::string reason = Reason(status);
      EXPECT_TRUE(reason == "LAYOUT_INVALID" || reason == "LAYOUT_TOO_LARGE" ||
                  reason == "LAYOUT_BLOB_DAMAGED")
          << status;
      EXPECT_GT(Message(status).size(), 20u);
      continue;
    }
    // A damaged block at the front may look like the end.
    if (!fs::exists(out_ / BlobName(content))) continue;
    EXPECT_EQ(testing::ReadWholeFile(out_ / BlobName(content)), content);
  }
}

}  // namespace
}  // namespace dml
