#include "server/admission/clamd.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr size_t kMaxAnswer = 4096;
constexpr size_t kPiece = 256 << 10;

absl::Status Down(std::string_view address, std::string_view what) {
  return Unavailable(ErrorReason("SCANNER_UNAVAILABLE"), "the malware scanner at {}: {}", address,
                     what);
}

std::string ErrnoText() { return std::generic_category().message(errno); }

// A stream socket with time limits; closes itself.
class Socket {
 public:
  Socket(std::string address, std::chrono::seconds timeout)
      : address_(std::move(address)), timeout_(timeout) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  absl::Status Connect() {
    if (address_.starts_with('/')) return ConnectUnix();
    const size_t colon = address_.rfind(':');
    const std::string host = address_.substr(0, colon);
    const std::string port = colon == std::string::npos ? "3310" : address_.substr(colon + 1);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
      return Down(address_, ::gai_strerror(error));
    }
    absl::Status status = Down(address_, "no address");
    for (addrinfo* item = found; item != nullptr && !status.ok(); item = item->ai_next) {
      status = ConnectTo(item->ai_family, item->ai_addr, item->ai_addrlen);
    }
    ::freeaddrinfo(found);
    return status;
  }

  absl::Status Send(std::string_view bytes) {
    while (!bytes.empty()) {
      DML_RETURN_IF_ERROR(Wait(POLLOUT, timeout_));
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (sent <= 0) return Down(address_, ErrnoText());
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return absl::OkStatus();
  }

  // Up to the NUL, or the end of the connection.
  absl::StatusOr<std::string> Receive(std::chrono::seconds timeout) {
    std::string out;
    while (out.size() < kMaxAnswer) {
      DML_RETURN_IF_ERROR(Wait(POLLIN, timeout));
      char buffer[512];
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got < 0) return Down(address_, ErrnoText());
      if (got == 0) break;
      out.append(buffer, static_cast<size_t>(got));
      if (const size_t end = out.find('\0'); end != std::string::npos) {
        out.resize(end);
        return out;
      }
    }
    if (out.empty()) return Down(address_, "it ended the connection without an answer");
    return out;
  }

 private:
  absl::Status ConnectUnix() {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address_.size() >= sizeof name.sun_path) return Down(address_, "the path is too long");
    std::memcpy(name.sun_path, address_.data(), address_.size());
    return ConnectTo(AF_UNIX, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  }

  absl::Status ConnectTo(int family, const sockaddr* to, socklen_t size) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return Down(address_, ErrnoText());
    if (::connect(fd_, to, size) == 0) return absl::OkStatus();
    if (errno != EINPROGRESS && errno != EAGAIN) return Down(address_, ErrnoText());
    DML_RETURN_IF_ERROR(Wait(POLLOUT, timeout_));
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    return error == 0 ? absl::OkStatus() : Down(address_, ErrnoText());
  }

  absl::Status Wait(int16_t events, std::chrono::seconds timeout) {
    pollfd item{fd_, events, 0};
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
    int ready = 0;
    do {
      ready = ::poll(&item, 1, static_cast<int>(millis.count()));
    } while (ready < 0 && errno == EINTR);
    if (ready > 0) return absl::OkStatus();
    return Down(address_, ready == 0 ? "it does not answer in time" : ErrnoText());
  }

  const std::string address_;
  const std::chrono::seconds timeout_;
  int fd_ = -1;
};

std::string LengthOf(size_t size) {
  std::string out(4, '\0');
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(size >> (24 - 8 * i));
  return out;
}

}  // namespace

ScanReport ReadClamdAnswer(std::string_view answer) {
  ScanReport out;
  constexpr std::string_view kStream = "stream: ";
  std::string_view text = answer;
  while (text.ends_with('\n')) text.remove_suffix(1);
  const bool is_stream = text.starts_with(kStream);
  if (is_stream) text.remove_prefix(kStream.size());
  if (is_stream && text == "OK") {
    out.verdict = ScanVerdict::kClean;
    return out;
  }
  constexpr std::string_view kFound = " FOUND";
  if (is_stream && text.ends_with(kFound)) {
    text.remove_suffix(kFound.size());
    out.verdict = text.starts_with("Heuristics.Limits.Exceeded") ? ScanVerdict::kNotFullyScanned
                                                                 : ScanVerdict::kInfected;
  } else if (text.find("size limit exceeded") != std::string_view::npos) {
    out.verdict = ScanVerdict::kNotFullyScanned;
  }
  out.finding = Excerpt(text);
  return out;
}

absl::StatusOr<ScanReport> ClamdScanner::Scan(
    const std::function<absl::Status(const Write& write)>& feed) {
  ScanReport failed;
  Socket socket(options_.address, options_.io_timeout);
  absl::Status status = socket.Connect();
  if (status.ok()) status = socket.Send(std::string_view("zINSTREAM\0", 10));
  if (!status.ok()) {
    failed.finding = std::string(Message(status));
    return failed;
  }
  // What the scanner breaks off it may have explained: that is read below.
  absl::Status sent;
  DML_RETURN_IF_ERROR(feed([&](std::string_view bytes) {
    for (; !bytes.empty() && sent.ok(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
      const std::string_view piece = bytes.substr(0, kPiece);
      sent = socket.Send(LengthOf(piece.size()));
      if (sent.ok()) sent = socket.Send(piece);
    }
    return absl::OkStatus();
  }));
  if (sent.ok()) sent = socket.Send(LengthOf(0));
  absl::StatusOr<std::string> answer = socket.Receive(options_.scan_timeout);
  if (answer.ok()) return ReadClamdAnswer(*answer);
  failed.finding = std::string(Message(sent.ok() ? answer.status() : sent));
  return failed;
}

absl::StatusOr<ScanReport> ClamdScanner::Version() {
  Socket socket(options_.address, options_.io_timeout);
  DML_RETURN_IF_ERROR(socket.Connect());
  DML_RETURN_IF_ERROR(socket.Send(std::string_view("zVERSION\0", 9)));
  DML_ASSIGN_OR_RETURN(std::string answer, socket.Receive(options_.io_timeout));
  // "ClamAV 1.0.9/27465/Sat Nov 28 09:36:58 2026"; without a database the first part alone.
  ScanReport out;
  const size_t first = answer.find('/');
  out.scanner = Excerpt(std::string_view(answer).substr(0, first));
  if (first != std::string::npos) {
    const size_t second = answer.find('/', first + 1);
    out.signatures = Excerpt(std::string_view(answer).substr(first + 1, second - first - 1));
  }
  return out;
}

}  // namespace dml
