// The gate: a release of 200 items against 10 000 nodes and 10^5 package versions, and permits
// committed by 64 callers. In this process, without gRPC; RocksDB with the daemon's options. What a
// question costs over gRPC beside an empty call, section "queries" measures.
#include <algorithm>
#include <atomic>

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/evidence/policy_claim.h"
#include "core/os/file.h"
#include "core/package/manifest.h"
#include "core/trust/root_edit.h"
#include "core/trust/statement.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/library/library.h"
#include "storage/library/permits.h"
#include "storage/library/policy_signatures.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {
namespace {

constexpr int kCallers = 64;
constexpr size_t kPackages = 5000;
constexpr size_t kVersionsOfPackage = 20;
constexpr size_t kNodes = 10'000;
constexpr size_t kItems = 200;
constexpr char kPlace[] = "production";
constexpr char kPolicyText[] =
    "schema: dml.policy/v1\ncontent: {allowedNamespaces: [bench]}\nsignatures: {threshold: 1}\n"
    "licenses: {allow: [MIT]}\napprovals: [{approvers: 1}]\n";

std::string Signed(const PrivateKey& key, const Digest& subject, std::string_view type,
                   std::string_view predicate) {
  const Signer* keys[] = {&key};
  return FormatEnvelope(
      SignEnvelope(kInTotoPayloadType, FormatClaim(type, {"", subject}, predicate).value(), keys)
          .value());
}

// A library with everything that a release in it is judged by.
class World {
 public:
  static absl::StatusOr<std::unique_ptr<World>> Make(const Setup& setup) {
    const std::filesystem::path folder = setup.work_dir / "gate";
    DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
    DML_ASSIGN_OR_RETURN(auto engine, OpenRocksEngine(folder / "db", RocksEngineOptions{}));
    LibraryOptions options;
    options.origin = "bench.dml/gate";
    options.signed_checkpoint_file = folder / "signed-checkpoint";
    auto out = std::unique_ptr<World>(new World());
    DML_ASSIGN_OR_RETURN(
        out->library_,
        Library::Open(std::move(engine), PrivateKey::Generate(KeyAlgorithm::kEd25519), options));
    DML_RETURN_IF_ERROR(out->SetTrust());
    DML_RETURN_IF_ERROR(out->Commit(NamespaceCreated{"bench", "", {}}));
    DML_RETURN_IF_ERROR(out->Commit(EnvironmentCreated{kPlace, "", {}}));
    DML_RETURN_IF_ERROR(out->Publish());
    DML_RETURN_IF_ERROR(out->MakeNodes());
    DML_RETURN_IF_ERROR(out->SetPolicy());
    return out;
  }

  /// Sealed and approved.
  absl::StatusOr<Digest> MakeRelease(const std::string& name, size_t items) {
    Release release;
    release.name = name;
    release.version = "1.0.0";
    release.environments = {kPlace};
    release.changes = {{.id = "CHG-1", .title = "Bench", .authorized_by = "p-1"}};
    const auto state = library_->Read();
    for (size_t i = 0; i < items; ++i) {
      ReleaseItem item;
      item.variant = NameOf(i * (kPackages / items), kVersionsOfPackage - 1);
      DML_ASSIGN_OR_RETURN(const auto variant, LibraryView(*state).FindVariant(item.variant));
      item.manifest = variant->manifest;
      item.changes = {"CHG-1"};
      release.items.push_back(std::move(item));
    }
    DML_ASSIGN_OR_RETURN(const std::string document, FormatRelease(release));
    const Digest digest = Sha256(document);
    DML_RETURN_IF_ERROR(Commit(PrepareSeal(
        *library_->Read(), *Domain(), document,
        Signed(admin_, digest, kReleasePredicate, FormatReleaseClaim({name, release.version})))));
    const auto sealed = library_->Read();
    DML_ASSIGN_OR_RETURN(const ReleaseDecision decision,
                         EvaluateReleaseGate(*sealed, trust, policies, Question(digest)));
    const ApprovalClaim approval{
        kPlace, decision.verdict.approved_findings,
        std::chrono::floor<std::chrono::seconds>(WallClockNow()) + std::chrono::hours(240)};
    DML_RETURN_IF_ERROR(Commit(
        PrepareApproval(*sealed, *Domain(), digest,
                        Signed(amy_, digest, kApprovalPredicate, FormatApprovalClaim(approval)))));
    return digest;
  }
  ReleaseQuestion Question(const Digest& release) const {
    return {.release = release, .environment = kPlace, .time = WallClockNow()};
  }
  PermitRequest Request(const Digest& release, size_t node) const {
    PermitRequest out;
    out.release = release;
    out.environment = kPlace;
    out.nodes = {fmt::format("node-{:05}", node % kNodes)};
    out.not_before = std::chrono::floor<std::chrono::seconds>(WallClockNow());
    out.expires = out.not_before + std::chrono::hours(1);
    out.deployer = "dora";
    return out;
  }
  PermitTools Tools() { return {trust, policies, specs, library_->origin()}; }
  Library& library() { return *library_; }

