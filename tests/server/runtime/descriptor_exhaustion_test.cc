// What happens when a daemon runs out of descriptors (CVE-2023-4785 in gRPC 1.51): it never accepts
// again, not even after all connections are gone; the self-probe sees that and ends the process.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "server/runtime/program.h"
#include "server/runtime/self_probe.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/child_daemon.h"

namespace dml {
namespace {

using testing::ChildDaemon;
using testing::ScratchFolder;

constexpr rlim_t kDescriptors = 330;
constexpr int kConnections = 400;

std::vector<int> ConnectMany(const ListenAddress& address, int count) {
  std::vector<int> out;
  for (int i = 0; i < count; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(address.port));
    ::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr);
    if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      ADD_FAILURE() << "connection " << i << " failed";
      break;
    }
    out.push_back(fd);
  }
  return out;
}

class DescriptorExhaustionTest : public ::testing::Test {
 protected:
  // A daemon with few descriptors and this self-probe, and where it listens.
  std::unique_ptr<ChildDaemon> Start(std::string_view self_probe) {
    folder_.Write("dmld.yaml",
                  "dataDir: data\nlisten: 127.0.0.1:0\n" +
                      ("limits: {maxOpenFiles: 64}\nselfProbe: " + std::string(self_probe) + "\n"));
    auto daemon = std::make_unique<ChildDaemon>(
        std::vector<std::string>{"--config", (folder_.path() / "dmld.yaml").string()},
        folder_.path(), kDescriptors);
    const std::string line = daemon->ReadLine();
    EXPECT_TRUE(line.starts_with("listening on ")) << line;
    address_ = *ParseListenAddress(line.substr(13));
    const absl::Status sound = ProbeListener(address_, std::chrono::seconds(20));
    EXPECT_TRUE(sound.ok()) << sound;
    return daemon;
  }

  ScratchFolder folder_;
  ListenAddress address_;
};

// Should this fail because a later gRPC accepts again, docs/operations.md ("Descriptors") is to be
// changed, and the self-probe has one reason less.
TEST_F(DescriptorExhaustionTest, TheListenerDoesNotComeBack) {
  auto daemon = Start("{intervalSeconds: 0}");
  const std::vector<int> connections = ConnectMany(address_, kConnections);
  EXPECT_FALSE(ProbeListener(address_, std::chrono::seconds(1)).ok()) << "no descriptor is left";
  for (int fd : connections) ::close(fd);
  EXPECT_FALSE(ProbeListener(address_, std::chrono::seconds(2)).ok()) << "and all are free again";
  daemon->Signal(SIGTERM);
  EXPECT_EQ(daemon->Wait(), kExitOk) << "everything else is well";
}

// attack 45
TEST_F(DescriptorExhaustionTest, TheSelfProbeEndsTheProcessForItsSupervisor) {
  auto daemon = Start("{intervalSeconds: 1, maxFailures: 2}");
  const std::vector<int> connections = ConnectMany(address_, kConnections);
  EXPECT_EQ(daemon->Wait(), kExitSelfProbe);
  for (int fd : connections) ::close(fd);
}

}  // namespace
}  // namespace dml
