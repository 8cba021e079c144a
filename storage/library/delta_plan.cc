#include "storage/library/delta_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include <absl/container/flat_hash_set.h>

#include "core/content/delta.h"
#include "core/package/manifest.h"

namespace dml {
namespace {

using BlobPairs = std::vector<std::pair<Digest, Digest>>;  // Of the version before, and of this.

absl::StatusOr<std::vector<ChunkRef>> ChunksOf(const ContentStore& store, const Digest& blob) {
  DML_ASSIGN_OR_RETURN(ChunkList list, ChunkList::Open(store, blob));
  std::vector<ChunkRef> chunks;
  chunks.reserve(list.record().chunk_count);
  for (uint64_t i = 0; i < list.record().chunk_count; ++i) {
    DML_ASSIGN_OR_RETURN(ChunkRef chunk, list.At(i));
    chunks.push_back(chunk);
  }
  return chunks;
}

absl::StatusOr<std::vector<ManifestFile>> FilesOf(const Reader& views, const BlobRef& manifest) {
  DML_ASSIGN_OR_RETURN(auto bytes, views.Get(Table::kMetadata, manifest.digest.raw()));
  if (!bytes.has_value()) {
    return DataLoss(ErrorReason("METADATA_MISSING"), "the manifest {} is missing",
                    manifest.digest.ToString());
  }
  DML_ASSIGN_OR_RETURN(Manifest parsed, ParseManifest(*bytes));
  return std::move(parsed.files);
}

BlobPairs PairFiles(const std::vector<ManifestFile>& old_files,
                    const std::vector<ManifestFile>& new_files) {
  std::map<std::string, Digest> left;
  for (const ManifestFile& file : old_files) left.emplace(file.path, file.blob.digest);
  BlobPairs pairs;
  std::vector<Digest> without;
  for (const ManifestFile& file : new_files) {
    if (auto same = left.find(file.path); same != left.end()) {
      pairs.emplace_back(same->second, file.blob.digest);
      left.erase(same);
    } else {
      without.push_back(file.blob.digest);
    }
  }
  auto old_file = left.begin();
  for (size_t i = 0; i < without.size() && old_file != left.end(); ++i, ++old_file) {
    pairs.emplace_back(old_file->second, without[i]);
  }
  std::erase_if(pairs, [](const auto& pair) { return pair.first == pair.second; });
  return pairs;
}

// The variants of a package with their payload, by platform, the lowest version first.
absl::StatusOr<std::map<std::string, std::vector<VariantRecord>>> Lines(
    const Reader& views, const PackageName& package) {
  std::map<std::string, std::vector<VariantRecord>> lines;
  DML_RETURN_IF_ERROR(LibraryView(views).ScanVariants(package, [&](const VariantRecord& variant) {
    if (!variant.payload_collected) {
      lines[variant.name.platform.VariantId()].push_back(variant);
    }
    return true;
  }));
  for (auto& [platform, variants] : lines) std::reverse(variants.begin(), variants.end());
  return lines;
}

}  // namespace

absl::StatusOr<DeltaPlan> PlanBlobDeltas(ContentStore& store, std::string ns,
                                         const Digest& predecessor, const Digest& blob) {
  DML_ASSIGN_OR_RETURN(std::vector<ChunkRef> old_chunks, ChunksOf(store, predecessor));
  DML_ASSIGN_OR_RETURN(std::vector<ChunkRef> new_chunks, ChunksOf(store, blob));
  std::vector<PredecessorChunk> old_list;
  old_list.reserve(old_chunks.size());
  for (const ChunkRef& chunk : old_chunks) {
    DML_ASSIGN_OR_RETURN(auto record, store.chunks().Find(store.chunks().engine(), chunk.digest));
    old_list.push_back({chunk, record.has_value() ? record->base : std::nullopt});
  }
  std::vector<std::vector<Digest>> bases = ChooseBases(old_list, new_chunks);
  DeltaPlan plan{std::move(ns), {}};
  absl::flat_hash_set<Digest> planned;
  for (size_t i = 0; i < new_chunks.size(); ++i) {
    if (bases[i].empty() || !planned.insert(new_chunks[i].digest).second) continue;
    plan.targets.push_back({new_chunks[i].digest, std::move(bases[i])});
  }
  return plan;
}

absl::Status PlanPackageDeltas(const Reader& views, ContentStore& store, const PackageName& package,
                               uint64_t done_index,
                               const std::function<absl::Status(const DeltaPlan&)>& visit) {
  DML_ASSIGN_OR_RETURN(auto lines, Lines(views, package));
  for (const auto& [platform, variants] : lines) {
    for (size_t i = 1; i < variants.size(); ++i) {
      if (variants[i].published_index <= done_index) continue;
      DML_ASSIGN_OR_RETURN(auto old_files, FilesOf(views, variants[i - 1].manifest));
      DML_ASSIGN_OR_RETURN(auto new_files, FilesOf(views, variants[i].manifest));
      for (const auto& [old_blob, new_blob] : PairFiles(old_files, new_files)) {
        absl::StatusOr<DeltaPlan> plan = PlanBlobDeltas(store, package.ns, old_blob, new_blob);
        if (absl::IsNotFound(plan.status())) continue;  // Collected since the views were read.
        DML_RETURN_IF_ERROR(plan.status());
        if (!plan->targets.empty()) DML_RETURN_IF_ERROR(visit(*plan));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace dml
