#include "client/operations.h"

#include "client/calls.h"
#include "client/stall_guard.h"
#include "dml/v1/operations.grpc.pb.h"

namespace dml {
namespace {

using Operations = v1::OperationsService::Stub;

constexpr std::chrono::minutes kSilence(10);
constexpr int kMaxPages = 1000;

absl::StatusOr<BackupAnswer> ReadBackup(const v1::Backup& in) {
  BackupAnswer out{in.number(), wire::From(in.time()), in.bytes(), in.entries(), {}, in.version()};
  DML_ASSIGN_OR_RETURN(out.root, Answered(Digest::Parse(in.root())));
  return out;
}

LibraryVerdict ReadVerdict(const v1::LibraryIntegrity& in) {
  LibraryVerdict out{in.sound(),     in.entries(),    in.metadata_blobs(), in.rows(),
                     in.variants(),  in.files(),      in.chunks(),         in.releases(),
                     in.envelopes(), in.signatures(), in.finding_count(),  {}};
  for (const v1::LibraryFault& fault : in.findings()) {
    out.faults.push_back({fault.part(), fault.subject(), fault.message()});
  }
  return out;
}

JobStatus JobOf(const v1::Job& in) {
  return {in.waiting(), in.running(), in.error_reason(), in.error_message()};
}

}  // namespace

absl::StatusOr<JobStatus> OperationsClient::StartBackup(uint32_t keep, bool verify) {
  v1::StartBackupRequest request;
  request.set_keep(keep);
  request.set_verify(verify);
  DML_ASSIGN_OR_RETURN(const auto response,
                       client_.connection().Call(&Operations::StartBackup, request));
  return JobOf(response.job());
}

absl::StatusOr<BackupList> OperationsClient::ListBackups() {
  BackupList out;
  v1::ListBackupsRequest request;
  for (int page = 0; page < kMaxPages; ++page) {
    DML_ASSIGN_OR_RETURN(const auto response,
                         client_.connection().Call(&Operations::ListBackups, request));
    for (const v1::Backup& backup : response.backups()) {
      DML_ASSIGN_OR_RETURN(BackupAnswer read, ReadBackup(backup));
      out.backups.push_back(std::move(read));
    }
    out.job = JobOf(response.job());
    if (response.has_start_time()) out.start_time = wire::From(response.start_time());
    if (response.has_finish_time()) out.finish_time = wire::From(response.finish_time());
    if (response.next_page_token().empty()) return out;
    request.set_page_token(response.next_page_token());
  }
  return BadAnswer("the list of backups does not end");
}

absl::StatusOr<LibraryVerdict> OperationsClient::VerifyLibrary(bool read_content,
                                                               const Progress& progress) {
  Connection& connection = client_.connection();
  grpc::ClientContext context;
  StallGuard guard(context, kSilence);
  v1::VerifyLibraryRequest request;
  request.set_read_content(read_content);
  Operations stub(connection.channel());
  const auto stream = stub.VerifyLibrary(&context, request);
  std::optional<LibraryVerdict> verdict;
  v1::VerifyLibraryResponse message;
  while (stream->Read(&message)) {
    guard.Progress();
    if (message.has_report()) {
      verdict = ReadVerdict(message.report());
    } else if (progress) {
      progress(message.part(), message.done(), message.all());
    }
  }
  DML_RETURN_IF_ERROR(guard.Ended(connection.Received(stream->Finish())));
  if (!verdict.has_value()) return BadAnswer("the verification ended without a report");
  return *std::move(verdict);
}

}  // namespace dml
