// WhoRequires, WhoProvides, WhoUses and SafeRollbackTargets over gRPC.
#include <gmock/gmock.h>

#include "tests/server/support/compatibility_fixture.h"
#include "tests/support/deployed_library.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NameOf;
using testing::SpecBuilder;
using testing::Target;

std::string Variant(const std::string& name, const std::string& version) {
  return "packages/acme/" + name + "/versions/" + version + "/variants/any";
}

class RelationQuestionsTest : public testing::CompatibilityServiceFixture {
 protected:
  RelationQuestionsTest() : deployed_(library_) {
    for (const char* name : {"production", "production/eu", "test"}) {
      EXPECT_TRUE(library_.Commit(EnvironmentCreated{name, "", {}}).ok());
    }
  }
  static VariantName Name(const std::string& package, const std::string& version) {
    return NameOf(SpecBuilder("acme/" + package, version).Build());
  }
  std::string Requires() { return Call(&Stub::WhoRequires, requires_, required_); }
  std::string Provides() { return Call(&Stub::WhoProvides, provides_, provided_); }
  std::string Uses() { return Call(&Stub::WhoUses, uses_, used_); }
  std::string Rollback() { return Call(&Stub::SafeRollbackTargets, rollback_, targets_); }
  std::vector<std::string> Used() const {
    std::vector<std::string> out;
    for (const v1::Use& use : used_.uses()) {
      out.push_back(use.environment() + " " + use.variant() + " " + use.state());
    }
    return out;
  }
  std::vector<std::string> Targets() const {
    std::vector<std::string> out;
    for (const v1::RollbackTarget& item : targets_.targets()) {
      const std::string version = VariantName::Parse(item.variant())->version;
      out.push_back(version + (item.outcome() == v1::COMPATIBILITY_OUTCOME_COMPATIBLE ? " safe"
                               : item.outcome() == v1::COMPATIBILITY_OUTCOME_INCOMPATIBLE
                                   ? " unsafe"
                                   : " not proven"));
    }
    return out;
  }

  testing::DeployedLibrary deployed_;
  v1::WhoRequiresRequest requires_;
  v1::WhoRequiresResponse required_;
  v1::WhoProvidesRequest provides_;
  v1::WhoProvidesResponse provided_;
  v1::WhoUsesRequest uses_;
  v1::WhoUsesResponse used_;
  v1::SafeRollbackTargetsRequest rollback_;
  v1::SafeRollbackTargetsResponse targets_;
};

TEST_F(RelationQuestionsTest, RelationsByVersionAndRange) {
  Publish(SpecBuilder("acme/new", "1").Requires({Target("acme/lib", "vers:deb/>=2")}).Build());
  Publish(SpecBuilder("acme/old", "1").Requires({Target("acme/lib", "vers:deb/<2")}).Build());
  requires_.set_name("acme/lib");
  requires_.set_range("vers:deb/>=3");
  ASSERT_EQ(Requires(), "");
  ASSERT_EQ(required_.matches_size(), 1);
  EXPECT_EQ(required_.matches(0).variant(), Variant("new", "1"));
  EXPECT_EQ(required_.matches(0).range(), "vers:deb/>=2");
  requires_.clear_range();
  requires_.set_version("1");
  EXPECT_EQ(Requires(), "VERSION_SCHEME_UNKNOWN");
  requires_.set_version_scheme("deb");
  ASSERT_EQ(Requires(), "");
  ASSERT_EQ(required_.matches_size(), 1);
  EXPECT_EQ(required_.matches(0).variant(), Variant("old", "1"));
  requires_.set_range("vers:deb/1");
  EXPECT_EQ(Requires(), "ARGUMENT_INVALID") << "one of both";
  requires_.clear_version();
  requires_.set_range("1");
  EXPECT_EQ(Requires(), "VERSION_RANGE_INVALID");
  EXPECT_EQ(fields(), "range");
}

TEST_F(RelationQuestionsTest, ProvidersByVersionAndRange) {
  Publish(SpecBuilder("acme/a", "1").Provides(RelationKind::kService, "mail", "1").Build());
  Publish(SpecBuilder("acme/b", "1").Provides(RelationKind::kService, "mail", "2").Build());
  provides_.set_name("mail");
  provides_.set_kind("SERVICE");
  provides_.set_range("vers:deb/>=2");
  ASSERT_EQ(Provides(), "");
  ASSERT_EQ(provided_.matches_size(), 1);
  EXPECT_EQ(provided_.matches(0).variant(), Variant("b", "1"));
  provides_.clear_range();
  ASSERT_EQ(Provides(), "");
  EXPECT_EQ(provided_.matches_size(), 2);
}

