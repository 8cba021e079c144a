#include "tools/oci/layout_writer.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/core/os/scratch_folder.h"
#include "tests/tools/oci/layout_builder.h"
#include "tools/oci/layout_reader.h"
#include "tools/oci/layout_tar.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

class LayoutWriterTest : public ::testing::Test {
 protected:
  fs::path Target(const char* name) const { return folder_.path() / name; }
  // What is in the folder besides the scratch of the test.
  size_t FilesLeft() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  static fs::path Put(const LayoutWriter& writer, std::string_view bytes) {
    const fs::path path = writer.scratch() / "file";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static absl::Status WriteSample(const fs::path& target) {
    DML_ASSIGN_OR_RETURN(LayoutWriter writer, LayoutWriter::Create(target));
    DML_ASSIGN_OR_RETURN(BlobRef bytes, writer.AddBytes("bytes"));
    EXPECT_EQ(bytes, (BlobRef{Sha256("bytes"), 5}));
    DML_RETURN_IF_ERROR(writer.AddBytes("bytes").status());
    const std::string file(3 << 20, 'f');
    DML_RETURN_IF_ERROR(writer.AddFile({Sha256(file), file.size()}, Put(writer, file)));
    EXPECT_TRUE(writer.Has(Sha256(file)));
    EXPECT_FALSE(writer.Has(Sha256("other")));
    EXPECT_EQ(writer.blob_bytes(), file.size() + 5);
    EXPECT_FALSE(fs::exists(target)) << "a part of a layout has its name";
    return writer.Finish("the index");
  }
  static void ExpectSample(const fs::path& layout) {
    const std::string file(3 << 20, 'f');
    EXPECT_EQ(testing::ReadWholeFile(layout / "index.json"), "the index");
    EXPECT_EQ(testing::ReadWholeFile(layout / "oci-layout"), FormatLayoutMarker());
    const fs::path blobs = layout / "blobs" / "sha256";
    EXPECT_EQ(testing::ReadWholeFile(blobs / Sha256("bytes").hex()), "bytes");
    EXPECT_EQ(testing::ReadWholeFile(blobs / Sha256(file).hex()), file);
    EXPECT_EQ(std::distance(fs::directory_iterator(blobs), fs::directory_iterator()), 2);
  }

  testing::ScratchFolder folder_;
};

TEST_F(LayoutWriterTest, WritesAFolder) {
  ASSERT_TRUE(WriteSample(Target("layout/")).ok());
  ExpectSample(Target("layout"));
  EXPECT_EQ(FilesLeft(), 1u);
}

TEST_F(LayoutWriterTest, WritesATarFileThatIsTheSameEachTime) {
  absl::Status status = WriteSample(Target("a.tar"));
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_TRUE(WriteSample(Target("b.tar")).ok());
  EXPECT_EQ(FilesLeft(), 2u);
  EXPECT_EQ(testing::ReadWholeFile(Target("a.tar")), testing::ReadWholeFile(Target("b.tar")));
  fs::create_directory(Target("out"));
  ASSERT_TRUE(UnpackLayout(Target("a.tar"), Target("out")).ok());
  ExpectSample(Target("out"));
}

TEST_F(LayoutWriterTest, NothingThatIsThereIsReplaced) {
  fs::create_directory(Target("layout"));
  folder_.Write("a.tar", "mine");
  fs::create_symlink("nowhere", Target("link"));
  for (const char* name : {"layout", "layout/", "a.tar", "link"}) {
    EXPECT_EQ(Reason(WriteSample(Target(name))), "FILE_EXISTS") << name;
  }
  EXPECT_EQ(folder_.Read("a.tar"), "mine");
  auto writer = LayoutWriter::Create(Target("late"));
  ASSERT_TRUE(writer.ok()) << writer.status();
  fs::create_directory(Target("late"));
  EXPECT_EQ(Reason(writer->Finish("x")), "FILE_EXISTS");
  EXPECT_EQ(Reason(WriteSample(Target("none/layout"))), "FILE_NOT_FOUND");
}

TEST_F(LayoutWriterTest, AWrongFileIsFoundAndNothingIsLeft) {
  for (const char* name : {"layout", "a.tar"}) {
    for (std::string_view content : {"fila", "fil", "filet", ""}) {
      auto writer = LayoutWriter::Create(Target(name));
      ASSERT_TRUE(writer.ok()) << writer.status();
      absl::Status status = writer->AddFile({Sha256("file"), 4}, Put(*writer, content));
      EXPECT_EQ(Reason(status), "BLOB_DIGEST_MISMATCH") << name << ": " << status;
      EXPECT_FALSE(writer->Has(Sha256("file")));
    }
    EXPECT_EQ(FilesLeft(), 0u);
  }
}

}  // namespace
}  // namespace dml
