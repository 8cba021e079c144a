// A variant as a library would hold it, made without one: documents, publication, proof.
#pragma once

#include <string>
#include <vector>

#include "client/package_bundle.h"
#include "client/publication.h"
#include "core/crypto/sha256.h"
#include "core/evidence/log_proof.h"
#include "core/merkle/merkle.h"
#include "core/wire/entry.h"
#include "tests/core/trust/test_keys.h"
#include "tests/core/trust/trust_builder.h"

namespace dml::testing {

/// "acme/tool" of a version with one file "bin/tool"; published in a log of two entries.
struct PublishedVariant {
  explicit PublishedVariant(const std::string& version = "1.0.0",
                            const std::string& content = "a program\n")
      : name{*PackageName::Parse("acme/tool"), version, {}},
        file(content),
        spec(R"({"schema":"dml.package/v1","package":"acme/tool","version":")" + version +
             R"(","versionScheme":"semver","license":{"declared":"MIT"}})") {
    Manifest parsed;
    parsed.config = spec_ref();
    parsed.files = {{"bin/tool", {Sha256(file), file.size()}}};
    manifest = FormatManifest(parsed);
  }

  VariantName name;
  std::string file;
  std::string spec;
  std::string manifest;

  BlobRef spec_ref() const { return {Sha256(spec), spec.size()}; }
  BlobRef manifest_ref() const { return {Sha256(manifest), manifest.size()}; }

  std::string Publication(const PrivateKey& key) const {
    const Signer* keys[] = {&key};
    return *SignPublication(name, manifest_ref().digest, keys);
  }
  LogProof Proof(const PrivateKey& log_key,
                 const std::string& origin = "library.example/dml") const {
    VersionPublished published;
    published.variant = name;
    published.manifest = manifest_ref();
    published.spec = spec_ref();
    published.file_count = 1;
    published.payload_size = file.size();
    LogProof proof;
    proof.index = 1;
    proof.leaf =
        *wire::EncodeEntry({1, TimeOf("2026-05-01T12:00:00Z"), "pat", "", EntryPayload(published)});
    const Digest first = LeafHash(AsBytes(std::string_view("first")));
    proof.hashes = {first};
    proof.checkpoint_note =
        *SignCheckpoint({origin, 2, NodeHash(first, LeafHash(AsBytes(proof.leaf)))}, log_key);
    return proof;
  }
  PackageBundle Bundle(const PrivateKey& publisher, const PrivateKey& log_key) const {
    return {manifest, spec, {Publication(publisher)}, FormatLogProof(Proof(log_key))};
  }
};

}  // namespace dml::testing
