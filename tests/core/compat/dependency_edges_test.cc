#include "core/compat/dependency_edges.h"

#include <gmock/gmock.h>

#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SpecBuilder;
using testing::Target;

std::vector<DependencyEdge> Edges(const std::vector<PackageSpec>& specs) {
  std::vector<const PackageSpec*> set;
  for (const PackageSpec& spec : specs) set.push_back(&spec);
  auto edges = DependencyEdges(set, 1000);
  EXPECT_TRUE(edges.ok()) << edges.status();
  return edges.value_or(std::vector<DependencyEdge>());
}

TEST(DependencyEdgesTest, GoToWhatMeetsARequirementByNameOrProvision) {
  const std::vector<PackageSpec> set = {
      SpecBuilder("acme/app", "1.0")
          .Requires({Target("acme/db", "vers:deb/>=2.0"), Target("acme/other")})
          .Requires({Target(RelationKind::kAbi, "libx.so.1")})
          .Requires({Target(RelationKind::kService, "mail")}, RelationScope::kEnvironment)
          .Build(),
      SpecBuilder("acme/db", "2.1").Build(),
      SpecBuilder("acme/db-old", "1.0").Provides(RelationKind::kPackage, "acme/db", "1.5").Build(),
      SpecBuilder("acme/x", "1.0").Provides(RelationKind::kAbi, "libx.so.1").Build(),
      SpecBuilder("acme/mail", "1.0").Provides(RelationKind::kService, "mail", "1.0").Build()};
  EXPECT_THAT(
      Edges(set),
      ElementsAre(DependencyEdge{0, 1, RelationKind::kPackage, RelationScope::kNode},
                  DependencyEdge{0, 3, RelationKind::kAbi, RelationScope::kNode},
                  DependencyEdge{0, 4, RelationKind::kService, RelationScope::kEnvironment}));
}

TEST(DependencyEdgesTest, NotToItselfNorToAnotherPlatformOfOneNode) {
  const std::vector<PackageSpec> set = {
      SpecBuilder("acme/app", "1.0")
          .On("linux", "amd64")
          .Requires({Target("acme/lib")})
          .Requires({Target("acme/app")})
          .Build(),
      SpecBuilder("acme/lib", "1.0").On("linux", "arm64").Build()};
  EXPECT_THAT(Edges(set), IsEmpty());
  std::vector<PackageSpec> apart = set;
  for (Requirement& requirement : apart[0].requires_all) {
    requirement.scope = RelationScope::kEnvironment;
  }
  EXPECT_THAT(Edges(apart), ::testing::SizeIs(1));
}

TEST(DependencyEdgesTest, AVersionOfAnotherSchemeMayMeetIt) {
  const std::vector<PackageSpec> set = {
      SpecBuilder("acme/app", "1.0").Requires({Target("acme/lib", "vers:deb/>=2.0")}).Build(),
      SpecBuilder("acme/lib", "semver:1.0.0").Build()};
  EXPECT_THAT(Edges(set), ::testing::SizeIs(1)) << "not proven is no proof that it is not used";
}

TEST(DependencyEdgesTest, BoundsTheirNumber) {
  std::vector<PackageSpec> specs;
  for (int i = 0; i < 12; ++i) {
    specs.push_back(SpecBuilder("acme/p" + std::to_string(i), "1.0")
                        .Provides(RelationKind::kCapability, "all")
                        .Requires({Target(RelationKind::kCapability, "all")})
                        .Build());
  }
  std::vector<const PackageSpec*> set;
  for (const PackageSpec& spec : specs) set.push_back(&spec);
  EXPECT_EQ(DependencyEdges(set, 12 * 11)->size(), 12u * 11);
  EXPECT_EQ(Reason(DependencyEdges(set, 12 * 11 - 1).status()), "SET_TOO_LARGE");
}

}  // namespace
}  // namespace dml
