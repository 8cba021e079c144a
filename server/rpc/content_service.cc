#include <map>
#include <set>
#include <string>

#include <absl/container/flat_hash_set.h>
#include <spdlog/spdlog.h>

#include "core/package/manifest.h"
#include "dml/v1/content.grpc.pb.h"
#include "server/rpc/content_transfer.h"
#include "server/rpc/permit_reads.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr uint32_t kMaxFindMissing = 4096;
constexpr int kMaxReadRanges = 4096;

using FileSet = std::map<Digest, uint64_t>;  // Size by digest.
// At most 2 MiB of manifest each, of which the digests are a part.
constexpr size_t kMaxCachedManifests = 32;
constexpr size_t kMaxToldDamages = 10'000;

absl::Status CheckNamespace(const Reader& state, const std::string& ns) {
  DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindNamespace(ns));
  if (found.has_value()) return absl::OkStatus();
  return AtField(NotFound(ErrorReason("NAMESPACE_NOT_FOUND"),
                          "no namespace '{}'; create it with: dml namespace create", ns),
                 "namespace");
}

class ContentServiceImpl final : public v1::ContentService::Service {
 public:
  explicit ContentServiceImpl(const ServiceContext& context)
      : context_(context),
        content_(context.library.content()),
        watch_(context.stall_timeout),
        counters_(*context_.transfers) {}

