// What is in use in a library's environments, by the releases that went there.
#include "storage/library/inventory.h"

#include <gmock/gmock.h>

#include "tests/support/deployed_library.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::SpecBuilder;

class InventoryTest : public ::testing::Test {
 protected:
  InventoryTest() : deployed_(library_) {
    for (const char* name : {"production", "production/eu", "test"}) {
      EXPECT_TRUE(library_.Commit(EnvironmentCreated{name, "", {}}).ok());
    }
    for (const char* version : {"1", "2"}) {
      EXPECT_TRUE(library_.Publish(SpecBuilder("acme/api", version).Build()).ok());
    }
    EXPECT_TRUE(library_.Publish(SpecBuilder("acme/db", "1").Build()).ok());
  }
  static VariantName Variant(const std::string& package, const std::string& version) {
    return NameOf(SpecBuilder("acme/" + package, version).Build());
  }
  // "ENVIRONMENT PACKAGE VERSION STATE RELEASE" of each.
  std::vector<std::string> InUse(const std::string& environment, const std::string& hidden = "",
                                 size_t most = 100) {
    std::vector<std::string> out;
    const absl::Status visited = ReleaseInventory().Visit(
        *library_->Read(), environment, [&](const std::string& name) { return name != hidden; },
        [&](const UsedVariant& used) {
          out.push_back(fmt::format("{} {} {} {} {}", used.environment, used.variant.package.name,
                                    used.variant.version, used.state, used.release));
          return out.size() < most;
        });
    EXPECT_TRUE(visited.ok()) << visited;
    return out;
  }

  testing::TestLibrary library_;
  testing::DeployedLibrary deployed_;
};

TEST_F(InventoryTest, FollowsTheReleases) {
  EXPECT_THAT(InUse(""), IsEmpty());
  const Digest first =
      deployed_.Seal("1", {Variant("api", "1"), Variant("db", "1")}, "production/eu");
  EXPECT_THAT(InUse(""), IsEmpty()) << "sealed is not deployed";
  deployed_.Deploy(first, "production/eu");
  EXPECT_THAT(InUse("production"),
              ElementsAre("production/eu db 1 DEPLOYED releases/payments/versions/1",
                          "production/eu api 1 DEPLOYED releases/payments/versions/1"));
  const Digest second = deployed_.Seal("2", {Variant("api", "2")}, "production/eu");
  deployed_.Move(second, "production/eu", {DeploymentEvent::kStart});
  EXPECT_EQ(InUse("production/eu").size(), 3u) << "old and new beside each other";
  EXPECT_EQ(InUse("production/eu")[0],
            "production/eu api 2 ROLLING_OUT releases/payments/versions/2");
  EXPECT_THAT(InUse("test"), IsEmpty());
  EXPECT_THAT(InUse("", "production/eu"), IsEmpty()) << "what may not be seen is not told";
  EXPECT_EQ(InUse("", "", 1).size(), 1u) << "enough is enough";
}

}  // namespace
}  // namespace dml
