// A network that breaks: stands between a client and a daemon and cuts connections.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace dml::testing {

/// Forwards one connection after another from a port of its own on 127.0.0.1. The functions run on
/// its thread, while no connection is open.
class CuttingProxy {
 public:
  /// `target_port`: asked for each connection. `next_cut`: after how many bytes, both ways
  /// together, the connection is cut; 0: never. `on_cut`: what happens then, before the next one is
  /// taken.
  CuttingProxy(std::function<int()> target_port, std::function<uint64_t()> next_cut,
               std::function<void()> on_cut)
      : target_port_(std::move(target_port)),
        next_cut_(std::move(next_cut)),
        on_cut_(std::move(on_cut)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(::pipe2(stop_, O_CLOEXEC), 0);
    thread_ = std::thread([this] { Run(); });
  }
  ~CuttingProxy() {
    EXPECT_EQ(::write(stop_[1], "", 1), 1);
    thread_.join();
    for (int fd : {listener_, stop_[0], stop_[1]}) ::close(fd);
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int cuts() const { return cuts_; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out.sin_port = htons(static_cast<uint16_t>(port));
    return out;
  }

  void Run() {
    while (true) {
      pollfd ready[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
      ::poll(ready, 2, -1);
      if (ready[1].revents != 0) return;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = Loopback(target_port_());
      const bool connected =
          ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
      const bool cut = connected && Forward(client, server, next_cut_());
      ::close(client);
      ::close(server);
      if (!cut) continue;
      ++cuts_;
      on_cut_();
    }
  }

  // Until either side closes, the proxy ends, or so many bytes have passed: then true.
  bool Forward(int client, int server, uint64_t bytes) {
    char buffer[16384];
    const bool endless = bytes == 0;
    while (endless || bytes > 0) {
      pollfd ready[] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {stop_[0], POLLIN, 0}};
      ::poll(ready, 3, -1);
      if (ready[2].revents != 0) return false;
      for (int i = 0; i < 2; ++i) {
        if (ready[i].revents == 0) continue;
        const size_t most = endless ? sizeof(buffer) : std::min<uint64_t>(bytes, sizeof(buffer));
        const ssize_t count = ::read(ready[i].fd, buffer, most);
        if (count <= 0) return false;
        if (!Write(ready[1 - i].fd, buffer, static_cast<size_t>(count))) return false;
        if (!endless) bytes -= static_cast<uint64_t>(count);
        if (!endless && bytes == 0) break;
      }
    }
    return true;
  }

  static bool Write(int fd, const char* bytes, size_t size) {
    while (size > 0) {
      const ssize_t count = ::send(fd, bytes, size, MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes += count;
      size -= static_cast<size_t>(count);
    }
    return true;
  }

  const std::function<int()> target_port_;
  const std::function<uint64_t()> next_cut_;
  const std::function<void()> on_cut_;
  int listener_ = -1;
  int port_ = 0;
  int stop_[2] = {-1, -1};
  std::atomic<int> cuts_ = 0;
  std::thread thread_;
};

}  // namespace dml::testing
