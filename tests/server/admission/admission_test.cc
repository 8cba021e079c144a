// What goes into quarantine, what comes out by itself, and what stays as a person decided.
#include "server/admission/admission.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "core/evidence/claims.h"
#include "core/trust/statement.h"
#include "storage/library/preparation.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::Envelope;
using testing::NameOf;
using testing::SpecBuilder;

// Says of every file what a test wants, without looking at it.
class FakeScanner : public MalwareScanner {
 public:
  absl::StatusOr<ScanReport> Scan(const std::function<absl::Status(const Write& write)>&) override {
    ++scans;
    return ScanReport{verdict, "", "", finding};
  }
  absl::StatusOr<ScanReport> Version() override { return ScanReport{verdict, "Fake 1", "7", ""}; }

  std::atomic<ScanVerdict> verdict = ScanVerdict::kClean;
  std::string finding;  // Set while nothing scans.
  std::atomic<int> scans = 0;
};

class AdmissionTest : public ::testing::Test {
 protected:
  void Begin(AdmissionOptions options = {}, bool scans = true) {
    auto scanner = std::make_unique<FakeScanner>();
    scanner_ = scanner.get();
    admission_ = std::make_unique<Admission>(
        *library_, options, scans ? std::unique_ptr<MalwareScanner>(std::move(scanner)) : nullptr);
  }
  // Publishes a variant with one file, as the checks judge it.
  void Publish() {
    Command command =
        library_.PublishCommand(spec_, {{"tool", {Sha256("tool"), 4}, "application/octet-stream"}});
    ASSERT_TRUE(admission_->Examine(command).ok());
    manifest_ = std::get<VersionPublished>(command.payload).manifest.digest;
    ASSERT_TRUE(library_->Commit(std::move(command)).ok());
  }
  VariantRecord Record() {
    return LibraryView(*library_->Read()).FindVariant(NameOf(spec_)).value().value();
  }
  void Attach(std::string_view predicate_type) {
    auto command =
        PrepareAttach(*library_->Read(), *library_.Domain(), BundledLicenseList(), NameOf(spec_),
                      Envelope(library_.publisher(), manifest_, predicate_type, "{}"));
    ASSERT_TRUE(command.ok()) << command.status();
    command->author = "pat";
    ASSERT_TRUE(library_->Commit(*std::move(command)).ok());
    admission_->JudgeAgain(NameOf(spec_));
  }
  void ScanAll() {
    ASSERT_TRUE(admission_->StartScan());
    while (admission_->progress().running) std::this_thread::yield();
  }
  void Decide(AdmissionState state) {
    ASSERT_TRUE(library_.Commit(AdmissionDecided{NameOf(spec_), state, "case 17", {}}).ok());
  }

  testing::TestLibrary library_;
  PackageSpec spec_ = SpecBuilder("acme/api", "1.0").Build();
  Digest manifest_;
  FakeScanner* scanner_ = nullptr;  // Of admission_.
  std::unique_ptr<Admission> admission_;
};

// Whoever released it as a false alarm is not overruled by the same finding.
TEST_F(AdmissionTest, AFalseAlarmThatWasReleasedStaysReleased) {
  Begin();
  Publish();
  EXPECT_EQ(Record().state, VariantState::kPublished);
  scanner_->verdict = ScanVerdict::kInfected;
  scanner_->finding = "Win.Test.Alarm";
  ScanAll();
  EXPECT_EQ(Record().state, VariantState::kQuarantined);
  EXPECT_EQ(Record().admission_reason, "malware scan: infected: tool: Win.Test.Alarm");
  Decide(AdmissionState::kAccepted);
  for (int i = 0; i < 3; ++i) {
    ScanAll();
    EXPECT_EQ(Record().state, VariantState::kPublished) << i;
    EXPECT_EQ(Record().admission_reason, "case 17");
  }
  scanner_->finding = "Win.Test.Other";
  ScanAll();
  EXPECT_EQ(Record().state, VariantState::kQuarantined) << "something else was found";
}

