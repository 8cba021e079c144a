// Connections that break at any byte, and daemons that end in the middle: transfers go on. No
// connection lives long enough for the whole, so only a transfer that resumes comes to its end.
#include <atomic>
#include <random>

#include "client/connection.h"
#include "core/crypto/sha256.h"
#include "dml/v1/content.grpc.pb.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/cutting_proxy.h"
#include "tests/integration/support/running_library.h"

namespace dml {
namespace {

using testing::CuttingProxy;
using testing::NameOfVersion;
using testing::ReadBytes;
using testing::RunningLibrary;
using testing::ScratchFolder;

constexpr size_t kFileBytes = 12 << 20;  // Three packs' worth of loose frames: both paths.

class BrokenTransferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RecordProperty("seed", std::to_string(seed_));
    ASSERT_TRUE(library_.Start());
    Client admin = library_.NewClient();
    ASSERT_TRUE(admin.CreateNamespace("acme", "", {}).ok());
    ASSERT_TRUE(
        testing::RegisterKey(admin, key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"})
            .ok());
    bytes_.resize(kFileBytes);
    for (char& byte : bytes_) byte = static_cast<char>(random_());
    file_ = testing::WriteBytes(folder_.path() / "in", bytes_);
  }

  int Port() const { return testing::PortOf(library_.AdminOptions().target); }
  // Every connection is cut after 2.5 to 4.5 MiB, at any byte.
  std::unique_ptr<CuttingProxy> Break(std::function<void()> on_cut) {
    return std::make_unique<CuttingProxy>([this] { return Port(); },
                                          [this] { return (5 << 19) + random_() % (2 << 20); },
                                          std::move(on_cut));
  }
  Client Through(const CuttingProxy& proxy, int max_attempts = 30) {
    ClientOptions options = library_.AdminOptions();
    options.target = proxy.address();
    options.state_file = folder_.path() / "checkpoint";
    options.retry.max_attempts = max_attempts;
    options.retry.first_delay = std::chrono::milliseconds(5);
    options.retry.max_delay = std::chrono::milliseconds(50);
    return RunningLibrary::NewClient(options);
  }
  absl::Status Publish(Client& client) {
    PublishInput input;
    input.spec_json = testing::SpecJson("acme/tool", "1.0.0");
    input.files = {{file_, "tool"}};
    input.keys = {&key_};
    return PublishPackage(client, input, {}).status();
  }
  void Pull(Client& client) {
    auto pulled = DownloadVariant(client, NameOfVersion("acme/tool", "1.0.0"),
                                  folder_.path() / "out", {}, {});
    ASSERT_TRUE(pulled.ok()) << pulled.status() << " seed " << seed_;
    EXPECT_TRUE(ReadBytes(folder_.path() / "out" / "tool") == bytes_) << "seed " << seed_;
  }

  const uint32_t seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  ScratchFolder folder_;
  RunningLibrary library_{folder_.path() / "data"};
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::string bytes_;
  std::filesystem::path file_;
};

TEST_F(BrokenTransferTest, BothWaysGoOnAfterAConnectionBreaks) {
  auto proxy = Break([] {});
  Client client = Through(*proxy);
  const absl::Status published = Publish(client);
  ASSERT_TRUE(published.ok()) << published << " seed " << seed_;
  EXPECT_GE(proxy->cuts(), 2);
  const int cuts = proxy->cuts();
  Pull(client);
  EXPECT_GE(proxy->cuts(), cuts + 2);
}

TEST_F(BrokenTransferTest, BothWaysGoOnAfterTheDaemonWasStartedAgain) {
  auto proxy = Break([this] {
    EXPECT_EQ(library_.Stop(), 0);
    ASSERT_TRUE(library_.Start());
  });
  Client client = Through(*proxy);
  const absl::Status published = Publish(client);
  ASSERT_TRUE(published.ok()) << published << " seed " << seed_;
  Pull(client);
  EXPECT_GE(proxy->cuts(), 4);
}

TEST_F(BrokenTransferTest, APullGoesOnAfterTheDaemonWasKilled) {
  Client direct = library_.NewClient();
  ASSERT_TRUE(Publish(direct).ok());
  auto proxy = Break([this] {
    library_.Kill();
    ASSERT_TRUE(library_.Start());
  });
  Client client = Through(*proxy);
  Pull(client);
  EXPECT_GE(proxy->cuts(), 2);
}

// More tries fail than a call has attempts: what counts is that the library answered before.
TEST_F(BrokenTransferTest, BothWaysWaitForAKilledDaemonThatStaysAwayForAWhile) {
  int refused = 0;
  bool away = false;
  std::atomic<uint64_t> cut = 3 << 20;  // Of the next connection; none of those after it.
  CuttingProxy proxy(
      [&] {
        if (away && ++refused % 4 == 0) {
          EXPECT_TRUE(library_.Start());
          away = false;
        }
        return Port();
      },
      [&] { return cut.exchange(0); },
      [&] {
        library_.Kill();
        away = true;
      });
  Client client = Through(proxy, /*max_attempts=*/2);
  const absl::Status published = Publish(client);
  ASSERT_TRUE(published.ok()) << published << " seed " << seed_;
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_EQ(refused, 4);
  cut = 3 << 20;
  Client other = Through(proxy, /*max_attempts=*/2);
  client = std::move(other);  // Ends its connection, the only one that the proxy forwards.
  Pull(client);
  EXPECT_EQ(proxy.cuts(), 2);
  EXPECT_EQ(refused, 8);
}

TEST_F(BrokenTransferTest, DownloadsPassFramesThroughWithoutACodec) {
  bytes_.resize(3 << 20);
  bytes_ += std::string(2 << 20, 'x');  // Compressed, other than what is random.
  testing::WriteBytes(file_, bytes_);
  Client client = library_.NewClient();
  ASSERT_TRUE(Publish(client).ok());
  Pull(client);
  auto status = client.GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_GT(status->frames_sent, 20u);
  EXPECT_EQ(status->chunks_decoded, 0u);

  // Whoever wants plain bytes gets them, and it counts.
  v1::ReadBlobRequest request;
  request.set_name(NameOfVersion("acme/tool", "1.0.0").ResourceName());
  request.set_digest(Sha256(bytes_).ToString());
  grpc::ClientContext context;
  auto stream = v1::ContentService::Stub(client.connection().channel()).ReadBlob(&context, request);
  v1::ReadBlobResponse part;
  std::string whole;
  while (stream->Read(&part)) whole += part.data();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(whole == bytes_);
  EXPECT_GT(client.GetStatus()->chunks_decoded, 20u);
}

}  // namespace
}  // namespace dml
