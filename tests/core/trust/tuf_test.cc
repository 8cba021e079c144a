// A trust root as a TUF repository; tests/interop has a TUF client read one.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/trust/tuf_export.h"
#include "tests/core/trust/test_keys.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::KeyRing;

std::string Canonical(const Json& value) { return OlpcCanonicalJson(value).value_or("refused"); }

TEST(OlpcCanonicalJsonTest, OneFormForOneValue) {
  EXPECT_EQ(Canonical(Json::parse(R"({"b":[1,true,null,"x"],"a":{"C":-5,"B":""}})")),
            R"({"a":{"B":"","C":-5},"b":[1,true,null,"x"]})");
  // Only '"' and '\' are escaped: a line feed stays as it is, as in the PEM of a key.
  EXPECT_EQ(Canonical(Json("a\"b\\c\nd\u00e9")), "\"a\\\"b\\\\c\nd\u00e9\"");
  EXPECT_EQ(Canonical(Json::object()), "{}");
  EXPECT_EQ(Canonical(Json::array()), "[]");
  EXPECT_EQ(Canonical(Json((uint64_t{1} << 53) - 1)), "9007199254740991");
  EXPECT_EQ(Canonical(Json(-((int64_t{1} << 53) - 1))), "-9007199254740991");
}

TEST(OlpcCanonicalJsonTest, WhatReadersDifferInIsRefused) {
  for (const Json& value :
       {Json(uint64_t{1} << 53), Json(-(int64_t{1} << 53)), Json(UINT64_MAX), Json(INT64_MIN),
        Json(1.5), Json(1.0), Json("\xff"), Json{{"\u00e9", 1}}, Json{{"a\n", 1}}}) {
    EXPECT_EQ(Reason(OlpcCanonicalJson(value).status()), "TUF_INVALID");
    EXPECT_EQ(Reason(OlpcCanonicalJson(Json{{"deep", Json::array({value})}}).status()),
              "TUF_INVALID");
  }
}

// attack 12
TEST(TufTargetNameTest, NamesThatLeadAwayAreRefused) {
  using namespace std::string_view_literals;
  for (std::string_view name : {""sv,       "."sv,        ".."sv,
                                "../a"sv,   "a/../b"sv,   "a/./b"sv,
                                "/a"sv,     "a//b"sv,     "a/"sv,
                                "a\0b"sv,   "a\0"sv,      "a\\b"sv,
                                "..\\a"sv,  "C:a"sv,      "c:/a"sv,
                                "a:b"sv,    "%2e%2e/a"sv, "a%2fb"sv,
                                "a%00"sv,   "a\nb"sv,     "a b"sv,
                                "a\x7f"sv,  "\u00e9"sv,   "\xff"sv,
                                "a*"sv,     "a?"sv,       "[a]"sv,
                                "a\"b"sv,   "nul"sv,      "NUL.txt"sv,
                                "a/Con"sv,  "com1"sv,     "LPT9.tar.gz/b"sv,
                                "conin$"sv, "a."sv,       "a./b"sv,
                                "..."sv}) {
    EXPECT_EQ(Reason(ValidateTufTargetName(name)), "PATH_INVALID") << name;
  }
  EXPECT_EQ(Reason(ValidateTufTargetName(std::string(191, 'x'))), "PATH_INVALID");
  EXPECT_EQ(Reason(ValidateTufTargetName("x/" + std::string(191, 'x'))), "PATH_INVALID");
  for (std::string_view name : {"a", "a/b.tar.gz", ".hidden", "a..b", "com", "com10", "null",
                                "console/a", "x@1.2+3_4-5~6,7=8"}) {
    EXPECT_TRUE(ValidateTufTargetName(name).ok()) << name;
  }
}

TEST(TufTargetNameTest, ClientsLookBelowItsDigest) {
  const std::string hex = Sha256("x").hex();
  EXPECT_EQ(TufTargetPath({"a", {Sha256("x"), 1}}), hex + ".a");
  EXPECT_EQ(TufTargetPath({"a/b/c.d", {Sha256("x"), 1}}), "a/b/" + hex + ".c.d");
}

