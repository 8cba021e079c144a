// SIGTERM and SIGINT as something to wait for.
#pragma once

#include <csignal>

namespace dml {

/// Make it in the main thread before any other thread: from then on the two signals no longer end
/// the process but wait for Wait. Destroying it gives them back their meaning, so that a second
/// signal can end a shutdown that takes too long.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Blocks until one comes, or came since this was made. Returns its number.
  int Wait();

 private:
  sigset_t signals_;
  sigset_t before_;
};

}  // namespace dml
