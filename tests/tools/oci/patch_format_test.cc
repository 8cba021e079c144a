#include "tools/oci/patch_format.h"

#include <fcntl.h>
#include <random>

#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/crypto/sha256.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/support/paths.h"
#include "tests/tools/oci/layout_builder.h"

namespace dml {
namespace {

using testing::ReadWholeFile;

BlobRef Ref(std::string_view bytes) { return {Sha256(bytes), bytes.size()}; }

class PatchFormatTest : public ::testing::Test {
 protected:
  absl::StatusOr<PatchReader> Open(std::string_view bytes) {
    folder_.Write("patch", bytes);
    const std::filesystem::path path = folder_.path() / "patch";
    return PatchReader::Open(*OpenRegular(path), path);
  }
  // The steps of all files, or the first error.
  absl::StatusOr<std::vector<std::vector<PatchStep>>> Read(std::string_view bytes) {
    DML_ASSIGN_OR_RETURN(PatchReader reader, Open(bytes));
    std::vector<std::vector<PatchStep>> out;
    for (size_t i = 0; i < reader.header().files.size(); ++i) {
      out.emplace_back();
      while (true) {
        DML_ASSIGN_OR_RETURN(std::optional<PatchStep> step, reader.Next());
        if (!step.has_value()) break;
        out.back().push_back(*std::move(step));
      }
    }
    DML_RETURN_IF_ERROR(reader.Next().status());
    return out;
  }
  // Two files: "AAAA" + "new" + "BB", and an empty one.
  std::string Sample() {
    const std::filesystem::path path = folder_.path() / "sample";
    std::filesystem::remove(path);
    auto writer = PatchWriter::Create(path, header_);
    EXPECT_TRUE(writer.ok()) << writer.status();
    EXPECT_TRUE(writer->Copy({0, 0, 2}).ok());
    EXPECT_TRUE(writer->Copy({0, 2, 2}).ok());  // Goes on where the last one ended.
    EXPECT_TRUE(writer->Insert("new").ok());
    EXPECT_TRUE(writer->Copy({1, 1, 2}).ok());
    auto blob = writer->Finish();
    EXPECT_TRUE(blob.ok()) << blob.status();
    const std::string bytes = ReadWholeFile(path);
    EXPECT_EQ(*blob, Ref(bytes));
    return bytes;
  }
  void ExpectInvalid(std::string_view bytes, std::string_view why) {
    const absl::Status status = Read(bytes).status();
    EXPECT_EQ(Reason(status), "PATCH_INVALID") << why << ": " << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << why;
  }

  testing::ScratchFolder folder_;
  const PatchHeader header_{
      {{*VariantName::Parse("packages/acme/tool/versions/1.0.0/variants/any"), Ref("AAAA")},
       {*VariantName::Parse("packages/acme/tool/versions/1.0.0/variants/any"), Ref("BBB")}},
      {Ref("AAAAnewBB"), Ref("")}};
};

TEST_F(PatchFormatTest, WhatIsWrittenIsRead) {
  auto steps = Read(Sample());
  ASSERT_TRUE(steps.ok()) << steps.status();
  const std::vector<std::vector<PatchStep>> expected = {
      {PatchCopy{0, 0, 4}, PatchInsert{"new"}, PatchCopy{1, 1, 2}}, {}};
  EXPECT_EQ(*steps, expected);
  EXPECT_EQ(Open(Sample())->header(), header_);
}

TEST_F(PatchFormatTest, GoldenBothWays) {
  const std::filesystem::path golden = testing::SourceDir() / "tests/golden/package/patch.hex";
  std::string hex = ReadWholeFile(golden);
  ASSERT_FALSE(hex.empty()) << golden;
  hex.pop_back();  // The line's end.
  EXPECT_EQ(HexEncode(AsBytes(Sample())), hex);
  auto bytes = HexDecode(hex);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_TRUE(Read(*bytes).ok());
}

TEST_F(PatchFormatTest, EveryCutAndEveryTailIsRefused) {
  const std::string whole = Sample();
  for (size_t size = 0; size < whole.size(); ++size) ExpectInvalid(whole.substr(0, size), "cut");
  ExpectInvalid(whole + '\0', "a byte more");
}

// Whatever a flipped bit makes of it: an error, or steps within the bounds of the header.
TEST_F(PatchFormatTest, FlippedBitsNeverLeadBeyondTheBounds) {
  const std::string whole = Sample();
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    auto reader = Open(bytes);
    if (!reader.ok()) {
      EXPECT_EQ(Reason(reader.status()), "PATCH_INVALID") << reader.status();
      continue;
    }
    auto steps = Read(bytes);
    if (!steps.ok()) {
      EXPECT_EQ(Reason(steps.status()), "PATCH_INVALID") << steps.status();
      continue;
    }
    for (size_t i = 0; i < steps->size(); ++i) {
      uint64_t made = 0;
      for (const PatchStep& step : (*steps)[i]) {
        if (const auto* insert = std::get_if<PatchInsert>(&step)) {
          made += insert->raw.size();
          continue;
        }
        const PatchCopy& copy = std::get<PatchCopy>(step);
        made += copy.length;
        ASSERT_LT(copy.base, reader->header().bases.size());
        EXPECT_LE(copy.offset + copy.length, reader->header().bases[copy.base].file.size);
      }
      EXPECT_EQ(made, reader->header().files[i].size);
    }
  }
}

// Else a small patch makes work without end.
TEST_F(PatchFormatTest, OneFileIsMadeOnce) {
  const std::filesystem::path path = folder_.path() / "twice";
  auto writer = PatchWriter::Create(path, {{}, {Ref("x"), Ref("x")}});
  ASSERT_TRUE(writer.ok() && writer->Insert("x").ok() && writer->Insert("x").ok());
  ASSERT_TRUE(writer->Finish().ok());
  ExpectInvalid(ReadWholeFile(path), "twice");
}

TEST_F(PatchFormatTest, LargeInsertionsAreStoredCompressed) {
  const std::string raw(1 << 20, 'x');
  const std::filesystem::path path = folder_.path() / "large";
  auto writer = PatchWriter::Create(path, {{}, {Ref(raw + raw)}});
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(writer->Insert(raw).ok() && writer->Insert(raw).ok());
  auto blob = writer->Finish();
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_LT(blob->size, 10'000u);
  auto steps = Read(ReadWholeFile(path));
  ASSERT_TRUE(steps.ok()) << steps.status();
  EXPECT_EQ((*steps)[0].size(), 2u);
}

}  // namespace
}  // namespace dml
