#include <pthread.h>

#include <gtest/gtest.h>

#include "server/runtime/descriptors.h"
#include "server/runtime/stop_signals.h"

namespace dml {
namespace {

TEST(StopSignalsTest, WaitsForWhatCameBeforeAndAfter) {
  for (int signal : {SIGTERM, SIGINT}) {
    StopSignals signals;
    pthread_kill(pthread_self(), signal);  // Would end the process otherwise.
    EXPECT_EQ(signals.Wait([] { FAIL() << "nobody hung up"; }), signal);
  }
}

TEST(StopSignalsTest, AHangUpIsToldAndEndsNothing) {
  int hangups = 0;
  {
    StopSignals signals;
    pthread_kill(pthread_self(), SIGHUP);
    const int stopped_by = signals.Wait([&hangups] {
      if (++hangups < 3) pthread_kill(pthread_self(), SIGHUP);
      if (hangups == 3) pthread_kill(pthread_self(), SIGTERM);
    });
    EXPECT_EQ(stopped_by, SIGTERM);
    EXPECT_EQ(hangups, 3);
    pthread_kill(pthread_self(), SIGHUP);
  }
  pthread_kill(pthread_self(), SIGHUP);  // While the daemon stops: it goes on stopping.
}

TEST(StopSignalsTest, GivesTheSignalsBack) {
  sigset_t blocked;
  {
    StopSignals signals;
  }
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_FALSE(sigismember(&blocked, SIGTERM));
  EXPECT_FALSE(sigismember(&blocked, SIGINT));
}

TEST(DescriptorsTest, RefusesAProcessThatMayOpenTooFew) {
  EXPECT_TRUE(RequireDescriptors(16).ok());
  const absl::Status status = RequireDescriptors(uint64_t{1} << 62);
  EXPECT_EQ(Reason(status), "DESCRIPTOR_LIMIT_TOO_LOW");
}

}  // namespace
}  // namespace dml
