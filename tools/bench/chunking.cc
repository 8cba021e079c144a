#include "tools/bench/chunking.h"

#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "core/content/chunker.h"
#include "core/content/delta.h"
#include "core/crypto/sha256.h"
#include "core/wire/content.h"
#include "storage/content/content_keys.h"
#include "tools/bench/measure.h"

namespace dml::bench {
namespace {

struct CutBlob {
  std::string name;
  std::vector<ChunkRef> chunks;
};
using CutRelease = std::vector<CutBlob>;

struct KnownChunk {
  ByteSpan raw;
  size_t release = 0;  // The first that has it.
};

struct Cut {
  std::vector<CutRelease> releases;
  std::unordered_map<Digest, KnownChunk> known;
};

struct StoredChunk {
  std::string frame;
  FrameCodec codec = FrameCodec::kRaw;
  std::optional<Digest> base;
};
using Store = std::unordered_map<Digest, StoredChunk>;

absl::StatusOr<Cut> CutAll(const std::vector<ReleaseBlobs>& releases, const ChunkerParams& params) {
  Cut cut;
  for (size_t release = 0; release < releases.size(); ++release) {
    CutRelease& blobs = cut.releases.emplace_back();
    for (const ReleaseBlob& blob : releases[release]) {
      CutBlob& out = blobs.emplace_back(CutBlob{blob.name, {}});
      size_t at = 0;
      StreamChunker chunker(params);
      auto keep = [&](ByteSpan chunk) {
        const Digest digest = Sha256(chunk);
        out.chunks.push_back({digest, static_cast<uint32_t>(chunk.size())});
        cut.known.try_emplace(digest, KnownChunk{blob.content.subspan(at, chunk.size()), release});
        at += chunk.size();
        return absl::OkStatus();
      };
      DML_RETURN_IF_ERROR(chunker.Push(blob.content, keep));
      DML_RETURN_IF_ERROR(chunker.Finish(keep));
    }
  }
  return cut;
}

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// For each blob of a release the position of its predecessor.
std::vector<std::optional<size_t>> Predecessors(const CutRelease& before, const CutRelease& now) {
  std::map<std::string_view, size_t> by_name;
  for (size_t i = 0; i < before.size(); ++i) by_name.emplace(before[i].name, i);
  std::vector<std::optional<size_t>> out(now.size());
  std::vector<bool> taken(before.size());
  for (size_t i = 0; i < now.size(); ++i) {
    auto found = by_name.find(now[i].name);
    if (found == by_name.end()) continue;
    out[i] = found->second;
    taken[found->second] = true;
  }
  std::map<std::string_view, std::vector<size_t>> by_file_name;  // The next free one at the back.
  for (size_t i = before.size(); i-- > 0;) {
    if (!taken[i]) by_file_name[FileName(before[i].name)].push_back(i);
  }
  for (size_t i = 0; i < now.size(); ++i) {
    auto found = by_file_name.find(FileName(now[i].name));
    if (out[i] || found == by_file_name.end() || found->second.empty()) continue;
    out[i] = found->second.back();
    found->second.pop_back();
  }
  return out;
}

Store EncodeAll(const Cut& cut, int level) {
  Store store;
  for (const auto& [digest, chunk] : cut.known) {
    EncodedChunk encoded = EncodeChunk(chunk.raw, level);
    store.emplace(digest, StoredChunk{std::move(encoded.stored), encoded.codec, std::nullopt});
  }
  return store;
}

// Replaces the frames of a blob's chunks that no earlier release than `release` has.
absl::Status ReplaceByDeltas(const Cut& cut, const CutBlob& before, const CutBlob& now,
                             size_t release, int level, Store& store) {
  std::vector<PredecessorChunk> old_list;
  for (const ChunkRef& chunk : before.chunks) {
    old_list.push_back({chunk, store.at(chunk.digest).base});
  }
  const std::vector<std::vector<Digest>> bases = ChooseBases(old_list, now.chunks);
  const auto load = [&](const Digest& chunk) -> absl::StatusOr<std::string> {
    return std::string(AsText(cut.known.at(chunk).raw));
  };
  for (size_t i = 0; i < now.chunks.size(); ++i) {
    const KnownChunk& chunk = cut.known.at(now.chunks[i].digest);
    StoredChunk& stored = store.at(now.chunks[i].digest);
    if (chunk.release != release || stored.base) continue;
    DML_ASSIGN_OR_RETURN(auto delta,
                         EncodeBestDelta(chunk.raw, stored.frame.size(), bases[i], load, level));
    if (delta) stored = {std::move(delta->frame), FrameCodec::kZstdDelta, delta->base};
  }
  return absl::OkStatus();
}

absl::Status ReplaceAllByDeltas(const Cut& cut, int level, Store& store) {
  for (size_t release = 1; release < cut.releases.size(); ++release) {
    const CutRelease& before = cut.releases[release - 1];
    const CutRelease& now = cut.releases[release];
    const std::vector<std::optional<size_t>> predecessors = Predecessors(before, now);
    for (size_t i = 0; i < now.size(); ++i) {
      if (!predecessors[i]) continue;
      DML_RETURN_IF_ERROR(
          ReplaceByDeltas(cut, before[*predecessors[i]], now[i], release, level, store));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Decode(const Cut& cut, const Store& store, const Digest& digest) {
  const StoredChunk& stored = store.at(digest);
  const auto size = static_cast<uint32_t>(cut.known.at(digest).raw.size());
  if (!stored.base) return DecodeChunk(stored.codec, AsBytes(stored.frame), size);
  DML_ASSIGN_OR_RETURN(const std::string base, Decode(cut, store, *stored.base));
  return DecodeDelta(AsBytes(stored.frame), size, AsBytes(base));
}

absl::Status RestoreLast(const Cut& cut, const Store& store) {
  for (const CutBlob& blob : cut.releases.back()) {
    for (const ChunkRef& chunk : blob.chunks) {
      DML_ASSIGN_OR_RETURN(const std::string raw, Decode(cut, store, chunk.digest));
      if (Sha256(raw) != chunk.digest) {
        return DataLoss(ErrorReason("CHUNK_DIGEST_MISMATCH"),
                        "chunk {} of {} decodes to other bytes", chunk.digest.ToString(),
                        blob.name);
      }
    }
  }
  return absl::OkStatus();
}

// Rows that grow with the chunks: what the library writes for each, in one namespace.
uint64_t IndexBytes(const Cut& cut, const Store& store) {
  constexpr uint64_t kPack = 1000;
  constexpr uint64_t kPosition = 1000;
  const Timestamp now = FromMicros(1'800'000'000'000'000);
  uint64_t bytes = 0;
  for (const auto& [digest, stored] : store) {
    ChunkRecord record{.raw_size = static_cast<uint32_t>(cut.known.at(digest).raw.size()),
                       .codec = stored.codec,
                       .stored_size = static_cast<uint32_t>(stored.frame.size()),
                       .stored_digest = digest,
                       .base = stored.base};
    bytes += wire::EncodePackFooter({{digest, record}}).size();
    record.pack = kPack;
    record.position = kPosition;
    record.stored_time = now;
    bytes += content_keys::Chunk(digest).size() + wire::Encode(record).size() +
             content_keys::VisibleChunk("bench", digest).size() +
             content_keys::PackedFrame(kPack, kPosition).size();
  }
  for (const CutRelease& release : cut.releases) {
    for (const CutBlob& blob : release) bytes += wire::Encode(blob.chunks).size();
  }
  return bytes;
}

absl::Status Weigh(const Cut& cut, const Store& store, StoredCosts& costs) {
  for (const auto& [digest, stored] : store) {
    costs.frame_bytes += stored.frame.size();
    costs.deltas += stored.base ? 1 : 0;
  }
  costs.index_bytes = IndexBytes(cut, store);
  const double begin = Now();
  DML_RETURN_IF_ERROR(RestoreLast(cut, store));
  costs.restore_seconds = Now() - begin;
  return absl::OkStatus();
}

absl::StatusOr<LevelsResult> MeasureLevels(const Cut& cut, const Levels& levels) {
  LevelsResult result{.levels = levels};
  double begin = Now();
  Store store = EncodeAll(cut, levels.frame);
  result.full.encode_seconds = Now() - begin;
  DML_RETURN_IF_ERROR(Weigh(cut, store, result.full));
  begin = Now();
  DML_RETURN_IF_ERROR(ReplaceAllByDeltas(cut, levels.delta, store));
  result.delta.encode_seconds = Now() - begin;
  DML_RETURN_IF_ERROR(Weigh(cut, store, result.delta));
  return result;
}

}  // namespace

absl::StatusOr<ChunkingResult> MeasureChunking(const std::vector<ReleaseBlobs>& releases,
                                               uint32_t average,
                                               const std::vector<Levels>& levels) {
  const ChunkerParams params = ChunkerParams::FromAverage(average);
  DML_RETURN_IF_ERROR(params.Validate());
  const double begin = Now();
  DML_ASSIGN_OR_RETURN(const Cut cut, CutAll(releases, params));
  ChunkingResult result{.chunks = cut.known.size(), .cut_seconds = Now() - begin};
  for (const CutRelease& release : cut.releases) {
    for (const CutBlob& blob : release) {
      result.chunk_places += blob.chunks.size();
      for (const ChunkRef& chunk : blob.chunks) result.raw_bytes += chunk.size;
    }
  }
  for (const Levels& pair : levels) {
    DML_ASSIGN_OR_RETURN(LevelsResult one, MeasureLevels(cut, pair));
    result.levels.push_back(one);
  }
  return result;
}

}  // namespace dml::bench