  TrustCache trust;
  PolicyCache policies;
  SpecCache specs;

 private:
  static VariantName NameOf(size_t package, size_t version) {
    return {{"bench", fmt::format("p{:05}", package)}, fmt::format("1.{}.0", version), {}};
  }
  std::shared_ptr<const TrustDomain> Domain() {
    return trust.Get(*library_->Read(), WallClockNow()).value();
  }
  absl::Status Commit(EntryPayload payload) {
    Command command;
    command.author = "bench";
    command.payload = std::move(payload);
    return library_->Commit(std::move(command)).status();
  }
  absl::Status Commit(absl::StatusOr<Command> command) {
    DML_RETURN_IF_ERROR(command.status());
    command->author = "bench";
    return library_->Commit(*std::move(command)).status();
  }

  absl::Status SetTrust() {
    const TrustKey person{admin_.public_key(), SignatureScheme::kEd25519, "admin", true};
    const TrustKey amy{amy_.public_key(), SignatureScheme::kEd25519, "amy", true};
    DML_ASSIGN_OR_RETURN(TrustRoot root,
                         MakeFirstRoot(library_->origin(), library_->log_key(), person,
                                       std::chrono::floor<std::chrono::seconds>(WallClockNow()) +
                                           std::chrono::hours(24 * 300)));
    DML_RETURN_IF_ERROR(AddTrustKey(root, amy));
    GiveKey(root.roles[SigningRole::kApprover], amy_.public_key().id());
    DML_ASSIGN_OR_RETURN(const std::string text, FormatTrustRoot(root));
    const Signer* keys[] = {&admin_};
    DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                         SignEnvelope(kTrustRootPayloadType, text, keys));
    return Commit(PrepareSetRoot(*library_->Read(), FormatEnvelope(envelope), library_->origin(),
                                 library_->log_key(), WallClockNow()));
  }

  absl::StatusOr<Command> PublishCommand(size_t package, size_t version) const {
    PackageSpec spec;
    const VariantName name = NameOf(package, version);
    spec.package = name.package;
    DML_ASSIGN_OR_RETURN(spec.version, Version::Parse(VersionScheme::kSemver, name.version));
    spec.declared_license = "MIT";
    std::string spec_text = FormatPackageSpec(spec);
    Manifest manifest;
    manifest.config = {Sha256(spec_text), spec_text.size()};
    std::string manifest_text = FormatManifest(manifest);
    VersionPublished published;
    published.variant = {spec.package, spec.version.text(), spec.platform};
    published.manifest = {Sha256(manifest_text), manifest_text.size()};
    published.spec = manifest.config;
    std::string envelope =
        Signed(admin_, published.manifest.digest, kPublicationPredicate,
               FormatPublicationPredicate({published.variant, std::string(kManifestMediaType)}));
    published.attestations = {{{Sha256(envelope), envelope.size()},
                               std::string(kPublicationPredicate),
                               published.manifest.digest,
                               {admin_.public_key().id()}}};
    Command command;
    command.author = "bench";
    command.payload = std::move(published);
    command.metadata = {std::move(spec_text), std::move(manifest_text), std::move(envelope)};
    return command;
  }

