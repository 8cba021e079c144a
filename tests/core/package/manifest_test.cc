#include "core/package/manifest.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/crypto/sha256.h"
#include "core/package/package_spec.h"
#include "tests/support/paths.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Manifest Sample() {
  Manifest manifest;
  manifest.config = {Sha256("spec"), 4};
  manifest.files = {{"bin/tool", {Sha256("tool"), 1234}, "application/x-executable"},
                    {"share/doc/README", {Sha256("readme"), 0}}};
  manifest.annotations = {{"org.opencontainers.image.source", "https://example.org/tool"}};
  return manifest;
}

json SampleJson() { return json::parse(FormatManifest(Sample())); }

std::string FieldOf(const absl::Status& status) {
  auto violations = FieldViolations(status);
  return violations.empty() ? "" : violations[0].field;
}

// The sample with one change, which must be refused at `field`.
void ExpectRefused(const std::function<void(json&)>& change, std::string_view field,
                   std::string_view reason = "MANIFEST_INVALID") {
  json document = SampleJson();
  change(document);
  absl::Status status = ParseManifest(document.dump()).status();
  EXPECT_EQ(Reason(status), reason) << document.dump();
  EXPECT_EQ(FieldOf(status), field) << document.dump();
}

TEST(ManifestTest, GoldenDocumentInBothDirections) {
  std::filesystem::path folder = testing::SourceDir() / "tests/golden/package";
  std::string golden = testing::ReadFileOrDie(folder / "manifest.json");
  EXPECT_EQ(FormatManifest(Sample()), golden);
  auto manifest = ParseManifest(golden);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(*manifest, Sample());
  EXPECT_EQ(manifest->total_size(), 1238u);
}

TEST(ManifestTest, PackageWithoutFilesHasTheEmptyLayer) {
  Manifest manifest{.config = {Sha256("spec"), 4}};
  std::string text = FormatManifest(manifest);
  EXPECT_THAT(text, HasSubstr("\"layers\":[{\"mediaType\":\"application/vnd.oci.empty.v1+json\","
                              "\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e"
                              "8310c060f61caaff8a\",\"size\":2}]"));
  auto parsed = ParseManifest(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, manifest);
  EXPECT_EQ(parsed->total_size(), 4u);
}

TEST(ManifestTest, TheEmptyLayerIsExactAndAlone) {
  json empty = json::parse(FormatManifest(Manifest{}))["layers"][0];
  ExpectRefused([](json& d) { d["layers"] = json::array(); }, "layers");
  ExpectRefused([](json& d) { d.erase("layers"); }, "layers");
  ExpectRefused([&](json& d) { d["layers"].push_back(empty); }, "layers[2].mediaType");
  ExpectRefused([&](json& d) { d["layers"] = {empty, empty}; }, "layers[0].mediaType");
  ExpectRefused([&](json& d) { (d["layers"] = json::array({empty}))[0]["size"] = 3; },
                "layers[0].digest");
  ExpectRefused(
      [&](json& d) { (d["layers"] = json::array({empty}))[0]["digest"] = Sha256("x").ToString(); },
      "layers[0].digest");
  ExpectRefused(
      [&](json& d) {
        (d["layers"] =
             json::array({empty}))[0]["annotations"] = {{"org.opencontainers.image.title", "a"}};
      },
      "layers[0].annotations");
}

