#include "tools/oci/layout_format.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

const Digest kDigest = Sha256("x");
constexpr std::string_view kHex =
    "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

Descriptor PackageDescriptor() {
  return {std::string(kManifestMediaType),
          {kDigest, 7},
          std::string(kManifestArtifactType),
          {},
          {{"k", "v"}}};
}

TEST(LayoutFormatTest, WritesAndReadsImageIndexes) {
  ImageIndex index{{PackageDescriptor()}, {{"a", "b"}}};
  index.manifests[0].platform = {"linux", "arm", "v7"};
  const std::string text =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)"
      R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
      std::string(kHex) +
      R"(","size":7,"platform":{"architecture":"arm","os":"linux","variant":"v7"},)"
      R"("artifactType":"application/vnd.dml.package.v1+json","annotations":{"k":"v"}}],)"
      R"("annotations":{"a":"b"}})";
  EXPECT_EQ(FormatImageIndex(index), text);
  auto read = ParseImageIndex(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, index);
  EXPECT_EQ(*ParseImageIndex(FormatImageIndex({})), ImageIndex());
}

TEST(LayoutFormatTest, WritesAndReadsArtifacts) {
  const Artifact artifact{std::string(kAttestationArtifact),
                          std::string(kEnvelopeMediaType),
                          {kDigest, 7},
                          {Sha256("manifest"), 8},
                          {{"k", "v"}}};
  const std::string text = FormatArtifact(artifact);
  EXPECT_NE(text.find(R"("config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":)"
                      R"("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")"
                      R"(,"size":2})"),
            std::string::npos)
      << text;
  auto read = ParseArtifact(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, artifact);
  EXPECT_EQ(*ReadArtifactType(text), kAttestationArtifact);
}

TEST(LayoutFormatTest, MarkerNamesTheVersion) {
  EXPECT_EQ(FormatLayoutMarker(), R"({"imageLayoutVersion":"1.0.0"})");
  EXPECT_TRUE(CheckLayoutMarker(FormatLayoutMarker()).ok());
  for (const char* bad : {"", "{}", R"({"imageLayoutVersion":"2.0.0"})",
                          R"({"imageLayoutVersion":"1.0.0","more":1})"}) {
    EXPECT_EQ(Reason(CheckLayoutMarker(bad)), "LAYOUT_INVALID") << bad;
  }
}

// attack 21
TEST(LayoutFormatTest, RefusesWhatCouldBeReadInTwoWays) {
  const std::string good = FormatImageIndex({{PackageDescriptor()}, {}});
  ASSERT_TRUE(ParseImageIndex(good).ok());
  auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return Reason(ParseImageIndex(text).status());
  };
  EXPECT_EQ(changed("\"schemaVersion\":2", "\"schemaVersion\":1"), "LAYOUT_INVALID");
  EXPECT_EQ(changed("image.index", "image.manifest"), "LAYOUT_INVALID");
  EXPECT_EQ(changed("\"size\":7", "\"size\":7,\"size\":8"), "LAYOUT_INVALID");
  EXPECT_EQ(changed("\"size\":7", "\"size\":-7"), "LAYOUT_INVALID");
  EXPECT_EQ(changed("\"size\":7", "\"size\":7,\"urls\":[\"http://x\"]"), "LAYOUT_INVALID");
  EXPECT_EQ(changed("\"manifests\"", "\"layers\":[],\"manifests\""), "LAYOUT_INVALID");
  EXPECT_EQ(changed("sha256:2d", "sha512:2d"), "DIGEST_INVALID");
}

TEST(LayoutFormatTest, RefusesArtifactsOfAnotherShape) {
  const std::string good = FormatArtifact({"t", "l", {kDigest, 7}, {kDigest, 8}, {}});
  ASSERT_TRUE(ParseArtifact(good).ok());
  auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return Reason(ParseArtifact(text).status());
  };
  EXPECT_EQ(changed("\"size\":2", "\"size\":3"), "LAYOUT_INVALID");
  EXPECT_EQ(changed("\"layers\":[", "\"layers\":[],\"other\":["), "LAYOUT_INVALID");
  EXPECT_EQ(changed("\"subject\"", "\"about\""), "LAYOUT_INVALID");
  const std::string layer =
      R"({"mediaType":"l","digest":")" + kDigest.ToString() + R"(","size":7})";
  EXPECT_EQ(changed(layer, layer + "," + layer), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(ParseArtifact(std::string(kMaxArtifactBytes + 1, ' ')).status()),
            "LAYOUT_INVALID");
  EXPECT_EQ(Reason(ReadArtifactType("{}").status()), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(ReadArtifactType("[1]").status()), "LAYOUT_INVALID");
}

// attack 28
TEST(LayoutFormatTest, LimitsDescriptorsAndBytes) {
  std::string many = R"({"schemaVersion":2,"manifests":[0)";
  for (int i = 1; i < 1'000'000; ++i) many += ",0";
  many += "]}";
  EXPECT_EQ(Reason(ParseImageIndex(many).status()), "LAYOUT_INVALID");
  EXPECT_EQ(Reason(ParseImageIndex(std::string(kMaxIndexBytes + 1, ' ')).status()),
            "LAYOUT_INVALID");
  EXPECT_EQ(Reason(ParseImageIndex(std::string(100'000, '[')).status()), "LAYOUT_INVALID");
}

TEST(LayoutFormatTest, RefNamesFollowTheGrammarAndDiffer) {
  auto name = [](const char* package, const char* version, const char* platform) {
    return RefName({*PackageName::Parse(package), version, *Platform::Parse(platform)}, kDigest);
  };
  EXPECT_EQ(name("acme/api", "2.4.1", "linux-amd64"), "acme/api@2.4.1:linux-amd64");
  EXPECT_EQ(name("acme/api", "1.0.0-rc.1+b2", "any"), "acme/api@1.0.0-rc.1+b2:any");
  EXPECT_EQ(name("debian/g++", "1.0", "any"), "debian/g@1.0:any@2d711642b726b044");
  EXPECT_EQ(name("debian/libc6", "2.36~rc1", "any"), "debian/libc6@2.36_rc1:any@2d711642b726b044");
  EXPECT_EQ(name("debian/vim", "2:9.0", "any"), "debian/vim@2_9.0:any@2d711642b726b044");
  EXPECT_EQ(name("debian/vim", "2_9.0", "any"), "debian/vim@2_9.0:any");
  EXPECT_EQ(RefName(*PackageName::Parse("acme/api"), "2.4.1", kDigest), "acme/api@2.4.1");
  EXPECT_EQ(RefName(*PackageName::Parse("acme/api"), "2:4", kDigest),
            "acme/api@2_4@2d711642b726b044");
}

}  // namespace
}  // namespace dml
