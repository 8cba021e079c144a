#include "core/compat/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SpecBuilder;
using testing::Target;
using enum RelationScope;

std::vector<std::string> Names(const Resolution& resolution) {
  std::vector<std::string> out;
  for (const SourcePackage& package : resolution.packages) {
    out.push_back(package.spec->package.name + " " + package.spec->version.text());
  }
  return out;
}

Resolution MustResolve(const PackageSource& source, const ResolveRequest& request) {
  SolveBudget budget;
  auto resolution = Resolve(source, request, budget);
  EXPECT_TRUE(resolution.ok()) << resolution.status();
  return resolution.ok() ? *std::move(resolution) : Resolution{};
}

ResolveRequest Wants(RelationTarget target) {
  ResolveRequest request;
  request.wanted.push_back(std::move(target));
  return request;
}

VariantName Variant(const char* name, const char* version) {
  return {{"acme", name}, version, Platform{}};
}

/// app 2 needs lib >= 2, app 1 any; lib 2 and 3 need tls, of which there is version 1 alone.
MemoryPackageSource Shop() {
  MemoryPackageSource source;
  source.Add(SpecBuilder("acme/app", "1").Requires({Target("acme/lib")}).Build());
  source.Add(SpecBuilder("acme/app", "2").Requires({Target("acme/lib", "vers:deb/>=2")}).Build());
  source.Add(SpecBuilder("acme/lib", "1").Build());
  for (const char* version : {"2", "3"}) {
    source.Add(SpecBuilder("acme/lib", version).Requires({Target("acme/tls")}).Build());
  }
  source.Add(SpecBuilder("acme/tls", "1").Build());
  source.Add(SpecBuilder("acme/old", "1").Conflicts(Target("acme/tls")).Build());
  return source;
}

TEST(ResolverTest, ModesChooseTheirVersions) {
  const MemoryPackageSource source = Shop();
  ResolveRequest request = Wants(Target("acme/app"));
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 2", "lib 3", "tls 1"));
  request.mode = ResolveMode::kOldest;
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 1", "lib 1"));
  request.mode = ResolveMode::kMinimalChange;
  request.in_use = {Variant("lib", "2"), Variant("app", "1"), Variant("tls", "1")};
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 1", "lib 2", "tls 1"));
  request.wanted = {Target("acme/app", "vers:deb/2")};
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 2", "lib 2", "tls 1"));
}

TEST(ResolverTest, WhatCannotStayMovesToAnotherVersion) {
  const MemoryPackageSource source = Shop();
  ResolveRequest request = Wants(Target("acme/old"));
  request.mode = ResolveMode::kMinimalChange;
  request.in_use = {Variant("app", "1"), Variant("lib", "2"), Variant("tls", "1")};
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 1", "lib 1", "old 1"));
}

TEST(ResolverTest, AReasonNamesWhoImposesIt) {
  const MemoryPackageSource source = Shop();
  ResolveRequest request = Wants(Target("acme/app", "vers:deb/>=2"));
  request.constraints.push_back({ResolveConstraint::Kind::kPin,
                                 {"acme", "lib"},
                                 *VersionRange::ParseVers("vers:deb/<3"),
                                 "acme.lock"});
  request.constraints.push_back({ResolveConstraint::Kind::kAdvisory,
                                 {"acme", "lib"},
                                 *VersionRange::ParseVers("vers:deb/!=2"),
                                 "DSA-1"});
  const Resolution resolution = MustResolve(source, request);
  EXPECT_EQ(resolution.solvable, Solvable::kNo);
  EXPECT_TRUE(resolution.minimal);
  EXPECT_THAT(
      resolution.reasons,
      ElementsAre(
          "1. PACKAGE acme/app >= 2 is asked for: only acme/app 2 would do",
          "2. acme/app 2 (1) requires PACKAGE acme/lib >= 2 [requires 0]: acme/lib 3 or acme/lib 2 "
          "would do",
          "3. acme/lib 3 (2) is excluded by your pin, which allows < 3 of acme/lib [acme.lock]",
          "4. acme/lib 2 (2) is excluded by advisory, which allows != 2 of acme/lib [DSA-1]"));
}

