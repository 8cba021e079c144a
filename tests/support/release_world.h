// A library with people, environments, nodes and a release that is sealed, for tests of what
// becomes of releases.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/evidence/claims.h"
#include "core/release/release.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml::testing {

/// Rita seals, amy and ann approve, tim tests, dora deploys, pat publishes. "production/eu" has
/// four nodes web-1 to web-4, the first of which is the canary.
class ReleaseWorld {
 public:
  ReleaseWorld() : ReleaseWorld(nullptr) {}
  explicit ReleaseWorld(TestLibrary& of) : ReleaseWorld(&of) {}

 private:
  explicit ReleaseWorld(TestLibrary* of)
      : own_(of == nullptr ? std::make_unique<TestLibrary>() : nullptr),
        library(of == nullptr ? *own_ : *of) {
    library.Register(rita, "rita", "release", "*");
    library.Register(amy, "amy", "approver", "*");
    library.Register(ann, "ann", "approver", "*");
    library.Register(tim, "tim", "tester", "*");
    library.Register(dora, "dora", "deployer", "*");
    for (const char* name : {"production", "production/eu", "staging"}) {
      Do(EnvironmentCreated{name, "", {}});
    }
    for (int i = 1; i <= 4; ++i) {
      Do(NodeCreated{
          "production/eu", fmt::format("web-{}", i), {{"ring", i == 1 ? "canary" : "rest"}}});
    }
  }

 public:
  void Do(EntryPayload payload, std::vector<std::string> metadata = {}) {
    const auto done = library.Commit(std::move(payload), std::move(metadata));
    EXPECT_TRUE(done.ok()) << done.status();
  }
  // What came of a command: "", or the reason of the error.
  std::string Try(absl::StatusOr<Command> command) {
    last = command.status();
    if (!command.ok()) return Reason(last);
    command->author = "tester";
    last = library->Commit(*std::move(command)).status();
    return Reason(last);
  }
  std::string Try(EntryPayload payload) {
    last = library.Commit(std::move(payload)).status();
    return Reason(last);
  }

  /// A release of acme/api at this version, published and sealed; its digest.
  Digest Seal(const std::string& version, ReleaseType type = ReleaseType::kMinor) {
    PackageSpec spec = SpecBuilder("acme/api", version).Build();
    spec.declared_license = "MIT";
    EXPECT_TRUE(library.Publish(spec).ok());
    Release release;
    release.name = "payments";
    release.version = version;
    release.type = type;
    release.environments = {"production", "staging"};
    ReleaseItem item;
    item.variant = NameOf(spec);
    item.manifest = LibraryView(*library->Read()).FindVariant(item.variant)->value().manifest;
    item.changes = {"CHG-1"};
    release.items = {item};
    release.changes = {{.id = "CHG-1", .title = "Pay by card", .authorized_by = "p-1"}};
    const std::string document = FormatRelease(release).value();
    const Digest digest = Sha256(document);
    EXPECT_EQ(Try(PrepareSeal(*library->Read(), *library.Domain(), document,
                              Envelope(rita, digest, kReleasePredicate,
                                       FormatReleaseClaim({release.name, release.version})))),
              "")
        << last;
    return digest;
  }
  void Approve(const Digest& release, const std::string& environment = "production/eu") {
    const std::string envelope = Envelope(
        amy, release, kApprovalPredicate,
        FormatApprovalClaim({environment, Sha256("findings"), *ParseTime("2030-01-01T00:00:00Z")}));
    EXPECT_EQ(Try(PrepareApproval(*library->Read(), *library.Domain(), release, envelope)), "")
        << last;
  }
  /// The permit's id.
  std::string Permit(const Digest& release, const std::string& environment = "production/eu",
                     bool allowed = true, std::vector<std::string> nodes = {},
                     Timestamp expires = *ParseTime("2026-02-01T00:00:00Z")) {
    PermitDecided decision;
    decision.id = fmt::format("9f8b2c44-2d63-4a57-8e56-{:012}", ++permits_);
    decision.allowed = allowed;
    decision.release = release;
    decision.environment = environment;
    decision.nodes = std::move(nodes);
    decision.policy = Sha256("policy");
    decision.policy_revision = 1;
    decision.journal_size = 5;
    decision.findings = Sha256("findings");
    decision.expires = expires;
    const std::string permit = "permit";
    if (allowed) decision.permit = {Sha256(permit), permit.size()};
    Do(decision, allowed ? std::vector{permit} : std::vector<std::string>());
    return decision.id;
  }

  std::optional<DeploymentRecord> Deployment(const Digest& release,
                                             const std::string& environment = "production/eu") {
    return *LibraryView(*library->Read()).FindDeployment(release, environment);
  }
  void ExpectViewsFollow() { EXPECT_TRUE(library->VerifyViews().value().differing_keys.empty()); }

  const PrivateKey rita = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey amy = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey ann = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey tim = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey dora = PrivateKey::Generate(KeyAlgorithm::kEd25519);

 private:
  std::unique_ptr<TestLibrary> own_;
  int permits_ = 0;

 public:
  TestLibrary& library;
  absl::Status last;
};

}  // namespace dml::testing
