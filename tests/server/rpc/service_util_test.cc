#include "server/rpc/service_util.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(RetryWhereStaleTest, OnlyWhatIsStaleIsTriedAgainAndNotForEver) {
  auto attempts = [](int stale, const absl::Status& then) {
    int count = 0;
    const absl::Status status = RetryWhereStale(
        [&] { return ++count <= stale ? Aborted(ErrorReason("STATE_CHANGED"), "stale") : then; });
    return std::pair(count, Reason(status));
  };
  const absl::Status other = Aborted(ErrorReason("ETAG_MISMATCH"), "another reason");
  EXPECT_EQ(attempts(0, absl::OkStatus()), std::pair(1, std::string()));
  EXPECT_EQ(attempts(2, absl::OkStatus()), std::pair(3, std::string()));
  EXPECT_EQ(attempts(1, other), std::pair(2, std::string("ETAG_MISMATCH")));
  EXPECT_EQ(attempts(99, absl::OkStatus()), std::pair(5, std::string("STATE_CHANGED")));
}

}  // namespace
}  // namespace dml
