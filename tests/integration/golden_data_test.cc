// A data directory that format version 1 wrote (tests/golden/data/v1) is read, proven and written
// on.
//
// A later format gets a directory and a test of its own beside this one, and this one stays: also
// its views, which are of the first form (views.version 1), so that every test here sees them built
// anew. It was made with UPDATE_GOLDEN=1, which writes a directory only where there is none.
#include <sstream>

#include "client/policies.h"
#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "core/trust/checkpoint.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "core/wire/entry.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/views/view_keys.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/golden_library.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::AllItems;
using testing::CopyTree;
using testing::NameOfVersion;
using testing::ReadBytes;
using testing::RunningLibrary;
using testing::ScratchFolder;
using testing::SpecJson;
using testing::WriteBytes;

constexpr char kRequestId[] = "9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a10";
constexpr char kPolicy[] =
    "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\n"
    "signatures: {threshold: 1}\nlicenses: {allow: [MIT]}\n";
const std::vector<std::string> kKinds = {
    "library_created",     "namespace_created", "key_registered",       "key_registered",
    "key_revoked",         "version_published", "version_published",    "version_withdrawn",
    "version_published",   "version_published", "attestation_attached", "environment_created",
    "environment_created", "node_created",      "policy_set",           "policy_set"};

fs::path GoldenData() { return testing::GoldenData("v1"); }

// Several chunks, some of which compress and some of which do not.
std::string LargeFile() {
  std::string text;
  for (int i = 0; i < 24000; ++i) text += fmt::format("line {} of a file that compresses\n", i);
  for (int i = 0; i < 1000; ++i) text += Sha256(fmt::format("noise {}", i)).raw();
  return text;
}

// Fills a library; the daemon restarts in the middle, so that part of it is in tables and part in
// the database's log.
class GoldenWriter {
 public:
  explicit GoldenWriter(const ScratchFolder& folder)
      : folder_(folder), library_(folder.path() / "data") {}

  void Write() {
    ASSERT_TRUE(library_.Start());
    client_.emplace(library_.NewClient());
    Check(client_->CreateNamespace("acme", "Größe", {{"tier", "1"}}, {.request_id = kRequestId}));
    Check(
        testing::RegisterKey(*client_, key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"}));
    const PrivateKey lost = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
    Check(testing::RegisterKey(*client_, lost.public_key().ToPem(), "leo", {"publisher"}, {"*"}));
    Check(client_->RevokeKey(lost.public_key().id(), "laptop stolen"));
    Publish(SpecJson("acme/base", "1.0.0"), {{"share/large.txt", LargeFile()}, {"empty", ""}});
    Publish(SpecJson("acme/base", "1.1.0", "MIT OR GPL-2.0-or-later"), {{"bad", "bad\n"}});
    Check(client_->Withdraw(NameOfVersion("acme/base", "1.1.0"), "loses data"));
    client_.reset();
    ASSERT_EQ(library_.Stop(), 0);

    ASSERT_TRUE(library_.Start());
    client_.emplace(library_.NewClient());
    Publish(R"({"schema":"dml.package/v1","package":"acme/app","version":"1:2.0-1",)"
            R"("versionScheme":"deb","platform":{"os":"linux","arch":"amd64"},)"
            R"("license":{"declared":"MIT"},"labels":{"section":"net"},)"
            R"("requires":[{"anyOf":[{"name":"acme/base","range":"vers:semver/>=1.0.0"}]}],)"
            R"("provides":[{"kind":"SERVICE","name":"payments-v2"}]})",
            {{"bin/app", "app\n"}, {"share/large.txt", LargeFile()}});
    Publish(SpecJson("acme/meta", "0.1.0-rc.1", "NOASSERTION"), {});
    AttachTestResult();
    Check(client_->CreateEnvironment("production", "Live", {}));
    Check(client_->CreateEnvironment("production/eu", "", {{"region", "eu"}}));
    Check(client_->CreateNode("production/eu", "web-1", {{"rack", "7"}}));
    PolicyClient policies(*client_);
    Check(policies.Set("production", {.document = std::string("# First.\n") + kPolicy}));
    Check(policies.Set("production", {.document = kPolicy,
                                      .etag = client_->GetPolicy("production")->record.Etag()}));
    client_.reset();
    ASSERT_EQ(library_.Stop(), 0);
    testing::KeepGoldenData(library_.data_dir(), "v1");
  }

 private:
  template <typename T>
  void Check(const absl::StatusOr<T>& result) {
    ASSERT_TRUE(result.ok()) << result.status();
  }

  void Publish(const std::string& spec, const std::map<std::string, std::string>& files) {
    PublishInput input;
    input.spec_json = spec;
    input.keys = {&key_};
    for (const auto& [name, bytes] : files) {
      input.files.push_back({WriteBytes(folder_.path() / "in" / name, bytes), name});
    }
    Check(PublishPackage(*client_, input, {}));
  }

  void AttachTestResult() {
    const VariantName base = NameOfVersion("acme/base", "1.0.0");
    Statement statement;
    statement.subjects = {{"acme/base", client_->GetVariant(base)->record.manifest.digest}};
    statement.predicate_type = std::string(kTestResultPredicate);
    statement.predicate_json = R"({"result":"PASSED"})";
    const Signer* keys[] = {&key_};
    Check(client_->Attach(base, FormatEnvelope(*SignEnvelope(kInTotoPayloadType,
                                                             *FormatStatement(statement), keys))));
  }

  const ScratchFolder& folder_;
  RunningLibrary library_;
  std::optional<Client> client_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

class GoldenDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::UpdatesGolden() && !fs::exists(GoldenData())) {
      ScratchFolder folder;
      GoldenWriter(folder).Write();
      ASSERT_FALSE(HasFatalFailure());
    }
    CopyTree(GoldenData(), folder_.path() / "data");
    ASSERT_TRUE(library_.Start());
    client_.emplace(library_.NewClient());
  }

