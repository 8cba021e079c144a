// Releases in a library: how they are sealed, attested, approved, moved and withdrawn.
#include "storage/library/releases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/evidence/claims.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

class LibraryReleasesTest : public ::testing::Test {
 protected:
  LibraryReleasesTest() {
    library_.Register(rita_, "rita", "release", "*");
    library_.Register(amy_, "amy", "approver", "*");
    library_.Register(tim_, "tim", "tester", "*");
    for (const char* name : {"production", "production/eu", "staging"}) {
      EXPECT_TRUE(library_.Commit(EnvironmentCreated{name, "", {}}).ok());
    }
    EXPECT_TRUE(library_.Publish(spec_).ok());
    release_.name = "payments";
    release_.version = "1.0.0";
    release_.environments = {"production"};
    ReleaseItem item;
    item.variant = NameOf(spec_);
    item.manifest = ManifestOf(item.variant);
    item.changes = {"CHG-1"};
    release_.items = {item};
    release_.changes = {{.id = "CHG-1", .title = "Pay by card", .authorized_by = "p-1"}};
  }

  BlobRef ManifestOf(const VariantName& name) {
    return LibraryView(*library_->Read()).FindVariant(name)->value().manifest;
  }
  std::string Document() const { return FormatRelease(release_).value(); }
  Digest digest() const { return Sha256(Document()); }

  // What came of a command: "", or the reason of the error.
  std::string Commit(absl::StatusOr<Command> command) {
    last_ = command.status();
    if (!command.ok()) return Reason(last_);
    command->author = "tester";
    last_ = library_->Commit(*std::move(command)).status();
    return Reason(last_);
  }
  std::string Commit(EntryPayload payload) {
    last_ = library_.Commit(std::move(payload)).status();
    return Reason(last_);
  }
  std::string SealBy(const PrivateKey& key, ReleaseClaim claim) {
    return Commit(PrepareSeal(
        *library_->Read(), *library_.Domain(), Document(),
        testing::Envelope(key, digest(), kReleasePredicate, FormatReleaseClaim(claim))));
  }
  std::string Seal() { return SealBy(rita_, {release_.name, release_.version}); }
  std::string Attest(const PrivateKey& key, std::string_view type, std::string predicate = "{}") {
    return Commit(
        PrepareReleaseAttestation(*library_->Read(), *library_.Domain(), digest(),
                                  testing::Envelope(key, digest(), type, std::move(predicate))));
  }
  std::string Approval(const PrivateKey& key, std::string_view environment, Timestamp expires,
                       const Digest& findings = Sha256("findings")) {
    return testing::Envelope(key, digest(), kApprovalPredicate,
                             FormatApprovalClaim({std::string(environment), findings, expires}));
  }
  std::string Approve(const std::string& envelope) {
    return Commit(PrepareApproval(*library_->Read(), *library_.Domain(), digest(), envelope));
  }
  std::string ApproveBy(const PrivateKey& key, std::string_view environment) {
    return Approve(Approval(key, environment, *ParseTime("2030-01-01T00:00:00Z")));
  }
  std::string Move(DeploymentEvent event, std::string reason = "why") {
    const auto record = Deployment();
    return Commit(EntryPayload(ReleaseMoved{digest(), "production/eu", event, std::move(reason),
                                            record.has_value() ? record->Etag() : ""}));
  }
  std::optional<ReleaseRecord> Record() {
    return *LibraryView(*library_->Read()).FindRelease(digest());
  }
  std::optional<DeploymentRecord> Deployment() {
    return *LibraryView(*library_->Read()).FindDeployment(digest(), "production/eu");
  }
  void Permit(bool allowed) {
    PermitDecided decision;
    decision.id = fmt::format("9f8b2c44-2d63-4a57-8e56-{:012}", ++permits_);
    decision.allowed = allowed;
    decision.release = digest();
    decision.environment = "production/eu";
    decision.policy = Sha256("policy");
    decision.policy_revision = 1;
    decision.journal_size = 5;
    decision.findings = Sha256("findings");
    decision.expires = *ParseTime("2026-02-01T00:00:00Z");
    const std::string permit = "permit";
    if (allowed) decision.permit = {Sha256(permit), permit.size()};
    const auto done =
        library_.Commit(decision, allowed ? std::vector{permit} : std::vector<std::string>());
    ASSERT_TRUE(done.ok()) << done.status();
  }
  void ExpectViewsFollow() { EXPECT_TRUE(library_->VerifyViews().value().differing_keys.empty()); }