class TufExportTest : public ::testing::Test {
 protected:
  // Root 1 of pat and ann, two of two; root 2 of pat and bob.
  TufExportTest() : one_(testing::SmallRoot(ring_)), two_(one_) {
    two_.version = 2;
    two_.keys = ring_.List({"pat", "ann", "bob.p256", "ci-log"});
    two_.roles[SigningRole::kRoot] = ring_.Role(2, {"pat", "bob.p256"});
  }

  absl::StatusOr<TufRootFile> Root(const TrustRoot& root, const TrustRoot* previous,
                                   const std::vector<std::string>& names,
                                   std::string_view existing = "", bool keep_online = false,
                                   const std::string& online = "ci-online") {
    std::vector<const Signer*> signers;
    for (const std::string& name : names) signers.push_back(&ring_[name]);
    return ExportTufRoot(root, previous, ring_[online].public_key(), signers, existing,
                         keep_online);
  }
  absl::StatusOr<std::vector<TufFile>> Export(const TufRepository& repository) {
    return ExportTufRepository(repository, ring_["ci-online"]);
  }
  static TufRepository Repository(const std::vector<std::string>& names, uint32_t bins = 0) {
    TufRepository out;
    for (const std::string& name : names)
      out.targets.push_back({name, {Sha256(name), name.size()}});
    out.bins = bins;
    out.expires = testing::kNow;
    return out;
  }
  static Json Signed(const TufFile& file) { return Json::parse(file.json)["signed"]; }

  KeyRing ring_;
  TrustRoot one_;
  TrustRoot two_;
};

TEST_F(TufExportTest, TheFilesAreTheGoldenOnes) {
  const PrivateKey online = *PrivateKey::FromPkcs8Pem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
      "-----END PRIVATE KEY-----\n");
  TrustRoot root;
  root.origin = "library.example/dml";
  root.expires = testing::TimeOf("2027-06-01T00:00:00Z");
  root.keys = {{testing::GoldenKey().public_key(), SignatureScheme::kEd25519, "pat", true}};
  root.roles[SigningRole::kRoot] = {1, {testing::GoldenKey().public_key().id()}};
  const Signer* pat = &testing::GoldenKey();
  absl::StatusOr<TufRootFile> root_file =
      ExportTufRoot(root, nullptr, online.public_key(), std::span(&pat, 1), "", false);
  ASSERT_TRUE(root_file.ok()) << root_file.status();
  EXPECT_EQ(root_file->file.name, "1.root.json");
  EXPECT_EQ(root_file->file.json, testing::GoldenFile("tuf/1.root.json"));

  TufRepository repository;
  repository.targets = {{"bin/api", {Sha256("api"), 3}}, {"README", {Sha256("read me\n"), 8}}};
  repository.bins = 2;
  repository.expires = testing::TimeOf("2026-06-08T00:00:00Z");
  absl::StatusOr<std::vector<TufFile>> files = ExportTufRepository(repository, online);
  ASSERT_TRUE(files.ok()) << files.status();
  std::vector<std::string> names;
  for (const TufFile& file : *files) {
    names.push_back(file.name);
    EXPECT_EQ(file.json, testing::GoldenFile("tuf/" + file.name));
  }
  EXPECT_THAT(names, ElementsAre("1.bin-0.json", "1.bin-1.json", "1.targets.json",
                                 "1.snapshot.json", "timestamp.json"));
}

TEST_F(TufExportTest, HoldersSignOneByOne) {
  absl::StatusOr<TufRootFile> file = Root(one_, nullptr, {"pat", "eve"});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->complete);
  EXPECT_THAT(file->missing, ElementsAre(HasSubstr("1 more of ann")));
  EXPECT_EQ(Json::parse(file->file.json)["signatures"].size(), 1u);  // None of eve.
  file = Root(one_, nullptr, {"ann"}, file->file.json);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->complete);

  // Root 2 wants the holders of root 1 too.
  file = Root(two_, &one_, {"pat", "bob.p256"});
  EXPECT_THAT(file->missing, ElementsAre(HasSubstr("holders of root 1: 1 more of ann")));
  file = Root(two_, &one_, {"ann"}, file->file.json);
  EXPECT_TRUE(file->complete);
}

