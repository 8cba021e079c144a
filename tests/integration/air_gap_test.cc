// Two libraries that cannot reach each other: what one exports as an OCI layout, the other imports,
// and nothing else gets in on that way.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <sstream>

#include "core/crypto/ecdsa_signature.h"
#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::NameOfVersion;
using testing::ReadBytes;
using testing::RunningLibrary;
using testing::WriteBytes;

std::string RandomBytes(size_t size, uint64_t seed = 7) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
  Json document() const { return Json::parse(out, nullptr, false); }
  std::string reason() const {
    Json error = Json::parse(err, nullptr, false);
    return error.is_object() ? error["error"]["reason"].get<std::string>() : err;
  }
};

class AirGapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (RunningLibrary* library : {&here_, &there_}) {
      ASSERT_TRUE(library->Start());
      Client client = library->NewClient();
      ASSERT_TRUE(client.CreateNamespace("acme", "", {}).ok());
      Register(*library, key_, "publisher");
    }
    ASSERT_TRUE(Publish(here_, "1.0.0", "one").ok());
  }

  static void Register(const RunningLibrary& library, const PrivateKey& key,
                       const std::string& role) {
    Client client = library.NewClient();
    auto done = testing::RegisterKey(client, key.public_key().ToPem(), "pat", {role}, {"acme"});
    ASSERT_TRUE(done.ok()) << done.status();
  }
  // "acme/tool" with a file that all versions share, and one of its own.
  absl::Status Publish(const RunningLibrary& library, const std::string& version,
                       const std::string& own) {
    PublishInput input;
    input.spec_json = testing::SpecJson("acme/tool", version);
    input.files = {{WriteBytes(folder_.path() / "in" / "data", kShared), "share/data"},
                   {WriteBytes(folder_.path() / "in" / "own", own), "bin/tool"}};
    input.keys = {&key_};
    Client client = library.NewClient();
    return PublishPackage(client, input, {}).status();
  }
  fs::path LargestBlob(const std::string& layout) const {
    fs::path out;
    for (const auto& blob : fs::directory_iterator(Path(layout + "/blobs/sha256"))) {
      if (out.empty() || blob.file_size() > fs::file_size(out)) out = blob.path();
    }
    return out;
  }
  void AttachTestResult(const RunningLibrary& library, const VariantName& name, int run = 0,
                        const Signer* signer = nullptr) {
    Client client = library.NewClient();
    auto details = client.GetVariant(name);
    ASSERT_TRUE(details.ok()) << details.status();
    Statement statement;
    statement.subjects = {{"", details->record.manifest.digest}};
    statement.predicate_type = std::string(kTestResultPredicate);
    statement.predicate_json = fmt::format(R"({{"run":{}}})", run);
    const Signer* keys[] = {signer != nullptr ? signer : &tester_};
    auto envelope = SignEnvelope(kInTotoPayloadType, *FormatStatement(statement), keys);
    auto done = client.Attach(name, FormatEnvelope(*envelope));
    ASSERT_TRUE(done.ok()) << done.status();
  }

  static Outcome Dml(const RunningLibrary& library, std::vector<std::string> args) {
    std::vector<std::string> all = {"--profile", library.profile().string(), "--output", "json"};
    all.insert(all.end(), args.begin(), args.end());
    std::ostringstream out;
    std::ostringstream err;
    Outcome run;
    run.code = RunDml(all, out, err);
    run.out = out.str();
    run.err = err.str();
    return run;
  }
  Outcome Export(const std::string& what, const std::string& to,
                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"export", "oci", what, "--to", Path(to)};
    args.insert(args.end(), more.begin(), more.end());
    return Dml(here_, args);
  }
  Outcome Import(const std::string& from, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"import", "oci", Path(from)};
    args.insert(args.end(), more.begin(), more.end());
    return Dml(there_, args);
  }
  // Refused, and the library is as it was.
  void ExpectRefused(const std::string& from, std::string_view reason, int code,
                     const std::vector<std::string>& more = {}) {
    const uint64_t before = JournalSize(there_);
    Outcome run = Import(from, more);
    EXPECT_EQ(run.reason(), reason) << run.err;
    EXPECT_EQ(run.code, code) << run.err;
    EXPECT_EQ(JournalSize(there_), before) << "a refused import left an entry";
  }

  static uint64_t JournalSize(const RunningLibrary& library) {
    auto status = library.NewClient().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    return status.ok() ? status->journal_size : 0;
  }
  static std::optional<VariantRecord> Find(const RunningLibrary& library,
                                           const std::string& version) {
    auto details = library.NewClient().GetVariant(NameOfVersion("acme/tool", version));
    if (!details.ok()) return std::nullopt;
    return details->record;
  }
  // Downloads, which verifies everything, and compares.
  void ExpectThere(const std::string& version, const std::string& own) {
    const std::optional<VariantRecord> exported = Find(here_, version);
    const std::optional<VariantRecord> imported = Find(there_, version);
    ASSERT_TRUE(exported.has_value() && imported.has_value()) << version;
    EXPECT_EQ(imported->manifest, exported->manifest);
    EXPECT_EQ(imported->spec, exported->spec);
    const fs::path out = folder_.path() / ("out-" + version);
    Client client = there_.NewClient();
    auto done = DownloadVariant(client, NameOfVersion("acme/tool", version), out, {}, {});
    ASSERT_TRUE(done.ok()) << done.status();
    EXPECT_EQ(ReadBytes(out / "share" / "data"), kShared);
    EXPECT_EQ(ReadBytes(out / "bin" / "tool"), own);
  }

  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string SourceLogKey() const { return (here_.data_dir() / "client" / "log.pem").string(); }

  inline static const std::string kShared = RandomBytes(5 << 20);

  testing::ScratchFolder folder_;
  RunningLibrary here_{folder_.path() / "here" / "data"};
  RunningLibrary there_{folder_.path() / "there" / "data"};
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey tester_ = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
};

