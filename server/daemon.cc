#include "server/daemon.h"

#include <set>

#include <spdlog/spdlog.h>

#include "server/admission/admission.h"
#include "server/audit/journal_audit.h"
#include "server/auth/authenticator.h"
#include "server/auth/authorization_table.h"
#include "server/auth/bootstrap.h"
#include "server/auth/issuer_files.h"
#include "server/auth/key_pair_files.h"
#include "server/auth/listen_address_file.h"
#include "server/auth/tls.h"
#include "server/config/config_changes.h"
#include "server/config/version.h"
#include "server/http/log_site.h"
#include "server/http/observation_site.h"
#include "server/open_library.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/server_host.h"
#include "server/rpc/services.h"
#include "server/runtime/descriptors.h"
#include "server/runtime/logging.h"
#include "server/runtime/metric_sources.h"
#include "storage/backup/backups.h"
#include "storage/collect/maintenance.h"
#include "storage/library/library.h"
#include "storage/library/principal_names.h"
#include "storage/library/steward.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

// For connections, log, and what libraries open for a moment.
constexpr uint64_t kReservedDescriptors = 256;

// What the guard asks of the library, at each call.
class LibraryAccess : public AccessSource {
 public:
  explicit LibraryAccess(Library& library) : library_(library) {}
  absl::StatusOr<std::vector<AccessGrant>> GrantsOf(std::string_view principal) const override {
    auto snapshot = library_.Read();
    DML_ASSIGN_OR_RETURN(auto records, LibraryView(*snapshot).GrantsOf(principal));
    std::vector<AccessGrant> out;
    for (GrantRecord& record : records) out.push_back(std::move(record.grant));
    return out;
  }
  absl::StatusOr<std::optional<TokenRecord>> FindToken(std::string_view id) const override {
    auto snapshot = library_.Read();
    return LibraryView(*snapshot).FindToken(id);
  }

 private:
  Library& library_;
};

absl::StatusOr<std::unique_ptr<Maintenance>> StartMaintenance(Library& library,
                                                              const ServerConfig& config) {
  std::vector<std::unique_ptr<const RootSource>> sources;
  sources.push_back(std::make_unique<RetentionRoots>());
  MaintenanceOptions options;
  options.mark_bytes = config.maintenance.mark_bytes;
  options.scrub_bytes_per_second = config.maintenance.scrub_bytes_per_second;
  options.repack_interval =
      std::chrono::seconds(config.read_only ? 0 : config.maintenance.repack_interval_seconds);
  options.repack_bytes_per_second = config.maintenance.repack_bytes_per_second;
  return Maintenance::Start(library, std::move(sources), std::move(options));
}

TlsFiles FilesOf(const ServerConfig& config) {
  const IdentityFiles made(config.data_dir);
  const bool own_certificate = config.tls.certificate.empty();
  return {own_certificate ? made.server_certificate : config.tls.certificate,
          own_certificate ? made.server_key : config.tls.key,
          config.tls.client_ca.empty() ? made.ca_certificate : config.tls.client_ca};
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const ServerConfig& config,
                                                     const TlsStore* tls) {
  if (tls == nullptr) return grpc::InsecureServerCredentials();
  return MakeServerCredentials(*tls, !config.auth.certificates_optional);
}

std::string ClientAddress(const ListenAddress& address) {
  return address.wildcard ? fmt::format("localhost:{}", address.port) : address.ToString();
}

}  // namespace

// In the order of their dependence: destroyed from the last to the first.
struct Daemon::Parts {
  explicit Parts(ServerConfig started_with)
      : config(std::move(started_with)), max_transfers(config.limits.max_transfers) {}

  ServerConfig config;      // In use.
  const int max_transfers;  // At the start.
  Metrics metrics{kServerVersion};
  std::unique_ptr<IssuerFiles> issuers;
  std::unique_ptr<Library> library;
  std::unique_ptr<Maintenance> maintenance;
  std::unique_ptr<Admission> admission;
  std::unique_ptr<PrincipalNames> names;
  TrustCache trust;
  std::shared_ptr<PolicyCache> policies = std::make_shared<PolicyCache>();
  std::unique_ptr<Steward> steward;
  std::unique_ptr<LibraryAccess> access;
  std::unique_ptr<TlsStore> tls;  // Null: no TLS.
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<AuditLog> audit;
  std::unique_ptr<CallGuard> guard;
  std::unique_ptr<TransferBudget> budget;
  std::unique_ptr<Backups> backups;  // Null: no folder is configured.
  std::optional<ServiceContext> services;
  std::unique_ptr<ServerHost> host;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<HttpServer> observation;
  std::shared_ptr<const Signer> permit_key;
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
};