TEST_F(RelationQuestionsTest, UsesByPackageLicenseAndDigest) {
  PackageSpec api = SpecBuilder("acme/api", "1").Build();
  api.declared_license = "MIT OR GPL-2.0-only";
  Publish(api);
  Publish(SpecBuilder("acme/db", "1").Build());
  const Digest release = deployed_.Seal("1", {Name("api", "1"), Name("db", "1")}, "production/eu");
  deployed_.Deploy(release, "production/eu");
  uses_.set_package("packages/acme/api");
  ASSERT_EQ(Uses(), "");
  const std::string api_use = "environments/production/eu " + Variant("api", "1") + " DEPLOYED";
  EXPECT_THAT(Used(), ElementsAre(api_use));
  EXPECT_EQ(used_.uses(0).release(), "releases/payments/versions/1");
  EXPECT_EQ(used_.index(), JournalSize());
  uses_.set_range("vers:deb/>=2");
  ASSERT_EQ(Uses(), "");
  EXPECT_EQ(used_.use_count(), 0u);
  uses_.Clear();
  uses_.set_license("GPL-2.0-only");
  ASSERT_EQ(Uses(), "");
  EXPECT_THAT(Used(), ElementsAre(api_use));
  uses_.set_license("Apache-2.0");
  ASSERT_EQ(Uses(), "");
  EXPECT_EQ(used_.use_count(), 0u);
  uses_.Clear();
  uses_.set_digest(release.ToString());
  uses_.set_page_size(1);
  ASSERT_EQ(Uses(), "");
  EXPECT_EQ(used_.use_count(), 2u) << "all that the release brought";
  EXPECT_EQ(used_.uses_size(), 1);
  uses_.set_page_token(used_.next_page_token());
  ASSERT_EQ(Uses(), "");
  EXPECT_EQ(used_.uses_size(), 1);
  EXPECT_EQ(used_.next_page_token(), "");
}

TEST_F(RelationQuestionsTest, UsesAreToldToWhoMaySeeTheEnvironment) {
  Publish(SpecBuilder("acme/api", "1").Build());
  const Digest release = deployed_.Seal("1", {Name("api", "1")}, "production/eu");
  deployed_.Deploy(release, "production/eu");
  uses_.set_package("packages/acme/api");
  Be({{"reader", "environments/test"}});
  ASSERT_EQ(Uses(), "");
  EXPECT_EQ(used_.use_count(), 0u);
  uses_.set_environment("environments/production");
  EXPECT_EQ(Uses(), "ROLE_REQUIRED");
  Be({{"reader", ""}});
  ASSERT_EQ(Uses(), "");
  EXPECT_EQ(used_.use_count(), 1u);
  uses_.set_environment("environments/nowhere");
  EXPECT_EQ(Uses(), "ENVIRONMENT_NOT_FOUND");
}

TEST_F(RelationQuestionsTest, BadQuestionsAboutUses) {
  EXPECT_EQ(Uses(), "ARGUMENT_INVALID");
  uses_.set_range("vers:deb/1");
  uses_.set_license("MIT");
  EXPECT_EQ(Uses(), "ARGUMENT_INVALID") << "a range of what";
  uses_.Clear();
  uses_.set_digest("abc");
  EXPECT_EQ(Uses(), "DIGEST_INVALID");
  uses_.Clear();
  uses_.set_package("acme/api");
  EXPECT_EQ(Uses(), "NAME_INVALID");
}

TEST_F(RelationQuestionsTest, GoesBackAsFarAsEverythingAllows) {
  PackageSpec running = SpecBuilder("acme/api", "4").Build();
  running.upgrade.emplace();
  running.upgrade->rollback_to = VersionRange::ParseVers("vers:deb/>=2").value();
  running.upgrade->source = "rollback";
  for (const char* version : {"1", "2"}) Publish(SpecBuilder("acme/api", version).Build());
  Publish(SpecBuilder("acme/api", "3").Requires({Target("acme/gone")}).Build());
  Publish(running);
  Publish(SpecBuilder("acme/api", "5").Build());
  v1::NodeState* node = rollback_.add_nodes();
  node->set_name("web");
  node->set_count(2);
  node->add_runs(Variant("api", "4"));
  rollback_.set_package("packages/acme/api");
  ASSERT_EQ(Rollback(), "");
  EXPECT_THAT(Targets(), ElementsAre("3 unsafe", "2 safe", "1 unsafe"));
  EXPECT_THAT(targets_.targets(2).reasons(0).finding().message(), HasSubstr("taken back to"));
  EXPECT_EQ(targets_.targets(2).reasons(0).source(), "rollback");
  EXPECT_THAT(targets_.targets(2).reasons(0).signers(), ElementsAre("pat"));
  EXPECT_EQ(targets_.targets(0).reasons(0).finding().rule(), "compatibility.requirement-missing");
  rollback_.set_node("db");
  EXPECT_EQ(Rollback(), "NOTHING_CHANGES");
}

TEST_F(RelationQuestionsTest, GoesBackInWhatTheReleasesSayThatRuns) {
  for (const char* version : {"1", "2"}) Publish(SpecBuilder("acme/api", version).Build());
  Publish(SpecBuilder("acme/client", "1")
              .Requires({Target("acme/api", "vers:deb/>=2")}, RelationScope::kEnvironment)
              .Build());
  rollback_.set_package("packages/acme/api");
  rollback_.set_environment("environments/production");
  EXPECT_EQ(Rollback(), "NOTHING_IN_USE");
  const Digest release = deployed_.Seal("1", {Name("api", "2")}, "production");
  deployed_.Deploy(release, "production");
  ASSERT_EQ(Rollback(), "");
  EXPECT_THAT(Targets(), ElementsAre("1 safe"));
  const Digest client = deployed_.Seal("2", {Name("client", "1")}, "production");
  deployed_.Deploy(client, "production");
  ASSERT_EQ(Rollback(), "");
  EXPECT_THAT(Targets(), ElementsAre("1 unsafe")) << "what else runs there has a say";
  rollback_.clear_environment();
  EXPECT_EQ(Rollback(), "NODES_REQUIRED");
}

}  // namespace
}  // namespace dml
