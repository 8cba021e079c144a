#include "core/release/release_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/release/release_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using testing::Install;
using ::testing::IsEmpty;
using testing::ReleaseOf;
using testing::Remove;
using testing::Upgrade;
using testing::Variant;

TEST(ReleaseDiffTest, OfOneAndTheSameThereIsNone) {
  const Release release = ReleaseOf({Install("acme/a@1.0.0"), Remove("acme/b@1.0.0")});
  EXPECT_TRUE(DiffReleases(release, release, {}).empty());
}

TEST(ReleaseDiffTest, ItemsByPackage) {
  const Release before = ReleaseOf({Install("acme/gone@1.0.0"), Install("acme/up@1.0.0")});
  const Release after = ReleaseOf({Upgrade("acme/up@1.1.0", "1.0.0"), Install("acme/new@1.0.0")});
  const VariantFactsMap facts = {{Variant("acme/up@1.0.0"), {"MIT", 100}},
                                 {Variant("acme/up@1.1.0"), {"Apache-2.0", 130}},
                                 {Variant("acme/gone@1.0.0"), {"MIT", 50}}};
  const ReleaseDiff diff = DiffReleases(before, after, facts);
  ASSERT_EQ(diff.items.size(), 3u);
  EXPECT_EQ(diff.items[0].kind, DiffKind::kRemoved);
  EXPECT_EQ(diff.items[0].before->variant, Variant("acme/gone@1.0.0"));
  EXPECT_FALSE(diff.items[0].after.has_value());
  EXPECT_EQ(diff.items[1].kind, DiffKind::kAdded);
  EXPECT_EQ(diff.items[1].after->variant, Variant("acme/new@1.0.0"));
  EXPECT_FALSE(diff.items[1].facts_after.has_value()) << "nobody knows them";
  EXPECT_EQ(diff.items[2].kind, DiffKind::kChanged);
  EXPECT_THAT(diff.items[2].parts,
              ElementsAre("version", "manifest", "action", "previous", "license", "size"));
  EXPECT_EQ(diff.bytes, 130 - 100 - 50);
}

TEST(ReleaseDiffTest, WhatIsRemovedTakesNoRoom) {
  const VariantFactsMap facts = {{Variant("acme/a@1.0.0"), {"MIT", 100}}};
  const Release installs = ReleaseOf({Install("acme/a@1.0.0")});
  const Release removes = ReleaseOf({Remove("acme/a@1.0.0")});
  EXPECT_EQ(DiffReleases(installs, removes, facts).bytes, -100);
  EXPECT_EQ(DiffReleases(removes, installs, facts).bytes, 100);
  EXPECT_THAT(DiffReleases(installs, removes, facts).items[0].parts, ElementsAre("action"));
}

TEST(ReleaseDiffTest, VersionsSideBySideAreApart) {
  const Release before = ReleaseOf({Install("acme/a@1.0.0"), Install("acme/a@2.0.0")});
  const Release after = ReleaseOf({Install("acme/a@2.0.0"), Install("acme/a@3.0.0")});
  const ReleaseDiff diff = DiffReleases(before, after, {});
  ASSERT_EQ(diff.items.size(), 2u);
  EXPECT_EQ(diff.items[0].kind, DiffKind::kRemoved);
  EXPECT_EQ(diff.items[1].kind, DiffKind::kAdded);
}

TEST(ReleaseDiffTest, ChangesById) {
  Release before = ReleaseOf({Install("acme/a@1.0.0")});
  Release after = before;
  before.changes.push_back(testing::Change("CHG-2"));
  after.changes.push_back(testing::Change("CHG-3"));
  after.changes[0].title = "Otherwise";
  const ReleaseDiff diff = DiffReleases(before, after, {});
  ASSERT_EQ(diff.changes.size(), 3u);
  EXPECT_EQ(diff.changes[0].kind, DiffKind::kChanged);
  EXPECT_EQ(diff.changes[0].after->title, "Otherwise");
  EXPECT_EQ(diff.changes[1].kind, DiffKind::kRemoved);
  EXPECT_EQ(diff.changes[2].kind, DiffKind::kAdded);
  EXPECT_THAT(diff.items, IsEmpty());
}

TEST(ReleaseDiffTest, MembersOfTheWhole) {
  const Release before = ReleaseOf({Install("acme/a@1.0.0")});
  Release after = before;
  after.name = "other";
  after.version = "1.1.0";
  after.type = ReleaseType::kMajor;
  after.environments = {"production", "staging"};
  after.window = {{*ParseTime("2027-01-01T00:00:00Z"), *ParseTime("2027-01-02T00:00:00Z")}};
  after.evidence = {"https://slsa.dev/provenance/v1"};
  after.risk = {{"p-1", 7}};
  after.back_out = Sha256("x");
  EXPECT_THAT(
      DiffReleases(before, after, {}).members,
      ElementsAre(MemberDiff{"name", "payments", "other"}, MemberDiff{"version", "1.0.0", "1.1.0"},
                  MemberDiff{"type", "MINOR", "MAJOR"},
                  MemberDiff{"environments", "production", "production, staging"},
                  MemberDiff{"window", "", "2027-01-01T00:00:00Z to 2027-01-02T00:00:00Z"},
                  MemberDiff{"evidence", "", "https://slsa.dev/provenance/v1"},
                  MemberDiff{"risk", "", "up to 7 by p-1"},
                  MemberDiff{"backOut", "BASELINE", Sha256("x").ToString()}));
}

}  // namespace
}  // namespace dml
