// A slow network: stands between a client and a daemon, and hands on what the daemon sends only as
// far as it is told to.
#pragma once

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <poll.h>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/base/status.h"

namespace dml {

/// Forwards one connection from a port of its own on 127.0.0.1 to another port there: at once what
/// the client sends, and as far as Allow says what the daemon sends. The system's buffers on the
/// way are as small as they can be, so that the daemon is as far ahead as its own are large.
class TricklingProxy {
 public:
  /// UNAVAILABLE where the system gives no sockets.
  static absl::StatusOr<std::unique_ptr<TricklingProxy>> Start(int target_port) {
    auto proxy = std::unique_ptr<TricklingProxy>(new TricklingProxy);
    proxy->listener_ = NewSocket();
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (proxy->listener_ < 0 || ::bind(proxy->listener_, generic, size) != 0 ||
        ::listen(proxy->listener_, 1) != 0 ||
        ::getsockname(proxy->listener_, generic, &size) != 0 ||
        ::pipe2(proxy->wake_, O_CLOEXEC) != 0) {
      return Unavailable(ErrorReason("PROXY_FAILED"), "no sockets for a proxy: {}",
                         std::generic_category().message(errno));
    }
    proxy->port_ = ntohs(address.sin_port);
    proxy->thread_ = std::thread([p = proxy.get(), target_port] { p->Run(target_port); });
    return proxy;
  }
  ~TricklingProxy() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    Wake();
    if (thread_.joinable()) thread_.join();
    for (int fd : {listener_, wake_[0], wake_[1]}) {
      if (fd >= 0) ::close(fd);
    }
  }
  TricklingProxy(const TricklingProxy&) = delete;
  TricklingProxy& operator=(const TricklingProxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// Lets so many further bytes through, and waits until the client has been sent them all. False
  /// where the connection ended before.
  bool Allow(uint64_t bytes) {
    std::unique_lock lock(mutex_);
    allowed_ += bytes;
    const uint64_t target = allowed_;
    Wake();
    changed_.wait(lock, [&] { return passed_ >= target || ended_; });
    return passed_ >= target;
  }
  /// From now on everything passes.
  void AllowAll() {
    std::lock_guard lock(mutex_);
    allowed_ = UINT64_MAX;
    Wake();
  }

 private:
  TricklingProxy() = default;

  static int NewSocket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int least = 1;  // The system takes its own minimum.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
    return fd;
  }

  static sockaddr_in Loopback(int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out.sin_port = htons(static_cast<uint16_t>(port));
    return out;
  }

  void Wake() { (void)!::write(wake_[1], "", 1); }

  // How much of the daemon's may pass now.
  uint64_t Credit() {
    std::lock_guard lock(mutex_);
    return ended_ ? 0 : allowed_ - passed_;
  }
  bool Ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }

  void Run(int target_port) {
    pollfd ready[] = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    while (ready[0].revents == 0 && !Ended()) {
      ::poll(ready, 2, -1);
      DrainWake(ready[1]);
    }
    const int client = Ended() ? -1 : ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = NewSocket();
    const sockaddr_in target = Loopback(target_port);
    if (client >= 0 &&
        ::connect(server, reinterpret_cast<const sockaddr*>(&target), sizeof(target)) == 0) {
      Forward(client, server);
    }
    ::close(client);
    ::close(server);
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  void DrainWake(const pollfd& ready) const {
    char ignored[64];
    if (ready.revents != 0) (void)!::read(wake_[0], ignored, sizeof(ignored));
  }

  void Forward(int client, int server) {
    char buffer[16384];
    while (!Ended()) {
      const uint64_t credit = Credit();
      const auto wanted = static_cast<short>(credit > 0 ? POLLIN : 0);
      pollfd ready[] = {{client, POLLIN, 0}, {server, wanted, 0}, {wake_[0], POLLIN, 0}};
      ::poll(ready, 3, -1);
      DrainWake(ready[2]);
      if (ready[0].revents != 0 && !Pass(client, server, buffer, sizeof(buffer))) return;
      if (ready[1].revents == 0) continue;
      const size_t passed =
          Pass(server, client, buffer, std::clamp<uint64_t>(credit, 1, sizeof(buffer)));
      if (passed == 0) return;
      std::lock_guard lock(mutex_);
      passed_ += passed;
      changed_.notify_all();
    }
  }

  // How many bytes went over; 0 at the end.
  static size_t Pass(int from, int to, char* buffer, size_t most) {
    const ssize_t count = ::read(from, buffer, most);
    if (count <= 0) return 0;
    for (ssize_t at = 0; at < count;) {
      const ssize_t sent = ::send(to, buffer + at, static_cast<size_t>(count - at), MSG_NOSIGNAL);
      if (sent <= 0) return 0;
      at += sent;
    }
    return static_cast<size_t>(count);
  }

  int listener_ = -1;
  int port_ = 0;
  int wake_[2] = {-1, -1};
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t allowed_ = 0;
  uint64_t passed_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace dml