  // Several callers, so that many entries make a group.
  template <typename Work>
  absl::Status ForEach(size_t count, const Work& work) {
    std::atomic<size_t> next = 0;
    std::vector<absl::Status> failed(kCallers);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kCallers; ++i) {
        threads.emplace_back([&, i] {
          for (size_t at = next++; at < count && failed[i].ok(); at = next++) failed[i] = work(at);
        });
      }
    }
    for (const absl::Status& status : failed) DML_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  absl::Status Publish() {
    return ForEach(kPackages * kVersionsOfPackage, [&](size_t i) {
      return Commit(PublishCommand(i / kVersionsOfPackage, i % kVersionsOfPackage));
    });
  }
  absl::Status MakeNodes() {
    return ForEach(kNodes, [&](size_t i) {
      return Commit(NodeCreated{kPlace, fmt::format("node-{:05}", i), {{"tier", "web"}}});
    });
  }
  absl::Status SetPolicy() {
    const std::string text = kPolicyText;
    DML_ASSIGN_OR_RETURN(const Policy policy, ParsePolicy(text));
    PolicyClaim claim = ClaimOf(policy, kPlace, 1);
    claim.max_revocation_age = std::chrono::hours(24);
    Command command;
    command.author = "bench";
    command.payload = PolicySet{kPlace, {Sha256(text), text.size()}, ""};
    command.metadata = {text};
    DML_RETURN_IF_ERROR(AddPolicySignature(
        *library_->Read(), *Domain(), policy,
        Signed(admin_, Sha256(text), kPolicyPredicate, FormatPolicyClaim(claim)), command));
    return library_->Commit(std::move(command)).status();
  }

  const PrivateKey admin_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey amy_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::unique_ptr<Library> library_;
};

absl::Status WrongAnswer(std::string_view what) {
  return Internal(ErrorReason("BENCH_ANSWER_WRONG"), "{}", what);
}

absl::Status MeasureEvaluate(const Setup& setup, World& world, Report& report) {
  DML_ASSIGN_OR_RETURN(const Digest release, world.MakeRelease("large", kItems));
  std::vector<double> times;
  for (const double end = Now() + 2 * setup.seconds; Now() < end;) {
    const double begin = Now();
    const auto state = world.library().Read();
    DML_ASSIGN_OR_RETURN(
        const ReleaseDecision decision,
        EvaluateReleaseGate(*state, world.trust, world.policies, world.Question(release)));
    if (decision.verdict.decision != Decision::kAllow || decision.nodes != kNodes) {
      return WrongAnswer("the release may go to all nodes");
    }
    times.push_back((Now() - begin) * 1e3);
  }
  std::ranges::sort(times);
  report.Add(
      "evaluate 200 items, 10 000 nodes, 10^5 versions, p99", Percentile(times, 0.99), "ms",
      fmt::format("p50 {:.2f} ms, {} times; target 10 ms", Percentile(times, 0.5), times.size()));
  return absl::OkStatus();
}

absl::Status MeasurePermits(const Setup& setup, World& world, Report& report) {
  DML_ASSIGN_OR_RETURN(const Digest release, world.MakeRelease("small", 1));
  std::atomic<size_t> node = 0;
  std::atomic<uint64_t> again = 0;
  const auto work = [&](int, uint64_t) -> absl::Status {
    while (true) {
      const auto state = world.library().Read();
      DML_ASSIGN_OR_RETURN(const Timestamp now, world.library().TimeOf(*state));
      DML_ASSIGN_OR_RETURN(
          PermitDecision decision,
          DecidePermit(*state, world.Tools(), world.Request(release, node++), now));
      if (!decision.allowed) return WrongAnswer("the release may go to one node");
      decision.command.author = "dora";
      const absl::Status done = world.library().Commit(std::move(decision.command)).status();
      if (done.code() != absl::StatusCode::kAborted) return done;
      ++again;
    }
  };
  DML_ASSIGN_OR_RETURN(const ClientRun run, RunClients(kCallers, 2 * setup.seconds, work));
  report.Add("permits committed, 64 callers", run.rate(), "permits/s",
             fmt::format("p50 {:.1f} ms, p99 {:.1f} ms, {} decided again; target 1000", run.p50_ms,
                         run.p99_ms, again.load()));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureGate(const Setup& setup, Report& report) {
  const double begin = Now();
  DML_ASSIGN_OR_RETURN(const auto world, World::Make(setup));
  report.Add("library of 10^5 versions and 10 000 nodes made", Now() - begin, "s");
  DML_RETURN_IF_ERROR(MeasureEvaluate(setup, *world, report));
  return MeasurePermits(setup, *world, report);
}

}  // namespace dml::bench
