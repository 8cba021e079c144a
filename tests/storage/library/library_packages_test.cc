#include "storage/library/library_packages.h"

#include <gmock/gmock.h>

#include "core/compat/resolver.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::SpecBuilder;
using testing::Target;
using testing::TestLibrary;
using ::testing::UnorderedElementsAre;

class LibraryPackagesTest : public ::testing::Test {
 protected:
  LibraryPackagesTest() { EXPECT_TRUE(library_.Commit(NamespaceCreated{"other", "", {}}).ok()); }

  void Publish(const PackageSpec& spec) {
    const auto receipt = library_.Publish(spec);
    ASSERT_TRUE(receipt.ok()) << receipt.status();
  }
  absl::StatusOr<std::vector<std::string>> Find(RelationKind kind, const std::string& name,
                                                LibraryPackagesOptions options = {}) {
    const auto state = library_->Read();
    DML_ASSIGN_OR_RETURN(auto packages,
                         LibraryPackages::Open(*state, trust_, specs_, std::move(options)));
    DML_ASSIGN_OR_RETURN(auto found, packages->FindProviders(kind, name));
    std::vector<std::string> out;
    for (const SourcePackage& package : found) {
      out.push_back(package.spec->package.ToString() + " " + package.spec->version.text());
      EXPECT_TRUE(Digest::Parse(package.manifest).ok()) << package.manifest;
    }
    return out;
  }
  std::vector<std::string> Versions(const std::string& name, LibraryPackagesOptions options = {}) {
    const auto found = Find(RelationKind::kPackage, name, std::move(options));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(std::vector<std::string>());
  }

  TestLibrary library_;
  TrustCache trust_;
  SpecCache specs_;
};

TEST_F(LibraryPackagesTest, FindsVersionsAndWhoProvidesAName) {
  Publish(SpecBuilder("acme/lib", "1").Build());
  Publish(SpecBuilder("acme/lib", "10").Provides(RelationKind::kPackage, "acme/lib", "9").Build());
  Publish(SpecBuilder("acme/library", "1").Build());
  Publish(SpecBuilder("acme/fork", "3")
              .Provides(RelationKind::kPackage, "acme/lib", "2")
              .Provides(RelationKind::kPackage, "acme/lib", "1")
              .Provides(RelationKind::kAbi, "lib.so", "1")
              .Build());
  EXPECT_THAT(Versions("acme/lib"), ElementsAre("acme/lib 10", "acme/lib 1", "acme/fork 3"))
      << "each once";
  EXPECT_THAT(*Find(RelationKind::kAbi, "lib.so"), ElementsAre("acme/fork 3"));
  EXPECT_THAT(*Find(RelationKind::kAbi, "acme/lib"), IsEmpty());
  EXPECT_THAT(Versions("acme/none"), IsEmpty());
  EXPECT_THAT(Versions("no name"), IsEmpty());
}

TEST_F(LibraryPackagesTest, WhatMayNotBeDeployedIsNoCandidate) {
  for (const char* version : {"1", "2", "3"}) {
    Publish(SpecBuilder("acme/lib", version).Provides(RelationKind::kAbi, "so").Build());
  }
  ASSERT_TRUE(
      library_.Commit(VersionWithdrawn{NameOf(SpecBuilder("acme/lib", "2").Build()), "bad"}).ok());
  Command waiting = library_.PublishCommand(
      SpecBuilder("acme/lib", "4").Provides(RelationKind::kAbi, "so").Build());
  auto& published = std::get<VersionPublished>(waiting.payload);
  published.admission = AdmissionState::kQuarantined;
  published.quarantine_reason = "to be scanned";
  ASSERT_TRUE(library_->Commit(std::move(waiting)).ok());
  EXPECT_THAT(Versions("acme/lib"), ElementsAre("acme/lib 3", "acme/lib 1"));
  EXPECT_THAT(*Find(RelationKind::kAbi, "so"), UnorderedElementsAre("acme/lib 1", "acme/lib 3"));

  ASSERT_TRUE(library_.Commit(KeyRevoked{library_.publisher().public_key().id(), "lost"}).ok());
  EXPECT_THAT(Versions("acme/lib"), IsEmpty()) << "nobody vouches for it any more";
}

