#include "tests/client/server_error.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dml::testing {

grpc::Status ServerError(grpc::StatusCode code, const std::string& reason,
                         std::chrono::milliseconds retry_after) {
  google::rpc::Status rich;
  google::rpc::ErrorInfo info;
  info.set_domain("dml");
  info.set_reason(reason);
  rich.add_details()->PackFrom(info);
  if (retry_after.count() > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(retry_after.count() / 1000);
    retry.mutable_retry_delay()->set_nanos((retry_after.count() % 1000) * 1'000'000);
    rich.add_details()->PackFrom(retry);
  }
  return grpc::Status(code, "the server said " + reason, rich.SerializeAsString());
}

}  // namespace dml::testing
