#include "storage/collect/marking.h"

#include "core/wire/content.h"
#include "core/wire/entry.h"
#include "storage/content/content_keys.h"
#include "storage/views/projector.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

namespace keys = content_keys;

constexpr uint64_t kRowsPerStep = 256;

// All rows below a prefix, by key and value.
absl::Status ForEachRow(const Reader& reader, Table table, const std::string& prefix, StepFn step,
                        absl::FunctionRef<absl::Status(std::string_view, std::string_view)> visit) {
  auto cursor = reader.NewCursor(table, PrefixRange(prefix));
  uint64_t rows = 0;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_RETURN_IF_ERROR(visit(cursor->key(), cursor->value()));
    if (++rows % kRowsPerStep == 0) DML_RETURN_IF_ERROR(step());
  }
  return cursor->status();
}

absl::StatusOr<Digest> ReadDigest(KeyReader& key) {
  DML_ASSIGN_OR_RETURN(std::string raw, key.String());
  return Digest::FromBytes(raw);
}

// Of a row that begins with its kind, namespace and digest.
struct NamespaceKey {
  std::string ns;
  Digest digest;
};
absl::StatusOr<NamespaceKey> ReadNamespaceKey(std::string_view key) {
  KeyReader parts(key);
  DML_RETURN_IF_ERROR(parts.U8().status());
  NamespaceKey out;
  DML_ASSIGN_OR_RETURN(out.ns, parts.String());
  DML_ASSIGN_OR_RETURN(out.digest, ReadDigest(parts));
  return out;
}

absl::Status ForEachPartialChunk(
    const Reader& reader, StepFn step,
    absl::FunctionRef<void(const std::string& ns, const Digest& chunk)> visit) {
  return ForEachRow(reader, Table::kBlobs, keys::Start(keys::BlobRow::kPartial).Build(), step,
                    [&](std::string_view key, std::string_view value) -> absl::Status {
                      DML_ASSIGN_OR_RETURN(NamespaceKey parts, ReadNamespaceKey(key));
                      DML_ASSIGN_OR_RETURN(PartialBlob partial, wire::DecodePartialBlob(value));
                      for (const ChunkRef& chunk : partial.chunks) visit(parts.ns, chunk.digest);
                      return absl::OkStatus();
                    });
}

}  // namespace

uint32_t NamespaceNumbers::Of(std::string_view ns) {
  auto found = numbers_.find(ns);
  if (found != numbers_.end()) return found->second;
  const auto number = static_cast<uint32_t>(numbers_.size() + 1);
  numbers_.emplace(ns, number);
  return number;
}

absl::Status ForEachPayload(
    const Reader& reader, StepFn step,
    absl::FunctionRef<absl::Status(const VariantRecord&, const Manifest&)> visit) {
  return ForEachRow(
      reader, Table::kViews, view_keys::Start(view_keys::Row::kVariant).Build(), step,
      [&](std::string_view, std::string_view value) -> absl::Status {
        DML_ASSIGN_OR_RETURN(VariantRecord record, wire::Decode<VariantRecord>(value));
        if (record.payload_collected) return absl::OkStatus();
        DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(reader, record.manifest));
        DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(bytes));
        return visit(record, manifest);
      });
}

absl::Status ForEachChunk(const Reader& reader, const Digest& blob,
                          absl::FunctionRef<void(const ChunkRef&)> visit) {
  auto cursor = reader.NewCursor(
      Table::kBlobs,
      PrefixRange(keys::Start(keys::BlobRow::kChunkPage).String(blob.raw()).Build()));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    DML_ASSIGN_OR_RETURN(std::vector<ChunkRef> page, wire::DecodeChunkPage(cursor->value()));
    for (const ChunkRef& chunk : page) visit(chunk);
  }
  return cursor->status();
}

absl::Status ForEachStoredChunk(
    const Reader& reader, StepFn step,
    absl::FunctionRef<absl::Status(const Digest& chunk, const ChunkRecord& record)> visit) {
  return ForEachRow(reader, Table::kChunkIndex, keys::Start(keys::IndexRow::kChunk).Build(), step,
                    [&](std::string_view key, std::string_view value) -> absl::Status {
                      KeyReader parts(key.substr(1));
                      DML_ASSIGN_OR_RETURN(Digest chunk, ReadDigest(parts));
                      DML_ASSIGN_OR_RETURN(ChunkRecord record, wire::DecodeChunkRecord(value));
                      return visit(chunk, record);
                    });
}

