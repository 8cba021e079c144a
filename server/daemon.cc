#include "server/daemon.h"

#include <spdlog/spdlog.h>

#include "server/admission/admission.h"
#include "server/audit/journal_audit.h"
#include "server/auth/authenticator.h"
#include "server/auth/bootstrap.h"
#include "server/auth/issuer_files.h"
#include "server/auth/listen_address_file.h"
#include "server/auth/tls.h"
#include "server/config/version.h"
#include "server/http/log_site.h"
#include "server/open_library.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/server_host.h"
#include "server/rpc/services.h"
#include "server/runtime/descriptors.h"
#include "storage/collect/maintenance.h"
#include "storage/library/library.h"
#include "storage/library/principal_names.h"
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
                                                              const MaintenanceConfig& config) {
  std::vector<std::unique_ptr<const RootSource>> sources;
  sources.push_back(std::make_unique<RetentionRoots>());
  MaintenanceOptions options;
  options.mark_bytes = config.mark_bytes;
  options.scrub_bytes_per_second = config.scrub_bytes_per_second;
  options.repack_interval = std::chrono::seconds(config.repack_interval_seconds);
  options.repack_bytes_per_second = config.repack_bytes_per_second;
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
  std::unique_ptr<IssuerFiles> issuers;
  std::unique_ptr<Library> library;
  std::unique_ptr<Maintenance> maintenance;
  std::unique_ptr<Admission> admission;
  std::unique_ptr<PrincipalNames> names;
  TrustCache trust;
  std::unique_ptr<LibraryAccess> access;
  std::unique_ptr<TlsStore> tls;  // Null: no TLS.
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<AuditLog> audit;
  std::unique_ptr<CallGuard> guard;
  std::unique_ptr<TransferBudget> budget;
  std::unique_ptr<ServerHost> host;
  std::unique_ptr<HttpServer> http;
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
};

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const ServerConfig& config) {
  DML_RETURN_IF_ERROR(config.Validate());
  DML_RETURN_IF_ERROR(RequireDescriptors(static_cast<uint64_t>(config.limits.max_open_files) +
                                         kReservedDescriptors));
  AllowOnlyTls13();
  auto parts = std::make_unique<Parts>();
  // Before the first start makes anything: what is amiss with the configuration is mended first.
  DML_ASSIGN_OR_RETURN(parts->issuers, IssuerFiles::Open(config.auth.issuers));
  if (!config.insecure_loopback) {
    DML_RETURN_IF_ERROR(
        CheckGivenTlsFiles({config.tls.certificate, config.tls.key, config.tls.client_ca}));
  }
  DML_ASSIGN_OR_RETURN(parts->library, OpenLibrary(config));
  DML_ASSIGN_OR_RETURN(parts->maintenance, StartMaintenance(*parts->library, config.maintenance));
  parts->admission = std::make_unique<Admission>(*parts->library, config.admission);
  DML_ASSIGN_OR_RETURN(parts->names, PrincipalNames::Open(config.data_dir / "principals"));
  parts->access = std::make_unique<LibraryAccess>(*parts->library);
  AuthenticatorOptions authentication;
  authentication.insecure_loopback = config.insecure_loopback;
  authentication.issuers = parts->issuers->Current();
  if (!config.insecure_loopback) {
    DML_ASSIGN_OR_RETURN(parts->tls, TlsStore::Open(FilesOf(config)));
    authentication.tls = [tls = parts->tls.get()] { return tls->Current(); };
  }
  parts->authenticator =
      std::make_unique<Authenticator>(std::move(authentication), parts->access.get());
  DML_ASSIGN_OR_RETURN(parts->audit, StartAuditLog(config, *parts->library));
  parts->guard = std::make_unique<CallGuard>(*parts->authenticator, parts->audit.get());
  parts->budget = std::make_unique<TransferBudget>(TransferLimits{
      config.limits.max_transfers, config.limits.transfer_bytes,
      UploadMemory(config.limits, config.content), 4 * config.content.chunk_average_bytes});

  ServerHostOptions options;
  DML_ASSIGN_OR_RETURN(options.listen, ParseListenAddress(config.listen));
  options.limits = config.limits;
  const ServiceContext services{
      .library = *parts->library,
      .guard = *parts->guard,
      .budget = *parts->budget,
      .maintenance = *parts->maintenance,
      .trust = parts->trust,
      .admission = *parts->admission,
      .names = *parts->names,
      .max_message_bytes = static_cast<uint32_t>(config.limits.max_message_bytes),
      .chunker =
          ChunkerParams::FromAverage(static_cast<uint32_t>(config.content.chunk_average_bytes)),
      .stall_timeout = std::chrono::seconds(config.limits.stall_timeout_seconds),
      .server_version = kServerVersion,
      .data_dir = config.data_dir.string(),
      .start_time = WallClockNow(),
      .stopping = parts->stopping};
  DML_ASSIGN_OR_RETURN(
      parts->host,
      ServerHost::Start(options, Credentials(config, parts->tls.get()), MakeServices(services)));
  DML_ASSIGN_OR_RETURN(parts->http,
                       StartHttp(config, parts->tls.get(), *parts->library, *parts->guard));

  const ListenAddress& address = parts->host->address();
  DML_RETURN_IF_ERROR(WriteListenAddress(config.data_dir, ClientAddress(address)));
  DML_RETURN_IF_ERROR(
      WriteAdminProfile(config.data_dir, ClientAddress(address), config.insecure_loopback));
  spdlog::info("serving {} on {}{}", parts->library->origin(), address.ToString(),
               config.insecure_loopback ? " without TLS and authentication" : "");
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() { Shutdown(std::chrono::milliseconds(0)); }

const ListenAddress& Daemon::address() const { return parts_->host->address(); }

std::optional<ListenAddress> Daemon::http_address() const {
  if (parts_->http == nullptr) return std::nullopt;
  return parts_->http->address();
}

std::string Daemon::client_address() const { return ClientAddress(address()); }

void Daemon::ReloadFiles() {
  if (parts_->tls != nullptr) parts_->tls->Check();
  if (parts_->issuers->Check()) parts_->authenticator->UseIssuers(parts_->issuers->Current());
}

void Daemon::Shutdown(std::chrono::milliseconds grace) {
  if (parts_->library == nullptr) return;
  parts_->stopping->store(true);
  parts_->http.reset();
  parts_->host->Shutdown(grace);
  parts_->audit.reset();
  parts_->admission.reset();
  parts_->maintenance.reset();
  parts_->library.reset();
}

}  // namespace dml
