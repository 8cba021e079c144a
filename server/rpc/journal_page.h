// What lists and watches of the journal have in common: what a caller sees, and how it is told.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include "dml/v1/journal.grpc.pb.h"
#include "server/rpc/call_guard.h"
#include "server/rpc/services.h"
#include "server/rpc/stall_watch.h"
#include "storage/journal/journal.h"

namespace dml {

/// Whether a caller may see an entry: what its scope covers, what it made itself, and everyone what
/// trust is judged by.
bool MaySeeEntry(const Caller& caller, const Entry& entry);

/// The entry as the API has it; its leaf is moved.
void FillEntry(StoredEntry&& stored, v1::JournalEntry& out);

/// Sends entries from the request's start on as they are signed, until the call is cancelled or the
/// daemon stops: UNAVAILABLE (SERVER_STOPPING). The caller is judged anew for each message, so that
/// a revocation acts on what comes next; one that takes nothing of what is sent is cancelled by
/// `watched`.
absl::Status WatchJournal(const ServiceContext& services, grpc::ServerContext& call,
                          const char* method, const v1::WatchEntriesRequest& request,
                          grpc::ServerWriter<v1::WatchEntriesResponse>& stream,
                          StallWatch::Stream& watched);

}  // namespace dml
