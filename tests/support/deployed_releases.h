// Releases that go to environments of a library, without a gate: everybody vouches for everything.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/evidence/claims.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"

namespace dml::testing {

class DeployedReleases {
 public:
  explicit DeployedReleases(TestLibrary& library) : library_(library) {
    library_.Register(rita_, "rita", "release", "*");
    library_.Register(amy_, "amy", "approver", "*");
  }

  ReleaseItem Item(const VariantName& name, ReleaseAction action = ReleaseAction::kInstall) const {
    ReleaseItem item;
    item.variant = name;
    item.manifest = LibraryView(*library_->Read()).FindVariant(name)->value().manifest;
    item.action = action;
    item.changes = {"CHG-1"};
    return item;
  }
  ReleaseItem Upgrade(const VariantName& from, const VariantName& to) const {
    ReleaseItem item = Item(to, ReleaseAction::kUpgrade);
    item.previous = from;
    return item;
  }

  /// Seals a release for an environment and what is below it.
  Digest Seal(const std::string& name, const std::string& version, const std::string& environment,
              std::vector<ReleaseItem> items) {
    Release release;
    release.name = name;
    release.version = version;
    release.environments = {environment};
    release.items = std::move(items);
    release.changes = {{.id = "CHG-1", .title = "A change", .authorized_by = "p-1"}};
    const std::string document = FormatRelease(release).value();
    const Digest digest = Sha256(document);
    Commit(PrepareSeal(
        *library_->Read(), *library_.Domain(), document,
        Envelope(rita_, digest, kReleasePredicate, FormatReleaseClaim({name, version}))));
    return digest;
  }

  /// Approves and permits it there, and then lets this happen.
  void Move(const Digest& release, const std::string& environment,
            const std::vector<DeploymentEvent>& events) {
    if (!Find(release, environment).has_value()) Permit(release, environment);
    for (const DeploymentEvent event : events) {
      const std::string etag = Find(release, environment)->Etag();
      const auto done = library_.Commit(ReleaseMoved{release, environment, event, "because", etag});
      EXPECT_TRUE(done.ok()) << done.status();
    }
  }
  void Deploy(const Digest& release, const std::string& environment) {
    Move(release, environment, {DeploymentEvent::kStart, DeploymentEvent::kFinish});
  }

 private:
  std::optional<DeploymentRecord> Find(const Digest& release, const std::string& environment) {
    return *LibraryView(*library_->Read()).FindDeployment(release, environment);
  }
  void Commit(absl::StatusOr<Command> command) {
    ASSERT_TRUE(command.ok()) << command.status();
    command->author = "tester";
    const absl::Status status = library_->Commit(*std::move(command)).status();
    ASSERT_TRUE(status.ok()) << status;
  }
  void Permit(const Digest& release, const std::string& environment) {
    const std::string approval = Envelope(
        amy_, release, kApprovalPredicate,
        FormatApprovalClaim({environment, Sha256("findings"), *ParseTime("2030-01-01T00:00:00Z")}));
    Commit(PrepareApproval(*library_->Read(), *library_.Domain(), release, approval));
    const std::string permit = "permit";
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
    decision.permit = {Sha256(permit), permit.size()};
    const auto done = library_.Commit(decision, {permit});
    EXPECT_TRUE(done.ok()) << done.status();
  }

  TestLibrary& library_;
  PrivateKey rita_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  PrivateKey amy_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  int permits_ = 0;
};

}  // namespace dml::testing
