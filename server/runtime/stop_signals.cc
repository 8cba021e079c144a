#include "server/runtime/stop_signals.h"

namespace dml {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

StopSignals::~StopSignals() {
  sigaddset(&before_, SIGHUP);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::Wait(const std::function<void()>& on_hangup) {
  for (;;) {
    int signal = 0;
    sigwait(&signals_, &signal);
    if (signal != SIGHUP) return signal;
    on_hangup();
  }
}

}  // namespace dml