  grpc::Status GetCapabilities(grpc::ServerContext* context, const v1::GetCapabilitiesRequest*,
                               v1::GetCapabilitiesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.ContentService/GetCapabilities",
                  [&](const Caller&) -> absl::Status {
                    const ChunkerParams& params = context_.chunker;
                    response->set_chunk_min_size(params.min_size);
                    response->set_chunk_avg_size(params.avg_size);
                    response->set_chunk_max_size(params.max_size);
                    response->set_max_chunk_size(kMaxChunkBytes);
                    response->set_max_find_missing(kMaxFindMissing);
                    response->set_max_blob_size(kMaxBlobBytes);
                    response->set_max_message_size(context_.max_message_bytes);
                    response->set_max_read_ranges(kMaxReadRanges);
                    response->set_server_version(context_.server_version);
                    return absl::OkStatus();
                  });
  }

  grpc::Status FindMissingChunks(grpc::ServerContext* context,
                                 const v1::FindMissingChunksRequest* request,
                                 v1::FindMissingChunksResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/FindMissingChunks",
        [&](const Caller& caller) -> absl::Status {
          if (request->sha256_size() > static_cast<int>(kMaxFindMissing)) {
            return AtField(InvalidArgument(ErrorReason("TOO_MANY_CHUNKS"), "{} digests; at most {}",
                                           request->sha256_size(), kMaxFindMissing),
                           "sha256");
          }
          DML_RETURN_IF_ERROR(caller.MayInNamespace(request->namespace_()));
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), request->namespace_()));
          std::vector<Digest> digests;
          for (const std::string& raw : request->sha256()) {
            DML_ASSIGN_OR_RETURN(Digest digest, Digest::FromBytes(raw));
            digests.push_back(digest);
          }
          DML_ASSIGN_OR_RETURN(std::vector<uint32_t> missing,
                               content_.chunks().FindMissing(request->namespace_(), digests));
          response->mutable_missing()->Add(missing.begin(), missing.end());
          return absl::OkStatus();
        });
  }

  grpc::Status UploadBlobs(grpc::ServerContext* context,
                           grpc::ServerReader<v1::UploadBlobsRequest>* stream,
                           v1::UploadBlobsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/UploadBlobs",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.budget.AdmitUpload(caller.principal()));
          StallWatch::Stream watched(watch_, *context);
          v1::UploadBlobsRequest first;
          if (!stream->Read(&first)) return NoFirstMessage(*context, watched);
          DML_RETURN_IF_ERROR(caller.MayInNamespace(first.namespace_()));
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), first.namespace_()));
          DML_RETURN_IF_ERROR(context_.library.CheckWritable());
          return ReceiveBlobs(content_, *context, first, *stream, watched, *context_.transfers,
                              *response);
        });
  }

  grpc::Status WriteBlob(grpc::ServerContext* context,
                         grpc::ServerReader<v1::WriteBlobRequest>* stream,
                         v1::WriteBlobResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/WriteBlob",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.budget.AdmitUpload(caller.principal()));
          StallWatch::Stream watched(watch_, *context);
          v1::WriteBlobRequest first;
          if (!stream->Read(&first)) return NoFirstMessage(*context, watched);
          DML_RETURN_IF_ERROR(caller.MayInNamespace(first.namespace_()));
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), first.namespace_()));
          DML_RETURN_IF_ERROR(context_.library.CheckWritable());
          return ReceivePlain(content_, *context, context_.chunker, first, *stream, watched,
                              *context_.transfers, *response);
        });
  }

  grpc::Status QueryWrite(grpc::ServerContext* context, const v1::QueryWriteRequest* request,
                          v1::QueryWriteResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/QueryWrite",
        [&](const Caller& caller) -> absl::Status {
          DML_RETURN_IF_ERROR(caller.MayInNamespace(request->namespace_()));
          DML_RETURN_IF_ERROR(CheckNamespace(*context_.library.Read(), request->namespace_()));
          DML_ASSIGN_OR_RETURN(BlobRef blob, wire::From(request->blob()));
          DML_ASSIGN_OR_RETURN(bool complete, content_.HasSoundBlob(request->namespace_(), blob));
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
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(BlobRef blob, PayloadOf(caller, *request));
                    DML_ASSIGN_OR_RETURN(TransferSlot slot, context_.budget.AdmitDownload(
                                                                caller.principal(), blob.size));
                    StallWatch::Stream watched(watch_, *context);
                    return ReportDamage(request->name(), SendBlob(content_, blob.digest, *request,
                                                                  slot.message_bytes(), *stream,
                                                                  watched, counters_));
                  });
  }

  grpc::Status GetBlobChunks(grpc::ServerContext* context, const v1::GetBlobChunksRequest* request,
                             v1::GetBlobChunksResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/GetBlobChunks",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(BlobRef blob, PayloadOf(caller, *request));
          DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(content_, blob.digest));
          DML_ASSIGN_OR_RETURN(Slice slice, ReadSlice(request->page_size(), request->page_token(),
                                                      list.record().chunk_count));
          DML_ASSIGN_OR_RETURN(const std::string ns, NamespaceOf(request->name()));
          absl::flat_hash_set<Digest> bases;
          for (uint64_t i = slice.begin; i < slice.end; ++i) {
            DML_ASSIGN_OR_RETURN(ChunkRef chunk, list.At(i));
            wire::To(chunk, response->add_chunks());
            if (!request->with_bases()) continue;
            DML_ASSIGN_OR_RETURN(auto record,
                                 content_.chunks().Find(content_.chunks().engine(), chunk.digest));
            if (!record.has_value() || !record->base.has_value()) continue;
            if (!bases.insert(*record->base).second) continue;
            DML_ASSIGN_OR_RETURN(bool visible, content_.chunks().IsVisible(ns, *record->base));
            if (!visible) continue;
            response->add_base_sha256(std::string(record->base->raw()));
          }
          response->set_next_page_token(slice.next_page_token);
          response->set_chunk_count(list.record().chunk_count);
          return absl::OkStatus();
        });
  }

  grpc::Status ReadChunks(grpc::ServerContext* context, const v1::ReadChunksRequest* request,
                          grpc::ServerWriter<v1::ReadChunksResponse>* stream) override {
    return Handle(
        context_.guard, context, "/dml.v1.ContentService/ReadChunks",
        [&](const Caller& caller) -> absl::Status {
          if (request->ranges_size() > kMaxReadRanges) {
            return AtField(InvalidArgument(ErrorReason("TOO_MANY_CHUNKS"), "{} ranges; at most {}",
                                           request->ranges_size(), kMaxReadRanges),
                           "ranges");
          }
          DML_ASSIGN_OR_RETURN(BlobRef blob, PayloadOf(caller, *request));
          DML_ASSIGN_OR_RETURN(TransferSlot slot,
                               context_.budget.AdmitDownload(caller.principal(), blob.size));
          StallWatch::Stream watched(watch_, *context);
          DML_ASSIGN_OR_RETURN(const std::string ns, NamespaceOf(request->name()));
          return ReportDamage(request->name(),
                              SendChunks(content_, ns, blob.digest, *request, slot.message_bytes(),
                                         *stream, watched, counters_));
        });
  }

 private:
  static absl::StatusOr<std::string> NamespaceOf(const std::string& variant_name) {
    DML_ASSIGN_OR_RETURN(VariantName variant, ReadVariant(variant_name));
    return variant.package.ns;
  }

  // The file of a variant that a read names: authorized through the variant, never by digest alone.
  template <typename Request>
  absl::StatusOr<BlobRef> PayloadOf(const Caller& caller, const Request& request) const {
    const std::string& digest_text = request.digest();
    caller.WillSeeEach();
    DML_ASSIGN_OR_RETURN(VariantName variant, ReadVariant(request.name()));
    auto snapshot = context_.library.Read();
    DML_RETURN_IF_ERROR(
        permits_.MayRead(context_.library, *snapshot, caller, variant, request.permit()));
    absl::StatusOr<Digest> digest = Digest::Parse(digest_text);
    if (!digest.ok()) return AtField(digest.status(), "digest");
    DML_ASSIGN_OR_RETURN(auto record, LibraryView(*snapshot).FindVariant(variant));
    if (!record.has_value()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", variant.ResourceName());
    }
    DML_ASSIGN_OR_RETURN(std::shared_ptr<const FileSet> files,
                         FilesOf(*snapshot, record->manifest));
    auto file = files->find(*digest);
    if (file == files->end()) {
      return NotFound(ErrorReason("BLOB_NOT_FOUND"), "{} has no file {}", variant.ResourceName(),
                      digest_text);
    }
    DML_RETURN_IF_ERROR(CheckMayRead(caller, *record));
    if (record->payload_collected) {
      return FailedPrecondition(ErrorReason("PAYLOAD_COLLECTED"),
                                "the payload of {} was collected under the retention policy of its "
                                "namespace, so its files are gone; its evidence stays: publish the "
                                "files as a new version where they are needed again",
                                variant.ResourceName());
    }
    return BlobRef{file->first, file->second};
  }

  // What is in quarantine, or was rejected, is for those who decide about it.
  static absl::Status CheckMayRead(const Caller& caller, const VariantRecord& record) {
    const bool is_shut =
        record.state == VariantState::kQuarantined || record.state == VariantState::kRejected;
    if (!is_shut || caller.Has(Role::kOperator) || caller.Has(Role::kAdmin)) {
      return absl::OkStatus();
    }
    return FailedPrecondition(
        ErrorReason(record.state == VariantState::kRejected ? "VERSION_REJECTED"
                                                            : "VERSION_QUARANTINED"),
        "{} is {}, and its files are for operators alone: {}", record.name.ResourceName(),
        VariantStateName(record.state), record.admission_reason);
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
    for (const ManifestFile& file : parsed.files) {
      files->emplace(file.blob.digest, file.blob.size);
    }
    absl::MutexLock lock(&mutex_);
    if (files_.size() >= kMaxCachedManifests) files_.clear();
    return files_.emplace(manifest.digest, std::move(files)).first->second;
  }

  // Operators hear of damage that a reader ran into: once for each chunk and start.
  absl::Status ReportDamage(const std::string& variant, const absl::Status& status) const {
    if (!absl::IsDataLoss(status)) return status;
    {
      absl::MutexLock lock(&mutex_);
      if (told_.size() >= kMaxToldDamages) told_.clear();
      if (!told_.emplace(Message(status)).second) return status;
    }
    spdlog::warn("damage found while sending {}: {} ({})", variant, Message(status),
                 Reason(status));
    return status;
  }

  static absl::Status NoFirstMessage(const grpc::ServerContext& context,
                                     const StallWatch::Stream& watched) {
    if (context.IsCancelled()) return watched.Broken();
    return InvalidArgument(ErrorReason("STREAM_EMPTY"),
                           "the stream ended before its first message, which names the namespace");
  }

  const ServiceContext context_;
  ContentStore& content_;
  StallWatch watch_;
  TransferCounters& counters_;
  PermitReads permits_;
  mutable absl::Mutex mutex_;
  mutable std::map<Digest, std::shared_ptr<const FileSet>> files_ ABSL_GUARDED_BY(mutex_);
  mutable std::set<std::string> told_ ABSL_GUARDED_BY(mutex_);  // Messages about damage.
};

}  // namespace

std::unique_ptr<grpc::Service> MakeContentService(const ServiceContext& context) {
  return std::make_unique<ContentServiceImpl>(context);
}

}  // namespace dml
