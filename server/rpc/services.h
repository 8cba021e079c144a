// The RPC services: thin handlers over the library, one class for each service of proto/dml/v1.
//
// Each handler runs inside Handle() (call_guard.h), reads from one snapshot or commits one command,
// and converts at the edge (core/wire/api.h).
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "core/crypto/keys.h"
#include "server/admission/admission.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/solve_slots.h"
#include "server/rpc/transfer_budget.h"
#include "server/rpc/transfer_counters.h"
#include "server/runtime/observer.h"
#include "storage/collect/maintenance.h"
#include "storage/library/history_cache.h"
#include "storage/library/library.h"
#include "storage/library/policies.h"
#include "storage/library/principal_names.h"
#include "storage/library/spec_cache.h"
#include "storage/library/trust.h"

namespace dml {

class Backups;

/// What the services share. Everything borrowed outlives them.
struct ServiceContext {
  Library& library;
  CallGuard& guard;
  TransferBudget& budget;
  Maintenance& maintenance;
  TrustCache& trust;
  Admission& admission;
  PrincipalNames& names;
  uint32_t max_message_bytes = 4 << 20;
  ChunkerParams chunker;  // What clients are told, and how plain uploads are cut.
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(5);
  std::string server_version;
  std::string data_dir;
  Timestamp start_time;
  std::shared_ptr<PolicyCache> policies = std::make_shared<PolicyCache>();
  std::shared_ptr<HistoryCache> history = std::make_shared<HistoryCache>();
  std::shared_ptr<SpecCache> specs = std::make_shared<SpecCache>();
  std::shared_ptr<SolveSlots> solves = std::make_shared<SolveSlots>();
  std::shared_ptr<TransferCounters> transfers = std::make_shared<TransferCounters>();
  /// Set when the daemon is told to stop: calls that would not end by themselves do.
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<int>> watches = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<const Signer> permit_key;  // Null: no permits are given.
  Observer* observer = nullptr;              // Of the gate's decisions; null: nobody is told.
  Backups* backups = nullptr;                // Null: none are configured.

  void TellDecision(std::string_view kind, bool allowed, std::span<const Finding> findings) const {
    if (observer != nullptr) observer->Decided(kind, allowed, findings);
  }
};

std::unique_ptr<grpc::Service> MakeCatalogService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeContentService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeKeyService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeEnvironmentService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakePolicyService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeLicenseService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeCompatibilityService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeReferenceService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeAdvisoryService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeGateService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeJournalService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeAdminService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeMaintenanceService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeTrustService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeAccessService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeAdmissionService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeMediaService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeEntitlementService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeReleaseService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakePermitService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeRolloutService(const ServiceContext& context);
std::unique_ptr<grpc::Service> MakeMeasuresService(const ServiceContext& context);

/// All of them.
std::vector<std::unique_ptr<grpc::Service>> MakeServices(const ServiceContext& context);

}  // namespace dml