TEST_F(AirGapTest, AVersionCrossesAsFolderAndAsTar) {
  Outcome run = Export("acme/tool@1.0.0", "layout");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.document()["items"][0]["files"], 2);
  EXPECT_EQ(run.document()["items"][0]["attestations"], 1);
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout.tar").code, 0);
  EXPECT_EQ(Export("acme/tool@1.0.0", "layout.tar").reason(), "FILE_EXISTS");
  EXPECT_EQ(Dml(here_, {"export", "oci", "--to", Path("nothing")}).code, 2);

  Outcome import = Import("layout.tar", {"--source-log-key", SourceLogKey()});
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["published"], 1);
  EXPECT_EQ(import.document()["sourceLogChecked"], true);
  EXPECT_EQ(import.document()["items"][0]["sourceLog"], here_.NewClient().GetStatus()->origin);
  ExpectThere("1.0.0", "one");

  const uint64_t size = JournalSize(there_);
  import = Import("layout");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["present"], 1);
  EXPECT_EQ(import.document()["filesUploaded"], 0);
  EXPECT_EQ(import.document()["sourceLogChecked"], false);
  EXPECT_EQ(JournalSize(there_), size);
}

TEST_F(AirGapTest, TheNextVersionBringsOnlyWhatIsMissing) {
  ASSERT_EQ(Export("acme/tool@1.0.0", "first").code, 0);
  ASSERT_EQ(Import("first").code, 0);
  Outcome inventory = Dml(there_, {"inventory", "--to", Path("inventory")});
  ASSERT_EQ(inventory.code, 0) << inventory.err;
  EXPECT_EQ(inventory.document()["variants"], 1);
  EXPECT_EQ(inventory.document()["blobs"], 2);
  ASSERT_TRUE(Publish(here_, "2.0.0", "two").ok());
  Outcome run = Dml(here_, {"export", "oci", "--filter", "name = tool", "--to", Path("second.tar"),
                            "--since", Path("inventory")});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.document()["items"][0]["leftOut"], true);
  EXPECT_EQ(run.document()["items"][1]["filesLeftOut"], 1);
  EXPECT_LT(fs::file_size(Path("second.tar")), 100u << 10);
  Outcome import = Import("second.tar", {"--source-log-key", SourceLogKey()});
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["filesUploaded"], 1);
  ExpectThere("1.0.0", "one");
  ExpectThere("2.0.0", "two");
}

