// What of a variant the receiver of an export has in parts.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "client/client.h"
#include "core/package/manifest.h"
#include "tools/oci/inventory.h"
#include "tools/oci/patch_format.h"

namespace dml {

/// Chunks of the files of one package that the receiver has, by where they lie.
///
/// Of the variants that its inventory lists and this library has just so, the newest versions
/// first, as far as their chunk lists stay below kMaxKnownChunks. One thread.
class KnownChunks {
 public:
  static absl::StatusOr<KnownChunks> Take(Client& client, const Inventory& inventory,
                                          const PackageName& package);

  /// Writes a new file `path` with those of `files` of which the receiver has enough in parts, in
  /// the order of the manifest; nullopt, and no file, where there is none such. The files lie in
  /// `folder`.
  struct Patch {
    BlobRef blob;
    std::set<BlobRef> files;
  };
  absl::StatusOr<std::optional<Patch>> WritePatch(Client& client, const VariantName& name,
                                                  const std::vector<ManifestFile>& files,
                                                  const std::filesystem::path& folder,
                                                  const std::filesystem::path& path) const;

 private:
  struct Place {
    uint32_t base;
    uint64_t offset;
  };

  absl::Status Add(Client& client, const VariantName& name);
  absl::StatusOr<uint64_t> KnownBytes(Client& client, const VariantName& name,
                                      const BlobRef& file) const;
  absl::Status WriteFile(Client& client, const VariantName& name, const BlobRef& file,
                         const std::filesystem::path& from, PatchWriter& writer) const;

  std::vector<PatchBase> bases_;
  absl::flat_hash_map<Digest, Place> places_;  // By chunk.
};

}  // namespace dml
