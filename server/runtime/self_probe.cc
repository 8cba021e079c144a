#include "server/runtime/self_probe.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <absl/time/time.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace dml {
namespace {

absl::Status Silent(const ListenAddress& address, std::string_view doing, int error) {
  return Unavailable(ErrorReason("LISTENER_SILENT"),
                     "cannot {} {}: {}; the listener accepts no connections, restart the daemon",
                     doing, address.ToString(), std::generic_category().message(error));
}

class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

int Connect(const Socket& socket, const ListenAddress& address) {
  if (address.host.find(':') == std::string::npos) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(address.port));
    ::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr);
    return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(static_cast<uint16_t>(address.port));
  ::inet_pton(AF_INET6, address.host.c_str(), &to.sin6_addr);
  return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

// Until the peer closes. A server without TLS sends its settings first.
absl::Status ReadToEnd(const Socket& socket, const ListenAddress& address) {
  char buffer[512];
  for (;;) {
    const ssize_t got = ::recv(socket.fd(), buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return absl::OkStatus();
    if (got < 0 && errno != EINTR) return Silent(address, "hear from", errno);
  }
}

SelfProbeOptions AtLoopback(SelfProbeOptions options) {
  if (options.address.wildcard) {
    options.address.host =
        options.address.host.find(':') == std::string::npos ? "127.0.0.1" : "::1";
  }
  return options;
}

}  // namespace

absl::Status ProbeListener(const ListenAddress& address, std::chrono::milliseconds timeout) {
  const Socket socket(address.host.find(':') == std::string::npos ? AF_INET : AF_INET6);
  if (socket.fd() < 0) return Silent(address, "make a socket for", errno);
  const timeval limit{timeout.count() / 1000, (timeout.count() % 1000) * 1000};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // connect() too.
  if (Connect(socket, address) != 0) return Silent(address, "connect to", errno);
  ::shutdown(socket.fd(), SHUT_WR);
  return ReadToEnd(socket, address);
}

SelfProbe::SelfProbe(SelfProbeOptions options)
    : options_(AtLoopback(std::move(options))), thread_([this] { Run(); }) {}

SelfProbe::~SelfProbe() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void SelfProbe::Run() {
  int failures = 0;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(options_.interval));
      if (stopping_) return;
    }
    const absl::Status status = ProbeListener(options_.address, options_.timeout);
    failures = status.ok() ? 0 : failures + 1;
    if (status.ok()) continue;
    spdlog::warn("self-probe failed {} of {} times: {}", failures, options_.max_failures,
                 Message(status));
    if (failures < options_.max_failures) continue;
    options_.give_up(status);
    return;
  }
}

}  // namespace dml
