#include "core/base/status.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(StatusTest, CarriesCodeReasonAndMessage) {
  absl::Status status = NotFound(ErrorReason("NO_SUCH_PACKAGE"), "no package '{}'", "a/b");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(status), "NO_SUCH_PACKAGE");
  EXPECT_EQ(Message(status), "no package 'a/b'");
}

TEST(StatusTest, FieldPathsNest) {
  absl::Status status = InvalidArgument(ErrorReason("RANGE_INVALID"), "empty");
  status = AtField(AtField(AtField(status, "range"), "[2]"), "requires");
  EXPECT_EQ(FieldViolations(status), (std::vector<FieldViolation>{{"requires[2].range", "empty"}}));
}

TEST(StatusTest, AnnotateKeepsReasonFieldsAndRetry) {
  absl::Status status = AtField(Unavailable(ErrorReason("BUSY"), "full"), "x");
  status = Annotate(WithRetryAfter(status, std::chrono::milliseconds(250)), "publish");
  EXPECT_EQ(Message(status), "publish: full");
  EXPECT_EQ(Reason(status), "BUSY");
  EXPECT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(RetryAfter(status), std::chrono::milliseconds(250));
}

}  // namespace
}  // namespace dml