TEST_F(AirGapTest, WhatWasLeftOutMustBeThere) {
  ASSERT_EQ(Dml(here_, {"inventory", "--to", Path("inventory")}).code, 0);
  ASSERT_TRUE(Publish(here_, "2.0.0", "two").ok());
  ASSERT_EQ(Export("acme/tool@2.0.0", "layout", {"--since", Path("inventory")}).code, 0);
  ExpectRefused("layout", "LAYOUT_BLOB_LEFT_OUT", 1);
  EXPECT_FALSE(Find(there_, "2.0.0").has_value());
}

// A byte here and there in a file of many chunks, and a block in front.
TEST_F(AirGapTest, ChangedFilesCrossAsTheirChanges) {
  const std::string old = RandomBytes(8 << 20, 8);
  std::string changed = "in front" + old;
  for (size_t at : {size_t{100'000}, size_t{5'000'000}}) changed[at] ^= 1;
  ASSERT_TRUE(Publish(here_, "2.0.0", old).ok());
  ASSERT_EQ(Export("acme/tool@2.0.0", "first").code, 0);
  ASSERT_EQ(Import("first").code, 0);
  ASSERT_EQ(Dml(there_, {"inventory", "--to", Path("inventory")}).code, 0);
  ASSERT_TRUE(Publish(here_, "3.0.0", changed).ok());
  for (const char* to : {"second.tar", "second"}) {
    Outcome run = Export("acme/tool@3.0.0", to, {"--since", Path("inventory")});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(run.document()["items"][0]["filesPatched"], 1);
    EXPECT_EQ(run.document()["items"][0]["filesLeftOut"], 1);
  }
  // A chunk has at most 512 KiB.
  EXPECT_LT(fs::file_size(Path("second.tar")), 2u << 20);

  // Damage of the patch is found before anything happens.
  const fs::path patch = LargestBlob("second");
  const std::string sound = ReadBytes(patch);
  std::string damaged = sound;
  damaged[damaged.size() / 2] ^= 1;
  WriteBytes(patch, damaged);
  ExpectRefused("second", "LAYOUT_BLOB_DAMAGED", 2);
  WriteBytes(patch, sound);

  Outcome import = Import("second.tar");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["filesPatched"], 1);
  ExpectThere("3.0.0", changed);
  EXPECT_EQ(Import("second").document()["present"], 1);
}

// Whose patches are the same bytes, and whose base was signed by a key that is revoked since.
TEST_F(AirGapTest, ManyVersionsMayShareOneChange) {
  const std::string old = RandomBytes(3 << 20, 8);
  const std::string changed = old + "more";
  ASSERT_TRUE(Publish(here_, "2.0.0", old).ok());
  ASSERT_EQ(Export("acme/tool@2.0.0", "first").code, 0);
  ASSERT_EQ(Import("first").code, 0);
  ASSERT_EQ(Dml(there_, {"inventory", "--to", Path("inventory")}).code, 0);
  ASSERT_TRUE(there_.NewClient().RevokeKey(key_.public_key().id(), "rotated").ok());
  key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  Register(here_, key_, "publisher");
  Register(there_, key_, "publisher");
  for (const char* version : {"3.0.0", "4.0.0", "5.0.0"}) {
    ASSERT_TRUE(Publish(here_, version, changed).ok());
  }
  Outcome run = Export("acme/tool@3.0.0", "second",
                       {"acme/tool@4.0.0", "acme/tool@5.0.0", "--since", Path("inventory")});
  ASSERT_EQ(run.code, 0) << run.err;
  Outcome import = Import("second");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["published"], 3);
  EXPECT_EQ(import.document()["filesUploaded"], 1) << "it is one file";
  EXPECT_EQ(import.document()["filesPatched"], 1);
  for (const char* version : {"3.0.0", "4.0.0", "5.0.0"}) ExpectThere(version, changed);
}

TEST_F(AirGapTest, AChangeNeedsWhatItChanges) {
  const std::string old = RandomBytes(2 << 20, 8);
  ASSERT_TRUE(Publish(here_, "2.0.0", old).ok());
  // An inventory that claims what is not there: of the library here.
  ASSERT_EQ(Dml(here_, {"inventory", "--to", Path("inventory")}).code, 0);
  ASSERT_TRUE(Publish(here_, "3.0.0", old + "more").ok());
  ASSERT_EQ(Export("acme/tool@3.0.0", "layout", {"--since", Path("inventory")}).code, 0);
  ExpectRefused("layout", "LAYOUT_BLOB_LEFT_OUT", 1);
  EXPECT_FALSE(Find(there_, "3.0.0").has_value());
}

// attack 37
TEST_F(AirGapTest, OneChangedByteIsRefused) {
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  for (const auto& blob : fs::directory_iterator(Path("layout/blobs/sha256"))) {
    const std::string bytes = ReadBytes(blob.path());
    if (bytes == "{}") continue;
    std::string changed = bytes;
    changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
    WriteBytes(blob.path(), changed);
    ExpectRefused("layout", "LAYOUT_BLOB_DAMAGED", 2);
    WriteBytes(blob.path(), bytes);
  }
  EXPECT_EQ(Import("layout").code, 0);
}

TEST_F(AirGapTest, OnlyKeysOfTheReceivingLibraryCount) {
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  ASSERT_TRUE(there_.NewClient().RevokeKey(key_.public_key().id(), "lost").ok());
  ExpectRefused("layout", "VARIANT_NOT_VERIFIED", 3);
  ExpectRefused("layout", "VARIANT_NOT_VERIFIED", 3, {"--leave-out-untrusted"});
}

TEST_F(AirGapTest, TheSourceLogMustHaveSignedIt) {
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  const std::string other = (there_.data_dir() / "client" / "log.pem").string();
  ExpectRefused("layout", "VARIANT_NOT_VERIFIED", 3, {"--source-log-key", other});
}

TEST_F(AirGapTest, EvidenceThatNobodyHereVouchesForIsRefusedOrLeftOut) {
  Register(here_, tester_, "tester");
  AttachTestResult(here_, NameOfVersion("acme/tool", "1.0.0"));
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  ExpectRefused("layout", "VARIANT_NOT_VERIFIED", 3);
  Outcome import = Import("layout", {"--leave-out-untrusted"});
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["items"][0]["attestationsLeftOut"], 1);
  ExpectThere("1.0.0", "one");
  // Once the tester is known, the evidence follows.
  Register(there_, tester_, "tester");
  import = Import("layout");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["present"], 1);
  EXPECT_EQ(import.document()["items"][0]["attestationsAdded"], 1);
  auto details = there_.NewClient().GetVariant(NameOfVersion("acme/tool", "1.0.0"));
  ASSERT_TRUE(details.ok()) << details.status();
  EXPECT_EQ(details->attestations.size(), 2u);
}