  const PrivateKey rita_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey amy_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey tim_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PackageSpec spec_ = SpecBuilder("acme/api", "1.0.0").Build();
  TestLibrary library_;
  Release release_;
  absl::Status last_;
  int permits_ = 0;
};

TEST_F(LibraryReleasesTest, ASealedReleaseIsWhatItsDocumentSays) {
  release_.type = ReleaseType::kMajor;
  release_.evidence = {"a", "b"};
  ASSERT_EQ(Seal(), "") << last_;
  const auto record = Record();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->name, "payments");
  EXPECT_EQ(record->type, ReleaseType::kMajor);
  EXPECT_EQ(record->state, ReleaseState::kSealed);
  EXPECT_THAT(record->environments, ElementsAre("production"));
  EXPECT_THAT(record->required_evidence, ElementsAre("a", "b"));
  EXPECT_EQ(record->envelope_count, 1u);
  EXPECT_EQ(*LoadRelease(*library_->Read(), digest()), release_);
  const auto named = LibraryView(*library_->Read()).FindRelease("payments", "1.0.0");
  EXPECT_EQ(*named, record);
  const auto envelopes = LibraryView(*library_->Read()).ReleaseEnvelopes(digest());
  ASSERT_EQ(envelopes->size(), 1u);
  EXPECT_THAT((*envelopes)[0].envelope.key_ids, ElementsAre(rita_.public_key().id()));
  ExpectViewsFollow();
}

TEST_F(LibraryReleasesTest, IsSealedOnce) {
  ASSERT_EQ(Seal(), "") << last_;
  EXPECT_EQ(Seal(), "RELEASE_EXISTS");
  release_.changes[0].title = "Something else";
  EXPECT_EQ(Seal(), "RELEASE_EXISTS") << "the name is bound for ever";
  release_.version = "1.0.1";
  EXPECT_EQ(Seal(), "") << last_;
}

