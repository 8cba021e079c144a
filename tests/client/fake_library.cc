#include "tests/client/fake_library.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "core/content/chunker.h"
#include "core/crypto/sha256.h"
#include "core/package/manifest.h"
#include "core/trust/checkpoint.h"
#include "core/trust/root_edit.h"
#include "core/wire/api.h"
#include "core/wire/entry.h"
#include "dml/v1/admin.grpc.pb.h"
#include "dml/v1/catalog.grpc.pb.h"
#include "dml/v1/compatibility.grpc.pb.h"
#include "dml/v1/content.grpc.pb.h"
#include "dml/v1/gate.grpc.pb.h"
#include "dml/v1/journal.grpc.pb.h"
#include "dml/v1/license.grpc.pb.h"

namespace dml::testing {
namespace {

constexpr char kOrigin[] = "test.example/log";
const ChunkerParams kParams = ChunkerParams::FromAverage(1024);

grpc::Status Dropped() { return {grpc::StatusCode::UNAVAILABLE, "the connection broke"}; }

}  // namespace

class FakeLibrary::Content final : public v1::ContentService::Service {
 public:
  explicit Content(FakeLibrary* library) : library_(*library) {}

  grpc::Status GetCapabilities(grpc::ServerContext*, const v1::GetCapabilitiesRequest*,
                               v1::GetCapabilitiesResponse* out) override {
    out->set_chunk_min_size(kParams.min_size);
    out->set_chunk_avg_size(kParams.avg_size);
    out->set_chunk_max_size(kParams.max_size);
    out->set_max_find_missing(64);
    out->set_max_read_ranges(library_.max_read_ranges);
    out->set_max_message_size(library_.max_message_size);
    return library_.Enter("GetCapabilities");
  }

  grpc::Status FindMissingChunks(grpc::ServerContext*, const v1::FindMissingChunksRequest* in,
                                 v1::FindMissingChunksResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    for (int i = 0; i < in->sha256_size(); ++i) {
      if (!library_.chunks_.contains(*Digest::FromBytes(in->sha256(i)))) out->add_missing(i);
    }
    if (library_.vanish_after_find > 0 && library_.vanish_after_find-- > 0) {
      library_.chunks_.clear();
    }
    return library_.Enter("FindMissingChunks");
  }

  grpc::Status UploadBlobs(grpc::ServerContext*, grpc::ServerReader<v1::UploadBlobsRequest>* in,
                           v1::UploadBlobsResponse*) override {
    if (grpc::Status status = library_.Enter("UploadBlobs"); !status.ok()) return status;
    int left = -1;
    {
      std::lock_guard lock(library_.mutex_);
      left = Next(library_.upload_drops);
    }
    std::vector<ChunkRef> chunks;
    v1::UploadBlobsRequest request;
    while (in->Read(&request)) {
      if (left-- == 0) return Dropped();
      std::lock_guard lock(library_.mutex_);
      for (v1::UploadPart& part : *request.mutable_parts()) {
        if (grpc::Status status = Take(part, chunks); !status.ok()) return status;
      }
    }
    return left == 0 ? Dropped() : grpc::Status::OK;
  }

  grpc::Status QueryWrite(grpc::ServerContext*, const v1::QueryWriteRequest* in,
                          v1::QueryWriteResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    Digest digest = *Digest::Parse(in->blob().digest());
    out->set_complete(library_.blobs_.contains(digest));
    return library_.Enter("QueryWrite");
  }

  grpc::Status GetBlobChunks(grpc::ServerContext*, const v1::GetBlobChunksRequest* in,
                             v1::GetBlobChunksResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    const auto& chunks = library_.blobs_[*Digest::Parse(in->digest())];
    size_t at = in->page_token().empty() ? 0 : std::stoul(in->page_token());
    size_t end = std::min(at + 50, chunks.size());
    std::set<Digest> bases;
    for (size_t i = at; i < end; ++i) {
      wire::To(chunks[i], out->add_chunks());
      const auto delta = library_.deltas_.find(chunks[i].digest);
      if (in->with_bases() && delta != library_.deltas_.end()) bases.insert(delta->second.base);
    }
    for (const Digest& base : bases) out->add_base_sha256(std::string(base.raw()));
    if (end < chunks.size()) out->set_next_page_token(std::to_string(end));
    out->set_chunk_count(chunks.size());
    if (library_.change_chunk_list) library_.change_chunk_list(*out);
    return library_.Enter("GetBlobChunks");
  }