// Signs as hardware tokens do: r || s.
class TokenSigner final : public Signer {
 public:
  explicit TokenSigner(const PrivateKey& key) : key_(key) {}
  const PublicKey& public_key() const override { return key_.public_key(); }
  absl::StatusOr<std::string> Sign(ByteSpan message) const override {
    DML_ASSIGN_OR_RETURN(std::string der, key_.Sign(message));
    return EcdsaP1363OfDer(AsBytes(der));
  }

 private:
  const PrivateKey& key_;
};

TEST_F(AirGapTest, SignaturesCountInTheFormThatTheRootSays) {
  for (const RunningLibrary* library : {&here_, &there_}) {
    Client client = library->NewClient();
    const auto root_key =
        PrivateKey::FromPkcs8Pem(ReadBytes(client.connection().options().root_key_file));
    ASSERT_TRUE(root_key.ok()) << root_key.status();
    const Signer* keys[] = {&*root_key};
    const TrustKey key{tester_.public_key(), SignatureScheme::kEcdsaP256P1363, "tess", true};
    ASSERT_TRUE(client.RegisterKey({key, {"tester"}, {"acme"}}, keys).ok());
  }
  const TokenSigner token(tester_);
  AttachTestResult(here_, NameOfVersion("acme/tool", "1.0.0"), 0, &token);
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  const Outcome import = Import("layout");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["items"][0]["attestationsAdded"], 2);
}