namespace {

TransferLimits LimitsOf(const ServerConfig& config) {
  return {config.limits.max_transfers, config.limits.transfer_bytes,
          UploadMemory(config.limits, config.content), 4 * config.content.chunk_average_bytes};
}

// "dml.v1.CatalogService" and its like.
std::set<std::string> ServiceNames() {
  std::set<std::string> out;
  for (const AuthorizationRow& row : AuthorizationTable()) {
    const std::string_view name = row.method.substr(1, row.method.rfind('/') - 1);
    if (name.starts_with("dml.")) out.emplace(name);
  }
  return out;
}

// Those that answer whether the library can be written to or not.
bool OnlyReads(const std::string& service) {
  return service == "dml.v1.CompatibilityService" || service == "dml.v1.JournalService";
}

}  // namespace

// Whatever calls need but the network.
absl::Status Daemon::OpenParts(Parts& parts) {
  const ServerConfig& config = parts.config;
  // Before the first start makes anything: what is amiss with the configuration is mended first.
  DML_ASSIGN_OR_RETURN(parts.issuers, IssuerFiles::Open(config.auth.issuers));
  if (!config.insecure_loopback) {
    DML_RETURN_IF_ERROR(
        CheckGivenTlsFiles({config.tls.certificate, config.tls.key, config.tls.client_ca}));
  }
  DML_ASSIGN_OR_RETURN(parts.library, OpenLibrary(config, &parts.metrics));
  DML_ASSIGN_OR_RETURN(parts.maintenance, StartMaintenance(*parts.library, config));
  parts.admission = std::make_unique<Admission>(*parts.library, config.admission);
  DML_ASSIGN_OR_RETURN(parts.names, PrincipalNames::Open(config.data_dir / "principals"));
  parts.access = std::make_unique<LibraryAccess>(*parts.library);
  DML_ASSIGN_OR_RETURN(PrivateKey permit_key,
                       EnsureKeyFile(IdentityFiles(config.data_dir).permit_key));
  parts.permit_key = std::make_shared<const PrivateKey>(std::move(permit_key));
  AuthenticatorOptions authentication;
  authentication.insecure_loopback = config.insecure_loopback;
  authentication.issuers = parts.issuers->Current();
  if (!config.insecure_loopback) {
    DML_ASSIGN_OR_RETURN(parts.tls, TlsStore::Open(FilesOf(config)));
    authentication.tls = [tls = parts.tls.get()] { return tls->Current(); };
  }
  parts.authenticator =
      std::make_unique<Authenticator>(std::move(authentication), parts.access.get());
  DML_ASSIGN_OR_RETURN(parts.audit, StartAuditLog(config, *parts.library));
  parts.guard = std::make_unique<CallGuard>(
      *parts.authenticator, CallHooks{.audit = parts.audit.get(), .observer = &parts.metrics});
  parts.budget = std::make_unique<TransferBudget>(LimitsOf(config));
  if (!config.backup.folder.empty()) {
    parts.backups = std::make_unique<Backups>(
        *parts.library, BackupsOptions{config.backup.folder, config.data_dir, kServerVersion});
  }
  return absl::OkStatus();
}

