#include "tools/oci/layout_reader.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/core/os/scratch_folder.h"
#include "tests/tools/oci/layout_builder.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

class LayoutReaderTest : public ::testing::Test {
 protected:
  // A sound layout of one variant.
  LayoutReaderTest() : variant_(builder_.AddVariant("1.0.0", "the tool\n")) {
    builder_.AddEvidence(variant_);
  }

  // Opens the layout, loads all variants and checks all of their files.
  absl::Status ReadAll() {
    builder_.Finish();
    DML_ASSIGN_OR_RETURN(LayoutReader layout, LayoutReader::Open(builder_.folder()));
    for (const LayoutVariant& variant : layout.variants()) {
      DML_ASSIGN_OR_RETURN(VariantDocuments documents, layout.Load(variant));
      for (const ManifestFile& file : documents.manifest.files) {
        if (documents.left_out.has_value() && documents.left_out->blobs.contains(file.blob.digest))
          continue;
        DML_RETURN_IF_ERROR(layout.CheckBlob(file.blob));
      }
    }
    return absl::OkStatus();
  }
  void ExpectRefused(std::string_view reason) {
    absl::Status status = ReadAll();
    EXPECT_EQ(Reason(status), reason) << status;
    EXPECT_GT(Message(status).size(), 20u);
  }
  // The first bit of a blob's file.
  void Flip(const BlobRef& blob) {
    std::string bytes = testing::ReadWholeFile(builder_.PathOf(blob));
    ASSERT_FALSE(bytes.empty());
    bytes[0] = static_cast<char>(bytes[0] ^ 1);
    builder_.Write(builder_.PathOf(blob), bytes);
  }

  testing::ScratchFolder scratch_;
  testing::LayoutBuilder builder_{scratch_.path() / "layout"};
  testing::LayoutBuilder::Variant variant_;
};

// A patch is of files of the variant, and rests on the same package.
TEST_F(LayoutReaderTest, PatchesAreTheVariantsOwn) {
  const auto patch = [&](const char* base, const BlobRef& file) {
    const fs::path path = scratch_.path() / "patch";
    fs::remove(path);
    auto writer =
        PatchWriter::Create(path, {{{*VariantName::Parse(base), variant_.files[0]}}, {file}});
    EXPECT_TRUE(writer.ok()) << writer.status();
    EXPECT_TRUE(writer->Copy({0, 0, variant_.files[0].size}).ok());
    EXPECT_TRUE(writer->Finish().ok());
    return testing::ReadWholeFile(path);
  };
  const char* own = "packages/acme/tool/versions/0.9.0/variants/any";
  const char* foreign = "packages/other/tool/versions/0.9.0/variants/any";
  const ImageIndex before = builder_.index;
  builder_.AddArtifact(kPatchArtifact, kPatchMediaType, patch(own, variant_.files[0]),
                       variant_.manifest);
  EXPECT_TRUE(ReadAll().ok()) << ReadAll();
  builder_.index = before;
  builder_.AddArtifact(kPatchArtifact, kPatchMediaType, patch(foreign, variant_.files[0]),
                       variant_.manifest);
  ExpectRefused("LAYOUT_INVALID");
  builder_.index = before;
  builder_.AddArtifact(kPatchArtifact, kPatchMediaType, patch(own, {Sha256("no file of it"), 13}),
                       variant_.manifest);
  ExpectRefused("LAYOUT_INVALID");
}

TEST_F(LayoutReaderTest, ReadsASoundLayout) {
  ASSERT_TRUE(ReadAll().ok()) << ReadAll();
  auto layout = LayoutReader::Open(builder_.folder());
  ASSERT_EQ(layout->variants().size(), 1u);
  auto documents = layout->Load(layout->variants()[0]);
  ASSERT_TRUE(documents.ok()) << documents.status();
  EXPECT_EQ(documents->name, variant_.name);
  EXPECT_EQ(Sha256(documents->manifest_json), variant_.manifest.digest);
  EXPECT_EQ(Sha256(documents->spec_json), variant_.spec.digest);
  EXPECT_EQ(documents->envelopes.size(), 1u);
  EXPECT_EQ(documents->log_proof.index, 1u);
  EXPECT_FALSE(documents->left_out.has_value());
}

