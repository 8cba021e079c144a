// A library in which releases went to environments.
#pragma once

#include <string>
#include <vector>

#include "core/evidence/claims.h"
#include "core/release/release.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"

namespace dml::testing {

/// Seals releases and moves them as far as it is told. Every step must succeed.
class DeployedLibrary {
 public:
  explicit DeployedLibrary(TestLibrary& library) : library_(library) {
    library_.Register(rita_, "rita", "release", "*");
    library_.Register(amy_, "amy", "approver", "*");
  }

  /// Seals a release "payments" of that version which installs variants that are published.
  Digest Seal(const std::string& version, const std::vector<VariantName>& variants,
              const std::string& environment) {
    Release release;
    release.name = "payments";
    release.version = version;
    release.environments = {environment};
    for (const VariantName& name : variants) {
      ReleaseItem item;
      item.variant = name;
      item.manifest = LibraryView(*library_->Read()).FindVariant(name)->value().manifest;
      release.items.push_back(std::move(item));
    }
    const std::string document = FormatRelease(release).value();
    const Digest digest = Sha256(document);
    Commit(PrepareSeal(
        *library_->Read(), *library_.Domain(), document,
        Envelope(rita_, digest, kReleasePredicate, FormatReleaseClaim({"payments", version}))));
    return digest;
  }

  /// Approved, permitted, and then these events.
  void Move(const Digest& release, const std::string& environment,
            const std::vector<DeploymentEvent>& events) {
    Commit(PrepareApproval(*library_->Read(), *library_.Domain(), release,
                           Envelope(amy_, release, kApprovalPredicate,
                                    FormatApprovalClaim({environment, Sha256("findings"),
                                                         *ParseTime("2030-01-01T00:00:00Z")}))));
    PermitDecided decision;
    decision.id = fmt::format("9f8b2c44-2d63-4a57-8e56-{:012}", ++permits_);
    decision.allowed = true;
    decision.release = release;
    decision.environment = environment;
    decision.policy = Sha256("policy");
    decision.policy_revision = 1;
    decision.journal_size = 5;
    decision.findings = Sha256("findings");
    decision.expires = *ParseTime("2026-02-01T00:00:00Z");
    decision.permit = {Sha256("permit"), 6};
    const auto permitted = library_.Commit(decision, {"permit"});
    EXPECT_TRUE(permitted.ok()) << permitted.status();
    for (const DeploymentEvent event : events) {
      const auto record =
          LibraryView(*library_->Read()).FindDeployment(release, environment).value();
      const auto moved = library_.Commit(ReleaseMoved{release, environment, event, "why",
                                                      record.has_value() ? record->Etag() : ""});
      EXPECT_TRUE(moved.ok()) << moved.status();
    }
  }
  void Deploy(const Digest& release, const std::string& environment) {
    Move(release, environment, {DeploymentEvent::kStart, DeploymentEvent::kFinish});
  }

 private:
  void Commit(absl::StatusOr<Command> command) {
    ASSERT_TRUE(command.ok()) << command.status();
    command->author = "tester";
    const auto done = library_->Commit(*std::move(command));
    ASSERT_TRUE(done.ok()) << done.status();
  }

  TestLibrary& library_;
  const PrivateKey rita_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey amy_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  int permits_ = 0;
};

}  // namespace dml::testing