TEST_F(TufExportTest, ASignatureOfAnotherRootOrByNobodyIsDropped) {
  Json other = Json::parse(Root(two_, &one_, {"pat", "ann"})->file.json);
  Json document = Json::parse(Root(one_, nullptr, {})->file.json);
  document["signatures"] = other["signatures"];
  absl::StatusOr<TufRootFile> file = Root(one_, nullptr, {}, document.dump());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->complete);
  EXPECT_TRUE(Json::parse(file->file.json)["signatures"].empty());
}

TEST_F(TufExportTest, AVersionThatClientsMayHaveStaysWhatItIs) {
  const std::string known = Root(one_, nullptr, {"pat", "ann"})->file.json;
  EXPECT_EQ(Reason(Root(one_, nullptr, {}, known, false, "ci-other").status()), "TUF_ROOT_DIFFERS");
  absl::StatusOr<TufRootFile> kept = Root(one_, nullptr, {}, known, true, "ci-other");
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->file.json, known);
  one_.expires += std::chrono::hours(1);
  EXPECT_EQ(Reason(Root(one_, nullptr, {}, known, true).status()), "TUF_ROOT_DIFFERS");
  EXPECT_EQ(Reason(Root(two_, &one_, {}, known, true).status()), "TUF_ROOT_DIFFERS");
  EXPECT_EQ(Reason(Root(one_, nullptr, {}, "{}").status()), "TUF_INVALID");
}

// attack 4: TUF counts keys, and would count a person with two of them twice.
TEST_F(TufExportTest, OnePersonWithTwoKeysIsNotTwoPersons) {
  one_.keys = ring_.List({"pat", "pat.2", "ann", "ci-log"});
  one_.roles[SigningRole::kRoot] = ring_.Role(2, {"pat", "pat.2", "ann"});
  EXPECT_EQ(Reason(Root(one_, nullptr, {"pat", "pat.2"}).status()), "TUF_HOLDER_REPEATED");
}

TEST_F(TufExportTest, EveryTargetIsInTheBinThatClientsAsk) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back(fmt::format("t/{}", i));
  for (uint32_t bins : {2u, 16u, 32u, 256u, 512u, 4096u}) {
    absl::StatusOr<std::vector<TufFile>> files = Export(Repository(names, bins));
    ASSERT_TRUE(files.ok()) << files.status();
    ASSERT_EQ(files->size(), bins + 3);
    std::map<std::string, Json> targets;  // By role.
    for (const TufFile& file : *files) {
      const std::string role = file.name.substr(0, file.name.rfind('.'));
      targets[role] = Signed(file)["targets"];
    }
    size_t found = 0;
    size_t prefixes = 0;
    const Json top = Signed((*files)[bins]);
    for (const Json& role : top["delegations"]["roles"]) {
      EXPECT_EQ(role["terminating"], true);
      prefixes += role["path_hash_prefixes"].size();
      for (const std::string& name : names) {
        const bool delegated =
            std::ranges::any_of(role["path_hash_prefixes"], [&](const Json& prefix) {
              return Sha256(name).hex().starts_with(prefix.get<std::string>());
            });
        EXPECT_EQ(targets["1." + role["name"].get<std::string>()].contains(name), delegated);
        found += delegated;
      }
    }
    EXPECT_EQ(found, names.size());
    EXPECT_TRUE(prefixes == 16 || prefixes == 256 || prefixes == 4096) << prefixes;
  }
}

