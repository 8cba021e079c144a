// The journal and the state of the daemon.
#include "dml/v1/admin.grpc.pb.h"
#include "dml/v1/journal.grpc.pb.h"
#include "server/rpc/journal_page.h"
#include "server/rpc/operations_service.h"
#include "server/rpc/service_util.h"
#include "storage/journal/journal.h"
#include "storage/library/trust.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

// Entries looked at for one page of a filtered list.
constexpr uint64_t kMaxEntriesScanned = 10000;
constexpr size_t kEntriesBytes = 2 << 20;

void FillProof(const std::vector<Digest>& proof,
               google::protobuf::RepeatedPtrField<std::string>* out) {
  for (const Digest& digest : proof) out->Add(std::string(digest.raw()));
}

class JournalServiceImpl final : public v1::JournalService::Service {
 public:
  explicit JournalServiceImpl(const ServiceContext& context)
      : context_(context), stalls_(context.stall_timeout) {}

  grpc::Status GetCheckpoint(grpc::ServerContext* context, const v1::GetCheckpointRequest*,
                             v1::GetCheckpointResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.JournalService/GetCheckpoint",
                  [&](const Caller&) -> absl::Status { return Tell(*response); });
  }

  grpc::Status AddCosignatures(grpc::ServerContext* context,
                               const v1::AddCosignaturesRequest* request,
                               v1::AddCosignaturesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.JournalService/AddCosignatures",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(auto root, LoadRoot(*context_.library.Read()));
                    const std::vector<std::string> keys(request->witness_keys().begin(),
                                                        request->witness_keys().end());
                    DML_ASSIGN_OR_RETURN(
                        *response->mutable_checkpoint(),
                        context_.library.cosigned().Add(
                            request->checkpoint(), root.has_value() ? &root->root : nullptr, keys));
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListEntries(grpc::ServerContext* context, const v1::ListEntriesRequest* request,
                           v1::ListEntriesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.JournalService/ListEntries",
                  [&](const Caller& caller) { return List(caller, *request, *response); });
  }

  grpc::Status WatchEntries(grpc::ServerContext* context, const v1::WatchEntriesRequest* request,
                            grpc::ServerWriter<v1::WatchEntriesResponse>* stream) override {
    constexpr char kMethod[] = "/dml.v1.JournalService/WatchEntries";
    return Handle(context_.guard, context, kMethod, [&](const Caller&) {
      StallWatch::Stream watched(stalls_, *context);
      return WatchJournal(context_, *context, kMethod, *request, *stream, watched);
    });
  }

  grpc::Status GetInclusionProof(grpc::ServerContext* context,
                                 const v1::GetInclusionProofRequest* request,
                                 v1::GetInclusionProofResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.JournalService/GetInclusionProof",
                  [&](const Caller& caller) -> absl::Status {
                    auto checkpoint = context_.library.checkpoint();
                    uint64_t size = request->tree_size() == 0 ? checkpoint->checkpoint.size
                                                              : request->tree_size();
                    auto snapshot = context_.library.Read();
                    JournalView journal(*snapshot);
                    if (!caller.SeesAll()) {
                      absl::StatusOr<StoredEntry> stored = journal.At(request->index());
                      if (!stored.ok() || !MaySeeEntry(caller, stored->entry)) {
                        return PermissionDenied(ErrorReason("ROLE_REQUIRED"),
                                                "entry {} is about what {} may not see",
                                                request->index(), caller.principal());
                      }
                    }
                    DML_ASSIGN_OR_RETURN(*response->mutable_leaf(), journal.Leaf(request->index()));
                    DML_ASSIGN_OR_RETURN(auto proof, journal.Inclusion(request->index(), size));
                    FillProof(proof, response->mutable_proof());
                    response->set_index(request->index());
                    response->set_tree_size(size);
                    if (size == checkpoint->checkpoint.size) {
                      response->set_checkpoint(checkpoint->note);
                    }
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetConsistencyProof(grpc::ServerContext* context,
                                   const v1::GetConsistencyProofRequest* request,
                                   v1::GetConsistencyProofResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.JournalService/GetConsistencyProof",
                  [&](const Caller&) -> absl::Status {
                    auto checkpoint = context_.library.checkpoint();
                    uint64_t second = request->second_size() == 0 ? checkpoint->checkpoint.size
                                                                  : request->second_size();
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto proof, JournalView(*snapshot).Consistency(
                                                         request->first_size(), second));
                    FillProof(proof, response->mutable_proof());
                    response->set_first_size(request->first_size());
                    response->set_second_size(second);
                    if (second == checkpoint->checkpoint.size)
                      response->set_checkpoint(checkpoint->note);
                    return absl::OkStatus();
                  });
  }

 private:
  absl::Status Tell(v1::GetCheckpointResponse& response) const {
    const auto newest = context_.library.checkpoint();
    const CosignedCheckpoints& cosigned = context_.library.cosigned();
    DML_ASSIGN_OR_RETURN(*response.mutable_checkpoint(),
                         cosigned.WithCosignatures(newest->note, newest->checkpoint.size));
    DML_ASSIGN_OR_RETURN(std::vector<std::string> notes, cosigned.Newest());
    for (std::string& note : notes) response.add_cosigned_checkpoints(std::move(note));
    response.set_log_key_pem(context_.library.log_key().ToPem());
    return absl::OkStatus();
  }

  // The token is the index where the next page starts.
  absl::Status List(const Caller& caller, const v1::ListEntriesRequest& request,
                    v1::ListEntriesResponse& response) const {
    DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), ""));
    auto snapshot = context_.library.Read();
    JournalView journal(*snapshot);
    DML_ASSIGN_OR_RETURN(uint64_t size, journal.Size());
    const bool backward = request.newest_first();
    uint64_t next = request.start_index();
    if (backward) next = request.start_index() == 0 ? size - 1 : std::min(next, size - 1);
    if (!request.page_token().empty()) {
      DML_ASSIGN_OR_RETURN(Slice token, ReadSlice(1, request.page_token(), size));
      next = token.begin;
    }
    size_t bytes = 0;
    for (uint64_t scanned = 0; next < size; next += backward ? -1 : 1, ++scanned) {
      if (response.entries_size() == static_cast<int>(page.size) || scanned == kMaxEntriesScanned ||
          bytes > kEntriesBytes) {
        response.set_next_page_token(std::to_string(next));
        return absl::OkStatus();
      }
      DML_ASSIGN_OR_RETURN(StoredEntry stored, journal.At(next));
      std::string_view kind = EntryKind(stored.entry.payload);
      if (!request.kind().empty() && request.kind() != kind) continue;
      if (!caller.SeesAll() && !MaySeeEntry(caller, stored.entry)) continue;
      bytes += stored.leaf.size();
      FillEntry(std::move(stored), *response.add_entries());
    }
    return absl::OkStatus();
  }

  const ServiceContext context_;
  StallWatch stalls_;
};