  grpc::Status ReadChunks(grpc::ServerContext* context, const v1::ReadChunksRequest* in,
                          grpc::ServerWriter<v1::ReadChunksResponse>* out) override {
    if (grpc::Status status = library_.Enter("ReadChunks"); !status.ok()) return status;
    while (library_.stall && !context->IsCancelled()) std::this_thread::yield();
    if (in->ranges_size() > library_.max_read_ranges) {
      return ServerError(grpc::StatusCode::INVALID_ARGUMENT, "TOO_MANY_CHUNKS");
    }
    int left = -1;
    {
      std::lock_guard lock(library_.mutex_);
      library_.reads.push_back(*in);
      library_.peers.insert(context->peer());
      left = Next(library_.download_drops);
    }
    for (const v1::ChunkRange& range : in->ranges()) {
      for (uint64_t i = range.first(); i < range.first() + range.count(); ++i) {
        if (left-- == 0) return Dropped();
        v1::ReadChunksResponse response;
        Fill(*in, i, *response.add_chunks());
        out->Write(response);
      }
    }
    return grpc::Status::OK;
  }

 private:
  static int Next(std::deque<int>& drops) {
    if (drops.empty()) return -1;
    int out = drops.front();
    drops.pop_front();
    return out;
  }
  void Fill(const v1::ReadChunksRequest& in, uint64_t ordinal, v1::Chunk& out) {
    std::lock_guard lock(library_.mutex_);
    const ChunkRef ref = library_.blobs_[*Digest::Parse(in.digest())].at(ordinal);
    const auto delta = library_.deltas_.find(ref.digest);
    if (!in.accept_delta() || delta == library_.deltas_.end()) {
      wire::To(EncodedChunk(library_.chunks_.at(ref.digest)), &out);
    } else {
      EncodedChunk base{.raw_digest = delta->second.base};
      if (std::ranges::count(in.known_bases(), base.raw_digest.raw()) == 0) {
        base = library_.chunks_.at(base.raw_digest);
      }
      wire::To(EncodedChunk{ref.digest, ref.size, FrameCodec::kZstdDelta, delta->second.frame},
               std::move(base), &out);
    }
    if (library_.change_chunk) library_.change_chunk(out);
  }
  // One part of an upload; `chunks` are those of its blob so far.
  grpc::Status Take(v1::UploadPart& part, std::vector<ChunkRef>& chunks) {
    if (part.has_chunk()) {
      EncodedChunk chunk = *wire::From(std::move(*part.mutable_chunk()));
      if (!VerifyChunk(chunk.raw_digest, chunk.raw_size, chunk.codec, AsBytes(chunk.stored)).ok()) {
        return ServerError(grpc::StatusCode::INVALID_ARGUMENT, "CHUNK_DIGEST_MISMATCH");
      }
      ++library_.chunks_received;
      chunks.push_back({chunk.raw_digest, chunk.raw_size});
      library_.chunks_.try_emplace(chunk.raw_digest, std::move(chunk));
      return grpc::Status::OK;
    }
    if (part.has_known()) {
      chunks.push_back(*wire::From(part.known()));
      if (library_.damaged.contains(chunks.back().digest)) {
        if (!library_.keeps_damage) library_.chunks_.erase(chunks.back().digest);
        if (!library_.keeps_damage) library_.damaged.erase(chunks.back().digest);
        return ServerError(grpc::StatusCode::DATA_LOSS, "CHUNK_CORRUPT");
      }
      if (library_.chunks_.contains(chunks.back().digest)) return grpc::Status::OK;
      return ServerError(grpc::StatusCode::NOT_FOUND, "CHUNK_NOT_FOUND");
    }
    const BlobRef blob = *wire::From(part.end());
    std::string whole;
    for (const ChunkRef& chunk : chunks) whole += library_.RawChunk(chunk.digest);
    if (Sha256(whole) != blob.digest || whole.size() != blob.size) {
      return ServerError(grpc::StatusCode::INVALID_ARGUMENT, "BLOB_DIGEST_MISMATCH");
    }
    library_.blobs_[blob.digest] = std::exchange(chunks, {});
    return grpc::Status::OK;
  }

