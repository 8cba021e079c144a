// Many clients and the same content at the same time: it is stored once, and read about once.
#include <barrier>
#include <fstream>
#include <thread>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::Noise;
using testing::RunningLibrary;

constexpr int kClients = 8;
constexpr size_t kFileBytes = 12 << 20;  // More than goes into one pack's first frames.

class SharedContentTest : public testing::CommandLibrary {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(Begin()); }

  // What `work` does in as many threads, each with a client of its own, begun at once.
  void AllAtOnce(std::function<void(int, Client&)> work) {
    std::barrier begin(kClients);
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i) {
      threads.emplace_back([&, i] {
        Client client = library_.NewClient();
        begin.arrive_and_wait();
        work(i, client);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  // Bytes that the daemon has read by system calls of files, and of the network.
  uint64_t BytesRead() const {
    std::ifstream io(fmt::format("/proc/{}/io", library_.pid()));
    std::string key;
    uint64_t value = 0;
    io >> key >> value;
    EXPECT_EQ(key, "rchar:");
    return value;
  }

  const std::string content_ = Noise("content", kFileBytes);
};

TEST_F(SharedContentTest, ManyClientsUploadTheSameFileAtOnce) {
  const auto file = testing::WriteBytes(Path("tool"), content_);
  const BlobRef blob{Sha256(content_), content_.size()};
  AllAtOnce([&](int, Client& client) {
    auto uploaded = UploadFile(client, "acme", file, nullptr);
    ASSERT_TRUE(uploaded.ok()) << uploaded.status();
    EXPECT_EQ(*uploaded, blob);
  });
  Publish("1.0.0", content_);
  ExpectThere("1.0.0", content_);
  Do({"admin", "repack", "--wait"});
  EXPECT_EQ(Do({"admin", "scrub", "--rate", "1GiB", "--wait"})["damagedCount"], 0);
  ExpectThere("1.0.0", content_);
  const Json figures = Storage();
  EXPECT_EQ(figures["logicalBytes"], content_.size());
  EXPECT_LT(figures["storedBytes"], content_.size() * 11 / 10) << figures.dump();
}

TEST_F(SharedContentTest, ManyPullsOfOneFileReadItAboutOnce) {
  Publish("1.0.0", content_);
  ASSERT_EQ(library_.Stop(), 0);
  ASSERT_TRUE(library_.Start());  // Nothing is in memory.
  const uint64_t before = BytesRead();
  AllAtOnce([&](int number, Client& client) {
    const auto out = Path("out" + std::to_string(number));
    auto pulled =
        DownloadVariant(client, testing::NameOfVersion("acme/tool", "1.0.0"), out, {}, {});
    ASSERT_TRUE(pulled.ok()) << pulled.status();
    EXPECT_TRUE(testing::ReadBytes(out + "/tool") == content_);
  });
  EXPECT_LT(BytesRead() - before, 3 * content_.size());
}

}  // namespace
}  // namespace dml
