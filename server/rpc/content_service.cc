#include <map>
#include <set>

#include "core/package/manifest.h"
#include "dml/v1/content.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr uint32_t kMaxFindMissing = 4096;
constexpr size_t kMaxReadChunks = 1024;
constexpr size_t kReadMessageBytes = 1 << 20;  // Stock clients take 4 MiB.
// A plain upload becomes resumable each time this much has come.
constexpr uint64_t kFlushBytes = 64 << 20;

using FileSet = std::set<Digest>;
// At most 2 MiB of manifest each, of which the digests are a part.
constexpr size_t kMaxCachedManifests = 32;

absl::Status CheckNamespace(const Reader& state, const std::string& ns) {
  DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindNamespace(ns));
  if (found.has_value()) return absl::OkStatus();
  return AtField(NotFound(ErrorReason("NAMESPACE_NOT_FOUND"),
                          "no namespace '{}'; create it with: dml namespace create", ns),
                 "namespace");
}

absl::Status Cancelled() {
  return MakeError(absl::StatusCode::kCancelled, ErrorReason("CANCELLED"), "the client went away");
}

class ContentServiceImpl final : public v1::ContentService::Service {
 public:
  explicit ContentServiceImpl(const ServiceContext& context)
      : context_(context), content_(context.library.content()) {}

