// A library in memory behind a real gRPC server: stores chunks, keeps a signed log, publishes. It
// can be told to fail, to break streams off and to lie.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "client/client.h"
#include "core/content/delta.h"
#include "core/content/records.h"
#include "core/merkle/merkle.h"
#include "core/trust/trust_root.h"
#include "dml/v1/catalog.pb.h"
#include "dml/v1/compatibility.pb.h"
#include "dml/v1/content.pb.h"
#include "dml/v1/gate.pb.h"
#include "dml/v1/journal.pb.h"
#include "tests/client/server_error.h"

namespace dml::testing {

class FakeLibrary {
 public:
  FakeLibrary();
  ~FakeLibrary();

  /// Options of a client that trusts this library, counts its waiting in `waits` and checks the
  /// log behind longer answers once only.
  ClientOptions Options();
  std::vector<std::chrono::milliseconds> waits;

  // What goes wrong. Set between calls.
  std::function<grpc::Status(const std::string& method)> before;  // May refuse a call.
  std::function<grpc::Status(const std::string& method)> after;   // May lose an answer.
  std::deque<int> upload_drops;    // Each stream ends after so many messages.
  int vanish_after_find = 0;       // So often all chunks are collected after FindMissingChunks.
  std::set<Digest> damaged;        // Chunks that are found damaged, one an upload, when mentioned.
  bool keeps_damage = false;       // And do not count as missing then.
  std::deque<int> download_drops;  // Each stream ends after so many chunks.
  int max_read_ranges = 64;
  bool stall = false;  // Downloads send nothing until they are cancelled.
  std::function<void(v1::Chunk&)> change_chunk;
  std::function<void(v1::GetBlobChunksResponse&)> change_chunk_list;
  std::function<void(v1::GetVariantResponse&)> change_variant;
  std::function<void(v1::GetInclusionProofResponse&)> change_inclusion;
  std::function<void(v1::Receipt&)> change_receipt;
  uint32_t max_message_size = 4 << 20;
  std::deque<v1::EvaluateResponse> gate_pages;  // Where empty, the gate allows.
  std::optional<uint64_t> answer_size;          // The journal size in answers, where not the log's.
  std::function<void()> while_deciding;         // Runs once the gate has looked at the log.

  // What was seen.
  std::map<std::string, int> calls;
  std::vector<std::string> request_ids;  // Of mutations, as they arrived.
  uint64_t chunks_received = 0;
  std::vector<v1::ReadChunksRequest> reads;  // As they arrived.
  std::set<std::string> peers;               // Connections that chunks were read over.
  v1::WhoRequiresRequest who_requires;       // The last one.
  std::chrono::system_clock::time_point publish_deadline;  // Of the last publication.

  /// The log with other entries; `size` as it was, unless given.
  void RewriteLog();
  void CutLog(uint64_t size);
  std::string CheckpointNote();
  uint64_t log_size() const { return leaves_.size(); }
  /// Appends an entry that nobody asked for.
  void Append() { AppendEntry("", NamespaceCreated{"filler", "", {}}); }
  /// Appends an entry and returns its index.
  uint64_t AppendEntry(const std::string& request_id, EntryPayload payload);
  /// Sets the next trust root, in which the key publishes in namespace `ns`.
  void Trust(const PublicKey& key, const std::string& ns);
  void Revoke(const PublicKey& key, const std::string& reason);
  /// Publishes without any check, for what a broken library might hold.
  void Force(const VariantName& name, const std::string& manifest, const std::string& spec,
             const std::vector<std::string>& envelopes);
  void ForceBlob(const std::string& bytes);
  /// Adds the first chunks of a blob to `damaged`.
  void Damage(const std::string& blob, size_t count);
  /// Keeps the chunks of `blob` that are not in `earlier` as deltas of the chunks there, where that
  /// makes them shorter; how many.
  size_t StoreDeltas(const std::string& blob, const std::string& earlier);
  /// What a client that has chunks of `earlier` alone must fetch of `blob`: the frames' bytes.
  uint64_t MissingFrameBytes(const std::string& blob, const std::string& earlier);
  size_t BlobCount() {
    std::lock_guard lock(mutex_);
    return blobs_.size();
  }

 private:
  class Content;
  class Catalog;
  class Keys;
  class Trusts;
  class Journal;
  class Gate;
  class Compatibility;
  class Licenses;
  class Admin;
  struct StoredVariant {
    VariantRecord record;
    std::string manifest;
    std::string spec;
    std::vector<std::string> envelopes;
  };

  grpc::Status Enter(const std::string& method);
  grpc::Status Leave(const std::string& method);
  /// The receipt of a request: of its entry if it was carried out before, else of a new one.
  void Commit(const std::string& request_id, EntryPayload payload, v1::Receipt* receipt);
  uint64_t AnswerSize();
  std::string RawChunk(const Digest& digest);
  void BuildTree();
  void SignRoot();
  void AddTrustServices();
  NodeReader Nodes() const;

  mutable std::recursive_mutex mutex_;
  PrivateKey log_key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::vector<std::string> leaves_;
  std::map<std::string, uint64_t> requests_;
  std::map<NodeId, Digest> nodes_;
  TreeAppender tree_;
  std::map<Digest, EncodedChunk> chunks_;
  std::map<Digest, Delta> deltas_;  // Instead of what chunks_ has, where a client takes deltas.
  std::map<Digest, std::vector<ChunkRef>> blobs_;
  std::map<std::string, StoredVariant> variants_;
  std::vector<KeyRecord> keys_;  // Revoked ones.
  PrivateKey root_key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  TrustRoot root_;
  std::vector<std::string> roots_;  // Envelopes, by version.
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace dml::testing
