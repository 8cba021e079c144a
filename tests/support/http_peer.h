// An HTTP server of a test's own: one connection after another, one request each.
#pragma once

#include <charconv>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace dml::testing {

struct HttpRequest {
  std::string head;  // Request line and header.
  std::string body;
};

/// "HTTP/1.1 STATUS" with a body, after which the connection ends.
inline std::string HttpResponse(std::string_view status, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     body.size(), body);
}

/// Listens on a free port of 127.0.0.1.
class LoopbackListener {
 public:
  LoopbackListener() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~LoopbackListener() { ::close(fd_); }

  /// The next connection; -1 after Stop.
  int Accept() { return ::accept(fd_, nullptr, nullptr); }
  void Stop() { ::shutdown(fd_, SHUT_RDWR); }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

 private:
  const int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
};

class HttpPeer {
 public:
  /// `answer` is called on the peer's own thread.
  using Answer = std::function<std::string(const HttpRequest&)>;

  explicit HttpPeer(Answer answer) : answer_(std::move(answer)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~HttpPeer() {
    listener_.Stop();
    thread_.join();
  }

  std::string url() const { return listener_.url(); }

 private:
  static size_t ContentLength(std::string_view head) {
    constexpr std::string_view kName = "Content-Length: ";
    const size_t at = head.find(kName);
    size_t length = 0;
    if (at == std::string_view::npos) return 0;
    std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), length);
    return length;
  }

  void Run() {
    while (true) {
      const int peer = listener_.Accept();
      if (peer < 0) return;
      std::string text;
      size_t end = std::string::npos;
      char buffer[4096];
      while (end == std::string::npos ||
             text.size() < end + 4 + ContentLength(std::string_view(text).substr(0, end))) {
        const ssize_t got = ::recv(peer, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        text.append(buffer, static_cast<size_t>(got));
        end = text.find("\r\n\r\n");
      }
      if (end != std::string::npos) {
        const std::string out = answer_({text.substr(0, end), text.substr(end + 4)});
        ::send(peer, out.data(), out.size(), MSG_NOSIGNAL);
      }
      ::close(peer);
    }
  }

  const Answer answer_;
  LoopbackListener listener_;
  std::thread thread_;
};

}  // namespace dml::testing
