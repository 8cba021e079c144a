#include "server/runtime/service_manager.h"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <system_error>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace dml {
namespace {

absl::Status Silent(const std::string& socket, int error) {
  return Unavailable(ErrorReason("SERVICE_MANAGER_SILENT"), "cannot tell NOTIFY_SOCKET {}: {}",
                     socket, std::generic_category().message(error));
}

template <typename T>
std::optional<T> ReadNumber(const char* text) {
  if (text == nullptr) return std::nullopt;
  T out{};
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, out);
  if (error != std::errc() || rest != end) return std::nullopt;
  return out;
}

}  // namespace

ServiceManager ServiceManager::OfProcess() {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  return ServiceManager(socket == nullptr ? "" : socket);
}

absl::Status ServiceManager::Tell(std::string_view lines) const {
  if (!present()) return absl::OkStatus();
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof to.sun_path) return Silent(socket_, ENAMETOOLONG);
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Silent(socket_, errno);
  const ssize_t sent = ::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&to), size);
  const int error = sent < 0 ? errno : 0;
  ::close(fd);
  return error == 0 ? absl::OkStatus() : Silent(socket_, error);
}

void ServiceManager::TellOrLog(std::string_view lines) const {
  if (absl::Status status = Tell(lines); !status.ok()) spdlog::warn("{}", Message(status));
}

void ServiceManager::Ready(std::string_view status) const {
  TellOrLog(fmt::format("READY=1\nSTATUS={}", status));
}

void ServiceManager::Reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  TellOrLog(fmt::format(
      "RELOADING=1\nMONOTONIC_USEC={}",
      static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000));
}

void ServiceManager::Stopping(std::chrono::seconds at_most) const {
  // Time to close the database after the calls.
  constexpr std::chrono::seconds kClosing(60);
  TellOrLog(fmt::format("STOPPING=1\nSTATUS=calls under way have {} s\nEXTEND_TIMEOUT_USEC={}",
                        at_most.count(), std::chrono::microseconds(at_most + kClosing).count()));
}

std::optional<std::chrono::microseconds> WatchdogInterval(const char* microseconds,
                                                          const char* process) {
  const std::optional<uint64_t> every = ReadNumber<uint64_t>(microseconds);
  if (!every.has_value() || *every == 0 || *every > INT64_MAX) return std::nullopt;
  if (process != nullptr && ReadNumber<pid_t>(process) != ::getpid()) return std::nullopt;
  return std::chrono::microseconds(static_cast<int64_t>(*every));
}

std::unique_ptr<FileWatch> StartWatchdog(const ServiceManager& manager,
                                         std::chrono::microseconds interval,
                                         std::function<absl::Status()> alive) {
  auto look = [manager, alive = std::move(alive)] {
    if (absl::Status status = alive(); !status.ok()) {
      spdlog::error("no sign of life for the service manager: {}", Message(status));
      return;
    }
    if (absl::Status told = manager.Tell("WATCHDOG=1"); !told.ok()) {
      spdlog::warn("{}", Message(told));
    }
  };
  const auto half = std::chrono::duration_cast<std::chrono::milliseconds>(interval / 2);
  auto watch =
      std::make_unique<FileWatch>(std::max(half, std::chrono::milliseconds(1)), std::move(look));
  watch->LookNow();
  return watch;
}

}  // namespace dml