TEST_F(LayoutReaderTest, EvidenceMayStandBeforeItsSubject) {
  std::reverse(builder_.index.manifests.begin(), builder_.index.manifests.end());
  EXPECT_TRUE(ReadAll().ok()) << ReadAll();
}

TEST_F(LayoutReaderTest, EveryDamagedOrMissingBlobIsFound) {
  ASSERT_TRUE(ReadAll().ok());
  size_t blobs = 0;
  for (const auto& file : fs::directory_iterator(builder_.folder() / "blobs" / "sha256")) {
    const BlobRef blob{*Digest::Parse("sha256:" + file.path().filename().string()),
                       file.file_size()};
    // The empty config is the same two bytes everywhere, so that nobody reads it.
    if (blob == EmptyLayerBlob()) continue;
    ++blobs;
    const std::string bytes = testing::ReadWholeFile(file.path());
    Flip(blob);
    ExpectRefused("LAYOUT_BLOB_DAMAGED");
    builder_.Write(file.path(), bytes + "x");
    ExpectRefused("LAYOUT_BLOB_DAMAGED");
    fs::remove(file.path());
    ExpectRefused("LAYOUT_BLOB_MISSING");
    builder_.Write(file.path(), bytes);
  }
  EXPECT_EQ(blobs, 7u);
  EXPECT_TRUE(ReadAll().ok());
}

TEST_F(LayoutReaderTest, ALayoutThatIsNone) {
  EXPECT_EQ(Reason(LayoutReader::Open(scratch_.path()).status()), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(LayoutReader::Open(scratch_.path() / "none").status()), "FILE_NOT_FOUND");
  builder_.Finish();
  fs::remove(builder_.folder() / "index.json");
  EXPECT_EQ(Reason(LayoutReader::Open(builder_.folder()).status()), "LAYOUT_INVALID");
}

// attack 28
TEST_F(LayoutReaderTest, AnIndexOfAGibibyteIsNotRead) {
  builder_.Finish();
  fs::resize_file(builder_.folder() / "index.json", 1 << 30);
  EXPECT_EQ(Reason(LayoutReader::Open(builder_.folder()).status()), "LAYOUT_TOO_LARGE");
}

TEST_F(LayoutReaderTest, ADocumentThatClaimsToBeHugeIsNotRead) {
  builder_.index.manifests[0].blob.size = uint64_t{1} << 40;
  ExpectRefused("LAYOUT_TOO_LARGE");
  builder_.index.manifests[0].blob.size = 1 << 20;
  ExpectRefused("LAYOUT_BLOB_DAMAGED");
}

// attack 30
TEST_F(LayoutReaderTest, LinksAreNotFollowed) {
  for (const BlobRef& blob : {variant_.manifest, variant_.files[0]}) {
    const fs::path path = builder_.PathOf(blob);
    fs::rename(path, scratch_.path() / "elsewhere");
    fs::create_symlink(scratch_.path() / "elsewhere", path);
    ExpectRefused("PATH_UNSAFE");
    fs::remove(path);
    fs::rename(scratch_.path() / "elsewhere", path);
  }
  fs::rename(builder_.folder() / "blobs", scratch_.path() / "blobs");
  fs::create_symlink(scratch_.path() / "blobs", builder_.folder() / "blobs");
  ExpectRefused("PATH_UNSAFE");
}

TEST_F(LayoutReaderTest, UnknownTypesAreRefused) {
  const ImageIndex good = builder_.index;
  builder_.index.manifests[0].media_type = "application/vnd.docker.distribution.manifest.v2+json";
  ExpectRefused("LAYOUT_TYPE_UNKNOWN");
  builder_.index = good;
  builder_.index.manifests[0].artifact_type = kAttestationArtifact;
  ExpectRefused("LAYOUT_INVALID");
  builder_.index = good;
  builder_.AddArtifact("application/vnd.example", kEnvelopeMediaType, "x", variant_.manifest);
  ExpectRefused("LAYOUT_TYPE_UNKNOWN");
  builder_.index = good;
  builder_.AddArtifact(kAttestationArtifact, kLogProofMediaType, "x", variant_.manifest);
  ExpectRefused("LAYOUT_TYPE_UNKNOWN");
}