  FakeLibrary& library_;
};

class FakeLibrary::Catalog final : public v1::CatalogService::Service {
 public:
  explicit Catalog(FakeLibrary* library) : library_(*library) {}

  grpc::Status CreateNamespace(grpc::ServerContext*, const v1::CreateNamespaceRequest* in,
                               v1::CreateNamespaceResponse* out) override {
    if (grpc::Status status = library_.Enter("CreateNamespace"); !status.ok()) return status;
    out->mutable_namespace_()->set_name(wire::NamespaceResource(in->namespace_()));
    if (!in->validate_only()) {
      library_.Commit(in->request_id(), NamespaceCreated{in->namespace_(), "", {}},
                      out->mutable_receipt());
    }
    return library_.Leave("CreateNamespace");
  }

  grpc::Status PublishVersion(grpc::ServerContext* context, const v1::PublishVersionRequest* in,
                              v1::PublishVersionResponse* out) override {
    library_.publish_deadline = context->deadline();
    if (grpc::Status status = library_.Enter("PublishVersion"); !status.ok()) return status;
    std::lock_guard lock(library_.mutex_);
    Manifest manifest = *ParseManifest(in->manifest());
    for (const ManifestFile& file : manifest.files) {
      if (file.blob.size > 0 && !library_.blobs_.contains(file.blob.digest)) {
        return ServerError(grpc::StatusCode::FAILED_PRECONDITION, "BLOB_MISSING");
      }
    }
    PackageSpec spec = *ParsePackageSpec(in->spec());
    VariantName name{spec.package, spec.version.text(), spec.platform};
    bool again = library_.requests_.contains(in->request_id());
    if (!again && library_.variants_.contains(name.ResourceName())) {
      return ServerError(grpc::StatusCode::ALREADY_EXISTS, "VERSION_EXISTS");
    }
    if (!again) {
      library_.Force(name, in->manifest(), in->spec(),
                     {in->envelopes().begin(), in->envelopes().end()});
      library_.CutLog(library_.log_size() - 1);  // The entry is written below, with its request.
    }
    const VariantRecord& record = library_.variants_.at(name.ResourceName()).record;
    VersionPublished payload{.variant = name, .manifest = record.manifest, .spec = record.spec};
    library_.Commit(in->request_id(), payload, out->mutable_receipt());
    wire::To(record, out->mutable_variant());
    return library_.Leave("PublishVersion");
  }

  grpc::Status GetVariant(grpc::ServerContext*, const v1::GetVariantRequest* in,
                          v1::GetVariantResponse* out) override {
    if (grpc::Status status = library_.Enter("GetVariant"); !status.ok()) return status;
    std::lock_guard lock(library_.mutex_);
    auto found = library_.variants_.find(in->name());
    if (found == library_.variants_.end()) {
      return ServerError(grpc::StatusCode::NOT_FOUND, "VARIANT_NOT_FOUND");
    }
    const StoredVariant& stored = found->second;
    wire::To(stored.record, out->mutable_variant());
    out->set_manifest(stored.manifest);
    out->set_spec(stored.spec);
    for (size_t i = 0; i < std::min<size_t>(64, stored.envelopes.size()); ++i) {
      Fill(stored.envelopes[i], out->add_attestations());
    }
    if (stored.envelopes.size() > 64) out->set_next_attestation_page_token("64");
    if (library_.change_variant) library_.change_variant(*out);
    return grpc::Status::OK;
  }

  grpc::Status ListAttestations(grpc::ServerContext*, const v1::ListAttestationsRequest* in,
                                v1::ListAttestationsResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    const auto& envelopes = library_.variants_.at(in->name()).envelopes;
    size_t at = in->page_token().empty() ? 0 : std::stoul(in->page_token());
    size_t end = std::min(at + 7, envelopes.size());
    for (size_t i = at; i < end; ++i) Fill(envelopes[i], out->add_attestations());
    if (end < envelopes.size()) out->set_next_page_token(std::to_string(end));
    return library_.Enter("ListAttestations");
  }