// attack 21: one digest must not have two meanings.
TEST(ManifestTest, TheTypeIsInsideTheHashedBytes) {
  ExpectRefused([](json& d) { d.erase("mediaType"); }, "mediaType");
  ExpectRefused([](json& d) { d["mediaType"] = "application/vnd.oci.image.index.v1+json"; },
                "mediaType");
  ExpectRefused(
      [](json& d) { d["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"; },
      "mediaType");
  ExpectRefused([](json& d) { d["manifests"] = json::array(); }, "manifests");
  ExpectRefused([](json& d) { d["fsLayers"] = json::array(); }, "fsLayers");
  ExpectRefused([](json& d) { d["history"] = json::array(); }, "history");
  ExpectRefused([](json& d) { d["subject"] = d["config"]; }, "subject");
  ExpectRefused([](json& d) { d["schemaVersion"] = 1; }, "schemaVersion");
  ExpectRefused([](json& d) { d["schemaVersion"] = 2.0; }, "schemaVersion");
  ExpectRefused([](json& d) { d["schemaVersion"] = "2"; }, "schemaVersion");
  ExpectRefused([](json& d) { d.erase("artifactType"); }, "artifactType");
  ExpectRefused([](json& d) { d["artifactType"] = "application/json"; }, "artifactType");
  std::string text = FormatManifest(Sample());
  text.insert(text.size() - 1, R"(,"mediaType":"application/vnd.oci.image.index.v1+json")");
  EXPECT_THAT(Message(ParseManifest(text).status()), HasSubstr("given twice"));
}

TEST(ManifestTest, RefusesOtherDescriptors) {
  ExpectRefused([](json& d) { d["config"]["mediaType"] = "application/json"; }, "config.mediaType");
  ExpectRefused([](json& d) { d["config"]["size"] = kMaxPackageSpecBytes + 1; }, "config.size");
  ExpectRefused([](json& d) { d["config"]["urls"] = {"https://x"}; }, "config.urls");
  ExpectRefused([](json& d) { d["config"]["data"] = "e30="; }, "config.data");
  ExpectRefused([](json& d) { d.erase("config"); }, "config");
  ExpectRefused([](json& d) { d["layers"][1]["digest"] = "sha512:00"; }, "layers[1].digest",
                "DIGEST_INVALID");
  ExpectRefused([](json& d) { d["layers"][1].erase("digest"); }, "layers[1].digest");
  ExpectRefused([](json& d) { d["layers"][0]["urls"] = {"https://x"}; }, "layers[0].urls");
  ExpectRefused([](json& d) { d["layers"][0]["platform"] = json::object(); }, "layers[0].platform");
  ExpectRefused([](json& d) { d["layers"][0]["size"] = -1; }, "layers[0].size");
  ExpectRefused([](json& d) { d["layers"][0]["size"] = 1.0; }, "layers[0].size");
  ExpectRefused([](json& d) { d["layers"][0]["size"] = UINT64_MAX; }, "layers[0].size");
  for (auto type : {"", "text", "text/", "/plain", "text/pl ain", "text/a/b", "te\nxt/plain"}) {
    ExpectRefused([&](json& d) { d["layers"][0]["mediaType"] = type; }, "layers[0].mediaType");
  }
  ExpectRefused([](json& d) { d["layers"][0] = "x"; }, "layers[0]");
  ExpectRefused([](json& d) { d["layers"] = "x"; }, "layers");
  ExpectRefused([](json& d) { d["annotations"]["k"] = 1; }, "annotations.k");
}

// attack 12, attack 30
TEST(ManifestTest, RefusesHostileFileNames) {
  const std::string title = "layers[0].annotations.org.opencontainers.image.title";
  for (const std::string& path :
       std::vector<std::string>{"../x", "/etc/passwd", "a/../../x", "a\\b", "C:/x", "%2e%2e/x", "",
                                "a//b", std::string(2000, 'a')}) {
    ExpectRefused(
        [&](json& d) { d["layers"][0]["annotations"]["org.opencontainers.image.title"] = path; },
        title, "PATH_INVALID");
  }
  ExpectRefused([](json& d) { d["layers"][0].erase("annotations"); }, "layers[0].annotations");
  ExpectRefused([](json& d) { d["layers"][0]["annotations"] = json::object(); }, title);
  ExpectRefused([](json& d) { d["layers"][0]["annotations"]["x"] = "y"; },
                "layers[0].annotations.x");
}

TEST(ManifestTest, FilesDoNotCollide) {
  auto collide = [](std::vector<std::string> paths) {
    Manifest manifest = Sample();
    manifest.files.clear();
    for (const std::string& path : paths) manifest.files.push_back({path, {Sha256(path), 1}});
    absl::Status status = ParseManifest(FormatManifest(manifest)).status();
    EXPECT_TRUE(status.ok() || FieldOf(status) == "layers") << status;
    return !status.ok();
  };
  EXPECT_TRUE(collide({"a", "b", "a"}));
  EXPECT_TRUE(collide({"a", "a/b"}));
  EXPECT_TRUE(collide({"a/b/c", "a-b", "a.b", "a/b"}));
  EXPECT_TRUE(collide({"d/x", "a!", "a/b/c/d", "a"})) << "'!' sorts between 'a' and 'a/'";
  EXPECT_FALSE(collide({"a/b", "a/c", "ab", "a-b"}));
}

TEST(ManifestTest, CollisionsMatchBruteForce) {
  unsigned seed = 20240610;
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    Manifest manifest = Sample();
    manifest.files.clear();
    for (size_t i = 0; i < 1 + random() % 4; ++i) {
      std::string path;
      for (size_t k = 0; k < 1 + random() % 5; ++k) path += "a!/-"[random() % 4];
      if (!path.empty() && path.find("//") == std::string::npos && path.front() != '/' &&
          path.back() != '/') {
        manifest.files.push_back({path, {Sha256(path), 1}});
      }
    }
    bool collide = false;
    for (const ManifestFile& a : manifest.files) {
      for (const ManifestFile& b : manifest.files) {
        if (&a != &b && (a.path == b.path || b.path.starts_with(a.path + "/"))) collide = true;
      }
    }
    ASSERT_EQ(ParseManifest(FormatManifest(manifest)).ok(), !collide)
        << "seed " << seed << ": " << FormatManifest(manifest);
  }
}

