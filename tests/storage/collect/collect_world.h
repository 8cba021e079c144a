// A library with files in it, for tests of what goes and what stays: small chunks, small packs, a
// clock that stands still until it is told otherwise, and checks of every row.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/wire/content.h"
#include "storage/collect/collector.h"
#include "storage/collect/marking.h"
#include "storage/content/content_keys.h"
#include "storage/content/upload.h"
#include "storage/library/preparation.h"
#include "storage/views/library_view.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml::testing {

using Pieces = std::vector<std::string>;  // Of a file: each becomes a chunk.

inline std::string Joined(const Pieces& pieces) {
  std::string out;
  for (const std::string& piece : pieces) out += piece;
  return out;
}
inline BlobRef BlobOf(const Pieces& pieces) {
  const std::string whole = Joined(pieces);
  return {Sha256(whole), whole.size()};
}
/// A piece of `size` bytes that does not compress, the same for the same name.
inline std::string Piece(const std::string& name, size_t size = 600) {
  std::string out;
  for (int i = 0; out.size() < size; ++i) out += Sha256(name + std::to_string(i)).raw();
  out.resize(size);
  return out;
}

class CollectWorld {
 public:
  static constexpr std::chrono::seconds kLease = std::chrono::hours(1);

  /// Namespaces acme and other; leases of "an earlier process" have run out.
  explicit CollectWorld(std::shared_ptr<Engine> engine = NewMemoryEngine())
      : engine_(std::move(engine)) {
    Open(engine_);
    for (const char* ns : {"acme", "other"}) Must(Commit(NamespaceCreated{ns, "", {}}));
    TestTrust trust(library_->log_key());
    Must(trust.Give(publisher_.public_key(), "pat", SigningRole::kPublisher, "*").Set(*library_));
    Pass(kLease);
  }

  /// As after a crash: what was in memory is gone. `engine` may disturb what it forwards.
  void Open(std::shared_ptr<Engine> engine) {
    library_.reset();
    LibraryOptions options;
    options.origin = "dml.test/library";
    options.clock = options.content.clock = [this] { return FromMicros(now_.load()); };
    options.content.lease = kLease;
    options.content.loose_bytes = 2000;
    options.content.pack_bytes = 4000;
    library_ = Library::Open(std::make_unique<ForwardingEngine>(std::move(engine)),
                             PrivateKey::FromPkcs8Pem(log_key_pem_).value(), std::move(options))
                   .value();
  }
  void Reopen() { Open(engine_); }

  Library& library() { return *library_; }
  ChunkStore& chunks() { return library_->content().chunks(); }
  Engine& engine() { return *engine_; }
  const std::shared_ptr<Engine>& shared_engine() const { return engine_; }
  Timestamp Now() const { return FromMicros(now_.load()); }
  void Pass(std::chrono::seconds time) {
    now_ += std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  }

  absl::StatusOr<Receipt> Commit(EntryPayload payload) {
    Command command;
    command.author = "tester";
    command.payload = std::move(payload);
    return library_->Commit(std::move(command));
  }
  template <typename T>
  static void Must(const absl::StatusOr<T>& result) {
    ASSERT_TRUE(result.ok()) << result.status();
  }
  static void Must(const absl::Status& status) { ASSERT_TRUE(status.ok()) << status; }

  void Retain(const std::string& ns, const RetentionPolicy& policy) {
    const auto set = LibraryView(*library_->Read()).FindRetention(ns).value();
    Must(Commit(NamespaceRetentionSet{ns, policy, set.has_value() ? set->Etag() : ""}));
  }

  /// A file in a stream of its own; chunks that the namespace has are not sent again.
  absl::Status Upload(const std::string& ns, const Pieces& pieces) {
    dml::Upload upload(chunks(), ns);
    std::vector<Digest> digests;
    for (const std::string& piece : pieces) digests.push_back(Sha256(piece));
    DML_ASSIGN_OR_RETURN(std::vector<uint32_t> missing, chunks().FindMissing(ns, digests));
    const std::set<uint32_t> to_send(missing.begin(), missing.end());
    for (uint32_t i = 0; i < pieces.size(); ++i) {
      const ChunkRef ref{digests[i], static_cast<uint32_t>(pieces[i].size())};
      DML_RETURN_IF_ERROR(to_send.contains(i) ? upload.Add(EncodeChunk(AsBytes(pieces[i])))
                                              : upload.AddKnown(ref));
    }
    DML_RETURN_IF_ERROR(upload.EndBlob(BlobOf(pieces)));
    return upload.Commit();
  }

