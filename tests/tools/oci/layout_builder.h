// Builds OCI layouts in a folder, sound ones and others.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/evidence/log_proof.h"
#include "core/merkle/merkle.h"
#include "core/package/package_spec.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "core/wire/entry.h"
#include "tools/oci/layout_format.h"

namespace dml::testing {

inline std::string ReadWholeFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A layout below `folder`, put together step by step; every step may be changed or left out.
class LayoutBuilder {
 public:
  explicit LayoutBuilder(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_ / "blobs" / "sha256");
    AddBlob(kEmptyJson);
  }

  /// What AddVariant made.
  struct Variant {
    VariantName name;
    BlobRef manifest;
    BlobRef spec;
    std::vector<BlobRef> files;
  };

  ImageIndex index;
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey log_key = PrivateKey::Generate(KeyAlgorithm::kEd25519);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path PathOf(const BlobRef& blob) const {
    return folder_ / "blobs" / "sha256" / blob.digest.hex();
  }
  void Write(const std::filesystem::path& path, std::string_view bytes) const {
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
  }
  BlobRef AddBlob(std::string_view bytes) const {
    const BlobRef blob{Sha256(bytes), bytes.size()};
    Write(PathOf(blob), bytes);
    return blob;
  }

  /// "acme/tool" of this version with one file of these bytes; no evidence.
  Variant AddVariant(const std::string& version, const std::string& file) {
    Variant out;
    const std::string spec = R"({"schema":"dml.package/v1","package":"acme/tool","version":")" +
                             version +
                             R"(","versionScheme":"semver","license":{"declared":"MIT"}})";
    out.name = {*PackageName::Parse("acme/tool"), version, {}};
    out.spec = AddBlob(spec);
    out.files = {AddBlob(file)};
    Manifest manifest;
    manifest.config = out.spec;
    manifest.files = {{"bin/tool", out.files[0]}};
    out.manifest = AddBlob(FormatManifest(manifest));
    index.manifests.push_back(
        {std::string(kManifestMediaType),
         out.manifest,
         std::string(kManifestArtifactType),
         {},
         {{std::string(kRefNameKey), RefName(out.name, out.manifest.digest)}}});
    return out;
  }

  void AddArtifact(std::string_view type, std::string_view layer_type, std::string_view bytes,
                   const BlobRef& subject) {
    Artifact artifact{std::string(type), std::string(layer_type), AddBlob(bytes), subject, {}};
    index.manifests.push_back({std::string(kManifestMediaType),
                               AddBlob(FormatArtifact(artifact)),
                               std::string(type),
                               {},
                               {}});
  }

  std::string Publication(const Variant& variant) const {
    Statement statement;
    statement.subjects = {{variant.name.ResourceName(), variant.manifest.digest}};
    statement.predicate_type = std::string(kPublicationPredicate);
    statement.predicate_json =
        FormatPublicationPredicate({variant.name, std::string(kManifestMediaType)});
    const Signer* keys[] = {&key};
    return FormatEnvelope(*SignEnvelope(kInTotoPayloadType, *FormatStatement(statement), keys));
  }

  /// A log of two entries, of which the second publishes the variant.
  LogProof Proof(const Variant& variant) const {
    VersionPublished published;
    published.variant = variant.name;
    published.manifest = variant.manifest;
    published.spec = variant.spec;
    published.file_count = 1;
    published.payload_size = variant.files[0].size;
    LogProof proof;
    proof.index = 1;
    proof.leaf = *wire::EncodeEntry({1, FromMicros(1), "pat", "", published});
    const Digest first = LeafHash(AsBytes(std::string_view("first")));
    proof.hashes = {first};
    const Checkpoint checkpoint{"test.example/log", 2,
                                NodeHash(first, LeafHash(AsBytes(proof.leaf)))};
    proof.checkpoint_note = *SignCheckpoint(checkpoint, log_key);
    return proof;
  }

  void AddEvidence(const Variant& variant) {
    AddArtifact(kAttestationArtifact, kEnvelopeMediaType, Publication(variant), variant.manifest);
    AddArtifact(kLogProofArtifact, kLogProofMediaType, FormatLogProof(Proof(variant)),
                variant.manifest);
  }

  void Finish() const {
    Write(folder_ / "oci-layout", FormatLayoutMarker());
    Write(folder_ / "index.json", FormatImageIndex(index));
  }

 private:
  const std::filesystem::path folder_;
};

}  // namespace dml::testing
