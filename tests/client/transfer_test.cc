#include "client/transfer.h"

#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "tests/client/fake_library.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::FakeLibrary;
using testing::TempDir;

constexpr char kSpec[] = R"({"schema":"dml.package/v1","package":"acme/api","version":"1.0.0",)"
                         R"("versionScheme":"semver","license":{"declared":"MIT"}})";

const VariantName kName{{"acme", "api"}, "1.0.0", {}};

// Bytes that no codec shrinks, the same for the same seed.
std::string RandomBytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

class TransferTest : public ::testing::Test {
 protected:
  TransferTest() { library_.Trust(key_.public_key(), "acme"); }

  Client Connect() { return *Client::Create(library_.Options()); }

  PublishInput Input(const std::vector<std::pair<std::string, std::string>>& files) {
    PublishInput input{.spec_json = kSpec, .keys = {&key_}};
    for (const auto& [name, bytes] : files) {
      input.files.push_back({dir_.Write("in/" + name, bytes), name});
    }
    return input;
  }
  void Publish(const std::vector<std::pair<std::string, std::string>>& files) {
    Client client = Connect();
    auto published = PublishPackage(client, Input(files), nullptr);
    ASSERT_TRUE(published.ok()) << published.status();
  }
  // What a library without checks could hold: a signed manifest over these files.
  void ForceVariant(const Manifest& files, const PrivateKey& signer,
                    std::string_view predicate_type = kPublicationPredicate,
                    const VariantName& claimed = kName) {
    Manifest manifest = files;
    manifest.config = {Sha256(kSpec), std::string(kSpec).size()};
    std::string document = FormatManifest(manifest);
    Statement statement{
        .subjects = {{"", Sha256(document)}},
        .predicate_type = std::string(predicate_type),
        .predicate_json = FormatPublicationPredicate({claimed, std::string(kManifestMediaType)})};
    const Signer* keys[] = {&signer};
    DsseEnvelope envelope = *SignEnvelope(kInTotoPayloadType, *FormatStatement(statement), keys);
    library_.Force(kName, document, kSpec, {FormatEnvelope(envelope)});
  }
  absl::StatusOr<DownloadResult> Download(bool overwrite = false) {
    Client client = Connect();
    return DownloadVariant(client, kName, dir_ / "out", {.overwrite = overwrite}, nullptr);
  }
  VerificationReport Verify(const fs::path& directory = "") {
    Client client = Connect();
    absl::StatusOr<VerificationReport> report =
        VerifyVariant(client, kName, {.directory = directory});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : VerificationReport{};
  }
  static std::string FirstFailure(const VerificationReport& report) {
    for (const VerificationStep& step : report.steps) {
      if (!step.passed) return step.what;
    }
    return report.passed ? "" : "no step failed, and it did not pass";
  }
  std::vector<std::string> Out() {
    std::vector<std::string> out;
    if (!fs::exists(dir_ / "out")) return out;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "out")) {
      if (!entry.is_directory()) {
        out.push_back(entry.path().lexically_relative(dir_ / "out").string());
      }
    }
    return out;
  }

  TempDir dir_;
  FakeLibrary library_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