  VariantName NameOf(const std::string& package, const std::string& version) const {
    return dml::testing::NameOf(SpecBuilder(package, version).Build());
  }
  /// Publishes files that were uploaded.
  absl::Status PublishDocuments(const std::string& package, const std::string& version,
                                const std::vector<Pieces>& files) {
    const PackageSpec spec = SpecBuilder(package, version).Build();
    const std::string spec_bytes = FormatPackageSpec(spec);
    Manifest manifest;
    manifest.config = {Sha256(spec_bytes), spec_bytes.size()};
    for (size_t i = 0; i < files.size(); ++i) {
      manifest.files.push_back({"file" + std::to_string(i), BlobOf(files[i])});
    }
    const std::string bytes = FormatManifest(manifest);
    const std::string envelopes[] = {Envelope(
        publisher_, Sha256(bytes), kPublicationPredicate,
        FormatPublicationPredicate({NameOf(package, version), std::string(kManifestMediaType)}))};
    DML_ASSIGN_OR_RETURN(auto trust, LoadTrust(*library_->Read(), Now()));
    DML_ASSIGN_OR_RETURN(Command command,
                         PreparePublish(*library_->Read(), *trust, BundledLicenseList(),
                                        library_->content(), bytes, spec_bytes, envelopes));
    command.author = "tester";
    return library_->Commit(std::move(command)).status();
  }
  absl::Status Publish(const std::string& package, const std::string& version,
                       const std::vector<Pieces>& files) {
    for (const Pieces& file : files) {
      DML_RETURN_IF_ERROR(Upload(package.substr(0, package.find('/')), file));
    }
    return PublishDocuments(package, version, files);
  }
  absl::Status Withdraw(const std::string& package, const std::string& version) {
    return Commit(VersionWithdrawn{NameOf(package, version), "bad"}).status();
  }

  absl::StatusOr<CollectionRecord> Collect(CollectorOptions options = {}) {
    return Collector(*library_, sources_, std::move(options)).Run("collector");
  }
  /// Collects with `options` once every lease has run out.
  CollectionRecord CollectAll(CollectorOptions options = {}) {
    Pass(kLease);
    auto record = Collect(std::move(options));
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? *record : CollectionRecord();
  }
  void AddSource(const RootSource& source) { sources_.push_back(&source); }

  bool IsCollected(const std::string& package, const std::string& version) {
    return LibraryView(*library_->Read())
        .FindVariant(NameOf(package, version))
        .value()
        .value()
        .payload_collected;
  }
  bool HasRow(Table table, const std::string& key) {
    return engine_->Get(table, key).value().has_value();
  }

  /// What a blob is, read through its chunks; an error where a part is missing or wrong.
  absl::StatusOr<std::string> ReadBack(const Digest& blob) {
    std::string out;
    DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(library_->content(), blob));
    for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
      DML_ASSIGN_OR_RETURN(ChunkRef chunk, list.At(i));
      DML_ASSIGN_OR_RETURN(std::string raw, chunks().LoadVerified(chunk));
      out += raw;
    }
    return out;
  }

  /// Every file of every variant whose payload was not collected is there, visible and right.
  void ExpectPayloadIsWhole() {
    auto status = ForEachPayload(
        *library_->Read(), [] { return absl::OkStatus(); },
        [&](const VariantRecord& record, const Manifest& manifest) {
          for (const ManifestFile& file : manifest.files) {
            const std::string& ns = record.name.package.ns;
            EXPECT_TRUE(HasRow(Table::kBlobs, content_keys::VisibleBlob(ns, file.blob)))
                << record.name.ResourceName();
            auto bytes = ReadBack(file.blob.digest);
            EXPECT_TRUE(bytes.ok()) << record.name.ResourceName() << ": " << bytes.status();
            if (bytes.ok()) {
              EXPECT_EQ(Sha256(*bytes), file.blob.digest);
            }
          }
          return absl::OkStatus();
        });
    EXPECT_TRUE(status.ok()) << status;
  }

  /// No row of the content plane is there that kept payload does not need.
  void ExpectNothingElse();

 private:
  std::shared_ptr<Engine> engine_;
  const std::string log_key_pem_ = LogKey().ToPkcs8Pem().value();
  PrivateKey publisher_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::atomic<int64_t> now_ = 1767225600000000;
  RetentionRoots retention_;
  std::vector<const RootSource*> sources_ = {&retention_};
  std::unique_ptr<Library> library_;
};

