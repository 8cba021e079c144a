#include "client/status_codec.h"

#include <algorithm>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dml {
namespace {

constexpr std::string_view kDomain = "dml";
constexpr int kMaxViolations = 256;
constexpr size_t kMaxReasonBytes = 64;

bool IsReason(std::string_view word) {
  return !word.empty() && word.size() <= kMaxReasonBytes && std::ranges::all_of(word, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

absl::StatusCode CodeOf(grpc::StatusCode code) {
  int number = static_cast<int>(code);
  return number >= 1 && number <= 16 ? static_cast<absl::StatusCode>(number)
                                     : absl::StatusCode::kUnknown;
}

const char* TransportReason(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return "SERVER_UNAVAILABLE";
    case absl::StatusCode::kDeadlineExceeded:
      return "SERVER_TIMEOUT";
    case absl::StatusCode::kUnimplemented:
      return "METHOD_UNKNOWN";
    default:
      return "RPC_FAILED";
  }
}

struct Details {
  std::string reason;
  std::vector<FieldViolation> violations;
  std::optional<std::chrono::milliseconds> retry_after;
};

void ReadDetail(const google::protobuf::Any& any, Details& out) {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
  if (any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info)) {
    if (info.domain() == kDomain && IsReason(info.reason())) out.reason = info.reason();
  } else if (any.Is<google::rpc::BadRequest>() && any.UnpackTo(&bad_request)) {
    for (const auto& violation : bad_request.field_violations()) {
      if (out.violations.size() == kMaxViolations) break;
      out.violations.push_back({violation.field(), violation.description()});
    }
  } else if (any.Is<google::rpc::RetryInfo>() && any.UnpackTo(&retry)) {
    // More than a day is as good as a day, and cannot overflow.
    int64_t seconds = std::clamp<int64_t>(retry.retry_delay().seconds(), 0, 24 * 3600);
    int64_t nanos = std::clamp<int64_t>(retry.retry_delay().nanos(), 0, 999'999'999);
    out.retry_after = std::chrono::milliseconds(seconds * 1000 + nanos / 1'000'000);
  }
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  Details details;
  google::rpc::Status rich;
  if (rich.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : rich.details()) ReadDetail(any, details);
  }
  absl::StatusCode code = CodeOf(status.error_code());
  const char* reason = details.reason.empty() ? TransportReason(code) : details.reason.c_str();
  absl::Status out = MakeError(code, ErrorReason(reason), status.error_message());
  SetFieldViolations(out, details.violations);
  if (details.retry_after.has_value()) out = WithRetryAfter(out, *details.retry_after);
  return out;
}

}  // namespace dml