 private:
  static void Fill(const std::string& envelope, v1::Attestation* out) {
    wire::To(BlobRef{Sha256(envelope), envelope.size()}, out->mutable_envelope());
    out->set_envelope_data(envelope);
  }

  FakeLibrary& library_;
};

class FakeLibrary::Journal final : public v1::JournalService::Service {
 public:
  explicit Journal(FakeLibrary* library) : library_(*library) {}

  grpc::Status GetCheckpoint(grpc::ServerContext*, const v1::GetCheckpointRequest*,
                             v1::GetCheckpointResponse* out) override {
    out->set_checkpoint(library_.CheckpointNote());
    return library_.Enter("GetCheckpoint");
  }

  grpc::Status GetInclusionProof(grpc::ServerContext*, const v1::GetInclusionProofRequest* in,
                                 v1::GetInclusionProofResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    if (in->tree_size() > library_.log_size() || in->index() >= in->tree_size()) {
      return ServerError(grpc::StatusCode::INVALID_ARGUMENT, "PROOF_RANGE_INVALID");
    }
    out->set_leaf(library_.leaves_[in->index()]);
    auto proof = InclusionProof(in->index(), in->tree_size(), library_.Nodes());
    for (const Digest& digest : *proof) out->add_proof(std::string(digest.raw()));
    if (library_.change_inclusion) library_.change_inclusion(*out);
    return library_.Enter("GetInclusionProof");
  }

  grpc::Status GetConsistencyProof(grpc::ServerContext*, const v1::GetConsistencyProofRequest* in,
                                   v1::GetConsistencyProofResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    if (in->second_size() > library_.log_size()) {
      return ServerError(grpc::StatusCode::INVALID_ARGUMENT, "PROOF_RANGE_INVALID");
    }
    auto proof = ConsistencyProof(in->first_size(), in->second_size(), library_.Nodes());
    for (const Digest& digest : *proof) out->add_proof(std::string(digest.raw()));
    return library_.Enter("GetConsistencyProof");
  }

 private:
  FakeLibrary& library_;
};

class FakeLibrary::Compatibility final : public v1::CompatibilityService::Service {
 public:
  explicit Compatibility(FakeLibrary* library) : library_(*library) {}
  grpc::Status CheckSet(grpc::ServerContext*, const v1::CheckSetRequest*,
                        v1::CheckSetResponse* out) override {
    out->set_outcome(v1::COMPATIBILITY_OUTCOME_COMPATIBLE);
    out->set_index(library_.AnswerSize());
    return library_.Enter("CheckSet");
  }

  grpc::Status WhoRequires(grpc::ServerContext*, const v1::WhoRequiresRequest* in,
                           v1::WhoRequiresResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    library_.who_requires = *in;
    v1::RelationMatch* match = out->add_matches();
    match->set_variant("packages/acme/api/versions/1.0.0/variants/any");
    match->set_relation("requires");
    return library_.Enter("WhoRequires");
  }

 private:
  FakeLibrary& library_;
};

class FakeLibrary::Gate final : public v1::GateService::Service {
 public:
  explicit Gate(FakeLibrary* library) : library_(*library) {}
  grpc::Status Evaluate(grpc::ServerContext*, const v1::EvaluateRequest*,
                        v1::EvaluateResponse* out) override {
    Decide(*out);
    if (library_.while_deciding) library_.while_deciding();
    return library_.Enter("Evaluate");
  }

 private:
  void Decide(v1::EvaluateResponse& out) {
    std::lock_guard lock(library_.mutex_);
    if (library_.gate_pages.empty()) {
      out.set_decision(v1::DECISION_ALLOW);
      out.set_index(library_.AnswerSize());
      return;
    }
    out = library_.gate_pages.front();
    library_.gate_pages.pop_front();
  }

  FakeLibrary& library_;
};

class FakeLibrary::Licenses final : public v1::LicenseService::Service {
 public:
  explicit Licenses(FakeLibrary* library) : library_(*library) {}
  grpc::Status EvaluateLicense(grpc::ServerContext*, const v1::EvaluateLicenseRequest*,
                               v1::EvaluateLicenseResponse* out) override {
    out->set_outcome(v1::LICENSE_OUTCOME_ALLOW);
    out->set_index(library_.AnswerSize());
    return library_.Enter("EvaluateLicense");
  }