inline void CollectWorld::ExpectNothingElse() {
  std::set<std::string> blob_rows, chunk_rows, visible_chunks;
  std::set<Digest> blobs;
  auto no_step = [] { return absl::OkStatus(); };
  Must(
      ForEachPayload(*engine_, no_step, [&](const VariantRecord& record, const Manifest& manifest) {
        const std::string& ns = record.name.package.ns;
        for (const ManifestFile& file : manifest.files) {
          blob_rows.insert(content_keys::VisibleBlob(ns, file.blob));
          blob_rows.insert(content_keys::Blob(file.blob.digest));
          if (file.blob.size > 0) blob_rows.insert(content_keys::ChunkPage(file.blob.digest, 0));
          Must(ForEachChunk(*engine_, file.blob.digest, [&](const ChunkRef& chunk) {
            chunk_rows.insert(content_keys::Chunk(chunk.digest));
            visible_chunks.insert(content_keys::VisibleChunk(ns, chunk.digest));
          }));
        }
        return absl::OkStatus();
      }));
  std::set<std::string> found;
  for (const auto& [key, value] : Rows(*engine_, Table::kBlobs)) found.insert(key);
  EXPECT_EQ(found.size(), blob_rows.size());
  EXPECT_TRUE(found == blob_rows);

  std::set<std::string> loose;
  std::set<uint64_t> packs;
  for (const auto& [key, value] : Rows(*engine_, Table::kChunkIndex)) {
    const auto kind = static_cast<content_keys::IndexRow>(key[0]);
    if (kind == content_keys::IndexRow::kChunk) {
      const ChunkRecord record = wire::DecodeChunkRecord(value).value();
      if (record.base.has_value()) chunk_rows.insert(content_keys::Chunk(*record.base));
      if (record.pack != 0) packs.insert(record.pack);
      if (record.pack == 0) {
        loose.insert(KeyReader(key.substr(1)).String().value());
      }
    }
  }
  std::set<std::string> found_chunks;
  for (const auto& [key, value] : Rows(*engine_, Table::kChunkIndex)) {
    const auto kind = static_cast<content_keys::IndexRow>(key[0]);
    if (kind == content_keys::IndexRow::kChunk) {
      found_chunks.insert(key);
    } else if (kind == content_keys::IndexRow::kVisibleChunk) {
      EXPECT_TRUE(visible_chunks.contains(key)) << "a chunk is visible for no reason";
    } else if (kind == content_keys::IndexRow::kPack) {
      EXPECT_TRUE(packs.contains(KeyReader(key.substr(1)).U64().value())) << "a pack is dead";
    } else {
      ADD_FAILURE() << "a row of kind " << static_cast<int>(kind);
    }
  }
  EXPECT_EQ(found_chunks.size(), chunk_rows.size());
  EXPECT_TRUE(found_chunks == chunk_rows);
  std::set<std::string> frames;
  for (const auto& [key, value] : Rows(*engine_, Table::kChunks)) frames.insert(key);
  EXPECT_TRUE(frames == loose);
  std::set<uint64_t> files;
  for (const auto& [key, value] : Rows(*engine_, Table::kPacks)) {
    files.insert(KeyReader(key).U64().value());
  }
  EXPECT_TRUE(files == packs);
}

}  // namespace dml::testing