TEST(ResolverTest, SameReasonsShareALine) {
  MemoryPackageSource source;
  for (int i = 1; i <= 60; ++i) {
    source.Add(SpecBuilder("acme/app", std::to_string(i)).Requires({Target("acme/gone")}).Build());
  }
  const Resolution resolution = MustResolve(source, Wants(Target("acme/app")));
  EXPECT_THAT(
      resolution.reasons,
      ElementsAre("1. PACKAGE acme/app is asked for: acme/app 60, acme/app 59, acme/app 58, "
                  "acme/app 57 or 56 more would do",
                  "2. acme/app 60 (1), acme/app 59 (1), acme/app 58 (1), acme/app 57 (1) "
                  "and 56 more each: requires PACKAGE acme/gone [requires 0], which "
                  "nothing provides"));
}

TEST(ResolverTest, LongReasonsAreCut) {
  MemoryPackageSource source;
  for (int i = 1; i <= 60; ++i) {
    source.Add(SpecBuilder("acme/app", std::to_string(i))
                   .Requires({Target("acme/gone" + std::to_string(i))})
                   .Build());
  }
  const Resolution resolution = MustResolve(source, Wants(Target("acme/app")));
  ASSERT_EQ(resolution.reasons.size(), 20u);
  EXPECT_EQ(resolution.reasons.back(), "... and 42 more reasons");
}

TEST(ResolverTest, WhyNotAndCompatibleVersions) {
  const MemoryPackageSource source = Shop();
  const ResolveRequest request = Wants(Target("acme/old"));
  SolveBudget budget;
  const Resolution why = *WhyNot(source, request, Target("acme/lib", "vers:deb/3"), budget);
  EXPECT_EQ(why.solvable, Solvable::kNo);
  EXPECT_THAT(why.reasons.back(),
              AllOf(HasSubstr("acme/old 1"), HasSubstr("conflicts with"), HasSubstr("acme/tls 1")));
  EXPECT_EQ(WhyNot(source, request, Target("acme/lib", "vers:deb/1"), budget)->solvable,
            Solvable::kYes);
  std::vector<std::string> answers;
  const auto versions = CompatibleVersions(source, request, {"acme", "lib"}, budget);
  ASSERT_TRUE(versions.ok());
  for (const VersionAnswer& answer : *versions) {
    answers.push_back(answer.package.spec->version.text() +
                      (answer.solvable == Solvable::kYes ? " yes" : " no"));
  }
  EXPECT_THAT(answers, ElementsAre("3 no", "2 no", "1 yes"));
  EXPECT_THAT(*CompatibleVersions(source, request, {"acme", "none"}, budget), IsEmpty());
}

TEST(ResolverTest, OnlyWhatFitsThePlatformIsTaken) {
  MemoryPackageSource source;
  source.Add(SpecBuilder("acme/app", "2").On("linux", "arm64").Build());
  source.Add(SpecBuilder("acme/app", "1").On("linux", "amd64").Build());
  ResolveRequest request = Wants(Target("acme/app"));
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 2"));
  request.platform = {"linux", "amd64", ""};
  EXPECT_THAT(Names(MustResolve(source, request)), ElementsAre("app 1"));
}

TEST(ResolverTest, StopsWhenToldTo) {
  const MemoryPackageSource source = Shop();
  SolveBudget spent(10);
  const Resolution resolution = *Resolve(source, Wants(Target("acme/app")), spent);
  EXPECT_EQ(resolution.solvable, Solvable::kUndecided);
  EXPECT_THAT(resolution.reasons, ElementsAre(HasSubstr("undecided after")));
}

}  // namespace
}  // namespace dml
