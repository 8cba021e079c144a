// The streams of ContentService: what goes over them, and what the content store makes of it.
//
// Internal to the service. The callers are admitted already, and what they name is theirs to read
// or write. Every function blocks for as long as the transfer takes.
#pragma once

#include <grpcpp/server_context.h>

#include "core/wire/api.h"
#include "dml/v1/content.grpc.pb.h"
#include "server/rpc/stall_watch.h"
#include "server/rpc/transfer_counters.h"
#include "storage/content/content_store.h"

namespace dml {

/// UploadBlobs from its first message, which has been read, to its end. What came before an error
/// is kept as far as it was right.
absl::Status ReceiveBlobs(ContentStore& store, grpc::ServerContext& context,
                          v1::UploadBlobsRequest& message,
                          grpc::ServerReader<v1::UploadBlobsRequest>& stream,
                          StallWatch::Stream& watched, TransferCounters& counters,
                          v1::UploadBlobsResponse& response);

/// WriteBlob, likewise.
absl::Status ReceivePlain(ContentStore& store, grpc::ServerContext& context,
                          const ChunkerParams& params, v1::WriteBlobRequest& message,
                          grpc::ServerReader<v1::WriteBlobRequest>& stream,
                          StallWatch::Stream& watched, TransferCounters& counters,
                          v1::WriteBlobResponse& response);

/// ReadBlob and ReadChunks, in messages of about `message_bytes`.
absl::Status SendBlob(ContentStore& store, const Digest& blob, const v1::ReadBlobRequest& request,
                      uint64_t message_bytes, grpc::ServerWriter<v1::ReadBlobResponse>& stream,
                      StallWatch::Stream& watched, TransferCounters& counters);

absl::Status SendChunks(ContentStore& store, const std::string& ns, const Digest& blob,
                        const v1::ReadChunksRequest& request, uint64_t message_bytes,
                        grpc::ServerWriter<v1::ReadChunksResponse>& stream,
                        StallWatch::Stream& watched, TransferCounters& counters);

}  // namespace dml
