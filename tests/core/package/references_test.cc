// Batches of references as documents, and the manifests that follow from specs.
#include "core/package/references.h"

#include <gmock/gmock.h>

#include "core/crypto/sha256.h"
#include "core/package/manifest.h"
#include "core/package/package_spec.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

TEST(ReferencesTest, ABatchIsReadAsItIsWritten) {
  const ReferenceBatch batch{"debian", "Packages of bookworm", {Sha256("a"), Sha256("b")}};
  const std::string text = FormatReferenceBatch(batch);
  EXPECT_EQ(text,
            R"({"schema":"dml.references/v1","namespace":"debian","source":"Packages of bookworm",)"
            R"("specs":["sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",)"
            R"("sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"]})");
  const auto read = ParseReferenceBatch(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, batch);
}

TEST(ReferencesTest, SaysWhatIsWrong) {
  const auto why = [](ReferenceBatch batch) {
    return std::string(ParseReferenceBatch(FormatReferenceBatch(batch)).status().message());
  };
  EXPECT_THAT(why({"debian", "x", {}}), HasSubstr("at least one spec"));
  EXPECT_THAT(why({"debian", "x", {Sha256("a"), Sha256("a")}}), HasSubstr("none twice"));
  EXPECT_THAT(why({"debian", "", {Sha256("a")}}), HasSubstr("source"));
  EXPECT_THAT(why({"De Bian", "x", {Sha256("a")}}), HasSubstr("namespace"));
  std::vector<Digest> many;
  for (size_t i = 0; i <= kMaxReferenceBatch; ++i) many.push_back(Sha256(std::to_string(i)));
  EXPECT_THAT(why({"debian", "x", many}), HasSubstr("specs"));
  EXPECT_THAT(std::string(ParseReferenceBatch("{").status().message()),
              HasSubstr("reference batch"));
  EXPECT_THAT(
      std::string(ParseReferenceBatch(R"({"schema": "dml.references/v2"})").status().message()),
      HasSubstr("dml.references/v2"));
  EXPECT_THAT(
      std::string(
          ParseReferenceBatch(std::string(kMaxReferenceBatchBytes + 1, ' ')).status().message()),
      HasSubstr("bytes"));
}

// Variants are bound to the digest of these bytes for ever.
TEST(ReferencesTest, TheManifestFollowsFromTheSpec) {
  const std::string manifest = FormatReferenceManifest({Sha256("spec"), 4});
  EXPECT_EQ(
      manifest,
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("artifactType":"application/vnd.dml.package.v1+json","config":{"mediaType":)"
      R"("application/vnd.dml.package.spec.v1+json","digest":)"
      R"("sha256:d4f02eaafd1a9e9de7d10972ca8e47fa7a985825c3c9c1e249c72683cb3e4f19","size":4},)"
      R"("layers":[{"mediaType":"application/vnd.oci.empty.v1+json","digest":)"
      R"("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}]})");
  const auto read = ParseManifest(manifest);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->files.empty());
}

TEST(ReferencesTest, ASpecSaysThatItIsOne) {
  constexpr std::string_view kSpec =
      R"({"schema": "dml.package/v1", "package": "debian/curl", "version": "1", "versionScheme": "deb",
          "kind": "REFERENCE", "license": {"declared": "MIT"}})";
  const auto spec = ParsePackageSpec(kSpec);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_TRUE(spec->is_reference);
  EXPECT_TRUE(ParsePackageSpec(FormatPackageSpec(*spec))->is_reference);
  std::string other(kSpec);
  other.replace(other.find("REFERENCE"), 9, "SOMETHING");
  EXPECT_THAT(std::string(ParsePackageSpec(other).status().message()), HasSubstr("kind"));
}

}  // namespace
}  // namespace dml