absl::Status ForEachPack(const Reader& reader,
                         absl::FunctionRef<void(uint64_t pack, const PackRecord& record)> visit) {
  return ForEachRow(
      reader, Table::kChunkIndex, keys::Start(keys::IndexRow::kPack).Build(),
      [] { return absl::OkStatus(); },
      [&](std::string_view key, std::string_view value) -> absl::Status {
        KeyReader parts(key.substr(1));
        DML_ASSIGN_OR_RETURN(uint64_t pack, parts.U64());
        DML_ASSIGN_OR_RETURN(PackRecord record, wire::DecodePackRecord(value));
        visit(pack, record);
        return absl::OkStatus();
      });
}

absl::Status ForEachNamespace(const Reader& reader, Table table, const std::string& prefix,
                              absl::FunctionRef<absl::Status(const std::string& ns)> visit) {
  auto cursor = reader.NewCursor(table, PrefixRange(prefix));
  cursor->SeekToFirst();
  while (cursor->Valid()) {
    KeyReader rest(cursor->key().substr(prefix.size()));
    DML_ASSIGN_OR_RETURN(std::string ns, rest.String());
    DML_RETURN_IF_ERROR(visit(ns));
    cursor->Seek(PrefixRange(prefix + KeyBuilder().String(ns).Build()).upper);
  }
  return cursor->status();
}

absl::Status MarkPayload(const Reader& reader, StepFn step, NamespaceNumbers& numbers,
                         MarkSet& marks) {
  return ForEachPayload(reader, step, [&](const VariantRecord& record, const Manifest& manifest) {
    const uint32_t group = numbers.Of(record.name.package.ns);
    for (const ManifestFile& file : manifest.files) marks.Add(file.blob.digest, group);
    return absl::OkStatus();
  });
}

absl::Status MarkVisibleBlobs(const Reader& reader, StepFn step, MarkSet& marks) {
  return ForEachRow(reader, Table::kBlobs, keys::Start(keys::BlobRow::kVisibleBlob).Build(), step,
                    [&](std::string_view key, std::string_view) -> absl::Status {
                      DML_ASSIGN_OR_RETURN(NamespaceKey parts, ReadNamespaceKey(key));
                      marks.Add(parts.digest);
                      return absl::OkStatus();
                    });
}

absl::Status MarkChunksOfNamespaces(const Reader& reader, StepFn step, NamespaceNumbers& numbers,
                                    MarkSet& marks) {
  DML_RETURN_IF_ERROR(ForEachRow(
      reader, Table::kBlobs, keys::Start(keys::BlobRow::kVisibleBlob).Build(), step,
      [&](std::string_view key, std::string_view) -> absl::Status {
        DML_ASSIGN_OR_RETURN(NamespaceKey parts, ReadNamespaceKey(key));
        const uint32_t group = numbers.Of(parts.ns);
        return ForEachChunk(reader, parts.digest,
                            [&](const ChunkRef& chunk) { marks.Add(chunk.digest, group); });
      }));
  return ForEachPartialChunk(reader, step, [&](const std::string& ns, const Digest& chunk) {
    marks.Add(chunk, numbers.Of(ns));
  });
}

absl::Status MarkChunks(const Reader& reader, StepFn step, MarkSet& marks) {
  DML_RETURN_IF_ERROR(
      ForEachRow(reader, Table::kBlobs, keys::Start(keys::BlobRow::kChunkPage).Build(), step,
                 [&](std::string_view, std::string_view value) -> absl::Status {
                   DML_ASSIGN_OR_RETURN(std::vector<ChunkRef> page, wire::DecodeChunkPage(value));
                   for (const ChunkRef& chunk : page) marks.Add(chunk.digest);
                   return absl::OkStatus();
                 }));
  DML_RETURN_IF_ERROR(ForEachPartialChunk(
      reader, step, [&](const std::string&, const Digest& chunk) { marks.Add(chunk); }));
  return ForEachRow(reader, Table::kChunkIndex, keys::Start(keys::IndexRow::kVisibleChunk).Build(),
                    step, [&](std::string_view key, std::string_view) -> absl::Status {
                      DML_ASSIGN_OR_RETURN(NamespaceKey parts, ReadNamespaceKey(key));
                      marks.Add(parts.digest);
                      return absl::OkStatus();
                    });
}

absl::Status MarkBases(const Reader& reader, StepFn step, MarkSet& marks) {
  return ForEachStoredChunk(reader, step, [&](const Digest&, const ChunkRecord& record) {
    if (record.base.has_value()) marks.Add(*record.base);
    return absl::OkStatus();
  });
}

}  // namespace dml
