// Entries as they come: dml log watch, and what ends a watch.
#include "client/log_watch.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::ReadBytes;

class LogWatchTest : public testing::CommandLibrary {
 protected:
  // A watch of a client's own, from the first entry on, until it ends by itself.
  struct Watch {
    Watch(const testing::RunningLibrary& library, const std::string& token = "") {
      ClientOptions options = library.AdminOptions();
      options.token = token;
      options.state_file.clear();
      thread = std::thread([this, options] {
        Client client = testing::RunningLibrary::NewClient(options);
        status = WatchEntries(client, 0, "", [&](const JournalLine& entry) {
          if (entry.index == 0) open.set_value();
          return true;
        });
      });
      open.get_future().wait();
    }
    absl::Status End() {
      thread.join();
      return status;
    }
    std::promise<void> open;
    std::thread thread;
    absl::Status status;
  };
};

TEST_F(LogWatchTest, ShowsWhatIsThereAndWhatComes) {
  Begin();
  std::thread all([&] {
    Do({"log", "watch", "--start", "0", "--count", "6", "--exec", "cat >> " + Path("a")});
  });
  std::thread named([&] {
    Do({"log", "watch", "--start", "0", "--kind", "namespace_created", "--count", "2", "--exec",
        "cat >> " + Path("n")});
  });
  Do({"namespace", "create", "second"});
  Do({"namespace", "create", "third"});
  all.join();
  named.join();
  std::istringstream lines(ReadBytes(Path("a")));
  std::string line;
  for (int index = 0; index < 6; ++index) {
    ASSERT_TRUE(std::getline(lines, line)) << index;
    EXPECT_EQ(Json::parse(line)["index"], index);
  }
  EXPECT_FALSE(std::getline(lines, line));
  lines = std::istringstream(ReadBytes(Path("n")));
  for (const char* summary : {"acme", "second"}) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(Json::parse(line)["kind"], "namespace_created");
    EXPECT_NE(Json::parse(line)["summary"].get<std::string>().find(summary), std::string::npos);
  }
  EXPECT_EQ(Do({"log", "watch", "--start", "99", "--count", "1"}, 1)["error"]["reason"],
            "INDEX_OUT_OF_RANGE");
}

TEST_F(LogWatchTest, ACommandThatFailsEndsIt) {
  Begin();
  EXPECT_EQ(Do({"log", "watch", "--start", "0", "--exec", "cat > /dev/null; exit 7"},
               1)["error"]["reason"],
            "COMMAND_FAILED");
}

// attack 43, attack 25
TEST_F(LogWatchTest, ARevokedCallerSeesNothingMore) {
  Begin();
  Client admin = library_.NewClient();
  const auto token = admin.IssueToken({{"reader", ""}}, WallClockNow() + std::chrono::hours(1));
  ASSERT_TRUE(token.ok()) << token.status();
  Watch watch(library_, token->value.secret);
  ASSERT_TRUE(admin.RevokeToken(token->value.record.id, "left").ok());
  EXPECT_EQ(Reason(watch.End()), "TOKEN_REVOKED");
}

TEST_F(LogWatchTest, ADaemonThatStopsDoesNotWaitForIt) {
  Begin();
  Watch watch(library_);
  EXPECT_EQ(library_.Stop(), 0);
  EXPECT_EQ(watch.End().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace dml
