// What systemd is told of the daemon (sd_notify(3), systemd.service(5)): datagrams to the socket
// that NOTIFY_SOCKET names, in the form that the manual page documents as stable. Without such a
// socket all of it does nothing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "server/runtime/file_watch.h"

namespace dml {

class ServiceManager {
 public:
  /// `socket`: a path, "@name" for an abstract one, "" for none.
  explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}
  /// By NOTIFY_SOCKET.
  static ServiceManager OfProcess();

  bool present() const { return !socket_.empty(); }

  /// Lines NAME=VALUE, parted by '\n'. UNAVAILABLE (SERVICE_MANAGER_SILENT).
  absl::Status Tell(std::string_view lines) const;

  // The rest only logs where it cannot tell.
  void Ready(std::string_view status) const;
  /// Before a reload; Ready ends it (Type=notify-reload).
  void Reloading() const;
  void Stopping(std::chrono::seconds at_most) const;

 private:
  void TellOrLog(std::string_view lines) const;

  const std::string socket_;
};

/// How often the manager wants to hear of this process (WATCHDOG_USEC, WATCHDOG_PID); nullopt where
/// it does not, or what it says cannot be read.
std::optional<std::chrono::microseconds> WatchdogInterval(const char* microseconds,
                                                          const char* process);

/// Tells the manager twice in each interval that the process lives, as long as `alive` says so:
/// when it does not, or does not return, the manager ends the process and starts it anew.
std::unique_ptr<FileWatch> StartWatchdog(const ServiceManager& manager,
                                         std::chrono::microseconds interval,
                                         std::function<absl::Status()> alive);

}  // namespace dml
