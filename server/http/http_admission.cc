#include "server/http/http_admission.h"

namespace dml {
namespace {

int HttpStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

absl::Status AdmitHttp(CallGuard& guard, const HttpRequest& request, std::string_view resource) {
  const auto start = std::chrono::steady_clock::now();
  std::string principal = kUnknownPrincipal;
  const absl::Status status = guard
                                  .AdmitPeer(request.certificate_pem, request.authorization,
                                             resource, request.peer, &principal)
                                  .status();
  guard.Finish(resource, principal, request.peer, status, std::chrono::steady_clock::now() - start);
  return status;
}

HttpAnswer HttpFault(const absl::Status& status) {
  return {HttpStatus(status), fmt::format("{}\n", Message(status))};
}

}  // namespace dml