TEST_F(TransferTest, PublishedFilesComeBackAsTheyWere) {
  std::vector<std::pair<std::string, std::string>> files = {
      {"bin/api", RandomBytes(300'000, 1)},
      {"etc/api.conf", "port: 80\n"},
      {"empty", ""},
      {"zeros", std::string(200'000, '\0')},
  };
  Publish(files);
  auto result = Download();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->files.size(), files.size());
  for (const auto& [name, bytes] : files) EXPECT_EQ(dir_.Read("out/" + name), bytes) << name;
  EXPECT_EQ(Out().size(), files.size());
  VerificationReport report = Verify(dir_ / "out");
  EXPECT_TRUE(report.passed) << FirstFailure(report);
}

TEST_F(TransferTest, TheSecondUploadSendsNothing) {
  Client client = Connect();
  fs::path file = dir_.Write("file", RandomBytes(300'000, 2));
  TransferProgress first, second;
  ASSERT_TRUE(UploadFile(client, "acme", file, [&](const auto& p) { first = p; }).ok());
  uint64_t sent = library_.chunks_received;
  EXPECT_GT(sent, 100u);
  EXPECT_EQ(first.bytes_done, 300'000u);
  EXPECT_EQ(first.bytes_total, 300'000u);
  EXPECT_GE(first.bytes_sent, 290'000u);
  absl::StatusOr<BlobRef> again =
      UploadFile(client, "acme", file, [&](const auto& p) { second = p; });
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->digest, Sha256(RandomBytes(300'000, 2)));
  EXPECT_EQ(library_.chunks_received, sent);
  EXPECT_EQ(second.bytes_sent, 0u);
  EXPECT_EQ(second.bytes_done, 300'000u);
}

TEST_F(TransferTest, AnUploadThatIsBrokenOffAnywhereGoesOn) {
  library_.max_message_size = 140'000;  // Several messages in a stream.
  for (int drop = 0; drop < 4; ++drop) {
    SCOPED_TRACE(drop);
    Client client = Connect();
    library_.upload_drops = {drop, 0, drop};
    std::string bytes = RandomBytes(200'000, 100 + drop);
    fs::path file = dir_.Write("file", bytes);
    absl::StatusOr<BlobRef> blob = UploadFile(client, "acme", file, nullptr);
    ASSERT_TRUE(blob.ok()) << blob.status();
    EXPECT_EQ(*blob, (BlobRef{Sha256(bytes), bytes.size()}));
  }
  EXPECT_FALSE(library_.waits.empty());
}

TEST_F(TransferTest, AnUploadThatNeverGetsAnywhereGivesUp) {
  Client client = Connect();
  library_.upload_drops = std::deque<int>(100, 0);
  absl::Status status =
      UploadFile(client, "acme", dir_.Write("file", RandomBytes(5000, 3)), nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  const milliseconds waited =
      std::accumulate(library_.waits.begin(), library_.waits.end(), milliseconds(0));
  EXPECT_GE(waited, library_.Options().retry.patience);
  EXPECT_EQ(library_.calls["UploadBlobs"], static_cast<int>(library_.waits.size()) + 1);
}

TEST_F(TransferTest, AChunkThatVanishedBetweenAskingAndSendingIsSentAfterAll) {
  Client client = Connect();
  const std::string half = RandomBytes(100'000, 4);
  ASSERT_TRUE(UploadFile(client, "acme", dir_.Write("half", half), nullptr).ok());
  const std::string bytes = half + RandomBytes(100'000, 5);
  library_.vanish_after_find = 1;
  absl::StatusOr<BlobRef> blob = UploadFile(client, "acme", dir_.Write("file", bytes), nullptr);
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(*blob, (BlobRef{Sha256(bytes), bytes.size()}));
  EXPECT_EQ(library_.calls["UploadBlobs"], 3);
}

TEST_F(TransferTest, DamagedChunksAreSentAgainHoweverManyThereAre) {
  Client client = Connect();
  const std::string bytes = RandomBytes(300'000, 6);
  const fs::path file = dir_.Write("file", bytes);
  ASSERT_TRUE(UploadFile(client, "acme", file, nullptr).ok());
  library_.Damage(bytes, 9);
  ASSERT_EQ(library_.damaged.size(), 9u);
  const uint64_t sent = library_.chunks_received;
  absl::StatusOr<BlobRef> again = UploadFile(client, "acme", file, nullptr);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, (BlobRef{Sha256(bytes), bytes.size()}));
  EXPECT_TRUE(library_.damaged.empty());
  EXPECT_EQ(library_.chunks_received - sent, 9u);
}

TEST_F(TransferTest, DamageThatNeverCountsAsMissingEndsTheUpload) {
  Client client = Connect();
  const std::string bytes = RandomBytes(50'000, 7);
  const fs::path file = dir_.Write("file", bytes);
  ASSERT_TRUE(UploadFile(client, "acme", file, nullptr).ok());
  library_.Damage(bytes, 1);
  library_.keeps_damage = true;
  EXPECT_EQ(Reason(UploadFile(client, "acme", file, nullptr).status()), "CHUNK_CORRUPT");
  EXPECT_EQ(library_.calls["UploadBlobs"], 3);
}

TEST_F(TransferTest, AFileThatChangesWhileItIsReadIsRefused) {
  Client client = Connect();
  fs::path file = dir_.Write("file", RandomBytes(3 << 20, 5));
  bool changed = false;
  absl::Status status = UploadFile(client, "acme", file, [&](const auto&) {
                          if (!std::exchange(changed, true)) dir_.Write("file", "short");
                        }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(status), "FILE_CHANGED");
  EXPECT_EQ(library_.BlobCount(), 0u);
}

TEST_F(TransferTest, FoldersPipesAndMissingFilesAreNotUploaded) {
  Client client = Connect();
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Reason(UploadFile(client, "acme", dir_.path(), nullptr).status()), "FILE_NOT_REGULAR");
  EXPECT_EQ(Reason(UploadFile(client, "acme", dir_ / "pipe", nullptr).status()),
            "FILE_NOT_REGULAR");
  EXPECT_EQ(Reason(UploadFile(client, "acme", dir_ / "none", nullptr).status()), "FILE_NOT_FOUND");
}

TEST_F(TransferTest, PublishNeedsAKeyAndFitNames) {
  Client client = Connect();
  PublishInput no_key = Input({{"a", "1"}});
  no_key.keys.clear();
  EXPECT_EQ(Reason(PublishPackage(client, no_key, nullptr).status()), "PUBLISHER_KEY_MISSING");
  PublishInput twice = Input({{"a", "1"}, {"a", "2"}});
  EXPECT_EQ(Reason(PublishPackage(client, twice, nullptr).status()), "FILE_NAME_REPEATED");
  PublishInput folder = Input({{"a", "1"}, {"a-b", "2"}});
  folder.files[1].name = "a/b";
  EXPECT_EQ(Reason(PublishPackage(client, folder, nullptr).status()), "FILE_NAME_CONFLICT");
  for (const char* name : {"../a", "/a", "a/../b", "%2e%2e/a", "a\\b", ""}) {
    PublishInput input = Input({{"a", "1"}});
    input.files[0].name = name;
    EXPECT_EQ(Reason(PublishPackage(client, input, nullptr).status()), "PATH_INVALID") << name;
  }
  EXPECT_EQ(library_.calls["UploadBlobs"], 0);
}

TEST_F(TransferTest, WhatIsPublishedStaysPublished) {
  Publish({{"a", "1"}});
  Client client = Connect();
  const uint64_t size = library_.log_size();
  auto again = PublishPackage(client, Input({{"a", "1"}}), nullptr);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->done_before);
  EXPECT_EQ(again->commit.index, again->value.published_index);
  EXPECT_EQ(library_.log_size(), size);
  // A library that takes other content for the same is not believed.
  EXPECT_EQ(Reason(PublishPackage(client, Input({{"a", "2"}}), nullptr).status()),
            "SERVER_ANSWER_INVALID");
}

TEST_F(TransferTest, ADownloadThatIsBrokenOffAnywhereGoesOn) {
  std::string bytes = RandomBytes(200'000, 6);
  Publish({{"file", bytes}});
  for (int drop = 0; drop < 70; drop += 3) {
    SCOPED_TRACE(drop);
    fs::remove_all(dir_ / "out");
    library_.download_drops = {drop, 0, 1, drop};
    auto result = Download();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(dir_.Read("out/file"), bytes);
    EXPECT_EQ(Out().size(), 1u);
  }
}

TEST_F(TransferTest, ANewProcessGoesOnWhereTheOldOneEnded) {
  std::string bytes = RandomBytes(200'000, 7);
  Publish({{"file", bytes}});
  std::deque<int> drops(100, 0);  // More than anybody tries.
  drops.front() = 40;
  library_.download_drops = drops;
  EXPECT_EQ(Download().status().code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(Out().size(), 1u);
  EXPECT_THAT(Out()[0], ::testing::StartsWith(".dml-part-"));
  // Half of a chunk, or rubbish after the whole ones, is found out and fetched again.
  std::string part = dir_.Read("out/" + Out()[0]);
  EXPECT_GT(part.size(), 10'000u);
  for (const std::string& left :
       {part, part.substr(0, part.size() - 100), part + "rubbish", "x" + part,
        part + std::string(1'000'000, 'z'), part.substr(0, 9000) + "!" + part.substr(9001)}) {
    fs::remove_all(dir_ / "out");
    library_.download_drops = drops;
    EXPECT_FALSE(Download().ok());
    dir_.Write("out/" + Out()[0], left);
    library_.download_drops.clear();
    Client client = Connect();
    TransferProgress last;
    auto result = DownloadVariant(client, kName, dir_ / "out", {},
                                  [&](const auto& progress) { last = progress; });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(dir_.Read("out/file"), bytes);
    EXPECT_EQ(Out(), std::vector<std::string>{"file"});
    EXPECT_EQ(last.bytes_done, bytes.size());
    if (left == part) {
      EXPECT_LT(last.bytes_sent, bytes.size() - part.size() + 10'000);
    }
  }
}

// Files are made durable and named many at a time; what has come stays where a later one fails.
TEST_F(TransferTest, ManySmallFilesComeInBatches) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < 300; ++i) {
    files.emplace_back("d" + std::to_string(i % 3) + "/f" + std::to_string(i), std::to_string(i));
  }
  Publish(files);
  library_.before = [&](const std::string& method) {
    return method == "ReadChunks" && library_.calls[method] > 200
               ? grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no more")
               : grpc::Status::OK;
  };
  EXPECT_EQ(Download().status().code(), absl::StatusCode::kPermissionDenied);
  auto named = [&] {
    return std::ranges::count_if(files, [&](const auto& file) {
      return fs::exists(dir_ / "out" / file.first) && dir_.Read("out/" + file.first) == file.second;
    });
  };
  EXPECT_EQ(named(), 200);
  library_.before = nullptr;
  library_.calls.clear();
  ASSERT_TRUE(Download().ok());
  EXPECT_EQ(named(), 300);
  EXPECT_EQ(library_.calls["ReadChunks"], 100);
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "out")) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".dml")) << entry.path();
  }
}

TEST_F(TransferTest, AServerThatSendsNothingIsGivenUp) {
  Publish({{"file", RandomBytes(5000, 8)}});
  ClientOptions options = library_.Options();
  options.stall_timeout = std::chrono::milliseconds(50);
  options.retry.max_attempts = 2;
  library_.stall = true;
  Client client = *Client::Create(options);
  absl::Status status = DownloadVariant(client, kName, dir_ / "out", {}, nullptr).status();
  EXPECT_EQ(Reason(status), "TRANSFER_STALLED");
  EXPECT_EQ(library_.calls["ReadChunks"], 2);
}

TEST_F(TransferTest, FilesThatAreThereAreKept) {
  Publish({{"a", "the package's"}, {"b", "same"}});
  dir_.Write("out/a", "mine");
  dir_.Write("out/b", "same");
  absl::Status status = Download().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Reason(status), "FILE_EXISTS");
  EXPECT_EQ(dir_.Read("out/a"), "mine");
  ASSERT_TRUE(Download(/*overwrite=*/true).ok());
  EXPECT_EQ(dir_.Read("out/a"), "the package's");
}

TEST_F(TransferTest, AWithdrawnVariantIsFetchedOnlyWhereThatIsAskedFor) {
  Publish({{"a", "1"}});
  library_.change_variant = [](v1::GetVariantResponse& response) {
    response.mutable_variant()->set_state(v1::Variant::STATE_WITHDRAWN);
    response.mutable_variant()->set_withdraw_reason("loses payments");
  };
  const absl::Status refused = Download().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(refused), "VARIANT_WITHDRAWN");
  EXPECT_THAT(std::string(Message(refused)), ::testing::HasSubstr("loses payments"));
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  Client client = Connect();
  auto got = DownloadVariant(client, kName, dir_ / "out", {.allow_withdrawn = true}, nullptr);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(dir_.Read("out/a"), "1");
}

TEST_F(TransferTest, FilesAreCheckedOnlyWhereThatIsAskedFor) {
  Publish({{"a", RandomBytes(300'000, 20)}, {"b", "small"}, {"c", "small"}, {"empty", ""}});
  Client client = Connect();
  VerificationReport report = Verify();
  EXPECT_TRUE(report.passed);
  EXPECT_FALSE(report.files_checked);
  EXPECT_EQ(library_.calls["ReadChunks"], 0);

  TransferProgress last;
  auto whole =
      VerifyVariant(client, kName, {.content = true, .progress = [&](const auto& p) { last = p; }});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_TRUE(whole->passed) << FirstFailure(*whole);
  EXPECT_TRUE(whole->files_checked);
  EXPECT_EQ(whole->steps.size(), report.steps.size() + 4);
  EXPECT_EQ(last.bytes_done, 300'005u);
  EXPECT_TRUE(Verify(dir_ / "in").files_checked);

  const Digest small = Sha256("small");
  library_.change_chunk = [&](v1::Chunk& chunk) {
    if (chunk.sha256() == small.raw()) chunk.mutable_data()->back() ^= 1;
  };
  auto damaged = VerifyVariant(client, kName, {.content = true});
  ASSERT_TRUE(damaged.ok()) << damaged.status();
  EXPECT_FALSE(damaged->passed);
  std::vector<std::string> failed;
  for (const VerificationStep& step : damaged->steps) {
    if (!step.passed) failed.push_back(step.what);
  }
  EXPECT_THAT(failed, ::testing::UnorderedElementsAre("stored file b", "stored file c"));
}

// attack 23
TEST_F(TransferTest, ADamagedChunkNeverBecomesAFile) {
  Publish({{"file", RandomBytes(50'000, 9)}});
  using Change = std::function<void(v1::Chunk&)>;
  for (const Change& change : std::vector<Change>{
           [](v1::Chunk& chunk) { chunk.mutable_data()->back() ^= 1; },
           [](v1::Chunk& chunk) { chunk.mutable_data()->clear(); },
           [](v1::Chunk& chunk) { chunk.mutable_data()->push_back('x'); },
           [](v1::Chunk& chunk) { chunk.set_codec(v1::CHUNK_CODEC_ZSTD); },
           [](v1::Chunk& chunk) { chunk.mutable_data()->assign(chunk.size(), '\0'); }}) {
    library_.change_chunk = change;
    absl::Status status = Download().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_EQ(Reason(status), "CHUNK_DIGEST_MISMATCH");
    EXPECT_FALSE(fs::exists(dir_ / "out/file"));
  }
}

// attack T2
TEST_F(TransferTest, ALyingChunkListIsRefused) {
  Publish({{"file", RandomBytes(50'000, 10)}});
  using Change = std::function<void(v1::GetBlobChunksResponse&)>;
  for (const Change& change :
       std::vector<Change>{[](auto& list) { list.mutable_chunks()->RemoveLast(); },
                           [](auto& list) { *list.add_chunks() = list.chunks(0); },
                           [](auto& list) { list.clear_chunks(); },
                           [](auto& list) { list.set_next_page_token("0"); },
                           [](auto& list) { list.mutable_chunks(0)->set_size(0); },
                           [](auto& list) { list.mutable_chunks(0)->set_size(0xffffffff); },
                           [](auto& list) { list.mutable_chunks(0)->set_sha256("short"); }}) {
    library_.change_chunk_list = change;
    absl::Status status = Download().status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(Reason(status), ::testing::AnyOf("SERVER_ANSWER_INVALID", "CHUNK_DIGEST_MISMATCH"))
        << status;
    EXPECT_FALSE(fs::exists(dir_ / "out/file"));
  }
  // Chunks that are what they say, and a whole that is not.
  library_.change_chunk_list = [](auto& list) { list.mutable_chunks()->SwapElements(0, 1); };
  EXPECT_FALSE(Download().ok());
  EXPECT_FALSE(fs::exists(dir_ / "out/file"));
}

// attack 30
TEST_F(TransferTest, NamesThatLeadOutAreRefusedBeforeAnythingIsWritten) {
  library_.ForceBlob("evil");
  for (const char* name : {"../evil", "/tmp/evil", "a/../../evil", "%2e%2e/evil", ".dml-part-0000",
                           "a/.dml-part-0000"}) {
    Manifest manifest;
    manifest.files = {{name, {Sha256("evil"), 4}}};
    ForceVariant(manifest, key_);
    EXPECT_FALSE(Download().ok()) << name;
    EXPECT_TRUE(Out().empty()) << name;
    EXPECT_FALSE(fs::exists(dir_ / "evil"));
  }
}

// attack 30
TEST_F(TransferTest, LinksAreNeverFollowed) {
  Publish({{"bin/tool", "tool"}, {"conf", "conf"}});
  fs::create_directories(dir_ / "out");
  fs::create_directories(dir_ / "elsewhere");
  fs::create_directory_symlink(dir_ / "elsewhere", dir_ / "out/bin");
  absl::Status status = Download(/*overwrite=*/true).status();
  EXPECT_EQ(Reason(status), "PATH_UNSAFE");
  EXPECT_TRUE(fs::is_empty(dir_ / "elsewhere"));

  fs::remove(dir_ / "out/bin");
  dir_.Write("target", "untouched");
  fs::remove(dir_ / "out/conf");
  fs::create_symlink(dir_ / "target", dir_ / "out/conf");
  EXPECT_EQ(Reason(Download(/*overwrite=*/true).status()), "PATH_UNSAFE");
  EXPECT_EQ(dir_.Read("target"), "untouched");
}

TEST_F(TransferTest, TheProductsFilesAndNothingElse) {
  Publish({{"bin/tool", "tool"}, {"conf", "conf"}});
  ASSERT_TRUE(Download().ok());
  EXPECT_TRUE(Verify(dir_ / "out").passed);
  auto fails = [&](const std::string& what) {
    VerificationReport report = Verify(dir_ / "out");
    EXPECT_FALSE(report.passed);
    EXPECT_EQ(FirstFailure(report), what);
    fs::remove_all(dir_ / "out");
    ASSERT_TRUE(Download().ok());
  };
  dir_.Write("out/conf", "c0nf");
  fails("file conf");
  dir_.Write("out/conf", "conf and more");
  fails("file conf");
  fs::remove(dir_ / "out/bin/tool");
  fails("file bin/tool");
  dir_.Write("out/bin/other", "");
  fails("file bin/other");
  fs::create_directories(dir_ / "out/etc/empty");
  fails("file etc/empty/");
  fs::rename(dir_ / "out/conf", dir_ / "conf");
  fs::create_symlink(dir_ / "conf", dir_ / "out/conf");
  fails("file conf");
  EXPECT_TRUE(Verify(dir_ / "out").passed);
}

TEST_F(TransferTest, DocumentsThatWereChangedAreFoundOut) {
  Publish({{"a", "1"}});
  using Change = std::function<void(v1::GetVariantResponse&)>;
  for (const auto& [step, change] : std::vector<std::pair<std::string, Change>>{
           {"documents", [](auto& r) { r.mutable_manifest()->push_back(' '); }},
           {"documents", [](auto& r) { r.mutable_spec()->push_back(' '); }},
           {"documents",
            [](auto& r) { r.mutable_attestations(0)->mutable_envelope_data()->push_back(' '); }},
           {"documents",
            [](auto& r) {
              r.mutable_variant()->set_name("packages/acme/api/versions/2.0.0/variants/any");
            }},
           {"manifest", [](auto& r) { r.mutable_variant()->set_file_count(7); }},
           {"publication", [](auto& r) { r.clear_attestations(); }},
           {"journal entry", [](auto& r) { r.mutable_variant()->set_published_index(0); }},
           {"journal entry", [](auto& r) { r.mutable_variant()->set_published_index(99); }}}) {
    library_.change_variant = change;
    VerificationReport report = Verify();
    EXPECT_FALSE(report.passed) << step;
    EXPECT_EQ(FirstFailure(report), step);
    EXPECT_EQ(Reason(Download().status()), "VARIANT_NOT_VERIFIED");
  }
  library_.change_variant = nullptr;
  EXPECT_TRUE(Verify().passed);
}

// attack 7
TEST_F(TransferTest, ASignatureOfAnyoneElseIsNone) {
  PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  ForceVariant({}, stranger);
  EXPECT_EQ(FirstFailure(Verify()), "publication");
  library_.Trust(stranger.public_key(), "other");
  EXPECT_EQ(FirstFailure(Verify()), "publication");
  library_.Trust(stranger.public_key(), "acme");
  EXPECT_EQ(FirstFailure(Verify()), "");
}

// attack 16
TEST_F(TransferTest, ThePublicationMustSayItAllInOneEnvelope) {
  ForceVariant({}, key_, kTestResultPredicate);
  EXPECT_EQ(FirstFailure(Verify()), "publication");
  ForceVariant({}, key_, kPublicationPredicate, {{"acme", "api"}, "2.0.0", {}});
  EXPECT_EQ(FirstFailure(Verify()), "publication");
  ForceVariant({}, key_);
  EXPECT_EQ(FirstFailure(Verify()), "");
}

// attack 3
TEST_F(TransferTest, APublicationOfAnotherManifestDoesNotCount) {
  Manifest other;
  other.files = {{"other", {Sha256("other"), 5}}};
  std::string envelope;
  library_.change_variant = [&](v1::GetVariantResponse& r) {
    envelope = r.attestations(0).envelope_data();
  };
  ForceVariant(other, key_);
  EXPECT_EQ(FirstFailure(Verify()), "");
  library_.change_variant = nullptr;
  Manifest manifest;
  manifest.config = {Sha256(kSpec), std::string(kSpec).size()};
  library_.Force(kName, FormatManifest(manifest), kSpec, {envelope});
  EXPECT_EQ(FirstFailure(Verify()), "publication");
}

TEST_F(TransferTest, WhatIsNotThereIsNotFound) {
  Client client = Connect();
  absl::Status status = VerifyVariant(client, kName, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(status), "VARIANT_NOT_FOUND");
}

}  // namespace
}  // namespace dml
