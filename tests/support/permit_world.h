// A library in which a release may go: environments with nodes, a signed policy, a release sealed
// by rita and approved by amy. The library's key signs permits.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/evidence/claims.h"
#include "core/evidence/permit_verifier.h"
#include "core/evidence/policy_claim.h"
#include "core/release/release.h"
#include "storage/library/permit_bundles.h"
#include "storage/library/permits.h"
#include "storage/library/policy_signatures.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml::testing {

inline constexpr std::string_view kPermitPolicy =
    "schema: dml.policy/v1\n"
    "content: {allowedNamespaces: [acme]}\n"
    "signatures: {threshold: 1}\n"
    "licenses: {allow: [MIT]}\n"
    "approvals: [{approvers: 1}]\n";

class PermitWorld {
 public:
  /// Over a library that is there, or one of its own.
  explicit PermitWorld(TestLibrary& library) : library_(library) {
    GiveRoot(SigningRole::kPermit, permit_key, "dmld", false);
    library_.Register(rita, "rita", "release", "*");
    library_.Register(amy, "amy", "approver", "*");
    GiveRoot(SigningRole::kPolicy, paul, "paul", true);
    for (const char* name : {"production", "production/eu", "staging"}) {
      Check(library_.Commit(EnvironmentCreated{name, "", {}}).status());
    }
    for (const char* node : {"web-1", "web-2", "db-1"}) {
      Check(
          library_
              .Commit(NodeCreated{"production/eu",
                                  node,
                                  {{"tier", std::string(node).substr(0, node[0] == 'w' ? 3 : 2)}}})
              .status());
    }
    PublishPackage("acme/api", "1.0.0");
    SetPolicy("production", std::string(kPermitPolicy));
    release = MakeRelease("payments", "1.0.0", {"acme/api"});
  }

  static void Check(const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; }

  void PublishPackage(const std::string& package, const std::string& version) {
    PackageSpec spec = SpecBuilder(package, "semver:" + version).Build();
    spec.declared_license = "MIT";
    Check(library_.Publish(spec).status());
    specs_[package] = spec;
  }

  Release MakeRelease(const std::string& name, const std::string& version,
                      const std::vector<std::string>& packages) {
    Release out;
    out.name = name;
    out.version = version;
    out.type = ReleaseType::kMinor;
    out.environments = {"production"};
    for (const std::string& package : packages) {
      ReleaseItem item;
      item.variant = NameOf(specs_.at(package));
      item.manifest = LibraryView(*library_->Read()).FindVariant(item.variant)->value().manifest;
      item.changes = {"CHG-1"};
      out.items.push_back(item);
    }
    out.changes = {{.id = "CHG-1", .title = "Pay by card", .authorized_by = "p-1"}};
    return out;
  }

  /// "", or the reason of the error.
  std::string SetPolicy(const std::string& environment, const std::string& document,
                        const PrivateKey* by = nullptr, bool is_signed = true) {
    const auto state = library_->Read();
    const auto before = *LibraryView(*state).FindPolicy(environment);
    Command command;
    command.author = "paul";
    command.payload = PolicySet{
        environment, {Sha256(document), document.size()}, before.has_value() ? before->Etag() : ""};
    command.metadata = {document};
    if (is_signed) {
      const Policy policy = ParsePolicy(document).value();
      PolicyClaim claim =
          ClaimOf(policy, environment, before.has_value() ? before->revision + 1 : 1);
      claim.max_revocation_age = std::chrono::hours(24 * 7);
      const absl::Status added =
          AddPolicySignature(*state, *library_.Domain(), policy,
                             Envelope(by == nullptr ? paul : *by, Sha256(document),
                                      kPolicyPredicate, FormatPolicyClaim(claim)),
                             command);
      if (!added.ok()) return std::string(Reason(added));
    }
    return std::string(Reason(library_->Commit(std::move(command)).status()));
  }

  Digest Seal(const Release& what) {
    const std::string document = FormatRelease(what).value();
    Commit(PrepareSeal(*library_->Read(), *library_.Domain(), document,
                       Envelope(rita, Sha256(document), kReleasePredicate,
                                FormatReleaseClaim({what.name, what.version}))));
    return Sha256(document);
  }

