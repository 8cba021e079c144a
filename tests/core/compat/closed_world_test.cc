#include "core/compat/closed_world.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::SpecBuilder;
using testing::Target;
using enum ViolationKind;
using enum RelationKind;
using enum RelationScope;

std::vector<Violation> Check(const std::vector<PackageSpec>& specs) {
  std::vector<const PackageSpec*> set;
  for (const PackageSpec& spec : specs) set.push_back(&spec);
  return CheckClosedSet(set);
}
std::vector<Violation> Check(const std::vector<SpecBuilder>& builders) {
  std::vector<PackageSpec> specs;
  for (const SpecBuilder& builder : builders) specs.push_back(builder.Build());
  return Check(specs);
}

std::vector<ViolationKind> Kinds(const std::vector<SpecBuilder>& builders) {
  std::vector<ViolationKind> out;
  for (const Violation& violation : Check(builders)) out.push_back(violation.kind);
  return out;
}

SpecBuilder App() { return SpecBuilder("acme/app", "1"); }
SpecBuilder Lib(std::string_view version = "2.36") { return SpecBuilder("acme/lib", version); }

TEST(ClosedWorldTest, NothingIsWrongWithNothing) {
  EXPECT_THAT(CheckClosedSet({}), IsEmpty());
  EXPECT_THAT(Kinds({App()}), IsEmpty());
}

TEST(ClosedWorldTest, RequirementsByTable) {
  auto needs = [](std::vector<RelationTarget> any_of) { return App().Requires(std::move(any_of)); };
  RelationTarget lib = Target("acme/lib", "vers:deb/>=2.36|<3");
  struct Case {
    const char* what;
    std::vector<SpecBuilder> set;
    std::vector<ViolationKind> kinds;
  };
  for (const Case& c : std::vector<Case>{
           {"the package itself", {needs({lib}), Lib()}, {}},
           {"nothing there", {needs({lib})}, {kMissing}},
           {"an unknown kind", {needs({Target(kCapability, "acme/lib")}), Lib()}, {kMissing}},
           {"too old", {needs({lib}), Lib("2.35")}, {kWrongVersion}},
           {"any version", {needs({Target("acme/lib")}), Lib("0")}, {}},
           {"another scheme", {needs({lib}), Lib("semver:2.36.0")}, {kNotProven}},
           {"another scheme, any version", {needs({Target("acme/lib")}), Lib("semver:1.0.0")}, {}},
           {"the second alternative", {needs({Target("acme/no"), lib}), Lib()}, {}},
           {"no alternative, as an advisory denies", {needs({})}, {kDenied}},
           {"no version will do",
            {needs({Target("acme/lib", "vers:none/*")}), Lib()},
            {kWrongVersion}},
           {"all of its own", {App().Requires({Target("acme/app", "vers:deb/1")})}, {}},
       }) {
    EXPECT_EQ(Kinds(c.set), c.kinds) << c.what;
  }
}