TEST_F(TufExportTest, EachLevelNamesTheExactFilesBelow) {
  absl::StatusOr<std::vector<TufFile>> files = Export(Repository({"a", "b"}, 2));
  ASSERT_TRUE(files.ok()) << files.status();
  const Json snapshot = Signed((*files)[3])["meta"];
  for (size_t i = 0; i < 3; ++i) {
    const Json& meta = snapshot[(*files)[i].name.substr(2)];
    EXPECT_EQ(meta["length"], (*files)[i].json.size());
    EXPECT_EQ(meta["hashes"]["sha256"], Sha256((*files)[i].json).hex());
  }
  const Json timestamp = Signed((*files)[4])["meta"]["snapshot.json"];
  EXPECT_EQ(timestamp["hashes"]["sha256"], Sha256((*files)[3].json).hex());
  for (const TufFile& file : *files) {
    const TufMetadata metadata = ParseTufMetadata(file.json, kMaxTufTargetsBytes).value();
    EXPECT_TRUE(IsTufSignedBy(metadata, ring_["ci-online"].public_key()));
    EXPECT_FALSE(IsTufSignedBy(metadata, ring_["pat"].public_key()));
  }
}

TEST_F(TufExportTest, TheNextVersionFollowsWhatClientsHaveSeen) {
  TufRepository repository = Repository({"a"}, 2);
  std::vector<TufFile> files = Export(repository).value();
  repository.published = {ReadTufTimestamp(files.back().json).value(),
                          ReadTufSnapshot(files[3].json).value()};
  EXPECT_EQ(repository.published.version, 1u);
  EXPECT_THAT(repository.published.roles, ElementsAre("bin-0.json", "bin-1.json", "targets.json"));
  files = Export(repository).value();
  EXPECT_EQ(files[0].name, "2.bin-0.json");
  EXPECT_EQ(ReadTufTimestamp(files.back().json).value(), 2u);
  // attack T8
  repository.bins = 0;
  EXPECT_EQ(Reason(Export(repository).status()), "TUF_ROLE_REMOVED");
  repository.bins = 32;
  EXPECT_EQ(Reason(Export(repository).status()), "TUF_ROLE_REMOVED");
  repository.bins = 16;  // Has bins 0 and 1 too.
  EXPECT_TRUE(Export(repository).ok());
}

TEST_F(TufExportTest, WhatNoClientCouldReadIsNotWritten) {
  for (uint32_t bins : {1u, 3u, 24u, 8192u}) {
    EXPECT_EQ(Reason(Export(Repository({"a"}, bins)).status()), "TUF_BINS_INVALID");
  }
  EXPECT_EQ(Reason(Export(Repository({"a", "a"})).status()), "TUF_TARGET_REPEATED");
  EXPECT_EQ(Reason(Export(Repository({"../a"})).status()), "PATH_INVALID");
  std::vector<std::string> many;
  for (int i = 0; i < 40000; ++i) many.push_back(fmt::format("{:060}", i));
  const absl::Status large = Export(Repository(many)).status();
  EXPECT_EQ(Reason(large), "TUF_TOO_LARGE");
  EXPECT_THAT(std::string(Message(large)), HasSubstr("--bins"));
  EXPECT_TRUE(Export(Repository(many, 16)).ok());
}

TEST(TufMetadataTest, OnlyMetadataIsRead) {
  for (const char* text :
       {"", "[]", "{}", R"({"signed":[],"signatures":[]})",
        R"({"signed":{},"signatures":[{"keyid":"a","sig":"xy"}]})",
        R"({"signed":{},"signatures":[{"keyid":"a","sig":""},{"keyid":"a","sig":""}]})",
        R"({"signed":{},"signed":{},"signatures":[]})"}) {
    EXPECT_EQ(Reason(ParseTufMetadata(text, 1000).status()), "TUF_INVALID") << text;
  }
  EXPECT_EQ(Reason(ParseTufMetadata(R"({"signed":{},"signatures":[]})", 10).status()),
            "TUF_INVALID");
  EXPECT_EQ(Reason(ReadTufTimestamp(R"({"signed":{"version":0},"signatures":[]})").status()),
            "TUF_INVALID");
  EXPECT_EQ(Reason(ReadTufSnapshot(R"({"signed":{"meta":[]},"signatures":[]})").status()),
            "TUF_INVALID");
}

}  // namespace
}  // namespace dml
