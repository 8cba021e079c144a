#include "client/status_codec.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dml {
namespace {

using google::rpc::BadRequest;
using google::rpc::ErrorInfo;
using google::rpc::RetryInfo;

template <typename... Details>
grpc::Status WithDetails(grpc::StatusCode code, const std::string& message,
                         const Details&... details) {
  google::rpc::Status rich;
  rich.set_code(code);
  rich.set_message(message);
  (rich.add_details()->PackFrom(details), ...);
  return grpc::Status(code, message, rich.SerializeAsString());
}

ErrorInfo Info(const std::string& reason, const std::string& domain = "dml") {
  ErrorInfo out;
  out.set_reason(reason);
  out.set_domain(domain);
  return out;
}

TEST(StatusCodecTest, OkIsOk) { EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok()); }

TEST(StatusCodecTest, ReadsReasonFieldsAndRetryDelay) {
  BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field("requires[2].range");
  violation->set_description("is no range");
  bad.add_field_violations()->set_field("title");
  RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(500'000'000);

  absl::Status status = FromGrpcStatus(WithDetails(grpc::StatusCode::ALREADY_EXISTS, "is there",
                                                   Info("VERSION_EXISTS"), bad, retry));

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Message(status), "is there");
  EXPECT_EQ(Reason(status), "VERSION_EXISTS");
  EXPECT_EQ(FieldViolations(status),
            (std::vector<FieldViolation>{{"requires[2].range", "is no range"}, {"title", ""}}));
  EXPECT_EQ(RetryAfter(status), std::chrono::milliseconds(2500));
}

TEST(StatusCodecTest, EveryCodeKeepsItsNumber) {
  for (int code = 1; code <= 16; ++code) {
    absl::Status status = FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(code), "m"));
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_FALSE(Reason(status).empty());
  }
  EXPECT_EQ(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(99), "m")).code(),
            absl::StatusCode::kUnknown);
}

TEST(StatusCodecTest, ErrorsOfTheTransportGetAReason) {
  auto reason = [](grpc::StatusCode code) {
    return Reason(FromGrpcStatus(grpc::Status(code, "m")));
  };
  EXPECT_EQ(reason(grpc::StatusCode::UNAVAILABLE), "SERVER_UNAVAILABLE");
  EXPECT_EQ(reason(grpc::StatusCode::DEADLINE_EXCEEDED), "SERVER_TIMEOUT");
  EXPECT_EQ(reason(grpc::StatusCode::UNIMPLEMENTED), "METHOD_UNKNOWN");
  EXPECT_EQ(reason(grpc::StatusCode::INTERNAL), "RPC_FAILED");
}

TEST(StatusCodecTest, ReasonsOfOthersAndWordsThatAreNoReasonAreLeftOut) {
  auto reason = [](const ErrorInfo& info) {
    return Reason(FromGrpcStatus(WithDetails(grpc::StatusCode::INTERNAL, "m", info)));
  };
  EXPECT_EQ(reason(Info("VERSION_EXISTS", "googleapis.com")), "RPC_FAILED");
  EXPECT_EQ(reason(Info("")), "RPC_FAILED");
  EXPECT_EQ(reason(Info("not a word")), "RPC_FAILED");
  EXPECT_EQ(reason(Info(std::string(65, 'A'))), "RPC_FAILED");
}

TEST(StatusCodecTest, DetailsThatCannotBeReadAreLeftOut) {
  grpc::Status garbage(grpc::StatusCode::NOT_FOUND, "m", std::string("\xff\xff\x01 garbage"));
  EXPECT_EQ(FromGrpcStatus(garbage).code(), absl::StatusCode::kNotFound);

  google::rpc::Status rich;
  rich.add_details()->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  rich.mutable_details(0)->set_value("\xff\xff");
  grpc::Status broken(grpc::StatusCode::NOT_FOUND, "m", rich.SerializeAsString());
  EXPECT_EQ(Reason(FromGrpcStatus(broken)), "RPC_FAILED");
}

TEST(StatusCodecTest, HostileDetailsAreBounded) {
  BadRequest bad;
  for (int i = 0; i < 10'000; ++i) bad.add_field_violations()->set_field("f");
  RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(INT64_MAX);
  absl::Status status =
      FromGrpcStatus(WithDetails(grpc::StatusCode::INVALID_ARGUMENT, "m", bad, retry));
  EXPECT_EQ(FieldViolations(status).size(), 256u);
  EXPECT_EQ(RetryAfter(status), std::chrono::hours(24));
}

}  // namespace
}  // namespace dml