TEST(ClosedWorldTest, ProvisionsByTable) {
  auto offers = [](std::string_view version) {
    return SpecBuilder("acme/other", "9").Provides(kAbi, "libx.so", version);
  };
  auto any = App().Requires({Target(kAbi, "libx.so")});
  auto ranged = App().Requires({Target(kAbi, "libx.so", "vers:deb/>=2")});
  auto every = App().Requires({Target(kAbi, "libx.so", "vers:deb/*")});
  EXPECT_EQ(Kinds({any, offers("")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({any, offers("1")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({ranged, offers("2")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({ranged, offers("1")}), std::vector{kWrongVersion});
  // Debian Policy 7.5: a provision without a version meets no requirement with a range.
  EXPECT_EQ(Kinds({ranged, offers("")}), std::vector{kWrongVersion});
  EXPECT_EQ(Kinds({every, offers("")}), std::vector{kWrongVersion});
  EXPECT_EQ(Kinds({ranged, offers("semver:2.0.0")}), std::vector{kNotProven});
  // One provider that will do is enough, whatever the others are.
  EXPECT_EQ(Kinds({ranged, offers("semver:2.0.0").Provides(kAbi, "libx.so", "3")}),
            std::vector<ViolationKind>{});
  // A package by another name stands in for it, with the version that it provides.
  EXPECT_EQ(Kinds({App().Requires({Target("acme/lib", "vers:deb/>=2")}),
                   SpecBuilder("acme/other", "1").Provides(kPackage, "acme/lib", "2")}),
            std::vector<ViolationKind>{});
}

TEST(ClosedWorldTest, PlatformsByTable) {
  auto need = [](RelationScope scope) {
    return App().On("linux", "amd64").Requires({Target("acme/lib", "vers:deb/>=2")}, scope);
  };
  EXPECT_EQ(Kinds({need(kNode), Lib().On("linux", "amd64")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({need(kNode), Lib()}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({App().Requires({Target("acme/lib")}), Lib().On("linux", "arm64")}),
            std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({need(kNode), Lib().On("linux", "arm64")}), std::vector{kPlatformMismatch});
  EXPECT_EQ(Kinds({need(kNode), Lib().On("windows", "amd64")}), std::vector{kPlatformMismatch});
  EXPECT_EQ(Kinds({need(kNode), Lib("1").On("linux", "arm64")}), std::vector{kWrongVersion});
  EXPECT_EQ(Kinds({need(kEnvironment), Lib().On("linux", "arm64")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({need(kEveryPeer), Lib().On("linux", "arm64")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({need(kNode), Lib().On("linux", "arm64"), Lib().On("linux", "amd64")}),
            std::vector<ViolationKind>{});
}

TEST(ClosedWorldTest, EveryPeerMustMeetOneAlternative) {
  auto speaks = [](const char* name, std::vector<const char*> versions) {
    SpecBuilder builder(name, "1");
    for (const char* version : versions) builder.Provides(kService, "ledger", version);
    return builder;
  };
  auto app = App().Requires(
      {Target(kService, "ledger", "vers:deb/2"), Target(kService, "ledger", "vers:deb/3")},
      kEveryPeer);
  EXPECT_EQ(Kinds({app}), std::vector{kMissing});
  EXPECT_EQ(Kinds({app, speaks("a/a", {"2"}), speaks("a/b", {"3"})}), std::vector<ViolationKind>{});
  // One peer speaks several versions: one that will do is enough.
  EXPECT_EQ(Kinds({app, speaks("a/a", {"1", "2"})}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({app, speaks("a/a", {"2"}), speaks("a/b", {"semver:2.0.0"})}),
            std::vector{kNotProven});
  auto violations =
      Check({app, speaks("a/a", {"2"}), speaks("a/b", {"1"}), speaks("a/c", {"semver:2.0.0"})});
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].kind, kWrongVersion);
  EXPECT_EQ(violations[0].scope, kEveryPeer);
  EXPECT_THAT(violations[0].found,
              ElementsAre(Candidate{"packages/a/b/versions/1/variants/any", "1"},
                          Candidate{"packages/a/c/versions/1/variants/any", "2.0.0"}));
}

TEST(ClosedWorldTest, ExclusionsByTable) {
  auto lib = Target("acme/lib", "vers:deb/<3");
  EXPECT_EQ(Kinds({App().Conflicts(lib), Lib("2")}), std::vector{kConflict});
  EXPECT_EQ(Kinds({App().Breaks(lib), Lib("2")}), std::vector{kBreaks});
  EXPECT_EQ(Kinds({App().Breaks(lib), Lib("3")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({App().Breaks(lib)}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({App().Replaces(lib), Lib("2")}), std::vector<ViolationKind>{});
  // Not proven to be absent is not absent.
  EXPECT_EQ(Kinds({App().Conflicts(lib), Lib("semver:2.0.0")}), std::vector{kNotProven});
  // On another platform too.
  EXPECT_EQ(Kinds({App().On("linux", "amd64").Conflicts(lib), Lib("2").On("linux", "arm64")}),
            std::vector{kConflict});
  // A conflict with what the package itself provides excludes all others (Debian Policy 7.6.2).
  auto mta = [](const char* name) {
    return SpecBuilder(name, "1").Provides(kPackage, "acme/mta").Conflicts(Target("acme/mta"));
  };
  EXPECT_EQ(Kinds({mta("acme/exim")}), std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({mta("acme/exim"), mta("acme/postfix")}), (std::vector{kConflict, kConflict}));
  // A provision without a version is not met by a range.
  EXPECT_EQ(Kinds({App().Conflicts(Target("acme/mta", "vers:deb/*")), mta("acme/exim")}),
            std::vector<ViolationKind>{});
}

TEST(ClosedWorldTest, OneLineCanBeBrokenAndNotProvenAtOnce) {
  auto violations = Check({App().Breaks(Target(kAbi, "x", "vers:deb/<3")),
                           SpecBuilder("a/a", "1").Provides(kAbi, "x", "2"),
                           SpecBuilder("a/b", "1").Provides(kAbi, "x", "semver:2.0.0")});
  ASSERT_THAT(violations, SizeIs(2));
  EXPECT_EQ(violations[0].kind, kBreaks);
  EXPECT_EQ(violations[1].kind, kNotProven);
  EXPECT_EQ(violations[0].source, "breaks 0");
  EXPECT_EQ(violations[1].source, "breaks 0");
}

TEST(ClosedWorldTest, TwoVersionsOfOnePackage) {
  auto violations = Check({Lib("2"), Lib("1").On("linux", "amd64"), Lib("2").On("linux", "arm64")});
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].kind, kTwoVersions);
  EXPECT_EQ(violations[0].package, "packages/acme/lib");
  EXPECT_THAT(violations[0].found, SizeIs(3));
  EXPECT_EQ(violations[0].remedy,
            "keep one version of acme/lib: packages/acme/lib/versions/1/variants/linux-amd64, "
            "packages/acme/lib/versions/2/variants/any, "
            "packages/acme/lib/versions/2/variants/linux-arm64");
  EXPECT_EQ(Kinds({Lib("2").On("linux", "amd64"), Lib("2").On("linux", "arm64")}),
            std::vector<ViolationKind>{});
  EXPECT_EQ(Kinds({Lib("1.0"), Lib("1.00")}), std::vector{kTwoVersions});
  EXPECT_EQ(Kinds({Lib("1"), SpecBuilder("a/a", "1").Provides(kPackage, "acme/lib", "2")}),
            std::vector<ViolationKind>{});
}

TEST(ClosedWorldTest, ViolationsSayWhoWhatAndWhatWouldChangeThem) {
  auto app = App()
                 .On("linux", "amd64")
                 .Requires({Target("debian/libc6", "vers:deb/>=2.36"), Target("debian/musl")})
                 .Requires({Target(kService, "ledger")}, kEnvironment)
                 .Conflicts(Target("gnu/hello-traditional"));
  auto violations = Check({app, SpecBuilder("debian/libc6", "2.31").On("linux", "amd64"),
                           SpecBuilder("gnu/hello-traditional", "1")});
  ASSERT_THAT(violations, SizeIs(3));
  const Violation& libc = violations[0];
  EXPECT_EQ(libc.package, "packages/acme/app/versions/1/variants/linux-amd64");
  EXPECT_EQ(libc.list, RelationList::kRequires);
  EXPECT_EQ(libc.index, 0u);
  EXPECT_EQ(libc.source, "requires 0");
  EXPECT_EQ(libc.requirement,
            "requires PACKAGE debian/libc6 >= 2.36 or PACKAGE debian/musl on the same node");
  EXPECT_THAT(libc.found, ElementsAre(Candidate{
                              "packages/debian/libc6/versions/2.31/variants/linux-amd64", "2.31"}));
  EXPECT_EQ(libc.remedy,
            "replace packages/debian/libc6/versions/2.31/variants/linux-amd64 with PACKAGE "
            "debian/libc6 >= 2.36 or PACKAGE debian/musl");
  EXPECT_EQ(violations[1].index, 1u);
  EXPECT_EQ(violations[1].scope, kEnvironment);
  EXPECT_EQ(violations[1].remedy, "add SERVICE ledger to the set");
  EXPECT_EQ(violations[2].kind, kConflict);
  EXPECT_EQ(violations[2].remedy,
            "remove packages/gnu/hello-traditional/versions/1/variants/any, or remove "
            "packages/acme/app/versions/1/variants/linux-amd64");
}

TEST(ClosedWorldTest, ManyCandidatesAreCountedAndTheFirstListed) {
  std::vector<SpecBuilder> set = {App().Conflicts(Target("acme/mta"))};
  for (int i = 10; i < 30; ++i) {
    set.push_back(SpecBuilder("acme/m" + std::to_string(i), "1").Provides(kPackage, "acme/mta"));
  }
  auto violations = Check(set);
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].found_count, 20u);
  ASSERT_THAT(violations[0].found, SizeIs(kMaxCandidates));
  EXPECT_EQ(violations[0].found[0].package, "packages/acme/m10/versions/1/variants/any");
  EXPECT_NE(violations[0].remedy.find(" and 12 more, or remove"), std::string::npos);
}

TEST(ClosedWorldTest, RepetitionMeansNothing) {
  auto app = App().Requires({Target("acme/no")}).Build();
  EXPECT_EQ(Check(std::vector{app, app, app}), Check(std::vector{app}));
  ClosedWorld world;
  size_t index = world.Add(app);
  EXPECT_THAT(world.Check(std::vector<size_t>{index, index}), SizeIs(1));
}

TEST(ClosedWorldTest, OnlyTheGivenMembersCount) {
  auto app = App().Requires({Target("acme/lib")}).Build();
  auto lib = Lib().Build();
  ClosedWorld world;
  size_t a = world.Add(app);
  size_t l = world.Add(lib);
  EXPECT_EQ(world.size(), 2u);
  EXPECT_THAT(world.Check(std::vector{a, l}), IsEmpty());
  EXPECT_THAT(world.Check(std::vector{a}), SizeIs(1));
  EXPECT_THAT(world.Check(std::vector{l}), IsEmpty());
}

TEST(ClosedWorldTest, HostileSetsEndAsNotProven) {
  std::vector<PackageSpec> specs;
  for (int i = 0; i < 8; ++i) {
    SpecBuilder builder("acme/p" + std::to_string(i), "1");
    for (int j = 0; j < 2000; ++j) {
      builder.Provides(kAbi, "x", std::to_string(j));
      builder.Requires({Target(kAbi, "x", "vers:deb/>=1:0")});
    }
    specs.push_back(builder.Build());
  }
  auto violations = Check(specs);
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].kind, kNotProven);
  EXPECT_EQ(violations[0].package, "");
  std::reverse(specs.begin(), specs.end());
  EXPECT_EQ(Check(specs), violations);
}

}  // namespace
}  // namespace dml
