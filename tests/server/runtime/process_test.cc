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
    EXPECT_EQ(signals.Wait(), signal);
  }
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
