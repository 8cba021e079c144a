#include "server/runtime/self_probe.h"

#include <unistd.h>

#include <absl/synchronization/notification.h>
#include <arpa/inet.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "server/rpc/server_host.h"

namespace dml {
namespace {

using std::chrono::milliseconds;

// A listening socket that nobody accepts from.
class SilentListener {
 public:
  SilentListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    address_ = {"127.0.0.1", ntohs(at.sin_port), true, false};
  }
  ~SilentListener() { ::close(fd_); }
  const ListenAddress& address() const { return address_; }

 private:
  int fd_;
  ListenAddress address_;
};

std::unique_ptr<ServerHost> StartServer(const char* listen) {
  ServerHostOptions options;
  options.listen = *ParseListenAddress(listen);
  auto host = ServerHost::Start(options, grpc::InsecureServerCredentials(), {});
  EXPECT_TRUE(host.ok()) << host.status();
  return host.ok() ? *std::move(host) : nullptr;
}

TEST(ProbeListenerTest, AServerThatAcceptsIsWell) {
  auto host = StartServer("127.0.0.1:0");
  ASSERT_NE(host, nullptr);
  const absl::Status status = ProbeListener(host->address(), milliseconds(20'000));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ProbeListenerTest, OneThatDoesNotIsSilent) {
  SilentListener listener;
  EXPECT_EQ(Reason(ProbeListener(listener.address(), milliseconds(100))), "LISTENER_SILENT");
}

TEST(ProbeListenerTest, NobodyThereIsSilentToo) {
  ListenAddress address;
  {
    SilentListener gone;
    address = gone.address();
  }
  EXPECT_EQ(Reason(ProbeListener(address, milliseconds(100))), "LISTENER_SILENT");
}

TEST(SelfProbeTest, GivesUpAfterSoManyFailures) {
  SilentListener listener;
  absl::Notification gave_up;
  absl::Status why;
  SelfProbeOptions options{listener.address(), milliseconds(1), milliseconds(10), 3, {}};
  options.give_up = [&](const absl::Status& status) {
    why = status;
    gave_up.Notify();  // A second call would abort.
  };
  SelfProbe probe(options);
  gave_up.WaitForNotification();
  EXPECT_EQ(Reason(why), "LISTENER_SILENT");
}

TEST(SelfProbeTest, GoesOnWhileAllIsWellAndStopsAtOnce) {
  auto host = StartServer("0.0.0.0:0");
  ASSERT_NE(host, nullptr);
  SelfProbeOptions options{host->address(), milliseconds(1), milliseconds(20'000), 1, {}};
  options.give_up = [](const absl::Status& status) { ADD_FAILURE() << status; };
  {
    SelfProbe probe(options);
  }
  options.interval = milliseconds(3'600'000);
  {
    SelfProbe probe(options);
  }  // Does not wait for its interval.
}

}  // namespace
}  // namespace dml
