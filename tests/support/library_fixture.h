// A library on a memory engine, with the few things that most tests want in it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/package/manifest.h"
#include "core/package/package_spec.h"
#include "core/trust/dsse.h"
#include "core/trust/root_edit.h"
#include "core/trust/statement.h"
#include "storage/engine/memory_engine.h"
#include "storage/library/library.h"
#include "storage/library/trust.h"

namespace dml::testing {

/// A clock that moves one second a reading, from 2026-01-01. Copies are one clock.
class SteppingClock {
 public:
  Timestamp operator()() { return FromMicros(*now_ += 1000000); }
  void Skip(std::chrono::microseconds time) { *now_ += time.count(); }

 private:
  std::shared_ptr<std::atomic<int64_t>> now_ =
      std::make_shared<std::atomic<int64_t>>(1767225600000000);
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

/// A trust root for tests, which grows by calls: one holder signs it and the log.
class TestTrust {
 public:
  explicit TestTrust(const PublicKey& log)
      : root_(MakeFirstRoot("dml.test/library", log,
                            {admin_.public_key(), SignatureScheme::kEd25519, "admin", true},
                            *ParseTime("2036-01-01T00:00:00Z"))
                  .value()) {
    root_.version = 0;
  }

  /// Lets a key vouch in a role for a namespace, or "*".
  TestTrust& Give(const PublicKey& key, const std::string& holder, SigningRole role,
                  const std::string& ns) {
    const SignatureScheme scheme = key.algorithm() == KeyAlgorithm::kEd25519
                                       ? SignatureScheme::kEd25519
                                       : SignatureScheme::kEcdsaP256Der;
    EXPECT_TRUE(GivePackages(root_, {key, scheme, holder, true}, role, ns).ok());
    return *this;
  }
  TrustRoot& root() { return root_; }
  const PrivateKey& admin() const { return admin_; }

  /// The envelope of the next version, signed.
  std::string Next() {
    ++root_.version;
    const Signer* keys[] = {&admin_};
    return FormatEnvelope(
        SignEnvelope(kTrustRootPayloadType, FormatTrustRoot(root_).value(), keys).value());
  }
  /// Puts it into a library.
  absl::Status Set(Library& library) {
    DML_ASSIGN_OR_RETURN(Command command,
                         PrepareSetRoot(*library.Read(), Next(), library.origin(),
                                        library.log_key(), *ParseTime("2026-01-01T00:00:00Z")));
    command.author = "admin";
    return library.Commit(std::move(command)).status();
  }

 private:
  PrivateKey admin_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  TrustRoot root_;
};

/// A library with namespace "acme" and a publisher key for every namespace.
class TestLibrary {
 public:
  explicit TestLibrary(std::unique_ptr<Engine> engine = NewMemoryEngine(),
                       SequencerOptions sequencer = {})
      : publisher_(PrivateKey::Generate(KeyAlgorithm::kEd25519)) {
    LibraryOptions options;
    options.origin = "dml.test/library";
    options.clock = clock_;
    options.sequencer = sequencer;
    library_ = Library::Open(std::move(engine), LogKey(), options).value();
    Commit(NamespaceCreated{"acme", "", {}}).value();
    trust_ = std::make_unique<TestTrust>(library_->log_key());
    Register(publisher_, "pat", "publisher", "*");
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

  /// Lets a key vouch: the next trust root says so.
  void Register(const PrivateKey& key, const std::string& holder, const std::string& role,
                const std::string& ns) {
    trust_->Give(key.public_key(), holder, *ParseSigningRole(role), ns);
    const absl::Status set = trust_->Set(*library_);
    EXPECT_TRUE(set.ok()) << set;
  }
  TestTrust& trust() { return *trust_; }
  /// Lets time go by.
  void Wait(std::chrono::microseconds time) { clock_.Skip(time); }
  /// The trust in force.
  std::shared_ptr<const TrustDomain> Domain() const {
    return LoadTrust(*library_->Read(), *ParseTime("2026-01-01T00:00:00Z")).value();
  }

 private:
  SteppingClock clock_;
  std::unique_ptr<TestTrust> trust_;
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
