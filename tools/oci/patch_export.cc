#include "tools/oci/patch_export.h"

#include <utility>

#include "client/chunk_pages.h"

namespace dml {
namespace {

constexpr size_t kMaxKnownChunks = 4'000'000;  // 72 bytes each.
constexpr int kVariantsPage = 500;
// A file smaller than this is no saving, and one of which less is known than a quarter neither.
constexpr uint64_t kLeastBytes = 16 << 10;
constexpr uint64_t kLeastShare = 4;

// Calls fn for each chunk of a file.
template <typename Fn>
absl::Status ForEachChunk(Client& client, const VariantName& name, const BlobRef& file, Fn fn) {
  ChunkPages pages(client.connection(), name.ResourceName(), file, /*with_bases=*/false);
  while (true) {
    DML_ASSIGN_OR_RETURN(std::optional<ChunkPage> page, pages.Next());
    if (!page.has_value()) return absl::OkStatus();
    for (const PlacedChunk& chunk : page->chunks) DML_RETURN_IF_ERROR(fn(chunk));
  }
}

}  // namespace

absl::StatusOr<KnownChunks> KnownChunks::Take(Client& client, const Inventory& inventory,
                                              const PackageName& package) {
  std::vector<VariantName> there;
  ListOptions options{.page_size = kVariantsPage};
  do {
    absl::StatusOr<ListPage<VariantRecord>> page = client.ListVariants(package, options);
    DML_RETURN_IF_ERROR(page.status());
    for (const VariantRecord& record : page->items) {
      const Digest* manifest = inventory.FindVariant(record.name);
      if (manifest == nullptr || *manifest != record.manifest.digest) continue;
      if (!record.payload_collected) there.push_back(record.name);
    }
    options.page_token = page->next_page_token;
  } while (!options.page_token.empty());
  KnownChunks out;
  for (const VariantName& name : there) {
    if (out.places_.size() < kMaxKnownChunks) DML_RETURN_IF_ERROR(out.Add(client, name));
  }
  return out;
}

absl::Status KnownChunks::Add(Client& client, const VariantName& name) {
  DML_ASSIGN_OR_RETURN(VariantDetails details, client.GetVariant(name));
  DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
  for (const ManifestFile& file : manifest.files) {
    if (file.blob.size < kLeastBytes || bases_.size() == kMaxPatchBases) continue;
    const auto base = static_cast<uint32_t>(bases_.size());
    bool used = false;
    DML_RETURN_IF_ERROR(ForEachChunk(client, name, file.blob, [&](const PlacedChunk& chunk) {
      if (places_.size() < kMaxKnownChunks) {
        used |= places_.try_emplace(chunk.chunk.digest, Place{base, chunk.offset}).second;
      }
      return absl::OkStatus();
    }));
    if (used) bases_.push_back({name, file.blob});
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> KnownChunks::KnownBytes(Client& client, const VariantName& name,
                                                 const BlobRef& file) const {
  uint64_t out = 0;
  DML_RETURN_IF_ERROR(ForEachChunk(client, name, file, [&](const PlacedChunk& chunk) {
    if (places_.contains(chunk.chunk.digest)) out += chunk.chunk.size;
    return absl::OkStatus();
  }));
  return out;
}

absl::StatusOr<std::optional<KnownChunks::Patch>> KnownChunks::WritePatch(
    Client& client, const VariantName& name, const std::vector<ManifestFile>& files,
    const std::filesystem::path& folder, const std::filesystem::path& path) const {
  if (places_.empty()) return std::nullopt;
  std::vector<ManifestFile> patched;
  PatchHeader header{bases_, {}};
  std::set<BlobRef> seen;
  for (const ManifestFile& file : files) {
    if (file.blob.size < kLeastBytes || header.files.size() == kMaxPatchFiles) continue;
    if (seen.contains(file.blob)) continue;
    DML_ASSIGN_OR_RETURN(uint64_t known, KnownBytes(client, name, file.blob));
    if (known < file.blob.size / kLeastShare) continue;
    header.files.push_back(file.blob);
    seen.insert(file.blob);
    patched.push_back(file);
  }
  if (patched.empty()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(PatchWriter writer, PatchWriter::Create(path, header));
  for (const ManifestFile& file : patched) {
    DML_RETURN_IF_ERROR(WriteFile(client, name, file.blob, folder / file.path, writer));
  }
  DML_ASSIGN_OR_RETURN(BlobRef blob, writer.Finish());
  return Patch{blob, std::move(seen)};
}

absl::Status KnownChunks::WriteFile(Client& client, const VariantName& name, const BlobRef& file,
                                    const std::filesystem::path& from, PatchWriter& writer) const {
  DML_ASSIGN_OR_RETURN(FileDescriptor source, OpenRegular(from));
  std::string raw;
  return ForEachChunk(client, name, file, [&](const PlacedChunk& chunk) -> absl::Status {
    auto known = places_.find(chunk.chunk.digest);
    if (known != places_.end()) {
      return writer.Copy({known->second.base, known->second.offset, chunk.chunk.size});
    }
    DML_RETURN_IF_ERROR(ReadAt(source, chunk.offset, chunk.chunk.size, raw, from));
    if (raw.size() == chunk.chunk.size) return writer.Insert(raw);
    return DataLoss(ErrorReason("BLOB_SIZE_MISMATCH"), "{} was changed while it was exported",
                    from.string());
  });
}

}  // namespace dml