absl::Status Daemon::Serve() {
  Parts& parts = *parts_;
  const ServerConfig& config = parts.config;
  ServerHostOptions options;
  DML_ASSIGN_OR_RETURN(options.listen, ParseListenAddress(config.listen));
  options.limits = config.limits;
  parts.services.emplace(ServiceContext{
      .library = *parts.library,
      .guard = *parts.guard,
      .budget = *parts.budget,
      .maintenance = *parts.maintenance,
      .trust = parts.trust,
      .admission = *parts.admission,
      .names = *parts.names,
      .max_message_bytes = static_cast<uint32_t>(config.limits.max_message_bytes),
      .chunker =
          ChunkerParams::FromAverage(static_cast<uint32_t>(config.content.chunk_average_bytes)),
      .stall_timeout = std::chrono::seconds(config.limits.stall_timeout_seconds),
      .server_version = kServerVersion,
      .data_dir = config.data_dir.string(),
      .start_time = WallClockNow(),
      .policies = parts.policies,
      .stopping = parts.stopping,
      .permit_key = parts.permit_key,
      .observer = &parts.metrics,
      .backups = parts.backups.get()});
  DML_ASSIGN_OR_RETURN(parts.host, ServerHost::Start(options, Credentials(config, parts.tls.get()),
                                                     MakeServices(*parts.services)));
  TellHealth();
  DML_ASSIGN_OR_RETURN(parts.http,
                       StartHttp(config, parts.tls.get(), *parts.library, *parts.guard));
  parts.metrics.AddSource([this, &parts](MetricSink& sink) {
    TellLibrary(*parts.library, sink);
    TellMaintenance(*parts.maintenance, sink);
    TellTraffic(*parts.services, sink);
    if (parts.backups != nullptr) TellBackups(*parts.backups, sink);
    sink.Gauge("dmld_calls_running", "Calls under way", parts.host->running_calls());
    sink.Counter("dmld_audit_lines_total", "Lines of the audit log, ever",
                 static_cast<double>(parts.audit->head().lines));
    sink.Gauge("dmld_ready", "1 where calls can succeed (/readyz)", Ready().ok());
    TellProcess(sink);
  });
  DML_ASSIGN_OR_RETURN(parts.observation,
                       StartObservation(config, parts.tls.get(), *parts.guard,
                                        {.metrics = [&parts] { return parts.metrics.Text(); },
                                         .ready = [this] { return Ready(); }}));
  if (config.read_only) return absl::OkStatus();
  StewardOptions steward;
  steward.on_found = [&parts](const ReleaseReevaluated&, const std::vector<Finding>& findings) {
    parts.metrics.Decided("reevaluation", findings.empty(), findings);
  };
  parts.steward =
      std::make_unique<Steward>(*parts.library, parts.trust, *parts.policies, std::move(steward));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const ServerConfig& config) {
  DML_RETURN_IF_ERROR(config.Validate());
  DML_RETURN_IF_ERROR(RequireDescriptors(static_cast<uint64_t>(config.limits.max_open_files) +
                                         kReservedDescriptors));
  AllowOnlyTls13();
  auto parts = std::make_unique<Parts>(config);
  DML_RETURN_IF_ERROR(OpenParts(*parts));
  auto daemon = std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
  DML_RETURN_IF_ERROR(daemon->Serve());
  const ListenAddress& address = daemon->address();
  DML_RETURN_IF_ERROR(WriteListenAddress(config.data_dir, ClientAddress(address)));
  DML_RETURN_IF_ERROR(
      WriteAdminProfile(config.data_dir, ClientAddress(address), config.insecure_loopback));
  spdlog::info("serving {} on {}{}{}", daemon->parts_->library->origin(), address.ToString(),
               config.insecure_loopback ? " without TLS and authentication" : "",
               config.read_only ? ", read-only" : "");
  return daemon;
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() { Shutdown(std::chrono::milliseconds(0)); }

const ListenAddress& Daemon::address() const { return parts_->host->address(); }

std::optional<ListenAddress> Daemon::http_address() const {
  if (parts_->http == nullptr) return std::nullopt;
  return parts_->http->address();
}

std::optional<ListenAddress> Daemon::observation_address() const {
  if (parts_->observation == nullptr) return std::nullopt;
  return parts_->observation->address();
}

std::string Daemon::client_address() const { return ClientAddress(address()); }

void Daemon::ReloadFiles() {
  if (parts_->tls != nullptr) parts_->tls->Check();
  if (parts_->issuers->Check()) parts_->authenticator->UseIssuers(parts_->issuers->Current());
}

void Daemon::Reload(const ServerConfig& config) {
  ServerConfig& in_use = parts_->config;
  SetLogLevel(config.log.level);  // First: what follows is told by it.
  for (const std::string& path : ChangedSettings(in_use, config)) {
    if (path == "log.level") {
      in_use.log.level = config.log.level;
    } else if (path == "limits.transferBytes") {
      in_use.limits.transfer_bytes = config.limits.transfer_bytes;
    } else if (path == "limits.maxTransfers" &&
               config.limits.max_transfers <= parts_->max_transfers) {
      // The server has no threads for more than it was started with.
      in_use.limits.max_transfers = config.limits.max_transfers;
    } else {
      spdlog::warn("reload: {} has changed: that is for the next start", path);
      continue;
    }
    spdlog::info("reload: {} is in use", path);
  }
  parts_->budget->SetLimits(LimitsOf(in_use));
}

absl::Status Daemon::Ready() const {
  if (*parts_->stopping) {
    return Unavailable(ErrorReason("SHUTTING_DOWN"), "the daemon is shutting down");
  }
  if (parts_->library->engine().Stats().read_only) {
    return Unavailable(ErrorReason("STORAGE_IO"),
                       "a write failed, and the library must be opened anew: restart the daemon");
  }
  return Alive();
}

absl::Status Daemon::Alive() const { return JournalView(*parts_->library->Read()).Size().status(); }

void Daemon::TellHealth() {
  const bool ready = Ready().ok();
  const bool stopping = *parts_->stopping;
  parts_->host->SetServing("", ready);
  for (const std::string& service : ServiceNames()) {
    parts_->host->SetServing(service, ready || (!stopping && OnlyReads(service)));
  }
}

void Daemon::Shutdown(std::chrono::milliseconds grace) {
  if (parts_->library == nullptr) return;
  parts_->stopping->store(true);
  if (parts_->host != nullptr) TellHealth();
  parts_->http.reset();
  if (parts_->host != nullptr) parts_->host->Shutdown(grace);
  parts_->observation.reset();  // Tells until then that the daemon is not ready.
  parts_->audit.reset();
  parts_->steward.reset();
  parts_->admission.reset();
  parts_->backups.reset();
  parts_->maintenance.reset();
  parts_->library.reset();
}

}  // namespace dml
