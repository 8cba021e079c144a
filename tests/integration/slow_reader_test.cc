// Readers that take next to nothing: what they cost the daemon, and the others.
#include <fstream>

#include "client/connection.h"
#include "dml/v1/content.grpc.pb.h"
#include "tests/integration/support/command_library.h"
#include "tools/bench/trickling_proxy.h"

namespace dml {
namespace {

using testing::Noise;

constexpr int kReaders = 16;
constexpr uint64_t kMostOfOne = 8 << 20;  // Bytes of memory of the daemon.

class SlowReaderTest : public testing::CommandLibrary {
 protected:
  SlowReaderTest() : CommandLibrary("limits: {maxTransfers: 32, blockCacheBytes: 8388608}\n") {}

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin());
    Publish("1.0.0", content_);
  }

  // Resident memory of the daemon, in bytes.
  uint64_t Memory() const {
    std::ifstream status(fmt::format("/proc/{}/status", library_.pid()));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) << 10;
    }
    ADD_FAILURE() << "no VmRSS";
    return 0;
  }

  const std::string content_ = Noise("content", 40 << 20);
};

// One that has asked for everything and reads no more than a message.
class SlowReader {
 public:
  SlowReader(const ClientOptions& options, const Digest& blob)
      : client_(testing::RunningLibrary::NewClient(options)) {
    v1::GetBlobChunksRequest ask;
    ask.set_name(testing::NameOfVersion("acme/tool", "1.0.0").ResourceName());
    ask.set_digest(blob.ToString());
    auto list = client_.connection().Call(&v1::ContentService::Stub::GetBlobChunks, ask);
    EXPECT_TRUE(list.ok()) << list.status();
    v1::ReadChunksRequest request;
    request.set_name(ask.name());
    request.set_digest(ask.digest());
    request.add_ranges()->set_count(list->chunk_count());
    stream_ =
        v1::ContentService::Stub(client_.connection().channel()).ReadChunks(&context_, request);
    EXPECT_TRUE(Read());
  }
  bool Read() {
    v1::ReadChunksResponse response;
    if (!stream_->Read(&response)) return false;
    for (const v1::Chunk& chunk : response.chunks()) bytes_ += chunk.size();
    return true;
  }
  uint64_t bytes() const { return bytes_; }
  grpc::Status Finish() { return stream_->Finish(); }
  void Cancel() {
    context_.TryCancel();
    stream_->Finish();
  }

 private:
  Client client_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ReadChunksResponse>> stream_;
  uint64_t bytes_ = 0;
};

// A kilobyte a second, where a second is as long as somebody else's pull.
TEST_F(SlowReaderTest, AKilobyteASecondCostsLittleMemoryAndNobodyElseAnything) {
  const std::string small = Noise("small", 100'000);
  Publish("2.0.0", small);
  ExpectThere("1.0.0", content_);
  const uint64_t before = Memory();
  ClientOptions options = library_.AdminOptions();
  auto proxy = TricklingProxy::Start(testing::PortOf(options.target));
  ASSERT_TRUE(proxy.ok()) << proxy.status();
  options.target = (*proxy)->address();
  absl::Status pulled;
  std::thread reader([&] {
    Client slow = testing::RunningLibrary::NewClient(options);
    pulled =
        DownloadVariant(slow, testing::NameOfVersion("acme/tool", "1.0.0"), Path("slow"), {}, {})
            .status();
  });
  ASSERT_TRUE((*proxy)->Allow(64 << 10));  // The handshake, the questions before, the beginning.
  for (int second = 0; second < 30; ++second) {
    EXPECT_TRUE((*proxy)->Allow(1000));
    ExpectThere("2.0.0", small);
  }
  EXPECT_LT(Memory(), before + kMostOfOne);
  ExpectThere("1.0.0", content_);
  (*proxy)->AllowAll();
  reader.join();
  EXPECT_TRUE(pulled.ok()) << pulled;
  EXPECT_TRUE(testing::ReadBytes(Path("slow/tool")) == content_);
}

TEST_F(SlowReaderTest, ManyCostLittleMemoryAndNobodyElseAnything) {
  ExpectThere("1.0.0", content_);  // What every pull needs is in memory now.
  const uint64_t before = Memory();
  std::vector<std::unique_ptr<SlowReader>> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<SlowReader>(library_.AdminOptions(), Sha256(content_)));
  }
  ExpectThere("1.0.0", content_);
  const uint64_t after = Memory();
  EXPECT_LT(after, before + kReaders * kMostOfOne);
  // Slow is not silent: whoever goes on gets the rest.
  SlowReader& last = *readers.back();
  while (last.Read()) {
  }
  EXPECT_TRUE(last.Finish().ok());
  EXPECT_EQ(last.bytes(), content_.size());
  readers.pop_back();
  for (auto& reader : readers) reader->Cancel();
  ExpectThere("1.0.0", content_);
}

// 24 of 32 places are for large pulls at most, whoever they are of; one principal has no more.
TEST_F(SlowReaderTest, LargePullsLeaveRoomForSmallOnes) {
  const std::string small = Noise("small", 100'000);
  Publish("2.0.0", small);
  std::vector<std::unique_ptr<SlowReader>> readers;
  for (int i = 0; i < 24; ++i) {
    readers.push_back(std::make_unique<SlowReader>(library_.AdminOptions(), Sha256(content_)));
  }
  UseOwnProfile();
  ExpectThere("2.0.0", small);
  ClientOptions options = *LoadProfile(profile_);
  options.retry.max_attempts = 1;
  Client other = testing::RunningLibrary::NewClient(options);
  auto pull = [&](const char* version) {
    return DownloadVariant(other, testing::NameOfVersion("acme/tool", version),
                           Path("other-" + std::string(version)), {}, {})
        .status();
  };
  EXPECT_EQ(Reason(pull("1.0.0")), "TOO_MANY_TRANSFERS");
  EXPECT_TRUE(pull("2.0.0").ok());
  readers.front()->Cancel();
  readers.erase(readers.begin());
  while (Reason(pull("1.0.0")) == "TOO_MANY_TRANSFERS") {
  }
  EXPECT_TRUE(testing::ReadBytes(Path("other-1.0.0/tool")) == content_);
  for (auto& reader : readers) reader->Cancel();
}

}  // namespace
}  // namespace dml