  grpc::Status GetCapabilities(grpc::ServerContext* context, const v1::GetCapabilitiesRequest*,
                               v1::GetCapabilitiesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.ContentService/GetCapabilities",
                  [&](const Caller&) -> absl::Status {
                    ChunkerParams params;
                    response->set_chunk_min_size(params.min_size);
                    response->set_chunk_avg_size(params.avg_size);
                    response->set_chunk_max_size(params.max_size);
                    response->set_max_chunk_size(kMaxChunkBytes);
                    response->set_max_find_missing(kMaxFindMissing);
                    response->set_max_blob_size(kMaxBlobBytes);
                    response->set_max_message_size(context_.max_message_bytes);
                    response->set_server_version(context_.server_version);
                    return absl::OkStatus();
                  });
  }

  grpc::Status FindMissingChunks(grpc::ServerContext* context,
                                 const v1::FindMissingChunksRequest* request,
                                 v1::FindMissingChunksResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/FindMissingChunks",
        [&](const Caller&) -> absl::Status {
          if (request->sha256_size() > static_cast<int>(kMaxFindMissing)) {
            return AtField(InvalidArgument(ErrorReason("TOO_MANY_CHUNKS"), "{} digests; at most {}",
                                           request->sha256_size(), kMaxFindMissing),
                           "sha256");
          }
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), request->namespace_()));
          std::vector<Digest> digests;
          for (const std::string& raw : request->sha256()) {
            DML_ASSIGN_OR_RETURN(Digest digest, Digest::FromBytes(raw));
            digests.push_back(digest);
          }
          DML_ASSIGN_OR_RETURN(std::vector<uint32_t> missing,
                               content_.FindMissing(request->namespace_(), digests));
          response->mutable_missing()->Add(missing.begin(), missing.end());
          return absl::OkStatus();
        });
  }

  grpc::Status UploadChunks(grpc::ServerContext* context,
                            grpc::ServerReader<v1::UploadChunksRequest>* stream,
                            v1::UploadChunksResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/UploadChunks",
        [&](const Caller& caller) { return Upload(caller, *context, *stream, *response); });
  }

  grpc::Status AssembleBlob(grpc::ServerContext* context, const v1::AssembleBlobRequest* request,
                            v1::AssembleBlobResponse*) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/AssembleBlob",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.guard.AdmitTransfer(caller));
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), request->namespace_()));
          DML_ASSIGN_OR_RETURN(BlobRef blob, wire::From(request->blob()));
          std::vector<ChunkRef> chunks;
          chunks.reserve(request->chunks_size());
          for (const v1::ChunkId& id : request->chunks()) {
            DML_ASSIGN_OR_RETURN(ChunkRef chunk, wire::From(id));
            chunks.push_back(chunk);
          }
          return content_.AssembleBlob(request->namespace_(), blob, chunks);
        });
  }

  grpc::Status WriteBlob(grpc::ServerContext* context,
                         grpc::ServerReader<v1::WriteBlobRequest>* stream,
                         v1::WriteBlobResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/WriteBlob",
        [&](const Caller& caller) { return Write(caller, *context, *stream, *response); });
  }

  grpc::Status QueryWrite(grpc::ServerContext* context, const v1::QueryWriteRequest* request,
                          v1::QueryWriteResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/QueryWrite",
        [&](const Caller&) -> absl::Status {
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), request->namespace_()));
          DML_ASSIGN_OR_RETURN(BlobRef blob, wire::From(request->blob()));
          DML_ASSIGN_OR_RETURN(bool complete, content_.HasBlob(request->namespace_(), blob));
          DML_ASSIGN_OR_RETURN(PartialBlob partial,
                               content_.GetPartial(request->namespace_(), blob));
          response->set_complete(complete);
          response->set_committed_size(complete ? blob.size : partial.committed);
          return absl::OkStatus();
        });
  }

  grpc::Status ReadBlob(grpc::ServerContext* context, const v1::ReadBlobRequest* request,
                        grpc::ServerWriter<v1::ReadBlobResponse>* stream) override {
    return Handle(context_.guard, context, "/dml.v1.ContentService/ReadBlob",
                  [&](const Caller& caller) { return Read(caller, *request, *stream); });
  }

  grpc::Status GetBlobChunks(grpc::ServerContext* context, const v1::GetBlobChunksRequest* request,
                             v1::GetBlobChunksResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/GetBlobChunks",
        [&](const Caller&) -> absl::Status {
          DML_ASSIGN_OR_RETURN(Digest blob, PayloadOf(request->name(), request->digest()));
          DML_ASSIGN_OR_RETURN(BlobRecord record, content_.GetBlob(blob));
          DML_ASSIGN_OR_RETURN(Slice slice, ReadSlice(request->page_size(), request->page_token(),
                                                      record.chunk_count));
          DML_ASSIGN_OR_RETURN(auto chunks,
                               content_.ChunkList(blob, slice.begin, slice.end - slice.begin));
          for (const ChunkRef& chunk : chunks) wire::To(chunk, response->add_chunks());
          response->set_next_page_token(slice.next_page_token);
          response->set_chunk_count(record.chunk_count);
          return absl::OkStatus();
        });
  }

  grpc::Status ReadChunks(grpc::ServerContext* context, const v1::ReadChunksRequest* request,
                          grpc::ServerWriter<v1::ReadChunksResponse>* stream) override {
    return Handle(context_.guard, context, "/dml.v1.ContentService/ReadChunks",
                  [&](const Caller& caller) { return SendChunks(caller, *request, *stream); });
  }

 private:
  // The file of a variant that a read names: authorized through the variant, never by digest alone.
  absl::StatusOr<Digest> PayloadOf(const std::string& name, const std::string& digest_text) const {
    DML_ASSIGN_OR_RETURN(VariantName variant, ReadVariant(name));
    absl::StatusOr<Digest> digest = Digest::Parse(digest_text);
    if (!digest.ok()) return AtField(digest.status(), "digest");
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(auto record, LibraryView(*snapshot).FindVariant(variant));
    if (!record.has_value()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", variant.ResourceName());
    }
    DML_ASSIGN_OR_RETURN(std::shared_ptr<const FileSet> files,
                         FilesOf(*snapshot, record->manifest));
    if (!files->contains(*digest)) {
      return NotFound(ErrorReason("BLOB_NOT_FOUND"), "{} has no file {}", variant.ResourceName(),
                      digest_text);
    }
    if (record->payload_collected) {
      return FailedPrecondition(ErrorReason("PAYLOAD_COLLECTED"),
                                "the files of {} were collected after it was withdrawn",
                                variant.ResourceName());
    }
    return *digest;
  }

  // The digests of a manifest's files. Manifests never change, so a read of many files parses one
  // once.
  absl::StatusOr<std::shared_ptr<const FileSet>> FilesOf(const Reader& state,
                                                         const BlobRef& manifest) const {
    {
      absl::MutexLock lock(&mutex_);
      if (auto found = files_.find(manifest.digest); found != files_.end()) return found->second;
    }
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(state, manifest));
    DML_ASSIGN_OR_RETURN(Manifest parsed, ParseManifest(bytes));
    auto files = std::make_shared<FileSet>();
    for (const ManifestFile& file : parsed.files) files->insert(file.blob.digest);
    absl::MutexLock lock(&mutex_);
    if (files_.size() >= kMaxCachedManifests) files_.clear();
    return files_.emplace(manifest.digest, std::move(files)).first->second;
  }

  absl::Status Upload(const Caller& caller, grpc::ServerContext& context,
                      grpc::ServerReader<v1::UploadChunksRequest>& stream,
                      v1::UploadChunksResponse& response) {
    DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.guard.AdmitTransfer(caller));
    std::string ns;
    PutChunksResult total;
    v1::UploadChunksRequest message;
    while (stream.Read(&message)) {
      if (ns.empty()) {
        ns = message.namespace_();
        DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), ns));
      }
      std::vector<EncodedChunk> chunks;
      for (v1::Chunk& chunk : *message.mutable_chunks()) {
        absl::StatusOr<EncodedChunk> value = wire::From(std::move(chunk));
        if (!value.ok()) return AtField(value.status(), "chunks");
        chunks.push_back(*std::move(value));
      }
      DML_ASSIGN_OR_RETURN(PutChunksResult stored,
                           content_.PutChunks(ns, chunks, Durability::kBuffered));
      total.chunks_stored += stored.chunks_stored;
      total.bytes_stored += stored.bytes_stored;
    }
    if (context.IsCancelled()) return Cancelled();
    // One synced write makes all of the stream durable before it is acknowledged.
    DML_RETURN_IF_ERROR(content_.PutChunks(ns, {}, Durability::kSynced).status());
    response.set_chunks_stored(total.chunks_stored);
    response.set_bytes_stored(total.bytes_stored);
    return absl::OkStatus();
  }

  absl::Status Write(const Caller& caller, grpc::ServerContext& context,
                     grpc::ServerReader<v1::WriteBlobRequest>& stream,
                     v1::WriteBlobResponse& response) {
    DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.guard.AdmitTransfer(caller));
    v1::WriteBlobRequest message;
    if (!stream.Read(&message)) {
      return InvalidArgument(ErrorReason("STREAM_EMPTY"), "the first message names the blob");
    }
    DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), message.namespace_()));
    absl::StatusOr<BlobRef> blob = wire::From(message.blob());
    if (!blob.ok()) return AtField(blob.status(), "blob");
    DML_ASSIGN_OR_RETURN(BlobWriter writer, BlobWriter::Begin(content_, message.namespace_(), *blob,
                                                              message.write_offset()));
    uint64_t since_flush = 0;
    do {
      DML_RETURN_IF_ERROR(writer.Write(AsBytes(message.data())));
      since_flush += message.data().size();
      if (since_flush >= kFlushBytes) {
        DML_RETURN_IF_ERROR(writer.Flush().status());
        since_flush = 0;
      }
    } while (stream.Read(&message));
    if (context.IsCancelled()) {
      DML_RETURN_IF_ERROR(writer.Flush().status());
      return Cancelled();
    }
    DML_RETURN_IF_ERROR(writer.Finish());
    response.set_committed_size(blob->size);
    return absl::OkStatus();
  }

  absl::Status Read(const Caller& caller, const v1::ReadBlobRequest& request,
                    grpc::ServerWriter<v1::ReadBlobResponse>& stream) {
    DML_ASSIGN_OR_RETURN(Digest blob, PayloadOf(request.name(), request.digest()));
    DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.guard.AdmitTransfer(caller));
    DML_ASSIGN_OR_RETURN(BlobRecord record, content_.GetBlob(blob));
    if (request.offset() > record.size) {
      return AtField(
          InvalidArgument(ErrorReason("OFFSET_BEYOND_END"), "the blob has {} bytes", record.size),
          "offset");
    }
    uint64_t left = record.size - request.offset();
    if (request.limit() != 0) left = std::min<uint64_t>(left, request.limit());
    uint64_t position = 0;  // Of the chunk's first byte.
    for (uint64_t ordinal = 0; ordinal < record.chunk_count && left > 0;) {
      DML_ASSIGN_OR_RETURN(auto chunks, content_.ChunkList(blob, ordinal, kChunksPerPage));
      for (const ChunkRef& ref : chunks) {
        if (left == 0) break;
        uint64_t begin = position;
        position += ref.size;
        if (position <= request.offset()) continue;
        DML_ASSIGN_OR_RETURN(std::string raw, RawChunk(ref));
        uint64_t skip = request.offset() > begin ? request.offset() - begin : 0;
        while (skip < raw.size() && left > 0) {
          v1::ReadBlobResponse message;
          message.set_data(raw.substr(skip, std::min<uint64_t>(left, kReadMessageBytes)));
          skip += message.data().size();
          left -= message.data().size();
          if (!stream.Write(message)) return Cancelled();
        }
      }
      ordinal += chunks.size();
    }
    return absl::OkStatus();
  }

  // Frames were verified when they came: one that no longer decodes is damage, not bad input.
  absl::StatusOr<std::string> RawChunk(const ChunkRef& ref) const {
    DML_ASSIGN_OR_RETURN(EncodedChunk chunk, content_.ReadChunk(ref.digest));
    absl::StatusOr<std::string> raw =
        DecodeChunk(chunk.codec, AsBytes(chunk.stored), chunk.raw_size);
    if (!raw.ok()) {
      return DataLoss(ErrorReason("CHUNK_CORRUPT"), "chunk {} does not decode: {}",
                      ref.digest.ToString(), Message(raw.status()));
    }
    return raw;
  }

  absl::Status SendChunks(const Caller& caller, const v1::ReadChunksRequest& request,
                          grpc::ServerWriter<v1::ReadChunksResponse>& stream) {
    if (request.ordinals_size() > static_cast<int>(kMaxReadChunks)) {
      return AtField(InvalidArgument(ErrorReason("TOO_MANY_CHUNKS"), "{} ordinals; at most {}",
                                     request.ordinals_size(), kMaxReadChunks),
                     "ordinals");
    }
    DML_ASSIGN_OR_RETURN(Digest blob, PayloadOf(request.name(), request.digest()));
    DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.guard.AdmitTransfer(caller));
    v1::ReadChunksResponse message;
    size_t bytes = 0;
    for (uint64_t ordinal : request.ordinals()) {
      DML_ASSIGN_OR_RETURN(auto refs, content_.ChunkList(blob, ordinal, 1));
      if (refs.empty()) {
        return AtField(InvalidArgument(ErrorReason("ORDINAL_BEYOND_END"),
                                       "the blob has no chunk number {}", ordinal),
                       "ordinals");
      }
      DML_ASSIGN_OR_RETURN(EncodedChunk chunk, content_.ReadChunk(refs[0].digest));
      // A chunk larger than the usual message travels alone.
      if (bytes > 0 && bytes + chunk.stored.size() > kReadMessageBytes) {
        if (!stream.Write(message)) return Cancelled();
        message.Clear();
        bytes = 0;
      }
      bytes += chunk.stored.size();
      wire::To(std::move(chunk), message.add_chunks());
    }
    if (message.chunks_size() > 0 && !stream.Write(message)) return Cancelled();
    return absl::OkStatus();
  }

  const ServiceContext context_;
  ContentStore& content_;
  mutable absl::Mutex mutex_;
  mutable std::map<Digest, std::shared_ptr<const FileSet>> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<grpc::Service> MakeContentService(const ServiceContext& context) {
  return std::make_unique<ContentServiceImpl>(context);
}

}  // namespace dml