// More than one publish takes.
TEST_F(AirGapTest, AllAttestationsCross) {
  Register(here_, tester_, "tester");
  Register(there_, tester_, "tester");
  const VariantName name = NameOfVersion("acme/tool", "1.0.0");
  for (int i = 0; i < 20; ++i) AttachTestResult(here_, name, i);
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  Outcome import = Import("layout");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["items"][0]["attestationsAdded"], 21);
  auto exported = here_.NewClient().GetVariant(name);
  auto imported = there_.NewClient().GetVariant(name);
  ASSERT_TRUE(exported.ok() && imported.ok());
  std::ranges::sort(exported->envelopes);
  std::ranges::sort(imported->envelopes);
  EXPECT_EQ(imported->envelopes, exported->envelopes);
}

TEST_F(AirGapTest, ATarFileThatIsCutLeavesNothing) {
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout.tar").code, 0);
  const std::string tar = ReadBytes(Path("layout.tar"));
  fs::create_directory(Path("in-between"));
  for (size_t size : {size_t{0}, size_t{100}, tar.size() / 2, tar.size() - (12 << 10)}) {
    WriteBytes(Path("in-between/cut.tar"), tar.substr(0, size));
    ExpectRefused("in-between/cut.tar", "LAYOUT_INVALID", 2);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(Path("in-between")), fs::directory_iterator()), 1);
}

TEST_F(AirGapTest, AVersionNeverChanges) {
  ASSERT_TRUE(Publish(there_, "1.0.0", "another").ok());
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  ExpectRefused("layout", "VERSION_EXISTS", 1);
  ASSERT_EQ(Dml(there_, {"inventory", "--to", Path("inventory")}).code, 0);
  Outcome run = Export("acme/tool@1.0.0", "again", {"--since", Path("inventory")});
  EXPECT_EQ(run.reason(), "VARIANT_CONFLICT");
  EXPECT_FALSE(fs::exists(Path("again")));
}

TEST_F(AirGapTest, WithdrawnVersionsStay) {
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  ASSERT_EQ(Import("layout").code, 0);
  const VariantName name = NameOfVersion("acme/tool", "1.0.0");
  for (RunningLibrary* library : {&here_, &there_}) {
    ASSERT_TRUE(library->NewClient().Withdraw(name, "broken").ok());
  }
  EXPECT_EQ(Export("acme/tool@1.0.0", "again").reason(), "VARIANT_WITHDRAWN");
  Outcome import = Import("layout");
  ASSERT_EQ(import.code, 0) << import.err;
  EXPECT_EQ(import.document()["withdrawn"], 1);
  EXPECT_EQ(Find(there_, "1.0.0")->state, VariantState::kWithdrawn);
}

TEST_F(AirGapTest, OtherToolsReadTheFolder) {
  if (std::system("command -v skopeo >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "skopeo is not installed";
  }
  ASSERT_EQ(Export("acme/tool@1.0.0", "layout").code, 0);
  const std::string inspect = fmt::format("skopeo inspect --raw oci:{}:acme/tool@1.0.0:any > {}",
                                          Path("layout"), Path("manifest"));
  ASSERT_EQ(std::system(inspect.c_str()), 0) << inspect;
  EXPECT_EQ(Sha256(ReadBytes(Path("manifest"))), Find(here_, "1.0.0")->manifest.digest);
  const std::string index = fmt::format("skopeo inspect --raw oci:{}:acme/tool@1.0.0 > {}",
                                        Path("layout"), Path("index"));
  ASSERT_EQ(std::system(index.c_str()), 0) << index;
  EXPECT_NE(ReadBytes(Path("index")).find(Find(here_, "1.0.0")->manifest.digest.ToString()),
            std::string::npos);
  const std::string copy =
      fmt::format("skopeo --insecure-policy copy --quiet oci:{}:acme/tool@1.0.0:any dir:{}",
                  Path("layout"), Path("copied"));
  ASSERT_EQ(std::system(copy.c_str()), 0) << copy;
  EXPECT_EQ(Sha256(ReadBytes(folder_.path() / "copied" / Sha256(kShared).hex())), Sha256(kShared));
}

}  // namespace
}  // namespace dml