TEST_F(AdmissionTest, WhatWasMissingLetsItOutOnceAllIsThere) {
  Begin({.require_provenance = true, .require_sbom = true});
  Publish();
  EXPECT_EQ(Record().admission_reason, "it has no provenance; it has no SBOM");
  Attach(kProvenancePredicate);
  EXPECT_EQ(Record().state, VariantState::kQuarantined) << "one of the two";
  Attach(kCycloneDxPredicate);
  EXPECT_EQ(Record().state, VariantState::kPublished);
  EXPECT_EQ(Record().admission_reason,
            "all checks pass, with what was attached since it was published");
  EXPECT_EQ(scanner_->scans, 1) << "it was clean when it was published";
}

TEST_F(AdmissionTest, AConclusionIsALicenseToo) {
  Begin({.require_license = true}, /*scans=*/false);
  spec_.declared_license = "NOASSERTION";
  library_.Register(library_.publisher(), "pat", "license-data", "*");
  Publish();
  EXPECT_EQ(Record().admission_reason, "no license is declared");
  auto command =
      PrepareAttach(*library_->Read(), *library_.Domain(), BundledLicenseList(), NameOf(spec_),
                    Envelope(library_.publisher(), manifest_, kLicenseConclusionPredicate,
                             R"({"license":"MIT","reason":"its LICENSE file"})"));
  ASSERT_TRUE(command.ok()) << command.status();
  command->author = "pat";
  ASSERT_TRUE(library_->Commit(*std::move(command)).ok());
  admission_->JudgeAgain(NameOf(spec_));
  EXPECT_EQ(Record().state, VariantState::kPublished);
}

// Nothing that a publisher attaches overrules a person, or a scanner that found something.
TEST_F(AdmissionTest, WhatAPersonOrAFindingPutThereStays) {
  Begin({.require_sbom = true});
  Publish();
  Decide(AdmissionState::kAccepted);
  Decide(AdmissionState::kQuarantined);
  Attach(kSpdxPredicate);
  EXPECT_EQ(Record().state, VariantState::kQuarantined);
  EXPECT_EQ(Record().admission_reason, "case 17");

  spec_ = SpecBuilder("acme/api", "2.0").Build();
  scanner_->verdict = ScanVerdict::kInfected;
  scanner_->finding = "Win.Test";
  Publish();
  scanner_->verdict = ScanVerdict::kClean;
  Attach(kSpdxPredicate);
  EXPECT_EQ(Record().state, VariantState::kQuarantined);
}

// A scanner that was down is asked again, beside the call that attached something.
TEST_F(AdmissionTest, WhatWasNotScannedIsScannedAgain) {
  Begin({.require_sbom = true});
  scanner_->verdict = ScanVerdict::kError;
  scanner_->finding = "it is down";
  Publish();
  EXPECT_EQ(Record().admission_reason, "it has no SBOM; malware scan: error: tool: it is down");
  scanner_->verdict = ScanVerdict::kClean;
  Attach(kSpdxPredicate);
  while (Record().state != VariantState::kPublished) std::this_thread::yield();
  EXPECT_EQ(Record().scan->verdict, ScanVerdict::kClean);
}

// Who may publish may have changed since: a publication that has no longer enough signatures waits.
TEST_F(AdmissionTest, ThresholdsAreLookedAtAgain) {
  Begin({.require_sbom = true});
  Publish();
  const PrivateKey second = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.Register(second, "quinn", "publisher", "*");
  library_.trust().root().roles[SigningRole::kPublisher].threshold = 2;
  ASSERT_TRUE(library_.trust().Set(*library_).ok());
  Attach(kSpdxPredicate);
  EXPECT_EQ(Record().state, VariantState::kQuarantined);
}

}  // namespace
}  // namespace dml