 private:
  FakeLibrary& library_;
};

class FakeLibrary::Admin final : public v1::AdminService::Service {
 public:
  explicit Admin(FakeLibrary* library) : library_(*library) {}
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* out) override {
    out->set_journal_size(library_.AnswerSize());
    return library_.Enter("GetStatus");
  }

 private:
  FakeLibrary& library_;
};

FakeLibrary::FakeLibrary() {
  AppendEntry("", LibraryCreated{kOrigin, log_key_.public_key().spki_der()});
  root_ = *MakeFirstRoot(kOrigin, log_key_.public_key(),
                         {root_key_.public_key(), SignatureScheme::kEd25519, "admin", true},
                         *ParseTime("2099-01-01T00:00:00Z"));
  root_.roles.erase(SigningRole::kPublisher);
  SignRoot();
  services_.push_back(std::make_unique<Content>(this));
  services_.push_back(std::make_unique<Catalog>(this));
  AddTrustServices();
  services_.push_back(std::make_unique<Journal>(this));
  services_.push_back(std::make_unique<Gate>(this));
  services_.push_back(std::make_unique<Compatibility>(this));
  services_.push_back(std::make_unique<Licenses>(this));
  services_.push_back(std::make_unique<Admin>(this));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  for (auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
}

FakeLibrary::~FakeLibrary() { server_->Shutdown(std::chrono::system_clock::now()); }

ClientOptions FakeLibrary::Options() {
  ClientOptions out;
  out.target = "127.0.0.1:" + std::to_string(port_);
  out.insecure_loopback = true;
  out.log_origin = kOrigin;
  out.log_key_pem = log_key_.public_key().ToPem();
  out.root_json = roots_.front();
  out.log_check_interval = std::chrono::hours(1);
  out.retry.sleep = [this](std::chrono::milliseconds delay) {
    std::lock_guard lock(mutex_);
    waits.push_back(delay);
  };
  return out;
}

grpc::Status FakeLibrary::Enter(const std::string& method) {
  std::lock_guard lock(mutex_);
  ++calls[method];
  return before ? before(method) : grpc::Status::OK;
}

grpc::Status FakeLibrary::Leave(const std::string& method) {
  std::lock_guard lock(mutex_);
  return after ? after(method) : grpc::Status::OK;
}

uint64_t FakeLibrary::AppendEntry(const std::string& request_id, EntryPayload payload) {
  std::lock_guard lock(mutex_);
  Entry entry{.index = leaves_.size(), .author = "tester", .request_id = request_id};
  entry.time = FromMicros(1'700'000'000'000'000 + static_cast<int64_t>(leaves_.size()));
  entry.payload = std::move(payload);
  leaves_.push_back(*wire::EncodeEntry(entry));
  BuildTree();
  return entry.index;
}

void FakeLibrary::Commit(const std::string& request_id, EntryPayload payload,
                         v1::Receipt* receipt) {
  std::lock_guard lock(mutex_);
  request_ids.push_back(request_id);
  auto [at, is_new] = requests_.try_emplace(request_id, leaves_.size());
  if (is_new) AppendEntry(request_id, std::move(payload));
  receipt->set_index(at->second);
  receipt->set_replayed(!is_new);
  wire::To(wire::DecodeEntry(leaves_[at->second])->time, receipt->mutable_time());
  receipt->set_checkpoint(CheckpointNote());
  if (change_receipt) change_receipt(*receipt);
}

uint64_t FakeLibrary::AnswerSize() {
  std::lock_guard lock(mutex_);
  return answer_size.value_or(leaves_.size());
}

void FakeLibrary::BuildTree() {
  nodes_.clear();
  tree_ = TreeAppender();
  for (const std::string& leaf : leaves_) {
    tree_.Append(LeafHash(AsBytes(leaf)),
                 [this](NodeId id, const Digest& digest) { nodes_[id] = digest; });
  }
}

NodeReader FakeLibrary::Nodes() const {
  return [this](NodeId id) -> absl::StatusOr<Digest> { return nodes_.at(id); };
}

std::string FakeLibrary::CheckpointNote() {
  std::lock_guard lock(mutex_);
  return *SignCheckpoint({kOrigin, tree_.size(), tree_.Root()}, log_key_);
}

void FakeLibrary::RewriteLog() {
  std::lock_guard lock(mutex_);
  for (std::string& leaf : leaves_) {
    Entry entry = *wire::DecodeEntry(leaf);
    entry.author = "rewriter";
    leaf = *wire::EncodeEntry(entry);
  }
  BuildTree();
}

void FakeLibrary::CutLog(uint64_t size) {
  std::lock_guard lock(mutex_);
  leaves_.resize(size);
  BuildTree();
}

void FakeLibrary::Force(const VariantName& name, const std::string& manifest,
                        const std::string& spec, const std::vector<std::string>& envelopes) {
  std::lock_guard lock(mutex_);
  StoredVariant stored{{}, manifest, spec, envelopes};
  stored.record.name = name;
  stored.record.manifest = {Sha256(manifest), manifest.size()};
  stored.record.spec = {Sha256(spec), spec.size()};
  if (absl::StatusOr<Manifest> parsed = ParseManifest(manifest); parsed.ok()) {
    stored.record.file_count = parsed->files.size();
    for (const ManifestFile& file : parsed->files) stored.record.payload_size += file.blob.size;
  }
  stored.record.published_index = AppendEntry(
      "", VersionPublished{
              .variant = name, .manifest = stored.record.manifest, .spec = stored.record.spec});
  variants_[name.ResourceName()] = std::move(stored);
}

void FakeLibrary::ForceBlob(const std::string& bytes) {
  std::lock_guard lock(mutex_);
  std::vector<ChunkRef> chunks;
  StreamChunker chunker(kParams);
  auto sink = [&](ByteSpan raw) {
    EncodedChunk chunk = EncodeChunk(raw);
    chunks.push_back({chunk.raw_digest, chunk.raw_size});
    chunks_.try_emplace(chunk.raw_digest, chunk);
    return absl::OkStatus();
  };
  chunker.Push(AsBytes(bytes), sink).IgnoreError();  // This sink has no errors.
  chunker.Finish(sink).IgnoreError();
  blobs_[Sha256(bytes)] = chunks;
}

std::string FakeLibrary::RawChunk(const Digest& digest) {
  const EncodedChunk& chunk = chunks_.at(digest);
  return *DecodeChunk(chunk.codec, AsBytes(chunk.stored), chunk.raw_size);
}

void FakeLibrary::Damage(const std::string& blob, size_t count) {
  std::lock_guard lock(mutex_);
  for (const ChunkRef& chunk : blobs_.at(Sha256(blob))) {
    if (damaged.size() < count) damaged.insert(chunk.digest);
  }
}

size_t FakeLibrary::StoreDeltas(const std::string& blob, const std::string& earlier) {
  std::lock_guard lock(mutex_);
  std::vector<PredecessorChunk> old_list;
  for (const ChunkRef& chunk : blobs_.at(Sha256(earlier))) old_list.push_back({chunk, {}});
  const std::vector<ChunkRef>& list = blobs_.at(Sha256(blob));
  const std::vector<std::vector<Digest>> bases = ChooseBases(old_list, list);
  for (size_t i = 0; i < list.size(); ++i) {
    auto load = [this](const Digest& chunk) {
      return absl::StatusOr<std::string>(RawChunk(chunk));
    };
    auto delta = EncodeBestDelta(AsBytes(RawChunk(list[i].digest)),
                                 chunks_.at(list[i].digest).stored.size(), bases[i], load, 3);
    if (delta->has_value()) deltas_[list[i].digest] = **std::move(delta);
  }
  return deltas_.size();
}

uint64_t FakeLibrary::MissingFrameBytes(const std::string& blob, const std::string& earlier) {
  std::lock_guard lock(mutex_);
  std::set<Digest> known;
  for (const ChunkRef& chunk : blobs_.at(Sha256(earlier))) known.insert(chunk.digest);
  uint64_t out = 0;
  for (const ChunkRef& chunk : blobs_.at(Sha256(blob))) {
    if (known.contains(chunk.digest)) continue;
    const auto delta = deltas_.find(chunk.digest);
    out += delta != deltas_.end() ? delta->second.frame.size()
                                  : chunks_.at(chunk.digest).stored.size();
  }
  return out;
}

}  // namespace dml::testing
