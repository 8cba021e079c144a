#include <algorithm>

#include "client/calls.h"
#include "client/file_io.h"
#include "client/stall_guard.h"
#include "client/upload.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

using Content = v1::ContentService::Stub;

constexpr size_t kMessageBytes = 1 << 20;

// One stream of the bytes from `offset` to the end.
absl::Status SendFrom(Connection& connection, v1::WriteBlobRequest first, size_t message_bytes,
                      const FileDescriptor& file, const fs::path& path,
                      ProgressReporter& progress) {
  const uint64_t size = first.blob().size();
  uint64_t offset = first.write_offset();
  grpc::ClientContext context;
  v1::WriteBlobResponse response;
  auto stream = connection.stub<Content>().WriteBlob(&context, &response);
  StallGuard guard(context, connection.options().stall_timeout);
  v1::WriteBlobRequest request = std::move(first);
  absl::Status read;
  bool open = true;
  do {
    std::string block;
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(message_bytes, size - offset));
    read = ReadAt(file, offset, wanted, block, path);
    if (read.ok() && block.size() < wanted) {
      read = FailedPrecondition(ErrorReason("FILE_CHANGED"),
                                "{} became shorter while it was being sent; publish a file that "
                                "nobody writes",
                                path.string());
    }
    if (!read.ok()) break;
    offset += block.size();
    *request.mutable_data() = std::move(block);
    open = stream->Write(request);
    guard.Progress();
    if (open) progress.Sent(request.data().size());
    request.Clear();
  } while (open && offset < size);
  if (!read.ok()) {
    context.TryCancel();
    stream->Finish();
    return read;
  }
  stream->WritesDone();
  return guard.Ended(connection.Received(stream->Finish()));
}

}  // namespace

absl::Status WritePlain(Connection& connection, const UploadLimits& limits, const std::string& ns,
                        const BlobRef& blob, const FileDescriptor& file, const fs::path& path,
                        ProgressReporter& progress) {
  v1::QueryWriteRequest query;
  query.set_namespace_(ns);
  wire::To(blob, query.mutable_blob());
  Backoff backoff(connection.options().retry);
  uint64_t committed = 0;
  while (true) {
    DML_ASSIGN_OR_RETURN(auto state, connection.Call(&Content::QueryWrite, query));
    if (state.complete()) break;
    if (state.committed_size() > blob.size) return BadAnswer("it has more than the whole blob");
    if (state.committed_size() > committed) backoff.Reset();
    if (state.committed_size() > committed) progress.Done(state.committed_size() - committed);
    committed = std::max(committed, state.committed_size());
    v1::WriteBlobRequest first;
    first.set_namespace_(ns);
    *first.mutable_blob() = query.blob();
    first.set_write_offset(state.committed_size());
    absl::Status status =
        SendFrom(connection, std::move(first), std::min(kMessageBytes, limits.max_message / 2),
                 file, path, progress);
    if (status.ok()) break;
    if (!backoff.WaitAfter(status)) return status;
  }
  progress.Done(blob.size - committed);
  return absl::OkStatus();
}

}  // namespace dml
