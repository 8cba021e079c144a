// What signatures cost a publish: 64 publishers on a library in this process (RocksDB, every commit
// synced), each publishing signed versions of its own package, against the same with signatures
// left out.
//
// With: the publisher signs the envelope, the library prepares the command as the daemon does
// (PreparePublish). Without verification: the library reads and checks the same documents but no
// signature. Without both: the envelope has 64 bytes where its signature would be, too. All three
// commit the same entry and documents, bytes for bytes as many, under the same rules; and the log
// signs its checkpoint for each group in all three, as a library cannot be without. Nothing of this
// exists outside the benchmark: a daemon without verification does not.
#include <array>
#include <atomic>
#include <unistd.h>

#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "core/trust/root_edit.h"
#include "core/trust/statement.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/library/library.h"
#include "storage/library/preparation.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "tools/bench/measure.h"
#include "tools/bench/trust_bench.h"

namespace dml::bench {
namespace {

constexpr int kPublishers = 64;
constexpr int kRuns = 2;  // Of each way, in turn, each on a new library.
constexpr double kTarget = 0.7;
constexpr char kNamespace[] = "acme";

enum Way { kSignedAndVerified, kSigned, kNeither, kWays };
constexpr std::array<const char*, kWays> kWayNames = {
    "signed and verified", "signed, verification left out", "neither signed nor verified"};

struct Documents {
  VariantName variant;
  std::string spec;
  std::string manifest;
  std::string envelope;
};

class BenchLibrary {
 public:
  static absl::StatusOr<std::unique_ptr<BenchLibrary>> Open(const std::filesystem::path& folder) {
    std::unique_ptr<BenchLibrary> out(new BenchLibrary);
    DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
    DML_ASSIGN_OR_RETURN(auto engine, OpenRocksEngine(folder / "db", RocksEngineOptions{}));
    LibraryOptions options;
    options.origin = "bench.dml/trust";
    options.signed_checkpoint_file = folder / "signed-checkpoint";
    DML_ASSIGN_OR_RETURN(out->library_, Library::Open(std::move(engine),
                                                      PrivateKey::Generate(KeyAlgorithm::kEd25519),
                                                      std::move(options)));
    DML_RETURN_IF_ERROR(out->Commit({.payload = NamespaceCreated{kNamespace, "", {}}}).status());
    DML_RETURN_IF_ERROR(out->SetRoot());
    return out;
  }

  // One publish of a new version, the way it is said to be done.
  absl::Status Publish(Way way, const std::string& package, const std::string& version) {
    DML_ASSIGN_OR_RETURN(const Documents documents, MakeDocuments(way, package, version));
    absl::StatusOr<Command> command =
        way == kSignedAndVerified ? Prepare(documents) : PrepareUnverified(documents);
    DML_RETURN_IF_ERROR(command.status());
    return Commit(*std::move(command)).status();
  }

 private:
  BenchLibrary() = default;

  absl::StatusOr<Receipt> Commit(Command command) {
    command.author = "bench";
    return library_->Commit(std::move(command));
  }

  absl::Status SetRoot() {
    const Timestamp expires = WallClockNow() + std::chrono::hours(24);
    DML_ASSIGN_OR_RETURN(
        TrustRoot root,
        MakeFirstRoot(library_->origin(), library_->log_key(),
                      {admin_.public_key(), SignatureScheme::kEd25519, "admin", true},
                      std::chrono::floor<std::chrono::seconds>(expires)));
    DML_RETURN_IF_ERROR(
        GivePackages(root, {publisher_.public_key(), SignatureScheme::kEd25519, "publisher", false},
                     SigningRole::kPublisher, kNamespace));
    DML_ASSIGN_OR_RETURN(const std::string document, FormatTrustRoot(root));
    const Signer* keys[] = {&admin_};
    DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                         SignEnvelope(kTrustRootPayloadType, document, keys));
    DML_ASSIGN_OR_RETURN(Command command,
                         PrepareSetRoot(*library_->Read(), FormatEnvelope(envelope),
                                        library_->origin(), library_->log_key(), WallClockNow()));
    return Commit(std::move(command)).status();
  }

  absl::StatusOr<Documents> MakeDocuments(Way way, const std::string& package,
                                          const std::string& version) const {
    PackageSpec spec;
    spec.package = {kNamespace, package};
    DML_ASSIGN_OR_RETURN(spec.version, Version::Parse(VersionScheme::kSemver, version));
    spec.title = "Package of the benchmark";
    spec.declared_license = "MIT";
    Documents out{{spec.package, version, spec.platform}, FormatPackageSpec(spec), "", ""};
    Manifest manifest;
    manifest.config = {Sha256(out.spec), out.spec.size()};
    out.manifest = FormatManifest(manifest);
    DML_ASSIGN_OR_RETURN(const std::string statement,
                         FormatStatement({{{"", Sha256(out.manifest)}},
                                          std::string(kPublicationPredicate),
                                          FormatPublicationPredicate(
                                              {out.variant, std::string(kManifestMediaType)})}));
    DsseEnvelope envelope{std::string(kInTotoPayloadType),
                          statement,
                          {{publisher_.public_key().id().hex(), std::string(64, 's')}}};
    if (way != kNeither) {
      const Signer* keys[] = {&publisher_};
      DML_ASSIGN_OR_RETURN(envelope, SignEnvelope(kInTotoPayloadType, statement, keys));
    }
    out.envelope = FormatEnvelope(envelope);
    return out;
  }

