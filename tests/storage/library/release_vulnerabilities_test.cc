// What the gate knows of a release's vulnerabilities: advisories less VEX, against the policy.
#include <gmock/gmock.h>

#include "core/compat/advisory_envelope.h"
#include "storage/library/advisories.h"
#include "storage/library/release_decision.h"
#include "tests/support/deployed_library.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::SpecBuilder;

constexpr std::string_view kPolicy =
    "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\nsignatures: {threshold: 1}\n"
    "licenses: {allow: [MIT]}\nvulnerabilities: [{highest: LOW, fixWithinHours: 24}]\n";

class ReleaseVulnerabilitiesTest : public ::testing::Test {
 protected:
  ReleaseVulnerabilitiesTest() : deployed_(library_) {
    library_.Register(sue_, "sue", "advisory", "acme");
    EXPECT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
    const auto set = library_.Commit(PolicySet{"production", {Sha256(kPolicy), kPolicy.size()}, ""},
                                     {std::string(kPolicy)});
    EXPECT_TRUE(set.ok()) << set.status();
    PackageSpec spec = SpecBuilder("acme/api", "1").Build();
    spec.declared_license = "MIT";
    EXPECT_TRUE(library_.Publish(spec).ok());
    release_ = deployed_.Seal("1", {NameOf(spec)}, "production");
  }
  void Set(const std::string& id, AdvisoryEffect effect, AdvisorySeverity severity,
           const std::string& clears = "", uint64_t revision = 1) {
    Advisory advisory;
    advisory.id = id;
    advisory.revision = revision;
    advisory.authority = "security";
    advisory.effect = effect;
    advisory.severity = severity;
    advisory.affects = {
        {PackageName::Parse("acme/api").value(), VersionRange::ParseVers("vers:deb/<2").value()}};
    advisory.text = "leaks";
    if (!clears.empty()) advisory.relaxes = {{Relaxation::Kind::kAdvisory, clears}};
    const Signer* keys[] = {&sue_};
    auto change = PrepareSetAdvisory(
        *library_->Read(), *library_.Domain(),
        FormatEnvelope(SignEnvelope(kAdvisoryPayloadType, FormatAdvisory(advisory), keys).value()));
    ASSERT_TRUE(change.ok()) << change.status();
    change->command.author = "tester";
    const auto done = library_->Commit(std::move(change->command));
    ASSERT_TRUE(done.ok()) << done.status();
  }
  // Rules of the family that deny at that time.
  std::vector<std::string> Findings(const char* time = "2026-03-01T00:00:00Z") {
    const auto decision = EvaluateReleaseGate(*library_->Read(), trust_, policies_,
                                              {release_, "production", *ParseTime(time), ""});
    EXPECT_TRUE(decision.ok()) << decision.status();
    std::vector<std::string> out;
    for (const Finding& finding : decision->verdict.findings) {
      if (finding.rule.starts_with("vulnerability.")) {
        out.push_back(finding.rule + ": " + finding.message.substr(0, finding.message.find(',')));
      }
    }
    return out;
  }

  testing::TestLibrary library_;
  testing::DeployedLibrary deployed_;
  const PrivateKey sue_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  Digest release_;
  TrustCache trust_;
  PolicyCache policies_;
};

TEST_F(ReleaseVulnerabilitiesTest, ALibraryWithoutAdvisoriesHasNotLooked) {
  EXPECT_THAT(Findings(), ElementsAre("vulnerability.unknown: nobody has looked for known "
                                      "vulnerabilities in it"));
  Set("A", AdvisoryEffect::kReport, AdvisorySeverity::kLow);
  EXPECT_THAT(Findings(), IsEmpty()) << "low is acceptable";
}

TEST_F(ReleaseVulnerabilitiesTest, SevereOnesDenyOnceTheirTimeIsOver) {
  Set("CVE-1", AdvisoryEffect::kReport, AdvisorySeverity::kHigh);
  EXPECT_THAT(Findings("2026-01-01T12:00:00Z"), IsEmpty()) << "there are 24 hours";
  EXPECT_THAT(Findings(), ElementsAre("vulnerability.severe: CVE-1 is HIGH"));
  Set("CVE-2", AdvisoryEffect::kReport, AdvisorySeverity::kUnknown);
  EXPECT_THAT(Findings(), Contains("vulnerability.severe: CVE-2 is CRITICAL"))
      << "what nobody has rated";
}

TEST_F(ReleaseVulnerabilitiesTest, AStatementThatItIsNotAffectedCounts) {
  Set("CVE-1", AdvisoryEffect::kReport, AdvisorySeverity::kHigh);
  Set("VEX-1", AdvisoryEffect::kRelax, AdvisorySeverity::kUnknown, "CVE-1");
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(ReleaseVulnerabilitiesTest, ANewRevisionDoesNotMakeItYounger) {
  Set("CVE-1", AdvisoryEffect::kReport, AdvisorySeverity::kHigh);
  Set("CVE-1", AdvisoryEffect::kReport, AdvisorySeverity::kHigh, "", 2);
  const auto state = library_->Read();
  AdvisoryReader reader(*state, nullptr, *ParseTime("2026-03-01T00:00:00Z"));
  const auto found =
      reader.Vulnerabilities(PackageName::Parse("acme/api").value(), testing::MakeVersion("1"));
  ASSERT_TRUE(found.ok() && found->has_value());
  ASSERT_EQ((*found)->size(), 1u);
  LibraryView view(*state);
  EXPECT_LT((**found)[0].published, view.FindAdvisory("CVE-1")->value().time);
}

}  // namespace
}  // namespace dml
