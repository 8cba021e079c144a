// SIGTERM and SIGINT as something to wait for, and SIGHUP on the way.
#pragma once

#include <csignal>
#include <functional>

namespace dml {

/// Make it in the main thread before any other thread: from then on the three signals no longer end
/// the process but wait for Wait. Destroying it gives SIGTERM and SIGINT back their meaning, so
/// that a second signal can end a shutdown that takes too long; SIGHUP never means that again.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Blocks until SIGTERM or SIGINT comes, or came since this was made. Returns its number. Calls
  /// `on_hangup` for SIGHUP meanwhile; several that come together may be one.
  int Wait(const std::function<void()>& on_hangup);

 private:
  sigset_t signals_;
  sigset_t before_;
};

}  // namespace dml