  void ExpectFiles(const VariantName& name, const std::map<std::string, std::string>& files) {
    const fs::path out = folder_.path() / name.package.name;
    auto got = DownloadVariant(*client_, name, out, {}, {});
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->files.size(), files.size());
    for (const auto& [file, bytes] : files) EXPECT_TRUE(ReadBytes(out / file) == bytes) << file;
  }

  ScratchFolder folder_;
  // Written long ago.
  const std::string config_ =
      WriteBytes(folder_.path() / "config.yaml", "limits: {clockStepSeconds: 0}\n");
  RunningLibrary library_{folder_.path() / "data", {"--config", config_}};
  std::optional<Client> client_;
};

TEST(GoldenDataOnDiskTest, ItsViewsAreOfAnEarlierForm) {
  ScratchFolder folder;
  CopyTree(GoldenData(), folder.path() / "data");
  auto engine = OpenRocksEngine(folder.path() / "data" / "db", {});
  ASSERT_TRUE(engine.ok()) << engine.status();
  auto snapshot = (*engine)->NewSnapshot();
  auto version = snapshot->Get(Table::kMeta, "views.version");
  ASSERT_TRUE(version.ok() && version->has_value()) << version.status();
  EXPECT_EQ(**version, KeyBuilder().U64(1).Build());
  EXPECT_GT(view_keys::kViewVersion, 1u);
}

TEST_F(GoldenDataTest, TheLogIsTheOneThatWasSigned) {
  std::vector<std::string> kinds;
  TreeAppender tree;
  for (const JournalLine& line : AllItems<JournalLine>(
           [&](const ListOptions& o) { return client_->ListEntries(0, "", false, o); })) {
    kinds.push_back(line.kind);
    auto entry = wire::DecodeEntry(line.leaf);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_EQ(*wire::EncodeEntry(*entry), line.leaf) << line.summary;
    auto proven = client_->ProveEntry(line.index);
    ASSERT_TRUE(proven.ok()) << proven.status();
    EXPECT_EQ(proven->leaf, line.leaf);
    if (line.index < kKinds.size()) tree.Append(LeafHash(AsBytes(line.leaf)), [](auto...) {});
  }
  std::vector<std::string> expected = kKinds;
  expected.push_back(
      "root_set");  // The first start with roots made one, of the keys that it found.
  EXPECT_EQ(kinds, expected);
  auto note = ParseNote(ReadBytes(GoldenData() / "signed-checkpoint"));
  ASSERT_TRUE(note.ok()) << note.status();
  auto checkpoint = ParseCheckpointBody(note->text);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->size, kKinds.size());
  EXPECT_EQ(checkpoint->root, tree.Root());
  auto views = client_->VerifyViews();
  ASSERT_TRUE(views.ok()) << views.status();
  EXPECT_TRUE(views->consistent) << fmt::format("{}", fmt::join(views->differences, ", "));
}

