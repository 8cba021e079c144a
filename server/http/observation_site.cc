#include "server/http/observation_site.h"

#include <spdlog/spdlog.h>

#include "server/http/http_admission.h"
#include "server/runtime/metrics.h"

namespace dml {

absl::Status ObservationSite::Admit(const HttpRequest& request, std::string_view resource) const {
  if (parts_.open) return absl::OkStatus();
  return AdmitHttp(guard_, request, resource);
}

HttpAnswer ObservationSite::Answer(const HttpRequest& request) const {
  if (request.target == "/healthz") return {200, "alive\n"};
  if (request.target == "/readyz") {
    if (absl::Status status = Admit(request, "/http/readyz"); !status.ok()) {
      return HttpFault(status);
    }
    const absl::Status ready = parts_.ready();
    if (ready.ok()) return {200, "ready\n"};
    return {503, fmt::format("not ready: {}\n", Message(ready))};
  }
  if (request.target == "/metrics") {
    if (absl::Status status = Admit(request, "/http/metrics"); !status.ok()) {
      return HttpFault(status);
    }
    return {200, parts_.metrics(), Metrics::kContentType};
  }
  return HttpFault(NotFound(ErrorReason("RESOURCE_NOT_FOUND"),
                            "no such resource; there are /metrics, /healthz and /readyz"));
}

absl::StatusOr<std::unique_ptr<HttpServer>> StartObservation(const ServerConfig& config,
                                                             const TlsStore* tls, CallGuard& guard,
                                                             ObservationParts parts) {
  const ObservationConfig& observation = config.observation;
  if (observation.listen.empty()) return nullptr;
  HttpServerOptions options;
  DML_ASSIGN_OR_RETURN(options.listen, ParseListenAddress(observation.listen));
  const bool plain = options.listen.loopback || tls == nullptr;
  parts.open = plain || observation.anonymous;
  if (!plain) {
    options.tls.emplace(HttpTls{[tls] { return tls->Current(); },
                                !observation.anonymous && !config.auth.certificates_optional});
  }
  auto site = std::make_shared<const ObservationSite>(guard, std::move(parts));
  DML_ASSIGN_OR_RETURN(auto server,
                       HttpServer::Start(std::move(options), [site](const HttpRequest& request) {
                         return site->Answer(request);
                       }));
  const std::string address = server->address().ToString();
  spdlog::info("serving metrics over {} on {}", plain ? "HTTP" : "HTTPS", address);
  if (!plain && observation.anonymous) {
    spdlog::warn("observation.anonymous: whoever reaches {} reads the daemon's figures", address);
  }
  return server;
}

}  // namespace dml
