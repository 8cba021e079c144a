// Making a client, the journal, and operation.
#include "client/client.h"

#include "client/calls.h"
#include "client/journal_line.h"
#include "dml/v1/admin.grpc.pb.h"
#include "dml/v1/journal.grpc.pb.h"

namespace dml {
namespace {

using Admin = v1::AdminService::Stub;
using Journal = v1::JournalService::Stub;

}  // namespace

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

absl::StatusOr<Client> Client::Create(ClientOptions options) {
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                       Connection::Create(std::move(options)));
  return Client(std::move(connection));
}

absl::StatusOr<Checkpoint> Client::GetCheckpoint(std::string* note) {
  return connection().FetchCheckpoint(note);
}

absl::StatusOr<std::vector<Digest>> Client::GetConsistencyProof(uint64_t first, uint64_t second) {
  return connection().FetchConsistency(first, second);
}

absl::StatusOr<std::vector<std::string>> Client::ListCosignedCheckpoints() {
  DML_ASSIGN_OR_RETURN(
      v1::GetCheckpointResponse response,
      connection().Call(&v1::JournalService::Stub::GetCheckpoint, v1::GetCheckpointRequest()));
  return std::vector<std::string>(response.cosigned_checkpoints().begin(),
                                  response.cosigned_checkpoints().end());
}

absl::StatusOr<std::string> Client::AddCosignatures(const std::string& note,
                                                    const std::vector<std::string>& witness_keys) {
  v1::AddCosignaturesRequest request;
  request.set_checkpoint(note);
  for (const std::string& key : witness_keys) request.add_witness_keys(key);
  DML_ASSIGN_OR_RETURN(v1::AddCosignaturesResponse response,
                       connection().Call(&v1::JournalService::Stub::AddCosignatures, request));
  return std::move(*response.mutable_checkpoint());
}

absl::StatusOr<ListPage<JournalLine>> Client::ListEntries(uint64_t start_index,
                                                          const std::string& kind,
                                                          bool newest_first,
                                                          const ListOptions& options) {
  v1::ListEntriesRequest request;
  request.set_start_index(start_index);
  request.set_kind(kind);
  request.set_newest_first(newest_first);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Journal::ListEntries, request));
  ListPage<JournalLine> out;
  for (const v1::JournalEntry& entry : response.entries())
    out.items.push_back(JournalLineOf(entry));
  out.next_page_token = response.next_page_token();
  return out;
}

absl::StatusOr<ProvenEntry> Client::ProveEntry(uint64_t index) {
  ProvenEntry out;
  out.index = index;
  DML_ASSIGN_OR_RETURN(out.checkpoint, GetCheckpoint(&out.checkpoint_note));
  if (index >= out.checkpoint.size) {
    return NotFound(ErrorReason("ENTRY_NOT_FOUND"), "the log of {} has {} entries and no entry {}",
                    out.checkpoint.origin, out.checkpoint.size, index);
  }
  DML_ASSIGN_OR_RETURN(ProvenLeaf leaf, connection().ProveLeaf(index, out.checkpoint));
  out.leaf = std::move(leaf.leaf);
  out.proof = std::move(leaf.proof);
  return out;
}

absl::StatusOr<ServerStatus> Client::GetStatus() {
  DML_ASSIGN_OR_RETURN(auto response,
                       Ask(connection(), &Admin::GetStatus, v1::GetStatusRequest(),
                           [](const v1::GetStatusResponse& r) { return r.journal_size(); }));
  ServerStatus out;
  out.server_version = response.server_version();
  out.origin = response.origin();
  out.journal_size = response.journal_size();
  out.start_time = wire::From(response.start_time());
  out.stored_bytes = response.stored_bytes();
  out.frames_sent = response.frames_sent();
  out.chunks_decoded = response.chunks_decoded();
  out.principal = response.principal();
  out.roles.assign(response.roles().begin(), response.roles().end());
  return out;
}

absl::StatusOr<ViewsVerdict> Client::VerifyViews() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Admin::VerifyViews, v1::VerifyViewsRequest()));
  ViewsVerdict out;
  out.consistent = response.consistent();
  out.entries = response.entries();
  out.rows = response.rows();
  out.differences.assign(response.differences().begin(), response.differences().end());
  return out;
}

absl::StatusOr<Commit> Client::AcceptClock(Timestamp now, const MutationOptions& options) {
  v1::AcceptClockRequest request;
  wire::To(now, request.mutable_now());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<ClockAccepted>(connection(), &Admin::AcceptClock,
                                                        std::move(request), options));
  return std::move(done.commit);
}

}  // namespace dml