  /// By what the gate finds now.
  std::string Approve(const Digest& digest, const PrivateKey& by,
                      const std::string& environment = "production/eu",
                      std::optional<Digest> findings = std::nullopt,
                      Timestamp expires = *ParseTime("2026-01-20T00:00:00Z")) {
    const auto state = library_->Read();
    if (!findings.has_value()) {
      findings = EvaluateReleaseGate(*state, trust, policies,
                                     {digest, environment, library_->TimeOf(*state).value(), ""})
                     ->verdict.approved_findings;
    }
    return Commit(
        PrepareApproval(*state, *library_.Domain(), digest,
                        Envelope(by, digest, kApprovalPredicate,
                                 FormatApprovalClaim({environment, *findings, expires}))));
  }

  /// Sealed and approved.
  Digest Ready(const Release& what) {
    const Digest digest = Seal(what);
    EXPECT_EQ(Approve(digest, amy), "");
    return digest;
  }

  PermitRequest Ask(const Digest& digest, const std::string& environment = "production/eu") {
    PermitRequest out;
    out.release = digest;
    out.environment = environment;
    out.not_before = std::chrono::floor<std::chrono::seconds>(Now());
    out.expires = out.not_before + std::chrono::hours(24);
    out.deployer = "dora";
    return out;
  }
  Timestamp Now() const { return library_->TimeOf(*library_->Read()).value(); }

  absl::StatusOr<PermitDecision> Decide(const PermitRequest& request) {
    const auto state = library_->Read();
    return DecidePermit(*state, Tools(), request, library_->TimeOf(*state).value());
  }
  absl::StatusOr<Receipt> Carry(PermitDecision decision, const std::string& request_id = "") {
    decision.command.author = "dora";
    decision.command.request_id = request_id;
    return library_->Commit(std::move(decision.command));
  }
  /// Decides and commits; the id.
  std::string Issue(const PermitRequest& request) {
    absl::StatusOr<PermitDecision> decision = Decide(request);
    EXPECT_TRUE(decision.ok()) << decision.status();
    if (!decision.ok()) return "";
    const std::string id = decision->decided().id;
    const absl::Status done = Carry(*std::move(decision)).status();
    EXPECT_TRUE(done.ok()) << done;
    return id;
  }

  PermitTools Tools() { return {trust, policies, spec_cache, library_->origin()}; }
  PermitRecord Record(const std::string& id) const {
    return LibraryView(*library_->Read()).FindPermit(id).value().value_or(PermitRecord());
  }
  absl::StatusOr<PermitBundle> Bundle(const std::string& id, const BundleWishes& wishes = {}) {
    const auto state = library_->Read();
    return AssemblePermitBundle(*library_, *state, Record(id), permit_key, wishes, Now());
  }
  /// A node that pins the root in force.
  PermitMemory NodeMemory(const std::string& node,
                          const std::string& environment = "production/eu") {
    PermitMemory out;
    out.environment = environment;
    out.node = node;
    return out;
  }
  TrustedRoot Root() const { return LoadRoot(*library_->Read()).value().value(); }
  std::string Verify(const PermitBundle& bundle, const PermitMemory& memory) {
    const PermitVerdict verdict = VerifyPermitBundle(bundle, Root(), Now(), memory);
    last_verdict = verdict.status;
    return std::string(Reason(verdict.status));
  }
  std::string Commit(absl::StatusOr<Command> command) {
    if (!command.ok()) return std::string(Reason(command.status()));
    command->author = "tester";
    return std::string(Reason(library_->Commit(*std::move(command)).status()));
  }
  std::optional<DeploymentRecord> Deployment(const Digest& digest) const {
    return *LibraryView(*library_->Read()).FindDeployment(digest, "production/eu");
  }

  const PrivateKey permit_key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey rita = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey amy = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey paul = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  TrustCache trust;
  PolicyCache policies;
  SpecCache spec_cache;
  Release release;
  absl::Status last_verdict;

 private:
  // Roles that the root alone gives.
  void GiveRoot(SigningRole role, const PrivateKey& key, const std::string& holder, bool person) {
    TrustRoot& root = library_.trust().root();
    Check(AddTrustKey(root, {key.public_key(), SignatureScheme::kEd25519, holder, person}));
    GiveKey(root.roles[role], key.public_key().id());
    Check(library_.trust().Set(*library_));
  }

  TestLibrary& library_;
  std::map<std::string, PackageSpec> specs_;
};

}  // namespace dml::testing
