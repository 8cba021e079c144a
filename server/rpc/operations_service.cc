#include "server/rpc/operations_service.h"

#include "dml/v1/operations.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/backup/backups.h"
#include "storage/library/integrity.h"

namespace dml {
namespace {

// How often the client hears how far a verification is.
constexpr std::chrono::seconds kTellInterval(1);

void To(const Backup& backup, v1::Backup* out) {
  out->set_number(backup.number);
  wire::To(backup.time, out->mutable_time());
  out->set_bytes(backup.bytes);
  out->set_entries(backup.note.entries);
  out->set_root(backup.note.root.ToString());
  out->set_version(backup.note.version);
}

void To(const Backups::State& state, v1::Job* out) {
  out->set_running(state.running);
  if (state.error.ok()) return;
  out->set_error_reason(Reason(state.error));
  out->set_error_message(std::string(Message(state.error)));
}

void To(const IntegrityReport& report, v1::LibraryIntegrity* out) {
  out->set_sound(report.sound());
  out->set_entries(report.entries);
  out->set_metadata_blobs(report.metadata_blobs);
  out->set_rows(report.rows);
  out->set_variants(report.variants);
  out->set_files(report.files);
  out->set_chunks(report.chunks);
  out->set_releases(report.releases);
  out->set_envelopes(report.envelopes);
  out->set_signatures(report.signatures);
  out->set_finding_count(report.finding_count);
  for (const IntegrityFinding& finding : report.findings) {
    v1::LibraryFault* fault = out->add_findings();
    fault->set_part(finding.part);
    fault->set_subject(finding.subject);
    fault->set_message(finding.message);
  }
}

class OperationsServiceImpl final : public v1::OperationsService::Service {
 public:
  explicit OperationsServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status StartBackup(grpc::ServerContext* context, const v1::StartBackupRequest* request,
                           v1::StartBackupResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.OperationsService/StartBackup",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(Backups * backups, Configured());
                    backups->Start({request->keep(), request->verify()});
                    To(backups->state(), response->mutable_job());
                    return absl::OkStatus();
                  });
  }

  grpc::Status ListBackups(grpc::ServerContext* context, const v1::ListBackupsRequest* request,
                           v1::ListBackupsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.OperationsService/ListBackups",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(Backups * backups, Configured());
                    const Backups::State state = backups->state();
                    To(state, response->mutable_job());
                    if (state.start_time != Timestamp()) {
                      wire::To(state.start_time, response->mutable_start_time());
                    }
                    if (state.finish_time != Timestamp()) {
                      wire::To(state.finish_time, response->mutable_finish_time());
                    }
                    DML_ASSIGN_OR_RETURN(const std::vector<Backup> all, backups->List());
                    DML_ASSIGN_OR_RETURN(
                        const Slice slice,
                        ReadSlice(request->page_size(), request->page_token(), all.size()));
                    for (size_t i = slice.begin; i < slice.end; ++i)
                      To(all[i], response->add_backups());
                    response->set_next_page_token(slice.next_page_token);
                    return absl::OkStatus();
                  });
  }

  grpc::Status VerifyLibrary(grpc::ServerContext* context, const v1::VerifyLibraryRequest* request,
                             grpc::ServerWriter<v1::VerifyLibraryResponse>* stream) override {
    return Handle(context_.guard, context, "/dml.v1.OperationsService/VerifyLibrary",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(auto slot, context_.solves->Take(caller.principal()));
                    return Verify(*context, *request, *stream);
                  });
  }

 private:
  absl::StatusOr<Backups*> Configured() const {
    if (context_.backups != nullptr) return context_.backups;
    return FailedPrecondition(ErrorReason("BACKUP_NOT_CONFIGURED"),
                              "dmld's configuration names no folder for backups: set "
                              "backup.folder, and start it anew");
  }

  absl::Status Verify(grpc::ServerContext& context, const v1::VerifyLibraryRequest& request,
                      grpc::ServerWriter<v1::VerifyLibraryResponse>& stream) const {
    auto told = std::chrono::steady_clock::now();
    IntegrityOptions options;
    options.read_content = request.read_content();
    options.step = [&](std::string_view part, uint64_t done, uint64_t all) -> absl::Status {
      if (context.IsCancelled() || *context_.stopping) {
        return Unavailable(ErrorReason("SHUTTING_DOWN"), "the call or the daemon ends");
      }
      const auto now = std::chrono::steady_clock::now();
      if (now - told < kTellInterval) return absl::OkStatus();
      told = now;
      v1::VerifyLibraryResponse message;
      message.set_part(std::string(part));
      message.set_done(done);
      message.set_all(all);
      if (stream.Write(message)) return absl::OkStatus();
      return Unavailable(ErrorReason("CALL_BROKEN"), "the client is gone");
    };
    DML_ASSIGN_OR_RETURN(const IntegrityReport report,
                         dml::VerifyLibrary(context_.library, options));
    v1::VerifyLibraryResponse last;
    To(report, last.mutable_report());
    stream.Write(last);
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeOperationsService(const ServiceContext& context) {
  return std::make_unique<OperationsServiceImpl>(context);
}

}  // namespace dml
