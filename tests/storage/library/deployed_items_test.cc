// What a release brings, and what an environment has by its releases.
#include "storage/library/deployed_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deployed_releases.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;
using E = DeploymentEvent;

class DeployedItemsTest : public ::testing::Test {
 protected:
  DeployedItemsTest() {
    for (const char* name : {"production", "production/eu", "test"}) {
      EXPECT_TRUE(library_.Commit(EnvironmentCreated{name, "", {}}).ok());
    }
  }

  VariantName Publish(const std::string& package, const std::string& version) {
    const PackageSpec spec = SpecBuilder("acme/" + package, version).Build();
    EXPECT_TRUE(library_.Publish(spec).ok());
    return NameOf(spec);
  }
  static std::vector<std::string> Names(const absl::StatusOr<std::vector<VariantName>>& items) {
    if (!items.ok()) return {std::string(Reason(items.status()))};
    std::vector<std::string> out;
    for (const VariantName& name : *items) out.push_back(name.package.name + "@" + name.version);
    return out;
  }
  std::vector<std::string> In(const std::string& environment) {
    return Names(ItemsInEnvironment(*library_->Read(), environment));
  }

  TestLibrary library_;
  testing::DeployedReleases releases_{library_};
};

TEST_F(DeployedItemsTest, AReleaseBringsWhatItDoesNotRemove) {
  const VariantName app = Publish("app", "1.0.0");
  const VariantName old = Publish("old", "1.0.0");
  releases_.Seal("shop", "1.0.0", "production",
                 {releases_.Item(app), releases_.Item(old, ReleaseAction::kRemove)});
  EXPECT_THAT(Names(ItemsOfRelease(*library_->Read(), "shop", "1.0.0")), ElementsAre("app@1.0.0"));
  EXPECT_THAT(Names(ItemsOfRelease(*library_->Read(), "shop", "1.0.1")),
              ElementsAre("RELEASE_NOT_FOUND"));
}

TEST_F(DeployedItemsTest, LaterReleasesTakeAwayWhatEarlierOnesBrought) {
  const VariantName app1 = Publish("app", "1.0.0");
  const VariantName app2 = Publish("app", "2.0.0");
  const VariantName lib = Publish("lib", "1.0.0");
  EXPECT_THAT(In("production/eu"), ElementsAre("NOTHING_DEPLOYED"));
  EXPECT_THAT(In("mars"), ElementsAre("ENVIRONMENT_NOT_FOUND"));
  const Digest first =
      releases_.Seal("shop", "1.0.0", "production", {releases_.Item(app1), releases_.Item(lib)});
  EXPECT_THAT(In("production/eu"), ElementsAre("NOTHING_DEPLOYED")) << "it was only sealed";
  releases_.Move(first, "production/eu", {E::kStart});
  EXPECT_THAT(In("production/eu"), ElementsAre("app@1.0.0", "lib@1.0.0")) << "some nodes have it";
  releases_.Move(first, "production/eu", {E::kFinish});
  const Digest second =
      releases_.Seal("shop", "2.0.0", "production",
                     {releases_.Upgrade(app1, app2), releases_.Item(lib, ReleaseAction::kRemove)});
  releases_.Move(second, "production/eu", {E::kStart});
  EXPECT_THAT(In("production/eu"), ElementsAre("app@1.0.0", "app@2.0.0", "lib@1.0.0"))
      << "some nodes still have what it takes away";
  releases_.Move(second, "production/eu", {E::kFinish});
  EXPECT_THAT(In("production/eu"), ElementsAre("app@2.0.0"));
  // What is below an environment is in it.
  EXPECT_THAT(In("production"), ElementsAre("app@2.0.0"));
  EXPECT_THAT(In("test"), ElementsAre("NOTHING_DEPLOYED"));
  releases_.Move(second, "production/eu", {E::kBackOut});
  EXPECT_THAT(In("production/eu"), ElementsAre("app@1.0.0", "lib@1.0.0"));
}

TEST_F(DeployedItemsTest, AfterAReviewNothingCountsAsTakenAway) {
  const VariantName app1 = Publish("app", "1.0.0");
  const VariantName app2 = Publish("app", "2.0.0");
  releases_.Deploy(releases_.Seal("shop", "1.0.0", "production", {releases_.Item(app1)}),
                   "production");
  const Digest second =
      releases_.Seal("shop", "2.0.0", "production", {releases_.Upgrade(app1, app2)});
  releases_.Deploy(second, "production");
  releases_.Move(second, "production", {E::kReview});
  EXPECT_THAT(In("production"), ElementsAre("app@1.0.0", "app@2.0.0"))
      << "it may have been backed out before";
}

}  // namespace
}  // namespace dml
