// Advisories in a library: how they get there, and where they count.
#include "storage/library/advisories.h"

#include <gmock/gmock.h>

#include "core/compat/resolver.h"
#include "storage/library/decision.h"
#include "storage/library/library_packages.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::SpecBuilder;
using testing::Target;
using testing::TestLibrary;

class AdvisoriesTest : public ::testing::Test {
 protected:
  AdvisoriesTest() {
    library_.Register(sue_, "sue", "advisory", "acme");
    for (const char* version : {"1", "2"}) {
      EXPECT_TRUE(library_.Publish(SpecBuilder("acme/lib", version).Build()).ok());
    }
  }

  static Advisory Denial(const std::string& id, uint64_t revision, const std::string& range,
                         const std::string& package = "acme/lib") {
    Advisory out;
    out.id = id;
    out.revision = revision;
    out.authority = "security";
    out.affects = {{PackageName::Parse(package).value(), VersionRange::ParseVers(range).value()}};
    out.text = "leaks";
    return out;
  }
  static std::string Sealed(const Advisory& advisory, const PrivateKey& key) {
    const Signer* keys[] = {&key};
    return FormatEnvelope(
        SignEnvelope(kAdvisoryPayloadType, FormatAdvisory(advisory), keys).value());
  }
  std::string Set(const Advisory& advisory) { return Set(advisory, sue_); }
  std::string Set(const Advisory& advisory, const PrivateKey& key) {
    auto change = PrepareSetAdvisory(*library_->Read(), *library_.Domain(), Sealed(advisory, key));
    if (!change.ok()) return Reason(change.status());
    change->command.author = "tester";
    return Reason(library_->Commit(std::move(change->command)).status());
  }
  std::vector<std::string> Violations(const std::string& version) {
    const VariantName names[] = {NameOf(SpecBuilder("acme/lib", version).Build())};
    const auto check = CheckSetCompatibility(*library_->Read(), trust_, specs_, names);
    EXPECT_TRUE(check.ok()) << check.status();
    std::vector<std::string> out;
    for (const Violation& violation : check->violations) out.push_back(violation.source);
    return out;
  }
  Resolution ResolveLib(LibraryPackagesOptions options = {}) {
    const auto state = library_->Read();
    auto packages = *LibraryPackages::Open(*state, trust_, specs_, std::move(options));
    ResolveRequest request;
    request.wanted.push_back(Target("acme/lib"));
    SolveBudget budget;
    auto resolution = Resolve(*packages, request, budget);
    EXPECT_TRUE(resolution.ok()) << resolution.status();
    return *std::move(resolution);
  }

  TestLibrary library_;
  const PrivateKey sue_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  TrustCache trust_;
  SpecCache specs_;
};

TEST_F(AdvisoriesTest, CountInChecksAndInTheResolver) {
  EXPECT_THAT(Violations("2"), IsEmpty());
  ASSERT_EQ(Set(Denial("A-1", 1, "vers:deb/2")), "");
  EXPECT_THAT(Violations("1"), IsEmpty());
  EXPECT_THAT(Violations("2"), ElementsAre("advisory A-1 of security, signed by sue: leaks"));
  EXPECT_EQ(ResolveLib().packages.at(0).spec->version.text(), "1");
  ASSERT_EQ(Set(Denial("A-2", 1, "vers:deb/1")), "");
  const Resolution none = ResolveLib();
  EXPECT_EQ(none.solvable, Solvable::kNo);
  EXPECT_THAT(none.reasons, Contains(HasSubstr("[advisory A-2 of security, signed by sue")));
}

TEST_F(AdvisoriesTest, CountInTheGate) {
  constexpr std::string_view kPolicy =
      "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\n"
      "signatures: {threshold: 1}\nlicenses: {allow: [MIT]}\n";
  ASSERT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
  ASSERT_TRUE(library_
                  .Commit(PolicySet{"production", {Sha256(kPolicy), kPolicy.size()}, ""},
                          {std::string(kPolicy)})
                  .ok());
  PackageSpec spec = SpecBuilder("acme/api", "1").Build();
  spec.declared_license = "MIT";
  ASSERT_TRUE(library_.Publish(spec).ok());
  const VariantName names[] = {NameOf(spec)};
  PolicyCache policies;
  auto decide = [&] {
    return EvaluateGate(*library_->Read(), trust_, policies, names, "production").value();
  };
  EXPECT_EQ(decide().result.decision, Decision::kAllow);
  ASSERT_EQ(Set(Denial("A-1", 1, "vers:all/*", "acme/api")), "");
  const GateDecision denied = decide();
  EXPECT_EQ(denied.result.decision, Decision::kDeny);
  ASSERT_EQ(denied.result.findings.size(), 1u);
  EXPECT_EQ(denied.result.findings[0].rule, "compatibility.denied");
  EXPECT_THAT(denied.result.findings[0].message, HasSubstr("signed by sue"));
}

