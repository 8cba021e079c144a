#include "server/rpc/status_codec.h"

#include <optional>
#include <random>

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "core/base/bytes.h"

namespace dml {
namespace {

google::rpc::Status Decode(const grpc::Status& status) {
  google::rpc::Status out;
  EXPECT_TRUE(out.ParseFromString(status.error_details()));
  return out;
}

template <typename T>
std::optional<T> Detail(const grpc::Status& status) {
  const google::rpc::Status decoded = Decode(status);
  for (const auto& any : decoded.details()) {
    T out;
    if (any.UnpackTo(&out)) return out;
  }
  return std::nullopt;
}

size_t PercentEncodedSize(std::string_view text) {
  size_t size = 0;
  for (unsigned char c : text) size += c >= 0x20 && c < 0x7f && c != '%' ? 1 : 3;
  return size;
}

TEST(StatusCodecTest, OkIsOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_EQ(ToGrpc(absl::OkStatus()).error_details(), "");
}

TEST(StatusCodecTest, CarriesCodeMessageReason) {
  const grpc::Status status = ToGrpc(NotFound(ErrorReason("PACKAGE_NOT_FOUND"), "no such package"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no such package");
  EXPECT_EQ(Decode(status).code(), 5);
  EXPECT_EQ(Decode(status).message(), "no such package");
  auto info = Detail<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->reason(), "PACKAGE_NOT_FOUND");
  EXPECT_EQ(info->domain(), "dml");
  EXPECT_TRUE(info->metadata().empty());
  EXPECT_FALSE(Detail<google::rpc::BadRequest>(status));
  EXPECT_FALSE(Detail<google::rpc::RetryInfo>(status));
}

TEST(StatusCodecTest, EveryCodeArrivesAsItself) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpc(MakeError(static_cast<absl::StatusCode>(code), ErrorReason("X"), "m"));
    EXPECT_EQ(static_cast<int>(status.error_code()), code);
  }
}

TEST(StatusCodecTest, AStatusWithoutReasonIsAnInternalError) {
  auto info = Detail<google::rpc::ErrorInfo>(ToGrpc(absl::InternalError("bug")));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->reason(), "INTERNAL_ERROR");
}

TEST(StatusCodecTest, CarriesFieldsAndRetry) {
  absl::Status error = InvalidArgument(ErrorReason("BAD"), "bad");
  SetFieldViolations(error, {{"a.b[2]", "too long"}, {"c", "missing"}});
  const grpc::Status status = ToGrpc(WithRetryAfter(error, std::chrono::milliseconds(2'250)));
  auto bad_request = Detail<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad_request);
  ASSERT_EQ(bad_request->field_violations_size(), 2);
  EXPECT_EQ(bad_request->field_violations(0).field(), "a.b[2]");
  EXPECT_EQ(bad_request->field_violations(1).description(), "missing");
  auto retry = Detail<google::rpc::RetryInfo>(status);
  ASSERT_TRUE(retry);
  EXPECT_EQ(retry->retry_delay().seconds(), 2);
  EXPECT_EQ(retry->retry_delay().nanos(), 250'000'000);
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(status)->metadata().at("violations_total"), "2");
}

TEST(StatusCodecTest, KeepsTheFirstViolationsThatFit) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 5000; ++i) violations.push_back({fmt::format("f[{}]", i), "wrong"});
  absl::Status error = InvalidArgument(ErrorReason("BAD"), "bad");
  SetFieldViolations(error, violations);
  const grpc::Status status = ToGrpc(error);
  EXPECT_LE(status.error_details().size(), kMaxWireDetailBytes);
  EXPECT_GT(status.error_details().size(), kMaxWireDetailBytes * 3 / 4) << "room is used";
  auto bad_request = Detail<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad_request);
  for (int i = 0; i < bad_request->field_violations_size(); ++i) {
    EXPECT_EQ(bad_request->field_violations(i).field(), fmt::format("f[{}]", i));
  }
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(status)->metadata().at("violations_total"), "5000");
}

TEST(StatusCodecTest, ReplacesWhatIsNotUtf8) {
  const grpc::Status status = ToGrpc(Internal(ErrorReason("X"), "a\xff\xc3(\xe2\x82 \xc3\xa9"));
  EXPECT_EQ(status.error_message(),
            "a?"
            "?(?"
            "? \xc3\xa9");
}

TEST(StatusCodecTest, CutsBetweenCharacters) {
  std::string e_acute;
  for (int i = 0; i < 3000; ++i) e_acute += "\xc3\xa9";
  const grpc::Status status = ToGrpc(Internal(ErrorReason("X"), "{}", e_acute));
  EXPECT_TRUE(IsValidUtf8(status.error_message()));
  EXPECT_TRUE(status.error_message().ends_with("\xc3\xa9..."));
  EXPECT_LE(PercentEncodedSize(status.error_message()), kMaxWireMessageBytes);

  const std::string exact(kMaxWireMessageBytes, 'x');
  EXPECT_EQ(ToGrpc(Internal(ErrorReason("X"), "{}", exact)).error_message(), exact);
  EXPECT_EQ(ToGrpc(Internal(ErrorReason("X"), "{}x", exact)).error_message(),
            exact.substr(3) + "...");
}

TEST(StatusCodecTest, StaysWithinItsLimitsWhateverComes) {
  const unsigned seed = 20260301;
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    auto bytes = [&](size_t limit) {
      std::string out(random() % limit, '\0');
      for (char& c : out) c = static_cast<char>(random());
      return out;
    };
    absl::Status error = InvalidArgument(ErrorReason("BAD"), "{}", bytes(6000));
    std::vector<FieldViolation> violations(random() % 50);
    for (auto& violation : violations) violation = {bytes(2000), bytes(2000)};
    SetFieldViolations(error, violations);
    if (round % 2 == 0) error = WithRetryAfter(error, std::chrono::hours(random() % 1000));
    const grpc::Status status = ToGrpc(error);
    ASSERT_LE(status.error_details().size(), kMaxWireDetailBytes) << "seed " << seed;
    ASSERT_LE(PercentEncodedSize(status.error_message()), kMaxWireMessageBytes) << "seed " << seed;
    ASSERT_TRUE(IsValidUtf8(status.error_message())) << "seed " << seed;
    ASSERT_TRUE(Detail<google::rpc::ErrorInfo>(status)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dml
