#include "server/http/log_site.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "core/base/text.h"
#include "core/tlog/tile.h"
#include "server/http/http_admission.h"
#include "storage/journal/journal.h"

namespace dml {
namespace {

constexpr std::string_view kBytes = "application/octet-stream";

absl::Status NoResource() {
  return NotFound(ErrorReason("RESOURCE_NOT_FOUND"),
                  "no such resource; there are /checkpoint, /checkpoint/cosigned, /tile/<L>/<N>, "
                  "/tile/entries/<N>, /healthz and /readyz");
}

absl::StatusOr<std::string> MakeBundle(const TileName& name, uint64_t size,
                                       const JournalView& journal) {
  if (AvailableWidth(0, name.index, size) < name.width) {
    return NotFound(ErrorReason("TILE_NOT_FOUND"), "a tree of {} entries has no {}", size,
                    FormatTileName(name));
  }
  std::string out;
  for (uint32_t i = 0; i < name.width; ++i) {
    DML_ASSIGN_OR_RETURN(const std::string leaf, journal.Leaf(name.index * kTileWidth + i));
    AppendToBundle(leaf, out);
  }
  return out;
}

// Only what a checkpoint covers that was signed: the journal may be ahead of it.
absl::StatusOr<std::string> TileBytes(const TileName& name, Library& library) {
  const uint64_t size = library.checkpoint()->checkpoint.size;
  const auto snapshot = library.Read();
  const JournalView journal(*snapshot);
  return name.entries ? MakeBundle(name, size, journal) : MakeTile(name, size, journal.Nodes());
}

// Of the notes, newest first, the first of those with the most lines.
absl::StatusOr<std::string> MostCosigned(const Library& library,
                                         const CosignedCheckpoints& cosigned) {
  DML_ASSIGN_OR_RETURN(std::vector<std::string> notes, cosigned.Newest());
  size_t most = 0;
  std::string out;
  for (std::string& text : notes) {
    DML_ASSIGN_OR_RETURN(const Note note, ParseNote(text));
    if (note.signatures.size() <= most) continue;
    most = note.signatures.size();
    out = std::move(text);
  }
  if (!out.empty()) return out;
  return NotFound(ErrorReason("COSIGNATURE_NOT_FOUND"), "no witness has cosigned {} yet",
                  library.origin());
}

HttpAnswer Text(absl::StatusOr<std::string> text) {
  if (!text.ok()) return HttpFault(text.status());
  return {200, *std::move(text), "text/plain; charset=utf-8", "no-cache"};
}

}  // namespace

absl::Status LogSite::Admit(const HttpRequest& request, std::string_view resource) {
  if (options_.insecure_loopback) return absl::OkStatus();
  if (options_.public_log && resource != "/http/readyz") return absl::OkStatus();
  return AdmitHttp(guard_, request, resource);
}

HttpAnswer LogSite::Answer(const HttpRequest& request) {
  const std::string_view target = request.target;
  if (target == "/healthz") return {200, "alive\n"};
  if (target == "/readyz") {
    if (absl::Status status = Admit(request, "/http/readyz"); !status.ok())
      return HttpFault(status);
    if (!library_.engine().Stats().read_only) return {200, "ready\n"};
    return {503, "not ready: a write failed, and the library must be opened anew\n"};
  }
  if (target == "/checkpoint" || target == "/checkpoint/cosigned") {
    if (absl::Status status = Admit(request, "/http/checkpoint"); !status.ok()) {
      return HttpFault(status);
    }
    if (target != "/checkpoint") return Text(MostCosigned(library_, library_.cosigned()));
    const auto newest = library_.checkpoint();
    return Text(library_.cosigned().WithCosignatures(newest->note, newest->checkpoint.size));
  }
  const std::optional<TileName> name =
      target.starts_with('/') ? ParseTileName(target.substr(1)) : std::nullopt;
  if (!name.has_value()) return HttpFault(NoResource());
  const std::string_view resource = name->entries ? "/http/entries" : "/http/tile";
  if (absl::Status status = Admit(request, resource); !status.ok()) return HttpFault(status);
  absl::StatusOr<std::string> bytes = TileBytes(*name, library_);
  if (!bytes.ok()) return HttpFault(bytes.status());
  // A full tile never changes. A partial one does not either, but is soon not asked for any more.
  const std::string scope = options_.public_log ? "public" : "private";
  return {200, *std::move(bytes), std::string(kBytes),
          scope + (name->full() ? ", max-age=31536000, immutable" : ", max-age=60")};
}

absl::StatusOr<std::unique_ptr<HttpServer>> StartHttp(const ServerConfig& config,
                                                      const TlsStore* tls, Library& library,
                                                      CallGuard& guard) {
  if (config.http.listen.empty()) return nullptr;
  HttpServerOptions options;
  DML_ASSIGN_OR_RETURN(options.listen, ParseListenAddress(config.http.listen));
  options.max_connections_per_address =
      static_cast<size_t>(config.http.max_connections_per_address);
  if (tls != nullptr) {
    options.tls.emplace(HttpTls{[tls] { return tls->Current(); },
                                !config.http.public_log && !config.auth.certificates_optional});
  }
  auto site = std::make_shared<LogSite>(
      library, guard, LogSiteOptions{config.insecure_loopback, config.http.public_log});
  DML_ASSIGN_OR_RETURN(auto server,
                       HttpServer::Start(std::move(options), [site](const HttpRequest& request) {
                         return site->Answer(request);
                       }));
  spdlog::info("serving the log over {} on {}", config.insecure_loopback ? "HTTP" : "HTTPS",
               server->address().ToString());
  if (config.http.public_log) {
    spdlog::warn(
        "http.publicLog: every entry of the journal is published to whoever reaches {}, with names "
        "of packages, environments, nodes and principals, for ever",
        server->address().ToString());
  }
  return server;
}

}  // namespace dml