TEST_F(AdvisoriesTest, TheLastRevisionCountsUntilItIsWithdrawn) {
  ASSERT_EQ(Set(Denial("A-1", 1, "vers:deb/2")), "");
  ASSERT_EQ(Set(Denial("A-1", 2, "vers:deb/1")), "");
  EXPECT_EQ(Violations("1").size(), 1u);
  EXPECT_THAT(Violations("2"), IsEmpty());
  EXPECT_EQ(Set(Denial("A-1", 2, "vers:deb/2")), "ADVISORY_REVISION_UNEXPECTED");
  EXPECT_EQ(Set(Denial("A-1", 1, "vers:deb/2")), "ADVISORY_REVISION_UNEXPECTED");
  Advisory end = Denial("A-1", 3, "vers:deb/1");
  end.withdrawn = "another package";
  ASSERT_EQ(Set(end), "");
  EXPECT_THAT(Violations("1"), IsEmpty());
  const auto record = LibraryView(*library_->Read()).FindAdvisory("A-1").value().value();
  EXPECT_TRUE(record.set.withdrawn);
  EXPECT_THAT(record.set.packages, ElementsAre("acme/lib"));
  EXPECT_THAT(record.set.key_ids, ElementsAre(sue_.public_key().id()));
  Advisory unknown = Denial("A-9", 1, "vers:deb/1");
  unknown.withdrawn = "never was";
  EXPECT_EQ(Set(unknown), "ADVISORY_NOT_FOUND");
  EXPECT_TRUE(library_->VerifyViews().value().differing_keys.empty());
}

TEST_F(AdvisoriesTest, APackageIsLeftWhereARevisionNamesAnother) {
  ASSERT_EQ(Set(Denial("A-1", 1, "vers:all/*")), "");
  ASSERT_EQ(Set(Denial("A-1", 2, "vers:all/*", "acme/other")), "");
  EXPECT_THAT(Violations("1"), IsEmpty());
  const auto state = library_->Read();
  const ListView lists(*state);
  EXPECT_THAT(lists.AdvisoriesOf({"acme", "lib"}, {})->items, IsEmpty());
  EXPECT_EQ(lists.AdvisoriesOf({"acme", "other"}, {})->items.size(), 1u);
  const auto all = lists.Advisories({});
  ASSERT_EQ(all->items.size(), 1u) << "of each the last revision";
  EXPECT_EQ(all->items[0].set.revision, 2u);
}

TEST_F(AdvisoriesTest, NobodyElseMaySignThem) {
  const PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  EXPECT_EQ(Set(Denial("A-1", 1, "vers:deb/2"), other), "THRESHOLD_NOT_MET");
  EXPECT_EQ(Set(Denial("A-1", 1, "vers:deb/2"), library_.publisher()), "THRESHOLD_NOT_MET")
      << "a publisher is no adviser";
  Advisory wide = Denial("A-1", 1, "vers:deb/2");
  wide.affects.push_back({{"debian", "curl"}, VersionRange::All()});
  EXPECT_NE(Set(wide), "") << "sue speaks for acme alone";
}

TEST_F(AdvisoriesTest, WhatIsSupersededStaysWhereItIs) {
  Advisory advisory = Denial("A-1", 1, "vers:deb/2");
  advisory.effect = AdvisoryEffect::kSupersede;
  advisory.superseded_by = AffectedPackage{{"acme", "new"}, VersionRange::All()};
  ASSERT_EQ(Set(advisory), "");
  EXPECT_THAT(Violations("2"), IsEmpty());
  EXPECT_EQ(ResolveLib().packages.at(0).spec->version.text(), "1");
  LibraryPackagesOptions options;
  options.in_use.insert(NameOf(SpecBuilder("acme/lib", "2").Build()));
  EXPECT_EQ(ResolveLib(options).packages.at(0).spec->version.text(), "2");
}

TEST_F(AdvisoriesTest, TimeIsThatOfTheJournal) {
  Advisory advisory = Denial("A-1", 1, "vers:all/*");
  const auto state = library_->Read();
  const Timestamp now = LibraryView(*state)
                            .FindVariant(NameOf(SpecBuilder("acme/lib", "1").Build()))
                            .value()
                            ->published_time;
  advisory.valid_until = now + std::chrono::hours(1);
  ASSERT_EQ(Set(advisory), "");
  EXPECT_EQ(Violations("1").size(), 1u) << "whatever the clock on the wall says";
  advisory.revision = 2;
  advisory.valid_until = now;
  ASSERT_EQ(Set(advisory), "");
  EXPECT_THAT(Violations("1"), IsEmpty());
}

}  // namespace
}  // namespace dml