TEST(ManifestTest, SizesDoNotOverflow) {
  Manifest manifest = Sample();
  manifest.files[0].blob.size = kMaxManifestTotalBytes - 4;
  auto parsed = ParseManifest(FormatManifest(manifest));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->total_size(), kMaxManifestTotalBytes);
  manifest.files[1].blob.size = 1;
  EXPECT_EQ(FieldOf(ParseManifest(FormatManifest(manifest)).status()), "layers");
}

TEST(ManifestTest, CapsBytesAndFiles) {
  EXPECT_THAT(Message(ParseManifest(std::string(kMaxManifestBytes + 1, ' ')).status()),
              HasSubstr("at most 4194304"));
  std::string text = FormatManifest(Sample());
  std::string layers;
  for (size_t i = 0; i <= kMaxManifestFiles; ++i) layers += i == 0 ? "{}" : ",{}";
  size_t begin = text.find("\"layers\":[") + 10, end = text.find("],\"annotations\"");
  text.replace(begin, end - begin, layers);
  absl::Status status = ParseManifest(text).status();
  EXPECT_THAT(Message(status), HasSubstr("at most 65536"));
  EXPECT_FALSE(ParseManifest(std::string(kMaxManifestBytes, '[')).ok());
}

TEST(ManifestTest, FormatDoesNotDependOnTheOrderOfFiles) {
  Manifest manifest = Sample();
  std::swap(manifest.files[0], manifest.files[1]);
  EXPECT_EQ(FormatManifest(manifest), FormatManifest(Sample()));
}

// No byte of the canonical text is idle: another byte is an error or another manifest.
TEST(ManifestTest, EveryByteMatters) {
  unsigned seed = 20240611;
  std::mt19937 random(seed);
  const std::string text = FormatManifest(Sample());
  for (int i = 0; i < 20000; ++i) {
    std::string mutated = text;
    mutated[random() % mutated.size()] = static_cast<char>(random());
    if (mutated == text) continue;
    auto manifest = ParseManifest(mutated);
    ASSERT_TRUE(!manifest.ok() || *manifest != Sample()) << "seed " << seed << ": " << mutated;
  }
}

}  // namespace
}  // namespace dml
