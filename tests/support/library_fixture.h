// A library on a memory engine, with the few things that most tests want in it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/crypto/sha256.h"
#include "core/package/manifest.h"
#include "core/package/package_spec.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/engine/memory_engine.h"
#include "storage/library/library.h"

namespace dml::testing {

/// A clock that moves one second a reading, from 2026-01-01.
class SteppingClock {
 public:
  Timestamp operator()() { return FromMicros(now_ += 1000000); }

 private:
  int64_t now_ = 1767225600000000;
};

inline PrivateKey LogKey() { return PrivateKey::Generate(KeyAlgorithm::kEd25519); }

/// A DSSE envelope over a statement about `subject`.
inline std::string Envelope(const PrivateKey& key, const Digest& subject,
                            std::string_view predicate_type, std::string predicate) {
  Statement statement{{{"", subject}}, std::string(predicate_type), std::move(predicate)};
  const Signer* keys[] = {&key};
  return FormatEnvelope(
      SignEnvelope(kInTotoPayloadType, FormatStatement(statement).value(), keys).value());
}

/// A library with namespace "acme" and a publisher key for every namespace.
class TestLibrary {
 public:
  explicit TestLibrary(std::unique_ptr<Engine> engine = NewMemoryEngine(),
                       SequencerOptions sequencer = {})
      : publisher_(PrivateKey::Generate(KeyAlgorithm::kEd25519)) {
    LibraryOptions options;
    options.origin = "dml.test/library";
    options.clock = SteppingClock();
    options.sequencer = sequencer;
    library_ = Library::Open(std::move(engine), LogKey(), options).value();
    Commit(NamespaceCreated{"acme", "", {}}).value();
    Commit(KeyRegistered{publisher_.public_key().spki_der(), "pat", {"publisher"}, {"*"}}).value();
  }

  Library& operator*() { return *library_; }
  Library* operator->() { return library_.get(); }

  absl::StatusOr<Receipt> Commit(EntryPayload payload, std::vector<std::string> metadata = {},
                                 std::string request_id = "") {
    Command command;
    command.author = "tester";
    command.payload = std::move(payload);
    command.metadata = std::move(metadata);
    command.request_id = std::move(request_id);
    return library_->Commit(std::move(command));
  }

  /// The command that publishes a spec, signed by the publisher key.
  Command PublishCommand(const PackageSpec& spec, std::vector<ManifestFile> files = {}) const {
    std::string spec_bytes = FormatPackageSpec(spec);
    Manifest manifest;
    manifest.config = {Sha256(spec_bytes), spec_bytes.size()};
    manifest.files = std::move(files);
    std::string manifest_bytes = FormatManifest(manifest);
    VersionPublished published;
    published.variant = {spec.package, spec.version.text(), spec.platform};
    published.scheme = spec.version.scheme();
    published.manifest = {Sha256(manifest_bytes), manifest_bytes.size()};
    published.spec = manifest.config;
    const std::string envelope =
        Envelope(publisher_, published.manifest.digest, kPublicationPredicate,
                 FormatPublicationPredicate({published.variant, std::string(kManifestMediaType)}));
    published.attestations = {{{Sha256(envelope), envelope.size()},
                               std::string(kPublicationPredicate),
                               published.manifest.digest,
                               {publisher_.public_key().id()}}};
    Command command;
    command.author = "tester";
    command.payload = published;
    command.metadata = {spec_bytes, manifest_bytes, envelope};
    return command;
  }
  absl::StatusOr<Receipt> Publish(const PackageSpec& spec) {
    return library_->Commit(PublishCommand(spec));
  }

  const PrivateKey& publisher() const { return publisher_; }

 private:
  PrivateKey publisher_;
  std::unique_ptr<Library> library_;
};

inline VariantName NameOf(const PackageSpec& spec) {
  return {spec.package, spec.version.text(), spec.platform};
}

/// All rows of a table, as one comparable value.
inline std::vector<std::pair<std::string, std::string>> Rows(const Reader& reader, Table table) {
  std::vector<std::pair<std::string, std::string>> rows;
  auto cursor = reader.NewCursor(table, KeyRange{});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    rows.emplace_back(cursor->key(), cursor->value());
  }
  return rows;
}

}  // namespace dml::testing
