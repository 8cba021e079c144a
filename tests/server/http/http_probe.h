// Raw bytes to a server and back, so that tests can send what no HTTP client would.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unistd.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace dml::testing {

/// A connection to 127.0.0.1, from there or another address of this machine, that gives up reading
/// after a while.
class HttpProbe {
 public:
  /// `receive_buffer` 0: the system's.
  explicit HttpProbe(int port, int receive_buffer = 0, const char* from = "127.0.0.1") {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, from, &own.sin_addr), 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~HttpProbe() { ::close(fd_); }
  HttpProbe(const HttpProbe&) = delete;
  HttpProbe& operator=(const HttpProbe&) = delete;

  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  /// Until the server closes, or says nothing for long: then `silent` is set.
  std::string ReadAll(bool* silent = nullptr) const {
    std::string out;
    char buffer[4096];
    while (true) {
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got > 0) {
        out.append(buffer, static_cast<size_t>(got));
        continue;
      }
      if (silent != nullptr) *silent = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      return out;
    }
  }

  /// The next answer on a connection that stays open: header and as many bytes as it says.
  std::string ReadAnswer() const {
    std::string out;
    char c = 0;
    while (!out.ends_with("\r\n\r\n") && ::recv(fd_, &c, 1, 0) == 1) out.push_back(c);
    const size_t at = out.find("Content-Length: ");
    size_t length = at == std::string::npos ? 0 : std::stoul(out.substr(at + 16));
    for (; length > 0 && ::recv(fd_, &c, 1, 0) == 1; --length) out.push_back(c);
    return out;
  }

 private:
  int fd_ = -1;
};

inline int StatusOf(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

inline std::string BodyOf(const std::string& answer) {
  const size_t at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}

/// GET over a connection of its own.
inline std::string Get(int port, std::string_view target) {
  const HttpProbe probe(port);
  probe.Send("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  return probe.ReadAll();
}

}  // namespace dml::testing