TEST_F(LibraryPackagesTest, ASnapshotStaysAsItWas) {
  Publish(SpecBuilder("acme/lib", "1").Build());
  const auto before = library_->Read();
  auto packages = *LibraryPackages::Open(*before, trust_, specs_, {});
  Publish(SpecBuilder("acme/lib", "2").Build());
  EXPECT_EQ(packages->FindProviders(RelationKind::kPackage, "acme/lib")->size(), 1u);
  EXPECT_EQ(Versions("acme/lib").size(), 2u);
}

TEST_F(LibraryPackagesTest, OnlyNamespacesThatOneSees) {
  Publish(SpecBuilder("acme/lib", "1").Build());
  Publish(SpecBuilder("other/fork", "1").Provides(RelationKind::kPackage, "acme/lib", "2").Build());
  LibraryPackagesOptions options;
  options.sees = [](std::string_view ns) { return ns == "other"; };
  EXPECT_THAT(Versions("acme/lib", options), ElementsAre("other/fork 1"));
}

TEST_F(LibraryPackagesTest, StopsAndIsBounded) {
  for (const char* version : {"1", "2", "3"}) Publish(SpecBuilder("acme/lib", version).Build());
  LibraryPackagesOptions options;
  int asked = 0;
  options.stop = [&asked] { return ++asked == 2; };
  EXPECT_EQ(Find(RelationKind::kPackage, "acme/lib", options).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 2) << "and nothing more is read";
  options = {};
  options.max_document_bytes = 2 * FormatPackageSpec(SpecBuilder("acme/lib", "1").Build()).size();
  EXPECT_EQ(Reason(Find(RelationKind::kPackage, "acme/lib", options).status()),
            "UNIVERSE_TOO_LARGE");
}

TEST_F(LibraryPackagesTest, SpecsAreReadOnceAndTheLastOnesKept) {
  std::vector<BlobRef> documents;
  for (const char* version : {"1", "2", "3"}) {
    const PackageSpec spec = SpecBuilder("acme/lib", version).Build();
    Publish(spec);
    const std::string bytes = FormatPackageSpec(spec);
    documents.push_back({Sha256(bytes), bytes.size()});
  }
  const auto state = library_->Read();
  SpecCache cache(documents[0].size * 2);
  const auto first = *cache.Get(*state, documents[0]);
  EXPECT_EQ(first->version.text(), "1");
  EXPECT_EQ(*cache.Get(*state, documents[0]), first) << "parsed again";
  ASSERT_TRUE(cache.Get(*state, documents[1]).ok());
  EXPECT_EQ(*cache.Get(*state, documents[0]), first);
  ASSERT_TRUE(cache.Get(*state, documents[2]).ok());
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.document_bytes(), documents[0].size * 2);
  EXPECT_EQ(*cache.Get(*state, documents[0]), first) << "the one used last was dropped";
  EXPECT_EQ(Reason(cache.Get(*state, {Sha256("none"), 4}).status()), "METADATA_NOT_FOUND");
  SpecCache none(1);
  ASSERT_TRUE(none.Get(*state, documents[0]).ok());
  EXPECT_EQ(none.size(), 0u) << "larger than all that is kept";
}

TEST_F(LibraryPackagesTest, AResolverFindsWhatTheLibraryHas) {
  Publish(SpecBuilder("acme/app", "1").Requires({Target("acme/lib", "vers:deb/>=2")}).Build());
  for (const char* version : {"1", "2", "3"}) Publish(SpecBuilder("acme/lib", version).Build());
  ASSERT_TRUE(
      library_.Commit(VersionWithdrawn{NameOf(SpecBuilder("acme/lib", "3").Build()), "bad"}).ok());
  const auto state = library_->Read();
  auto packages = *LibraryPackages::Open(*state, trust_, specs_, {});
  ResolveRequest request;
  request.wanted.push_back(Target("acme/app"));
  SolveBudget budget;
  const auto resolution = Resolve(*packages, request, budget);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  ASSERT_EQ(resolution->solvable, Solvable::kYes);
  ASSERT_EQ(resolution->packages.size(), 2u);
  EXPECT_EQ(resolution->packages[1].spec->version.text(), "2") << "3 was withdrawn";
}

}  // namespace
}  // namespace dml
