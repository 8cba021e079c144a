#include "client/log_watch.h"

#include "client/calls.h"
#include "client/journal_line.h"
#include "client/stall_guard.h"
#include "dml/v1/journal.grpc.pb.h"

namespace dml {
namespace {

using Journal = v1::JournalService::Stub;

// A stream says something three times as often.
constexpr std::chrono::seconds kWatchSilence(60);

// One stream: false where `visit` has had enough, true or an error where it broke; `start` moves
// on.
absl::StatusOr<bool> WatchOnce(Connection& connection, std::optional<uint64_t>& start,
                               const std::string& kind,
                               const std::function<bool(const JournalLine&)>& visit,
                               Backoff& backoff) {
  grpc::ClientContext context;
  StallGuard guard(context, kWatchSilence);
  v1::WatchEntriesRequest request;
  request.set_start_index(start.value_or(0));
  request.set_from_now(!start.has_value());
  request.set_kind(kind);
  Journal stub(connection.channel());
  const auto stream = stub.WatchEntries(&context, request);
  v1::WatchEntriesResponse message;
  absl::Status refused;
  bool enough = false;
  while (!enough && refused.ok() && stream->Read(&message)) {
    guard.Progress();
    backoff.Reset();
    refused = connection.AcceptCheckpoint(message.checkpoint()).status();
    for (int i = 0; refused.ok() && !enough && i < message.entries_size(); ++i) {
      enough = !visit(JournalLineOf(message.entries(i)));
    }
    if (refused.ok()) start = message.next_index();
  }
  if (enough || !refused.ok()) context.TryCancel();
  const absl::Status ended = guard.Ended(connection.Received(stream->Finish()));
  if (enough) return false;
  DML_RETURN_IF_ERROR(refused);
  DML_RETURN_IF_ERROR(ended);
  return true;
}

}  // namespace

absl::Status WatchEntries(Client& client, std::optional<uint64_t> start_index,
                          const std::string& kind,
                          const std::function<bool(const JournalLine&)>& visit) {
  Connection& connection = client.connection();
  Backoff backoff = connection.NewBackoff(connection.channel());
  while (true) {
    DML_RETURN_IF_ERROR(connection.FetchCheckpoint().status());
    const absl::StatusOr<bool> more = WatchOnce(connection, start_index, kind, visit, backoff);
    if (more.ok() && !*more) return absl::OkStatus();
    if (!more.ok() && !backoff.WaitAfter(more.status())) return more.status();
  }
}

}  // namespace dml