  absl::StatusOr<Command> Prepare(const Documents& documents) {
    auto snapshot = library_->Read();
    DML_ASSIGN_OR_RETURN(auto trust, trust_.Get(*snapshot, WallClockNow()));
    const std::string envelopes[] = {documents.envelope};
    return PreparePublish(*snapshot, *trust, BundledLicenseList(), library_->content(),
                          documents.manifest, documents.spec, envelopes);
  }

  // What PreparePublish does with a package without files, but for signatures.
  absl::StatusOr<Command> PrepareUnverified(const Documents& documents) const {
    auto snapshot = library_->Read();
    DML_ASSIGN_OR_RETURN(const Manifest manifest, ParseManifest(documents.manifest));
    DML_ASSIGN_OR_RETURN(const PackageSpec spec, ParsePackageSpec(documents.spec));
    const BlobRef spec_ref{Sha256(documents.spec), documents.spec.size()};
    const BlobRef manifest_ref{Sha256(documents.manifest), documents.manifest.size()};
    DML_ASSIGN_OR_RETURN(const auto ns, LibraryView(*snapshot).FindNamespace(spec.package.ns));
    DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope, ParseEnvelope(documents.envelope));
    DML_ASSIGN_OR_RETURN(const Statement statement, ParseStatement(envelope.payload));
    DML_ASSIGN_OR_RETURN(const PublicationPredicate publication,
                         ParsePublicationPredicate(statement.predicate_json));
    if (manifest.config != spec_ref || !ns.has_value() ||
        publication.variant != documents.variant ||
        statement.subjects[0].sha256 != manifest_ref.digest) {
      return Internal(ErrorReason("BENCH_DOCUMENTS_WRONG"), "the documents do not belong together");
    }
    VersionPublished published;
    published.variant = {spec.package, spec.version.text(), spec.platform};
    published.scheme = spec.version.scheme();
    published.manifest = manifest_ref;
    published.spec = spec_ref;
    published.attestations = {{{Sha256(documents.envelope), documents.envelope.size()},
                               statement.predicate_type,
                               manifest_ref.digest,
                               {publisher_.public_key().id()}}};
    Command command;
    DML_ASSIGN_OR_RETURN(StampSeen seen, SeenTrust(*snapshot));
    command.decided_on = {std::move(seen)};
    command.payload = std::move(published);
    command.metadata = {documents.envelope, documents.manifest, documents.spec};
    return command;
  }

  const PrivateKey admin_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey publisher_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::unique_ptr<Library> library_;
  TrustCache trust_;
};

absl::StatusOr<ClientRun> Run(const Setup& setup, Way way, int number) {
  DML_ASSIGN_OR_RETURN(
      auto library,
      BenchLibrary::Open(setup.work_dir /
                         fmt::format("publish-{}-{}", static_cast<int>(way), number)));
  return RunClients(kPublishers, setup.seconds, [&](int client, uint64_t iteration) {
    return library->Publish(way, fmt::format("package-{}", client),
                            fmt::format("1.0.{}", iteration));
  });
}

}  // namespace

absl::Status MeasureSignedPublish(const Setup& setup, Report& report) {
  const uint64_t memory = ResetPeakMemory(::getpid());
  std::array<double, kWays> calls = {};
  std::array<double, kWays> seconds = {};
  std::array<ClientRun, kWays> last;
  for (int number = 0; number < kRuns; ++number) {
    for (const Way way : {kNeither, kSigned, kSignedAndVerified}) {
      DML_ASSIGN_OR_RETURN(last[way], Run(setup, way, number));
      calls[way] += static_cast<double>(last[way].calls);
      seconds[way] += last[way].seconds;
    }
  }
  const double without = calls[kNeither] / seconds[kNeither];
  for (const Way way : {kNeither, kSigned, kSignedAndVerified}) {
    const double rate = calls[way] / seconds[way];
    report.Add(fmt::format("publish in process, {} publishers, {}", kPublishers, kWayNames[way]),
               rate, "publishes/s",
               fmt::format("{:.2f} of without; p50 {:.1f} ms, p99 {:.1f} ms in the last run",
                           rate / without, last[way].p50_ms, last[way].p99_ms));
  }
  const double ratio = calls[kSignedAndVerified] / seconds[kSignedAndVerified] / without;
  report.Add("publish rate with signatures by that without", ratio, "",
             fmt::format("target {}: {}", kTarget, ratio >= kTarget ? "reached" : "MISSED"));
  report.Add("most memory more than before, publishing",
             static_cast<double>(PeakMemory(::getpid()) - memory) / 1e6, "MB");
  return absl::OkStatus();
}

}  // namespace dml::bench
