#include "server/runtime/service_manager.h"

#include <unistd.h>

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/notify_socket.h"

namespace dml {
namespace {

using testing::NotifySocket;
using testing::ScratchFolder;

TEST(ServiceManagerTest, IsToldInTheDocumentedForm) {
  const ScratchFolder folder;
  const std::string path = (folder.path() / "notify").string();
  const NotifySocket manager(path);
  const ServiceManager told(path);
  told.Ready("serving");
  EXPECT_EQ(manager.Next(), "READY=1\nSTATUS=serving");
  told.Reloading();
  const std::string reloading = manager.Next();
  EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC=")) << reloading;
  EXPECT_GT(std::stoull(reloading.substr(reloading.rfind('=') + 1)), 0u);
  told.Stopping(std::chrono::seconds(10));
  EXPECT_EQ(manager.Next(),
            "STOPPING=1\nSTATUS=calls under way have 10 s\nEXTEND_TIMEOUT_USEC=70000000");
}

TEST(ServiceManagerTest, WithoutOneNothingHappens) {
  const ServiceManager none("");
  EXPECT_FALSE(none.present());
  EXPECT_TRUE(none.Tell("READY=1").ok());
  const ServiceManager gone("/nowhere/notify");
  EXPECT_EQ(Reason(gone.Tell("READY=1")), "SERVICE_MANAGER_SILENT");
  EXPECT_EQ(Reason(ServiceManager(std::string(200, 'x')).Tell("READY=1")),
            "SERVICE_MANAGER_SILENT");
  gone.Ready("logs, and goes on");
}

TEST(ServiceManagerTest, ReadsHowOftenItWantsToHear) {
  const std::string own = std::to_string(::getpid());
  EXPECT_EQ(WatchdogInterval("20000000", nullptr), std::chrono::seconds(20));
  EXPECT_EQ(WatchdogInterval("20000000", own.c_str()), std::chrono::seconds(20));
  EXPECT_EQ(WatchdogInterval("20000000", "1"), std::nullopt) << "of another process";
  for (const char* bad : {"", "0", "-1", "x", "5 s", "99999999999999999999"}) {
    EXPECT_EQ(WatchdogInterval(bad, nullptr), std::nullopt) << bad;
  }
  EXPECT_EQ(WatchdogInterval(nullptr, nullptr), std::nullopt);
}

TEST(ServiceManagerTest, TheWatchdogIsFedWhileThereIsLife) {
  const ScratchFolder folder;
  const std::string path = (folder.path() / "notify").string();
  const NotifySocket manager(path);
  absl::Notification asked_when_dead;
  std::atomic<bool> alive = true;
  auto watchdog = StartWatchdog(ServiceManager(path), std::chrono::milliseconds(20), [&] {
    if (alive) return absl::OkStatus();
    if (!asked_when_dead.HasBeenNotified()) asked_when_dead.Notify();
    return Unavailable(ErrorReason("STORAGE_IO"), "hangs");
  });
  EXPECT_EQ(manager.Next(), "WATCHDOG=1");
  EXPECT_EQ(manager.Next(), "WATCHDOG=1");
  alive = false;
  asked_when_dead.WaitForNotification();
  watchdog.reset();
  // What was sent before may be waiting; then comes what this test sends, and nothing between.
  ServiceManager(path).Ready("end");
  std::string next = manager.Next();
  while (next == "WATCHDOG=1") next = manager.Next();
  EXPECT_EQ(next, "READY=1\nSTATUS=end");
}

}  // namespace
}  // namespace dml