TEST_F(LibraryReleasesTest, OnlyTheRoleReleaseSealsAndOnlyWhatItSays) {
  EXPECT_EQ(SealBy(amy_, {"payments", "1.0.0"}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(SealBy(library_.publisher(), {"payments", "1.0.0"}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(SealBy(rita_, {"payments", "2.0.0"}), "RELEASE_UNEXPECTED");
  const std::string other = testing::Envelope(rita_, Sha256("other"), kReleasePredicate,
                                              FormatReleaseClaim({"payments", "1.0.0"}));
  EXPECT_EQ(Commit(PrepareSeal(*library_->Read(), *library_.Domain(), Document(), other)),
            "SUBJECT_UNEXPECTED");
  EXPECT_EQ(Commit(PrepareSeal(*library_->Read(), *library_.Domain(), Document() + "\n", other)),
            "RELEASE_NOT_CANONICAL");
  EXPECT_EQ(Commit(PrepareSeal(*library_->Read(), *library_.Domain(), "{}", other)),
            "RELEASE_INVALID");
}

TEST_F(LibraryReleasesTest, WhatItNamesMustBeThere) {
  release_.items[0].variant.version = "2.0.0";
  EXPECT_EQ(Seal(), "VARIANT_NOT_FOUND");
  EXPECT_EQ(FieldViolations(last_).at(0).field, "document.items[0].variant");
  release_.items[0].variant.version = "1.0.0";
  release_.items[0].manifest.digest = Sha256("another");
  EXPECT_EQ(Seal(), "MANIFEST_MISMATCH");
  release_.items[0].manifest = ManifestOf(NameOf(spec_));
  release_.environments = {"nowhere"};
  EXPECT_EQ(Seal(), "ENVIRONMENT_NOT_FOUND");
  release_.environments = {"production"};
  release_.back_out = Sha256("nothing");
  EXPECT_EQ(Seal(), "RELEASE_NOT_FOUND");
  EXPECT_EQ(FieldViolations(last_).at(0).field, "document.backOut.release");
}

TEST_F(LibraryReleasesTest, ConfigurationsAreThoseOfTheItemsAndHoldNoSecrets) {
  const std::string text = "replicas: 3\npassword: ${DB_PASSWORD}\n";
  auto seal = [&](std::vector<std::string> configurations) {
    return Commit(
        PrepareSeal(*library_->Read(), *library_.Domain(), Document(),
                    testing::Envelope(rita_, digest(), kReleasePredicate,
                                      FormatReleaseClaim({release_.name, release_.version})),
                    std::move(configurations)));
  };
  EXPECT_EQ(seal({text}), "CONFIGURATION_UNEXPECTED");
  release_.items[0].configuration = BlobRef{Sha256(text), text.size()};
  EXPECT_EQ(seal({}), "CONFIGURATION_MISSING");
  EXPECT_EQ(FieldViolations(last_).at(0).field, "document.items[0].configuration");
  EXPECT_EQ(seal({text + " "}), "CONFIGURATION_MISSING");
  EXPECT_EQ(seal({text, text}), "CONFIGURATION_UNEXPECTED");
  EXPECT_EQ(seal({text, "more: 1\n"}), "CONFIGURATION_UNEXPECTED");
  EXPECT_EQ(seal({std::string(kMaxConfigurationBytes + 1, 'x')}), "CONFIGURATION_TOO_LARGE");
  release_.items[0].configuration->size += 1;
  EXPECT_EQ(seal({text}), "CONFIGURATION_MISSING") << "of another size";
  const std::string secret = "password: hunter2hunter2\n";
  release_.items[0].configuration = BlobRef{Sha256(secret), secret.size()};
  EXPECT_EQ(seal({secret}), "CONFIGURATION_HOLDS_SECRET");
  EXPECT_EQ(FieldViolations(last_).at(0).field, "configurations[0]");
  release_.items[0].configuration = BlobRef{Sha256(text), text.size()};
  EXPECT_EQ(seal({text}), "") << last_;
  EXPECT_EQ(ReadMetadata(*library_->Read(), *release_.items[0].configuration).value(), text);
}

TEST_F(LibraryReleasesTest, WhatIsWithdrawnIsOnlyRemoved) {
  ASSERT_EQ(Commit(EntryPayload(VersionWithdrawn{NameOf(spec_), "loses data"})), "");
  EXPECT_EQ(Seal(), "VARIANT_NOT_PUBLISHED");
  EXPECT_THAT(std::string(Message(last_)), HasSubstr("WITHDRAWN: loses data"));
  release_.items[0].action = ReleaseAction::kRemove;
  EXPECT_EQ(Seal(), "") << last_;
}

// attack: withdrawn between the look and the commit.
TEST_F(LibraryReleasesTest, WhatChangesMeanwhileIsSeen) {
  absl::StatusOr<Command> command =
      PrepareSeal(*library_->Read(), *library_.Domain(), Document(),
                  testing::Envelope(rita_, digest(), kReleasePredicate,
                                    FormatReleaseClaim({"payments", "1.0.0"})));
  ASSERT_TRUE(command.ok()) << command.status();
  ASSERT_EQ(Commit(EntryPayload(VersionWithdrawn{NameOf(spec_), "loses data"})), "");
  Commit(std::move(command));
  EXPECT_EQ(last_.code(), absl::StatusCode::kAborted);
}

TEST_F(LibraryReleasesTest, IsTestedOnceItsEvidenceIsThere) {
  release_.evidence = {"https://example.test/a", "https://example.test/b"};
  ASSERT_EQ(Seal(), "") << last_;
  ASSERT_EQ(Attest(tim_, "https://example.test/b"), "") << last_;
  EXPECT_EQ(Record()->state, ReleaseState::kSealed) << "one is missing";
  ASSERT_EQ(Attest(tim_, "https://example.test/c"), "") << last_;
  EXPECT_EQ(Record()->state, ReleaseState::kSealed);
  ASSERT_EQ(Attest(library_.publisher(), "https://example.test/a"), "") << last_;
  EXPECT_EQ(Record()->state, ReleaseState::kTested);
  EXPECT_EQ(Record()->evidence.size(), 3u);
  EXPECT_EQ(Record()->envelope_count, 4u);
  ExpectViewsFollow();
}

TEST_F(LibraryReleasesTest, EvidenceIsOfWhoMayVouchForAllPackages) {
  EXPECT_EQ(Attest(tim_, "https://example.test/a"), "RELEASE_NOT_FOUND");
  ASSERT_EQ(Seal(), "") << last_;
  EXPECT_EQ(Attest(amy_, "https://example.test/a"), "SIGNATURE_MISSING");
  EXPECT_EQ(Attest(rita_, "https://example.test/a"), "SIGNATURE_MISSING");
  EXPECT_EQ(Attest(tim_, kApprovalPredicate), "PREDICATE_UNEXPECTED");
  const std::string envelope = testing::Envelope(tim_, digest(), "https://example.test/a", "{}");
  const auto attach = [&] {
    return Commit(
        PrepareReleaseAttestation(*library_->Read(), *library_.Domain(), digest(), envelope));
  };
  EXPECT_EQ(attach(), "") << last_;
  EXPECT_EQ(attach(), "RELEASE_ENVELOPE_EXISTS");
  EXPECT_EQ(Commit(PrepareReleaseAttestation(
                *library_->Read(), *library_.Domain(), digest(),
                testing::Envelope(tim_, Sha256("other"), "https://example.test/a", "{}"))),
            "ATTESTATION_OF_OTHER_SUBJECT");
}

TEST_F(LibraryReleasesTest, ApprovalsAreOfApproversForPlacesOfTheRelease) {
  EXPECT_EQ(ApproveBy(amy_, "production/eu"), "RELEASE_NOT_FOUND");
  ASSERT_EQ(Seal(), "") << last_;
  EXPECT_EQ(ApproveBy(tim_, "production/eu"), "SIGNATURE_MISSING");
  EXPECT_EQ(ApproveBy(amy_, "staging"), "ENVIRONMENT_UNEXPECTED");
  EXPECT_EQ(ApproveBy(amy_, "production/us"), "ENVIRONMENT_NOT_FOUND");
  EXPECT_EQ(Approve(Approval(amy_, "production/eu", *ParseTime("2020-01-01T00:00:00Z"))),
            "APPROVAL_EXPIRED");
  const std::string good = Approval(amy_, "production/eu", *ParseTime("2030-01-01T00:00:00Z"));
  ASSERT_EQ(Approve(good), "") << last_;
  EXPECT_EQ(Approve(good), "RELEASE_ENVELOPE_EXISTS") << "a replay";
  const auto deployment = Deployment();
  ASSERT_TRUE(deployment.has_value());
  EXPECT_EQ(deployment->state, DeploymentState::kApproved);
  const auto envelopes = LibraryView(*library_->Read()).ReleaseEnvelopes(digest());
  const auto approval = std::ranges::find_if(*envelopes, &ReleaseEnvelopeRecord::is_approval);
  ASSERT_NE(approval, envelopes->end());
  EXPECT_EQ(approval->findings, Sha256("findings"));
  EXPECT_EQ(FormatTime(approval->expires), "2030-01-01T00:00:00Z");
  ExpectViewsFollow();
}

// attack: the approval of one release shown for another.
TEST_F(LibraryReleasesTest, AnApprovalIsOfOneRelease) {
  ASSERT_EQ(Seal(), "") << last_;
  const std::string envelope = Approval(amy_, "production/eu", *ParseTime("2030-01-01T00:00:00Z"));
  release_.version = "1.0.1";
  ASSERT_EQ(Seal(), "") << last_;
  EXPECT_EQ(Approve(envelope), "SUBJECT_UNEXPECTED");
}

TEST_F(LibraryReleasesTest, MovesAsTheTableSays) {
  ASSERT_EQ(Seal(), "") << last_;
  EXPECT_EQ(Move(DeploymentEvent::kStart), "DEPLOYMENT_NOT_FOUND");
  ASSERT_EQ(ApproveBy(amy_, "production/eu"), "") << last_;
  EXPECT_EQ(Move(DeploymentEvent::kStart), "RELEASE_STATE_UNEXPECTED") << "there is no permit";
  Permit(false);
  EXPECT_EQ(Deployment()->state, DeploymentState::kApproved);
  Permit(true);
  EXPECT_EQ(Deployment()->state, DeploymentState::kPermitted);
  EXPECT_EQ(Move(DeploymentEvent::kPermit), "EVENT_INVALID");
  ASSERT_EQ(Move(DeploymentEvent::kStart), "") << last_;
  EXPECT_EQ(Move(DeploymentEvent::kHalt, ""), "REASON_REQUIRED");
  ASSERT_EQ(Move(DeploymentEvent::kHalt, "payments fail"), "") << last_;
  Permit(true);
  EXPECT_EQ(Deployment()->state, DeploymentState::kHalted);
  ASSERT_EQ(Move(DeploymentEvent::kBackOut, "payments fail"), "") << last_;
  EXPECT_EQ(Deployment()->state, DeploymentState::kBackedOut);
  EXPECT_EQ(Deployment()->reason, "payments fail");
  EXPECT_GT(Deployment()->started, Timestamp());
  EXPECT_EQ(Deployment()->deployed, Timestamp());
  ASSERT_EQ(Move(DeploymentEvent::kReview, "a test was missing"), "") << last_;
  EXPECT_EQ(Approve(Approval(amy_, "production/eu", *ParseTime("2031-01-01T00:00:00Z"))),
            "RELEASE_STATE_UNEXPECTED")
      << "it is over";
  EXPECT_EQ(LibraryView(*library_->Read()).DeploymentsIn("production/eu")->size(), 1u);
  EXPECT_EQ(LibraryView(*library_->Read()).DeploymentsOf(digest())->size(), 1u);
  ExpectViewsFollow();
}

// Two who decide at once: the second one must look again.
TEST_F(LibraryReleasesTest, DemandsTheStateThatTheAuthorSaw) {
  ASSERT_EQ(Seal(), "") << last_;
  ASSERT_EQ(ApproveBy(amy_, "production/eu"), "") << last_;
  Permit(true);
  const std::string seen = Deployment()->Etag();
  ASSERT_EQ(Move(DeploymentEvent::kStart), "") << last_;
  EXPECT_EQ(Commit(EntryPayload(
                ReleaseMoved{digest(), "production/eu", DeploymentEvent::kHalt, "why", seen})),
            "ETAG_MISMATCH");
  EXPECT_EQ(Commit(EntryPayload(ReleaseWithdrawn{digest(), "why", "1"})), "ETAG_MISMATCH");
}

TEST_F(LibraryReleasesTest, AWithdrawnReleaseIsSoForEver) {
  ASSERT_EQ(Seal(), "") << last_;
  EXPECT_EQ(Commit(EntryPayload(ReleaseWithdrawn{digest(), "", Record()->Etag()})),
            "REASON_REQUIRED");
  ASSERT_EQ(Commit(EntryPayload(ReleaseWithdrawn{digest(), "loses data", Record()->Etag()})), "")
      << last_;
  EXPECT_EQ(Record()->state, ReleaseState::kWithdrawn);
  EXPECT_EQ(Commit(EntryPayload(ReleaseWithdrawn{digest(), "again", Record()->Etag()})),
            "RELEASE_STATE_UNEXPECTED");
  EXPECT_EQ(ApproveBy(amy_, "production/eu"), "RELEASE_WITHDRAWN");
  EXPECT_EQ(Attest(tim_, "https://example.test/a"), "RELEASE_WITHDRAWN");
  EXPECT_EQ(Seal(), "RELEASE_EXISTS");
  EXPECT_EQ(Commit(EntryPayload(ReleaseWithdrawn{Sha256("none"), "x", ""})), "RELEASE_NOT_FOUND");
  ExpectViewsFollow();
}

}  // namespace
}  // namespace dml