class AdminServiceImpl final : public v1::AdminService::Service {
 public:
  explicit AdminServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdminService/GetStatus",
                  [&](const Caller& caller) -> absl::Status {
                    response->set_server_version(context_.server_version);
                    response->set_origin(context_.library.origin());
                    response->set_journal_size(context_.library.checkpoint()->checkpoint.size);
                    wire::To(context_.start_time, response->mutable_start_time());
                    response->set_view_version(view_keys::kViewVersion);
                    response->set_principal(caller.principal());
                    for (const AccessGrant& grant : caller.identity().grants) {
                      response->add_roles(grant.role);
                    }
                    if (caller.Has(Role::kAdmin) || caller.Has(Role::kOperator)) {
                      TellOperator(*response);
                    }
                    return absl::OkStatus();
                  });
  }

  // Figures of the whole library: to anybody else they would show what other namespaces hold, as an
  // upload of what is there already does not change them.
  void TellOperator(v1::GetStatusResponse& response) const {
    uint64_t bytes = 0;
    for (const TableStats& table : context_.library.engine().Stats().tables) {
      bytes += table.disk_bytes + table.memory_bytes;
    }
    response.set_stored_bytes(bytes);
    response.set_frames_sent(context_.transfers->frames_sent);
    response.set_chunks_decoded(context_.transfers->chunks_decoded);
    response.set_data_dir(context_.data_dir);
  }

  grpc::Status AcceptClock(grpc::ServerContext* context, const v1::AcceptClockRequest* request,
                           v1::AcceptClockResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdminService/AcceptClock",
                  [&](const Caller& caller) -> absl::Status {
                    return Answer(context_, caller, *request, *response,
                                  ClockAccepted{wire::From(request->now())});
                  });
  }

  grpc::Status VerifyViews(grpc::ServerContext* context, const v1::VerifyViewsRequest*,
                           v1::VerifyViewsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdminService/VerifyViews",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(
                        TransferSlot slot,
                        context_.budget.AdmitDownload(caller.principal(), kMaxEntryBytes));
                    DML_ASSIGN_OR_RETURN(ViewComparison comparison, context_.library.VerifyViews());
                    response->set_consistent(comparison.differing_keys.empty());
                    response->set_entries(comparison.entries);
                    response->set_rows(comparison.rows);
                    for (const std::string& key : comparison.differing_keys) {
                      response->add_differences(key);
                    }
                    return absl::OkStatus();
                  });
  }

 private:
  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeJournalService(const ServiceContext& context) {
  return std::make_unique<JournalServiceImpl>(context);
}
std::unique_ptr<grpc::Service> MakeAdminService(const ServiceContext& context) {
  return std::make_unique<AdminServiceImpl>(context);
}

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const ServiceContext& context) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(MakeCatalogService(context));
  services.push_back(MakeContentService(context));
  services.push_back(MakeKeyService(context));
  services.push_back(MakeEnvironmentService(context));
  services.push_back(MakePolicyService(context));
  services.push_back(MakeLicenseService(context));
  services.push_back(MakeAdvisoryService(context));
  services.push_back(MakeReferenceService(context));
  services.push_back(MakeCompatibilityService(context));
  services.push_back(MakeGateService(context));
  services.push_back(MakeJournalService(context));
  services.push_back(MakeAdminService(context));
  services.push_back(MakeMaintenanceService(context));
  services.push_back(MakeTrustService(context));
  services.push_back(MakeAccessService(context));
  services.push_back(MakeAdmissionService(context));
  services.push_back(MakeReleaseService(context));
  services.push_back(MakePermitService(context));
  services.push_back(MakeRolloutService(context));
  services.push_back(MakeMeasuresService(context));
  services.push_back(MakeMediaService(context));
  services.push_back(MakeEntitlementService(context));
  services.push_back(MakeOperationsService(context));
  return services;
}

}  // namespace dml