TEST_F(GoldenDataTest, PackagesAndTheirFilesAreThere) {
  const VariantName app{{"acme", "app"}, "1:2.0-1", {"linux", "amd64", ""}};
  ExpectFiles(NameOfVersion("acme/base", "1.0.0"),
              {{"share/large.txt", LargeFile()}, {"empty", ""}});
  ExpectFiles(app, {{"bin/app", "app\n"}, {"share/large.txt", LargeFile()}});
  ExpectFiles(NameOfVersion("acme/meta", "0.1.0-rc.1"), {});
  auto base = client_->GetVariant(NameOfVersion("acme/base", "1.0.0"));
  ASSERT_TRUE(base.ok()) << base.status();
  EXPECT_EQ(base->attestations.size(), 2u);
  auto withdrawn = client_->GetVariant(NameOfVersion("acme/base", "1.1.0"));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(withdrawn->record.state, VariantState::kWithdrawn);
  EXPECT_EQ(withdrawn->record.withdraw_reason, "loses data");
  EXPECT_EQ(client_->GetPackage({"acme", "base"})->latest, "1.0.0");
  EXPECT_EQ(client_->SearchVariants({.filter = "license = MIT AND labels.section = net"})
                ->items.at(0)
                .name,
            app);
  auto who = client_->WhoRequires(RelationKind::kPackage, "acme/base", "", {});
  ASSERT_TRUE(who.ok() && who->items.size() == 1) << who.status();
  EXPECT_EQ(who->items[0].variant, app);
}

TEST_F(GoldenDataTest, KeysEnvironmentsAndPolicyAreThere) {
  auto keys = AllItems<KeyRecord>([&](const ListOptions& o) { return client_->ListKeys(o); });
  // Two that were registered, one of them revoked since, and three of the root that followed.
  ASSERT_EQ(keys.size(), 5u);
  EXPECT_EQ(std::ranges::count_if(keys, [](const KeyRecord& key) { return key.revoked; }), 1);
  EXPECT_EQ(std::ranges::count_if(keys, [](const KeyRecord& key) { return key.holder == "pat"; }),
            1);
  EXPECT_EQ(client_->GetEnvironment("production/eu")->labels.at("region"), "eu");
  EXPECT_EQ(client_->GetNode("production/eu", "web-1")->labels.at("rack"), "7");
  auto policy = client_->GetPolicy("production/eu");
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->record.revision, 2u);
  EXPECT_EQ(policy->text, kPolicy);
  auto gate = client_->Evaluate({NameOfVersion("acme/base", "1.0.0")}, "production/eu");
  ASSERT_TRUE(gate.ok()) << gate.status();
  EXPECT_TRUE(gate->allowed);
}

TEST_F(GoldenDataTest, ItIsWrittenOn) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  ASSERT_TRUE(
      testing::RegisterKey(*client_, key.public_key().ToPem(), "new", {"publisher"}, {"acme"})
          .ok());
  PublishInput input;
  input.spec_json = SpecJson("acme/base", "1.2.0");
  input.files = {{WriteBytes(folder_.path() / "in", LargeFile()), "share/large.txt"}};
  input.keys = {&key};
  auto committed = PublishPackage(*client_, input, {});
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_EQ(committed->commit.index, kKinds.size() + 2);
  EXPECT_EQ(client_->GetPackage({"acme", "base"})->latest, "1.2.0");
  auto views = client_->VerifyViews();
  EXPECT_TRUE(views.ok() && views->consistent) << views.status();
}

}  // namespace
}  // namespace dml