TEST_F(LayoutReaderTest, AContainerImageIsRefused) {
  const BlobRef image = builder_.AddBlob(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("config":{},"layers":[]})");
  builder_.index.manifests.push_back({std::string(kManifestMediaType), image, "", {}, {}});
  ExpectRefused("LAYOUT_INVALID");
}

TEST_F(LayoutReaderTest, EvidenceMustBeThereAndAboutSomething) {
  const ImageIndex good = builder_.index;
  for (size_t i : {1u, 2u}) {
    builder_.index = good;
    builder_.index.manifests.erase(builder_.index.manifests.begin() + static_cast<long>(i));
    ExpectRefused("LAYOUT_EVIDENCE_MISSING");
  }
  builder_.index = good;
  builder_.AddArtifact(kAttestationArtifact, kEnvelopeMediaType, "x", {Sha256("nothing"), 7});
  ExpectRefused("LAYOUT_INVALID");
  builder_.index = good;
  builder_.AddArtifact(kLogProofArtifact, kLogProofMediaType, "x", variant_.manifest);
  ExpectRefused("LAYOUT_INVALID");
}

TEST_F(LayoutReaderTest, TheLogEntryMustPublishJustThis) {
  const auto other = builder_.AddVariant("2.0.0", "the tool\n");
  builder_.AddArtifact(kAttestationArtifact, kEnvelopeMediaType, builder_.Publication(other),
                       other.manifest);
  const ImageIndex open = builder_.index;
  builder_.AddArtifact(kLogProofArtifact, kLogProofMediaType,
                       FormatLogProof(builder_.Proof(variant_)), other.manifest);
  ExpectRefused("VARIANT_NOT_VERIFIED");
  builder_.index = open;
  auto lied = other;
  lied.name.version = "9.0.0";
  builder_.AddArtifact(kLogProofArtifact, kLogProofMediaType, FormatLogProof(builder_.Proof(lied)),
                       other.manifest);
  ExpectRefused("VARIANT_NOT_VERIFIED");
}

TEST_F(LayoutReaderTest, OnlyFilesOfTheVariantCanBeLeftOut) {
  const ImageIndex good = builder_.index;
  const BlobRef file = variant_.files[0];
  builder_.AddArtifact(kLeftOutArtifact, kLeftOutMediaType,
                       FormatLeftOut({Sha256("inventory"), {{file.digest, file.size}}}),
                       variant_.manifest);
  fs::remove(builder_.PathOf(file));
  EXPECT_TRUE(ReadAll().ok()) << ReadAll();
  builder_.index = good;
  ExpectRefused("LAYOUT_BLOB_MISSING");
  builder_.AddArtifact(kLeftOutArtifact, kLeftOutMediaType,
                       FormatLeftOut({Sha256("inventory"), {{Sha256("other"), 5}}}),
                       variant_.manifest);
  ExpectRefused("LAYOUT_INVALID");
}

TEST_F(LayoutReaderTest, VersionIndexesNameOnlyWhatIsListed) {
  auto add = [&](const Descriptor& descriptor) {
    const BlobRef blob = builder_.AddBlob(FormatImageIndex({{descriptor}, {}}));
    builder_.index.manifests.push_back({std::string(kImageIndexMediaType), blob, "", {}, {}});
  };
  add(builder_.index.manifests[0]);
  EXPECT_TRUE(ReadAll().ok()) << ReadAll();
  add({std::string(kManifestMediaType), {Sha256("nothing"), 7}, "", {}, {}});
  ExpectRefused("LAYOUT_INVALID");
}

}  // namespace
}  // namespace dml
